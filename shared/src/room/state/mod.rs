//! The engine's own rows: everything but the MLS group's. Each is one small protobuf message.

mod back;
mod parts;
mod steps;

use std::fmt;

use prost::Message;
use zeroize::{Zeroize, Zeroizing};

use crate::content;

pub(super) use back::{
    BridgeRow, EPOCHS_BRIDGED, MAX_REFUSED, MAX_SINCE, OutRow, RestoredRow, SeenRow, TrialRow,
};
pub(super) use parts::{Back, Books, Handover, Invites, LeafKey, Own, Wishes};
pub(super) use steps::{StepRow, UntakenRow, VoteRow};

/// Where the room stands for this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Phase {
    /// The group exists here; the relay has to open the room.
    Creating = 1,
    /// An invite is to be used.
    Joining = 2,
    /// A join commit was sent and may be in the log.
    Confirming = 3,
    /// In.
    Member = 4,
    /// Over: removed, left, or the state is beyond use.
    Closed = 5,
}

/// The row `meta`: the room, and how far this device has read its log.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Meta {
    #[prost(bytes = "vec", tag = "1")]
    pub room_id: Vec<u8>,
    #[prost(string, tag = "2")]
    pub room_name: String,
    #[prost(bool, tag = "3")]
    pub open: bool,
    #[prost(enumeration = "Phase", tag = "4")]
    pub phase: i32,
    /// Sequence number of the last entry processed.
    #[prost(uint64, tag = "5")]
    pub cursor: u64,
    /// Sequence number of the last entry that was published as a commit, valid or not.
    #[prost(uint64, tag = "6")]
    pub last_commit: u64,
    /// The latest time in the log, Unix milliseconds.
    #[prost(uint64, tag = "7")]
    pub last_at: u64,
    /// Over the log since the last join or return; empty when entries were lost since.
    #[prost(bytes = "vec", tag = "8")]
    pub running_hash: Vec<u8>,
    /// Of the next content we seal.
    #[prost(uint64, tag = "15")]
    pub next_counter: u64,
    /// The current and the kept past epochs, oldest first.
    #[prost(message, repeated, tag = "16")]
    pub epochs: Vec<EpochRow>,
    /// When we last committed, Unix milliseconds.
    #[prost(uint64, tag = "19")]
    pub last_update: u64,
    /// How we came, while joining.
    #[prost(message, optional, tag = "22")]
    pub link: Option<JoinRow>,
    /// As the group says, to notice a change.
    #[prost(uint32, tag = "32")]
    pub disappear_s: u32,
    /// Likewise.
    #[prost(string, tag = "96")]
    pub topic: String,
    /// The last epoch that began by a removal: what was sealed before it is never sent after it.
    #[prost(uint64, tag = "67")]
    pub removal_epoch: u64,
    /// The running hash just before joins and returns began it anew while we were there: of those that no view in the log told
    /// yet, oldest first; at most [`super::watch::MAX_PRIOR`].
    #[prost(message, repeated, tag = "41")]
    pub marks: Vec<HashRow>,
    /// Names the relay's log.
    #[prost(bytes = "vec", tag = "75")]
    pub generation: Vec<u8>,
    /// Up to where it had read before the relay said that what followed is not kept any more, until a member says as much.
    #[prost(uint64, optional, tag = "68")]
    pub leapt_from: Option<u64>,
    /// A member said so: up to where this device had read before it was led on for the first time, and how far that member had.
    #[prost(message, optional, tag = "69")]
    pub landed: Option<LandedRow>,
    /// It reads again from there: what was sealed while it had read more is sealed anew, once it is known what of that is in the log.
    #[prost(uint64, optional, tag = "92")]
    pub sealed_beyond: Option<u64>,
    /// [`FORMAT`]: see [`Format`].
    #[prost(uint32, tag = "99")]
    pub format: u32,
    /// By so much the numbers that people know are ahead of those in the log.
    #[prost(uint64, tag = "102")]
    pub ahead: u64,
    /// Of what was read from there on it is not known yet where the log became another one.
    #[prost(message, optional, tag = "103")]
    pub lost: Option<LostRow>,
    /// The greatest number under which something of the log was told.
    #[prost(uint64, tag = "104")]
    pub told: u64,
}

/// What was read of a log that the relay does not have any more.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct LostRow {
    /// By so much its numbers were ahead.
    #[prost(uint64, tag = "1")]
    pub ahead: u64,
    /// The greatest of them, as people know it.
    #[prost(uint64, tag = "2")]
    pub upto: u64,
}

/// Entries that were passed over, and a member that had read beyond them.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct LandedRow {
    #[prost(uint64, tag = "1")]
    pub from: u64,
    #[prost(uint64, tag = "2")]
    pub to: u64,
    /// The account of that member: its fingerprint.
    #[prost(bytes = "vec", tag = "3")]
    pub by: Vec<u8>,
}

impl Meta {
    /// What the group says of the room, to notice a change.
    pub(super) fn take_room(&mut self, room: &content::Room) {
        self.disappear_s = room.disappear_s;
        self.topic.clone_from(&room.topic);
    }
}

