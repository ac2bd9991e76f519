use proto::relay::{
    AccessChange, ClientFrame, CommitPart, Ephemeral, GetSlot, Join, Publish, client_frame::Frame,
};

use super::*;
use crate::policy::limits::Rate;

const ROOM: RoomId = RoomId([1; 32]);
const ALICE: PublicKey = PublicKey([0xa; 32]);
const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn router() -> Router<&'static str> {
    let rate = Rate { burst: 2, interval: Duration::from_secs(1) };
    Router::new(&Limits { publish: rate, invite: rate, ephemeral: rate, ..Limits::default() })
}

fn frame(frame: Frame) -> Result<Request, Invalid> {
    parsed(Some(frame))
}

fn parsed(frame: Option<Frame>) -> Result<Request, Invalid> {
    ClientFrame { frame }.try_into()
}

fn publish(id: u8) -> Result<Request, Invalid> {
    frame(Frame::Publish(Publish { id: vec![id; 16].into(), ..Publish::default() }))
}

fn signal(length: usize) -> Result<Request, Invalid> {
    frame(Frame::Ephemeral(Ephemeral { envelope: vec![0; length].into() }))
}

fn refused(command: Action) -> Option<(Code, bool)> {
    match command {
        Action::Refuse(refusal) => Some((refusal.code, false)),
        Action::End(refusal) => Some((refusal.code, true)),
        _ => None,
    }
}

#[test]
fn superseded_stream_publishes_nothing() {
    let (mut router, now) = (router(), Instant::now());
    let (old, nobody) = router.join(HOME, ROOM, ALICE, true, "old");
    assert_eq!(nobody, None);
    let (new, superseded) = router.join(HOME, ROOM, ALICE, true, "new");
    assert_eq!(superseded, Some("old"));
    assert_eq!(refused(router.handle(&old, publish(1), now)), Some((Code::Superseded, true)));
    assert!(matches!(router.handle(&new, publish(1), now), Action::Append(_)));
}

#[test]
fn leaving_late_does_not_end_the_newer_stream() {
    let mut router = router();
    let (old, _) = router.join(HOME, ROOM, ALICE, true, "old");
    let (new, _) = router.join(HOME, ROOM, ALICE, true, "new");
    router.leave(&old);
    assert!(router.is_current(&new));
    router.leave(&new);
    assert_eq!(router.rooms.len(), 0, "an empty room is forgotten");
}

#[test]
fn streams_of_one_invite_do_not_supersede_each_other() {
    let (mut router, now) = (router(), Instant::now());
    let (one, _) = router.join(HOME, ROOM, ALICE, false, "one");
    let (_, superseded) = router.join(HOME, ROOM, ALICE, false, "two");
    assert_eq!(superseded, None);
    assert!(matches!(router.handle(&one, publish(1), now), Action::Append(_)));
}

#[test]
fn over_quota_publish_is_looked_up_before_it_is_refused() {
    let (mut router, now) = (router(), Instant::now());
    let (session, _) = router.join(HOME, ROOM, ALICE, true, "a");
    for id in 0..2 {
        assert!(matches!(router.handle(&session, publish(id), now), Action::Append(_)));
    }
    let Action::AnswerIfStored(_, refusal) = router.handle(&session, publish(0), now) else { panic!() };
    assert_eq!(refusal.code, Code::RateLimited);
    assert_eq!((refusal.id, refusal.retry_after), (vec![0; 16].into(), Duration::from_secs(1)));
}

#[test]
fn flood_over_the_quota_is_not_looked_up_without_end() {
    let (mut router, now) = (router(), Instant::now());
    let (session, _) = router.join(HOME, ROOM, ALICE, true, "a");
    let commands: Vec<_> = (0..100).map(|id| router.handle(&session, publish(id), now)).collect();
    let looked_up = commands.iter().filter(|command| matches!(command, Action::AnswerIfStored(..))).count();
    assert_eq!(looked_up, 8, "four times the burst of two");
    let last = commands.into_iter().next_back().unwrap();
    assert_eq!(refused(last), Some((Code::RateLimited, false)));
}

