//! What an operator sees of the program: numbers, logs, and what commands print.

pub mod count;
#[cfg(feature = "program")]
pub(crate) mod human;
#[cfg(feature = "program")]
pub mod logging;
pub mod metrics;
#[cfg(feature = "program")]
pub(crate) mod owner;
#[cfg(feature = "program")]
pub mod print;
pub(crate) mod security;
#[cfg(feature = "program")]
pub mod signal;
