//! What members report of the relay: of known kinds, in our words, each once.

use super::{Alarm, AlarmKind, Engine};
use crate::content;

/// Longest evidence on either side, in bytes: two hashes. It is not shown.
const MAX_EVIDENCE: usize = 64;

/// Reports that are told of in an epoch: enough for each of a large room's members to say the same. More are a flood,
/// and what they say has been told.
const MAX_REPORTS: usize = 1_024;

impl Engine {
    /// A member reports. False when it is nothing that can be reported.
    pub(super) fn reported(&mut self, leaf: u32, name: &str, alarm: &content::Alarm) -> bool {
        let kind = AlarmKind::from_name(&alarm.kind).filter(|kind| *kind != AlarmKind::Impostor);
        let Some(kind) = kind else { return false };
        if alarm.ours.len() > MAX_EVIDENCE || alarm.theirs.len() > MAX_EVIDENCE {
            return false;
        }
        if self.reports.len() < MAX_REPORTS && self.reports.insert((leaf, kind.name())) {
            self.alarm(Alarm::Reported { by: name.to_owned(), kind });
        }
        true
    }
}
