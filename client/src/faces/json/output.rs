//! Events for programs.

use serde::{Deserialize, Serialize};
use shared::engine::{self, GroupView, Message, Person};

use super::VERSION;
use crate::{
    faces::sanitize,
    failure::Failure,
    runtime::{Event, RelayState, RoomEvent, RoomStatus},
};

/// An event.
#[expect(missing_docs, reason = "docs/json.md is the manual of the fields")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Out {
    /// A relay is being dialled.
    Connecting { relay: String },
    /// A relay is there. `trust`: webpki, pinned, ca-file, remembered or first-use.
    Connected {
        relay: String,
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
    Joined { room: String, open: bool, epoch: u64, authenticator: String, members: Vec<MemberOut> },
    /// A new epoch began.
    Epoch { room: String, open: bool, epoch: u64, authenticator: String, members: Vec<MemberOut> },
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
    },
    /// The relay has it on disk.
    Sent { room: String, id: String, seq: u64 },
    /// An invite link; secret.
    Invite { room: String, link: String, expires: u64, max_uses: u32 },
    /// Who is there.
    Members { room: String, members: Vec<MemberOut> },
    /// Somebody joined.
    MemberJoined { room: String, member: PersonOut },
    /// Somebody left or was removed.
    MemberLeft { room: String, member: PersonOut, by: PersonOut },
    /// Reading what was missed.
    CatchingUp { room: String, done: u64, total: u64 },
    /// Something that must not be.
    Alarm {
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<String>,
        kind: String,
        message: String,
        remedy: String,
    },
    /// The room is over for this profile.
    Closed { room: String, reason: String, was_member: bool },
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
    },
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonOut {
    /// Display name; chosen by the person, so several may have the same.
    pub name: String,
    /// 64 hexadecimal digits; this tells people apart.
    pub fingerprint: String,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberOut {
    /// Display name.
    pub name: String,
    /// 64 hexadecimal digits.
    pub fingerprint: String,
    /// It is this profile.
    pub me: bool,
}

/// A room in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomOut {
    /// Its label.
    pub room: String,
    /// Whoever knows the name can join; unknown before we are in.
    pub open: Option<bool>,
    /// `HOST:PORT`.
    pub relay: Option<String>,
    /// How many members; none before we are in.
    pub members: Option<usize>,
    /// Why it is over, when it is.
    pub closed: Option<String>,
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

    pub(super) fn joined(room: &str, view: &GroupView) -> Self {
        let (authenticator, members) = (hex(&view.authenticator), members(view));
        Self::Joined { room: room.to_owned(), open: view.open, epoch: view.epoch, authenticator, members }
    }

    pub(super) fn members(room: &str, view: &GroupView) -> Self {
        Self::Members { room: room.to_owned(), members: members(view) }
    }

    pub(super) fn rooms(rooms: &[RoomStatus]) -> Self {
        let rooms = rooms.iter().map(|status| RoomOut {
            room: status.label.clone(),
            open: status.view.as_ref().map(|view| view.open),
            relay: status.relay.as_ref().map(ToString::to_string),
            members: status.view.as_ref().map(|view| view.members.len()),
            closed: status.over.clone(),
        });
        Self::Rooms { rooms: rooms.collect() }
    }

    pub(super) fn error(room: Option<String>, id: Option<String>, failure: &Failure) -> Self {
        let Failure { code, message, remedy, .. } = failure.clone();
        Self::Error { room, id, code: code.to_owned(), message, remedy }
    }

    /// A chat line.
    pub fn message(room: String, message: Message, again: bool) -> Self {
        Self::Message {
            room,
            seq: message.seq,
            id: hex(&message.id),
            at: message.at,
            from: person(message.from),
            text: message.text,
            mine: message.mine,
            again,
        }
    }
}

/// The objects that tell of an event; several for a certificate that changed.
pub fn translate(event: Event) -> Vec<Out> {
    match event {
        Event::Relay { relay, state } => relay_event(relay, state),
        Event::Room { room, event } => {
            let room = room.to_string();
            vec![match event {
                RoomEvent::Engine(event) => engine_event(room, event),
                RoomEvent::Past(message) => Out::message(room, message, true),
                RoomEvent::Invite { link, expires_ms, max_uses } => {
                    Out::Invite { room, link: link.to_string(), expires: expires_ms, max_uses }
                }
                RoomEvent::Failed(failure) => Out::error(Some(room), None, &failure),
            }]
        }
    }
}