/// What the rows of a room are written in: the version of the protocol that its group speaks.
pub(super) const FORMAT: u32 = 2;

/// All that a row `meta` of any version can be asked.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Format {
    #[prost(bool, tag = "3")]
    pub open: bool,
    /// Version 1 did not say.
    #[prost(uint32, tag = "99")]
    pub format: u32,
}

/// An invite to be made.
#[derive(Clone, PartialEq, Message)]
pub(super) struct WantInvite {
    #[prost(uint32, tag = "1")]
    pub max_uses: u32,
    /// By our own clock.
    #[prost(uint64, tag = "2")]
    pub expires_ms: u64,
    /// For a device of our account alone.
    #[prost(bool, tag = "3")]
    pub for_device: bool,
    /// For which.
    #[prost(bytes = "vec", tag = "4")]
    pub whose: Vec<u8>,
}

/// A member's own word that it leaves.
#[derive(Clone, PartialEq, Message)]
pub(super) struct LeaveRow {
    /// Account key and device id.
    #[prost(bytes = "vec", tag = "1")]
    pub unique: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
}

/// A newcomer who is to be handed what was said before.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HandOver {
    /// Account key and device id.
    #[prost(bytes = "vec", tag = "1")]
    pub joiner: Vec<u8>,
    /// The join's sequence number.
    #[prost(uint64, tag = "2")]
    pub before: u64,
}

/// One epoch's envelope secret.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct EpochRow {
    #[prost(uint64, tag = "1")]
    pub epoch: u64,
    #[prost(bytes = "vec", tag = "2")]
    pub secret: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub authenticator: Vec<u8>,
    /// One more than the greatest leaf index.
    #[prost(uint32, tag = "4")]
    pub leaves: u32,
    /// Account key and device id of whoever joined with it; empty if nobody did.
    #[prost(bytes = "vec", tag = "5")]
    pub joined: Vec<u8>,
    /// The key of this epoch's slot: joins at its end are sealed under a key from it.
    #[prost(bytes = "vec", tag = "6")]
    pub slot_key: Vec<u8>,
    /// Sequence number of the commit that began it; 0 for the room's beginning.
    #[prost(uint64, tag = "7")]
    pub seq: u64,
    /// Its authority's secret; of the last [`EPOCHS_BRIDGED`] epochs and the present one.
    #[prost(bytes = "vec", tag = "8")]
    pub authority: Vec<u8>,
    /// What that commit did to the relay's keys, without cards; as long.
    #[prost(message, optional, tag = "9")]
    pub access: Option<proto::relay::AccessChange>,
    /// That commit's name; empty for the room's beginning.
    #[prost(bytes = "vec", tag = "10")]
    pub name: Vec<u8>,
}

/// An invite this device made.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct OwnInvite {
    #[prost(bytes = "vec", tag = "1")]
    pub secret: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub expires_ms: u64,
    #[prost(uint32, tag = "3")]
    pub max_uses: u32,
    /// The relay's pin when its card was made; empty when WebPKI vouched for the relay.
    #[prost(bytes = "vec", tag = "4")]
    pub pin: Vec<u8>,
    /// When it ends by our own clock, which may be behind the log's time; 0 where it ends as it expires.
    #[prost(uint64, tag = "5")]
    pub ends_ms: u64,
    /// For a device of our account alone.
    #[prost(bool, tag = "6")]
    pub for_device: bool,
    /// For which.
    #[prost(bytes = "vec", tag = "7")]
    pub whose: Vec<u8>,
}

/// The invite that is being used.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct JoinRow {
    #[prost(bytes = "vec", tag = "1")]
    pub secret: Vec<u8>,
    /// Raised by each GroupInfo seen, so that a later one cannot be older.
    #[prost(uint64, tag = "2")]
    pub least_epoch: u64,
    /// The account key of whoever invites.
    #[prost(bytes = "vec", tag = "3")]
    pub inviter: Vec<u8>,
    /// Until when the invite lets us in, as the group says; 0 for never.
    #[prost(uint64, tag = "4")]
    pub expires_ms: u64,
    /// Relay said "not allowed" to an open room's key, and we tried to open the room ourselves.
    #[prost(bool, tag = "5")]
    pub create: bool,
    /// What the link carries of the relay's pin; empty when it carries none.
    #[prost(bytes = "vec", tag = "6")]
    pub pin: Vec<u8>,
    /// The card was read, so the room is known. True for an open room, which has none.
    #[prost(bool, tag = "7")]
    pub is_known: bool,
    /// The least epoch that the card names, which its maker signed.
    #[prost(uint64, tag = "8")]
    pub card_epoch: u64,
}

