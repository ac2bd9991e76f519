//! The room core for a browser: `shared`, unchanged, and the border to JavaScript.
//!
//! Bytes and the time go in. What comes out is taken with [`room::Room::take`] and is carried out in this order: store, send,
//! show. Nothing here knows a socket, a clock or a database.

pub mod line;
pub mod link;
pub mod profile;
pub mod room;
mod told;
