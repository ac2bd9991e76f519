use std::sync::Arc;

use proto::RoomId;
use shared::{
    identity::{DeviceId, Identity},
    linking::Phrase,
    room::{CloseReason, Person, Profile},
};

use super::*;
use crate::{store::Where, transport::RelayAddress};

fn record(role: Role, step: Step) -> Record {
    let address = RelayAddress::new("relay.example", 443).unwrap();
    let place = Where::Relay { address, pin: None };
    let mut record = Record::new((role, false), &[1; 32], (RoomId([2; 32]), &place), 10).unwrap();
    let random = Random::new(rand_core::UnwrapErr(getrandom::SysRng));
    let (handshake, _) = Handshake::begin(role, &[3; 32], "laptop", &random);
    record.set_handshake(&handshake.to_bytes());
    record.step = step;
    record
}

fn part(index: u32, count: u32) -> LinkMessage {
    LinkMessage::Part { index, count, bytes: Private::new(vec![7; 10]) }
}

/// What is shown and said, without the rest.
fn ends(todo: &[Do], expected: EndReason) -> bool {
    let [Do::Tell(Command::Unsay), Do::Tell(Command::Say { token, body: MessageBody::Device(body) })] = todo
    else {
        return false;
    };
    token == END && LinkMessage::read(body) == Ok(LinkMessage::End(expected))
}

/// Whatever the other device says where it may not: the linking ends, it is told so, and nothing was handed over or taken.
#[test]
fn message_that_may_not_be_ends_the_linking() {
    let garbage = Private::new(vec![0xff; 99]);
    for step in [Step::Open, Step::Shaking, Step::Agreed, Step::Confirmed, Step::Posted] {
        for role in [Role::Old, Role::New] {
            let mut record = record(role, step.clone());
            assert!(ends(&record.said(&garbage, 1), EndReason::Fault), "{role:?} at {step:?}");
            assert_eq!(record.step, Step::Ending);
        }
    }
    for (role, step, message) in [
        // Before a person has confirmed, to whoever would take it; and out of order after that.
        (Role::New, Step::Shaking, part(0, 1)),
        (Role::New, Step::Agreed, part(1, 2)),
        (Role::New, Step::Agreed, LinkMessage::Done),
        (Role::New, Step::Agreed, LinkMessage::Reveal([1; 32])),
        // The old device takes no account from anybody.
        (Role::Old, Step::Agreed, part(0, 1)),
        (Role::Old, Step::Posted, part(0, 1)),
        // And is not told that all came before anything was handed over.
        (Role::Old, Step::Shaking, LinkMessage::Done),
        (Role::Old, Step::Agreed, LinkMessage::Done),
        (Role::Old, Step::Confirmed, LinkMessage::Done),
        (Role::Old, Step::Open, LinkMessage::Reveal([1; 32])),
        (Role::Old, Step::Agreed, LinkMessage::Answer { nonce: [1; 32], device: "x".to_owned() }),
    ] {
        let mut record = record(role, step.clone());
        let todo = record.said(&message.write(), 1);
        assert!(ends(&todo, EndReason::Fault), "{role:?} at {step:?}: {message:?}: {todo:?}");
    }
}

#[test]
fn device_of_the_same_kind_is_told_so() {
    let mut old = record(Role::Old, Step::Shaking);
    assert!(ends(&old.said(&LinkMessage::Commitment([1; 32]).write(), 1), EndReason::SameKind));
    let mut new = record(Role::New, Step::Shaking);
    let answer = LinkMessage::Answer { nonce: [1; 32], device: "x".to_owned() };
    assert!(ends(&new.said(&answer.write(), 1), EndReason::SameKind));
}

#[test]
fn what_is_handed_over_and_is_no_account_is_not_taken() {
    let mut new = record(Role::New, Step::Agreed);
    let todo = new.said(&part(0, 1).write(), 1);
    assert!(ends(&todo, EndReason::Fault), "{todo:?}");
    assert_eq!(new.end, Some(LinkEnd::NoAccount));
}