#[test]
fn refunded_publish_costs_nothing() {
    let (mut router, now) = (router(), Instant::now());
    let (session, _) = router.join(HOME, ROOM, ALICE, true, "a");
    for id in 0..8 {
        assert!(matches!(router.handle(&session, publish(id), now), Action::Append(_)));
        router.refund(&session, now);
    }
}

#[test]
fn one_publish_repeated_without_end_is_refused() {
    let (mut router, now) = (router(), Instant::now());
    let (session, _) = router.join(HOME, ROOM, ALICE, true, "a");
    let mut answered = 0;
    for _ in 0..100 {
        if !matches!(router.handle(&session, publish(1), now), Action::Append(_)) {
            break;
        }
        answered += 1;
        router.refund(&session, now);
    }
    assert_eq!(answered, 8 + 2, "those that cost nothing, and the quota itself");
    assert_eq!(refused(router.handle(&session, publish(1), now)), Some((Code::RateLimited, false)));
}

#[test]
fn joining_again_does_not_refill_the_quota() {
    let (mut router, now) = (router(), Instant::now());
    let (session, _) = router.join(HOME, ROOM, ALICE, true, "a");
    for id in 0..2 {
        router.handle(&session, publish(id), now);
    }
    router.leave(&session);
    let (session, _) = router.join(HOME, ROOM, ALICE, true, "a");
    assert!(matches!(router.handle(&session, publish(9), now), Action::AnswerIfStored(..)));
}

#[test]
fn bytes_of_one_address_are_limited_over_all_its_rooms_and_cost_nothing_when_refused() {
    let now = Instant::now();
    let address_publish = Rate { burst: 100, interval: Duration::from_secs(1) };
    let mut router = Router::new(&Limits { address_publish, ..Limits::default() });
    let elsewhere = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    let sized = |id: u8, kib: usize| {
        let envelope = vec![0; kib << 10].into();
        frame(Frame::Publish(Publish { id: vec![id; 16].into(), envelope, ..Publish::default() }))
    };
    let (one, _) = router.join(HOME, ROOM, ALICE, true, "one");
    let (two, _) = router.join(HOME, RoomId([2; 32]), ALICE, true, "two");
    let (other, _) = router.join(elsewhere, ROOM, PublicKey([0xb; 32]), true, "other");
    assert!(matches!(router.handle(&one, sized(1, 60), now), Action::Append(_)));
    let Action::AnswerIfStored(_, refusal) = router.handle(&two, sized(2, 60), now) else { panic!() };
    assert_eq!((refusal.limit, refusal.retry_after), (Some(Limit::AddressRate), Duration::from_secs(20)));
    assert!(matches!(router.handle(&other, sized(2, 60), now), Action::Append(_)), "another address");
    for id in 0..10 {
        assert!(matches!(router.handle(&two, sized(id, 0), now), Action::Append(_)), "4 KiB each");
    }
    assert!(matches!(router.handle(&two, sized(9, 0), now), Action::AnswerIfStored(..)));
}

#[test]
fn stream_ends_after_many_refused_frames_and_the_next_one_at_its_first() {
    let (mut router, now) = (router(), Instant::now());
    let (session, _) = router.join(HOME, ROOM, ALICE, true, "a");
    let broken = || parsed(None);
    for _ in 0..REFUSED_FRAMES.burst {
        assert_eq!(refused(router.handle(&session, broken(), now)), Some((Code::Malformed, false)));
    }
    let Action::End(refusal) = router.handle(&session, broken(), now) else { panic!("it goes on for ever") };
    assert_eq!((refusal.limit, refusal.retry_after), (Some(Limit::RefusedFrames), REFUSED_FRAMES.interval));
    let (session, _) = router.join(HOME, ROOM, ALICE, true, "a");
    assert!(matches!(router.handle(&session, publish(1), now), Action::Append(_)), "what is right is taken");
    assert_eq!(refused(router.handle(&session, broken(), now)), Some((Code::RateLimited, true)));
    let later = now + REFUSED_FRAMES.interval;
    assert_eq!(refused(router.handle(&session, broken(), later)), Some((Code::Malformed, false)));
}

