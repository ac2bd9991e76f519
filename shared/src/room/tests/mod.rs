//! The engine under simulated time, against a model of the relay that does what it is told, or cheats.

use super::sim::{hostile, model, world};

mod ahead;
mod alone;
mod basic;
mod hostile_answers;
mod hostile_bounds;
mod hostile_confirm;
mod hostile_content;
mod hostile_insider;
mod hostile_joiner;
mod hostile_ledger;
mod hostile_member;
mod hostile_order;
mod hostile_relay;
mod hostile_resealed;
mod hostile_room;
mod hostile_said;
mod hostile_signal;
mod invites;
mod limits;
mod old_rows;
mod past;
mod pieces;
mod restored;
mod resync;
mod roles;
mod said;
mod seeds;
mod signal;
mod spoiled;
mod takeback;
mod token;
