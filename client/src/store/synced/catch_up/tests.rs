use tempfile::TempDir;

use super::*;
use crate::store::synced::{
    tests::{DEVICES, OTHER, device, done, draft, id, one_message, person, setting, state},
    written,
};

#[test]
fn device_that_is_new_takes_what_it_is_told_but_for_what_it_has_heard_of_since() {
    let dir = TempDir::new().unwrap();
    let (mut old, mut new) = (device(&dir, "old"), device(&dir, "new"));
    let [first, second] = [RoomId([1; 32]), RoomId([2; 32])];
    let (me, now) = (DeviceId([7; 16]), 1);
    for mark in [
        Mark::Muted(first, true),
        Mark::Pinned(second, true),
        Mark::Read(first, 0),
        Mark::Verified(person(1), Some(5)),
        Mark::Verified(person(2), Some(6)),
        Mark::Named("ann".to_owned()),
        setting(Some("true")),
        draft(1, "secret"),
    ] {
        old.take_synced(DEVICES, &one_message(&[mark]), (OTHER, false), now).unwrap();
    }
    let told = written_for(me, &old.all_marks(true).unwrap());
    // Whoever does not wait for it takes nothing.
    assert_eq!(new.take_catch_up(DEVICES, &told[0], (OTHER, me), now).unwrap(), []);
    new.set_meta(HEARD, &[]).unwrap();
    // It is for one device, in one room, and nobody else's marks.
    assert_eq!(new.take_catch_up(DEVICES, &told[0], (OTHER, DeviceId([8; 16])), now).unwrap(), []);
    assert_eq!(new.take_catch_up(first, &told[0], (OTHER, me), now).unwrap(), []);
    assert_eq!(new.take_synced(DEVICES, &told[0], (OTHER, false), now).unwrap(), []);
    // In the log since: of all that it is later, whoever said it. What is done here and waits is later still.
    let since =
        [Mark::Muted(first, false), Mark::Verified(person(1), None), Mark::Left(second), setting(None)];
    new.take_synced(DEVICES, &one_message(&since[..2]), (OTHER, true), now).unwrap();
    new.take_synced(DEVICES, &one_message(&since[2..]), (OTHER, false), now).unwrap();
    new.add_unsynced(&draft(1, "mine")).unwrap();
    let mut taken = new.take_catch_up(DEVICES, &told[0], (OTHER, me), now).unwrap();
    taken.sort_by_key(|mark| format!("{mark:?}"));
    assert_eq!(taken, [Mark::Named("ann".to_owned()), Mark::Verified(person(2), Some(6))]);
    // Once is enough.
    old.take_synced(DEVICES, &one_message(&[Mark::Named("zoe".to_owned())]), (OTHER, false), now).unwrap();
    let again = written_for(me, &old.all_marks(true).unwrap());
    assert_eq!(new.take_catch_up(DEVICES, &again[0], (OTHER, me), now).unwrap(), []);
}

/// A thief's, which has nothing to say and is faster than all others.
#[test]
fn one_device_alone_does_not_end_what_the_others_tell() {
    let dir = TempDir::new().unwrap();
    let (mut old, mut new) = (device(&dir, "old"), device(&dir, "new"));
    let (me, thief) = (DeviceId([7; 16]), DeviceId([8; 16]));
    new.set_meta(HEARD, &[]).unwrap();
    let first = written_for(me, &[]);
    assert_eq!(new.take_catch_up(DEVICES, &first[0], (thief, me), 1).unwrap(), []);
    new.end_catch_up(&[thief, OTHER]).unwrap();
    old.set_verified(&person(1), Some(5), 1).unwrap();
    let told = written_for(me, &old.all_marks(false).unwrap());
    // Each says it once.
    assert_eq!(new.take_catch_up(DEVICES, &told[0], (thief, me), 1).unwrap(), []);
    assert!(!new.take_catch_up(DEVICES, &told[0], (OTHER, me), 1).unwrap().is_empty());
    assert!(new.people().is_verified(&person(1).fingerprint));
    // One that came later has nothing to tell, and one that is gone is not waited for.
    new.end_catch_up(&[thief, OTHER, DeviceId([9; 16])]).unwrap();
    assert!(new.heard().unwrap().is_none());
    // Whoever was told by somebody tells the next one, although others are still to tell it more.
    new.set_meta(HEARD, &[]).unwrap();
    let here = DeviceHere::default();
    new.device_is_here(OTHER, &here).unwrap();
    assert!(new.newcomers().unwrap().is_empty());
    new.take_catch_up(DEVICES, &first[0], (thief, me), 1).unwrap();
    new.end_catch_up(&[thief, OTHER]).unwrap();
    assert!(new.heard().unwrap().is_some());
    new.device_is_here(DeviceId([10; 16]), &here).unwrap();
    assert_eq!(new.newcomers().unwrap(), [DeviceId([10; 16])]);
    new.end_catch_up(&[thief]).unwrap();
    assert!(new.heard().unwrap().is_none());
}

