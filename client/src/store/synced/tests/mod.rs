use std::collections::VecDeque;

use rand_core::UnwrapErr;
use shared::{
    crypto::random::Random,
    invite::{
        InviteSecret,
        link::{InviteLink, Link},
    },
    room::{Alarm, CloseReason, Message},
};
use tempfile::TempDir;

mod gone;
mod left;

use super::*;
use crate::store::{
    Batch, Cursor, EnteredRoom, FileKey, KeySource as _, LineOrAct, Notice, Over, Replacement, RoomRecord,
    Where,
};

pub(super) const DEVICES: RoomId = RoomId([9; 32]);

/// Another device of the account, and one more.
pub(super) const OTHER: DeviceId = DeviceId([5; 16]);
const THIRD: DeviceId = DeviceId([6; 16]);

pub(super) fn id(number: usize) -> DeviceId {
    DeviceId([number as u8; 16])
}

/// Lines of a room.
fn lines(seqs: std::ops::RangeInclusive<u64>) -> Batch {
    let line = |seq: u64| {
        let (id, text, from) = ([seq as u8; 16], "x".to_owned(), person(3));
        let message =
            Message { seq, id, at: 1, from, text, mine: false, reply_to: None, disappears: None, file: None };
        LineOrAct::Line(message.into())
    };
    Batch { entries: seqs.map(line).collect(), ..Batch::default() }
}

fn random() -> Random {
    Random::new(UnwrapErr(getrandom::SysRng))
}

/// A device of the account, in two rooms and in the one of the devices.
pub(super) fn device(dir: &TempDir, name: &str) -> Store {
    let path = dir.path().join(name);
    std::fs::create_dir_all(&path).unwrap();
    let key = FileKey.key(&path, &random()).unwrap();
    let mut store = Store::open(&path, &key, random()).unwrap();
    for (id, kind) in
        [([1; 32], RoomKind::Chat), ([2; 32], RoomKind::Chat), (DEVICES.0, RoomKind::OwnDevices)]
    {
        let label = format!("room {}", id[0]);
        let record = RoomRecord { id: RoomId(id), label, place: Where::Own, acked: 0, closed: None, kind };
        let there = if kind == RoomKind::Chat { lines(1..=7) } else { Batch::default() };
        store.commit(RoomId(id), Some(&record), &there).unwrap();
    }
    store
}

pub(super) fn person(n: u8) -> Person {
    Person { name: format!("p{n}"), fingerprint: Fingerprint([n; 32]) }
}

/// A way into a room for a device.
fn offer(room: u8, device: u8) -> Offer {
    let (secret, pin) = (InviteSecret::from_bytes([room; 20]), Some([2; 20]));
    let link = InviteLink { host: "relay.example".to_owned(), port: 4433, link: Link { secret, pin } };
    Offer { room: RoomId([room; 32]), device: DeviceId([device; 16]), link }
}

pub(super) fn draft(room: u8, text: &str) -> Mark {
    Mark::Draft(RoomId([room; 32]), Typed::new(text).unwrap())
}

pub(super) fn setting(value: Option<&str>) -> Mark {
    Mark::Setting { name: "privacy.seen".to_owned(), value: value.map(str::to_owned) }
}

pub(super) fn one_message(marks: &[Mark]) -> Private {
    written(marks).remove(0)
}

/// A message of one, altered.
fn entered(alter: impl Fn(&mut Entered)) -> SyncMark {
    let mut mark = Mark::Entered(offer(1, 2)).write();
    if let Some(Of::Entered(entered)) = &mut mark.of {
        alter(entered);
    }
    mark
}

/// What a person sees of it.
pub(super) fn state(store: &Store) -> String {
    let read = |n: u8| store.acked(RoomId([n; 32]), &Cursor::read()).unwrap();
    let verified: Vec<_> = (1..4)
        .map(|n| store.people().get(&Fingerprint([n; 32])).and_then(|known| known.verified_at))
        .collect();
    let typed = |n: u8| store.draft(RoomId([n; 32])).unwrap();
    format!(
        "{:?} {:?} {:?} {:?} {verified:?} {:?} {:?} {:?}",
        read(1),
        read(2),
        store.muted().unwrap(),
        store.pinned().unwrap(),
        typed(1),
        typed(2),
        store.followed().agreed(),
    )
}

