//! What a runtime is to do, from the options and the settings.

use std::{fs, io::Read as _};

use proto::{Token, TokenError};
use zeroize::Zeroizing;

use super::Globals;
use crate::{
    faces::words::command::relay as words,
    failure::Failure,
    runtime::{Config, OwnRelay, Past},
    store::OpenProfile,
    transport::{CaFile, Transport},
};

/// Names a file with the token for the relay in use.
const TOKEN_FILE: &str = "SCHAT_TOKEN_FILE";

/// What is read of that file, in bytes: a token is 43, and some end their lines.
const MAX_TOKEN_FILE: u64 = 1024;

/// What a runtime is to do, apart from the options that all commands take.
pub(super) struct Plan {
    pub(super) past: Past,
    pub(super) only: Option<String>,
    pub(super) own: Option<OwnRelay>,
}

/// How a runtime of the profile is to run.
pub(super) fn config(globals: &Globals, profile: &OpenProfile, plan: Plan) -> Result<Config, Failure> {
    let Plan { past, only, own } = plan;
    take_token(globals, profile)?;
    let lines = globals.settings.history.lines.get();
    profile.vault.now(|store| store.keep_lines(lines))?;
    let source = &globals.settings.source;
    if let Some(file) = source.file() {
        profile.vault.now(|store| store.look_at_settings(&file.to_string_lossy(), source.said()))?;
    }
    Ok(Config {
        transport: transport(globals)?,
        relay: globals.relay.clone(),
        own,
        past,
        only,
        downloads: globals.settings.files.downloads(),
        keeps_metadata: globals.settings.files.keep_metadata,
        fetches_images: globals.settings.files.fetch_images,
        tells_drafts: globals.settings.devices.drafts,
        tap: None,
    })
}

/// A token from a file, for the relay in use. Never from an option: other users of the machine see those.
fn take_token(globals: &Globals, profile: &OpenProfile) -> Result<(), Failure> {
    let Some(token) = token()? else { return Ok(()) };
    let last = || profile.last_relay.as_ref().and_then(|relay| relay.parse().ok());
    let (why, remedy) = words::TOKEN_RELAY;
    let relay = globals.relay.clone().or_else(last).ok_or_else(|| words::token(TOKEN_FILE, why, remedy))?;
    Ok(profile.vault.now(|store| store.set_token(&relay, &token))?)
}

/// What would be refused by [`config`], before there is a profile.
pub(super) fn refuse(globals: &Globals) -> Result<(), Failure> {
    token()?;
    authority(globals).map(drop)
}

/// The token in that file, if one is named.
fn token() -> Result<Option<Token>, Failure> {
    let Some(path) = std::env::var_os(TOKEN_FILE).filter(|path| !path.is_empty()) else { return Ok(None) };
    let bad = |what: String, remedy: &str| words::token(TOKEN_FILE, what, remedy);
    let read = |file: fs::File| {
        let mut text = Zeroizing::new(String::new());
        file.take(MAX_TOKEN_FILE).read_to_string(&mut text).map(|_| text)
    };
    let text = fs::File::open(&path).and_then(read);
    let text = text.map_err(|error| bad(error.to_string(), words::TOKEN_FILE))?;
    let token = text
        .trim_start_matches('\u{feff}')
        .trim()
        .parse()
        .map_err(|error: TokenError| bad(error.to_string(), words::TOKEN_NEW))?;
    Ok(Some(token))
}

pub(super) fn transport(globals: &Globals) -> Result<Transport, Failure> {
    let transport = Transport::new(authority(globals)?).map_err(|error| words::no_network(&error))?;
    Ok(if globals.trust_first_use { transport.trusting_first_use() } else { transport })
}

fn authority(globals: &Globals) -> Result<Option<CaFile>, Failure> {
    globals.ca.as_deref().map(CaFile::read).transpose().map_err(|error| words::authority(&error))
}
