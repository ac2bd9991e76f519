//! The passphrase in the keyring of the system, so that nobody is asked for it.
//!
//! ```text
//!  profile/keyring = 32 hexadecimal digits, the account ─▶ keyring: service "schat", account ─▶ the passphrase
//! ```
//!
//! The file holds no secret. An account has one passphrase for ever; another passphrase gets another account, so that
//! whatever is interrupted leaves the file with an account that is whole.

use std::{
    fmt, fs,
    io::{self, Read as _, Write as _},
    path::Path,
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use keyring::v1::Error;
use zeroize::Zeroizing;

use super::setup::random;
use crate::{
    faces::words,
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
/// After so long it counts as one that cannot be used: its question may stand on a screen that nobody sees.
const LONGEST: Duration = Duration::from_secs(120);
/// What is read of the file, in bytes: the account, the end of its line, and one that tells a longer one.
const MAX_FILE: u64 = 2 * ACCOUNT_LEN as u64 + 2;

/// An entry in the keyring of the system.
pub(super) struct Entry {
    account: String,
}

impl Entry {
    /// The one that a profile names, if it does.
    pub(super) fn of(profile: &Path) -> Option<Self> {
        let path = profile.join(FILE);
        let mut account = String::new();
        let read = match fs::File::open(&path) {
            Ok(file) => file.take(MAX_FILE).read_to_string(&mut account),
            Err(error) => Err(error),
        };
        let account = account.trim_end().to_owned();
        match read {
            Ok(_) if hex::decode(&account).is_ok_and(|bytes| bytes.len() == ACCOUNT_LEN) => {
                return Some(Self { account });
            }
            Ok(_) => eprintln!("schat: {} is damaged and names no entry of a keyring.", path.display()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => eprintln!("schat: {} cannot be read: {error}.", path.display()),
        }
        None
    }

    /// A new one with this passphrase, which was read back from the keyring.
    pub(super) fn new(passphrase: &Passphrase) -> Result<Self, Failure> {
        let entry = Self { account: hex::encode(random().bytes::<ACCOUNT_LEN>()) };
        let text = passphrase.to_text();
        let kept = entry.ask(move |entry| entry.set_password(&text)).and_then(|()| entry.passphrase());
        let error = match kept {
            Ok(kept) if kept.is(passphrase) => return Ok(entry),
            Ok(_) => unusable("it gave another passphrase back than it was given"),
            Err(error) => error,
        };
        // A keyring that cannot be reached has nothing of it; one that gave no answer may have it later.
        let message = format!("{} If the keyring has it all the same, it is {entry}.", error.message);
        Err(Failure { message, ..error })
    }

    /// The passphrase.
    pub(super) fn passphrase(&self) -> Result<Passphrase, Failure> {
        let text = self.ask(|entry| entry.get_password().map(Zeroizing::new))?;
        Ok(Passphrase::given(&text)?)
    }

    /// From now on the profile names this one.
    pub(super) fn name_in(&self, profile: &Path) -> Result<(), Failure> {
        let draft = profile.join(DRAFT);
        let write = || {
            match fs::remove_file(&draft) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = owners_alone().open(&draft)?;
            file.write_all(format!("{}\n", self.account).as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, profile.join(FILE))?;
            sync_names(profile)
        };
        write().map_err(|error| {
            let told = unwritable(&profile.join(FILE), &error);
            let message = format!("{} The keyring has the passphrase all the same ({self}).", told.message);
            Failure { message, ..told }
        })
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
        let account = self.account.clone();
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
        write!(f, "service {SERVICE}, account {}", self.account)
    }
}

/// A file that is not there yet, and that only its owner can read.
fn owners_alone() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
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
