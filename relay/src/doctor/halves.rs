//! The database and the identity belong together: is one of them gone?

use std::{fs, io, path::Path};

use super::{Finding, Patient};
use crate::{
    identity,
    log::redb::{self, DATABASE},
    relay::error::{IDENTITY_REMEDY, LOG_REMEDY, OTHER_REMEDY},
};

const LOG: &str = "database";
const IDENTITY: &str = "identity";

/// What is there of a data directory.
#[derive(Clone, Copy, Debug)]
struct Halves {
    /// Bytes of the database's file.
    log: Option<u64>,
    /// The key that clients pin.
    has_key: bool,
    /// It is another relay's than that of the rooms.
    is_other: bool,
    /// Of the identity, at least something.
    has_identity: bool,
}

/// Looks at both; `rooms` is how many are in the database, where that is known. `None` before the first start.
pub(super) fn check(patient: &Patient, rooms: Option<u64>) -> Option<Finding> {
    match look(&patient.data_dir) {
        Ok(halves) => {
            // The running one has looked when it started.
            let is_other = halves.has_key && patient.status.is_none() && is_other(&patient.data_dir);
            finding(Halves { is_other, ..halves }, rooms, patient.status.is_some())
        }
        // The finding of the data directory has said why.
        Err(_) => None,
    }
}

fn is_other(data_dir: &Path) -> bool {
    let owner = redb::owner(data_dir).ok().flatten();
    let pin = identity::pin(data_dir).ok();
    owner.zip(pin).is_some_and(|(owner, pin)| owner != *pin.as_bytes())
}

fn look(data_dir: &Path) -> io::Result<Halves> {
    let key = data_dir.join(identity::DIRECTORY).join(certs::CA_KEY_FILE);
    Ok(Halves {
        log: length(&data_dir.join(DATABASE))?,
        has_key: length(&key)?.is_some_and(|bytes| bytes > 0),
        is_other: false,
        has_identity: identity::is_there(data_dir)?,
    })
}

fn length(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn finding(halves: Halves, rooms: Option<u64>, is_running: bool) -> Option<Finding> {
    let Halves { log, has_key, has_identity, is_other } = halves;
    let next = if is_running { "; the running relay still has it, and does not start again" } else { "" };
    Some(match log {
        None if !has_identity && !is_running => return None,
        None => Finding::fail(LOG, format!("the log is gone: `{DATABASE}` is missing{next}"), LOG_REMEDY),
        Some(0) => Finding::fail(LOG, format!("the log is gone: `{DATABASE}` is empty{next}"), LOG_REMEDY),
        Some(_) if is_other => Finding::fail(
            IDENTITY,
            "the identity is another relay's than that of the rooms beside it",
            OTHER_REMEDY,
        ),
        Some(_) if has_key => Finding::ok(IDENTITY, "the key that clients pin is there"),
        // With neither room nor certificate nothing is lost but what links say.
        Some(_) if rooms == Some(0) && !has_identity && !is_running => Finding::warn(
            IDENTITY,
            "there is none beside a database without rooms: the next start makes a new one, with another pin",
            "put the directory `identity` back, if links of this relay are about",
        ),
        Some(_) => Finding::fail(
            IDENTITY,
            format!("the key that clients pin is gone: `identity/ca.key`{next}"),
            IDENTITY_REMEDY,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::Level, *};

    const WHOLE: Halves = Halves { log: Some(4096), has_key: true, has_identity: true, is_other: false };

    #[test]
    fn one_half_without_the_other_fails_with_the_way_back() {
        for log in [None, Some(0)] {
            let finding = finding(Halves { log, ..WHOLE }, None, false).unwrap();
            assert_eq!((finding.check, finding.level), (LOG, Level::Fail));
            assert!(finding.remedy.unwrap().contains("relay restore FILE --force"));
        }
        for has_identity in [true, false] {
            let halves = Halves { has_key: false, has_identity, ..WHOLE };
            let finding = finding(halves, Some(1), false).unwrap();
            assert_eq!((finding.check, finding.level), (IDENTITY, Level::Fail));
            assert!(finding.remedy.unwrap().contains("relay restore FILE --force"));
        }
        assert_eq!(finding(WHOLE, Some(1), false).unwrap().level, Level::Ok);
        let other = finding(Halves { is_other: true, ..WHOLE }, Some(1), false).unwrap();
        assert!(other.level == Level::Fail && other.remedy.unwrap().contains("relay accept-identity"));
    }

    #[test]
    fn directory_before_the_first_start_lacks_nothing() {
        let none = Halves { log: None, has_key: false, has_identity: false, is_other: false };
        assert_eq!(finding(none, None, false), None);
        // Taken away under a running relay, it does.
        assert_eq!(finding(none, Some(0), true).unwrap().level, Level::Fail);
        let new = Halves { log: Some(4096), ..none };
        assert_eq!(finding(new, Some(0), false).unwrap().level, Level::Warn);
    }

    #[test]
    fn key_that_is_empty_is_none() {
        let directory = tempfile::TempDir::new().unwrap();
        let identity = directory.path().join(identity::DIRECTORY);
        fs::create_dir(&identity).unwrap();
        fs::write(identity.join(certs::CA_KEY_FILE), "").unwrap();
        let halves = look(directory.path()).unwrap();
        assert!(!halves.has_key && halves.has_identity && halves.log.is_none());
    }
}
