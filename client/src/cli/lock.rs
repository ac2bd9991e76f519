//! `schat lock` and `schat unlock`: a passphrase on the profile's key.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Globals, once::print, passphrase, setup::random};
use crate::{
    failure::{Exit, Failure},
    store::{Cost, HeldKey, KeyFile, ProfileDir},
};

#[derive(Debug, Args)]
pub(super) struct LockCommand {
    /// Tell whether it is locked, and how; change nothing.
    #[arg(long, conflicts_with = "new_passphrase_file")]
    status: bool,
    /// The new passphrase is the first line of this file.
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

impl LockCommand {
    pub(super) fn run(&self, globals: &Globals) -> Result<Exit, Failure> {
        let held = take(globals)?;
        if self.status {
            status(globals, &held.state()?);
            return Ok(Exit::Ok);
        }
        let (key, is_first) = match held.state()? {
            KeyFile::Plain(key) => (key, true),
            KeyFile::Locked(wrap) => (wrap.open(&passphrase::given(globals)?)?, false),
        };
        let chosen = passphrase::chosen(globals, self.new_passphrase_file.as_deref(), is_first)?;
        held.lock(&key, &chosen, Cost::USUAL, &random())?;
        eprintln!(
            "{}",
            match is_first {
                true => "The profile is locked. Without the passphrase nobody can read it, you included.",
                false => "The passphrase is another now. The old one still opens old copies of the profile.",
            }
        );
        if globals.json {
            status(globals, &held.state()?);
        }
        Ok(Exit::Ok)
    }
}

pub(super) fn unlock(globals: &Globals) -> Result<Exit, Failure> {
    let held = take(globals)?;
    match held.state()? {
        KeyFile::Plain(_) => eprintln!("The profile is not locked."),
        KeyFile::Locked(wrap) => {
            held.unlock(&wrap.open(&passphrase::given(globals)?)?)?;
            eprintln!(
                "The profile is not locked any more: whoever can read its directory can read your rooms."
            );
        }
    }
    if globals.json {
        status(globals, &held.state()?);
    }
    Ok(Exit::Ok)
}

fn take(globals: &Globals) -> Result<HeldKey, Failure> {
    HeldKey::take(&ProfileDir::choose(globals.profile.clone())?)
}

fn status(globals: &Globals, file: &KeyFile) {
    let cost = match file {
        KeyFile::Plain(_) => None,
        KeyFile::Locked(wrap) => Some(wrap.cost()),
    };
    if globals.json {
        let by = cost.map(|cost| {
            json!({ "kdf": "argon2id", "memory_kib": cost.memory_kib, "passes": cost.passes, "lanes": cost.lanes })
        });
        print(&json!({ "v": 1, "event": "lock", "locked": by.is_some(), "passphrase": by }).to_string());
        return;
    }
    print(&match cost {
        None => "not locked: whoever can read the profile's directory can read your rooms".to_owned(),
        Some(Cost { memory_kib, passes, lanes }) => {
            format!(
                "locked by a passphrase (Argon2id: {} MiB, {passes} passes, {lanes} lanes)",
                memory_kib / 1024
            )
        }
    });
}