#[test]
fn device_that_is_new_is_told_all_of_it_however_much_that_is_and_by_those_that_were_there() {
    let dir = TempDir::new().unwrap();
    let (mut old, mut new) = (device(&dir, "old"), device(&dir, "new"));
    let me = DeviceId([7; 16]);
    new.set_meta(HEARD, &[]).unwrap();
    for number in 0..60 {
        old.set_verified(&person(number + 1), Some(5), 1).unwrap();
    }
    let told = written_for(me, &old.all_marks(false).unwrap());
    assert_eq!(told.len(), 2);
    let taken: Vec<usize> =
        told.iter().map(|body| new.take_catch_up(DEVICES, body, (OTHER, me), 1).unwrap().len()).collect();
    assert_eq!(taken.iter().sum::<usize>(), 60, "{taken:?}");
    // Who it is for: each that says for the first time that it is here. Not by one that waits itself.
    let here = DeviceHere { name: "phone".to_owned(), ..DeviceHere::default() };
    for _ in 0..2 {
        old.device_is_here(me, &here).unwrap();
        assert_eq!(old.newcomers().unwrap(), [me]);
    }
    old.newcomer_is_told(me).unwrap();
    old.device_is_here(me, &here).unwrap();
    assert_eq!(old.newcomers().unwrap(), []);
    let mut waiting = device(&dir, "third");
    waiting.set_meta(HEARD, &[]).unwrap();
    waiting.device_is_here(me, &here).unwrap();
    assert_eq!(waiting.newcomers().unwrap(), []);
    // However little there is to be told, it is told that this is all.
    assert_eq!(written_for(me, &[]).len(), 1);
}

/// What happens in the log of the room of the devices.
enum Entry {
    /// Marks, and who said them.
    Marks(usize, Private),
    /// The new device says that it is here.
    Here,
    /// It is told how everything is.
    CatchUp(Private),
}

/// A device is handed how everything is at another one, and comes into the room of the devices later; meanwhile and after that all do things
/// in any order, offline and online. In the end all three show the same, whoever tells the new one, and however late.
#[test]
fn device_that_is_new_agrees_with_the_others_whatever_is_done_while_it_comes() {
    const NEW: usize = 2;
    let me = DeviceId([7; 16]);
    for seed in 0..16u64 {
        let dir = TempDir::new().unwrap();
        let mut devices = [device(&dir, "a"), device(&dir, "b"), device(&dir, "c")];
        let mut choice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut below = |bound: u64| {
            choice ^= choice << 13;
            choice ^= choice >> 7;
            choice ^= choice << 17;
            usize::try_from(choice % bound).unwrap()
        };
        let mut log: Vec<Entry> = Vec::new();
        // What each has read of it; the new one begins where it comes in.
        let mut read_to = [0, 0, 0];
        let (handed_at, comes_at, steps) = (below(20), 20 + below(10), 60);
        let mut owes = [false; 2];
        for at in 0..steps + 12 {
            let is_end = at >= steps;
            if at == handed_at {
                let handed = devices[0].all_marks(true).unwrap();
                devices[NEW].set_meta(HEARD, &[]).unwrap();
                for mark in handed {
                    devices[NEW].apply(mark, Some(By { device: OTHER, mine: false }), 1).unwrap();
                }
            }
            if at == comes_at {
                read_to[NEW] = log.len();
                log.push(Entry::Here);
            }
            let all: Vec<usize> = if is_end { vec![0, 1, NEW] } else { vec![below(3)] };
            for who in all.into_iter().filter(|who| *who != NEW || at > comes_at) {
                let step = if is_end { 2 + at % 2 } else { below(4) };
                match step {
                    0 | 1 => {
                        let (room, n) = (1 + u8::from(below(2) == 0), below(5));
                        let id = RoomId([room; 32]);
                        let mark = match below(6) {
                            0 => Mark::Read(id, 1 + n as u64),
                            1 => Mark::Muted(id, n % 2 == 0),
                            2 => Mark::Pinned(id, n % 2 == 0),
                            3 => Mark::Verified(
                                person(1 + (n % 3) as u8),
                                (below(2) == 0).then_some(1 + n as u64),
                            ),
                            4 => draft(room, &"x".repeat(n)),
                            _ => setting([None, Some("true"), Some("false")][n % 3]),
                        };
                        done(&mut devices[who], &mark);
                    }
                    2 => {
                        let waiting = devices[who].unsynced().unwrap();
                        log.extend(written(&waiting).into_iter().map(|message| Entry::Marks(who, message)));
                        if who != NEW && std::mem::take(&mut owes[who]) {
                            let told = written_for(me, &devices[who].all_marks(true).unwrap());
                            log.extend(told.into_iter().map(Entry::CatchUp));
                        }
                    }
                    _ => {
                        for entry in &log[read_to[who]..] {
                            match entry {
                                Entry::Marks(by, body) => {
                                    devices[who]
                                        .take_synced(DEVICES, body, (id(*by), *by == who), 1)
                                        .unwrap();
                                }
                                Entry::Here if who != NEW => owes[who] = true,
                                Entry::CatchUp(body) if who == NEW => {
                                    devices[NEW].take_catch_up(DEVICES, body, (OTHER, me), 1).unwrap();
                                }
                                Entry::Here | Entry::CatchUp(_) => {}
                            }
                        }
                        read_to[who] = log.len();
                    }
                }
            }
        }
        for other in [1, NEW] {
            assert_eq!(state(&devices[0]), state(&devices[other]), "seed {seed}, device {other}");
        }
        assert!(devices.iter().all(|device| device.unsynced().unwrap().is_empty()), "seed {seed}");
    }
}
