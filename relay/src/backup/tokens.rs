//! What must be true of the tokens in a backup.

use std::collections::BTreeMap;

use super::RestoreError;
use crate::{
    log::redb::Flaw,
    policy::{limits::MAX_TOKENS, token::MAX_LABEL},
};

/// By hash: rooms that were opened with it and that no room has named yet. As many as a relay keeps.
#[derive(Default)]
pub(super) struct Tokens(BTreeMap<[u8; 32], u32>);

impl Tokens {
    /// One more, with as many rooms.
    pub(super) fn add(&mut self, hash: [u8; 32], rooms: u32, label: &str) -> Result<(), RestoreError> {
        if self.0.last_key_value().is_some_and(|(last, _)| *last >= hash) {
            return Err(RestoreError::Malformed("tokens are out of order"));
        }
        if self.0.len() as u64 >= MAX_TOKENS {
            return Err(RestoreError::Malformed("there are too many tokens"));
        }
        if label.chars().count() > MAX_LABEL || label.chars().any(char::is_control) {
            return Err(RestoreError::Malformed("the label of a token"));
        }
        self.0.insert(hash, rooms);
        Ok(())
    }

    /// A room names its token.
    pub(super) fn count(&mut self, hash: &[u8; 32]) -> Result<(), RestoreError> {
        let rooms = self.0.get_mut(hash).ok_or(Flaw::Orphan)?;
        *rooms = rooms.checked_sub(1).ok_or(Flaw::Numbers)?;
        Ok(())
    }

    /// There are no more rooms.
    pub(super) fn settle(&self) -> Result<(), RestoreError> {
        if self.0.values().all(|rooms| *rooms == 0) { Ok(()) } else { Err(Flaw::Numbers.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_do_not_count_their_rooms_are_refused() {
        let mut tokens = Tokens::default();
        tokens.add([1; 32], 1, "ann").unwrap();
        assert!(tokens.settle().is_err(), "a room is missing");
        assert!(tokens.count(&[2; 32]).is_err(), "a room of no token");
        tokens.count(&[1; 32]).unwrap();
        tokens.settle().unwrap();
        assert!(tokens.count(&[1; 32]).is_err(), "a room too many");
    }

    #[test]
    fn tokens_out_of_order_twice_or_badly_named_are_refused() {
        let mut tokens = Tokens::default();
        tokens.add([2; 32], 0, "").unwrap();
        for (hash, label) in
            [([2; 32], ""), ([1; 32], ""), ([3; 32], "two\nlines"), ([3; 32], &*"x".repeat(49))]
        {
            assert!(tokens.add(hash, 0, label).is_err(), "{label}");
        }
    }
}
