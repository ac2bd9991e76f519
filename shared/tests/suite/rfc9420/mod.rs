//! The MLS working group's vectors for RFC 9420, suite 1. They are not part of this repository: read
//! from `SCHAT_VECTORS`, else from `../shared/vectors/mls` beside it, and skipped aloud where absent.
//!
//! What `mls-rs` keeps to itself (key schedule, secret tree, framing) is written out here over the
//! provider, in a few lines each, so that the provider is what is checked. The passive clients run the
//! whole of `mls-rs` on it.

mod basics;
mod labels;
mod passive;
mod protection;
mod schedule;
mod wire;

use std::{env, fs, path::PathBuf};

use serde_json::Value;
use shared::crypto::suite::{Cipher, Suite};

use crate::support::{provider, unhex};

/// The cases of suite 1 in `name`.json, or nothing where the vectors are absent.
fn cases(name: &str) -> Option<Vec<Value>> {
    let all = file(name)?;
    Some(all.into_iter().filter(|case| case["cipher_suite"] == 1).collect())
}

/// All cases in `name`.json.
fn file(name: &str) -> Option<Vec<Value>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors/mls");
    let folder = env::var_os("SCHAT_VECTORS").map_or_else(|| beside.into(), PathBuf::from);
    let Ok(text) = fs::read(folder.join(name).with_extension("json")) else {
        println!("skipped: the RFC 9420 vectors are not here ({name})");
        return None;
    };
    Some(serde_json::from_slice(&text).unwrap())
}

fn cipher() -> Cipher {
    provider(9420).cipher(Suite::Classic)
}

/// The octets of a hex field.
fn octets(value: &Value) -> Vec<u8> {
    unhex(value.as_str().unwrap())
}

/// A number that fits `T`.
fn number<T: TryFrom<u64>>(value: &Value) -> T {
    T::try_from(value.as_u64().unwrap()).ok().unwrap()
}