fn relay_event(relay: String, state: RelayState) -> Vec<Out> {
    match state {
        RelayState::Connecting => vec![Out::Connecting { relay }],
        RelayState::Connected(trust) => {
            let pin = trust.pin().map(|pin| pin.to_string());
            vec![Out::Connected { relay, trust: trust.name().to_owned(), pin }]
        }
        RelayState::Lost { failure, retry } => {
            let Failure { code, message, remedy, .. } = failure;
            let alarm = (code == "certificate").then(|| Out::Alarm {
                room: None,
                kind: code.to_owned(),
                message: message.clone(),
                remedy: remedy.clone(),
            });
            let retry_ms = retry.map(|retry| u64::try_from(retry.as_millis()).unwrap_or(u64::MAX));
            let lost = Out::Disconnected { relay, code: code.to_owned(), message, remedy, retry_ms };
            alarm.into_iter().chain([lost]).collect()
        }
    }
}

fn engine_event(room: String, event: engine::Event) -> Out {
    match event {
        engine::Event::Joined(view) => Out::joined(&room, &view),
        engine::Event::Epoch(view) => {
            let (authenticator, members) = (hex(&view.authenticator), members(&view));
            Out::Epoch { room, open: view.open, epoch: view.epoch, authenticator, members }
        }
        engine::Event::MemberJoined(who) => Out::MemberJoined { room, member: person(who) },
        engine::Event::MemberLeft { who, by } => {
            Out::MemberLeft { room, member: person(who), by: person(by) }
        }
        engine::Event::Message(message) => Out::message(room, message, false),
        engine::Event::Sent { token, seq } => Out::Sent { room, id: token, seq },
        // The runtime completes links, so none arrives here; a link without a relay helps nobody.
        engine::Event::Invite { .. } => {
            Out::error(Some(room), None, &Failure::usage("The link is not complete.", "Ask again."))
        }
        engine::Event::CatchingUp { done, total } => Out::CatchingUp { room, done, total },
        engine::Event::Alarm { kind, text } => Out::Alarm {
            room: Some(room),
            kind: kind.name().to_owned(),
            message: text,
            remedy: crate::runtime::remedy_of(kind).to_owned(),
        },
        engine::Event::Error { code, message, remedy } => {
            Out::Error { room: Some(room), id: None, code: code.to_owned(), message, remedy }
        }
        engine::Event::Closed { reason, was_member } => Out::Closed { room, reason, was_member },
    }
}

fn members(view: &GroupView) -> Vec<MemberOut> {
    let member = |member: &engine::Member| MemberOut {
        name: member.person.name.clone(),
        fingerprint: member.person.fingerprint.to_string(),
        me: member.me,
    };
    view.members.iter().map(member).collect()
}

fn person(person: Person) -> PersonOut {
    PersonOut { name: person.name, fingerprint: person.fingerprint.to_string() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use shared::identity::Fingerprint;

    use super::*;
    use crate::{failure::Exit, transport::Pin, transport::Trust};

    #[test]
    fn message_has_the_documented_fields() {
        let from = Person { name: "zoë".into(), fingerprint: Fingerprint([1; 32]) };
        let message = Message { seq: 7, id: [2; 16], at: 9, from, text: "hi".into(), mine: false };
        let event =
            Event::Room { room: "team".into(), event: RoomEvent::Engine(engine::Event::Message(message)) };
        let [out] = translate(event).try_into().unwrap();
        let line: serde_json::Value = serde_json::from_str(&out.to_line()).unwrap();
        let expected = serde_json::json!({
            "v": 1, "event": "message", "room": "team", "seq": 7, "id": "02".repeat(16), "at": 9,
            "from": {"name": "zoë", "fingerprint": "01".repeat(32)}, "text": "hi", "mine": false, "again": false,
        });
        assert_eq!(line, expected);
        assert_eq!(serde_json::from_value::<Out>(line).unwrap(), out);
    }

    #[test]
    fn changed_certificate_is_an_alarm_and_not_only_a_lost_connection() {
        let failure = Failure::new(Exit::Verification, "certificate", "changed", "ask");
        let lost = RelayState::Lost { failure, retry: None };
        let outs = translate(Event::Relay { relay: "h:1".into(), state: lost });
        assert!(
            matches!(&outs[..], [Out::Alarm { kind, .. }, Out::Disconnected { .. }] if kind == "certificate")
        );
        let trust = RelayState::Connected(Trust::FirstUse(Pin::from([3; 32])));
        let [out] = translate(Event::Relay { relay: "h:1".into(), state: trust }).try_into().unwrap();
        assert!(out.to_line().contains(r#""trust":"first-use","pin":"sha256:0303"#), "{}", out.to_line());
    }
}
