//! Which objects tell of an event.

use shared::room::{self as engine, GroupView, Person};

use super::{DeviceOut, Marks, MemberOut, Out, PersonOut, WhenOut, linked};
use crate::{
    faces::words,
    failure::Failure,
    runtime::{Event, Namesake, RelayState, RoomEvent},
    store::{Notice, RoomLogItem},
};

/// The objects that tell of an event; several for a certificate that changed.
pub fn translate(event: Event, marks: Marks<'_>) -> Vec<Out> {
    match event {
        Event::Relay { relay, state } => relay_event(relay, state),
        Event::Linking(news) => vec![linked(&news)],
        Event::Room { room, event } => {
            let room = room.to_string();
            vec![match event {
                RoomEvent::Engine(engine::Event::Handed { lines, .. }) => {
                    return lines.into_iter().map(|line| Out::message(room.clone(), line, false)).collect();
                }
                RoomEvent::Engine(event) => return engine_event(room, event, marks).into_iter().collect(),
                RoomEvent::Changed { act, .. } => Out::changed(room, act),
                RoomEvent::DraftElsewhere(text) => Out::Draft { room, text },
                RoomEvent::ReadElsewhere(seq) => Out::Read { room, seq },
                RoomEvent::Listed { is_muted, is_pinned } => {
                    Out::Listed { room, muted: is_muted, pinned: is_pinned }
                }
                RoomEvent::Gone(seqs) => Out::Gone { room, seqs },
                RoomEvent::Notice { notice, again, .. } => told(room, &notice, again),
                // It was told as it happened.
                RoomEvent::PastHappening(_) | RoomEvent::Pictured => return Vec::new(),
                RoomEvent::Past(message) => Out::message(room, message, true),
                RoomEvent::Invite { link, expires_ms, max_uses } => {
                    Out::Invite { room, link: link.to_string(), expires: expires_ms, max_uses }
                }
                RoomEvent::Namesake(Namesake { who, owner, is_me }) => {
                    Out::Namesake { room, member: person(who), owner: person(owner), me: is_me }
                }
                RoomEvent::Transfer(transfer) => Out::transfer(room, &transfer),
                RoomEvent::Failed(reason) => Out::error(Some(room), None, &reason.into()),
            }]
        }
    }
}

fn relay_event(relay: String, state: RelayState) -> Vec<Out> {
    match state {
        RelayState::Ended => Vec::new(),
        RelayState::Connecting => vec![Out::Connecting { relay }],
        RelayState::Connected { trust, carrier } => {
            let pin = trust.pin().map(|pin| pin.to_string());
            let (trust, transport) = (trust.name().to_owned(), carrier.name().to_owned());
            vec![Out::Connected { relay, transport, trust, pin }]
        }
        RelayState::Lost { reason, retry } => {
            let Failure { code, message, remedy, .. } = reason.into();
            let alarm = (code == "certificate").then(|| Out::Alarm {
                room: None,
                kind: code.to_string(),
                message: message.clone(),
                remedy: remedy.clone(),
                again: false,
                when: WhenOut::default(),
            });
            let retry_ms = retry.map(|retry| u64::try_from(retry.as_millis()).unwrap_or(u64::MAX));
            let lost = Out::Disconnected { relay, code: code.into_owned(), message, remedy, retry_ms };
            alarm.into_iter().chain([lost]).collect()
        }
    }
}

