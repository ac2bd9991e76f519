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
//!
//! What makes it a program (settings, commands, the operator's socket, backups, public certificates, proxies, the
//! service manager) is the feature `program`. Who embeds a relay does without: [`Relay::start`] with a [`Config`].

// What only the program asks for is not known to it when the library stands alone, inside another program.
#![cfg_attr(not(feature = "program"), allow(dead_code, unreachable_pub, unused_imports))]
// A macro of the library panics where the stream cannot be written: see `ops::print`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

#[cfg(feature = "program")]
pub mod admin;
#[cfg(feature = "program")]
pub mod backup;
#[cfg(feature = "program")]
mod bench;
pub mod blobs;
#[cfg(feature = "program")]
pub mod cli;
pub mod clock;
#[cfg(feature = "program")]
pub mod config;
#[cfg(feature = "program")]
pub mod doctor;
pub mod home;
mod identity;
#[cfg(all(feature = "program", target_os = "linux"))]
pub mod install;
pub mod log;
pub mod net;
pub mod ops;
pub mod policy;
mod relay;
#[cfg(feature = "program")]
pub mod service;
pub mod session;

pub use proto::access;

#[cfg(feature = "program")]
pub use self::identity::acme;
pub use self::{
    identity::{IdentityError, Tls},
    net::{listen::Fallback, tls::TlsError},
    policy::{
        limits::{Limits, Rate, Retention},
        token::Admission,
    },
    relay::{Config, Relay, error::StartError},
};
