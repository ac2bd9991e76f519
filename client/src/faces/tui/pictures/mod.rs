//! Pictures under their lines.
//!
//! ```text
//!  draw ─▶ gallery (what is on the screen, what is wanted) ─▶ act (where is it?) ─▶ painter (a thread: decodes, scales)
//!             ▲                                                                        │
//!             └──────────────────────────── canvas ◀───────────────────────────────────┘
//! ```
//!
//! Shown is what somebody fetched or sent; before that, the small preview that came with the message. The terminal is asked
//! nothing: what it can show, its name and its environment tell.
#![cfg_attr(not(feature = "pictures"), allow(dead_code, reason = "then there is nobody who paints"))]

mod blocks;
mod canvas;
mod gallery;
mod painter;
mod shows;
mod size;

pub(super) use self::{
    canvas::Canvas,
    gallery::{AVATAR, Gallery, Wish},
    painter::{Job, Painted, Painter},
    shows::{How, Shows, found, window},
};
