use proto::RoomId;
use shared::linking::Phrase;

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
    let [Do::Tell(Command::Unsay), Do::Tell(Command::Say { token, said: Said::Device(body) })] = todo else {
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
    assert!(matches!(&todo[..], [Do::Tell(Command::Leave)]), "{todo:?}");
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
            Do::Tell(Command::Say { said: Said::Device(body), .. }) => LinkMessage::read(body).ok(),
            _ => None,
        })
        .collect();
    assert!(matches!(&said[..], [LinkMessage::Reveal(_)]), "{todo:?}");
    assert!(todo.iter().all(|todo| !matches!(todo, Do::Gather | Do::Become | Do::Fetch)));
    assert_eq!((old.step.clone(), old.unsent), (Step::Agreed, 0));
    let Some(agreed) = &old.agreed else { panic!() };
    assert_eq!(agreed.device, "laptop");
    let _: Phrase = agreed.phrase;
    assert!(matches!(&old.confirm(HandedPast::Nothing, 2)[..], [Do::Gather]));
}
