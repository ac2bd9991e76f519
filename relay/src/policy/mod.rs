//! How much anybody may have: numbers and decisions, without I/O.

pub(crate) mod addresses;
pub mod files;
pub mod limits;
pub(crate) mod network;
pub(crate) mod pool;
pub mod quota;
mod rate;
pub mod reason;
pub(crate) mod refusal;
mod share;
pub mod token;

pub(crate) use self::share::within;
