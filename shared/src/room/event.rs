//! What goes into the engine and what comes out: the whole surface a runtime or a test sees.

use std::fmt;

use proto::relay::{ClientFrame, RelayFrame};
use zeroize::Zeroizing;

use super::{Act, Alarm, CloseReason, Message, MessageId, Millis, Person, Problem, Said};
use crate::{identity::Fingerprint, message::timeline::Line};

/// Something happened, or somebody wants something.
// Handed over one at a time and never kept, so a box would only cost an allocation for each frame.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub enum Input {
    /// A fresh stream to the relay is open; `binding` is the connection's TLS exporter value
    /// (label [`proto::CHANNEL_BINDING_LABEL`], empty context).
    Connected {
        /// 32 bytes that tie the Join signature to this connection.
        binding: [u8; proto::CHANNEL_BINDING_LEN],
        /// The right to open rooms at this relay, if we have one; sent only when the room is to be opened.
        token: Option<proto::Token>,
        /// SHA-256 of the SubjectPublicKeyInfo of the relay's own authority, by which the connection was verified; none
        /// when WebPKI vouched for the relay. It stands in the cards of invites.
        pin: Option<[u8; 32]>,
    },
    /// The relay said something on the current stream.
    Frame(RelayFrame),
    /// The current stream ended.
    Disconnected,
    /// A person or a program asks for something.
    Command(Command),
    /// The time came that [`Output::wake_at`] named.
    Tick,
}

/// What a person or a program can ask of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Command {
    /// Say something. `token` comes back in [`Event::Sent`].
    Send {
        /// Chosen by the asker; opaque.
        token: String,
        /// UTF-8, at most [`super::MAX_TEXT`] bytes.
        text: String,
    },
    /// Say something else than a plain chat line: a reply, an edit, a sign. `token` comes back as for `Send`.
    Say {
        /// Chosen by the asker; opaque.
        token: String,
        /// What.
        said: Said,
    },
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
    /// Change the display name.
    Rename(String),
    /// Change what we say of ourselves.
    Describe {
        /// One line, or nothing.
        status: String,
        /// A small sign, or nothing.
        glyph: String,
    },
    /// Chat lines from now on go so many seconds after they were said; 0 for never. Moderators only.
    Disappear(u32),
    /// The answer to [`Event::HandOver`].
    HandOver {
        /// As asked.
        joiner: Vec<u8>,
        /// Oldest first.
        lines: Vec<Line>,
    },
    /// Leave the room: the others are told and commit the removal.
    Leave,
    /// Go on with a relay that was restored from a backup.
    Accept,
}

impl Command {
    /// An invite link without a wish for its limits.
    pub const INVITE: Self = Self::Invite { uses: None, expires_ms: None };
}

/// What the engine wants done, in this order: save, send, show.
#[derive(Default)]
pub struct Output {
    /// To be stored in one transaction before anything of `frames` is sent. Empty when nothing changed.
    pub changes: Vec<Change>,
    /// To be sent on the current stream, in order.
    pub frames: Vec<ClientFrame>,
    /// For people and programs, in order.
    pub events: Vec<Event>,
    /// Close the current stream and open a fresh one.
    pub reopen: bool,
    /// When to call with [`Input::Tick`], if nothing else happens before.
    pub wake_at: Option<Millis>,
}

/// One row of the room's state: put when `value` is there, deleted otherwise.
pub struct Change {
    /// Name of the row, unique in the room; holds no secret.
    pub key: String,
    /// The row; secret.
    pub value: Option<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Change({}, {} bytes)", self.key, self.value.as_ref().map_or(0, |v| v.len()))
    }
}

/// One leaf of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Member {
    /// Who.
    pub person: Person,
    /// Leaf index in the MLS tree.
    pub leaf: u32,
    /// This is us.
    pub me: bool,
    /// It has said or changed something since we came, so it is in the same branch of the room as we are. Of others
    /// only the tree says that they are in.
    #[cfg_attr(feature = "serde", serde(default))]
    pub heard: bool,
    /// What the person says of themselves; may be empty.
    pub status: String,
    /// A small sign for the person; may be empty.
    pub glyph: String,
    /// May remove others, revoke their invites, make moderators and change the policy.
    pub is_moderator: bool,
}

/// A live invite, as every member sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Invited {
    /// Names it.
    pub id: [u8; 16],
    /// Who made it, and whose signature is on it.
    pub by: Person,
    /// This device has its link.
    pub ours: bool,
    /// Unix milliseconds, 0 for never.
    pub expires_ms: Millis,
    /// 0 for no limit.
    pub max_uses: u32,
    /// How many came by it and are still in.
    pub used: u32,
}

