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

    /// A profile whose daemon is to make a backup now, into a directory that has one already.
    fn planned(dir: &Path) -> (crate::store::OpenProfile, PathBuf) {
        let chosen = ProfileDir::choose(Some(dir.join("ann"))).unwrap();
        let profile =
            crate::store::OpenProfile::open(chosen, Some("ann"), crate::cli::random::random()).unwrap();
        let target = dir.join("stick");
        std::fs::create_dir(&target).unwrap();
        let key = [7; 32];
        profile.vault.now(|store| store.set_backup_key(&key)).unwrap();
        let first =
            |store: &mut Store| Ok(once(store, &target, &BackupKey::from_bytes(&key), false, String::new()));
        profile.vault.now(first).unwrap().unwrap();
        plan(&profile.vault, &target);
        (profile, target)
    }

    fn plan(vault: &Vault, target: &Path) {
        let plan =
            Plans { target: target.to_owned(), every_s: 86_400, files: false, is_directory: true, last: 1 };
        vault.now(|store| Ok(plan.save(store))).unwrap().unwrap();
    }

    fn last(vault: &Vault) -> u64 {
        vault.now(|store| Ok(Plans::load(store))).unwrap().unwrap().unwrap().last
    }

    /// What a daemon does with its profile: when the day is over the backup is another one, and not before.
    #[tokio::test]
    async fn daemon_makes_the_backup_when_it_is_due_and_only_then() {
        let dir = tempfile::tempdir().unwrap();
        let (profile, target) = planned(dir.path());
        let index = target.join("schat-backup");
        let before = std::fs::read(&index).unwrap();
        let daemon =
            tokio::spawn(again_and_again(String::new(), profile.vault.clone(), profile.dir().clone()));
        while last(&profile.vault) == 1 {
            tokio::task::yield_now().await;
        }
        daemon.abort();
        let first = std::fs::read(&index).unwrap();
        assert_ne!(first, before);
        due(String::new(), &profile.vault, profile.dir()).unwrap();
        assert_eq!(std::fs::read(&index).unwrap(), first, "not a day later");
        plan(&profile.vault, &target);
        due(String::new(), &profile.vault, profile.dir()).unwrap();
        assert_ne!(std::fs::read(&index).unwrap(), first, "a day later");
    }

    /// The stick is not plugged in: that is told, nothing is written where it would be, and it is tried again after an hour.
    #[test]
    fn directory_that_is_not_there_gets_no_backup_and_is_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let (profile, target) = planned(dir.path());
        std::fs::remove_dir_all(&target).unwrap();
        std::fs::create_dir(&target).unwrap();
        let failure = due(String::new(), &profile.vault, profile.dir()).unwrap_err();
        assert_eq!(failure.exit, crate::failure::Exit::NotFound);
        assert_eq!(std::fs::read_dir(&target).unwrap().count(), 0);
        let waits = now_ms() - last(&profile.vault);
        assert!((82_000_000..=82_900_000).contains(&waits), "{waits}");
    }

    #[test]
    fn somebody_without_a_backup_is_reminded_once_after_the_first_day() {
        let dir = tempfile::tempdir().unwrap();
        let chosen = ProfileDir::choose(Some(dir.path().join("ann"))).unwrap();
        let profile =
            crate::store::OpenProfile::open(chosen, Some("ann"), crate::cli::random::random()).unwrap();
        let (hour, now) = (3_600_000, now_ms());
        let asked = |at| profile.vault.now(|store| store.remind_of_backup(at)).unwrap();
        assert!(!asked(now) && !asked(now + hour) && !asked(now + 23 * hour), "on the first day");
        assert!(asked(now + 25 * hour));
        assert!(!asked(now + 26 * hour) && !asked(now + 999 * hour), "once");
    }

    #[test]
    fn directory_without_a_backup_may_be_where_a_disk_is_plugged_in() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_backup_directory(dir.path()) && !is_backup_directory(&dir.path().join("none")));
        std::fs::write(dir.path().join("schat-backup"), "x").unwrap();
        assert!(is_backup_directory(dir.path()));
    }
}
