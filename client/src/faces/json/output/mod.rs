//! Events for programs.

mod link;
mod parts;
mod told;

use serde::{Deserialize, Serialize};
use shared::{
    identity::Fingerprint,
    identity::safety::SafetyNumber,
    message::timeline::{Line, Reaction},
    room::{self as engine, Act, AlarmKind, Alteration, GroupView, Person},
};

pub(super) use link::LinkOut;
use parts::is_false;
pub(super) use parts::{DeviceOut, FileOut, KeyRoomOut, MoreOut, OwnDeviceOut, ReactionOut, WhenOut, WhyOut};
pub use parts::{GroupOut, InfoOut, InviteOut, MemberOut, PersonOut, RoomOut};
pub use told::translate;
use told::{members, person};

use super::{InviteBy, VERSION};
use crate::{
    faces::{
        sanitize,
        unread::unread_rooms,
        words::{self, Among},
    },
    failure::Failure,
    handle::Runtime,
    runtime::{ChosenRelay, KeyRoom, LinkNews, OwnDevice, RoomsBeyond, Transfer, TransferState, Way},
    store::{Happening, Hit, RoomLogItem},
};

/// An event.
#[expect(missing_docs, reason = "docs/json.md is the manual of the fields")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Out {
    /// A link to a relay was taken: it is used from now on. `replaced`: another pin was remembered before. `token`: the
    /// link has one, which is kept and not shown.
    Relay { relay: String, pin: String, replaced: bool, token: bool },
    /// A relay is being dialled.
    Connecting { relay: String },
    /// A relay is there. `trust`: webpki, pinned, ca-file, remembered or first-use.
    Connected {
        relay: String,
        /// What carries it: `quic`, or `tcp` where UDP does not get through.
        transport: String,
        trust: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        pin: Option<String>,
    },
    /// A relay is gone. Without `retry_ms` somebody must decide first.
    Disconnected {
        relay: String,
        code: String,
        message: String,
        remedy: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_ms: Option<u64>,
    },
    /// We are in a room.
    Joined {
        room: String,
        open: bool,
        /// What the room is about; missing when nobody said.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        topic: String,
        epoch: u64,
        authenticator: String,
        members: Vec<MemberOut>,
    },
    /// A new epoch began.
    Epoch {
        room: String,
        open: bool,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        topic: String,
        epoch: u64,
        authenticator: String,
        members: Vec<MemberOut>,
    },
    /// A chat line. `again`: it was delivered in an earlier run and not acknowledged.
    Message {
        room: String,
        seq: u64,
        id: String,
        at: u64,
        from: PersonOut,
        text: String,
        mine: bool,
        again: bool,
        #[serde(flatten)]
        more: MoreOut,
    },
    /// What a search found, newest first: messages.
    Found { lines: Vec<Out> },
    /// A message of ours waits for the relay. `id`: as in `send`; `message`: the id it will have.
    Queued { room: String, id: String, message: String, text: String },
    /// A file under way. `direction`: up or down; `done`: bytes that are there; `state`: waiting, running, paused, stopped,
    /// done or cancelled; `code`, `message` and `remedy` say why it waits or stopped; `path`: where what was fetched is;
    /// `id`: of the message that it came with.
    Transfer {
        room: String,
        transfer: i64,
        direction: String,
        name: String,
        size: u64,
        done: u64,
        state: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        #[serde(flatten)]
        why: WhyOut,
    },
    /// Files under way.
    Transfers { transfers: Vec<Out> },
    /// A message has another text.
    Edited { room: String, id: String, at: u64, from: PersonOut, text: String },
    /// A message was taken back.
    Deleted { room: String, id: String, at: u64, from: PersonOut },
    /// A reaction was put under a message, or taken back.
    Reaction { room: String, id: String, at: u64, from: PersonOut, emoji: String, withdrawn: bool },
    /// Messages are gone because their time is over.
    Gone { room: String, seqs: Vec<u64> },
    /// Somebody has read up to `seq`.
    Seen { room: String, from: PersonOut, seq: u64, mine: bool },
    /// Somebody types, or stopped.
    Typing { room: String, from: PersonOut, stopped: bool },
    /// Messages disappear after another time; 0 for never.
    Disappearing {
        room: String,
        by: PersonOut,
        seconds: u32,
        #[serde(flatten)]
        when: WhenOut,
    },
    /// The room is about something else, or nothing.
    Topic {
        room: String,
        by: PersonOut,
        text: String,
        #[serde(flatten)]
        when: WhenOut,
    },
    /// The relay lost what has these numbers; this device keeps it.
    Lost {
        room: String,
        after: u64,
        upto: u64,
        message: String,
        #[serde(flatten)]
        when: WhenOut,
    },
    /// A person agreed to go on.
    Accepted { room: String, message: String },
    /// Somebody shows themselves in another way.
    ProfileChanged {
        room: String,
        member: PersonOut,
        was: String,
        #[serde(flatten)]
        when: WhenOut,
    },
    /// Somebody has another picture, or none any more.
    NewPicture {
        room: String,
        member: PersonOut,
        #[serde(default, skip_serializing_if = "parts::is_false")]
        gone: bool,
        #[serde(flatten)]
        when: WhenOut,
    },
    /// The relay has it on disk.
    Sent { room: String, id: String, seq: u64 },
    /// At another device of this account it was read up to there.
    Read { room: String, seq: u64 },
    /// The room stands otherwise in lists: by this face, another one of this profile, or another device of this account.
    Listed { room: String, muted: bool, pinned: bool },
    /// At another device of this account this was typed and not sent.
    Draft { room: String, text: String },
    /// How the linking of a device stands.
    Link(LinkOut),
    /// An invite link; secret.
    Invite { room: String, link: String, expires: u64, max_uses: u32 },
    /// A link's card was read: who invites to which room. Nothing is joined yet.
    Invited { room: String, by: PersonOut },
    /// The live invites.
    Invites { room: String, invites: Vec<InviteOut> },
    /// Who is there.
    Members { room: String, members: Vec<MemberOut> },
    /// The devices of this person, by room.
    Devices {
        devices: Vec<OwnDeviceOut>,
        /// Of a removal: so many rooms more the device says that it is in, and this one is not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beyond: Option<usize>,
    },
    /// The account has another key.
    KeyReplaced {
        rooms: Vec<KeyRoomOut>,
        /// So many rooms more other devices say that they are in, and this one is not.
        beyond: usize,
    },
    /// Somebody joined.
    MemberJoined {
        room: String,
        member: PersonOut,
        /// Whose invite it was; missing in an open room.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invited_by: Option<PersonOut>,
        #[serde(flatten)]
        when: WhenOut,
    },
    /// Another device of somebody who is in the room joined.
    DeviceJoined {
        room: String,
        member: PersonOut,
        /// What it is called.
        device: String,
        #[serde(flatten)]
        when: WhenOut,
    },
    /// A device of somebody who stays was removed.
    DeviceLeft {
        room: String,
        member: PersonOut,
        /// What it was called.
        device: String,
        by: PersonOut,
        #[serde(flatten)]
        when: WhenOut,
    },
    /// The account of somebody has another key, by the word of its recovery key. `was`: the fingerprint before.
    KeyChanged {
        room: String,
        member: PersonOut,
        was: String,
        #[serde(flatten)]
        when: WhenOut,
    },
    /// Somebody's device could not follow the room and is back, by its own keys.
    DeviceBack {
        room: String,
        member: PersonOut,
        #[serde(flatten)]
        when: WhenOut,
    },
    /// Somebody left or was removed.
    MemberLeft {
        room: String,
        member: PersonOut,
        by: PersonOut,
        #[serde(flatten)]
        when: WhenOut,
    },
    /// What a room is.
    Info(InfoOut),
    /// The number to compare with a member, and whether it was; for `verify`, and after a mark was set or taken back.
    Safety { room: String, member: PersonOut, digits: String, verified: bool },
    /// Two people have one name; `me`: the one who had it before is us.
    Namesake { room: String, member: PersonOut, owner: PersonOut, me: bool },
    /// Somebody unverified came into a room where all others are verified; `ours`: by an invite of this profile.
    Unverified {
        room: String,
        member: PersonOut,
        /// Whose invite it was; missing in an open room.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        invited_by: Option<PersonOut>,
        ours: bool,
        message: String,
        #[serde(default, skip_serializing_if = "is_false")]
        again: bool,
        #[serde(flatten)]
        when: WhenOut,
    },
    /// Reading what was missed.
    CatchingUp { room: String, done: u64, total: u64 },
    /// Something that must not be.
    Alarm {
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        kind: String,
        message: String,
        remedy: String,
        #[serde(default, skip_serializing_if = "is_false")]
        again: bool,
        #[serde(flatten)]
        when: WhenOut,
    },
    /// The room is over for this profile.
    Closed { room: String, reason: String, was_member: bool },
    /// Said once, after a profile's first day: a lost device would lose everything.
    NoBackup { message: String },
    /// Who this profile is.
    Fingerprint { name: String, fingerprint: String },
    /// The rooms of this profile.
    Rooms { rooms: Vec<RoomOut> },
    /// A command, or something in the background, failed.
    Error {
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        code: String,
        message: String,
        remedy: String,
        #[serde(default, skip_serializing_if = "is_false")]
        again: bool,
    },
}