/// The state of the group, the same for every member at the same epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GroupView {
    /// What people call the room.
    pub room: String,
    /// Whoever knows the name can join.
    pub open: bool,
    /// MLS epoch.
    pub epoch: u64,
    /// Epoch authenticator (RFC 9420, 8.7).
    pub authenticator: Vec<u8>,
    /// Members in leaf order.
    pub members: Vec<Member>,
    /// Chat lines go so many seconds after they were said; 0 for never.
    pub disappear_s: u32,
    /// Chat lines of before that a newcomer is handed; 0 for none.
    pub past_lines: u32,
    /// The live invites; none for an open room.
    pub invites: Vec<Invited>,
    /// Only moderators may invite.
    pub moderators_invite: bool,
    /// Devices that one person may have in the room.
    pub seats: u32,
}

/// Something people or programs want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Event {
    /// We are in: after creating, after joining, and after each restart once the log was caught up.
    Joined(GroupView),
    /// A commit began a new epoch.
    Epoch(GroupView),
    /// Somebody joined.
    MemberJoined {
        /// Who.
        who: Person,
        /// Whose invite it was; none in an open room.
        by: Option<Person>,
    },
    /// The link's card was read: this is where it leads. Nothing is joined yet.
    Invited {
        /// What people call the room.
        room: String,
        /// Who invites, by their account's signature.
        by: Person,
    },
    /// Somebody is no longer a member.
    MemberLeft {
        /// Who.
        who: Person,
        /// Who removed them; the same person: they said that they leave, whoever committed it.
        by: Person,
    },
    /// Somebody's device could not follow the room and was let back in, by its own keys.
    DeviceBack(Person),
    /// The display name, status or sign of somebody changed, of us perhaps.
    ProfileChanged {
        /// Who, by the new name.
        who: Person,
        /// The name before.
        was: String,
    },
    /// Chat lines disappear after another time than before.
    Disappearing {
        /// Who wanted that.
        by: Person,
        /// Seconds, 0 for never.
        seconds: u32,
    },
    /// A chat line, ours included (`mine`), in the order of the log.
    Message(Message),
    /// Something happened to a chat line, ours included; [`crate::message::timeline::Line::apply`] decides whether it may.
    Act(Act),
    /// A member has read up to `seq`; only those tell who choose to.
    Seen {
        /// Who.
        who: Person,
        /// Sequence number.
        seq: u64,
        /// It was us.
        mine: bool,
    },
    /// Somebody types, or stopped. Not to be kept.
    Typing {
        /// Who.
        who: Person,
        /// Not any more.
        stopped: bool,
    },
    /// A chat line of ours waits for the relay; it comes again as `Message` once it is in the log.
    Queued {
        /// The asker's token.
        token: String,
        /// The id it will have.
        id: MessageId,
        /// What.
        text: String,
        /// What it answers.
        reply_to: Option<MessageId>,
    },
    /// It is on us to hand a newcomer what was said before: answer with [`Command::HandOver`].
    HandOver {
        /// Opaque.
        joiner: Vec<u8>,
        /// Only lines of before this sequence number.
        before: u64,
        /// At most so many.
        lines: u32,
    },
    /// Lines of before we joined, as a member remembers them; nothing proves who said them.
    Handed {
        /// Who vouches for them.
        by: Person,
        /// Oldest first.
        lines: Vec<Line>,
    },
    /// The relay has it on disk.
    Sent {
        /// The asker's token.
        token: String,
        /// Sequence number in the room's log.
        seq: u64,
    },
    /// Reading the log: `done` of `total` entries.
    CatchingUp {
        /// Entries read since the stream opened.
        done: u64,
        /// Entries there were when it opened.
        total: u64,
    },
    /// Something is wrong that only misbehaviour or a restored backup explains. To be stored with the
    /// changes of the same output, so that a crash before it is shown does not make it silent.
    Alarm(Alarm),
    /// The room is over for this device: removed, left or refused; no more input is useful.
    Closed {
        /// Why.
        reason: CloseReason,
        /// We left or were removed, rather than never got in.
        was_member: bool,
    },
    /// A command failed, or a peer did something that was refused. To be stored like an alarm.
    Problem(Problem),
    // This one never leaves the process, and is the last: formats that count variants count the others alike.
    /// An invite link is ready.
    #[cfg_attr(feature = "serde", serde(skip))]
    Invite {
        /// Secret: shown to the person who asked, never logged. Lacks the relay's address, which the
        /// runtime adds.
        link: crate::invite::link::Link,
        /// Unix milliseconds, 0 for never.
        expires_ms: u64,
        /// 0 for no limit.
        max_uses: u32,
    },
}
