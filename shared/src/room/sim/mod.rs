//! A room's people and their relay under simulated time, for tests and for fuzzing: `world` has the devices, `model` the
//! relay, `hostile` what a peer can do whose program keeps no rule. In a `life` bytes decide what happens: `people` act,
//! an `insider` and a `liar` of a relay do harm, as the `cast` says, and in the end the `judge` speaks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "helpers of tests fail as tests do"
)]
#![cfg_attr(not(test), allow(dead_code, reason = "some of it only tests use"))]

mod cast;
pub(crate) mod choices;
mod eve;
pub(crate) mod hostile;
mod insider;
mod judge;
mod liar;
pub(crate) mod life;
pub(crate) mod model;
mod people;
pub(crate) mod world;