/// The row `pending`: a commit (or the room's creation) that was built and not yet seen in the log.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct Pending {
    #[prost(bytes = "vec", tag = "1")]
    pub publish_id: Vec<u8>,
    /// Empty for a creation.
    #[prost(bytes = "vec", tag = "2")]
    pub envelope: Vec<u8>,
    #[prost(message, optional, tag = "3")]
    pub part: Option<proto::relay::CommitPart>,
    /// What applies it; empty for a join, which the group has applied already.
    #[prost(bytes = "vec", tag = "4")]
    pub secrets: Vec<u8>,
    #[prost(message, optional, tag = "5")]
    pub create: Option<proto::relay::Create>,
    /// The secrets of the invites that this commit adds.
    #[prost(message, repeated, tag = "6")]
    pub invites: Vec<OwnInvite>,
    /// The epoch the commit ends.
    #[prost(uint64, tag = "7")]
    pub epoch: u64,
    /// It brings this device back in; the group has applied it already, and the old one is its base.
    #[prost(bool, tag = "20")]
    pub returns: bool,
    /// The newest mark of the log that its note has; 0 for none.
    #[prost(uint64, tag = "21")]
    pub marked: u64,
    /// How far the log was read when its note was made; 0 where it has none.
    #[prost(uint64, tag = "22")]
    pub read: u64,
}

/// A row `outbox/…`: something said and not yet seen in the log.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct Outgoing {
    #[prost(uint64, tag = "1")]
    pub counter: u64,
    #[prost(string, tag = "2")]
    pub token: String,
    /// 16 bytes; stays when resealed.
    #[prost(bytes = "vec", tag = "3")]
    pub id: Vec<u8>,
    /// A [`crate::content::Content`] with nothing but its body. Empty for what the relay refused for good: it is sent
    /// without a body, so that the counter has no hole.
    #[prost(bytes = "vec", tag = "9")]
    pub said: Vec<u8>,
    /// The final ciphertext, once sealed; sent again byte for byte.
    #[prost(bytes = "vec", tag = "5")]
    pub envelope: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    pub publish_id: Vec<u8>,
    /// The epoch it was sealed in.
    #[prost(uint64, tag = "7")]
    pub epoch: u64,
    /// Where the relay says it is; 0 until it says so.
    #[prost(uint64, tag = "8")]
    pub acked: u64,
    /// The newest mark of the log that it was sealed with; 0 for none.
    #[prost(uint64, tag = "10")]
    pub marked: u64,
    /// How far the log was read when it was sealed.
    #[prost(uint64, tag = "11")]
    pub read: u64,
}

/// A row `peer/…`: how far a leaf has counted. At most one for each leaf, ours among them.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Peer {
    #[prost(uint32, tag = "1")]
    pub leaf: u32,
    /// Account key and device id: another member at the same leaf begins anew.
    #[prost(bytes = "vec", tag = "2")]
    pub unique: Vec<u8>,
    #[prost(uint64, tag = "3")]
    pub counter: u64,
    /// Contents of this leaf that were taken, for each epoch that can still be read: one more than
    /// [`crate::mls::group::EPOCHS_KEPT`] of them at most.
    #[prost(message, repeated, tag = "4")]
    pub taken: Vec<Taken>,
    /// It was heard by a commit, and no content of it was counted yet.
    #[prost(bool, tag = "5")]
    pub uncounted: bool,
    /// The relay was restored since its last content: what it said in between may be gone there.
    #[prost(bool, tag = "6")]
    pub before_restore: bool,
    /// When it joined, by the log's time, where this device saw it; 0 where not.
    #[prost(uint64, tag = "7")]
    pub since: u64,
}

/// How many contents were taken of a leaf in an epoch.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Taken {
    #[prost(uint64, tag = "1")]
    pub epoch: u64,
    #[prost(uint32, tag = "2")]
    pub contents: u32,
}

/// A row `window/…`: a replay window.
#[derive(Clone, PartialEq, Message)]
pub(super) struct WindowRow {
    #[prost(uint32, tag = "1")]
    pub leaf: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub session: Vec<u8>,
    /// The last epoch it was used in; it goes when that epoch's keys go.
    #[prost(uint64, tag = "3")]
    pub epoch: u64,
    #[prost(bytes = "vec", tag = "4")]
    pub window: Vec<u8>,
}

/// A row `hash/…`: the running hash at one position.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HashRow {
    #[prost(uint64, tag = "1")]
    pub seq: u64,
    #[prost(bytes = "vec", tag = "2")]
    pub hash: Vec<u8>,
    /// Of a mark: the join or return after it was taken here, so that everybody sees who came.
    #[prost(bool, tag = "3")]
    pub taken: bool,
}

/// A message as a row. The buffer is wiped; it is allocated once, so no copy stays behind.
pub(super) fn row(message: &impl Message) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(message.encode_to_vec())
}

macro_rules! secret_rows {
    ($($name:ident { $($field:ident),* })*) => {$(
        impl Drop for $name {
            fn drop(&mut self) {
                $(self.$field.zeroize();)*
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

secret_rows! {
    Own { access_secret, leaf_secret, spare_access }
    LeafKey { secret }
    EpochRow { secret, slot_key, authority }
    OwnInvite { secret }
    JoinRow { secret }
    Pending { secrets }
    Outgoing { said }
    OutRow { seed, slot_key }
}
