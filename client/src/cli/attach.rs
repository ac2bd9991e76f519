//! A profile, or the daemon that has it.

use std::time::Duration;

use tokio::{sync::mpsc, time::sleep};

use super::{Globals, plan::Plan, random::random, setup};
use crate::{
    daemon::{self, Attachable, Options},
    faces::words,
    failure::Failure,
    handle::Runtime,
    runtime::{Event, Past},
    store::{OpenProfile, ProfileDir},
};

/// How long a program that has just taken the profile is given to become a daemon that answers.
const STARTING: Duration = Duration::from_millis(1_000);

/// How often it is looked for meanwhile.
const EVERY: Duration = Duration::from_millis(50);

/// How long a face that runs on waits for a daemon that is gone.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long a person waits for an answer while the daemon is gone.
const HOLD: Duration = Duration::from_millis(500);

/// Who has the profile.
pub(super) enum Owner {
    /// This process.
    Us(OpenProfile),
    /// A daemon, which was greeted.
    Daemon(ProfileDir, Attachable),
}

/// Opens the profile, or finds the daemon that has it.
pub(super) async fn owner(globals: &Globals) -> Result<Owner, Failure> {
    owner_by(globals, setup::profile).await
}

/// The same for commands that need a profile that is there.
pub(super) async fn existing(globals: &Globals) -> Result<Owner, Failure> {
    owner_by(globals, setup::existing).await
}

async fn owner_by(
    globals: &Globals,
    open: fn(&Globals) -> Result<OpenProfile, Failure>,
) -> Result<Owner, Failure> {
    let dir = ProfileDir::choose(globals.profile.clone())?;
    if let Some(daemon) = daemon::find(&dir).await? {
        return Ok(Owner::Daemon(dir, daemon));
    }
    let failure = match open(globals) {
        Ok(profile) => return Ok(Owner::Us(profile)),
        Err(failure) if failure.code == "in_use" => failure,
        Err(failure) => return Err(failure),
    };
    let mut waited = Duration::ZERO;
    while waited < STARTING {
        sleep(EVERY).await;
        waited += EVERY;
        if let Some(daemon) = daemon::find(&dir).await? {
            return Ok(Owner::Daemon(dir, daemon));
        }
    }
    Err(failure)
}

/// A runtime of the profile that is there: of our own, or the daemon's.
pub(super) async fn runtime(
    globals: &Globals,
    plan: Plan,
) -> Result<(Runtime, mpsc::Receiver<Event>), Failure> {
    match existing(globals).await? {
        Owner::Us(profile) => setup::start(globals, profile, plan).await,
        Owner::Daemon(dir, daemon) => attach(globals, dir, daemon, plan, Some(PATIENCE)).await,
    }
}

/// The same for commands that look at what is stored, and need no relay.
pub(super) async fn quiet(globals: &Globals) -> Result<Result<OpenProfile, Runtime>, Failure> {
    looked_at(globals, existing(globals).await).await
}

/// The profile, also where nothing can be written, or a runtime at the daemon that has it.
pub(super) async fn looked_at(
    globals: &Globals,
    owner: Result<Owner, Failure>,
) -> Result<Result<OpenProfile, Runtime>, Failure> {
    match owner {
        Err(failure) if failure.code == "read_only" => setup::readable(globals).map(Ok),
        Err(failure) => Err(failure),
        Ok(Owner::Us(profile)) => Ok(Ok(profile)),
        Ok(Owner::Daemon(dir, daemon)) => {
            let plan = Plan { past: Past::Nothing, only: None, own: None };
            Ok(Err(attach(globals, dir, daemon, plan, Some(PATIENCE)).await?.0))
        }
    }
}

/// Attaches a face. `patience`: how long it waits for a daemon that is gone; for ever without.
pub(super) async fn attach(
    globals: &Globals,
    dir: ProfileDir,
    daemon: Attachable,
    plan: Plan,
    patience: Option<Duration>,
) -> Result<(Runtime, mpsc::Receiver<Event>), Failure> {
    if globals.ca.is_some() && patience.is_some() {
        eprintln!("schat: {}", words::command::relay::not_heeded("--ca"));
    }
    if globals.trust_first_use {
        eprintln!("schat: {}", words::command::relay::not_heeded("--trust-first-use"));
    }
    let options = Options {
        past: plan.past,
        only: plan.only,
        relay: globals.relay.clone(),
        patience,
        // A person can type it again; a program waits as long as for the rest.
        hold: patience.unwrap_or(HOLD),
    };
    let face = u64::from_be_bytes(random().bytes::<8>());
    let (runtime, events) = Runtime::attach(dir, daemon, face, options).await?;
    if let Some(relay) = &globals.relay {
        runtime.remember_relay(relay).await?;
    }
    if let Some(name) = globals.name.as_deref().filter(|name| runtime.me().0 != *name) {
        runtime.rename(name).await?;
    }
    Ok((runtime, events))
}
