//! What a device keeps of commits that are not confirmed.

use prost::Message;

/// Commits that are confirmed and dropped together. Access keys say whose.
#[derive(Clone, PartialEq, Message)]
pub(in crate::room) struct StepRow {
    /// The newest of them.
    #[prost(uint64, tag = "1")]
    pub tip: u64,
    /// The confirmed member that made them; empty for joins and returns.
    #[prost(bytes = "vec", tag = "2")]
    pub author: Vec<u8>,
    /// The newest one's time in the log.
    #[prost(uint64, tag = "3")]
    pub at: u64,
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub added: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub removed: Vec<Vec<u8>>,
    /// The newest one's name.
    #[prost(bytes = "vec", tag = "6")]
    pub tip_name: Vec<u8>,
    /// The first of them.
    #[prost(uint64, tag = "7")]
    pub first: u64,
    /// The first one's name: what votes are for.
    #[prost(bytes = "vec", tag = "8")]
    pub name: Vec<u8>,
}

/// A member's vote for the undoing of a commit.
#[derive(Clone, PartialEq, Eq, Message)]
pub(in crate::room) struct VoteRow {
    #[prost(uint64, tag = "1")]
    pub seq: u64,
    /// The member's access key.
    #[prost(bytes = "vec", tag = "2")]
    pub key: Vec<u8>,
    /// The name of the first commit of its step.
    #[prost(bytes = "vec", tag = "3")]
    pub step: Vec<u8>,
}

/// A commit that this device cannot take.
#[derive(Clone, PartialEq, Message)]
pub(in crate::room) struct UntakenRow {
    #[prost(uint64, tag = "1")]
    pub seq: u64,
    /// A join or a return, as far as can be told: dropped without waiting.
    #[prost(bool, tag = "2")]
    pub joins: bool,
    /// The access key that published it.
    #[prost(bytes = "vec", tag = "3")]
    pub key: Vec<u8>,
    /// The authority that it announced.
    #[prost(bytes = "vec", tag = "4")]
    pub authority: Vec<u8>,
    /// Not dropped by us before, by our clock.
    #[prost(uint64, tag = "5")]
    pub until: u64,
    /// It breaks a rule, so nobody honest can take it; another one may only be closed to this device.
    #[prost(bool, tag = "6")]
    pub broken: bool,
    /// The name of the first commit of its step.
    #[prost(bytes = "vec", tag = "8")]
    pub step: Vec<u8>,
    /// Whoever has to sign a commit there has signed it; of any other one only the relay knows.
    #[prost(bool, tag = "9")]
    pub signed: bool,
}
