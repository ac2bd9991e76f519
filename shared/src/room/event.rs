//! What people and programs are told of a room.

use super::{
    Act, Alarm, CloseReason, Device, DeviceHere, GroupView, Message, MessageId, Millis, Person, Problem,
};
use crate::{
    file::Manifest,
    identity::{DeviceId, Fingerprint},
    message::{Private, timeline::Line},
};

/// Somebody unverified in a room where all others are verified.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Stranger {
    /// Who came.
    pub who: Person,
    /// Whose invite it was; none in an open room.
    pub by: Option<Person>,
    /// That was ours.
    pub is_ours: bool,
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
    /// Another device of somebody who is in the room joined: the same person, with one more device.
    DeviceJoined {
        /// Who; us perhaps.
        who: Person,
        /// Which one.
        device: Device,
        /// Whose invite it was; none in an open room.
        by: Option<Person>,
    },
    /// A device of somebody is no longer in the room, who stays in it with others.
    DeviceLeft {
        /// Who; us perhaps.
        who: Person,
        /// Which one.
        device: Device,
        /// Who removed it; the same person: they did it themselves, or it said that it leaves.
        by: Person,
    },
    /// The account of somebody has another key, since a device was lost or stolen: their recovery key says so. All devices of the
    /// account as it was are out, or go.
    KeyChanged {
        /// Who, by the new account; us perhaps.
        who: Person,
        /// The account that they were.
        was: Fingerprint,
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
    /// The picture of somebody changed, of us perhaps.
    NewPicture {
        /// Who.
        who: Person,
        /// There is none any more.
        is_gone: bool,
    },
    /// Chat lines disappear after another time than before.
    Disappearing {
        /// Who wanted that.
        by: Person,
        /// Seconds, 0 for never.
        seconds: u32,
    },
    /// The room is about something else than before.
    Topic {
        /// Who said so.
        by: Person,
        /// One line, or nothing.
        text: String,
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
        /// What comes with it.
        file: Option<Box<Manifest>>,
    },
    /// It is on us to hand a newcomer what was said before: answer with [`super::Command::HandOver`].
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
    /// The relay has what was told with these numbers no more: its log became another one after `after`. It stays on this
    /// device, and what comes from now on has greater numbers than `upto`.
    Lost {
        /// The greatest sequence number that is in both logs.
        after: u64,
        /// The last that is lost.
        upto: u64,
    },
    /// A person agreed to go on, with another log or from where the device was before it was led astray.
    Accepted,
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
    /// A member said something for the first time since we came: it counts as heard in the last view as well. Told once
    /// for a member; what a commit proves comes with the view of its epoch.
    Heard {
        /// Which one.
        leaf: u32,
    },
    /// Somebody unverified came into a room where all others are verified. The client's, not the engine's. To be stored
    /// like an alarm, though nobody need have done anything wrong.
    Stranger(Stranger),
    /// What a device of one person tells the others, in a room that is for that.
    Device {
        /// Who.
        who: Person,
        /// Sequence number.
        seq: u64,
        /// Its time in the log.
        at: Millis,
        /// Which device said it: its id in that room.
        device: DeviceId,
        /// What.
        body: Private,
        /// It was this device.
        mine: bool,
    },
    // These never leave the process, and are the last: formats that count variants count the others alike.
    /// A device of ours, or this one, says where it is, in the room of own devices.
    #[cfg_attr(feature = "serde", serde(skip))]
    DeviceHere {
        /// Which one: its id in that room.
        device: DeviceId,
        /// What it says.
        here: Box<DeviceHere>,
    },
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
    /// A link for one device of our own account is ready.
    #[cfg_attr(feature = "serde", serde(skip))]
    DeviceInvite {
        /// Which device it is for, as it was asked for.
        whose: [u8; 16],
        /// Secret: for that device alone.
        link: crate::invite::link::Link,
    },
}
