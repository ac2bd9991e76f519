//! Rows as bytes, and bounds.

use super::{
    super::{Corrupted, Head, KeyRow, MAX_STEPS, Rows, Step},
    *,
};

#[test]
fn rows_survive_their_bytes() {
    let mut room = Room::of(3);
    let offer = room.commit(1, change(vec![], &[3]), 1).unwrap();
    room.join(50, offer, 8, 8).unwrap();
    let head = &room.state.head;
    assert_eq!(Head::from_bytes(&head.to_bytes()).as_ref(), Ok(head));
    for (_, row) in room.state.keys().unwrap() {
        assert_eq!(KeyRow::from_bytes(&row.to_bytes()), Ok(row));
    }
    room.ack(2, offer, 1).unwrap();
    let step = room.state.step(offer).unwrap().unwrap();
    assert_eq!(Step::from_bytes(&step.to_bytes()), Ok(step));
}

#[test]
fn cut_and_longer_rows_do_not_parse() {
    let mut room = Room::of(2);
    room.commit(1, change(vec![], &[]), 1).unwrap();
    let head = room.state.head.to_bytes();
    let row = room.state.row(&key(1)).unwrap().to_bytes();
    let step = room.state.head.offer.as_ref().unwrap().to_bytes();
    for cut in 0..head.len() {
        assert_eq!(Head::from_bytes(&head[..cut]), Err(Corrupted), "{cut}");
    }
    for cut in 0..row.len() {
        assert_eq!(KeyRow::from_bytes(&row[..cut]), Err(Corrupted), "{cut}");
    }
    for cut in 0..step.len() {
        assert_eq!(Step::from_bytes(&step[..cut]), Err(Corrupted), "{cut}");
    }
    assert_eq!(Head::from_bytes(&[head, vec![0]].concat()), Err(Corrupted));
    assert_eq!(KeyRow::from_bytes(&[row, vec![0]].concat()), Err(Corrupted));
    assert_eq!(Step::from_bytes(&[step, vec![0]].concat()), Err(Corrupted));
}

#[test]
fn steps_that_nobody_can_undo_any_more_are_forgotten() {
    let mut room = Room::of(2);
    for n in 0..20 {
        room.commit(1 + n % 2, change(vec![], &[]), n).unwrap();
    }
    room.now_ms += 31 * DAY;
    room.commit(1, change(vec![], &[]), 1).unwrap();
    assert!(room.state.steps(0, 99).unwrap().len() <= 1);
    assert_eq!(room.state.head.steps, room.state.steps(0, 99).unwrap().len() as u64);
}

#[test]
fn flood_of_commits_does_not_push_a_majoritys_right_out() {
    let mut room = Room::of(5);
    let taking = room.commit(4, change(vec![], &[1, 2, 3]), 66).unwrap();
    room.ack(5, taking, 66).unwrap();
    room.vote(1, taking).unwrap();
    for n in 0..MAX_STEPS + 50 {
        let by = if n % 2 == 0 { 4 } else { 5 };
        room.commit(by, change(vec![], &[]), (n % 30) as u8).unwrap();
    }
    assert!(room.state.head.steps <= MAX_STEPS + 2);
    room.vote(2, taking).unwrap();
    room.vote(3, taking).unwrap();
    assert_eq!(room.confirmed(), 0);
    assert!(room.is_in(1));
}

#[test]
fn more_keys_than_a_room_may_have_are_refused_and_nothing_is_changed() {
    let mut room = Room::of(2);
    let before = room.state.clone();
    let many = (60..100).map(member).collect();
    assert_eq!(room.commit(1, change(many, &[]), 1), Err(Refusal::TooLarge));
    assert_eq!(room.state, before);
}

/// Two steps, a vote, somebody removed, a join on top, an invite with a card.
fn lived_in() -> Room {
    let mut room = Room::of(5);
    let removal = room.commit(1, change(vec![], &[3]), 1).unwrap();
    room.ack(2, removal, 1).unwrap();
    room.vote(3, removal).unwrap();
    let offer = room.commit(2, change(vec![], &[]), 2).unwrap();
    room.join(50, offer, 8, 8).unwrap();
    room
}

#[test]
fn snapshot_decides_as_the_room_itself() {
    let mut room = lived_in();
    let bytes = room.state.to_snapshot(77).unwrap();
    let (position, copy) = Memory::from_snapshot(&bytes).unwrap();
    assert_eq!((position, &copy.head), (77, &room.state.head));
    assert!(copy.all_keys().all(|(_, row)| match &row.grant {
        Grant::Invite { card, .. } => card.is_empty(),
        Grant::Member => true,
    }));
    let mut other = Room { state: copy, now_ms: room.now_ms, seq: room.seq };
    for room in [&mut room, &mut other] {
        let removal = room.state.all_steps().next().unwrap().first;
        assert_eq!((room.vote(4, removal), room.vote(5, removal)), (Ok(0), Ok(removal)));
        assert!(room.is_in(3) && room.is_barred(1) && room.standing(8).is_none());
    }
    assert_eq!(room.state.head, other.state.head);
}

#[test]
fn cut_longer_and_false_snapshots_do_not_parse() {
    let bytes = lived_in().state.to_snapshot(77).unwrap();
    assert!(Memory::from_snapshot(&bytes).is_ok());
    for cut in 0..bytes.len() {
        assert_eq!(Memory::from_snapshot(&bytes[..cut]), Err(Corrupted), "{cut}");
    }
    assert_eq!(Memory::from_snapshot(&[&bytes[..], &[0]].concat()), Err(Corrupted));
    // A number of keys that is not there takes no memory.
    let head = usize::from(u16::from_be_bytes([bytes[8], bytes[9]])) + 10;
    let many = [&bytes[..head], &[0xff; 4], &bytes[head + 4..]].concat();
    assert_eq!(Memory::from_snapshot(&many), Err(Corrupted));
}

#[test]
fn snapshots_with_numbers_that_no_room_has_do_not_parse() {
    let honest = lived_in().state;
    let changes: [fn(&mut Memory); 5] = [
        |state| state.head.steps = u64::MAX,
        |state| state.head.keys = u64::MAX,
        |state| state.head.members = u64::MAX,
        |state| state.head.confirmed.position = 78,
        |state| state.head.joins.as_mut().unwrap().added = u64::MAX,
    ];
    for change in changes {
        let mut state = honest.clone();
        change(&mut state);
        assert_eq!(Memory::from_snapshot(&state.to_snapshot(77).unwrap()), Err(Corrupted));
    }
    assert_eq!(Memory::from_snapshot(&vec![0; super::super::MAX_SNAPSHOT + 1]), Err(Corrupted));
}
