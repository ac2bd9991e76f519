//! `schat backup`.

mod every;
mod once;
mod restore;

use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;
use shared::identity::{Next, phrase::Phrase, recovery::RecoveryKey};
use zeroize::Zeroizing;

use self::{every::Every, once::once};
use super::{
    Globals, passphrase,
    phrase::{self, Why},
    random::random,
    setup,
};
use crate::{
    backup::{BackupError, BackupKey, Done},
    faces::{
        stdout,
        words::command::{backup as words, phrase as phrase_words},
    },
    failure::{Exit, Failure},
    runtime::now_ms,
    settings,
    store::{Asking, BackupPlan, KeySource as _, OpenProfile, ProfileDir, Store, Wrap},
};

pub(super) use self::{every::again_and_again, restore::RestoreCommand};

#[derive(Debug, Args)]
pub(super) struct BackupCommand {
    /// A file, which is written anew each time; or a directory that is there, to which only what is new is added.
    #[arg(value_name = "FILE|DIR", required_unless_present = "every")]
    target: Option<PathBuf>,
    /// Let the daemon of this profile do it again and again, as long as it runs.
    #[arg(long, value_enum, value_name = "WHEN")]
    every: Option<Every>,
    /// The phrase is in this file; the first time it is written there, and you are not asked.
    #[arg(long, value_name = "FILE")]
    phrase_file: Option<PathBuf>,
    /// With the bytes of files that you sent and fetched, as far as they are where they were.
    #[arg(long)]
    files: bool,
}

/// A profile whose backup is made: ours, or beside a process that has it.
enum Opened {
    Ours(Box<OpenProfile>),
    Beside(Box<Store>),
}

impl Opened {
    fn with<T>(&mut self, work: impl FnOnce(&mut Store) -> Result<T, BackupError>) -> Result<T, BackupError> {
        match self {
            Self::Beside(store) => work(store),
            Self::Ours(profile) => profile.vault.now(|store| Ok(work(store)))?,
        }
    }
}

fn opened(globals: &Globals) -> Result<Opened, Failure> {
    match setup::existing(globals) {
        Ok(profile) => Ok(Opened::Ours(Box::new(profile))),
        Err(failure) if failure.code == "in_use" => {
            let dir = ProfileDir::choose(globals.profile.clone())?;
            let path = dir.path();
            let open = |wrap: &Wrap| Ok(passphrase::opened(globals, path, wrap)?.key);
            let key = Asking::<Failure>(&open).key(path, &random())?;
            Ok(Opened::Beside(Box::new(Store::open_beside(path, &key, random())?)))
        }
        Err(failure) => Err(failure),
    }
}

impl BackupCommand {
    pub(super) fn run(&self, globals: &Globals) -> Result<Exit, Failure> {
        let Some(named) = &self.target else { return self.no_more(globals) };
        let mut opened = opened(globals)?;
        let told = |error: BackupError| words::failed(&error, named);
        // From the root: the daemon may be somewhere else.
        let target = std::path::absolute(named).map_err(|error| told(error.into()))?;
        let key = self.key(&mut opened, named)?;
        let settings = settings::carried(&globals.settings);
        let done = opened.with(|store| once(store, &target, &key, self.files, settings)).map_err(told)?;
        // It was written and read back: from now on the phrase is with the person alone.
        let forgotten = |store: &mut Store| -> Result<bool, BackupError> {
            let had = store.phrase_entropy()?.is_some();
            store.forget_phrase_entropy()?;
            Ok(had)
        };
        if opened.with(forgotten).map_err(told)? && !globals.json {
            eprintln!("{}", words::PHRASE_FORGOTTEN);
        }
        if let Some(every) = self.every {
            let is_directory = target.is_dir();
            let now = now_ms();
            let plan = BackupPlan {
                target,
                every_s: every.seconds(),
                files: self.files,
                is_directory,
                last: now,
                made: Some(now),
                failed: None,
            };
            opened.with(|store| Ok(store.set_backup_plan(&plan)?)).map_err(told)?;
            eprintln!("{}", if every == Every::Never { words::NOT_ANY_MORE } else { words::BY_DAEMON });
        }
        say_done(globals, &done);
        Ok(Exit::Ok)
    }

