//! One backup of a profile.

use std::path::Path;

use crate::{
    backup::{self, BackupError, BackupKey, Done, Source, Wanted},
    cli::random::random,
    runtime::now_ms,
    store::{Store, engine_profile},
};

/// Writes one backup of a profile.
pub(super) fn once(
    store: &mut Store,
    target: &Path,
    key: &BackupKey,
    files: bool,
    settings: String,
) -> Result<Done, BackupError> {
    let account = store.account()?.ok_or(BackupError::Altered)?;
    let texts = store.own_texts()?;
    let shown = (texts.name.as_str(), texts.status.as_str(), texts.glyph.as_str());
    let profile = engine_profile(account, shown, &random());
    store.freeze()?;
    let source = Source { store, profile: &profile, settings, now: now_ms() };
    let done = backup::write(&source, &Wanted { target, key, files }, &random());
    store.thaw()?;
    done
}