/// Does it at a device, as a person would.
pub(super) fn done(store: &mut Store, mark: &Mark) {
    store.add_unsynced(mark).unwrap();
    store.apply(mark.clone(), Some(By { device: OTHER, mine: true }), 1).unwrap();
}

#[test]
fn marks_come_back_from_their_bytes_and_what_is_none_is_passed_over() {
    let marks = [
        Mark::Read(RoomId([1; 32]), 7),
        Mark::Muted(RoomId([1; 32]), true),
        Mark::Pinned(RoomId([1; 32]), false),
        Mark::Verified(person(1), Some(5)),
        Mark::Verified(person(1), None),
        Mark::Left(RoomId([1; 32])),
        Mark::Entered(offer(1, 2)),
        draft(1, "half a sent"),
        draft(1, ""),
        setting(Some("true")),
        setting(None),
    ];
    assert_eq!(read(one_message(&marks).as_bytes()), marks);
    let of = |of, value, name: &str| SyncMark { of: Some(of), value, name: name.to_owned() };
    let wrong = vec![
        SyncMark::default(),
        of(Of::Read(vec![1; 31].into()), 1, ""),
        of(Of::Muted(vec![1; 32].into()), 2, ""),
        of(Of::Verified(vec![1; 33].into()), 1, "x"),
        of(Of::Verified(vec![1; 32].into()), 1, "a\u{1b}[2J"),
        of(Of::Left(vec![1; 31].into()), 0, ""),
        of(Of::Draft(vec![1; 31].into()), 0, "x"),
        of(Of::Draft(vec![1; 32].into()), 0, &"x".repeat(MAX_TOLD_DRAFT + 1)),
        of(Of::Setting("x".repeat(MAX_SETTING_NAME + 1)), 1, "true"),
        of(Of::Setting("privacy.seen".to_owned()), 1, &"x".repeat(MAX_SETTING + 1)),
        of(Of::Setting("privacy.seen".to_owned()), 2, "true"),
        entered(|entered| entered.room = vec![1; 31].into()),
        entered(|entered| entered.device = vec![1; 32].into()),
        entered(|entered| entered.link = "schat://evil".to_owned()),
        entered(|entered| entered.link = format!("{}{}", entered.link, "x".repeat(4_000))),
    ];
    assert_eq!(read(&Synced { marks: wrong, catch_up: None }.encode_to_vec()), []);
    assert_eq!(read(&[0xff; 9]), []);
    let many = vec![Mark::Muted(RoomId([1; 32]), true).write(); 10_000];
    assert_eq!(read(&Synced { marks: many, catch_up: None }.encode_to_vec()).len(), MAX_MARKS);
}

/// A message holds 32 KiB, whatever is in it.
#[test]
fn long_drafts_are_told_in_messages_that_fit() {
    let long = "x".repeat(MAX_TOLD_DRAFT);
    let marks: Vec<Mark> = (0..200).map(|room| draft(room, if room % 3 == 0 { &long } else { "" })).collect();
    let messages = written(&marks);
    assert!(
        messages.iter().all(|message| message.as_bytes().len() <= 32 << 10 && !message.as_bytes().is_empty())
    );
    let back: Vec<Mark> = messages.iter().flat_map(|message| read(message.as_bytes())).collect();
    assert_eq!(back, marks);
    assert!(written(&[]).is_empty());
}

#[test]
fn marks_in_another_room_than_that_of_the_devices_are_nothing() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    let before = state(&store);
    let body = one_message(&[Mark::Muted(RoomId([1; 32]), true), Mark::Read(RoomId([1; 32]), 7)]);
    for room in [RoomId([1; 32]), RoomId([7; 32])] {
        assert_eq!(store.take_synced(room, &body, (OTHER, false), 1).unwrap(), []);
    }
    assert_eq!(state(&store), before);
    assert_eq!(store.take_synced(DEVICES, &body, (OTHER, false), 1).unwrap().len(), 2);
}

