//! The passphrase in the keyring of the system, so that nobody is asked for it.

#[cfg(feature = "keyring")]
mod system;

use std::{fmt, path::Path};

#[cfg(not(feature = "keyring"))]
use self::none as system;
use super::random::random;
use crate::{
    faces::words::{self, command::profile},
    failure::Failure,
    store::{Account, Passphrase},
};

/// What keyrings know all entries of this program by.
const SERVICE: &str = "schat";

/// An entry in the keyring of the system.
pub(super) struct KeyringEntry(Account);

impl KeyringEntry {
    /// The one that a profile names, if it does.
    pub(super) fn of(profile: &Path) -> Option<Self> {
        match Account::of(profile) {
            Ok(account) => account.map(Self),
            Err(error) => {
                eprintln!("schat: {}", profile::keyring_note(error));
                None
            }
        }
    }

    /// What the profile is to name.
    pub(super) fn account(&self) -> &Account {
        &self.0
    }

    /// A new one with this passphrase, which was read back from the keyring.
    pub(super) fn new(passphrase: &Passphrase) -> Result<Self, Failure> {
        let entry = Self(Account::new(&random()));
        let text = passphrase.to_text();
        let kept = system::put(entry.to_account(), text).and_then(|()| entry.passphrase());
        let error = match kept {
            Ok(kept) if kept.is(passphrase) => return Ok(entry),
            Ok(_) => unusable(profile::GAVE_ANOTHER),
            Err(error) => error,
        };
        // A keyring that cannot be reached has nothing of it; one that gave no answer may have it later.
        Err(entry.is_not_named(error))
    }

    /// Adds to a failure how to find it: nothing else names it then.
    pub(super) fn is_not_named(&self, failure: Failure) -> Failure {
        profile::look_in_keyring(failure, self)
    }

    /// The passphrase.
    pub(super) fn passphrase(&self) -> Result<Passphrase, Failure> {
        let text = system::get(self.to_account())?;
        Ok(Passphrase::given(&text)?)
    }

    /// Takes it out of the keyring. A keyring that cannot be reached keeps it; the person is told which one.
    pub(super) fn forget(self) {
        if let Err(error) = system::delete(self.to_account()) {
            eprintln!("schat: {}", profile::stays_in_keyring(&words::failure(&error), &self));
        }
    }

    /// What keyrings know it by, beside [`SERVICE`].
    fn to_account(&self) -> String {
        self.0.to_string()
    }
}

/// Whether there is a keyring at all in this program: asked before anybody types a passphrase for it.
pub(super) fn check() -> Result<(), Failure> {
    if cfg!(feature = "keyring") { Ok(()) } else { Err(absent()) }
}

impl fmt::Display for KeyringEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&profile::entry(SERVICE, &self.0))
    }
}

fn absent() -> Failure {
    super::lean::without(profile::KEYRING.0, profile::KEYRING.1)
}

fn unusable(why: &str) -> Failure {
    profile::keyring_unusable(why)
}

/// No keyring.
#[cfg(not(feature = "keyring"))]
mod none {
    use zeroize::Zeroizing;

    use super::absent;
    use crate::failure::Failure;

    pub(super) fn put(_: String, _: Zeroizing<String>) -> Result<(), Failure> {
        Err(absent())
    }

    pub(super) fn get(_: String) -> Result<Zeroizing<String>, Failure> {
        Err(absent())
    }

    pub(super) fn delete(_: String) -> Result<(), Failure> {
        Err(absent())
    }
}