/// The other device ends it, or says anything once it is over: no answer, or two programs would quarrel for ever.
#[test]
fn end_is_not_answered_and_nothing_follows_it() {
    let mut record = record(Role::Old, Step::Agreed);
    let todo = record.said(&LinkMessage::End(EndReason::GivenUp).write(), 1);
    assert!(matches!(&todo[..], [Do::Tell(Command::Unsay), Do::Tell(Command::Leave)]), "{todo:?}");
    assert!(record.said(&part(0, 1).write(), 2).is_empty());
    assert!(record.said(&Private::new(vec![0xff; 99]), 2).is_empty());
}

#[test]
fn nothing_is_handed_over_before_a_person_has_confirmed() {
    let mut old = record(Role::Old, Step::Shaking);
    let answer = LinkMessage::Answer { nonce: [1; 32], device: "laptop".to_owned() };
    let todo = old.said(&answer.write(), 1);
    let said: Vec<_> = todo
        .iter()
        .filter_map(|todo| match todo {
            Do::Tell(Command::Say { body: MessageBody::Device(body), .. }) => LinkMessage::read(body).ok(),
            _ => None,
        })
        .collect();
    assert!(matches!(&said[..], [LinkMessage::Reveal(_)]), "{todo:?}");
    assert!(todo.iter().all(|todo| !matches!(todo, Do::Gather | Do::Become)));
    assert_eq!((old.step.clone(), old.unsent), (Step::Agreed, 0));
    let Some(agreed) = &old.agreed else { panic!() };
    assert_eq!(agreed.device, "laptop");
    let _: Phrase = agreed.phrase;
    assert!(matches!(&old.confirm(HandedPast::Nothing, 2)[..], [Do::Gather]));
}

fn random() -> Random {
    Random::new(rand_core::UnwrapErr(getrandom::SysRng))
}

/// A linking room in which nobody else is.
fn engine() -> Engine {
    let profile = Profile {
        identity: Arc::new(Identity::without_recovery(&[1; 32])),
        name: "device".to_owned(),
        status: String::new(),
        glyph: String::new(),
        device_name: "device".to_owned(),
        random: random(),
        suite: Default::default(),
    };
    Engine::create_linking(&profile, "schat link", 1).unwrap()
}

fn person(byte: u8) -> Person {
    Person { name: "device".to_owned(), fingerprint: Fingerprint([byte; 32]) }
}

/// The old device has handed all of it over.
fn posted(is_maker: bool) -> Record {
    let mut record = record(Role::Old, Step::Confirmed);
    (record.is_maker, record.peer) = (is_maker, Some([7; 32]));
    assert!(
        matches!(&record.hand_over(&[part(0, 1)])[..], [Do::Tell(Command::Say { token, .. })] if token == PART)
    );
    record.invites = vec![([8; 32], [9; 16])];
    record
}

#[test]
fn whoever_else_says_something_in_the_room_ends_it_and_what_waits_is_not_said() {
    for step in [Step::Shaking, Step::Agreed, Step::Confirmed, Step::Posted] {
        let mut record = record(Role::Old, step.clone());
        record.peer = Some([7; 32]);
        let body = LinkMessage::Done.write();
        let said =
            Event::Device { who: person(6), seq: 1, at: 1, device: DeviceId([6; 16]), body, mine: false };
        // The room of this test has one member: there is nobody to be told, and it is over at once.
        let todo = record.happened(said, &engine(), 2);
        let [Do::Forget, Do::Show(LinkNews::Ended { end: LinkEnd::Another, .. })] = &todo[..] else {
            panic!("{step:?}: {todo:?}");
        };
    }
    let todo = posted(false).ends(LinkEnd::Another, 2);
    assert!(ends(&todo, EndReason::Another), "{todo:?}");
}

#[test]
fn nothing_is_handed_over_to_a_room_where_the_other_device_is_not_alone_with_this_one() {
    for peer in [Some([7; 32]), None] {
        let mut old = record(Role::Old, Step::Confirmed);
        old.peer = peer;
        let todo = old.post(&[part(0, 1)], &engine(), 2);
        let is_part = |todo: &Do| matches!(todo, Do::Tell(Command::Say { token, .. }) if token == PART);
        assert!(!todo.iter().any(is_part), "{todo:?}");
        assert!(!old.is_handed && old.step == Step::Ending, "{todo:?}");
    }
}