/// Two devices do things in any order, offline and online; in the end both show the same.
#[test]
fn devices_agree_in_whatever_order_they_were_offline() {
    for seed in 0..40u64 {
        let dir = TempDir::new().unwrap();
        let mut devices = [device(&dir, "a"), device(&dir, "b")];
        let mut choice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut below = |bound: u64| {
            choice ^= choice << 13;
            choice ^= choice >> 7;
            choice ^= choice << 17;
            choice % bound
        };
        // The log, and what each has read of it.
        let mut log: Vec<(usize, Private)> = Vec::new();
        let mut read_to = [0, 0];
        let mut steps: VecDeque<u64> = (0..30).map(|_| below(4)).collect();
        // In the end both say what waits, and read.
        steps.extend([2, 3, 2, 3, 2, 3]);
        for (at, step) in steps.into_iter().enumerate() {
            let who = if at % 3 == 0 { below(2) as usize } else { at % 2 };
            let both = if at >= 30 { vec![0, 1] } else { vec![who] };
            for who in both {
                match step {
                    0 | 1 => {
                        let (room, n) = (RoomId([1 + below(2) as u8; 32]), below(5));
                        let mark = match below(6) {
                            4 => draft(1 + below(2) as u8, &"x".repeat(n as usize)),
                            5 => setting([None, Some("true"), Some("false")][n as usize % 3]),
                            0 => Mark::Read(room, 1 + n),
                            1 => Mark::Muted(room, n % 2 == 0),
                            2 => Mark::Pinned(room, n % 2 == 0),
                            _ => Mark::Verified(person(1 + (n % 3) as u8), (below(2) == 0).then_some(1 + n)),
                        };
                        done(&mut devices[who], &mark);
                    }
                    2 => {
                        let waiting = devices[who].unsynced().unwrap();
                        if !waiting.is_empty() {
                            log.extend(written(&waiting).into_iter().map(|message| (who, message)));
                        }
                    }
                    _ => {
                        for (by, body) in &log[read_to[who]..] {
                            devices[who].take_synced(DEVICES, body, (id(*by), *by == who), 1).unwrap();
                        }
                        read_to[who] = log.len();
                    }
                }
            }
        }
        assert_eq!(state(&devices[0]), state(&devices[1]), "seed {seed}");
        assert!(devices.iter().all(|device| device.unsynced().unwrap().is_empty()), "seed {seed}");
    }
}

#[test]
fn room_that_was_left_elsewhere_is_left_here_before_and_after_it_is_over() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    let left = |room: u8| one_message(&[Mark::Left(RoomId([room; 32]))]);
    // It is not over yet: it is to be, and once it is it was left.
    assert_eq!(
        store.take_synced(DEVICES, &left(1), (OTHER, false), 1).unwrap(),
        [Mark::Left(RoomId([1; 32]))]
    );
    assert_eq!(store.left_for_sure().unwrap(), [RoomId([1; 32])]);
    assert!(store.take_left(RoomId([1; 32])).unwrap());
    assert!(!store.take_left(RoomId([1; 32])).unwrap(), "once");
    // It is over already.
    store.close_room(RoomId([2; 32]), &Over::Closed(CloseReason::RemovedByOwn)).unwrap();
    assert_eq!(
        store.take_synced(DEVICES, &left(2), (OTHER, false), 1).unwrap(),
        [Mark::Left(RoomId([2; 32]))]
    );
    assert!(store.rooms().unwrap().iter().any(|room| room.id == RoomId([2; 32]) && room.is_left()));
    // What this device left itself, a room that it does not know, and the room of the devices are nothing.
    for (body, mine) in [(left(1), true), (left(7), false), (left(9), false)] {
        assert_eq!(store.take_synced(DEVICES, &body, (OTHER, mine), 1).unwrap(), []);
    }
    assert!(![1, 7, 9].iter().any(|room| store.take_left(RoomId([*room; 32])).unwrap()));
}

