//! The blind relay: orders, keeps and forwards sealed envelopes.
//!
//! ```text
//! net (who comes in) ─▶ session (what is said) ─▶ log (what is kept) ─▶ session ─▶ …
//! ```
//!
//! A room is an ordered log and a member is a cursor into it, so live delivery and catching up after a
//! week are one loop ([`log::Log::read`], then [`log::Log::follow`]). Decisions live in
//! modules without I/O: [`session::request`] parses, [`proto::access`] permits, [`policy::quota`] limits,
//! [`session::router`] commands. Every bound is in [`policy::limits`].
//!
//! The relay cannot read what it carries: it does not depend on the crate that knows the content's types.

// A macro of the library panics where the stream cannot be written: see `ops::print`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod admin;
pub mod backup;
mod bench;
pub mod cli;
pub mod clock;
pub mod config;
pub mod doctor;
mod identity;
#[cfg(target_os = "linux")]
pub mod install;
pub mod log;
pub mod net;
pub mod ops;
pub mod policy;
mod relay;
pub mod service;
pub mod session;

pub use proto::access;

pub use self::{
    identity::{IdentityError, Tls, acme},
    net::{listen::Fallback, tls::TlsError},
    policy::{
        limits::{Limits, Rate, Retention},
        token::Admission,
    },
    relay::{Config, Relay, error::StartError},
};
