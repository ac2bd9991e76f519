//! Commands that root gives, done as the owner of the data directory.
//!
//! A service's directory belongs to the service's user. What root wrote there by its path, that user could lead
//! elsewhere by a link in the way; and what root made there, the service could not open. So the work is done by a thread
//! that has given up being root: to Linux the user is a matter of threads.

use std::{io, path::Path};

/// Does the work as whoever owns `directory`, if that is somebody else than root and this is root; as ever otherwise.
/// What has to be opened with root's rights has to be open before. Blocks.
///
/// # Errors
/// When the thread cannot be made or cannot give its rights up; the work is not begun then.
pub(crate) fn act<T: Send>(directory: &Path, work: impl FnOnce() -> T + Send) -> io::Result<T> {
    match owner_to_become(directory)? {
        None => Ok(work()),
        Some(owner) => std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("owner".into());
            let acting = thread.spawn_scoped(scope, move || owner.become_it().map(|()| work()))?;
            acting.join().map_err(|_| io::Error::other("the work was interrupted"))?
        }),
    }
}

#[cfg(target_os = "linux")]
struct Owner(rustix::process::Uid, rustix::process::Gid);

#[cfg(target_os = "linux")]
impl Owner {
    /// This thread is theirs from now on, and so are those that it starts.
    fn become_it(self) -> io::Result<()> {
        use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
        set_thread_groups(&[])?;
        set_thread_res_gid(self.1, self.1, self.1)?;
        // With the user go the capabilities.
        Ok(set_thread_res_uid(self.0, self.0, self.0)?)
    }
}

/// A directory that is not there yet will be root's.
#[cfg(target_os = "linux")]
fn owner_to_become(directory: &Path) -> io::Result<Option<Owner>> {
    use std::os::unix::fs::MetadataExt;
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    match std::fs::metadata(directory) {
        Ok(there) if there.uid() != 0 => Ok(Some(Owner(
            rustix::process::Uid::from_raw(there.uid()),
            rustix::process::Gid::from_raw(there.gid()),
        ))),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(not(target_os = "linux"))]
enum Owner {}

#[cfg(not(target_os = "linux"))]
impl Owner {
    fn become_it(self) -> io::Result<()> {
        match self {}
    }
}

/// Elsewhere root stays root.
#[cfg(not(target_os = "linux"))]
fn owner_to_become(_: &Path) -> io::Result<Option<Owner>> {
    Ok(None)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{fs, os::unix::fs::MetadataExt};

    use super::*;

    #[test]
    fn what_root_makes_belongs_to_the_directorys_owner_and_follows_no_link_out_of_it() {
        if !rustix::process::geteuid().is_root() {
            assert!(std::env::var_os("CI").is_none(), "needs root");
            eprintln!("skipped: needs root");
            return;
        }
        let (home, elsewhere) = (tempfile::TempDir::new().unwrap(), tempfile::TempDir::new().unwrap());
        std::os::unix::fs::chown(home.path(), Some(12345), Some(12345)).unwrap();
        fs::write(elsewhere.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), home.path().join("way")).unwrap();
        let (made, lured) = act(home.path(), || {
            (fs::write(home.path().join("made"), "x"), fs::write(home.path().join("way/secret"), "y"))
        })
        .unwrap();
        made.unwrap();
        assert_eq!(fs::metadata(home.path().join("made")).unwrap().uid(), 12345);
        assert_eq!(lured.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        // The rest of the program is who it was.
        assert!(rustix::process::geteuid().is_root());
    }
}
