//! What an operator does with tokens.

use proto::RoomId;

use crate::{
    log::{Answer, Unavailable},
    policy::token::{TokenId, TokenRecord},
};

/// Tokens that open rooms. Whether one does is decided with the room: [`Log::create`](super::Log::create).
pub trait Tokens: Send + Sync + 'static {
    /// All tokens, the oldest first; as many as [`MAX_TOKENS`](crate::policy::limits::MAX_TOKENS).
    fn tokens(&self) -> Answer<'_, Result<Vec<TokenRecord>, Unavailable>>;

    /// Adds a token, or revokes one and says which rooms it opened. Those stay.
    fn change_tokens(&self, change: TokenChange) -> Answer<'_, Result<Option<Revoked>, TokenError>>;
}

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
