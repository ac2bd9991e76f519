//! What rooms of one opener have begun on a day, and which member how much of it.

use std::collections::HashMap;

use proto::PublicKey;

use crate::policy::files::DAY_MEMBERS;

/// Milliseconds of a day.
pub(super) const DAY_MS: u64 = 24 * 3600 * 1000;

/// One opener's day.
#[derive(Debug, Default)]
pub(super) struct Day {
    number: u64,
    bytes: u64,
    /// Only in memory: after a restart those of members whose files are still there.
    members: HashMap<PublicKey, u64>,
    /// What members have begun who came when there were as many as are remembered: they count as one.
    late: u64,
}

impl Day {
    /// As it was stored.
    pub(super) fn stored((number, bytes): (u64, u64)) -> Self {
        Self { number, bytes, ..Self::default() }
    }

    /// As it is stored: its number, and bytes.
    pub(super) fn to_store(&self) -> (u64, u64) {
        (self.number, self.bytes)
    }

    /// Whether this time is on it.
    pub(super) fn is_at(&self, ms: u64) -> bool {
        self.number == ms / DAY_MS
    }

    /// Whether it is over at this time.
    pub(super) fn is_over(&self, now_ms: u64) -> bool {
        self.number < now_ms / DAY_MS
    }

    /// What was begun, and of that what this member has begun.
    pub(super) fn begun(&self, member: &PublicKey) -> (u64, u64) {
        let of_late = if self.members.len() < DAY_MEMBERS { 0 } else { self.late };
        (self.bytes, self.members.get(member).copied().unwrap_or(of_late))
    }

    /// A member begins so many bytes more, at a time that makes it another day if it is on a later one. A day does not come back:
    /// what was begun before midnight and ends after it counts as today's.
    pub(super) fn begin(&mut self, member: &PublicKey, bytes: u64, now_ms: u64) {
        if self.is_over(now_ms) {
            *self = Self::stored((now_ms / DAY_MS, 0));
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.remember(member, bytes);
    }

    /// A member's are so many bytes of what is counted already.
    pub(super) fn remember(&mut self, member: &PublicKey, bytes: u64) {
        let is_full = self.members.len() >= DAY_MEMBERS && !self.members.contains_key(member);
        let theirs = if is_full { &mut self.late } else { self.members.entry(*member).or_default() };
        *theirs = theirs.saturating_add(bytes);
    }

    /// So many bytes of a member never came.
    pub(super) fn give_back(&mut self, member: &PublicKey, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
        let theirs = self.members.get_mut(member).unwrap_or(&mut self.late);
        *theirs = theirs.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(number: usize) -> PublicKey {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_be_bytes());
        PublicKey(key)
    }

    #[test]
    fn members_who_come_when_no_more_are_remembered_count_as_one() {
        let mut day = Day::default();
        for number in 0..DAY_MEMBERS {
            day.begin(&member(number), 1, DAY_MS);
        }
        for number in 0..3 {
            day.begin(&member(DAY_MEMBERS + number), 5, DAY_MS);
        }
        assert_eq!(day.members.len(), DAY_MEMBERS);
        assert_eq!(day.begun(&member(DAY_MEMBERS + 9)), (DAY_MEMBERS as u64 + 15, 15));
        assert_eq!(day.begun(&member(7)).1, 1);
        day.give_back(&member(DAY_MEMBERS), 5);
        day.give_back(&member(7), 1);
        assert_eq!((day.begun(&member(DAY_MEMBERS)).1, day.begun(&member(7)).1), (10, 0));
        day.begin(&member(7), 2, 2 * DAY_MS);
        assert_eq!((day.begun(&member(7)), day.begun(&member(8))), ((2, 2), (2, 0)), "another day");
    }
}
