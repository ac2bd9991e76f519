//! Backups that a daemon makes again and again.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum;
use zeroize::Zeroizing;

use super::once::once;
use crate::{
    backup::{self, BackupError, BackupKey},
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
    /// A directory, which has to be there each time: a disk that is not plugged in is not taken for an empty one.
    pub(super) is_directory: bool,
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

    /// A clock that was put right counts as any other time: a backup too many is no harm.
    fn is_due(&self, now: u64) -> bool {
        self.every_s > 0 && now.abs_diff(self.last) >= self.every_s.saturating_mul(1000)
    }

    /// None is made by itself any more, if any was.
    pub(super) fn stop(store: &mut Store) -> Result<(), BackupError> {
        match Self::load(store)? {
            Some(plan) => Self { every_s: 0, ..plan }.save(store),
            None => Ok(()),
        }
    }

    fn load(store: &Store) -> Result<Option<Self>, BackupError> {
        Ok(store.meta(PLAN)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }
}

/// How often a daemon looks whether a backup is due.
const LOOK: Duration = Duration::from_secs(60);

/// After what time one that failed is tried again, in seconds.
const AGAIN_S: u64 = 3_600;

/// Makes backups when they are due, beside the daemon's own work; for ever.
pub(in crate::cli) async fn again_and_again(settings: String, vault: Vault, dir: ProfileDir) {
    loop {
        let (settings, vault, dir) = (settings.clone(), vault.clone(), dir.clone());
        // What fails is told, and tried again after an hour.
        if let Ok(Err(failure)) = tokio::task::spawn_blocking(move || due(settings, &vault, &dir)).await {
            eprintln!("schat: {}", words::failure(&failure));
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn due(settings: String, vault: &Vault, dir: &ProfileDir) -> Result<(), Failure> {
    let failed = |error: BackupError| sentences::failed(&error, dir.path());
    let Some(plan) = vault.now(|store| Ok(Plans::load(store)))?.map_err(failed)? else { return Ok(()) };
    let told = |error: BackupError| sentences::failed(&error, &plan.target);
    if !plan.is_due(now_ms()) {
        return Ok(());
    }
    // Read beside the rooms, which do not wait for it.
    let mut store = vault.now(|store| store.sibling(dir.path()))?;
    let Some(key) = store.backup_key()? else { return Ok(()) };
    let Ok(key) = <[u8; 32]>::try_from(key.as_slice()).map(Zeroizing::new) else { return Ok(()) };
    let done = match plan.is_directory == is_backup_directory(&plan.target) {
        true => once(&mut store, &plan.target, &BackupKey::from_bytes(&key), plan.files, settings),
        false => Err(BackupError::Missing),
    };
    // Another plan may have been made meanwhile.
    if let Some(mut now) = Plans::load(&store).map_err(told)? {
        let wait = if done.is_ok() { 0 } else { plan.every_s.saturating_sub(AGAIN_S) };
        now.last = now_ms().saturating_sub(wait.saturating_mul(1000));
        now.save(&mut store).map_err(told)?;
    }
    done.map(|_| ()).map_err(told)
}

/// Whether a backup is in a directory there. A directory without one may be where a disk is plugged in.
pub(super) fn is_backup_directory(target: &Path) -> bool {
    target.is_dir() && backup::is_there(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plan_is_due_after_its_time_whatever_the_clock_did_and_never_if_so_wanted() {
        let plan =
            |every_s, last| Plans { target: "x".into(), every_s, files: false, is_directory: false, last };
        let (hour, now) = (3_600, 50_000_000);
        assert!(!plan(hour, now - 3_599_000).is_due(now) && plan(hour, now - 3_600_000).is_due(now));
        assert!(plan(hour, now * 9).is_due(now), "the clock was years ahead once");
        assert!(!plan(0, 0).is_due(now));
    }

    #[test]
    fn directory_without_a_backup_may_be_where_a_disk_is_plugged_in() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_backup_directory(dir.path()) && !is_backup_directory(&dir.path().join("none")));
        std::fs::write(dir.path().join("schat-backup"), "x").unwrap();
        assert!(is_backup_directory(dir.path()));
    }
}
