//! A certificate in PEM files, read again when they change.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use certs::{CertsError, ServerCertificate};

/// A pair of files, and what they held when they last made sense.
pub(super) struct Files {
    cert: PathBuf,
    key: PathBuf,
    last: Mutex<Last>,
}

struct Last {
    certificate: ServerCertificate,
    /// How both files looked before they were read; `None` when that read failed, so that the next look tries
    /// again whatever they look like.
    seen: Option<[Look; 2]>,
}

/// How a file looks from outside. Links are followed, so that a link (or a directory on the way) that was turned
/// to another file is a change, as certbot and Kubernetes renew.
#[derive(Debug, PartialEq, Eq)]
struct Look {
    modified: Option<SystemTime>,
    length: u64,
    /// Device, inode, and seconds and nanoseconds of the last change of the inode; zeros where there are none.
    inode: (u64, u64, i64, i64),
}

impl Files {
    pub(super) fn open(cert: &Path, key: &Path) -> Result<Self, CertsError> {
        let seen = looks(cert, key).ok();
        let certificate = certs::load_pem(cert, key)?;
        let last = Mutex::new(Last { certificate, seen });
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), last })
    }

    /// What they held when they last made sense.
    pub(super) fn certificate(&self) -> ServerCertificate {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).certificate.clone()
    }

    /// Reads them again if they look different from last time, or if `anyway`; whether there is something new.
    ///
    /// # Errors
    /// When they make no sense together, as while somebody is replacing them. What they held before stays.
    pub(super) fn look(&self, anyway: bool) -> Result<bool, CertsError> {
        // Looked at before they are read: what changes in between is seen next time.
        let now = looks(&self.cert, &self.key).ok();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !anyway && now.is_some() && last.seen == now {
            return Ok(false);
        }
        last.seen = None;
        let certificate = certs::load_pem(&self.cert, &self.key)?;
        let is_new = anyway || certificate.chain != last.certificate.chain;
        *last = Last { certificate, seen: now };
        Ok(is_new)
    }
}

fn looks(cert: &Path, key: &Path) -> io::Result<[Look; 2]> {
    Ok([look(cert)?, look(key)?])
}

fn look(path: &Path) -> io::Result<Look> {
    let metadata = fs::metadata(path)?;
    #[cfg(unix)]
    let inode = {
        use std::os::unix::fs::MetadataExt;
        (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
    };
    #[cfg(not(unix))]
    let inode = (0, 0, 0, 0);
    Ok(Look { modified: metadata.modified().ok(), length: metadata.len(), inode })
}

#[cfg(test)]
mod tests {
    use certs::Authority;
    use tempfile::TempDir;

    use super::*;

    struct Pair {
        dir: TempDir,
        authority: Authority,
    }

    impl Pair {
        fn new() -> Self {
            let dir = TempDir::new().unwrap();
            let authority = Authority::load_or_create(dir.path()).unwrap();
            Self { dir, authority }
        }

        fn write(&self, place: &str) -> ServerCertificate {
            let place = self.dir.path().join(place);
            fs::create_dir_all(&place).unwrap();
            let leaf = self.authority.leaf(&["localhost".to_owned()]).unwrap();
            leaf.save(&place).unwrap();
            leaf
        }

        fn open(&self, place: &str) -> Files {
            let place = self.dir.path().join(place);
            Files::open(&place.join(certs::SERVER_CERT_FILE), &place.join(certs::SERVER_KEY_FILE)).unwrap()
        }
    }

    #[test]
    fn files_that_did_not_change_are_not_read_again() {
        let pair = Pair::new();
        pair.write("live");
        let files = pair.open("live");
        assert!(!files.look(false).unwrap());
        let second = pair.write("live");
        assert!(files.look(false).unwrap());
        assert_eq!(files.certificate().chain, second.chain);
        assert!(!files.look(false).unwrap());
    }

    #[test]
    fn mismatched_pair_keeps_the_old_one_and_is_tried_again_though_nothing_changed() {
        let pair = Pair::new();
        let first = pair.write("live");
        let second = pair.write("next");
        let files = pair.open("live");
        let live = pair.dir.path().join("live");
        let next = pair.dir.path().join("next");
        fs::copy(next.join(certs::SERVER_CERT_FILE), live.join(certs::SERVER_CERT_FILE)).unwrap();
        for _ in 0..2 {
            assert!(matches!(files.look(false), Err(CertsError::KeyMismatch { .. })));
            assert_eq!(files.certificate().chain, first.chain);
        }
        fs::copy(next.join(certs::SERVER_KEY_FILE), live.join(certs::SERVER_KEY_FILE)).unwrap();
        assert!(files.look(false).unwrap());
        assert_eq!(files.certificate().chain, second.chain);
    }

    #[test]
    fn half_written_and_missing_files_keep_the_old_pair() {
        let pair = Pair::new();
        let first = pair.write("live");
        let files = pair.open("live");
        let cert = pair.dir.path().join("live").join(certs::SERVER_CERT_FILE);
        let whole = fs::read(&cert).unwrap();
        fs::write(&cert, &whole[..whole.len() / 3]).unwrap();
        assert!(files.look(false).is_err());
        fs::remove_file(&cert).unwrap();
        assert!(files.look(false).is_err());
        fs::write(&cert, &whole).unwrap();
        assert!(!files.look(false).unwrap(), "the same again is nothing new");
        assert_eq!(files.certificate().chain, first.chain);
    }

    #[cfg(unix)]
    #[test]
    fn directory_link_that_turns_to_another_directory_is_noticed() {
        let pair = Pair::new();
        pair.write("2026-01");
        let second = pair.write("2026-02");
        let (link, next) = (pair.dir.path().join("..data"), pair.dir.path().join("..data_tmp"));
        std::os::unix::fs::symlink("2026-01", &link).unwrap();
        let files = pair.open("..data");
        std::os::unix::fs::symlink("2026-02", &next).unwrap();
        fs::rename(&next, &link).unwrap();
        assert!(files.look(false).unwrap());
        assert_eq!(files.certificate().chain, second.chain);
    }
}
