//! What must be true of what an operator did, in a backup.

use std::collections::BTreeSet;

use super::RestoreError;
use crate::{
    log::redb::Flaw,
    policy::limits::{MAX_DROPPED, MAX_FROZEN_OPENERS},
};

/// Openers that are frozen and rooms that were dropped: as many as a relay keeps.
#[derive(Default)]
pub(super) struct Holds {
    openers: BTreeSet<[u8; 16]>,
    dropped: BTreeSet<[u8; 32]>,
}

impl Holds {
    /// An opener is frozen.
    pub(super) fn opener(&mut self, opener: [u8; 16], at_ms: u64) -> Result<(), RestoreError> {
        let is_next = self.openers.last().is_none_or(|last| *last < opener);
        let fits = (self.openers.len() as u64) < MAX_FROZEN_OPENERS;
        self.openers.insert(opener);
        if is_next && fits && at_ms != 0 { Ok(()) } else { Err(RestoreError::Malformed("frozen openers")) }
    }

    /// A room was dropped.
    pub(super) fn dropped(&mut self, id: [u8; 32], at_ms: u64) -> Result<(), RestoreError> {
        let is_next = self.dropped.last().is_none_or(|last| *last < id);
        let fits = (self.dropped.len() as u64) < MAX_DROPPED;
        self.dropped.insert(id);
        if is_next && fits && at_ms != 0 { Ok(()) } else { Err(RestoreError::Malformed("dropped rooms")) }
    }

    /// A room is there: so it was not dropped.
    pub(super) fn room(&self, id: &[u8; 32]) -> Result<(), RestoreError> {
        if self.dropped.contains(id) { Err(Flaw::Orphan.into()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_order_twice_timeless_or_both_dropped_and_there_is_refused() {
        let mut holds = Holds::default();
        holds.opener([2; 16], 5).unwrap();
        holds.dropped([2; 32], 5).unwrap();
        for (byte, at_ms) in [(2, 5), (1, 5), (3, 0)] {
            assert!(holds.opener([byte; 16], at_ms).is_err(), "{byte}");
            assert!(holds.dropped([byte; 32], at_ms).is_err(), "{byte}");
        }
        assert!(holds.room(&[2; 32]).is_err());
        holds.room(&[9; 32]).unwrap();
    }
}
