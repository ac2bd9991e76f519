//! The crypto provider against published answers, against another MLS library, and under `mls-rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod group;
mod interop;
mod published;
mod rfc9420;
mod support;
