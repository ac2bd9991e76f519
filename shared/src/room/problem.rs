//! Problems: a command that failed, or something of a peer that was refused. A value says which; the words for people,
//! and what they can do, are the faces'.

use super::{BodyError, Fault, RelayLimit};
use crate::{
    identity::NameError,
    mls::{group::GroupError, rules::Violation},
};

/// What failed. Clients store it by these names, so a name and its fields stay once released; new ones may join.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Problem {
    /// The device is not in the room yet.
    NotJoined,
    /// The device is leaving.
    Leaving,
    /// What was to be said may not be.
    Said(BodyError),
    /// As many messages wait for the relay as may, [`super::MAX_OUTBOX`]; this one was not taken.
    OutboxFull,
    /// Not a display name.
    BadName(NameError),
    /// Not a status, or not a sign for a person.
    BadProfile(NameError),
    /// Nothing that a room may be about.
    BadTopic(NameError),
    /// Only moderators may do that.
    NotModerator(Right),
    /// Nobody has that fingerprint, or, `besides_us`, nobody else.
    NoSuchMember {
        /// Our own would not have done.
        besides_us: bool,
    },
    /// A room has at least one moderator.
    LastModerator,
    /// The last moderator cannot leave while others are in.
    LastModeratorStays,
    /// Nobody leaves the room of their own devices: another one of them takes a device out.
    OwnDevicesStay,
    /// A room has at most so many moderators.
    TooManyModerators {
        /// How many.
        most: usize,
    },
    /// One person may have 1 to `most` devices.
    BadPolicy {
        /// How many.
        most: u32,
    },
    /// The room has as many live invites as it may, [`crate::invite::MAX_INVITES`].
    TooManyInvites,
    /// An invite that ends in the past.
    BadTime,
    /// No live invite has that id.
    NoSuchInvite,
    /// Invites of an open room cannot be revoked.
    OpenRoom,
    /// An invite could not be made: others were faster, or only moderators may any more.
    NoInvite,
    /// The relay was not restored, or it was accepted already.
    NothingToAccept,
    /// The relay was restored from a backup: the room stands still until a person agrees.
    RelayRestored,
    /// Messages that this device never read are gone, by their sender's count; the relay says that it was restored since.
    LostAtRestore {
        /// Name of the sender.
        from: String,
        /// How many.
        missing: u64,
    },
    /// The relay led this device past the end of the log, and a member said that it had read so far: it goes back when told to.
    LedAstray,
    /// Messages that were not sent when the room ended.
    NotSent {
        /// How many.
        messages: usize,
    },
    /// The relay refused a commit of ours for good.
    ChangeRefused,
    /// The relay refused a message of ours for good.
    MessageRefused,
    /// The relay refused to open the room, with this code.
    RoomRefused {
        /// Its name in the protocol.
        code: String,
    },
    /// The relay accepted the invite and sent no state of the room.
    NoRoomState,
    /// The relay does not say who may do what, which this device has to know to check on it.
    NoLedger,
    /// The relay opens no room for the token that was shown, or for none.
    Token(TokenFault),
    /// A limit of the relay is in the way.
    Limit(RelayLimit),
    /// The relay's operator froze the room: it is read, and nothing is added to it. What is said waits.
    Frozen {
        /// The operator's words; may be empty.
        reason: String,
    },
    /// The same to somebody who wants to come in: nobody does.
    JoinFrozen {
        /// The operator's words; may be empty.
        reason: String,
    },
    /// It goes on.
    Thawed,
    /// The relay's operator lets this device, or its network, open no rooms.
    OpenerFrozen {
        /// The operator's words; may be empty.
        reason: String,
    },
    /// The device cannot follow the room.
    Out(OutCause),
    /// It follows again.
    Back {
        /// What was said meanwhile cannot be read.
        has_missed: bool,
    },
    /// It follows again, and who moderates the room, or what holds in it, is not what it was before.
    OtherRules {
        /// Who moderates.
        moderators: bool,
        /// Who may invite, how many devices a person may have, when lines disappear, or what the room is about.
        policy: bool,
    },
    /// People came in, and no word of anybody who was there before: what all were shown before them is not compared any more.
    JoinsUnwitnessed {
        /// How many.
        joins: usize,
    },
    /// The others do not know the state of the group by which it came back; it asks for another one.
    ReturnRefused {
        /// Messages said since then, which nobody else can read.
        unread: u64,
    },
    /// The relay lost commits that this device has taken; the room goes on with them.
    Bridged,
    /// A majority undid a commit and all that came after it.
    Undone {
        /// Sequence number.
        entry: u64,
    },
    /// The last commit was taken back.
    TakenBack,
    /// The join of this device was dropped before a member had taken it for good, as the relay says: it joins anew by its link.
    PlaceLost,
    /// While this device was out, somebody with its keys came back into the room: a copy of it, or of its backup, is in use.
    AnotherCame,
    /// A commit was refused.
    InvalidCommit(Breach),
    /// The relay put a commit of ours in the wrong place.
    CommitMisplaced,
    /// An entry of the log was refused.
    Forged {
        /// Sequence number.
        entry: u64,
        /// Why.
        fault: Fault,
    },
    /// Somebody tried to change a message of somebody else. The client's, not the engine's.
    NotTheirs {
        /// Name of the member.
        who: String,
    },
    /// An entry that was probably said before this device joined cannot be read.
    Unreadable,
    /// What we said cannot be read by some who joined while it was under way.
    MissedByNewcomer {
        /// Sequence number of what we said.
        entry: u64,
        /// Their names.
        who: Vec<String>,
    },
    /// A step of the group failed, in the words of the library.
    Group {
        /// What it says.
        error: String,
    },
    /// Rooms of version 1 of the protocol became archives. The client's, not the engine's.
    Version1 {
        /// What they are called, the first ones.
        rooms: Vec<String>,
        /// How many more there are.
        more: usize,
    },
}

