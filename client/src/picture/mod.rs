//! Pictures as pixels. Their bytes come from others: what is decoded is bounded before it is decoded, and a decoder that
//! panics takes nothing along.
//!
//! ```text
//!  bytes ──▶ kind (by its first bytes) ──▶ dimensions ──▶ limits ──▶ pixels ──▶ scaled down
//! ```

mod decode;
mod guard;
mod jpeg;
mod small;

pub(crate) use self::{
    decode::{Decoded, Limits, Refused, decode, open},
    guard::{hush, quietly},
    small::{avatar, preview, shown_preview},
};
