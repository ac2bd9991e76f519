//! A room, explored exhaustively at small sizes: every order of what honest, hostile and sleeping members, joiners and a
//! removed member do. The relay's part is the very code that the relay runs. `docs/access.md` says which case is where.
//!
//! What is tried has to be bounded, since logs only grow: each world says who is there, and how often whom acts.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

mod faults;
mod honest;
mod hostile;
mod people;
mod properties;
mod room;
mod signing;
mod truth;
mod world;
mod worlds;
