//! The client of Schat: store, transport, runtime and faces. The binary `schat` is a thin shell around it.

mod ask;
pub mod backup;
pub mod cli;
mod codec;
pub mod daemon;
pub mod faces;
pub mod failure;
pub mod handle;
pub mod log;
#[cfg(feature = "pictures")]
mod picture;
pub mod portable;
pub mod reason;
pub mod runtime;
pub mod settings;
mod sound;
pub mod store;
pub mod text;
pub mod transport;
