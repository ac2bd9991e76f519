//! What a device keeps that is out, comes back, or goes on after a restore.

use prost::Message;

use crate::room::problem::OutCause;

/// Epochs whose authority is kept, so that the room can go on from there when the relay lost what came after.
pub(in crate::room) const EPOCHS_BRIDGED: u64 = 8;

/// Where a bridge begins.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(in crate::room) struct BridgeRow {
    /// The last commit that the relay still has and this device had taken.
    #[prost(uint64, tag = "1")]
    pub at: u64,
    /// How often others went on from there in a way that this device cannot take.
    #[prost(uint32, tag = "2")]
    pub lost: u32,
}

/// Commits that are remembered while this device does not follow: with more, epochs are held against a looser bound.
pub(in crate::room) const MAX_SINCE: usize = 512;

/// A commit, and the one that it stands on.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(in crate::room) struct SeenRow {
    #[prost(uint64, tag = "1")]
    pub seq: u64,
    #[prost(uint64, tag = "2")]
    pub base: u64,
}

/// A return that may have to be taken back.
#[derive(Clone, PartialEq, Message)]
pub(in crate::room) struct TrialRow {
    /// Names the base that is the group from before.
    #[prost(uint64, tag = "1")]
    pub position: u64,
    /// The account that let this device in: its fingerprint.
    #[prost(bytes = "vec", tag = "2")]
    pub answerer: Vec<u8>,
    /// Accounts whose answers were of no use before that.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub refused: Vec<Vec<u8>>,
    /// Our own chat lines since.
    #[prost(uint32, tag = "4")]
    pub said: u32,
    /// When it began, by the log's time.
    #[prost(uint64, tag = "5")]
    pub at: u64,
    /// Our leaf before, as the others had it, where the group from before is not it: see [`wayback`](crate::room::wayback).
    #[prost(uint32, optional, tag = "6")]
    pub leaf: Option<u32>,
    /// The last epoch that we knew to be good, likewise.
    #[prost(uint64, tag = "7")]
    pub epoch: u64,
}

/// A device that cannot follow the group.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(in crate::room) struct OutRow {
    /// The commit that it could not take, where it was one.
    #[prost(uint64, tag = "1")]
    pub cause: u64,
    /// Our leaf, as the others have it.
    #[prost(uint32, tag = "2")]
    pub leaf: u32,
    /// The KEM key's seed; empty until a request was made.
    #[prost(bytes = "vec", tag = "3")]
    pub seed: Vec<u8>,
    /// The encoded request.
    #[prost(bytes = "vec", tag = "4")]
    pub request: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    pub publish_id: Vec<u8>,
    /// Not asked (again) before, by our clock.
    #[prost(uint64, tag = "6")]
    pub not_before: u64,
    /// As answered: the slot's key, and where its commit is.
    #[prost(bytes = "vec", tag = "7")]
    pub slot_key: Vec<u8>,
    #[prost(uint64, tag = "8")]
    pub last_commit: u64,
    /// The last epoch that we knew to be good.
    #[prost(uint64, tag = "9")]
    pub epoch: u64,
    /// Whose answer was taken: the account's fingerprint.
    #[prost(bytes = "vec", tag = "10")]
    pub answerer: Vec<u8>,
    /// The epoch that it handed over.
    #[prost(uint64, tag = "11")]
    pub handed: u64,
    /// The log that this device read proves that its epoch goes on from our own.
    #[prost(bool, tag = "12")]
    pub extends: bool,
    /// Accounts whose answers were of no use: fingerprints; at most [`MAX_REFUSED`].
    #[prost(bytes = "vec", repeated, tag = "13")]
    pub refused: Vec<Vec<u8>>,
    /// The commit whose slot an answer did not open; 0 for none.
    #[prost(uint64, tag = "14")]
    pub useless: u64,
    /// Whose answers opened no slot, at most [`MAX_REFUSED`]: the slot may have been rubbish, and a second time it is the answer.
    #[prost(bytes = "vec", repeated, tag = "15")]
    pub useless_by: Vec<Vec<u8>>,
    /// How often everybody that came by was asked in vain.
    #[prost(uint32, tag = "16")]
    pub rounds: u32,
    /// Up to where the log was read when the answer came.
    #[prost(uint64, tag = "17")]
    pub answered_at: u64,
    /// The name of the first commit of the step that `cause` belongs to.
    #[prost(bytes = "vec", tag = "18")]
    pub step: Vec<u8>,
    #[prost(enumeration = "OutCause", tag = "19")]
    pub why: i32,
}

/// Accounts that a request may exclude: with more hostile ones than this, the list begins anew.
pub(in crate::room) const MAX_REFUSED: usize = 32;

/// A relay's log after a restore.
#[derive(Clone, PartialEq, Message)]
pub(in crate::room) struct RestoredRow {
    #[prost(bytes = "vec", tag = "1")]
    pub generation: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub head: u64,
    #[prost(uint64, tag = "3")]
    pub last_commit: u64,
    /// A person agreed.
    #[prost(bool, tag = "4")]
    pub accepted: bool,
    /// The oldest entry that it keeps.
    #[prost(uint64, tag = "5")]
    pub oldest: u64,
}