#[test]
fn guest_does_not_pay_for_refusals_of_another_with_the_same_link() {
    let (mut router, now) = (router(), Instant::now());
    let (bad, _) = router.join(HOME, ROOM, ALICE, false, "bad");
    let (good, _) = router.join(HOME, ROOM, ALICE, false, "good");
    while refused(router.handle(&bad, parsed(None), now)) == Some((Code::Malformed, false)) {}
    assert_eq!(refused(router.handle(&good, signal(1), now)), Some((Code::NotAllowed, false)));
}

#[test]
fn signals_over_their_quota_are_dropped() {
    let (mut router, now) = (router(), Instant::now());
    let (alice, _) = router.join(HOME, ROOM, ALICE, true, "alice");
    for _ in 0..2 {
        assert!(matches!(router.handle(&alice, signal(9), now), Action::FanOut(..)));
    }
    assert!(matches!(router.handle(&alice, signal(9), now), Action::Drop(Limit::EphemeralRate)));
}

fn session(router: &mut Router<&'static str>, from: u8, room: u8, key: u8) -> Session {
    let address = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, from));
    router.join(address, RoomId([room; 32]), PublicKey([key; 32]), true, "session").0
}

/// A hundred deliveries at once.
fn crowded() -> Router<&'static str> {
    let deliveries = Rate { burst: 100, interval: Duration::from_millis(10) };
    Router::new(&Limits { deliveries, ..Limits::default() })
}

#[test]
fn room_may_cause_so_many_deliveries_and_no_more_and_another_room_has_its_own() {
    let (mut router, now) = (crowded(), Instant::now());
    let crowd: Vec<_> = (0..25).map(|key| session(&mut router, key, 1, key)).collect();
    let other = session(&mut router, 100, 2, 1);
    let said = |router: &mut Router<_>, id: u8, now| router.handle(&crowd[usize::from(id)], publish(id), now);
    for id in 0..4 {
        assert!(matches!(said(&mut router, id, now), Action::Append(_)), "25 each");
    }
    let Action::AnswerIfStored(_, refusal) = said(&mut router, 4, now) else { panic!("the square of them") };
    assert_eq!((refusal.code, refusal.limit), (Code::RateLimited, Some(Limit::Deliveries)));
    assert_eq!(refusal.retry_after, Duration::from_millis(250));
    assert!(matches!(router.handle(&other, publish(1), now), Action::Append(_)));
    assert!(matches!(said(&mut router, 4, now + refusal.retry_after), Action::Append(_)));
    // What is refused costs nothing else.
    assert!(matches!(said(&mut router, 5, now + 2 * refusal.retry_after), Action::Append(_)));
}

#[test]
fn address_may_cause_no_more_deliveries_for_being_in_many_rooms() {
    let (mut router, now) = (crowded(), Instant::now());
    let mut said = 0;
    for room in 1..=10 {
        let crowd: Vec<_> = (0..20).map(|key| session(&mut router, 1, room, key)).collect();
        said += usize::from(matches!(router.handle(&crowd[0], publish(1), now), Action::Append(_)));
    }
    assert_eq!(said, 5, "a hundred deliveries, 20 each");
    let elsewhere = session(&mut router, 2, 9, 99);
    assert!(matches!(router.handle(&elsewhere, publish(1), now), Action::Append(_)), "the room paid nothing");
}

#[test]
fn signals_have_a_quarter_for_themselves_and_are_dropped_above_it() {
    let (mut router, now) = (crowded(), Instant::now());
    let crowd: Vec<_> = (0..5).map(|key| session(&mut router, key, 1, key)).collect();
    let commands: Vec<_> = (0..30).map(|at| router.handle(&crowd[at % 5], signal(9), now)).collect();
    let sent = commands.iter().filter(|command| matches!(command, Action::FanOut(_))).count();
    assert_eq!(sent, 5, "25 deliveries");
    let dropped =
        commands.iter().filter(|command| matches!(command, Action::Drop(Limit::Deliveries))).count();
    assert_eq!(dropped, 25);
    assert!(matches!(router.handle(&crowd[0], publish(1), now), Action::Append(_)), "messages go on");
}

#[test]
fn publish_that_was_there_gives_its_deliveries_back() {
    let (mut router, now) = (crowded(), Instant::now());
    let crowd: Vec<_> = (0..100).map(|key| session(&mut router, key, 1, key)).collect();
    for _ in 0..3 {
        assert!(matches!(router.handle(&crowd[0], publish(1), now), Action::Append(_)));
        router.refund(&crowd[0], now);
    }
}