#[test]
fn rooms_that_are_offered_are_kept_until_they_are_taken_and_no_flood_is() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    let take = |store: &mut Store, offer: Offer| {
        store.take_synced(DEVICES, &one_message(&[Mark::Entered(offer)]), (OTHER, false), 1).unwrap()
    };
    assert_eq!(take(&mut store, offer(3, 1)), [Mark::Entered(offer(3, 1))]);
    assert_eq!(store.offers().unwrap(), [offer(3, 1)]);
    store.drop_offer(&offer(3, 1)).unwrap();
    assert_eq!(store.offers().unwrap(), []);
    for room in 0..200 {
        take(&mut store, offer(room, 1));
        take(&mut store, offer(room, 1));
    }
    assert_eq!((store.offers().unwrap().len(), store.offers().unwrap().last()), (64, Some(&offer(199, 1))));
}

#[test]
fn what_was_offered_before_a_room_was_left_leads_there_no_more_and_whoever_went_in_anew_is_in() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    let take = |store: &mut Store, mark: Mark| {
        store.take_synced(DEVICES, &one_message(&[mark]), (OTHER, false), 1).unwrap()
    };
    take(&mut store, Mark::Entered(offer(3, 1)));
    assert_eq!(take(&mut store, Mark::Left(RoomId([3; 32]))), []);
    assert_eq!(store.offers().unwrap(), []);
    // One was offered to this device, the other one a person entered here, and the others do not know it yet.
    store.offer_was_taken(RoomId([1; 32])).unwrap();
    store.person_enters(RoomId([2; 32])).unwrap();
    let left = [1, 2].map(|room| take(&mut store, Mark::Left(RoomId([room; 32]))));
    assert_eq!(left, [1, 2].map(|room| vec![Mark::Left(RoomId([room; 32]))]));
    assert_eq!(store.left_for_sure().unwrap(), [RoomId([1; 32])]);
}

#[test]
fn room_that_was_left_elsewhere_and_then_took_this_device_out_was_left() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    let room = RoomId([1; 32]);
    let left = one_message(&[Mark::Left(room)]);
    store.person_enters(room).unwrap();
    store.take_synced(DEVICES, &left, (OTHER, false), 1).unwrap();
    assert_eq!(store.left_for_sure().unwrap(), [], "the person may have come later");
    assert!(store.take_left(room).unwrap(), "and where it is taken out, they had not");
    // They come in anew, or stay.
    store.take_synced(DEVICES, &left, (OTHER, false), 1).unwrap();
    store.person_enters(room).unwrap();
    assert!(!store.take_left(room).unwrap());
    // All other devices are there with this one: what is heard of it is over.
    store.take_synced(DEVICES, &left, (OTHER, false), 1).unwrap();
    let entered = store.entered_rooms().unwrap().remove(0);
    store.entered_room_is(&entered, None).unwrap();
    assert_eq!((store.left_for_sure().unwrap(), store.entered_rooms().unwrap()), (vec![], vec![]));
    assert!(!store.take_left(room).unwrap());
}

#[test]
fn offer_that_was_taken_takes_nothing_from_what_a_person_did() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    let room = RoomId([1; 32]);
    let made = vec![(DeviceId([3; 16]), [4; 16])];
    store.person_enters(room).unwrap();
    let before = store.entered_rooms().unwrap().remove(0);
    let now = EnteredRoom { made, ..before.clone() };
    store.entered_room_is(&before, Some(now.clone())).unwrap();
    store.offer_was_taken(room).unwrap();
    assert_eq!(store.entered_rooms().unwrap(), std::slice::from_ref(&now));
    // The person went in once more while the others were being let in.
    store.person_enters(room).unwrap();
    store.entered_room_is(&now, None).unwrap();
    assert_eq!(store.entered_rooms().unwrap(), [before]);
    // Nothing is kept of the other one yet.
    let other = RoomId([2; 32]);
    store.offer_was_taken(other).unwrap();
    let offered = EnteredRoom { room: other, made: Vec::new(), by_person: false };
    assert_eq!(store.entered_rooms().unwrap().last(), Some(&offered));
}

