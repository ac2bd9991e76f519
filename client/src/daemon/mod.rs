//! One process owns a profile, and many faces use it: `schat daemon`.
//!
//! ```text
//!  face ── Runtime (remote) ── frames ──▶ session ──▶ Runtime (local) ──▶ rooms
//!  face ◀── Event ◀── credit ── session ◀── queue (bounded) ◀── hub ◀──────┘
//! ```
//!
//! The socket lies in the profile's directory. What is said over it is private and changes with each version: both sides
//! are one program. Whoever may connect is this user, and may do whatever this user may; bounds are there so that a
//! mistake of one face, or rubbish, disturbs no other.

mod client;
mod frame;
mod hub;
mod place;
mod remote;
mod replay;
mod served;
mod server;
mod session;
mod wire;

use std::time::Duration;

use hub::Hub;
pub use remote::Options;
pub(crate) use remote::Remote;
pub use server::Daemon;
pub use wire::Status;

pub use client::{Attachable, find, status, stop};

/// Faces at once. Beyond it a face is refused.
pub const MAX_FACES: usize = 64;

/// Events that wait for a face at the daemon. Full: the face is cut off, and attaches again.
const QUEUE: usize = 256;

/// Events under way to a face that it has not taken yet.
const WINDOW: usize = 256;

/// Requests of one face that are being carried out. Further ones wait in the socket.
const REQUESTS: usize = 32;

/// Longest frame from a face, in bytes: the longest message, many times.
const MAX_UP: usize = 1 << 20;

/// Longest frame to a face, in bytes: an answer with its number, or the members of all rooms.
const MAX_DOWN: usize = crate::ask::MAX_ANSWER + 64;

/// How long the other side may take to say who it is.
const HELLO: Duration = Duration::from_secs(5);
