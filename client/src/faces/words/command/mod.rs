//! What commands say, and why they fail.

pub mod backup;
pub mod devices;
pub mod file;
pub mod log;
pub mod phrase;
pub mod profile;
pub mod program;
pub mod relay;
pub mod room;
