//! The crypto provider against published answers, against another MLS library, and under `mls-rs`.

mod group;
mod published;
mod rfc9420;
mod support;
