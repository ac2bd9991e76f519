//! What the engine is made of besides the log it reads: each part has its fields, and a row of its own.

use prost::Message;

use super::{
    BridgeRow, HandOver, LeaveRow, OutRow, OwnInvite, RestoredRow, SeenRow, StepRow, TrialRow, UntakenRow,
    VoteRow, WantInvite,
};

/// The row `own`. Who this device is in the room, and as whom it wants to be shown. Secrets inside are wiped on drop.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(in crate::room) struct Own {
    #[prost(bytes = "vec", tag = "9")]
    pub access_secret: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    pub leaf_secret: Vec<u8>,
    #[prost(bytes = "vec", tag = "11")]
    pub leaf_public: Vec<u8>,
    #[prost(bytes = "vec", tag = "12")]
    pub device_id: Vec<u8>,
    #[prost(string, tag = "27")]
    pub device_name: String,
    /// The display name wanted; the group has it once a commit carried it.
    #[prost(string, tag = "13")]
    pub name: String,
    /// What we say of ourselves; the group has it once a commit carried it.
    #[prost(string, tag = "29")]
    pub status: String,
    #[prost(string, tag = "30")]
    pub glyph: String,
    /// Our picture, as it stands in a credential.
    #[prost(bytes = "vec", tag = "104")]
    pub avatar: Vec<u8>,
    #[prost(uint32, tag = "14")]
    pub suite: u32,
    /// Other access keys of this device, of before and after a change of the account's key. Which one is its own, the group and the
    /// relay's ledger say.
    #[prost(bytes = "vec", repeated, tag = "105")]
    pub spare_access: Vec<Vec<u8>>,
    /// Likewise, its other leaf keys.
    #[prost(message, repeated, tag = "106")]
    pub spare_leaf: Vec<LeafKey>,
    /// The last change has its end: which of them are good is not in question any more.
    #[prost(bool, tag = "107")]
    pub is_settled: bool,
    /// The access key that stayed when the account got another key: whoever copied this device before that has it as well.
    #[prost(bytes = "vec", tag = "108")]
    pub kept_access: Vec<u8>,
}

/// A leaf's signature key.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(in crate::room) struct LeafKey {
    #[prost(bytes = "vec", tag = "1")]
    pub secret: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub public: Vec<u8>,
    /// The public access key that goes with it.
    #[prost(bytes = "vec", tag = "3")]
    pub access: Vec<u8>,
}

/// The row `wishes`. What the next commits of this device are to do to members, roles and policy.
#[derive(Clone, PartialEq, Message)]
pub(in crate::room) struct Wishes {
    /// Members to remove: account key and device id.
    #[prost(bytes = "vec", repeated, tag = "23")]
    pub to_remove: Vec<Vec<u8>>,
    #[prost(bool, tag = "25")]
    pub want_update: bool,
    /// A Leave was said; over once it is on disk.
    #[prost(bool, tag = "26")]
    pub leaving: bool,
    /// Our other devices are to be removed, and then this one leaves.
    #[prost(bool, tag = "98")]
    pub leaving_all: bool,
    /// Seconds after which chat lines are to go, wanted by us and not in the group yet.
    #[prost(uint32, optional, tag = "31")]
    pub want_disappear: Option<u32>,
    /// Members who said that they leave, until somebody's commit lets them.
    #[prost(message, repeated, tag = "36")]
    pub left: Vec<LeaveRow>,
    /// Fingerprints of members who are to be moderators.
    #[prost(bytes = "vec", repeated, tag = "62")]
    pub to_raise: Vec<Vec<u8>>,
    /// Fingerprints of moderators who are to be members.
    #[prost(bytes = "vec", repeated, tag = "63")]
    pub to_lower: Vec<Vec<u8>>,
    #[prost(bool, optional, tag = "64")]
    pub want_moderators_invite: Option<bool>,
    #[prost(uint32, optional, tag = "65")]
    pub want_seats: Option<u32>,
    /// What the room is to be about, wanted by us and not in the group yet.
    #[prost(string, optional, tag = "97")]
    pub want_topic: Option<String>,
}

/// The row `invites`. Invites of this device: those that are live, and what is to be done to the list.
#[derive(Clone, PartialEq, Message)]
pub(in crate::room) struct Invites {
    /// Live invites of which this device has the secret.
    #[prost(message, repeated, tag = "18")]
    pub own_invites: Vec<OwnInvite>,
    /// Asked for and not made yet; at most [`crate::invite::MAX_INVITES`].
    #[prost(message, repeated, tag = "24")]
    pub want_invites: Vec<WantInvite>,
    /// Ids of invites to end.
    #[prost(bytes = "vec", repeated, tag = "60")]
    pub to_revoke: Vec<Vec<u8>>,
    /// When the next of the invites that we may end is over by our own clock, Unix milliseconds; 0 for never.
    #[prost(uint64, tag = "61")]
    pub invite_ends: u64,
    /// An invite is over by our own clock, and is to go from the group's list.
    #[prost(bool, tag = "66")]
    pub want_prune: bool,
}

