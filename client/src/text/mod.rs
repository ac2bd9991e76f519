//! Text of others: what is shown of it, what finds it, and which names look alike.

pub mod loose;
pub mod names;
pub mod namesakes;
pub mod sanitize;
