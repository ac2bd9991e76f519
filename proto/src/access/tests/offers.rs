//! What members offer.

use super::*;

#[test]
fn commit_of_one_key_alone_is_not_final() {
    let mut room = Room::of(3);
    room.commit(1, change(vec![], &[]), 1).unwrap();
    let second = room.commit(1, change(vec![], &[]), 2).unwrap();
    assert_eq!(room.confirmed(), 0, "its author cannot confirm it by another of its own");
    room.ack(1, second, 2).unwrap();
    assert_eq!(room.confirmed(), 0, "nor by saying so");
    room.ack(2, second, 2).unwrap();
    assert_eq!(room.confirmed(), second);
}

#[test]
fn whoever_builds_on_a_commit_confirms_it() {
    let mut room = Room::of(3);
    let first = room.commit(1, change(vec![], &[]), 1).unwrap();
    room.commit(2, change(vec![], &[]), 2).unwrap();
    assert_eq!(room.confirmed(), first);
}

#[test]
fn only_member_waits_for_nobody() {
    let mut room = Room::of(1);
    let first = room.commit(1, change(vec![], &[]), 1).unwrap();
    assert_eq!(room.confirmed(), first);
}

#[test]
fn rubbish_commit_with_a_false_authority_stops_one_honest_member_for_the_grace_only() {
    let mut room = Room::of(3);
    room.commit(3, change(vec![], &[]), 66).unwrap();
    assert!(matches!(room.drop(1, change(vec![], &[]), 1), Err(Refusal::Conflict { confirmed: 0, .. })));
    room.wait();
    let honest = room.drop(1, change(vec![], &[]), 1).unwrap();
    // As often as it takes.
    room.commit(3, change(vec![], &[]), 67).unwrap();
    assert_eq!(room.confirmed(), honest);
    room.wait();
    let honest = room.drop(1, change(vec![], &[]), 2).unwrap();
    room.ack(2, honest, 2).unwrap();
    assert_eq!(room.confirmed(), honest);
}

#[test]
fn whoever_replaces_its_own_offer_gains_no_time_by_that() {
    let mut room = Room::of(3);
    room.commit(3, change(vec![], &[]), 66).unwrap();
    for next in 67..70 {
        room.now_ms += super::super::OFFER_GRACE_MS / 4;
        room.drop(3, change(vec![], &[]), next).unwrap();
    }
    assert!(matches!(room.drop(1, change(vec![], &[]), 1), Err(Refusal::Conflict { .. })), "not over yet");
    room.now_ms += super::super::OFFER_GRACE_MS / 4;
    let honest = room.drop(1, change(vec![], &[]), 1).unwrap();
    room.ack(2, honest, 1).unwrap();
    assert_eq!(room.confirmed(), honest);
}

#[test]
fn who_is_removed_by_an_offer_does_not_drop_it_nor_read_on() {
    let mut room = Room::of(3);
    let removal = room.commit(1, change(vec![], &[3]), 1).unwrap();
    room.wait();
    assert_eq!(room.drop(3, change(vec![], &[]), 3), Err(Refusal::NotAllowed));
    assert_eq!(room.say(3), Err(Refusal::NotAllowed));
    assert_eq!(room.standing(3), Some(Standing::Barred { by: removal, step: room.step_name(removal) }));
}

#[test]
fn dropped_removal_does_not_bring_the_removed_one_back() {
    let mut room = Room::of(4);
    room.commit(1, change(vec![], &[4]), 1).unwrap();
    room.wait();
    let dropped = room.drop(3, change(vec![], &[]), 3).unwrap();
    assert!(room.is_barred(4), "suspended");
    assert_eq!(room.commit(3, change(vec![member(4)], &[]), 4), Err(Refusal::NotAllowed), "not by an adding");
    room.ack(2, dropped, 3).unwrap();
    assert!(room.is_barred(4), "nor by a confirmation");
    let again = room.commit(1, change(vec![], &[4]), 5).unwrap();
    room.ack(2, again, 5).unwrap();
    room.now_ms += 31 * DAY;
    room.commit(1, change(vec![], &[]), 6).unwrap();
    assert_eq!(room.standing(4), None, "forgotten");
}

#[test]
fn commit_that_no_authority_signed_is_a_conflict() {
    let mut room = Room::of(2);
    let part = room.part(1, 0, change(vec![], &[2]), 1, key(1));
    let conflict = Err(Refusal::Conflict { last_commit: 0, confirmed: 0 });
    assert_eq!(room.publish(1, Some(&part), None, None), conflict, "by the access key alone");
    let part = room.part(2, 0, change(vec![], &[]), 1, authority(0));
    assert_eq!(room.publish(1, Some(&part), None, None), conflict, "for another key");
    let part =
        Commit { change: change(vec![], &[2]), ..room.part(1, 0, change(vec![], &[]), 1, authority(5)) };
    assert_eq!(room.publish(1, Some(&part), None, None), conflict, "by another epoch's authority");
}

#[test]
fn false_acknowledgement_is_malformed() {
    let mut room = Room::of(2);
    let first = room.commit(1, change(vec![], &[]), 1).unwrap();
    assert_eq!(room.ack(2, first, 0).map(drop), Err(Refusal::Malformed), "by the epoch before");
    let false_one = room.signed_ack(2, first, 1, 1);
    let refused = room.publish(2, None, Some(&false_one), None).map(drop);
    assert_eq!(refused, Err(Refusal::Malformed), "by the epoch's authority alone, which its author has too");
    assert_eq!(room.confirmed(), 0);
    // One that is late is none of anybody's fault.
    let second = room.commit(2, change(vec![], &[]), 2).unwrap();
    room.ack(2, first, 1).unwrap();
    room.ack(1, second, 2).unwrap();
    assert_eq!(room.confirmed(), second);
}

#[test]
fn what_nobody_dropped_for_thirty_days_is_confirmed_by_time() {
    let mut room = Room::of(2);
    let removal = room.commit(1, change(vec![], &[2]), 1).unwrap();
    room.now_ms += 31 * DAY;
    room.commit(1, change(vec![], &[]), 2).unwrap();
    assert!(room.confirmed() >= removal);
}

#[test]
fn commit_that_is_only_late_drops_nothing() {
    for author in [Some(1), None] {
        let mut room = Room::of(3);
        let offered = match author {
            Some(by) => room.commit(by, change(vec![], &[]), 1).unwrap(),
            None => room.join(50, 0, 4, 1).unwrap(),
        };
        room.wait();
        let late =
            |instead_of| Commit { instead_of, ..room.part(2, 0, change(vec![], &[]), 2, authority(0)) };
        let (late, knowing) = (late(0), late(offered));
        let conflict = Err(Refusal::Conflict { last_commit: offered, confirmed: 0 });
        assert_eq!(room.publish(2, Some(&late), None, None), conflict);
        assert!(room.publish(2, Some(&knowing), None, None).is_ok());
    }
}
