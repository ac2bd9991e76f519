//! Majorities.

use super::{super::MAX_STEPS, *};

/// Keys 4 and 5 take a room of five over.
fn taken_over() -> (Room, u64) {
    let mut room = Room::of(5);
    let taking = room.commit(4, change(vec![], &[1, 2, 3]), 66).unwrap();
    room.ack(5, taking, 66).unwrap();
    assert_eq!(room.confirmed(), taking);
    (room, taking)
}

#[test]
fn majority_gets_its_room_back_from_who_took_it_over() {
    let (mut room, taking) = taken_over();
    room.commit(5, change(vec![], &[]), 67).unwrap();
    assert_eq!(room.vote(1, taking), Ok(0));
    assert_eq!(room.vote(1, taking), Ok(0), "each key has one vote");
    assert_eq!(room.vote(2, taking), Ok(0));
    assert_eq!(room.vote(3, taking), Ok(taking));
    assert_eq!(room.confirmed(), 0);
    assert!([1, 2, 3, 5].iter().all(|n| room.is_in(*n)));
    assert!(room.is_barred(4), "the author");
    assert_eq!(room.vote(4, taking), Err(Refusal::NotAllowed));
    room.commit(1, change(vec![], &[]), 1).unwrap();
}

#[test]
fn half_of_a_room_undoes_nothing() {
    let mut room = Room::of(4);
    let removal = room.commit(1, change(vec![], &[3, 4]), 1).unwrap();
    room.ack(2, removal, 1).unwrap();
    assert_eq!((room.vote(3, removal), room.vote(4, removal)), (Ok(0), Ok(0)));
    assert!(room.is_barred(3));
}

#[test]
fn later_removal_does_not_come_undone_with_an_earlier_one() {
    let (mut room, taking) = taken_over();
    let later = room.commit(4, change(vec![member(6)], &[]), 67).unwrap();
    room.ack(5, later, 67).unwrap();
    let removal = room.commit(4, change(vec![], &[5]), 68).unwrap();
    room.ack(6, removal, 68).unwrap();
    for n in [1, 2, 3] {
        room.vote(n, taking).unwrap();
    }
    assert!(room.is_barred(5), "suspended until a majority says so of that as well");
    assert_eq!(room.standing(6), None);
    assert_eq!(room.state.head.members, 5);
}

#[test]
fn majority_drops_what_is_offered_and_nobody_stays_suspended() {
    let mut room = Room::of(5);
    let taking = room.commit(4, change(vec![], &[1, 2, 3]), 66).unwrap();
    for (n, undone) in [(1, 0), (2, 0), (3, taking)] {
        assert_eq!(room.vote(n, taking), Ok(undone));
    }
    assert_eq!(room.confirmed(), 0);
    assert!([1, 2, 3].iter().all(|n| room.is_in(*n)));
}

#[test]
fn majority_brings_back_who_was_suspended_by_what_was_dropped() {
    let mut room = Room::of(4);
    let rubbish = room.commit(4, change(vec![], &[1, 2]), 66).unwrap();
    room.wait();
    room.drop(3, change(vec![], &[]), 1).unwrap();
    assert!(room.is_barred(1));
    for n in [1, 2, 3] {
        room.vote(n, rubbish).unwrap();
    }
    assert!(room.is_in(1) && room.is_in(2) && room.is_barred(4));
}

#[test]
fn commits_that_remove_voters_one_after_the_other_leave_them_their_votes() {
    // First 1 and 2 are suspended, then 3 is removed by who is left: all of them still count.
    let mut room = Room::of(5);
    room.commit(4, change(vec![], &[1, 2]), 66).unwrap();
    room.drop(4, change(vec![], &[]), 67).unwrap();
    let taking = room.commit(4, change(vec![], &[3]), 68).unwrap();
    room.ack(5, taking, 68).unwrap();
    for n in [1, 2, 3] {
        room.vote(n, taking).unwrap();
    }
    assert_eq!(room.confirmed(), 0);
    assert!(room.is_in(3));
}

