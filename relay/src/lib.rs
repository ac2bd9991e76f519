//! The blind relay: orders, keeps and forwards sealed envelopes.

pub mod access;
pub mod backend;
pub mod limits;
pub mod quota;
pub mod request;
