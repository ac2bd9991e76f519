//! What can be asked of a room.

use super::{MessageBody, Millis};
use crate::{
    identity::{Avatar, DeviceId, Fingerprint},
    message::timeline::Line,
};

/// What a person or a program can ask of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Command {
    /// Say something. `token` comes back in [`super::Event::Sent`].
    Send {
        /// Chosen by the asker; opaque.
        token: String,
        /// UTF-8, at most [`super::MAX_TEXT`] bytes.
        text: String,
    },
    /// Say something else than a plain chat line: a reply, an edit, a reaction. `token` comes back as for `Send`.
    Say {
        /// Chosen by the asker; opaque.
        token: String,
        /// What is said.
        body: MessageBody,
    },
    /// What waits to be said is not said any more. What the relay may have already is.
    Unsay,
    /// Tell those who are online that we type, or stopped. Best effort, and never more than one in
    /// [`super::TYPING_EVERY_MS`].
    Typing {
        /// Not any more.
        stopped: bool,
    },
    /// Make an invite link. With no limit named, show the newest live one that this device made, if there is one.
    Invite {
        /// How many devices it lets in; 0 for no limit.
        uses: Option<u32>,
        /// Until when, Unix milliseconds; 0 for ever.
        expires_ms: Option<Millis>,
    },
    /// Make an invite link for one device of our own account, another one each time: [`super::Event::DeviceInvite`].
    InviteDevice {
        /// Until when, Unix milliseconds.
        expires_ms: Millis,
    },
    /// End an invite, by its id: one of ours, or as a moderator anybody's.
    Revoke([u8; 16]),
    /// Make somebody a moderator, or not any more. Moderators only.
    Moderator {
        /// Who.
        who: Fingerprint,
        /// From now on.
        is_moderator: bool,
    },
    /// Change what the room allows; what is not named stays. Moderators only.
    Policy {
        /// Only moderators may invite.
        moderators_invite: Option<bool>,
        /// Devices that one person may have in the room.
        seats: Option<u32>,
    },
    /// Remove a member, all of their devices; moderators only. Of ourselves: our other devices, which everybody may.
    Remove(Fingerprint),
    /// Remove one device of somebody: of ours, another than this one, which everybody may; of somebody else's as a moderator.
    RemoveDevice {
        /// Whose.
        who: Fingerprint,
        /// Which one.
        device: DeviceId,
    },
    /// This device is called so from now on.
    NameDevice(String),
    /// Change the display name.
    Rename(String),
    /// Change what we say of ourselves.
    Describe {
        /// One line, or nothing.
        status: String,
        /// A small sign, or nothing.
        glyph: String,
    },
    /// Our picture from now on; the relay has it already. None: there is none any more.
    Picture(Option<Box<Avatar>>),
    /// Chat lines from now on go so many seconds after they were said; 0 for never. Moderators only.
    Disappear(u32),
    /// What the room is about from now on; nothing takes it away. Moderators only.
    Topic(String),
    /// The answer to [`super::Event::HandOver`].
    HandOver {
        /// As asked.
        joiner: Vec<u8>,
        /// Oldest first.
        lines: Vec<Line>,
    },
    /// Leave the room: the others are told and commit the removal.
    Leave,
    /// The same as a person: our other devices are removed first, then this one leaves.
    LeaveAll,
    /// Go on with a relay that was restored from a backup.
    Accept,
}

impl Command {
    /// An invite link without a wish for its limits.
    pub const INVITE: Self = Self::Invite { uses: None, expires_ms: None };
}