#[test]
fn keys_that_insiders_brought_in_do_not_outvote_those_who_were_there() {
    // The insiders confirm a rubbish join for each other, and then remove three of six.
    let mut room = Room::of(5);
    let join = room.join(50, 0, 66, 66).unwrap();
    let on = room.commit(5, change(vec![], &[]), 67).unwrap();
    let removal = room.commit(4, change(vec![], &[1, 2, 3]), 68).unwrap();
    assert_eq!(room.confirmed(), on);
    for n in [1, 2, 3] {
        room.vote(n, join).unwrap();
    }
    assert!(room.is_barred(1), "by the removal still");
    for n in [1, 2, 3] {
        room.vote(n, removal).unwrap();
    }
    assert!([1, 2, 3].iter().all(|n| room.is_in(*n)) && room.standing(66).is_none());
}

#[test]
fn votes_of_strangers_newcomers_and_latecomers_do_not_count() {
    let (mut room, taking) = taken_over();
    let added = room.commit(4, change(vec![member(6), member(7)], &[]), 67).unwrap();
    room.ack(5, added, 67).unwrap();
    assert_eq!(room.vote(6, taking), Err(Refusal::NotAllowed), "came later");
    assert_eq!(room.vote(99, taking), Err(Refusal::NotAllowed), "never came");
    assert_eq!(room.vote(1, added), Err(Refusal::NotAllowed), "had gone before");
    assert_eq!(room.vote(1, 0), Err(Refusal::NotAllowed), "no commit");
    room.now_ms += 30 * DAY;
    assert_eq!(room.vote(1, taking), Err(Refusal::NotAllowed), "too late");
}

#[test]
fn ballot_of_another_generation_or_key_is_malformed() {
    let (mut room, taking) = taken_over();
    let step = room.step_name(taking);
    for statement in
        [ballot_statement(&ROOM, &[8; 16], taking, &step), ballot_statement(&ROOM, &GENERATION, 99, &step)]
    {
        let ballot = Ballot { seq: taking, step, signature: sign(key(1), &statement) };
        assert_eq!(room.publish(1, None, None, Some(&ballot)), Err(Refusal::Malformed));
    }
    let statement = ballot_statement(&ROOM, &GENERATION, taking, &step);
    let ballot = Ballot { seq: taking, step, signature: sign(key(2), &statement) };
    assert_eq!(room.publish(1, None, None, Some(&ballot)), Err(Refusal::Malformed));
}

#[test]
fn vote_against_another_commit_than_stands_there_does_not_count() {
    // What voters are shown in its place: the same key's commit at the same position.
    let mut shown = Room::of(5);
    shown.commit(4, change(vec![], &[1, 2, 3]), 66).unwrap();
    let mut room = Room::of(5);
    let removal = room.commit(4, change(vec![], &[1]), 66).unwrap();
    let other = shown.step_name(removal);
    for n in [1, 2, 3] {
        assert_eq!(room.vote_for(n, removal, other), Err(Refusal::Malformed));
    }
    assert!(room.is_barred(1));
    // Nor does a vote for the right one whose signature is of the other.
    let signature = sign(key(1), &ballot_statement(&ROOM, &GENERATION, removal, &other));
    let ballot = Ballot { seq: removal, step: room.step_name(removal), signature };
    assert_eq!(room.publish(1, None, None, Some(&ballot)), Err(Refusal::Malformed));
}

#[test]
fn vote_for_any_commit_of_a_step_names_its_first() {
    let mut room = Room::of(4);
    let first = room.commit(4, change(vec![], &[1]), 66).unwrap();
    let second = room.commit(4, change(vec![], &[2]), 67).unwrap();
    let name = room.step_name(first);
    assert_eq!(room.standing(2), Some(Standing::Barred { by: second, step: name }));
    assert_eq!((room.vote_for(1, first, name), room.vote_for(2, second, name)), (Ok(0), Ok(0)));
    assert_eq!(room.vote_for(3, second, name), Ok(first));
}

