//! `schat lock` and `schat unlock`: a passphrase on the profile's key.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{
    Globals,
    keyring::{self, KeyringEntry},
    passphrase::{self, Opened},
    random::random,
};
use crate::{
    faces::{stdout, words::command::profile as words},
    failure::{Exit, Failure},
    store::{Cost, HeldKey, KeyFile, Passphrase, ProfileDir},
};

#[derive(Debug, Args)]
pub(super) struct LockCommand {
    /// Tell whether it is locked, and how; change nothing.
    #[arg(long, conflicts_with_all = ["new_passphrase_file", "keyring"])]
    status: bool,
    /// The new passphrase is the first line of this file.
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// Keep the passphrase in the keyring of this system, so that no start asks for it. A profile that is locked
    /// already keeps its passphrase, unless there is a new one.
    #[arg(long)]
    keyring: bool,
}

impl LockCommand {
    pub(super) fn run(&self, globals: &Globals) -> Result<Exit, Failure> {
        if self.keyring {
            keyring::check()?;
        }
        let dir = ProfileDir::choose(globals.profile.clone())?;
        let held = HeldKey::take(&dir)?;
        if self.status {
            status(globals, &held.state()?, &dir);
            return Ok(Exit::Ok);
        }
        let new = self.new_passphrase_file.as_deref();
        let (key, change) = match held.state()? {
            KeyFile::Plain(key) => (key, Change::First(passphrase::chosen(globals, new, true)?)),
            KeyFile::Locked(wrap) => {
                let Opened { key, passphrase } = passphrase::opened(globals, dir.path(), &wrap)?;
                match self.keyring && new.is_none() {
                    true => (key, Change::None(passphrase)),
                    false => (key, Change::Another(passphrase::chosen(globals, new, false)?)),
                }
            }
        };
        // Whatever fails from here on: what the profile names opens it, or the person does.
        let before = KeyringEntry::of(dir.path());
        let entry = self.keyring.then(|| KeyringEntry::new(change.passphrase())).transpose()?;
        if let Change::First(chosen) | Change::Another(chosen) = &change
            && let Err(error) = held.lock(&key, chosen, Cost::USUAL, &random())
        {
            let Some(entry) = entry else { return Err(error.into()) };
            // The very last step may have failed: then this may be the only place that has the passphrase.
            return match held.state() {
                Ok(KeyFile::Locked(wrap)) if wrap.open(chosen).is_ok() => {
                    Err(entry.is_not_named(error.into()))
                }
                Ok(_) => {
                    entry.forget();
                    Err(error.into())
                }
                Err(_) => Err(entry.is_not_named(error.into())),
            };
        }
        eprintln!("{}", change.told());
        held.name_account(entry.as_ref().map(KeyringEntry::account)).map_err(|error| match &entry {
            Some(entry) => entry.is_not_named(error.into()),
            None => error.into(),
        })?;
        if entry.is_some() {
            eprintln!("{}", words::IN_KEYRING);
            passphrase::warn_of_other_source(globals);
        }
        if let Some(before) = before {
            if entry.is_none() {
                eprintln!("{}", words::NOT_IN_KEYRING);
            }
            before.forget();
        }
        if globals.json {
            status(globals, &held.state()?, &dir);
        }
        Ok(Exit::Ok)
    }
}

/// What becomes of the passphrase.
enum Change {
    First(Passphrase),
    Another(Passphrase),
    None(Passphrase),
}

impl Change {
    fn passphrase(&self) -> &Passphrase {
        let (Self::First(passphrase) | Self::Another(passphrase) | Self::None(passphrase)) = self;
        passphrase
    }

    fn told(&self) -> &'static str {
        match self {
            Self::First(_) => words::LOCKED,
            Self::Another(_) => words::LOCKED_ANEW,
            Self::None(_) => words::LOCKED_AS_BEFORE,
        }
    }
}

pub(super) fn unlock(globals: &Globals) -> Result<Exit, Failure> {
    let dir = ProfileDir::choose(globals.profile.clone())?;
    let held = HeldKey::take(&dir)?;
    match held.state()? {
        KeyFile::Plain(_) => eprintln!("{}", words::NOT_LOCKED),
        KeyFile::Locked(wrap) => {
            held.unlock(&passphrase::opened(globals, dir.path(), &wrap)?.key)?;
            eprintln!("{}", words::UNLOCKED);
        }
    }
    let entry = KeyringEntry::of(dir.path());
    held.name_account(None)?;
    entry.into_iter().for_each(KeyringEntry::forget);
    if globals.json {
        status(globals, &held.state()?, &dir);
    }
    Ok(Exit::Ok)
}

fn status(globals: &Globals, file: &KeyFile, dir: &ProfileDir) {
    let cost = match file {
        KeyFile::Plain(_) => None,
        KeyFile::Locked(wrap) => Some(wrap.cost()),
    };
    let in_keyring = cost.is_some() && KeyringEntry::of(dir.path()).is_some();
    if globals.json {
        let by = cost.map(|cost| {
            json!({ "kdf": "argon2id", "memory_kib": cost.memory_kib, "passes": cost.passes, "lanes": cost.lanes })
        });
        stdout::line(&json!({ "v": 1, "event": "lock", "locked": by.is_some(), "passphrase": by, "keyring": in_keyring }).to_string());
        return;
    }
    stdout::line(&match cost {
        None => words::STATUS_PLAIN.to_owned(),
        Some(Cost { memory_kib, passes, lanes }) => {
            words::status_locked(in_keyring, memory_kib / 1024, passes, lanes)
        }
    });
}
