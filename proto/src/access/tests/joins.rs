//! Who comes by a link, and who comes back.

use super::*;

#[test]
fn rubbish_join_is_dropped_at_once() {
    let mut room = Room::of(2);
    room.join(50, 0, 66, 66).unwrap();
    assert!(room.is_in(66));
    room.drop(1, change(vec![], &[]), 1).unwrap();
    assert_eq!(room.standing(66), None);
}

#[test]
fn rubbish_join_does_not_stop_the_next_joiner() {
    let mut room = Room::of(2);
    room.join(50, 0, 66, 66).unwrap();
    let second = room.join(50, 0, 3, 3).unwrap();
    assert_eq!((room.state.head.tip().position, room.standing(66)), (second, None));
}

#[test]
fn newcomer_removes_drops_and_confirms_nobody_before_it_is_confirmed() {
    let mut room = Room::of(3);
    let join = room.join(50, 0, 66, 66).unwrap();
    assert_eq!(room.commit(66, change(vec![], &[1, 2, 3]), 67), Err(Refusal::NotAllowed));
    room.ack(66, join, 66).unwrap();
    room.commit(66, change(vec![], &[]), 67).unwrap();
    assert_eq!(room.confirmed(), 0);
    let offer = room.drop(1, change(vec![], &[]), 1).unwrap();
    room.join(50, offer, 67, 68).unwrap();
    assert!(matches!(room.drop(67, change(vec![], &[]), 69), Err(Refusal::Conflict { .. })));
    assert_eq!(room.confirmed(), 0);
}

#[test]
fn member_with_a_link_does_not_confirm_its_own_rubbish_join() {
    let mut room = Room::of(3);
    let join = room.join(50, 0, 66, 66).unwrap();
    room.ack(3, join, 66).unwrap();
    room.commit(3, change(vec![], &[1]), 67).unwrap();
    assert_eq!(room.confirmed(), 0);
    room.wait();
    room.drop(2, change(vec![], &[]), 1).unwrap();
    assert_eq!(room.standing(66), None);
}

#[test]
fn member_does_not_confirm_its_own_rubbish_return() {
    let mut room = Room::of(3);
    let back = room.come_back(3, 0, 66).unwrap();
    room.ack(3, back, 66).unwrap();
    assert_eq!(room.confirmed(), 0);
    room.commit(3, change(vec![], &[1]), 67).unwrap();
    assert_eq!(room.confirmed(), 0);
}

#[test]
fn join_takes_two_who_were_there() {
    let mut room = Room::of(3);
    let join = room.join(50, 0, 4, 4).unwrap();
    room.ack(1, join, 4).unwrap();
    assert_eq!(room.confirmed(), 0);
    room.ack(2, join, 4).unwrap();
    assert_eq!(room.confirmed(), join);
    assert_eq!(room.standing(4), Some(Standing::Member { confirmed: true }));
}

#[test]
fn rubbish_join_on_a_members_commit_does_not_hide_it_from_who_confirms() {
    let mut room = Room::of(3);
    let offer = room.commit(1, change(vec![], &[]), 1).unwrap();
    room.join(50, offer, 66, 66).unwrap();
    room.ack(2, offer, 1).unwrap();
    assert_eq!(room.confirmed(), offer);
    room.drop(2, change(vec![], &[]), 2).unwrap();
    assert_eq!(room.standing(66), None);
}

#[test]
fn invite_publishes_nothing_but_one_new_member_signed_by_itself() {
    let mut room = Room::of(2);
    assert_eq!(room.say(50), Err(Refusal::NotAllowed), "no commit");
    for (what, wrong) in [
        ("nobody", change(vec![], &[])),
        ("two", change(vec![member(8), member(9)], &[])),
        ("an invite", change(vec![invite(8, 0)], &[])),
        ("a removal", change(vec![member(8)], &[1])),
        ("who is there", change(vec![member(2)], &[])),
    ] {
        let part = room.part(50, 0, wrong, 1, key(50));
        assert_eq!(room.publish(50, Some(&part), None, None), Err(Refusal::NotAllowed), "{what}");
    }
    let part = room.part(50, 0, change(vec![member(8)], &[]), 1, authority(0));
    assert_eq!(room.publish(50, Some(&part), None, None), Err(Refusal::Malformed));
}

#[test]
fn uses_of_an_invite_count_even_if_its_joins_are_dropped() {
    let keys = [member(1), member(2), invite(50, 2)];
    let mut room = Room { state: Memory::open(authority(0), &keys), now_ms: DAY, seq: 0 };
    for newcomer in [8, 9] {
        room.join(50, 0, newcomer, newcomer).unwrap();
    }
    assert_eq!(room.join(50, 0, 10, 10), Err(Refusal::NotAllowed));
    room.drop(1, change(vec![], &[]), 1).unwrap();
    assert_eq!(room.standing(50), None);
}

#[test]
fn join_that_races_a_removal_lands_on_it_or_not_at_all() {
    let mut room = Room::of(3);
    let removal = room.commit(1, change(vec![], &[3, 50]), 1).unwrap();
    assert_eq!(room.join(50, 0, 66, 66), Err(Refusal::NotAllowed), "the link went with it");
    let mut room = Room::of(3);
    room.commit(1, change(vec![], &[3]), 1).unwrap();
    assert!(matches!(room.join(50, 0, 66, 66), Err(Refusal::Conflict { .. })), "not in its place");
    room.join(50, removal, 66, 66).unwrap();
    assert!(room.is_barred(3));
}

#[test]
fn invite_of_a_dropped_join_goes_with_it() {
    let mut room = Room::of(2);
    room.join(50, 0, 66, 66).unwrap();
    room.commit(66, change(vec![invite(51, 0)], &[]), 67).unwrap();
    assert_eq!(room.join(51, 0, 68, 68), Err(Refusal::NotAllowed));
    assert!(room.is_in(66), "nothing was changed");
}

#[test]
fn newcomer_does_not_change_what_others_may_do() {
    let mut room = Room::of(2);
    room.join(50, 0, 66, 66).unwrap();
    assert_eq!(room.commit(66, change(vec![invite(50, 1)], &[]), 67), Err(Refusal::NotAllowed));
}
