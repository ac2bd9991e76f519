//! Which backups a daemon is to make by itself, and what became of the last ones.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Store, StoreError};
use crate::failure::Failure;

/// Where it is kept.
const PLAN: &str = "backup-plan";

/// Milliseconds in a second.
const SECOND_MS: u64 = 1_000;

/// What the daemon is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupPlan {
    /// Where to.
    pub target: PathBuf,
    /// How often; 0: not any more.
    pub every_s: u64,
    /// With the bytes of files.
    pub files: bool,
    /// A directory, which has to be there each time: a disk that is not plugged in is not taken for an empty one.
    pub is_directory: bool,
    /// From when the time to the next one counts, in Unix milliseconds.
    pub last: u64,
    /// When the last one was made, in Unix milliseconds. None: there was none since somebody asked for them.
    #[serde(default)]
    pub made: Option<u64>,
    /// When the last try failed, in Unix milliseconds, and why. None: it did not.
    #[serde(default)]
    pub failed: Option<(u64, Failure)>,
}

impl BackupPlan {
    /// A clock that was put right counts as any other time: a backup too many is no harm.
    pub fn is_due(&self, now: u64) -> bool {
        self.every_s > 0 && now.abs_diff(self.last) >= self.every_s.saturating_mul(SECOND_MS)
    }

    /// When the next one is made, in Unix milliseconds. None: not by itself.
    pub fn next(&self) -> Option<u64> {
        (self.every_s > 0).then(|| self.last.saturating_add(self.every_s.saturating_mul(SECOND_MS)))
    }

    /// One was tried, and is tried again `again_s` seconds later where it failed, in Unix milliseconds and seconds.
    pub fn tried(&mut self, now: u64, done: Result<(), Failure>, again_s: u64) {
        let wait_s = if done.is_ok() { 0 } else { self.every_s.saturating_sub(again_s) };
        self.last = now.saturating_sub(wait_s.saturating_mul(SECOND_MS));
        match done {
            Ok(()) => (self.made, self.failed) = (Some(now), None),
            Err(failure) => self.failed = Some((now, failure)),
        }
    }
}

impl Store {
    /// The backups that a daemon is to make. What another version wrote is none.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn backup_plan(&self) -> Result<Option<BackupPlan>, StoreError> {
        Ok(self.meta(PLAN)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Keeps it.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_backup_plan(&mut self, plan: &BackupPlan) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(plan).map_err(std::io::Error::from)?;
        self.set_meta(PLAN, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    fn plan(every_s: u64, last: u64) -> BackupPlan {
        let (made, failed) = (None, None);
        BackupPlan { target: "x".into(), every_s, files: false, is_directory: false, last, made, failed }
    }

    #[test]
    fn plan_is_due_after_its_time_whatever_the_clock_did_and_never_if_so_wanted() {
        let (hour, now) = (3_600, 50_000_000);
        assert!(!plan(hour, now - 3_599_000).is_due(now) && plan(hour, now - 3_600_000).is_due(now));
        assert!(plan(hour, now * 9).is_due(now), "the clock was years ahead once");
        assert!(!plan(0, 0).is_due(now));
        assert_eq!((plan(hour, now).next(), plan(0, now).next()), (Some(now + 3_600_000), None));
    }

    #[test]
    fn failure_is_told_until_one_was_made_and_changes_nothing_of_when_that_was() {
        let (mut plan, hour) = (plan(86_400, 0), 3_600_000);
        plan.tried(hour, Ok(()), 3_600);
        let full = Failure::new(Exit::Local, "no_space", "full", "free some");
        plan.tried(50 * hour, Err(full.clone()), 3_600);
        assert_eq!((plan.made, &plan.failed), (Some(hour), &Some((50 * hour, full))));
        assert_eq!(plan.next(), Some(51 * hour), "an hour later");
        plan.tried(51 * hour, Ok(()), 3_600);
        assert_eq!((plan.made, plan.failed.clone(), plan.next()), (Some(51 * hour), None, Some(75 * hour)));
    }

    /// As an earlier version wrote it.
    #[test]
    fn plan_without_what_became_of_it_is_read() {
        let text = r#"{"target":"x","every_s":60,"files":true,"is_directory":false,"last":7}"#;
        let read: BackupPlan = serde_json::from_str(text).unwrap();
        assert_eq!(read, BackupPlan { files: true, ..plan(60, 7) });
    }
}
