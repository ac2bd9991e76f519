//! Text of others: what is shown of it, and which names look alike.

pub mod names;
pub mod sanitize;
