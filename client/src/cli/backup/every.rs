//! Backups that a daemon makes again and again.

use std::{io, path::PathBuf, time::Duration};

use clap::ValueEnum;
use zeroize::Zeroizing;

use super::once::once;
use crate::{
    backup::{BackupError, BackupKey},
    faces::words::{self, command::backup as sentences},
    failure::Failure,
    runtime::now_ms,
    store::{ProfileDir, Store, Vault},
};

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Every {
    /// Each hour.
    Hour,
    /// Each day.
    Day,
    /// Each week.
    Week,
    /// Not any more.
    Never,
}

impl Every {
    pub(super) fn seconds(self) -> u64 {
        match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 604_800,
            Self::Never => 0,
        }
    }
}

/// What the daemon is to do.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Plans {
    pub(super) target: PathBuf,
    pub(super) every_s: u64,
    pub(super) files: bool,
    /// Unix milliseconds.
    pub(super) last: u64,
}

/// Where it is kept.
const PLAN: &str = "backup-plan";

impl Plans {
    pub(super) fn save(&self, store: &mut Store) -> Result<(), BackupError> {
        let bytes = serde_json::to_vec(self).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(store.set_meta(PLAN, &bytes)?)
    }

    fn load(store: &Store) -> Result<Option<Self>, BackupError> {
        Ok(store.meta(PLAN)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }
}

/// How often a daemon looks whether a backup is due.
const LOOK: Duration = Duration::from_secs(60);

/// Makes backups when they are due, beside the daemon's own work; for ever.
pub(in crate::cli) async fn again_and_again(settings: String, vault: Vault, dir: ProfileDir) {
    loop {
        let (settings, vault, dir) = (settings.clone(), vault.clone(), dir.clone());
        // What fails is told, and tried again when it is due the next time.
        if let Ok(Err(failure)) = tokio::task::spawn_blocking(move || due(settings, &vault, &dir)).await {
            eprintln!("schat: {}", words::failure(&failure));
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn due(settings: String, vault: &Vault, dir: &ProfileDir) -> Result<(), Failure> {
    // Read beside the rooms, which do not wait for it.
    let mut store = vault.now(|store| store.sibling(dir.path()))?;
    let Some(mut plan) = Plans::load(&store).map_err(|error| sentences::failed(&error, dir.path()))? else {
        return Ok(());
    };
    let told = |error: BackupError| sentences::failed(&error, &plan.target);
    let is_due = plan.every_s > 0 && now_ms().abs_diff(plan.last) >= plan.every_s.saturating_mul(1000);
    let Some(key) = store.backup_key()?.filter(|_| is_due) else { return Ok(()) };
    let Ok(key) = <[u8; 32]>::try_from(key.as_slice()).map(Zeroizing::new) else { return Ok(()) };
    let done = once(&mut store, &plan.target, &BackupKey::from_bytes(&key), plan.files, settings);
    let done = done.map_err(told);
    plan.last = now_ms();
    let target = plan.target.clone();
    plan.save(&mut store).map_err(|error| sentences::failed(&error, &target))?;
    done.map(|_| ())
}