impl Out {
    /// The line, without its end; harmless for a terminal.
    pub fn to_line(&self) -> String {
        #[derive(Serialize)]
        struct Versioned<'a> {
            v: u32,
            #[serde(flatten)]
            out: &'a Out,
        }
        // Strings and numbers always have a JSON form.
        let line = serde_json::to_string(&Versioned { v: VERSION, out: self }).unwrap_or_default();
        sanitize::json(&line)
    }

    pub(crate) fn chosen(chosen: &ChosenRelay) -> Self {
        let ChosenRelay { address, pin, replaced, token } = chosen;
        let token = token.is_some();
        Self::Relay { relay: address.to_string(), pin: pin.to_string(), replaced: *replaced, token }
    }

    pub(crate) fn no_backup(message: &str) -> Self {
        Self::NoBackup { message: message.to_owned() }
    }

    pub(super) fn joined(room: &str, view: &GroupView, marks: Marks<'_>) -> Self {
        let (authenticator, members) = (hex::encode(&view.authenticator), members(view, marks));
        Self::Joined {
            room: room.to_owned(),
            open: view.open,
            topic: view.topic.clone(),
            epoch: view.epoch,
            authenticator,
            members,
        }
    }

    pub(super) fn members(room: &str, view: &GroupView, marks: Marks<'_>) -> Self {
        Self::Members { room: room.to_owned(), members: members(view, marks) }
    }

    /// Devices of this person.
    pub(crate) fn devices(all: Vec<OwnDevice>) -> Self {
        Self::Devices { devices: all.into_iter().map(Into::into).collect(), beyond: None }
    }

    /// A device of this person that goes, and the rooms from which this device cannot take it.
    pub(crate) fn devices_removed(found: Vec<OwnDevice>, beyond: RoomsBeyond) -> Self {
        let devices = found.into_iter().map(Into::into).collect();
        Self::Devices { devices, beyond: Some(beyond.rooms) }
    }

    /// Another key for the account, and the rooms that have taken it.
    pub(crate) fn key_replaced(rooms: Vec<KeyRoom>, beyond: RoomsBeyond) -> Self {
        Self::KeyReplaced { rooms: rooms.into_iter().map(Into::into).collect(), beyond: beyond.rooms }
    }

    /// A safety number.
    pub(crate) fn safety(room: &str, member: &Person, number: &SafetyNumber, verified: bool) -> Self {
        let digits = number.digits();
        Self::Safety { room: room.to_owned(), member: person(member.clone()), digits, verified }
    }

    /// The rooms, with what was not read in each; those that were left if `all`.
    pub async fn rooms(runtime: &Runtime, all: bool) -> Self {
        let rooms = runtime.rooms().into_iter().filter(|room| all || !room.is_left());
        let mut rooms: Vec<_> = rooms.map(|room| RoomOut::from(&room)).collect();
        for (label, unread) in unread_rooms(runtime).await {
            let (count, mentions) = unread.ok().map(|unread| (unread.count, unread.mentions)).unzip();
            for room in rooms.iter_mut().filter(|room| room.room == label) {
                (room.unread, room.mentions) = (count, mentions);
            }
        }
        Self::Rooms { rooms }
    }

    pub(crate) fn error(room: Option<String>, id: Option<String>, failure: &Failure) -> Self {
        let Failure { code, message, remedy, .. } = failure.clone();
        Self::Error { room, id, code: code.into_owned(), message, remedy, again: false }
    }

    /// A chat line.
    pub fn message(room: String, line: impl Into<Line>, again: bool) -> Self {
        let Line { message, edited, deleted, reactions, handed_by } = line.into();
        let reaction = |reaction: Reaction| ReactionOut {
            emoji: reaction.emoji,
            people: reaction.people.into_iter().map(person).collect(),
        };
        let more = MoreOut {
            file: message.file.as_deref().map(FileOut::of),
            reply_to: message.reply_to.map(hex::encode),
            disappears: message.disappears,
            edited,
            deleted,
            reactions: reactions.into_iter().map(reaction).collect(),
            handed_by: handed_by.map(person),
        };
        Self::Message {
            room,
            seq: message.seq,
            id: hex::encode(message.id),
            at: message.at,
            from: person(message.from),
            text: message.text,
            mine: message.mine,
            again,
            more,
        }
    }

    /// A file under way.
    pub fn transfer(room: String, transfer: &Transfer) -> Self {
        let (direction, id) = match transfer.way {
            Way::Up(_) => ("up", None),
            Way::Down(message) => ("down", Some(hex::encode(message))),
        };
        let path = match &transfer.state {
            TransferState::Done(Some(path)) => Some(path.display().to_string()),
            _ => None,
        };
        Self::Transfer {
            room,
            transfer: transfer.number,
            direction: direction.to_owned(),
            name: transfer.name.clone(),
            size: transfer.size,
            done: transfer.done,
            state: transfer.state.name().to_owned(),
            id,
            path,
            why: WhyOut::of(transfer.state.reason().map(Failure::from).as_ref()),
        }
    }

    pub(super) fn found(hits: Vec<Hit>) -> Self {
        Self::Found { lines: hits.into_iter().map(|hit| Self::message(hit.room, hit.line, true)).collect() }
    }

    /// What is stored of a room beside its chat lines.
    pub fn happening(room: String, happening: Happening) -> Self {
        Self::happened(room, happening.what, WhenOut { seq: happening.seq, at: Some(happening.at) })
    }

    fn happened(room: String, what: RoomLogItem, when: WhenOut) -> Self {
        match what {
            RoomLogItem::Joined { who, by } => {
                Self::MemberJoined { room, member: person(who), invited_by: by.map(person), when }
            }
            RoomLogItem::Linked { who, device } => {
                Self::DeviceJoined { room, member: person(who), device, when }
            }
            RoomLogItem::Unlinked { who, device, by } => {
                Self::DeviceLeft { room, member: person(who), device, by: person(by), when }
            }
            RoomLogItem::KeyChanged { who, was } => {
                Self::KeyChanged { room, member: person(who), was: was.to_string(), when }
            }
            RoomLogItem::Back(who) => Self::DeviceBack { room, member: person(who), when },
            RoomLogItem::Left { who, by } => {
                Self::MemberLeft { room, member: person(who), by: person(by), when }
            }
            RoomLogItem::Renamed { who, was } => {
                Self::ProfileChanged { room, member: person(who), was, when }
            }
            RoomLogItem::NewPicture { who, is_gone } => {
                Self::NewPicture { room, member: person(who), gone: is_gone, when }
            }
            RoomLogItem::Disappearing { by, seconds } => {
                Self::Disappearing { room, by: person(by), seconds, when }
            }
            RoomLogItem::Topic { by, text } => Self::Topic { room, by: person(by), text, when },
            RoomLogItem::Lost { after, upto, lines } => {
                let message =
                    words::happening(&RoomLogItem::Lost { after, upto, lines }, None, Among::default());
                Self::Lost { room, after, upto, message, when }
            }
            RoomLogItem::Alarm(alarm) => Self::alarmed(room, alarm.kind(), words::alarm(&alarm), when),
            RoomLogItem::OldAlarm { kind, text } => Self::alarmed(room, kind, text, when),
            RoomLogItem::Stranger(stranger) => Self::stranger(room, stranger, true, when),
        }
    }

    fn stranger(room: String, told: engine::Stranger, again: bool, when: WhenOut) -> Self {
        let message = words::stranger(&told, None, Among::default());
        let engine::Stranger { who, by, is_ours } = told;
        let (member, invited_by) = (person(who), by.map(person));
        Self::Unverified { room, member, invited_by, ours: is_ours, message, again, when }
    }

    fn alarmed(room: String, kind: AlarmKind, message: String, when: WhenOut) -> Self {
        let (remedy, kind) = (words::alarm_remedy(kind).to_owned(), kind.name().to_owned());
        Self::Alarm { room: Some(room), kind, message, remedy, again: true, when }
    }

    pub(super) fn invites(room: &str, view: &GroupView) -> Self {
        let out = |invite: &engine::Invited| InviteOut {
            id: hex::encode(invite.id),
            by: person(invite.by.clone()),
            ours: invite.ours,
            expires: invite.expires_ms,
            max_uses: invite.max_uses,
            used: invite.used,
        };
        Self::Invites { room: room.to_owned(), invites: view.invites.iter().map(out).collect() }
    }

    fn changed(room: String, act: Act) -> Self {
        let (id, at, from) = (hex::encode(act.target), act.at, person(act.from));
        match act.change {
            Alteration::Edit(text) => Self::Edited { room, id, at, from, text },
            Alteration::Delete => Self::Deleted { room, id, at, from },
            Alteration::React { emoji, withdrawn } => Self::Reaction { room, id, at, from, emoji, withdrawn },
        }
    }
}

/// Whether somebody's key was verified.
pub type Marks<'a> = &'a dyn Fn(&Fingerprint) -> bool;

/// How the linking of a device stands.
pub fn linked(news: &LinkNews) -> Out {
    Out::Link(link::out(news.clone()))
}

#[cfg(test)]
mod tests;
