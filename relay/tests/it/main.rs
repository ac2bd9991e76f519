//! The relay from outside: real QUIC, real disk, and for some tests the real program.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod access;
mod acme;
#[cfg(unix)]
mod admin;
#[cfg(unix)]
mod admin_rooms;
mod amplification;
mod backend;
mod backup;
mod bench;
mod blobs;
mod cas;
mod certificate;
mod common;
mod crash;
#[cfg(unix)]
mod damage;
mod doctor;
#[cfg(target_os = "linux")]
mod full_disk;
mod halves;
mod held;
#[cfg(unix)]
mod held_program;
mod hostile;
#[cfg(target_os = "linux")]
mod install;
#[cfg(unix)]
mod lifecycle;
mod limits;
mod limits_connections;
mod limits_program;
mod live;
mod live_access;
#[cfg(unix)]
mod logs;
#[cfg(unix)]
mod monitoring;
mod offers;
mod opening;
#[cfg(target_os = "linux")]
mod output;
mod pebble;
mod pieces;
mod program;
mod proxy;
#[cfg(target_os = "linux")]
mod read_only;
mod rooms;
mod starve;
mod tap;
mod tcp;
mod token;
mod token_guess;
#[cfg(unix)]
mod token_program;
#[cfg(unix)]
mod watching;
mod web_transport;
mod wrong_clock;
#[cfg(unix)]
mod wrong_clock_program;
