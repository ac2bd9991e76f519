//! How a stranger gets in: the secrets of an invite, its link, its card, its place in the group's state, and the slot
//! that it opens.

pub mod card;
mod keys;
pub mod link;
mod listed;
pub mod pieces;
pub mod slot;

pub use keys::*;
#[cfg(test)]
pub(crate) use listed::invite_statement;
pub use listed::{access_key_of, join_statement, list, list_for, public_hash, signed_by_maker};
pub use slot::SealSlotError;
