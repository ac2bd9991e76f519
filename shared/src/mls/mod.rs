//! The room's group (RFC 9420) and the rules that every member enforces.

pub(crate) mod extension;
pub mod group;
pub(crate) mod leave;
pub mod rules;
mod violation;
