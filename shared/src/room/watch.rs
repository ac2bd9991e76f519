//! Watching the relay: the running hash over the log, and what other members say they saw of it.
//!
//! `h(n) = SHA-256("schat/1 log" ‖ h(n-1) ‖ seq ‖ at ‖ is_commit ‖ SHA-256(access change) ‖
//! SHA-256(envelope))`, with `h(n-1)` all zero when entry n is a commit that was applied: so everybody
//! who is in the epoch that it begins, the newcomer included, hashes from the same point. What lies
//! before is covered by the epoch authenticator, which hashes every commit (RFC 9420, 8.2 and 8.7).

use std::collections::BTreeMap;

use prost::Message;
use proto::relay::Deliver;
use sha2::{Digest, Sha256};

use super::state::HashRow;

/// Domain separation of the running hash.
const LOG_CONTEXT: &[u8] = b"schat/1 log";

/// Positions whose hash is kept, to compare with what others saw; a member that lags further behind is
/// compared by the epoch authenticator alone.
pub(super) const HASHES_KEPT: u64 = 1024;

/// The hash after `entry`; `before` is None when the entry is an applied commit.
pub(super) fn hash_entry(before: Option<&[u8]>, entry: &Deliver) -> Vec<u8> {
    let access = entry.access.as_ref().map(Message::encode_to_vec).unwrap_or_default();
    Sha256::new()
        .chain_update(LOG_CONTEXT)
        .chain_update(before.unwrap_or(&[0; 32]))
        .chain_update(entry.seq.to_be_bytes())
        .chain_update(entry.at_ms.to_be_bytes())
        .chain_update([u8::from(entry.is_commit)])
        .chain_update(Sha256::digest(access))
        .chain_update(Sha256::digest(&entry.envelope))
        .finalize()
        .to_vec()
}

/// The hashes of the last [`HASHES_KEPT`] positions.
#[derive(Default)]
pub(super) struct Hashes(BTreeMap<u64, Vec<u8>>);

impl Hashes {
    pub(super) fn insert(&mut self, row: HashRow) {
        self.0.insert(row.seq, row.hash);
        while self.0.len() as u64 > HASHES_KEPT {
            self.0.pop_first();
        }
    }

    pub(super) fn get(&self, seq: u64) -> Option<&[u8]> {
        self.0.get(&seq).map(Vec::as_slice)
    }

    /// The row that holds position `seq`: a ring, so storage stays bounded.
    pub(super) fn key(seq: u64) -> String {
        format!("hash/{:04}", seq.checked_rem(HASHES_KEPT).unwrap_or(0))
    }
}
