//! What an operator sees of the program: numbers, logs, and what commands print.

pub(crate) mod human;
pub mod logging;
pub mod metrics;
pub(crate) mod owner;
pub mod print;
pub(crate) mod security;
pub mod signal;
