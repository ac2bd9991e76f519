//! The engine under simulated time, against a model of the relay that does what it is told, or cheats.

mod basic;
mod hostile;
mod hostile_insider;
mod hostile_joiner;
mod hostile_member;
mod hostile_relay;
mod model;
mod seeds;
mod world;
