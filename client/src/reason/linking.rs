//! Of a device that is linked.

use serde::{Deserialize, Serialize};

use crate::{failure::Exit, store::Over};

/// Why a device is not linked, or a room of the account not entered by one that was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkReason {
    /// Another linking is under way.
    Busy,
    /// None is.
    Nothing,
    /// Nothing is asked of a person here.
    NotAsked,
    /// The new device has the account by now.
    Taken,
    /// This device was taken out of the rooms of its account, so it has none to give.
    TakenOut,
    /// There is no relay to ask.
    NoRelay,
    /// What was typed is no code.
    BadCode,
    /// Another device came by it, or it is over.
    UsedCode,
    /// Its time is over.
    LateCode,
    /// It is a link into a room.
    RoomsLink,
    /// It is the code of a device, where one goes to a room.
    DevicesLink,
    /// The code is of a device that has an account, as this one does.
    BothOld,
    /// It is of a new device, as this one is.
    BothNew,
    /// The same of a profile that is in no room: it is a new device in a chat, which gives up no account.
    NewInChat,
    /// A code stands where the name of a room belongs.
    CodeForName,
    /// No invite into that room could be made in time.
    NoAnswer(String),
    /// The other device could make none into that room.
    NotInvited(String),
    /// The room is over before it was entered.
    NotEntered(Over),
    /// A short code was typed, and no relay is known to ask for it.
    NoRelayForCode,
    /// The other device is not there yet, so there is nothing to compare.
    NotYet,
}

impl LinkReason {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Busy => "linking",
            Self::Nothing | Self::NotAsked | Self::NotYet => "no_linking",
            Self::Taken => "linked",
            Self::TakenOut => "taken_out",
            Self::NoRelay
            | Self::NoRelayForCode
            | Self::BadCode
            | Self::RoomsLink
            | Self::DevicesLink
            | Self::BothOld
            | Self::NewInChat
            | Self::CodeForName
            | Self::BothNew => "usage",
            Self::UsedCode => "used_code",
            Self::LateCode => "late_code",
            Self::NoAnswer(_) => "no_answer",
            Self::NotInvited(_) => "not_invited",
            Self::NotEntered(_) => "not_entered",
        }
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Busy
            | Self::Taken
            | Self::TakenOut
            | Self::UsedCode
            | Self::LateCode
            | Self::NotInvited(_)
            | Self::NotEntered(_) => Exit::Refused,
            Self::NoAnswer(_) => Exit::Network,
            _ => Exit::Usage,
        }
    }
}