/// 1 opens the room alone, lets 2 and 3 in, and is removed by them: where it was alone, where 2 came, and where it was removed.
fn founder_is_removed() -> (Room, [u64; 3]) {
    let mut room = Room::of(1);
    let alone = room.commit(1, change(vec![], &[]), 1).unwrap();
    let came = room.join(50, alone, 2, 2).unwrap();
    room.ack(1, came, 2).unwrap();
    let third = room.join(50, came, 3, 3).unwrap();
    let on = room.commit(1, change(vec![], &[]), 4).unwrap();
    room.ack(2, on, 4).unwrap();
    let removal = room.commit(2, change(vec![], &[1]), 5).unwrap();
    room.ack(3, removal, 5).unwrap();
    assert_eq!((room.confirmed(), third + 1), (removal, on));
    assert!(room.is_in(2) && room.is_in(3) && room.is_barred(1));
    (room, [alone, came, removal])
}

#[test]
fn who_was_alone_once_undoes_nothing_alone() {
    let (mut room, [alone, came, removal]) = founder_is_removed();
    for step in [alone, came] {
        assert_eq!(room.vote(1, step), Err(Refusal::NotAllowed));
    }
    assert_eq!(room.vote(1, removal), Ok(0));
    assert!(room.is_in(2) && room.is_in(3) && room.is_barred(1));
}

#[test]
fn key_that_was_replaced_alone_does_not_come_back_alone() {
    let mut room = Room::of(1);
    let replaced = room.commit(1, change(vec![member(9)], &[1]), 1).unwrap();
    assert!(room.is_in(9) && room.is_barred(1));
    assert_eq!(room.vote(1, replaced), Err(Refusal::NotAllowed));
    let mut room = Room::of(2);
    let replaced = room.commit(1, change(vec![member(9)], &[1]), 1).unwrap();
    room.ack(2, replaced, 1).unwrap();
    assert_eq!(room.vote(1, replaced), Ok(0), "one of two");
    assert!(room.is_in(9) && room.is_barred(1));
}

#[test]
fn removed_key_is_never_all_who_vote_on_its_own_removal() {
    let mut room = Room::of(2);
    let early = room.commit(1, change(vec![], &[]), 1).unwrap();
    room.ack(2, early, 1).unwrap();
    let came = room.join(50, early, 3, 3).unwrap();
    let on = room.commit(2, change(vec![], &[]), 4).unwrap();
    room.ack(1, on, 4).unwrap();
    let removal = room.commit(2, change(vec![], &[1]), 5).unwrap();
    room.ack(3, removal, 5).unwrap();
    assert_eq!((room.vote(1, early), room.vote(1, came), room.vote(1, removal)), (Ok(0), Ok(0), Ok(0)));
    // Both who were there first go back. The removal is dropped with that, and needs both of them again.
    assert_eq!(room.vote(2, early), Ok(early));
    assert!(room.is_barred(1), "by its removal, until a majority says so of that as well");
    assert_eq!(room.vote(1, removal), Ok(0));
    assert!(room.is_barred(1));
}

#[test]
fn steps_of_one_that_was_alone_take_no_votes_from_what_came_later() {
    let mut room = Room::of(1);
    room.commit(1, change((2..6).map(member).collect(), &[]), 1).unwrap();
    let taking = room.commit(4, change(vec![], &[1, 2, 3]), 66).unwrap();
    room.ack(5, taking, 66).unwrap();
    for n in 0..MAX_STEPS + 50 {
        let by = if n % 2 == 0 { 4 } else { 5 };
        room.commit(by, change(vec![], &[]), 67).unwrap();
    }
    assert_eq!((room.vote(1, taking), room.vote(2, taking)), (Ok(0), Ok(0)));
    assert_ne!(room.vote(3, taking), Ok(0));
    assert!([1, 2, 3].iter().all(|n| room.is_in(*n)));
}
