//! What an operator does with tokens.

use proto::RoomId;

use crate::policy::token::{TokenId, TokenRecord};

/// A change of the tokens.
#[derive(Clone, Debug)]
pub enum TokenChange {
    /// One more.
    Add(TokenRecord),
    /// One less, named by the beginning of its hash.
    Revoke(TokenId),
}

/// A token that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// As it was.
    pub token: TokenRecord,
    /// Rooms that were opened with it and still exist.
    pub rooms: Vec<RoomId>,
}

/// Why the tokens were not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// None begins so.
    #[error("there is no such token; `relay token list` shows all")]
    Unknown,
    /// More than one begins so.
    #[error("several tokens begin so; give more digits of the id")]
    Ambiguous,
    /// There are as many as may be.
    #[error("there are too many tokens; revoke those that are expired or used up")]
    TooMany,
    /// The disk is full or failing, or the relay is stopping.
    #[error("the database cannot be written now; free some space, then try again")]
    Unavailable,
}