#[test]
fn what_was_done_about_a_room_before_it_came_here_holds_once_it_is_here() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    let room = RoomId([3; 32]);
    let marks = [Mark::Muted(room, true), Mark::Read(room, 7), Mark::Pinned(room, true)];
    let earlier = [Mark::Read(room, 3), Mark::Pinned(room, false), Mark::Muted(RoomId([4; 32]), true)];
    for marks in [&marks[..], &earlier] {
        assert_eq!(store.take_synced(DEVICES, &one_message(marks), (OTHER, false), 1).unwrap(), []);
    }
    let enter = |store: &mut Store, room: RoomId| {
        let (label, place) = (format!("room {}", room.0[0]), Where::Own);
        let record = RoomRecord { id: room, label, place, acked: 0, closed: None, kind: RoomKind::Chat };
        store.commit(room, Some(&record), &Batch::default()).unwrap();
    };
    enter(&mut store, room);
    // What comes while it is being entered is newer.
    let newer = one_message(&[Mark::Muted(room, false)]);
    assert_eq!(store.take_synced(DEVICES, &newer, (OTHER, false), 1).unwrap(), []);
    assert_eq!(store.take_later(room, 1).unwrap(), [], "nothing of it is here");
    store.commit(room, None, &lines(1..=9)).unwrap();
    assert_eq!(store.read_on(room).unwrap(), Some(Mark::Read(room, 7)));
    assert_eq!(store.acked(room, &Cursor::read()).unwrap(), 7);
    assert!(store.muted().unwrap().is_empty() && store.pinned().unwrap().is_empty());
    assert_eq!(store.take_later(room, 1).unwrap(), [], "once");
    // Of a room that the person left nothing is kept.
    store.take_synced(DEVICES, &one_message(&[Mark::Left(RoomId([4; 32]))]), (OTHER, false), 1).unwrap();
    enter(&mut store, RoomId([4; 32]));
    assert_eq!(store.take_later(RoomId([4; 32]), 1).unwrap(), []);
}

#[test]
fn room_that_was_left_has_no_marks_where_a_person_went_in_anew_but_for_what_was_done_there_since() {
    for mine in [false, true] {
        let dir = TempDir::new().unwrap();
        let mut store = device(&dir, "a");
        let [first, second] = [RoomId([1; 32]), RoomId([2; 32])];
        for room in [first, second] {
            store.person_enters(room).unwrap();
        }
        let of_before = one_message(&[Mark::Muted(first, true), Mark::Pinned(second, true)]);
        store.take_synced(DEVICES, &of_before, (OTHER, false), 1).unwrap();
        done(&mut store, &Mark::Muted(second, true));
        let left = one_message(&[Mark::Left(first), Mark::Left(second)]);
        let mut taken = store.take_synced(DEVICES, &left, (OTHER, mine), 1).unwrap();
        // Whether it is left here is seen in the room itself.
        taken.retain(|mark| !matches!(mark, Mark::Left(_)));
        assert_eq!(taken, [Mark::Muted(first, false), Mark::Pinned(second, false)], "mine: {mine}");
        assert_eq!(store.muted().unwrap().len(), 1);
    }
    // Whoever leaves does not tell what was done there before.
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "b");
    let room = RoomId([1; 32]);
    done(&mut store, &Mark::Pinned(room, true));
    store.add_unsynced(&Mark::Left(room)).unwrap();
    assert_eq!(store.unsynced().unwrap(), [Mark::Left(room)]);
}

/// A thief's: the room would never show anything unread again, and programs might acknowledge what is not there.
#[test]
fn what_was_read_elsewhere_counts_as_far_as_it_is_here_and_as_long_as_the_device_is_ours() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    let room = RoomId([1; 32]);
    let read = |store: &Store| store.acked(room, &Cursor::read()).unwrap();
    let all = one_message(&[Mark::Read(room, u64::MAX)]);
    let taken = store.take_synced(DEVICES, &all, (OTHER, false), 1).unwrap();
    assert_eq!(taken, [Mark::Read(room, 7)]);
    assert_eq!((read(&store), store.newest(room).unwrap()), (7, 7));
    // Another device is a little further than this one.
    let further = one_message(&[Mark::Read(room, 9)]);
    assert_eq!(store.take_synced(DEVICES, &further, (THIRD, false), 1).unwrap(), []);
    store.forget_devices_without(DEVICES, &[THIRD]).unwrap();
    store.commit(room, None, &lines(8..=8)).unwrap();
    assert_eq!(store.read_on(room).unwrap(), Some(Mark::Read(room, 8)));
    store.commit(room, None, &lines(9..=11)).unwrap();
    assert_eq!(store.read_on(room).unwrap(), Some(Mark::Read(room, 9)));
    assert_eq!((read(&store), store.newest(room).unwrap()), (9, 11), "what comes is unread");
    assert_eq!(store.read_on(room).unwrap(), None);
}

