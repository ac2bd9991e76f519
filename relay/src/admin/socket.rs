//! The socket's file: found, made, and taken away again.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tokio::net::{UnixListener, UnixStream};

use super::SOCKET;

/// Greatest length of a socket's path, in bytes: 108 on Linux, 104 elsewhere, with the zero at its end.
const MAX_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// A relay answers there.
    #[error("another relay answers on it")]
    Live,
    /// Something that is no socket lies there.
    #[error("there is something else of that name; move it away")]
    Occupied,
    /// The path is too long for a socket.
    #[error(
        "the path is longer than a socket's may be ({MAX_PATH} bytes); choose a shorter one with --data-dir"
    )]
    TooLong,
    /// The system says no.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A listening socket's file, removed on drop.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Fails only if somebody was quicker.
        let _ = fs::remove_file(&self.0);
    }
}

/// Whether nobody listens in a data directory, and nothing else is in the way.
pub(crate) async fn check(data_dir: &Path) -> Result<(), SocketError> {
    match fs::symlink_metadata(data_dir.join(SOCKET)) {
        Ok(there) if !there.file_type().is_socket() => Err(SocketError::Occupied),
        Ok(_) if connect(data_dir).await.is_ok() => Err(SocketError::Live),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Listens in a data directory. The socket of a relay that died is replaced, that of a living one is not.
pub(crate) async fn listen(data_dir: &Path) -> Result<(UnixListener, SocketFile), SocketError> {
    check(data_dir).await?;
    let path = data_dir.join(SOCKET);
    // Under another name first: nobody can connect before the permissions are right, and an old socket is
    // replaced in one step.
    let new = data_dir.join(format!("{SOCKET}.new"));
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let short = Short::of(data_dir, &format!("{SOCKET}.new"))?;
    let listener = UnixListener::bind(&short.path)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
    fs::rename(&new, &path)?;
    Ok((listener, SocketFile(path)))
}

/// Connects to the relay that listens in a data directory.
pub(super) async fn connect(data_dir: &Path) -> Result<UnixStream, SocketError> {
    let short = Short::of(data_dir, SOCKET)?;
    Ok(UnixStream::connect(&short.path).await?)
}

/// Whether the other side is this user, or root. The file's mode says the same where the system heeds it.
pub(super) fn is_allowed(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

/// A path that fits into a socket's address. The directory stays open as long as this.
struct Short {
    path: PathBuf,
    _directory: Option<fs::File>,
}

impl Short {
    fn of(directory: &Path, name: &str) -> Result<Self, SocketError> {
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
        Err(SocketError::TooLong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_there(directory: &Path) -> bool {
        directory.join(SOCKET).exists()
    }

    #[tokio::test]
    async fn socket_of_a_dead_relay_is_replaced_and_that_of_a_living_one_is_not() {
        let directory = tempfile::TempDir::new().unwrap();
        let (listener, file) = listen(directory.path()).await.unwrap();
        assert!(matches!(listen(directory.path()).await, Err(SocketError::Live)));
        // Killed: nobody listens, the file stays.
        drop(listener);
        std::mem::forget(file);
        assert!(is_there(directory.path()));
        let (_listener, file) = listen(directory.path()).await.unwrap();
        connect(directory.path()).await.unwrap();
        drop(file);
        assert!(!is_there(directory.path()), "taken away at the end");
    }

    #[tokio::test]
    async fn socket_is_the_owners_alone() {
        let directory = tempfile::TempDir::new().unwrap();
        let (_listener, _file) = listen(directory.path()).await.unwrap();
        let mode = fs::metadata(directory.path().join(SOCKET)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn somebodys_file_of_that_name_is_left_alone() {
        let directory = tempfile::TempDir::new().unwrap();
        fs::write(directory.path().join(SOCKET), "mine").unwrap();
        assert!(matches!(listen(directory.path()).await, Err(SocketError::Occupied)));
        assert_eq!(fs::read(directory.path().join(SOCKET)).unwrap(), b"mine");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn path_that_is_too_long_for_a_socket_works_all_the_same() {
        let directory = tempfile::TempDir::new().unwrap();
        let deep = directory.path().join("d".repeat(100)).join("e".repeat(100));
        fs::create_dir_all(&deep).unwrap();
        let (_listener, _file) = listen(&deep).await.unwrap();
        connect(&deep).await.unwrap();
    }
}
