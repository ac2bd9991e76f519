//! The passphrase in the keyring of the system, so that nobody is asked for it.
//!
//! ```text
//!  profile/keyring = 32 hexadecimal digits, the account ─▶ keyring: service "schat", account ─▶ the passphrase
//! ```
//!
//! The file holds no secret. An account has one passphrase for ever; another passphrase gets another account, so that
//! whatever is interrupted leaves the file with an account that is whole.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use zeroize::Zeroizing;

use super::setup::random;
use crate::{
    failure::{Exit, Failure},
    store::Passphrase,
};

/// The file in the profile.
const FILE: &str = "keyring";
/// What it is called until it is complete.
const DRAFT: &str = "keyring.new";
/// What keyrings know all entries of this program by.
const SERVICE: &str = "schat";
/// Random bytes of an account.
const ACCOUNT_LEN: usize = 16;
/// After so long without an answer the person is told what is waited for: it may be themselves.
const PATIENCE: Duration = Duration::from_secs(2);

/// An entry in the keyring of the system.
pub(super) struct Entry {
    account: String,
}

impl Entry {
    /// The one that a profile names, if it does.
    pub(super) fn of(profile: &Path) -> Option<Self> {
        let account = fs::read_to_string(profile.join(FILE)).ok()?.trim_end().to_owned();
        let is_account = hex::decode(&account).is_ok_and(|bytes| bytes.len() == ACCOUNT_LEN);
        is_account.then_some(Self { account })
    }

    /// A new one with this passphrase, which was read back from the keyring.
    pub(super) fn new(passphrase: &Passphrase) -> Result<Self, Failure> {
        let entry = Self { account: hex::encode(random().bytes::<ACCOUNT_LEN>()) };
        let text = passphrase.to_text();
        entry.ask(move |entry| entry.set_password(&text))?;
        match entry.passphrase() {
            Ok(kept) if kept.is(passphrase) => Ok(entry),
            Ok(_) => Err(failure("it gave another passphrase back than it was given")),
            Err(error) => Err(error),
        }
    }

    /// The passphrase.
    pub(super) fn passphrase(&self) -> Result<Passphrase, Failure> {
        let text = self.ask(|entry| entry.get_password().map(Zeroizing::new))?;
        Ok(Passphrase::given(&text)?)
    }

    /// From now on the profile names this one.
    pub(super) fn name_in(&self, profile: &Path) -> Result<(), Failure> {
        let write = || {
            let draft = profile.join(DRAFT);
            let mut file = fs::File::create(&draft)?;
            file.write_all(format!("{}\n", self.account).as_bytes())?;
            file.sync_all()?;
            fs::rename(draft, profile.join(FILE))?;
            sync_names(profile)
        };
        write().map_err(|error| unwritable(&profile.join(FILE), &error))
    }

    /// From now on the profile names none.
    pub(super) fn unname(profile: &Path) -> Result<(), Failure> {
        let path = profile.join(FILE);
        let remove = || {
            fs::remove_file(&path)?;
            sync_names(profile)
        };
        match remove() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritable(&path, &error)),
            _ => Ok(()),
        }
    }

    /// Takes it out of the keyring. A keyring that cannot be reached keeps it; the person is told which one.
    pub(super) fn forget(self) {
        if let Err(error) = self.ask(|entry| match entry.delete_credential() {
            Err(keyring::v1::Error::NoEntry) => Ok(()),
            done => done,
        }) {
            let account = &self.account;
            eprintln!("schat: {error} The old entry stays there (service {SERVICE}, account {account}).");
        }
    }

    /// In a thread of its own: the keyring may ask the person first, and it waits in its own way.
    fn ask<T: Send + 'static>(
        &self,
        what: impl FnOnce(&keyring::v1::Entry) -> keyring::v1::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let account = self.account.clone();
        let (answer, answered) = channel();
        let ask = move || {
            let asked = match keyring::v1::Entry::store_status() {
                Ok(()) => keyring::v1::Entry::new(SERVICE, &account).and_then(|entry| what(&entry)),
                // It cannot be cloned, and "no default store" says nothing.
                Err(error) => Err(keyring::v1::Error::NoStorageAccess(error.to_string().into())),
            };
            // Fails only when nobody waits any more.
            let _ = answer.send(asked.map_err(|error| error.to_string()));
        };
        let started = thread::Builder::new().name("keyring".to_owned()).spawn(ask);
        started.map_err(|error| failure(error.to_string()))?;
        let mut asked = answered.recv_timeout(PATIENCE);
        if matches!(asked, Err(RecvTimeoutError::Timeout)) {
            eprintln!("schat: waiting for the keyring; it may have a question for you (Ctrl-C ends this)");
            asked = answered.recv().map_err(|_| RecvTimeoutError::Disconnected);
        }
        asked.map_err(|_| failure("it gave no answer"))?.map_err(failure)
    }
}

#[cfg(unix)]
fn sync_names(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_names(_: &Path) -> io::Result<()> {
    Ok(())
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let message = format!("{} cannot be changed: {error}.", path.display());
    Failure::new(Exit::Local, "io", message, "Look at its permissions, and whether the disk is full.")
}

fn failure(why: impl Into<String>) -> Failure {
    let message = format!("The keyring of the system cannot be used: {}.", why.into().trim_end_matches('.'));
    let remedy = "Is its service running, and unlocked? The passphrase also comes from --passphrase-file.";
    Failure::new(Exit::Local, "keyring", message, remedy)
}