/// A thief's: it would verify anybody at all devices, and nobody would know.
#[test]
fn mark_of_a_device_goes_with_it_and_is_told_and_one_of_this_device_stays() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    let say = |store: &mut Store, mark: Mark, by: DeviceId| {
        store.take_synced(DEVICES, &one_message(&[mark]), (by, false), 1).unwrap()
    };
    store.set_verified(&person(1), Some(5), 5).unwrap();
    for who in [1, 2, 3] {
        let mark = Mark::Verified(person(who), Some(7));
        assert_eq!(say(&mut store, mark.clone(), OTHER), [mark]);
    }
    // Somebody compared there as well.
    assert_eq!(say(&mut store, Mark::Verified(person(3), Some(7)), THIRD), []);
    let is_verified =
        |store: &Store| [1, 2, 3].map(|who| store.people().is_verified(&person(who).fingerprint));
    assert_eq!(is_verified(&store), [true; 3]);
    assert_eq!(store.forget_devices_without(DEVICES, &[OTHER, THIRD]).unwrap(), []);
    let told = store.forget_devices_without(DEVICES, &[THIRD]).unwrap().remove(0);
    assert_eq!(told.notice, Notice::Alarm(Alarm::MarksDropped { people: vec![person(2)] }));
    assert_eq!(store.unseen_notices(None).unwrap(), [told], "until somebody has seen it");
    assert_eq!(is_verified(&store), [true, false, true]);
    assert_eq!(store.forget_devices_without(DEVICES, &[THIRD]).unwrap(), [], "once");
    drop(store);
    assert_eq!(is_verified(&device(&dir, "a")), [true, false, true]);
}

/// A thief's: from then on a change of the key would be no alarm, at no device.
#[test]
fn mark_that_a_device_took_back_is_there_again_without_it_and_is_told() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    let say = |store: &mut Store, who: u8, at: Option<Millis>, by: DeviceId| {
        let said = one_message(&[Mark::Verified(person(who), at)]);
        store.take_synced(DEVICES, &said, (by, false), 1).unwrap();
    };
    for who in [1, 2, 3, 4] {
        store.set_verified(&person(who), Some(5), 5).unwrap();
    }
    say(&mut store, 5, Some(6), THIRD);
    for who in [1, 2, 3, 4, 5] {
        say(&mut store, who, None, OTHER);
    }
    // As its own word, which would go with it; another one took it back as well; and so did somebody here.
    say(&mut store, 2, Some(7), OTHER);
    say(&mut store, 3, None, THIRD);
    store.set_verified(&person(4), None, 8).unwrap();
    let all = |store: &Store| [1, 2, 3, 4, 5].map(|who| store.people().is_verified(&person(who).fingerprint));
    assert_eq!(all(&store), [false, true, false, false, false]);
    drop(store);
    let mut store = device(&dir, "a");
    let told = store.forget_devices_without(DEVICES, &[THIRD]).unwrap();
    let restored = Notice::Alarm(Alarm::MarksRestored { people: vec![person(1), person(5)] });
    assert_eq!(told.into_iter().map(|one| one.notice).collect::<Vec<_>>(), [restored]);
    assert_eq!(all(&store), [true, true, false, false, true]);
    // Devices that were linked meanwhile are told.
    assert!(store.unsynced().unwrap().contains(&Mark::Verified(person(1), Some(5))));
    // What was made here is no other device's word any more.
    assert_eq!(store.forget_devices_without(DEVICES, &[]).unwrap().len(), 2);
    assert_eq!(all(&store), [true, true, true, false, false]);
}

