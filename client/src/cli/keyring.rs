//! The passphrase in the keyring of the system, so that nobody is asked for it.

use std::{fmt, path::Path, sync::mpsc::channel, thread, time::Duration};

use keyring::v1::Error;
use zeroize::Zeroizing;

use super::setup::random;
use crate::{
    faces::words,
    failure::{Exit, Failure},
    store::{Account, Passphrase},
};

/// What keyrings know all entries of this program by.
const SERVICE: &str = "schat";
/// After so long without an answer the person is told what is waited for: it may be themselves.
const PATIENCE: Duration = Duration::from_secs(2);
/// After so long it counts as one that cannot be used: its question may stand on a screen that nobody sees.
const LONGEST: Duration = Duration::from_secs(120);
/// An entry in the keyring of the system.
pub(super) struct Entry(Account);

impl Entry {
    /// The one that a profile names, if it does.
    pub(super) fn of(profile: &Path) -> Option<Self> {
        match Account::of(profile) {
            Ok(account) => account.map(Self),
            Err(error) => {
                eprintln!("schat: the file `keyring` of the profile is not heeded: {error}.");
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
        let kept = entry.ask(move |entry| entry.set_password(&text)).and_then(|()| entry.passphrase());
        let error = match kept {
            Ok(kept) if kept.is(passphrase) => return Ok(entry),
            Ok(_) => unusable("it gave another passphrase back than it was given"),
            Err(error) => error,
        };
        // A keyring that cannot be reached has nothing of it; one that gave no answer may have it later.
        Err(entry.is_not_named(error))
    }

    /// Adds to a failure how to find it: nothing else names it then.
    pub(super) fn is_not_named(&self, failure: Failure) -> Failure {
        let message = format!("{} Look for the passphrase in the keyring: {self}.", failure.message);
        Failure { message, ..failure }
    }

    /// The passphrase.
    pub(super) fn passphrase(&self) -> Result<Passphrase, Failure> {
        let text = self.ask(|entry| entry.get_password().map(Zeroizing::new))?;
        Ok(Passphrase::given(&text)?)
    }

    /// Takes it out of the keyring. A keyring that cannot be reached keeps it; the person is told which one.
    pub(super) fn forget(self) {
        if let Err(error) = self.ask(|entry| match entry.delete_credential() {
            Err(Error::NoEntry) => Ok(()),
            done => done,
        }) {
            eprintln!("schat: {} The old entry stays there ({self}).", words::failure(&error));
        }
    }

    /// In a thread of its own: the keyring may ask the person first, and it waits in its own way.
    fn ask<T: Send + 'static>(
        &self,
        what: impl FnOnce(&keyring::v1::Entry) -> keyring::v1::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let account = self.0.to_string();
        let (answer, answered) = channel();
        let stopped = answer.clone();
        let ask = move || {
            let asked = match keyring::v1::Entry::store_status() {
                Ok(()) => keyring::v1::Entry::new(SERVICE, &account).and_then(|entry| what(&entry)),
                // It cannot be cloned, and "no default store" says nothing.
                Err(error) => Err(Error::NoStorageAccess(error.to_string().into())),
            };
            let asked = asked.map_err(|error| match error {
                Error::NoEntry => missing(),
                error => unusable(&error.to_string()),
            });
            // Fails only when nobody waits any more.
            let _ = answer.send(asked);
        };
        let started = thread::Builder::new().name("keyring".to_owned()).spawn(ask);
        started.map_err(|error| unusable(&error.to_string()))?;
        if let Ok(asked) = answered.recv_timeout(PATIENCE) {
            return asked;
        }
        eprintln!(
            "schat: waiting for the keyring, which may have a question for you. Ctrl-C ends this; --passphrase-file needs no keyring."
        );
        // A passphrase that was typed before has left somebody who hears Ctrl-C, and then it ends nothing by itself.
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                let _ = stopped.send(Err(Failure::new(Exit::Interrupted, "interrupted", "Stopped.", "")));
                super::passphrase::end_after_grace().await;
            }
        });
        answered.recv_timeout(LONGEST).unwrap_or_else(|_| Err(unusable("it gave no answer")))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service {SERVICE}, account {}", self.0)
    }
}

fn missing() -> Failure {
    let message = "The keyring of this system has no entry for this profile.";
    let remedy = "It may have been reset, or the profile is a copy. Type the passphrase; schat lock --keyring puts it there again.";
    Failure::new(Exit::Local, "keyring", message, remedy)
}

fn unusable(why: &str) -> Failure {
    let message = format!("The keyring of this system cannot be used: {}.", why.trim_end_matches('.'));
    let remedy = "Is its service running, and unlocked? The passphrase also comes from --passphrase-file.";
    Failure::new(Exit::Local, "keyring", message, remedy)
}
