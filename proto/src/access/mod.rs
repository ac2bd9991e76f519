//! Who may do what in a room, decided without understanding a word: `docs/access.md` has the rules and the reasons.
//!
//! Pure: rows and the time go in, changes of rows come out. The relay, the members' test relay and the model that
//! is explored exhaustively run this code; they differ in where rows are kept and in how signatures are checked.

mod apply;
mod ballot;
mod codec;
mod commit;
mod draft;
mod fate;
mod key;
mod memory;
mod publish;
mod snapshot;
mod state;
mod statement;
mod verify;

pub use self::{
    codec::Corrupted,
    draft::{Changes, Rows},
    key::{AccessKey, Change, Grant, Malformed, distinct_keys},
    memory::Memory,
    publish::{Ack, Ballot, Commit, Publish, Refusal, publish},
    snapshot::MAX_SNAPSHOT,
    state::{Fate, Head, KeyRow, Standing, Step, Tip, standing},
    statement::{CommitName, CommitParts, ack_statement, ballot_statement, commit_statement},
    verify::{Ed25519, Verify},
};

/// Time after a member's commit in which nobody else drops it, in milliseconds: 20 s, for whoever is awake to say that
/// it is good.
pub const OFFER_GRACE_MS: u64 = 20_000;

/// Time in which a majority may undo, and after which what a member offered is confirmed, in milliseconds: 30 days,
/// longer than most holidays.
pub const UNDO_MS: u64 = 30 * 24 * 3600 * 1000;

/// Access keys that one commit may add or remove: as many members as join in one commit.
pub const KEYS_PER_CHANGE: usize = 1024;

/// Greatest card of an invite, in bytes: names, keys and a signature, sealed.
pub const MAX_CARD: usize = 1024;

/// Steps that are remembered for their undoing. Of more, the two oldest become one, which can only be undone whole.
pub const MAX_STEPS: u64 = 4096;

/// Rows of keys, members who were removed in the last [`UNDO_MS`] among them, for each key that a room may have. When
/// that is reached no key is added until some are forgotten.
pub const ROWS_PER_KEY: u64 = 4;

#[cfg(test)]
mod tests;
