//! The room's group (RFC 9420) and the rules that every member enforces.

pub mod group;
pub mod rules;