    /// The daemon makes none by itself any more. That names no place, and nothing else does without one.
    fn no_more(&self, globals: &Globals) -> Result<Exit, Failure> {
        if self.every != Some(Every::Never) {
            return Err(words::no_place());
        }
        let dir = ProfileDir::choose(globals.profile.clone())?;
        let told = |error: BackupError| words::failed(&error, dir.path());
        let stop = |store: &mut Store| match store.backup_plan()? {
            Some(plan) => Ok(store.set_backup_plan(&BackupPlan { every_s: 0, ..plan })?),
            None => Ok(()),
        };
        opened(globals)?.with(stop).map_err(told)?;
        eprintln!("{}", words::NOT_ANY_MORE);
        Ok(Exit::Ok)
    }

    /// What seals the backup. The first time there is a phrase to be written down.
    fn key(&self, opened: &mut Opened, target: &Path) -> Result<BackupKey, Failure> {
        let told = |error: BackupError| words::failed(&error, target);
        let kept = opened.with(|store| Ok(store.backup_key()?)).map_err(told)?;
        let kept: Option<Zeroizing<[u8; 32]>> =
            kept.and_then(|key| key.as_slice().try_into().ok()).map(Zeroizing::new);
        let given = match &self.phrase_file {
            Some(path) if path.exists() => Some(phrase::of_file(path)?),
            _ => None,
        };
        match (kept, given) {
            (Some(kept), None) => Ok(BackupKey::from_bytes(&kept)),
            (Some(kept), Some(given)) if given.backup_key() == kept => Ok(BackupKey::from_bytes(&kept)),
            (Some(_), Some(_)) => Err(words::another_phrase()),
            (None, given) => {
                let phrase = self.first(opened, given, target)?;
                let key = phrase.backup_key();
                opened.with(|store| Ok(store.set_backup_key(key.as_slice())?)).map_err(told)?;
                Ok(BackupKey::from_bytes(&key))
            }
        }
    }

    /// The phrase of this profile, once the person has it.
    fn first(&self, opened: &mut Opened, given: Option<Phrase>, target: &Path) -> Result<Phrase, Failure> {
        let told = |error: BackupError| words::failed(&error, target);
        let next = opened.with(|store| Ok(store.account()?.map(|account| account.next()))).map_err(told)?;
        let kept = opened.with(|store| Ok(store.phrase_entropy()?)).map_err(told)?;
        let next = next.filter(|next| *next != Next::NONE);
        // The account names what comes of its own phrase: another one would be of no use.
        let is_its_own = |given: &Phrase| {
            next.is_none_or(|next| RecoveryKey::from_seed(&given.recovery_seed()).next() == next)
        };
        let why = if next.is_some() { Why::Backup } else { Why::BackupAlone };
        let phrase = match (&kept, given) {
            (_, Some(given)) if is_its_own(&given) => return Ok(given),
            (_, Some(_)) => return Err(words::another_phrase()),
            (Some(kept), None) => Phrase::from_bytes(kept),
            // Another device of the account drew it, or was told it: here it has to be typed.
            (None, None) if next.is_some() => {
                if self.phrase_file.is_some() || !io::stdin().is_terminal() {
                    return Err(words::phrase_elsewhere());
                }
                eprintln!("{}", words::PHRASE_ELSEWHERE);
                let typed = phrase::ask_unseen()?;
                return if is_its_own(&typed) { Ok(typed) } else { Err(words::another_phrase()) };
            }
            // It is for backups alone: this account has no recovery key.
            (None, None) => Phrase::draw(&random()),
        };
        match &self.phrase_file {
            Some(path) => {
                phrase::write(path, &phrase).map_err(|error| phrase_words::no_phrase_file(path, &error))?;
            }
            None => phrase::show(&phrase, why)?,
        }
        Ok(phrase)
    }
}

fn say_done(globals: &Globals, done: &Done) {
    if globals.json {
        let Done { rooms, written, kept, gone } = done;
        stdout::line(
            &json!({ "v": 1, "event": "backup", "rooms": rooms, "bytes": written, "kept": kept, "files_gone": gone })
                .to_string(),
        );
    } else {
        stdout::line(&words::done(done.rooms, done.written, done.kept));
        if done.gone > 0 {
            stdout::line(&words::files_gone(done.gone));
        }
    }
}
