use shared::{
    identity::Fingerprint,
    room::{Message, Person},
};

use super::*;
use crate::{
    daemon::frame,
    reason::{DaemonReason, Reason},
    store::Notice,
};

fn room(event: RoomEvent) -> Event {
    Event::Room { room: "team".into(), event }
}

fn message(seq: u64) -> Event {
    let from = Person { name: "ann".into(), fingerprint: Fingerprint([1; 32]) };
    let text = seq.to_string();
    room(RoomEvent::Engine(engine::Event::Message(Message {
        seq,
        id: [0; 16],
        at: 0,
        from,
        text,
        mine: false,
        reply_to: None,
        disappears: None,
        file: None,
    })))
}

fn sent(token: &str) -> Event {
    room(RoomEvent::Engine(engine::Event::Sent { token: token.into(), seq: 1 }))
}

fn error() -> Event {
    let notice = Notice::Problem(engine::Problem::Forged { entry: 7, fault: engine::Fault::InOurName });
    room(RoomEvent::Notice { ordinal: 1, notice, again: false })
}

fn count(queue: &mut FaceQueue) -> usize {
    std::iter::from_fn(|| queue.events.try_recv().ok()).count()
}

fn attach(hub: &Hub, face: u64) -> FaceQueue {
    hub.attach(FaceId(face), None, BTreeSet::new())
}

#[test]
fn face_whose_queue_is_full_is_cut_off_and_the_others_get_everything() {
    let hub = Hub::default();
    let (mut slow, mut quick) = (attach(&hub, 1), attach(&hub, 2));
    let mut heard = 0;
    for seq in 0..2 * QUEUE as u64 {
        hub.publish(&[], message(seq));
        heard += count(&mut quick);
        let is_cut = slow.cut.try_recv() == Err(oneshot::error::TryRecvError::Closed);
        assert_eq!(is_cut, seq >= QUEUE as u64, "{seq}");
    }
    assert_eq!((heard, hub.count()), (2 * QUEUE, 1));
}

#[test]
fn answer_goes_to_the_one_that_asked_and_to_all_when_it_is_gone() {
    let hub = Hub::default();
    let (mut one, mut two) = (attach(&hub, 1), attach(&hub, 2));
    hub.publish(&[FaceId(1)], error());
    assert_eq!((count(&mut one), count(&mut two)), (1, 0));
    hub.publish(&[FaceId(3)], error());
    assert_eq!((count(&mut one), count(&mut two)), (1, 1));
    // What was said before there was a daemon has no mark.
    hub.publish(&[], sent("a1"));
    assert_eq!((count(&mut one), count(&mut two)), (1, 1));
}

#[test]
fn what_was_sent_waits_for_its_face_and_is_told_to_nobody_else() {
    let hub = Hub::default();
    let mut one = attach(&hub, 1);
    let mark = |face: u64| format!("{face:016x}/a1");
    hub.publish(&[], sent(&mark(2)));
    hub.publish(&[], sent(&mark(1)));
    let Event::Room { event: RoomEvent::Engine(engine::Event::Sent { token, .. }), .. } =
        one.events.try_recv().unwrap()
    else {
        panic!("not sent")
    };
    assert_eq!((token.as_str(), count(&mut one)), ("a1", 0));
    // One that is queued, and not taken before its face goes.
    hub.publish(&[], sent(&mark(1)));
    hub.detach(one.number, FaceId(1), one.events, one.first);
    for face in [1, 2] {
        assert_eq!(attach(&hub, face).first.len(), 1, "{face}");
    }
    assert_eq!(attach(&hub, 3).first.len(), 0);
}

#[test]
fn what_was_sent_is_kept_for_a_face_that_is_cut_off_by_it_and_for_one_that_goes_before_it_begins() {
    let hub = Hub::default();
    let one = attach(&hub, 1);
    for seq in 0..QUEUE as u64 {
        hub.publish(&[], message(seq));
    }
    hub.publish(&[], sent("0000000000000001/a1"));
    assert_eq!(hub.count(), 0, "cut off");
    drop(one);
    let again = attach(&hub, 1);
    assert_eq!(again.first.len(), 1);
    hub.detach(again.number, FaceId(1), again.events, again.first);
    assert_eq!(attach(&hub, 1).first.len(), 1);
}

#[test]
fn message_of_a_gated_room_is_not_queued_before_the_gate_opens() {
    let hub = Hub::default();
    let mut queue = hub.attach(FaceId(1), None, BTreeSet::from(["team".to_owned()]));
    hub.publish(&[], message(1));
    hub.publish(&[], error());
    assert_eq!(count(&mut queue), 1, "the error");
    hub.open(queue.number, "team");
    hub.publish(&[], message(2));
    assert_eq!(count(&mut queue), 1);
}

#[test]
fn face_that_wants_one_room_gets_that_one_and_its_relay() {
    let hub = Hub::default();
    let only = Only { room: "other".into(), relay: Some("a:1".into()) };
    let mut queue = hub.attach(FaceId(1), Some(only), BTreeSet::new());
    hub.publish(&[], message(1));
    for relay in ["a:1", "b:1"] {
        hub.publish(&[], Event::Relay { relay: relay.into(), state: RelayState::Connecting });
    }
    assert_eq!(count(&mut queue), 1);
}

#[test]
fn events_come_out_of_a_frame_as_they_went_in() {
    let failed = room(RoomEvent::Failed(Reason::from(DaemonReason::LongEvent)));
    let closed =
        engine::Event::Closed { reason: engine::CloseReason::Removed { by: "eve".into() }, was_member: true };
    let relay = Event::Relay {
        relay: "a:1".into(),
        state: RelayState::Connected {
            trust: crate::transport::Trust::FirstUse(crate::transport::Pin::from([7; 32])),
            carrier: crate::transport::Carrier::Tcp,
        },
    };
    for event in [message(7), sent("a"), error(), failed, room(RoomEvent::Engine(closed)), relay] {
        let bytes = frame::encode(&event, 1_000).unwrap();
        let back: Event = frame::decode(&bytes[4..]).unwrap();
        assert_eq!(format!("{back:?}"), format!("{event:?}"));
    }
}