/// What only moderators may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Right {
    /// Remove others.
    Remove,
    /// Make moderators, and end their being so.
    MakeModerators,
    /// Change the room's policy.
    ChangePolicy,
    /// Say what the room is about.
    ChangeTopic,
    /// Invite, by this room's policy.
    Invite,
    /// Revoke what others made.
    Revoke,
}

/// Why the relay opens no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum TokenFault {
    /// None was shown.
    Missing,
    /// It is unknown, expired or revoked.
    Refused,
    /// It has opened as many rooms as it may.
    Spent,
}

/// Why a device is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum OutCause {
    /// A commit that others have taken and this device cannot take.
    Commit = 0,
    /// Commits that the relay does not keep any more.
    Away = 1,
    /// This profile is older than what it already did.
    OldProfile = 2,
    /// A majority undid what this device had taken.
    Undone = 3,
    /// The relay lost commits that this device has taken.
    Restored = 4,
    /// All that is left of this device is a backup.
    Backup = 5,
}

/// What is wrong with a commit, or with a state of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Breach {
    /// One of our own rules.
    Rule(Violation),
    /// Something else, in the words of the library.
    Other(String),
}

impl Breach {
    pub(super) fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        match (error.downcast_ref(), error.downcast_ref()) {
            (Some(violation), _) | (None, Some(GroupError::Rule(violation))) => Self::Rule(*violation),
            (None, _) => Self::Other(error.to_string()),
        }
    }
}

impl From<GroupError> for Breach {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::Rule(violation) => Self::Rule(violation),
            other => Self::Other(other.to_string()),
        }
    }
}

impl Problem {
    /// Its name for programs: stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJoined => "not_joined",
            Self::Leaving => "leaving",
            Self::Said(error) => error.code(),
            Self::OutboxFull => "outbox_full",
            Self::BadName(_) => "bad_name",
            Self::BadProfile(_) => "bad_profile",
            Self::BadTopic(_) => "bad_topic",
            Self::NotModerator(_) => "not_moderator",
            Self::NoSuchMember { .. } => "no_such_member",
            Self::LastModerator | Self::LastModeratorStays => "last_moderator",
            Self::OwnDevicesStay => "own_devices",
            Self::TooManyModerators { .. } => "too_many_moderators",
            Self::BadPolicy { .. } => "bad_policy",
            Self::TooManyInvites => "too_many_invites",
            Self::BadTime => "bad_time",
            Self::NoSuchInvite => "no_such_invite",
            Self::OpenRoom => "open_room",
            Self::NoInvite => "no_invite",
            Self::NothingToAccept => "nothing_to_accept",
            Self::RelayRestored => "relay_restored",
            Self::LostAtRestore { .. } => "lost_at_restore",
            Self::LedAstray => "led_astray",
            Self::NotSent { .. } => "not_sent",
            Self::ChangeRefused | Self::MessageRefused | Self::RoomRefused { .. } => "refused",
            Self::NoRoomState | Self::NoLedger => "relay",
            Self::Token(TokenFault::Missing | TokenFault::Refused) => "token_required",
            Self::Token(TokenFault::Spent) => "token_spent",
            Self::Limit(limit) => limit.code(),
            Self::Frozen { .. } | Self::JoinFrozen { .. } => "frozen",
            Self::Thawed => "thawed",
            Self::OpenerFrozen { .. } => "opener_frozen",
            Self::Out(_) => "out",
            Self::Back { .. } => "back",
            Self::OtherRules { .. } => "other_rules",
            Self::JoinsUnwitnessed { .. } => "joins_unwitnessed",
            Self::ReturnRefused { .. } => "return_refused",
            Self::Bridged => "bridged",
            Self::Undone { .. } => "undone",
            Self::TakenBack => "taken_back",
            Self::PlaceLost => "place_lost",
            Self::AnotherCame => "another_came",
            Self::InvalidCommit(_) | Self::CommitMisplaced => "invalid_commit",
            Self::Forged { .. } | Self::NotTheirs { .. } => "forged",
            Self::Unreadable => "unreadable",
            Self::MissedByNewcomer { .. } => "missed_by_newcomer",
            Self::Group { .. } => "group",
            Self::Version1 { .. } => "version_1",
        }
    }
}
