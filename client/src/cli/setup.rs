//! From options to an open profile and a running runtime.

use std::io::IsTerminal;

use rand_core::UnwrapErr;
use shared::random::Random;
use tokio::sync::mpsc;

use super::Globals;
use crate::{
    failure::{Exit, Failure},
    runtime::{Config, Event, OwnRelay, Past, Runtime},
    store::{FileKey, OpenProfile, ProfileDir},
    transport::{CaFile, CaFileError, Transport},
};

/// The system's generator.
pub(super) fn random() -> Random {
    Random::new(UnwrapErr(getrandom::SysRng))
}

/// Opens the profile, and says on first use where it is and how it is protected.
pub(super) fn profile(globals: &Globals) -> Result<OpenProfile, Failure> {
    let dir = ProfileDir::choose(globals.profile.clone())?;
    let profile = OpenProfile::open(dir, globals.name.as_deref(), random())?;
    if profile.is_new {
        eprintln!("New profile in {}.", profile.dir().path().display());
        eprintln!(
            "Its key is the file {}, readable by you only: whoever can read this directory can read your rooms.",
            FileKey::path(profile.dir().path()).display()
        );
    }
    if let Some(relay) = &globals.relay {
        profile.vault.now(|store| store.set_last_relay(&relay.to_string()))?;
    }
    Ok(profile)
}

/// What a runtime is to do, apart from the options that all commands take.
pub(super) struct Plan {
    pub(super) past: Past,
    pub(super) only: Option<String>,
    pub(super) own: Option<OwnRelay>,
}

/// Starts the runtime.
pub(super) async fn start(
    globals: &Globals,
    profile: OpenProfile,
    plan: Plan,
) -> Result<(Runtime, mpsc::Receiver<Event>), Failure> {
    let Plan { past, only, own } = plan;
    let config =
        Config { transport: transport(globals)?, relay: globals.relay.clone(), own, past, only, tap: None };
    Runtime::start(profile, config).await
}

fn transport(globals: &Globals) -> Result<Transport, Failure> {
    let bad = |error: CaFileError| {
        let exit = match &error {
            CaFileError::Read(_) => Exit::NotFound,
            CaFileError::Empty => Exit::Usage,
        };
        Failure::new(
            exit,
            "ca_file",
            error.to_string(),
            "Name a PEM file with the relay's certificate authority.",
        )
    };
    let ca = globals.ca.as_deref().map(CaFile::read).transpose().map_err(bad)?;
    Transport::new(ca).map_err(|error| {
        Failure::new(
            Exit::Network,
            "network",
            error.to_string(),
            "Check the limits and the firewall of this machine.",
        )
    })
}

/// Somebody reads standard output on a terminal.
pub(super) fn on_terminal() -> bool {
    std::io::stdout().is_terminal()
}
