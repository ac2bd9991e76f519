//! Why a room is over for a device.

use super::Breach;
use crate::invite::card::CardError;

/// Why no more input is useful.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum CloseReason {
    /// We left.
    Left,
    /// We left before we were in.
    LeftEarly,
    /// A member removed this device.
    Removed {
        /// Name of the member.
        by: String,
    },
    /// Another device of ours removed this one, or whoever has our account.
    RemovedByOwn,
    /// The account has another key by now, by the word of its recovery key, and this device has the old one.
    KeyReplaced,
    /// Another device of ours removed this one, or the account has another key: this device has only the relay's word for that, and
    /// has not voted against it.
    RemovedByOwnUnseen {
        /// Sequence number of the commit.
        entry: u64,
    },
    /// By the relay's word, more than half undid a commit of this device, which has no access since.
    ChangeUndone {
        /// Sequence number of the commit.
        entry: u64,
    },
    /// A commit removed this device, and it has voted against that.
    RemovedAndVoted {
        /// Sequence number of the commit.
        entry: u64,
        /// How many devices the room had before, as far as this one knows; 0 where it does not. In a room of two there is
        /// no majority without whoever removed it.
        #[cfg_attr(feature = "serde", serde(default))]
        members: usize,
        /// Other devices of ours were in the room, a newer one of which may have done it.
        #[cfg_attr(feature = "serde", serde(default))]
        has_others: bool,
    },
    /// Removed, or its join was not taken; the invite is over as well.
    RemovedOrNotTaken,
    /// Removed, or the relay lost the room. It may let us in again some day.
    LockedOut,
    /// The relay's operator dropped the room.
    Dropped {
        /// The operator's words; may be empty.
        reason: String,
    },
    /// The relay's operator lets whoever opened it open no rooms.
    OpenerFrozen,
    /// The same device connected from elsewhere.
    Superseded,
    /// The link's card is not to be believed.
    LinkNotTrusted(CardError),
    /// The relay does not know the room, or the invite is not live any more.
    InviteDead,
    /// The invite's key was good at first, and then not any more.
    InviteOver,
    /// The invite expired before the join reached the relay.
    InviteExpired,
    /// The state that the invite opens is of no use.
    InviteUnusable(Breach),
    /// Another commit took the place of the join.
    JoinReplaced,
    /// The relay broke the order of the log.
    OrderBroken,
    /// The relay's limit of access keys is reached.
    RoomFull,
    /// A stranger opened the open room of this name, and lets nobody in.
    NameTaken,
    /// The relay opens rooms only by a token that we do not have.
    NoToken,
}
