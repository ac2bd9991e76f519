//! What people and programs see: thin shells that turn input into calls of the runtime and its events into lines.

pub mod action;
mod avatar;
pub mod execute;
pub mod groups;
pub mod input;
pub mod json;
pub mod lines;
pub mod link;
mod markup;
pub(crate) mod meanwhile;
pub(crate) mod mention;
pub mod pending;
pub mod plain;
pub mod qr;
pub mod quote;
pub(crate) mod stdout;
pub mod tui;
pub mod unread;
pub mod words;
mod work;
pub mod zone;

pub use crate::text::sanitize;
