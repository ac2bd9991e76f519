//! The blind relay: orders, keeps and forwards sealed envelopes.
//!
//! ```text
//! connection ─▶ stream ─▶ router (decides) ─▶ backend (keeps) ─▶ stream ─▶ …
//! ```
//!
//! A room is an ordered log and a member is a cursor into it, so live delivery and catching up after a
//! week are one loop ([`backend::Backend::read`], then [`backend::Backend::follow`]). Decisions live in
//! modules without I/O: [`request`] parses, [`proto::access`] permits, [`quota`] limits, [`router`] commands. Only
//! `connection` and `transport` touch the network, only [`backend`] touches the disk. Every bound is in [`limits`].
//!
//! The relay cannot read what it carries: it does not depend on the crate that knows the content's types.

// A macro of the library panics where the stream cannot be written: see `print`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod admin;
pub mod backend;
pub mod backup;
mod bench;
pub mod capacity;
mod caught;
pub mod cli;
pub mod clock;
pub mod config;
mod connection;
pub mod doctor;
mod door;
mod error;
mod fragments;
mod identity;
#[cfg(target_os = "linux")]
pub mod install;
mod limit;
pub mod limits;
mod link;
mod listen;
pub mod log;
pub mod metrics;
mod owner;
pub mod print;
mod quic;
pub mod quota;
mod relay;
mod reload;
pub mod request;
mod reset;
pub mod router;
mod security;
pub mod service;
mod shared;
pub mod signal;
mod socket;
mod stream;
mod tcp;
mod tls;
pub mod token;
mod transport;
mod turns;

pub use proto::access;

pub use self::{
    error::StartError,
    identity::{IdentityError, Tls, acme},
    limits::{Limits, Rate, Retention},
    listen::Fallback,
    relay::{Config, Relay},
    tls::TlsError,
    token::Admission,
};
