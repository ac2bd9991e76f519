//! Backups that a daemon makes again and again.

use std::{path::Path, time::Duration};

use clap::ValueEnum;
use zeroize::Zeroizing;

use super::once::once;
use crate::{
    backup::{self, BackupError, BackupKey},
    faces::words::{self, command::backup as sentences},
    failure::Failure,
    runtime::now_ms,
    store::{ProfileDir, Vault},
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
    let Some(plan) = vault.now(|store| store.backup_plan())? else { return Ok(()) };
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
    let done = done.map(|_| ()).map_err(|error| sentences::failed(&error, &plan.target));
    // Another plan may have been made meanwhile.
    if let Some(mut now) = store.backup_plan()? {
        now.tried(now_ms(), done.clone(), AGAIN_S);
        store.set_backup_plan(&now)?;
    }
    done
}

/// Whether a backup is in a directory there. A directory without one may be where a disk is plugged in.
pub(super) fn is_backup_directory(target: &Path) -> bool {
    target.is_dir() && backup::is_there(target)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::store::{BackupPlan, Store};

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
        let plan = BackupPlan {
            target: target.to_owned(),
            every_s: 86_400,
            files: false,
            is_directory: true,
            last: 1,
            made: None,
            failed: None,
        };
        vault.now(|store| store.set_backup_plan(&plan)).unwrap();
    }

    fn planned_by(vault: &Vault) -> BackupPlan {
        vault.now(|store| store.backup_plan()).unwrap().unwrap()
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
        while planned_by(&profile.vault).last == 1 {
            tokio::task::yield_now().await;
        }
        daemon.abort();
        let first = std::fs::read(&index).unwrap();
        assert_ne!(first, before);
        let plan_now = planned_by(&profile.vault);
        assert_eq!((plan_now.made, &plan_now.failed), (Some(plan_now.last), &None));
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
        let plan = planned_by(&profile.vault);
        assert_eq!((plan.made, plan.failed.map(|(_, told)| told)), (None, Some(failure)));
        let waits = now_ms() - plan.last;
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