/// The row `handover`. What was said before somebody came: how much of it is still expected here, and who is owed it.
#[derive(Clone, PartialEq, Message)]
pub(in crate::room) struct Handover {
    /// The epoch we came in with; nothing sealed before it can be read.
    #[prost(uint64, tag = "17")]
    pub join_epoch: u64,
    /// Our join's sequence number.
    #[prost(uint64, tag = "34")]
    pub join_seq: u64,
    /// How many more messages may have been under way when we joined.
    #[prost(uint64, tag = "28")]
    pub unreadable_left: u64,
    /// Lines of before our join that are still taken.
    #[prost(uint32, tag = "35")]
    pub past_left: u32,
    /// Newcomers who were not handed the past yet.
    #[prost(message, repeated, tag = "33")]
    pub hand_over: Vec<HandOver>,
}

/// The row `books`. What this device knows of the commits that the relay holds for confirmed, of what stands on top of
/// them, and of votes against it.
#[derive(Clone, PartialEq, Message)]
pub(in crate::room) struct Books {
    /// Sequence number of the commit that began the group's epoch; 0 for the room's beginning.
    #[prost(uint64, tag = "70")]
    pub position: u64,
    /// Sequence number of the last commit that is confirmed; 0 for the room's beginning.
    #[prost(uint64, tag = "78")]
    pub confirmed: u64,
    /// What a member offers and nobody confirmed yet, as far as this device has seen.
    #[prost(message, optional, tag = "71")]
    pub offer: Option<StepRow>,
    /// Joins and returns on top, likewise.
    #[prost(message, optional, tag = "72")]
    pub joins: Option<StepRow>,
    /// The newest commit, where this device cannot take it.
    #[prost(message, optional, tag = "73")]
    pub untaken: Option<UntakenRow>,
    /// The commit that this device votes against; 0 for none.
    #[prost(uint64, tag = "76")]
    pub vote: u64,
    /// The name of the first commit of the step that `vote` belongs to.
    #[prost(bytes = "vec", tag = "81")]
    pub vote_step: Vec<u8>,
    /// Votes for an undoing, as the log showed them.
    #[prost(message, repeated, tag = "80")]
    pub votes: Vec<VoteRow>,
    /// Members whose removal was taken back: account key and device id. Nothing is said while one of them is in.
    #[prost(bytes = "vec", repeated, tag = "79")]
    pub again: Vec<Vec<u8>>,
    /// Members whom this device saw removed: account key and device id.
    #[prost(bytes = "vec", repeated, tag = "82")]
    pub gone: Vec<Vec<u8>>,
    /// A member has committed on top of our join.
    #[prost(bool, tag = "100")]
    pub is_built_on: bool,
    /// Commits that it votes against besides, once that vote has been answered: at most [`MAX_VOTES_LATER`](crate::room::vote::MAX_VOTES_LATER),
    /// without keys.
    #[prost(message, repeated, tag = "101")]
    pub votes_later: Vec<VoteRow>,
    /// Accounts that are in the room still, or were until it went back, and whose owner came in with another key: fingerprints.
    #[prost(bytes = "vec", repeated, tag = "107")]
    pub replaced: Vec<Vec<u8>>,
}

/// The row `back`. A device that is out, comes back, or goes on after a restore of the relay.
#[derive(Clone, PartialEq, Message)]
pub(in crate::room) struct Back {
    /// This device cannot follow the group, and how far its way back is.
    #[prost(message, optional, tag = "74")]
    pub out: Option<OutRow>,
    /// This device came back, and only whoever let it in has shown that the room is there.
    #[prost(message, optional, tag = "86")]
    pub trial: Option<TrialRow>,
    /// Commits since the last one that this device knows to be good, which it has not taken, or took on trial; at most
    /// [`MAX_SINCE`](super::MAX_SINCE).
    #[prost(message, repeated, tag = "85")]
    pub since: Vec<SeenRow>,
    /// The relay lost what this group stands on: it goes on from here by the old authority of this place.
    #[prost(message, optional, tag = "88")]
    pub bridge: Option<BridgeRow>,
    /// The log is read again, up to where it is another one than before.
    #[prost(bool, tag = "89")]
    pub rereads: bool,
    /// It is read again to see whether anything is lost at all; people were not asked.
    #[prost(bool, tag = "91")]
    pub probes: bool,
    /// Up to where it had been read before, and the last commit there.
    #[prost(uint64, tag = "83")]
    pub probe_to: u64,
    #[prost(uint64, tag = "84")]
    pub probe_commit: u64,
    /// The relay's log after a restore, which a person has not agreed to yet.
    #[prost(message, optional, tag = "77")]
    pub restored: Option<RestoredRow>,
    /// Others may have bridged what the relay lost: their epoch may be up to [`EPOCHS_BRIDGED`](super::EPOCHS_BRIDGED) beyond what the log says.
    #[prost(bool, tag = "90")]
    pub may_be_bridged: bool,
    /// Accounts of whom a device came back since this device could not follow: fingerprints. They were in the same trouble, so
    /// they prove nothing.
    #[prost(bytes = "vec", repeated, tag = "95")]
    pub back_too: Vec<Vec<u8>>,
}