/// None: it is told otherwise, or is nobody's to read.
fn engine_event(room: String, event: engine::Event, marks: Marks<'_>) -> Option<Out> {
    let live = WhenOut::default();
    // What stands in the history is told in the same words as it happens.
    if let Some(what) = RoomLogItem::of(&event).filter(|what| !what.is_loud()) {
        return Some(Out::happened(room, what, live));
    }
    Some(match event {
        // Told above.
        engine::Event::MemberJoined { .. }
        | engine::Event::DeviceBack(_)
        | engine::Event::DeviceJoined { .. }
        | engine::Event::DeviceLeft { .. }
        | engine::Event::KeyChanged { .. }
        | engine::Event::MemberLeft { .. }
        | engine::Event::ProfileChanged { .. }
        | engine::Event::NewPicture { .. }
        | engine::Event::Disappearing { .. }
        | engine::Event::Topic { .. }
        | engine::Event::Lost { .. } => return None,
        engine::Event::Invited { by, .. } => Out::Invited { room, by: person(by) },
        engine::Event::Accepted => Out::Accepted { room, message: words::ACCEPTED.to_owned() },
        engine::Event::Joined(view) => Out::joined(&room, &view, marks),
        engine::Event::Epoch(view) => {
            let (authenticator, members) = (hex::encode(&view.authenticator), members(&view, marks));
            Out::Epoch { room, open: view.open, topic: view.topic, epoch: view.epoch, authenticator, members }
        }
        engine::Event::Message(message) => Out::message(room, message, false),
        engine::Event::Queued { token, id, text, .. } => {
            Out::Queued { room, id: token, message: hex::encode(id), text }
        }
        engine::Event::Seen { who, seq, mine } => Out::Seen { room, from: person(who), seq, mine },
        engine::Event::Typing { who, stopped } => Out::Typing { room, from: person(who), stopped },
        // The runtime tells an act with what it changed, and answers the others.
        engine::Event::Act(_)
        | engine::Event::Handed { .. }
        | engine::Event::HandOver { .. }
        | engine::Event::Device { .. }
        | engine::Event::DeviceInvite { .. }
        | engine::Event::DeviceHere { .. }
        | engine::Event::Heard { .. } => return None,
        engine::Event::Sent { token, seq } => Out::Sent { room, id: token, seq },
        // The runtime completes links, so none arrives here; a link without a relay helps nobody.
        engine::Event::Invite { .. } => {
            Out::error(Some(room), None, &Failure::usage("The link is not complete.", "Ask again."))
        }
        engine::Event::CatchingUp { done, total } => Out::CatchingUp { room, done, total },
        // The runtime makes notices of these.
        engine::Event::Alarm(alarm) => told(room, &Notice::Alarm(alarm), false),
        engine::Event::Problem(problem) => told(room, &Notice::Problem(problem), false),
        engine::Event::Stranger(stranger) => Out::stranger(room, stranger, false, live),
        engine::Event::Closed { reason, was_member } => {
            Out::Closed { room, reason: words::closed(&reason), was_member }
        }
    })
}

fn told(room: String, notice: &Notice, again: bool) -> Out {
    if let Notice::Stranger(stranger) = notice {
        return Out::stranger(room, stranger.clone(), again, WhenOut::default());
    }
    let Failure { code, message, remedy, .. } = notice.into();
    let (room, code) = (Some(room), code.into_owned());
    match notice.kind() {
        Some(_) => Out::Alarm { room, kind: code, message, remedy, again, when: WhenOut::default() },
        None => Out::Error { room, id: None, code, message, remedy, again },
    }
}

pub(super) fn members(view: &GroupView, marks: Marks<'_>) -> Vec<MemberOut> {
    let device = |member: &&engine::Member| DeviceOut {
        id: member.device.id.to_string(),
        name: member.device.name.clone(),
        me: member.me,
        heard: member.heard,
        since: member.since,
    };
    let member = |present: engine::Present<'_>| MemberOut {
        name: present.first.person.name.clone(),
        fingerprint: present.first.person.fingerprint.to_string(),
        me: present.is_me,
        heard: present.is_heard(),
        status: present.first.status.clone(),
        glyph: present.first.glyph.clone(),
        avatar: present.first.avatar.as_ref().map(|avatar| hex::encode(avatar.id)).unwrap_or_default(),
        verified: marks(&present.first.person.fingerprint),
        moderator: present.first.is_moderator,
        devices: present.devices.iter().map(device).collect(),
    };
    view.people().into_iter().map(member).collect()
}

pub(super) fn person(person: Person) -> PersonOut {
    PersonOut { name: person.name, fingerprint: person.fingerprint.to_string() }
}
