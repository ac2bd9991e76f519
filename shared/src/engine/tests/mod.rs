//! The engine under simulated time, against a model of the relay that does what it is told, or cheats.

mod basic;
mod model;
mod seeds;
mod world;