/// What nothing came of, after all of it had been said: whoever is at the other device may have the account, and the rooms are shut.
#[test]
fn end_after_the_account_was_handed_over_says_so_and_ends_the_invites() {
    for reason in [EndReason::Fault, EndReason::GivenUp, EndReason::Late] {
        let mut old = posted(false);
        assert!(old.endings().is_empty(), "while it goes well they are good");
        old.said(&LinkMessage::End(reason).write(), 1);
        assert_eq!(old.endings(), [(RoomId([8; 32]), [9; 16])]);
        assert!(old.endings().is_empty(), "once");
        let todo = old.late(&engine(), 9);
        let told = |todo: &Do| matches!(todo, Do::Show(LinkNews::Ended { is_handed: true, .. }));
        assert!(todo.iter().any(told), "{todo:?}");
    }
    let mut old = posted(false);
    old.said(&LinkMessage::Done.write(), 1);
    assert!(old.endings().is_empty(), "the new device enters by them");
    let mut early = record(Role::Old, Step::Agreed);
    early.said(&LinkMessage::End(EndReason::GivenUp).write(), 1);
    let todo = early.late(&engine(), 9);
    let told = |todo: &Do| matches!(todo, Do::Show(LinkNews::Ended { is_handed: false, .. }));
    assert!(todo.iter().any(told), "{todo:?}");
}

/// Two keys of a room that nobody uses any more would let two strangers talk at the relay for ever.
#[test]
fn old_device_takes_the_new_one_out_of_the_room_before_it_goes() {
    let peer = Fingerprint([7; 32]);
    let todo = posted(false).said(&LinkMessage::Done.write(), 1);
    let [Do::Show(LinkNews::Done), Do::Tell(command)] = &todo[..] else { panic!("{todo:?}") };
    assert_eq!(*command, Command::Remove(peer));
    let mut ending = posted(false);
    ending.ends(LinkEnd::Late, 1);
    let todo = ending.sent(END, 2);
    assert!(matches!(&todo[..], [Do::Tell(Command::Remove(who))] if *who == peer), "{todo:?}");
    let mut new = record(Role::New, Step::Received);
    (new.is_maker, new.peer) = (true, Some([7; 32]));
    assert!(matches!(&new.sent(DONE, 1)[..], [Do::Become]));
}

#[test]
fn room_that_ends_once_all_is_here_takes_the_account_not_away_again() {
    for step in [Step::Fetching, Step::Received] {
        let mut new = record(Role::New, step.clone());
        let closed = Event::Closed { reason: CloseReason::Left, was_member: true };
        let todo = new.happened(closed, &engine(), 1);
        assert!(matches!(&todo[..], [Do::Become]), "{step:?}: {todo:?}");
    }
}

/// Its relay may be away just then, and the old device waits for a word.
#[test]
fn device_that_has_everything_takes_its_time_to_say_so() {
    let mut new = record(Role::New, Step::Fetching);
    let todo = new.received(1);
    let [Do::Tell(Command::Say { token, .. })] = &todo[..] else { panic!("{todo:?}") };
    assert_eq!((token.as_str(), new.ends_ms), (DONE, 1 + TELL_MS));
    const { assert!(TELL_MS > 10 * GOODBYE_MS) };
    assert!(
        matches!(&new.late(&engine(), new.ends_ms)[..], [Do::Become]),
        "and is one of the account at last"
    );
}

/// The old device gave it up before the new one had come for what was handed over: both are in the log.
#[test]
fn hand_over_that_was_given_up_before_it_was_taken_is_not_taken() {
    for step in [Step::Fetching, Step::Received] {
        let mut new = record(Role::New, step.clone());
        let todo = new.said(&LinkMessage::End(EndReason::GivenUp).write(), 1);
        assert_eq!(new.end, Some(LinkEnd::Theirs(EndReason::GivenUp)), "{todo:?}");
        assert!(new.sent(DONE, 2).is_empty(), "{step:?}");
    }
}
