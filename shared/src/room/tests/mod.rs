//! The engine under simulated time, against a model of the relay that does what it is told, or cheats.

mod basic;
mod hostile;
mod hostile_answers;
mod hostile_bounds;
mod hostile_confirm;
mod hostile_content;
mod hostile_insider;
mod hostile_joiner;
mod hostile_member;
mod hostile_order;
mod hostile_relay;
mod hostile_resealed;
mod hostile_room;
mod hostile_said;
mod hostile_signal;
mod invites;
mod limits;
mod model;
mod past;
mod roles;
mod said;
mod seeds;
mod signal;
mod spoiled;
mod token;
mod world;
