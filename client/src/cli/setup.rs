//! From options to an open profile and a running runtime.

use std::{fs, io::Read as _, path::Path};

use proto::{Token, TokenError};
use rand_core::UnwrapErr;
use shared::crypto::random::Random;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::{Globals, first_use, name, passphrase};
use crate::{
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::{Config, Event, OwnRelay, Past},
    store::{Asking, FileKey, OpenProfile, ProfileDir, Wrap},
    transport::{CaFile, CaFileError, Transport},
};

/// Names a file with the token for the relay in use.
const TOKEN_FILE: &str = "SCHAT_TOKEN_FILE";

/// What is read of that file, in bytes: a token is 43, and some end their lines.
const MAX_TOKEN_FILE: u64 = 1024;

/// The system's generator.
pub(super) fn random() -> Random {
    Random::new(UnwrapErr(getrandom::SysRng))
}

/// Opens the profile that is there. A directory whose name is misspelled does not become a new one.
pub(super) fn existing(globals: &Globals) -> Result<OpenProfile, Failure> {
    let dir = ProfileDir::choose(globals.profile.clone())?;
    if !dir.is_made() {
        let cause = format!("There is no profile in {}.", dir.path().display());
        let remedy = match globals.profile {
            Some(_) => "Check --profile and SCHAT_PROFILE; `schat --profile DIR` makes a new one.",
            None => "`schat` makes one; if yours is elsewhere, name it with --profile DIR.",
        };
        return Err(Failure::not_found(cause, remedy));
    }
    profile(globals)
}

/// Opens the profile, and says on first use where it is and how it is protected.
pub(super) fn profile(globals: &Globals) -> Result<OpenProfile, Failure> {
    let dir = ProfileDir::choose(globals.profile.clone())?;
    let path = dir.path().to_owned();
    warn_of_readers(&path);
    let open = |wrap: &Wrap| Ok(passphrase::opened(globals, &path, wrap)?.key);
    let asked = name::ask(globals, &dir)?;
    let name = globals.name.as_deref().or(asked.as_deref());
    let profile = OpenProfile::open_with(dir, name, random(), &Asking(&open))?;
    if profile.is_new {
        eprintln!("New profile in {}.", profile.dir().path().display());
        eprintln!(
            "Its key is the file {}, readable by you only: whoever can read this directory can read your rooms. schat lock puts a passphrase on it.",
            FileKey::path(profile.dir().path()).display()
        );
    }
    if let Some(relay) = &globals.relay {
        profile.vault.now(|store| store.set_last_relay(&relay.to_string()))?;
    }
    Ok(profile)
}

/// Opens the profile to look at what is stored, where nothing can be written.
pub(super) fn readable(globals: &Globals) -> Result<OpenProfile, Failure> {
    let dir = ProfileDir::choose(globals.profile.clone())?;
    let path = dir.path().to_owned();
    let open = |wrap: &Wrap| Ok(passphrase::opened(globals, &path, wrap)?.key);
    OpenProfile::open_read_only(dir, random(), &Asking(&open))
}

/// A key that a copy or a backup program left open to others is said, and left as it is.
fn warn_of_readers(dir: &Path) {
    #[cfg(unix)]
    if crate::store::is_open_to_others(dir) {
        let key = FileKey::path(dir);
        eprintln!(
            "schat: WARNING: others can read the key of this profile, and so your rooms. Keep it to yourself: chmod 600 '{}'",
            key.display()
        );
    }
    #[cfg(not(unix))]
    let _ = dir;
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
    Runtime::start(profile, config).await
}

/// How a runtime of the profile is to run.
pub(super) fn config(globals: &Globals, profile: &OpenProfile, plan: Plan) -> Result<Config, Failure> {
    let Plan { past, only, own } = plan;
    take_token(globals, profile)?;
    let lines = globals.settings.history.lines.get();
    profile.vault.now(|store| store.keep_lines(lines))?;
    Ok(Config {
        transport: transport(globals)?,
        relay: globals.relay.clone(),
        own,
        past,
        only,
        downloads: globals.settings.files.downloads(),
        keeps_metadata: globals.settings.files.keep_metadata,
        fetches_images: globals.settings.files.fetch_images,
        tap: None,
    })
}

/// A token from a file, for the relay in use. Never from an option: other users of the machine see those.
fn take_token(globals: &Globals, profile: &OpenProfile) -> Result<(), Failure> {
    let Some(path) = std::env::var_os(TOKEN_FILE) else { return Ok(()) };
    let bad = |what: String, remedy: &str| Failure::usage(format!("{TOKEN_FILE}: {what}."), remedy);
    let read = |file: fs::File| {
        let mut text = Zeroizing::new(String::new());
        file.take(MAX_TOKEN_FILE).read_to_string(&mut text).map(|_| text)
    };
    let text = fs::File::open(&path).and_then(read);
    let text = text.map_err(|error| bad(error.to_string(), "Name a file that holds the token."))?;
    let token: Token = text
        .trim()
        .parse()
        .map_err(|error: TokenError| bad(error.to_string(), "Ask the relay's operator for a new one."))?;
    let last = || profile.last_relay.as_ref().and_then(|relay| relay.parse().ok());
    let relay = globals.relay.clone().or_else(last).ok_or_else(|| {
        bad("there is no relay to use the token at".into(), "Name one with --relay HOST:PORT.")
    })?;
    Ok(profile.vault.now(|store| store.set_token(&relay, &token))?)
}

pub(super) fn transport(globals: &Globals) -> Result<Transport, Failure> {
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
    let transport = Transport::new(ca).map_err(|error| {
        Failure::new(
            Exit::Network,
            "network",
            error.to_string(),
            "Check the limits and the firewall of this machine.",
        )
    })?;
    Ok(if globals.trust_first_use { transport.trusting_first_use() } else { transport })
}
