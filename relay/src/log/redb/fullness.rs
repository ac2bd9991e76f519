//! A disk without space, as a write has found it: what is free below the reserve says it earlier, but there may be none.

use std::{
    io::{self, Write},
    path::Path,
};

/// What has to fit on the disk before it is believed to have space again: more than most transactions take.
const TRIAL: usize = 1 << 20;

/// Whether it is for want of space that a write failed.
pub(super) fn is_told_by(error: &redb::Error) -> bool {
    let redb::Error::Io(error) = error else { return false };
    is_want_of_space(error)
}

/// The same of what the system says.
pub(super) fn is_want_of_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether the disk takes a file again, which leaves nothing behind. A quota may refuse where the file system has space.
/// Where less than twice as much is free, it is not tried: somebody's message may need that.
pub(super) fn is_over(directory: &Path, available: Option<u64>) -> bool {
    let tried = || {
        let mut file = tempfile::tempfile_in(directory)?;
        file.write_all(&vec![0; TRIAL])?;
        file.sync_data()
    };
    available.is_none_or(|bytes| bytes >= 2 * TRIAL as u64) && tried().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_want_of_space_is_told_as_that() {
        for (kind, is_full) in [
            (io::ErrorKind::StorageFull, true),
            (io::ErrorKind::QuotaExceeded, true),
            (io::ErrorKind::Other, false),
        ] {
            assert_eq!(is_told_by(&redb::Error::Io(kind.into())), is_full, "{kind}");
        }
    }

    #[test]
    fn disk_is_believed_to_have_space_when_it_takes_a_file() {
        let directory = tempfile::TempDir::new().unwrap();
        assert!(is_over(directory.path(), None));
        assert!(!is_over(directory.path(), Some(TRIAL as u64)), "what is left is for messages");
        assert!(!is_over(&directory.path().join("gone"), None));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
