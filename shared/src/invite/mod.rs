//! How a stranger gets in: the secrets of an invite, its link, and the slot that it opens.

mod keys;
pub mod link;
pub mod slot;

pub use keys::*;
