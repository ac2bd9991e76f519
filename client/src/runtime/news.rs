//! What faces are told of a linking.

use serde::{Deserialize, Serialize};
use shared::{
    identity::Fingerprint,
    invite::link::InviteLink,
    linking::{Agreed, EndReason, LinkFault},
};

use crate::reason::Reason;

/// How a linking stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkNews {
    /// What the other device is to be given. Secret.
    Code {
        /// The whole link, for a camera or a message.
        #[serde(with = "crate::codec::text")]
        link: InviteLink,
        /// Without the relay, where the other device uses the same one.
        code: String,
        /// Unix milliseconds.
        expires_ms: u64,
        /// It is this device that is new.
        is_new: bool,
    },
    /// The other device is there.
    Found,
    /// Both devices show this now.
    Compare {
        /// What to compare.
        agreed: Agreed,
        /// It is on the person at this device to confirm it.
        is_asked: bool,
    },
    /// What is handed over is put together: rooms that are ready, of all.
    Preparing {
        /// Ready.
        done: usize,
        /// All.
        of: usize,
    },
    /// All of it is at the relay: this device is not needed any more.
    Posted {
        /// Rooms that the new device can enter.
        rooms: usize,
        /// Labels of those that it cannot, and why.
        without: Vec<(String, Reason)>,
    },
    /// The past of the rooms stays on the old device: the relay takes no file, or it did not come through.
    NoPast,
    /// Parts that have come, of all.
    Taking {
        /// Here.
        done: u32,
        /// All.
        of: u32,
    },
    /// This device has the account from now on.
    Received {
        /// The display name.
        name: String,
        /// Whose account it is.
        fingerprint: Fingerprint,
        /// Rooms that are entered now.
        rooms: usize,
    },
    /// A room of the account is entered on this device, or cannot be.
    Room {
        /// What it is called.
        room: String,
        /// Rooms that are still to come.
        left: usize,
        /// Why it cannot be entered.
        why: Option<Reason>,
    },
    /// The new device has everything.
    Done,
    /// Nothing comes of it.
    Ended {
        /// Why.
        end: LinkEnd,
        /// The account was handed over before that, so whoever is at the other device may have it.
        is_handed: bool,
    },
}

/// Why nothing comes of a linking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkEnd {
    /// The person at this device said no.
    Refused,
    /// The person at this device gave it up.
    GivenUp,
    /// Nobody came, or nobody confirmed in time.
    Late,
    /// There was somebody else in the room.
    Another,
    /// The other device said what may not be said there.
    Fault(#[serde(with = "fault")] LinkFault),
    /// What it handed over is no account.
    NoAccount,
    /// The other device ended it.
    Theirs(EndReason),
    /// The other device went.
    Gone,
    /// The account is more than can be handed over.
    TooMuch,
    /// Something is wrong with the room or its relay.
    Odd,
    /// This device has rooms by now, so that it cannot become another account's.
    HasRooms,
    /// The room is over, or cannot be kept.
    Failed(Reason),
    /// The person at this device typed other digits than the new one shows.
    OtherDigits,
}

impl LinkEnd {
    /// What the other device is told.
    pub(super) fn reason(&self) -> Option<EndReason> {
        match self {
            Self::Refused | Self::OtherDigits => Some(EndReason::Refused),
            Self::GivenUp => Some(EndReason::GivenUp),
            Self::Late => Some(EndReason::Late),
            Self::Another => Some(EndReason::Another),
            Self::Fault(fault) => Some(fault.reason()),
            Self::NoAccount | Self::TooMuch | Self::Odd => Some(EndReason::Fault),
            Self::HasRooms => Some(EndReason::SameKind),
            Self::Theirs(_) | Self::Gone | Self::Failed(_) => None,
        }
    }
}

/// A fault as a number: the core does not know the formats of this program.
mod fault {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use shared::linking::LinkFault;

    const ALL: [LinkFault; 4] =
        [LinkFault::Malformed, LinkFault::OutOfOrder, LinkFault::SameKind, LinkFault::WrongReveal];

    pub(super) fn serialize<S: Serializer>(fault: &LinkFault, to: S) -> Result<S::Ok, S::Error> {
        let at = ALL.iter().position(|one| one == fault).unwrap_or_default();
        to.serialize_u8(u8::try_from(at).unwrap_or_default())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<LinkFault, D::Error> {
        let at = u8::deserialize(from)?;
        Ok(ALL.get(usize::from(at)).copied().unwrap_or(LinkFault::Malformed))
    }
}
