//! From options to an open profile and a running runtime.

use std::path::Path;

use shared::identity::clean_speaker;
use tokio::sync::mpsc;

use super::{
    Globals, first_use, name, passphrase,
    plan::{self, Plan, config},
    random::random,
};
use crate::{
    faces::words::command::profile as words,
    failure::Failure,
    handle::Runtime,
    runtime::Event,
    store::{Asking, FileKey, OpenProfile, ProfileDir, StoreError, Wrap},
};

/// Opens the profile that is there. A directory whose name is misspelled does not become a new one.
pub(super) fn existing(globals: &Globals) -> Result<OpenProfile, Failure> {
    let dir = ProfileDir::choose(globals.profile.clone())?;
    if !dir.is_made() {
        return Err(words::missing(dir.path(), globals.profile.is_some()));
    }
    profile(globals)
}

/// Opens the profile, and says on first use where it is and how it is protected.
pub(super) fn profile(globals: &Globals) -> Result<OpenProfile, Failure> {
    let dir = ProfileDir::choose(globals.profile.clone())?;
    let path = dir.path().to_owned();
    warn_of_readers(&path);
    let open = |wrap: &Wrap| passphrase::opened(globals, &path, wrap).map(|opened| opened.key);
    if !dir.is_made() {
        refuse(globals)?;
    }
    let asked = name::ask(globals, &dir)?;
    let name = globals.name.as_deref().or(asked.as_deref());
    let profile = OpenProfile::open_with(dir, name, random(), &Asking(&open))?;
    if profile.is_new {
        let path = profile.dir().path();
        words::made(path, &FileKey::path(path)).iter().for_each(|line| eprintln!("{line}"));
    }
    let is_called = |typed: &str| clean_speaker(typed).as_ref() == Ok(&profile.engine.name);
    if globals.name.as_deref().is_some_and(|typed| !is_called(typed)) {
        eprintln!("{}", words::name_stays(&profile.engine.name));
    }
    if let Some(relay) = &globals.relay {
        profile.vault.now(|store| store.set_last_relay(&relay.to_string()))?;
    }
    Ok(profile)
}

/// What would be refused in a moment makes no profile.
fn refuse(globals: &Globals) -> Result<(), Failure> {
    if let Some(name) = &globals.name {
        clean_speaker(name).map_err(StoreError::BadName)?;
    }
    plan::refuse(globals)
}

/// Opens the profile to look at what is stored, where nothing can be written.
pub(super) fn readable(globals: &Globals) -> Result<OpenProfile, Failure> {
    let dir = ProfileDir::choose(globals.profile.clone())?;
    let path = dir.path().to_owned();
    let open = |wrap: &Wrap| passphrase::opened(globals, &path, wrap).map(|opened| opened.key);
    OpenProfile::open_read_only(dir, random(), &Asking(&open))
}

/// A key that a copy or a backup program left open to others is said, and left as it is.
fn warn_of_readers(dir: &Path) {
    #[cfg(unix)]
    if crate::store::is_open_to_others(dir) {
        eprintln!("schat: {}", words::readable_by_others(&FileKey::path(dir)));
    }
    #[cfg(not(unix))]
    let _ = dir;
}

/// Starts the runtime.
pub(super) async fn start(
    globals: &Globals,
    profile: OpenProfile,
    plan: Plan,
) -> Result<(Runtime, mpsc::Receiver<Event>), Failure> {
    first_use::ask(globals, &profile, &plan, None).await?;
    begin(globals, profile, plan).await
}

/// Starts the runtime; whoever could be asked about relays was.
pub(super) async fn begin(
    globals: &Globals,
    profile: OpenProfile,
    plan: Plan,
) -> Result<(Runtime, mpsc::Receiver<Event>), Failure> {
    let config = config(globals, &profile, plan)?;
    Ok(Runtime::start(profile, config).await?)
}
