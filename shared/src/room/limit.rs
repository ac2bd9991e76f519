//! The relay's limits: what people are told when one is in the way.

use proto::relay::{
    Refused,
    refused::{Code, Limit},
};

use super::{Engine, Millis, Problem};

/// The same limit is told again after this time, in milliseconds: a message a second may run into it.
const TELL_AGAIN_MS: u64 = 60_000;

/// Which limit was told last, and when.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told(Option<(Limit, Millis)>);

/// A limit of the relay that is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum RelayLimit {
    /// The relay does not say which, or one that this version does not know.
    Unnamed,
    /// Messages of one member in a minute.
    MemberRate,
    /// Messages of the room in a minute.
    RoomRate,
    /// Joins by one invite in a minute.
    InviteRate,
    /// Rooms opened from one network in an hour.
    RoomsOpened,
    /// Wrong tokens shown from one network.
    BadTokens,
    /// Rooms that exist by one token.
    TokenRooms,
    /// Rooms that one token opens.
    TokenUses,
    /// Rooms served on one connection.
    RoomsPerConnection,
    /// Bytes of one message.
    MessageSize,
    /// Members and live invites of one room.
    AccessKeys,
    /// The relay's disk.
    Disk,
    /// The part of the relay's disk that rooms of whoever opened this one may take.
    OpenerShare,
    /// No limit: an entry of the room is damaged on the relay's disk.
    Damaged,
    /// Bytes of one file.
    FileSize,
    /// Bytes, and number, of all files of one room.
    RoomFiles,
    /// Of these, what one member may have.
    MemberFiles,
    /// Bytes of files in a day, in all rooms of one opener.
    OpenerFiles,
    /// Files on their way at once.
    Transfers,
    /// Files begun, fetched and dropped in a minute.
    FileRate,
    /// The part of the relay's disk that files may take.
    FilesDisk,
}

impl From<Limit> for RelayLimit {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Unspecified => Self::Unnamed,
            Limit::MemberRate => Self::MemberRate,
            Limit::RoomRate => Self::RoomRate,
            Limit::InviteRate => Self::InviteRate,
            Limit::RoomsOpened => Self::RoomsOpened,
            Limit::BadTokens => Self::BadTokens,
            Limit::TokenRooms => Self::TokenRooms,
            Limit::TokenUses => Self::TokenUses,
            Limit::RoomsPerConnection => Self::RoomsPerConnection,
            Limit::MessageSize => Self::MessageSize,
            Limit::AccessKeys => Self::AccessKeys,
            Limit::Disk => Self::Disk,
            Limit::OpenerShare => Self::OpenerShare,
            Limit::Damaged => Self::Damaged,
            Limit::FileSize => Self::FileSize,
            Limit::RoomFiles => Self::RoomFiles,
            Limit::MemberFiles => Self::MemberFiles,
            Limit::OpenerFiles => Self::OpenerFiles,
            Limit::Transfers => Self::Transfers,
            Limit::FileRate => Self::FileRate,
            Limit::FilesDisk => Self::FilesDisk,
        }
    }
}

impl RelayLimit {
    /// Its name for programs: stable. `rate_limited` and `no_space` go away by themselves or by somebody else's hand,
    /// and nothing is lost meanwhile.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unnamed
            | Self::MemberRate
            | Self::RoomRate
            | Self::InviteRate
            | Self::BadTokens
            | Self::Transfers
            | Self::FileRate => "rate_limited",
            Self::RoomsOpened | Self::RoomsPerConnection => "too_many_rooms",
            Self::TokenRooms | Self::TokenUses => "token_spent",
            Self::MessageSize | Self::FileSize => "too_large",
            Self::AccessKeys => "room_full",
            Self::Disk
            | Self::OpenerShare
            | Self::RoomFiles
            | Self::MemberFiles
            | Self::OpenerFiles
            | Self::FilesDisk => "no_space",
            Self::Damaged => "damaged",
        }
    }
}

impl Engine {
    /// Tells of the limit that a refusal names; of a relay that names none, the nearest by its code.
    pub(super) fn tell_limit(&mut self, refused: &Refused, now: Millis) {
        let limit = match (refused.limit(), refused.code()) {
            (Limit::Unspecified, Code::NoSpace) => Limit::Disk,
            (limit, _) => limit,
        };
        let is_new = self.link.told.0.is_none_or(|(told, at)| told != limit || now >= at + TELL_AGAIN_MS);
        if is_new {
            self.link.told = Told(Some((limit, now)));
            self.refuse(Problem::Limit(limit.into()));
        }
    }
}
