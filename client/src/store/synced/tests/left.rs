//! A room that was left at another device. How far it was read stays: whoever goes in anew reads on from there, at each device.

use super::*;

const ROOM: RoomId = RoomId([1; 32]);

fn read(store: &Store) -> u64 {
    store.acked(ROOM, &Cursor::read()).unwrap()
}

#[test]
fn what_was_read_before_a_room_was_left_is_told_all_the_same() {
    let dir = TempDir::new().unwrap();
    let (mut one, mut two) = (device(&dir, "a"), device(&dir, "b"));
    done(&mut one, &Mark::Read(ROOM, 5));
    done(&mut one, &Mark::Muted(ROOM, true));
    one.add_unsynced(&Mark::Left(ROOM)).unwrap();
    for said in written(&one.unsynced().unwrap()) {
        two.take_synced(DEVICES, &said, (OTHER, false), 1).unwrap();
    }
    assert_eq!((read(&one), read(&two)), (5, 5));
    assert!(two.muted().unwrap().is_empty(), "it goes with it");
}

/// This device was away, and has not read so far in the room's log yet.
#[test]
fn what_was_read_elsewhere_counts_once_it_is_here_although_the_room_was_left_since() {
    for mine in [false, true] {
        let dir = TempDir::new().unwrap();
        let mut store = device(&dir, "a");
        let room = RoomId([3; 32]);
        let handed = [Mark::Read(room, 4), Mark::Muted(room, true)];
        store.take_handed_marks(&handed).unwrap();
        for (mark, mine) in [
            (Mark::Read(ROOM, 9), false),
            (Mark::Read(room, 6), false),
            (Mark::Left(ROOM), mine),
            (Mark::Left(room), mine),
        ] {
            store.take_synced(DEVICES, &one_message(&[mark]), (OTHER, mine), 1).unwrap();
        }
        store.commit(ROOM, None, &lines(8..=10)).unwrap();
        assert_eq!(store.read_on(ROOM).unwrap(), Some(Mark::Read(ROOM, 9)), "mine: {mine}");
        // The person is in the other one again.
        let (label, place) = ("room 3".to_owned(), Where::Own);
        let record = RoomRecord { id: room, label, place, acked: 0, closed: None, kind: RoomKind::Chat };
        store.commit(room, Some(&record), &lines(1..=5)).unwrap();
        let taken = store.take_later(room, 1).unwrap();
        assert_eq!(taken.last(), Some(&Mark::Read(room, 5)), "mine: {mine}");
        assert!(!taken.contains(&Mark::Muted(room, true)));
    }
}

#[test]
fn room_that_is_over_here_may_have_been_left_elsewhere_all_the_same() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    store.person_enters(ROOM).unwrap();
    let before = store.entered_rooms().unwrap().remove(0);
    let left = one_message(&[Mark::Left(ROOM)]);
    assert_eq!(store.take_synced(DEVICES, &left, (OTHER, false), 1).unwrap(), [Mark::Left(ROOM)]);
    store.entered_room_is_over(&before).unwrap();
    assert_eq!(store.entered_rooms().unwrap(), []);
    assert!(store.take_left(ROOM).unwrap());
}
