//! Of the profile on the disk: why it cannot be read or written, passphrases, and why a room is over.

use shared::room::CloseReason;

use super::closed;
use crate::{
    failure::{Exit, Failure},
    store::{
        DATABASE, Damage, FEWEST, KeyFault, MAX_CURSOR_NAME, MAX_PASSPHRASE, NoWayIn, Over, PassphraseError,
        StoreError, Unreadable,
    },
};

/// Another directory is the only way on.
const ELSEWHERE: &str = "Name another directory with --profile or SCHAT_PROFILE.";

impl From<&StoreError> for Failure {
    fn from(error: &StoreError) -> Self {
        let (message, remedy) = store(error);
        let remedy = match error {
            StoreError::BadCursor => {
                format!("Use 1 to {MAX_CURSOR_NAME} letters, digits, '.', '_' and '-'.")
            }
            _ => remedy.to_owned(),
        };
        Self::new(error.exit(), error.code(), message, remedy)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

fn store(error: &StoreError) -> (String, &'static str) {
    let unusable = |why: &str| format!("the profile cannot be read or written: {why}");
    let (fixed, remedy) = match error {
        StoreError::Missing(path) => {
            let message = format!("There is no profile in {}.", path.display());
            return (message, "Name another with --profile; schat makes one when it starts.");
        }
        StoreError::NoHome => {
            ("There is no home directory to keep the profile in.", "Name a directory with --profile.")
        }
        StoreError::Locked(path) => {
            let message = format!("the profile in {} is in use by another schat", path.display());
            let remedy = "End the other one, or give this one another --profile. With `schat daemon` many use one profile.";
            return (message, remedy);
        }
        StoreError::ReadOnly(path) => {
            let message = format!(
                "the profile in {} cannot be written: its directory or file system is read-only",
                path.display()
            );
            let remedy = "`schat rooms`, `search`, `export`, `fingerprint` and `verify` work as it is. For all else make it writable, or copy the whole directory elsewhere and name it with --profile.";
            return (message, remedy);
        }
        StoreError::Foreign(path) => {
            let message = format!(
                "the profile in {} belongs to another user, or its permissions keep you out",
                path.display()
            );
            return (message, "Name one of your own with --profile or SCHAT_PROFILE, or leave both out.");
        }
        StoreError::NoDirectory(path) => {
            return (format!("the path {} can be no profile: it is no directory", path.display()), ELSEWHERE);
        }
        StoreError::Place(path, why) => {
            return (format!("the path {} can be no profile: {why}", path.display()), ELSEWHERE);
        }
        StoreError::Full => (
            "the disk is full: what was said last is not saved and not sent",
            "Free some space; schat goes on by itself.",
        ),
        StoreError::NoSpace => (
            "the disk is full, and the profile needs a little room to be opened",
            "Free some space on the disk, then try again.",
        ),
        StoreError::Damaged(what) => {
            let message = format!("the profile is damaged: {}", damage(*what));
            return (message, "Restore a backup of the profile, or begin a new one with --profile.");
        }
        StoreError::WrongKey => (
            "the profile's key file is missing or belongs to another profile",
            "Put the file `key` of this profile back; without it nothing can be read.",
        ),
        StoreError::NeedsPassphrase => {
            ("the profile is locked by a passphrase", "Give its passphrase, or schat unlock it.")
        }
        StoreError::WrongPassphrase => (
            "the passphrase is wrong",
            "Try again. Without the passphrase nothing in the profile can be read.",
        ),
        StoreError::BadKeyFile(fault) => {
            let message = format!("the profile's key file is damaged: {}", key_fault(*fault));
            let remedy = "Put a copy of the file `key` of this profile back; without it nothing can be read.";
            return (message, remedy);
        }
        StoreError::LinkedKey(path) => {
            let message = format!(
                "the key file {} is a symbolic link, and the key that it leads to would stay where it is",
                path.display()
            );
            return (message, "Move the key itself there, then lock or unlock it.");
        }
        StoreError::NoMemory => {
            ("there is not enough memory to open the profile's key", "End other programs, then try again.")
        }
        StoreError::TooNew => ("the profile was written by a later version of schat", "Update schat."),
        StoreError::BadName(error) => return (error.to_string(), "Choose another --name."),
        // Its remedy has a number.
        StoreError::BadCursor => ("That is no name for a cursor.", ""),
        StoreError::TooManyCursors => {
            ("this profile keeps as many cursors as it can", "Use one that is there already.")
        }
        StoreError::TooManyTransfers => (
            "so many files are under way in this profile that no other one is taken",
            "Wait for some of them, or cancel them.",
        ),
        StoreError::TooManyMarks => {
            return (unusable("more people are marked than a profile can hold"), CHECK);
        }
        StoreError::KeyReplaced(heir) => {
            let message = format!(
                "the key of this account was replaced, so whoever uses it may have a stolen device; the account has the fingerprint {heir} now"
            );
            return (message, "Compare the number of the present account with them, and mark that one.");
        }
        StoreError::BeingLinked => (
            "This device is being linked to an account, and is nobody's until then.",
            "Run `schat link` to go on, or `schat link --cancel` to give it up.",
        ),
        StoreError::TooOld => {
            let why = "an earlier version of schat wrote it, and it has to be writable once";
            return (unusable(why), CHECK);
        }
        StoreError::Unwritable => return (unusable("its file system is read-only"), CHECK),
        StoreError::Busy => return (unusable("the database is busy"), CHECK),
        StoreError::Stopping => return (unusable("the program is stopping"), CHECK),
        StoreError::Io(why) => return (unusable(why), CHECK),
    };
    (fixed.to_owned(), remedy)
}

/// Nobody knows more than the system says.
const CHECK: &str = "Check the directory, its permissions and the disk.";

fn damage(what: Damage) -> String {
    let fixed = match what {
        Damage::Database => "not a database",
        Damage::Empty => return format!("{DATABASE} is empty, and its key is there"),
        Damage::Gone => return format!("{DATABASE} is gone, and its key is there"),
        Damage::Type => "a value has the wrong type",
        Damage::Value => "a value was altered",
        Damage::Identity => "identity",
        Damage::Phrase => "the phrase of the recovery key",
        Damage::Synced => "what waits for other devices",
        Damage::DevicesHere => "what devices said of themselves",
        Damage::Offers => "rooms on their way to other devices",
        Damage::Line => "a chat line",
        Damage::Happening => "what happened in a room",
        Damage::Notice => "a notice",
        Damage::Person => "a known person",
        Damage::Draft => "a draft",
        Damage::Token => "a token",
        Damage::Transfer => "a transfer",
        Damage::Place => "the place of a file",
        Damage::Address => "a room's address",
        Damage::Relay => "a known relay",
    };
    fixed.to_owned()
}

fn key_fault(fault: KeyFault) -> &'static str {
    match fault {
        KeyFault::Cost => "its cost is out of bounds",
        KeyFault::Unmade => "it cannot be made",
        KeyFault::NoKey => "it holds no key",
        KeyFault::Short => "it is too short",
        KeyFault::Begin => "it does not begin like a key file",
        KeyFault::Length => "it has the wrong length",
        KeyFault::Checksum => "its checksum is wrong",
        KeyFault::Unopened => "it does not open",
        KeyFault::Unwritten => "it was not written",
    }
}

impl From<PassphraseError> for Failure {
    fn from(error: PassphraseError) -> Self {
        let (message, remedy) = match error {
            PassphraseError::Empty => ("the passphrase is empty".to_owned(), "Give one."),
            PassphraseError::TooLong => {
                (format!("the passphrase is over {MAX_PASSPHRASE} bytes long"), "Give a shorter one.")
            }
            PassphraseError::TooShort => (
                format!(
                    "the passphrase is shorter than {FEWEST} characters: anybody who copies the profile can guess it"
                ),
                "Choose a longer one: five or six random words are good.",
            ),
        };
        Self::new(Exit::Local, "passphrase", message, remedy)
    }
}

/// Why a room is over, and what to do. Of what is told to people by the relay's operator and by members, the characters stand as
/// they came.
pub fn over(why: &Over) -> String {
    let fixed = match why {
        Over::Left => return closed(&CloseReason::Left),
        Over::Archive { open: false } => {
            "This is an archive of version 1, which this program reads and does not speak: to talk on, make the \
             room anew (/create) or ask for a new link."
        }
        Over::Archive { open: true } => {
            "This is an archive of version 1, which this program reads and does not speak: to talk on, join \
             the room again by its name (/join)."
        }
        Over::CameBack(NoWayIn::Alone) => {
            "This room came back from a backup, and nobody else was in it who could let this device in. Make a new one."
        }
        Over::CameBack(NoWayIn::OwnRelay) => {
            "This room came back from a backup; its relay ran on the device that is gone. Make a new one."
        }
        Over::CameBack(NoWayIn::NotIn) => {
            "This room came back from a backup, and this device was not in it. Join it by an invite."
        }
        Over::Closed(reason) => return closed(reason),
        Over::Unreadable(why) => return unreadable(why),
        Over::Unstored(error) => return store(error).0,
        Over::Earlier(words) => return words.clone(),
    };
    fixed.to_owned()
}

/// Why a room's state cannot be read.
pub(super) fn unreadable(why: &Unreadable) -> String {
    let fixed = match why {
        Unreadable::Damaged => {
            "the stored state of the room is damaged: restore a backup of the profile, or join again by a new invite"
        }
        Unreadable::TooNew => "the stored state of the room is of a later version: use that one",
        Unreadable::Other(words) => return words.clone(),
    };
    fixed.to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn full_disk_and_read_only_profile_are_told_so_that_they_can_be_mended() {
        let told = |error: StoreError| Failure::from(error);
        let full = told(StoreError::NoSpace);
        assert!(full.message.contains("disk is full") && !full.message.contains("said"), "{}", full.message);
        assert!(full.remedy.contains("Free some space"), "{}", full.remedy);
        assert_eq!(told(StoreError::ReadOnly(PathBuf::from("/p"))).code, "read_only");
        assert!(told(StoreError::Damaged(Damage::Database)).message.contains("damaged"));
        assert!(told(StoreError::BadCursor).remedy.contains("1 to 64 letters"));
    }
}
