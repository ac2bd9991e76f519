//! A room's people and their relay under simulated time, for tests: `world` has the devices, `model` the relay, `hostile`
//! what a peer can do whose program keeps no rule.

pub(crate) mod hostile;
pub(crate) mod model;
pub(crate) mod world;