/// A thief's, that people would not know of: where photographs were taken would be told for ever.
#[test]
fn setting_of_a_device_goes_with_it_and_is_told() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    let set =
        |name: &str, value: &str| Mark::Setting { name: name.to_owned(), value: Some(value.to_owned()) };
    let say = |store: &mut Store, mark: Mark, by: (DeviceId, bool)| {
        store.take_synced(DEVICES, &one_message(&[mark]), by, 1).unwrap();
    };
    say(&mut store, set("privacy.seen", "true"), (DeviceId([1; 16]), true));
    say(&mut store, set("privacy.seen", "1"), (THIRD, false));
    for (name, value) in [("privacy.seen", "false"), ("files.keep_metadata", "true")] {
        say(&mut store, set(name, value), (OTHER, false));
    }
    let value = |store: &Store, name: &str| store.followed().agreed().get(name).cloned().flatten();
    assert_eq!(value(&store, "privacy.seen").as_deref(), Some("false"));
    let told = store.forget_devices_without(DEVICES, &[THIRD]).unwrap();
    let settings = ["files.keep_metadata", "privacy.seen"].map(str::to_owned).to_vec();
    assert_eq!(told[0].notice, Notice::Alarm(Alarm::SettingsRestored { settings }));
    assert_eq!(value(&store, "privacy.seen").as_deref(), Some("1"));
    assert_eq!(value(&store, "files.keep_metadata"), None);
    assert!(store.unsynced().unwrap().contains(&set("privacy.seen", "1")));
    // What somebody says here stays.
    store.agree_on_setting("privacy.seen", Some("2"), None).unwrap();
    assert_eq!(store.forget_devices_without(DEVICES, &[]).unwrap(), []);
    assert_eq!(value(&store, "privacy.seen").as_deref(), Some("2"));
}

#[test]
fn device_that_is_to_go_says_nothing_more() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    store.want_devices_removed(&[(DEVICES, OTHER)]).unwrap();
    let marks =
        [Mark::Verified(person(1), Some(7)), Mark::Entered(offer(3, 1)), Mark::Muted(RoomId([1; 32]), true)];
    let said = one_message(&marks);
    assert_eq!(store.take_synced(DEVICES, &said, (OTHER, false), 1).unwrap(), []);
    assert_eq!(store.offers().unwrap(), []);
    assert_eq!(store.take_synced(DEVICES, &said, (THIRD, false), 1).unwrap(), marks);
}

#[test]
fn what_a_device_offered_goes_with_it() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    for (room, by) in [(3, OTHER), (4, THIRD)] {
        let said = one_message(&[Mark::Entered(offer(room, 1))]);
        store.take_synced(DEVICES, &said, (by, false), 1).unwrap();
    }
    store.forget_devices_without(DEVICES, &[THIRD]).unwrap();
    assert_eq!(store.offers().unwrap(), [offer(4, 1)]);
}

/// A thief's, or one that was away: the key of the account that was may be in other hands.
#[test]
fn account_whose_key_was_replaced_is_not_verified_by_a_late_mark() {
    let dir = TempDir::new().unwrap();
    let mut store = device(&dir, "a");
    store.set_verified(&person(1), Some(5), 5).unwrap();
    let replaced = Replacement { old: person(1).fingerprint, person: person(2), at: 6 };
    store.commit(DEVICES, None, &Batch { replacements: vec![replaced], ..Batch::default() }).unwrap();
    let is_verified = |store: &Store| [1, 2].map(|who| store.people().is_verified(&person(who).fingerprint));
    assert_eq!(is_verified(&store), [false, true]);
    for mine in [false, true] {
        let late = one_message(&[Mark::Verified(person(1), Some(7))]);
        assert_eq!(store.take_synced(DEVICES, &late, (OTHER, mine), 8).unwrap(), []);
    }
    let heir = person(2).fingerprint.to_string();
    assert_eq!(store.set_verified(&person(1), Some(9), 9), Err(StoreError::KeyReplaced(heir)));
    assert_eq!(is_verified(&store), [false, true]);
    assert_eq!(store.set_verified(&person(1), None, 9), Ok(()));
}
