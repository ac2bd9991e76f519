//! The socket: in the profile's directory, for its owner alone.

use std::io;

use crate::store::ProfileDir;

/// File name of the socket.
pub(super) const SOCKET: &str = "daemon.sock";

#[cfg(unix)]
pub(super) use unix::{Listener, Stream, connect, listen};

#[cfg(unix)]
mod unix {
    use std::{
        fs, io,
        os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
        path::{Path, PathBuf},
    };

    use tokio::net::UnixListener;
    pub(in crate::daemon) use tokio::net::UnixStream as Stream;

    use super::SOCKET;
    use crate::{reason::SocketFault, store::ProfileDir};

    /// Greatest length of a socket's path, in bytes: 108 on Linux, 104 elsewhere, with the zero at its end.
    const MAX_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

    /// Listens; the file goes with it.
    pub(in crate::daemon) struct Listener {
        socket: UnixListener,
        /// Whose it is.
        owner: u32,
        path: PathBuf,
    }

    impl Drop for Listener {
        fn drop(&mut self) {
            // Fails only if somebody was quicker.
            let _ = fs::remove_file(&self.path);
        }
    }

    impl Listener {
        /// The next one of this user. Others are hung up on.
        pub(in crate::daemon) async fn accept(&self) -> io::Result<Stream> {
            loop {
                let (stream, _) = self.socket.accept().await?;
                if stream.peer_cred().is_ok_and(|peer| peer.uid() == self.owner) {
                    return Ok(stream);
                }
            }
        }
    }

    /// Listens. Whoever calls this has the profile's lock, so a socket that is there already is a dead daemon's.
    pub(in crate::daemon) fn listen(dir: &ProfileDir) -> io::Result<Listener> {
        let path = dir.path().join(SOCKET);
        match fs::symlink_metadata(&path) {
            Ok(there) if !there.file_type().is_socket() => {
                return Err(SocketFault::Taken(path).into());
            }
            _ => {}
        }
        // Under another name first: nobody can connect before the permissions are right, and an old socket is replaced in
        // one step.
        let new = format!("{SOCKET}.new");
        match fs::remove_file(dir.path().join(&new)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let short = Short::of(dir.path(), &new)?;
        let socket = UnixListener::bind(&short.path)?;
        let new = dir.path().join(&new);
        fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
        let owner = fs::symlink_metadata(&new)?.uid();
        fs::rename(&new, &path)?;
        Ok(Listener { socket, owner, path })
    }

    /// Connects to the daemon of a profile, if it is of the socket's owner.
    pub(in crate::daemon) async fn connect(dir: &ProfileDir) -> io::Result<Stream> {
        let short = Short::of(dir.path(), SOCKET)?;
        let owner = fs::symlink_metadata(&short.path)?.uid();
        let stream = Stream::connect(&short.path).await?;
        if stream.peer_cred()?.uid() != owner {
            return Err(SocketFault::Foreign.into());
        }
        Ok(stream)
    }

    /// A path that fits into a socket's address. The directory stays open as long as this.
    struct Short {
        path: PathBuf,
        _directory: Option<fs::File>,
    }

    impl Short {
        fn of(directory: &Path, name: &str) -> io::Result<Self> {
            let path = directory.join(name);
            if path.as_os_str().len() <= MAX_PATH {
                return Ok(Self { path, _directory: None });
            }
            #[cfg(target_os = "linux")]
            {
                use std::os::fd::AsRawFd;
                let directory = fs::File::open(directory)?;
                let path = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name);
                Ok(Self { path, _directory: Some(directory) })
            }
            #[cfg(not(target_os = "linux"))]
            Err(SocketFault::LongPath.into())
        }
    }
}

#[cfg(not(unix))]
pub(super) use elsewhere::{Listener, Stream, connect, listen};

/// There are no such sockets.
#[cfg(not(unix))]
mod elsewhere {
    use std::{convert::Infallible, io};

    pub(in crate::daemon) use tokio::io::DuplexStream as Stream;

    use crate::store::ProfileDir;

    pub(in crate::daemon) struct Listener(Infallible);

    impl Listener {
        pub(in crate::daemon) async fn accept(&self) -> io::Result<Stream> {
            match self.0 {}
        }
    }

    pub(in crate::daemon) fn listen(_: &ProfileDir) -> io::Result<Listener> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(in crate::daemon) async fn connect(_: &ProfileDir) -> io::Result<Stream> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Connects, if a daemon listens. One that died leaves a socket where nobody answers.
pub(super) async fn reach(dir: &ProfileDir) -> io::Result<Option<Stream>> {
    match connect(dir).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        // The directory is closed to us: whoever opens the profile says so.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_some() => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