#[test]
fn invite_sends_no_signals() {
    let (mut router, now) = (router(), Instant::now());
    let (invite, _) = router.join(HOME, ROOM, ALICE, false, "invite");
    assert_eq!(refused(router.handle(&invite, signal(9), now)), Some((Code::NotAllowed, false)));
}

#[test]
fn slot_reads_are_limited() {
    let (mut router, now) = (router(), Instant::now());
    let (invite, _) = router.join(HOME, ROOM, ALICE, false, "invite");
    for _ in 0..2 {
        assert!(matches!(
            router.handle(&invite, frame(Frame::GetSlot(GetSlot::default())), now),
            Action::SendSlot(_)
        ));
    }
    let command = router.handle(&invite, frame(Frame::GetSlot(GetSlot::default())), now);
    assert_eq!(refused(command), Some((Code::RateLimited, false)));
}

#[test]
fn one_who_uses_up_an_invite_keeps_nobody_else_from_joining_by_it() {
    let (mut router, now) = (router(), Instant::now());
    let slot = || frame(Frame::GetSlot(GetSlot::default()));
    let (hoarder, _) = router.join(HOME, ROOM, ALICE, false, "invite");
    while matches!(router.handle(&hoarder, slot(), now), Action::SendSlot(_)) {}
    let (again, _) = router.join(HOME, ROOM, ALICE, false, "invite");
    assert_eq!(
        refused(router.handle(&again, slot(), now)),
        Some((Code::RateLimited, false)),
        "another stream"
    );
    let (honest, _) = router.join([192, 0, 2, 1].into(), ROOM, ALICE, false, "invite");
    assert!(matches!(router.handle(&honest, slot(), now), Action::SendSlot(_)));
}

#[test]
fn site_with_many_households_does_not_take_an_invites_quota_from_each() {
    let (mut router, now) = (router(), Instant::now());
    let mut answered = 0;
    for household in 0..100 {
        let home = [0x2001, 0xdb8, 1, household, 0, 0, 0, 1].into();
        let (guest, _) = router.join(home, ROOM, ALICE, false, "invite");
        let slot = frame(Frame::GetSlot(GetSlot::default()));
        answered += u32::from(matches!(router.handle(&guest, slot, now), Action::SendSlot(_)));
    }
    assert_eq!(answered, 2 * 4, "what four of them have");
}

#[test]
fn frames_that_break_the_specification_are_refused() {
    let (mut router, now) = (router(), Instant::now());
    let (session, _) = router.join(HOME, ROOM, ALICE, true, "a");
    let removed = AccessChange { removed: vec![vec![1; 31].into()], ..AccessChange::default() };
    let signed =
        CommitPart { authority: vec![1; 32].into(), signature: vec![1; 64].into(), ..CommitPart::default() };
    let commit = CommitPart { access: Some(removed), ..signed };
    let id = || vec![1; 16].into();
    for (wrong, code, ends) in [
        (parsed(None), Code::Malformed, false),
        (frame(Frame::Join(Join::default())), Code::Malformed, false),
        (frame(Frame::Publish(Publish::default())), Code::Malformed, false),
        (
            frame(Frame::Publish(Publish { id: id(), commit: Some(commit), ..Publish::default() })),
            Code::Malformed,
            false,
        ),
        (
            frame(Frame::Publish(Publish {
                id: id(),
                envelope: vec![0; proto::MAX_ENVELOPE + 1].into(),
                ..Publish::default()
            })),
            Code::TooLarge,
            false,
        ),
        (signal(crate::policy::limits::MAX_EPHEMERAL + 1), Code::TooLarge, false),
    ] {
        assert_eq!(refused(router.handle(&session, wrong, now)), Some((code, ends)));
    }
    let join = Join {
        room_id: vec![0; 32].into(),
        access_key: vec![0; 32].into(),
        signature: vec![0; 64].into(),
        ..Join::default()
    };
    assert_eq!(
        refused(router.handle(&session, frame(Frame::Join(join)), now)),
        Some((Code::Malformed, true))
    );
}
