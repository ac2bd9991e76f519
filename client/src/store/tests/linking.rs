//! What is kept while devices are linked: whole or not at all, and nothing of an account that is given up.

use proto::RoomId;
use shared::{
    identity::{DeviceId, Identity},
    invite::{
        InviteSecret,
        link::{InviteLink, Link},
    },
    room::{Alarm, Change, CloseReason, DeviceHere, Person},
};
use tempfile::TempDir;

use super::{ROOM, open, random, record};
use crate::store::{
    AccountHere, Batch, Came, KnownPerson, Mark, Notice, Offer, OpenProfile, Over, ProfileDir, RoomKind,
    RoomRecord, Store, StoreError, Told, written_marks,
};

/// A linking room.
const LINKING: RoomId = RoomId([6; 32]);

/// A room of the account, and an invite into it.
const HANDED: (RoomId, [u8; 16]) = (ROOM, [9; 16]);

#[test]
fn account_that_takes_the_place_of_another_comes_without_what_that_one_had() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let (old, new) = (Identity::without_recovery(&[1; 32]), Identity::without_recovery(&[2; 32]));
    store.set_account(&old, Some(&[3; 16])).unwrap();
    store.set_backup_key(&[4; 32]).unwrap();
    let here = AccountHere { identity: &new, backup_key: None };
    assert!(store.become_device(LINKING, &here, b"rooms").unwrap());
    assert_eq!(store.account().unwrap().unwrap().fingerprint(), new.fingerprint());
    assert!(store.phrase_entropy().unwrap().is_none() && store.backup_key().unwrap().is_none());
    // In a profile with rooms nothing happens.
    store.commit(ROOM, Some(&record("team")), &Batch::default()).unwrap();
    let here = AccountHere { identity: &old, backup_key: None };
    assert!(!store.become_device(LINKING, &here, b"rooms").unwrap());
    assert_eq!(store.account().unwrap().unwrap().fingerprint(), new.fingerprint());
}

/// A relay says that this device is out of its rooms, and that of the devices was not asked yet.
#[test]
fn device_that_is_let_into_no_room_any_more_may_be_linked_anew() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let own = RoomRecord { id: LINKING, kind: RoomKind::OwnDevices, ..record("devices") };
    store.commit(LINKING, Some(&own), &Batch::default()).unwrap();
    assert!(!store.may_become().unwrap(), "in no room of people, and with its other devices");
    let other = RoomRecord { id: RoomId([8; 32]), ..record("club") };
    store.commit(other.id, Some(&other), &Batch::default()).unwrap();
    store.commit(ROOM, Some(&record("team")), &Batch::default()).unwrap();
    let why = Over::Closed(CloseReason::RemovedByOwnUnseen { entry: 6 });
    store.set_shut_out(ROOM, Some(&why)).unwrap();
    assert!(!store.may_become().unwrap(), "one of two");
    store.set_shut_out(other.id, Some(&why)).unwrap();
    assert!(store.may_become().unwrap());
    store.set_shut_out(ROOM, None).unwrap();
    assert_eq!(store.shut_out().unwrap(), [(other.id, why)]);
    assert!(!store.may_become().unwrap());
}

/// What the devices of an account that is given up said and offered would lead into its rooms, or ring for its devices.
#[test]
fn nothing_that_devices_of_another_account_said_outlives_it() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let own = RoomRecord { kind: RoomKind::OwnDevices, ..record("devices") };
    let (own, other) = (RoomRecord { id: LINKING, ..own }, RoomId([8; 32]));
    store.commit(LINKING, Some(&own), &Batch::default()).unwrap();
    store.commit(ROOM, Some(&record("team")), &Batch::default()).unwrap();
    let (secret, pin) = (InviteSecret::from_bytes([1; 20]), Some([2; 20]));
    let link = InviteLink { host: "relay.example".to_owned(), port: 4433, link: Link { secret, pin } };
    let me = DeviceId([3; 16]);
    for mark in
        [Mark::Muted(other, true), Mark::Left(ROOM), Mark::Entered(Offer { room: other, device: me, link })]
    {
        store.take_synced(LINKING, &written_marks(&[mark]).remove(0), (DeviceId([4; 16]), false), 1).unwrap();
    }
    store.person_enters(other).unwrap();
    let here = DeviceHere { name: "phone".to_owned(), ..DeviceHere::default() };
    store.set_device_here(me, &here).unwrap();
    store.set_device_told(&Told { me, here, heard: Vec::new() }).unwrap();
    store.own_devices_are(5, false).unwrap();
    store.set_rung(ROOM, me).unwrap();
    store.unclaimed_since(&[(ROOM, me)], &[], 1).unwrap();
    store.add_unsynced(&Mark::Pinned(ROOM, true)).unwrap();
    let old = Identity::without_recovery(&[1; 32]);
    store.set_account(&old, Some(&[3; 16])).unwrap();
    store.was_taken_out(&old.fingerprint()).unwrap();
    let here = AccountHere { identity: &Identity::without_recovery(&[2; 32]), backup_key: None };
    assert!(store.become_device(RoomId([5; 32]), &here, b"rooms").unwrap());
    assert!(!store.is_taken_out().unwrap() && store.unsynced().unwrap().is_empty());
    assert!(store.offers().unwrap().is_empty() && store.entered_rooms().unwrap().is_empty());
    assert!(!store.take_left(ROOM).unwrap());
    assert!(store.take_later(other, 1).unwrap().is_empty() && later(&store).is_none());
    assert!(store.devices_here().unwrap().is_empty() && store.device_told().unwrap().is_none());
    assert!(store.have_rung(&[(ROOM, me)]).unwrap().is_empty());
    assert_eq!(store.unclaimed_since(&[(ROOM, me)], &[], 2).unwrap(), [((ROOM, me), 2)]);
    assert!(store.own_device_came(ROOM, came(5, 2)).unwrap(), "one more than this one");
}

/// What was done about rooms that are not here yet.
fn later(store: &Store) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    store.meta("synced_later").unwrap()
}

#[test]
fn what_fails_in_the_middle_was_not_written_at_all() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    store.set_name("ann").unwrap();
    let failed = store.all_or_nothing(|store| {
        store.set_name("bob")?;
        let here = AccountHere { identity: &Identity::without_recovery(&[1; 32]), backup_key: None };
        store.become_device(LINKING, &here, b"rooms")?;
        Err::<(), _>(StoreError::Full)
    });
    assert_eq!(failed, Err(StoreError::Full));
    drop(store);
    let store = open(&dir);
    assert_eq!(store.own_texts().unwrap().name, "ann");
    assert!(store.account().unwrap().is_none() && store.handed().unwrap().is_none());
    assert!(store.phrase_entropy().unwrap().is_none());
}

#[test]
fn invites_of_a_linking_that_ends_wait_until_they_are_over_whatever_happens() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    store.commit(ROOM, Some(&record("team")), &Batch::default()).unwrap();
    let changes = [Change { key: "own".to_owned(), value: None }];
    store.commit_linking(LINKING, (&changes, b"record"), (true, false), (&[], &[])).unwrap();
    assert!(store.invite_endings(ROOM).unwrap().is_empty() && !store.is_becoming().unwrap());
    store.commit_linking(LINKING, (&changes, b"record"), (false, false), (&[], &[HANDED])).unwrap();
    drop(store);
    let mut store = open(&dir);
    assert_eq!(store.invite_endings(ROOM).unwrap(), [HANDED.1]);
    store.invite_is_ended(ROOM, HANDED.1).unwrap();
    assert!(store.invite_endings(ROOM).unwrap().is_empty());
    store.end_linking(LINKING, &[HANDED]).unwrap();
    assert_eq!(store.invite_endings(ROOM).unwrap(), [HANDED.1]);
    assert!(store.linking().unwrap().is_none());
    store.forget_room(ROOM).unwrap();
    assert!(store.invite_endings(ROOM).unwrap().is_empty());
}

/// Whoever used its own account meanwhile would lose it with the end of the linking.
#[test]
fn profile_that_is_being_linked_is_nobodys_until_that_is_over() {
    let dir = TempDir::new().unwrap();
    let chosen = || ProfileDir::choose(Some(dir.path().to_owned())).unwrap();
    drop(OpenProfile::open(chosen(), Some("ann"), random()).unwrap());
    let changes = [Change { key: "own".to_owned(), value: None }];
    open(&dir).commit_linking(LINKING, (&changes, b"record"), (true, true), (&[], &[])).unwrap();
    assert_eq!(OpenProfile::open(chosen(), None, random()).err(), Some(StoreError::BeingLinked));
    open(&dir).end_linking(LINKING, &[]).unwrap();
    assert!(OpenProfile::open(chosen(), None, random()).is_ok());
}

#[test]
fn profile_whose_room_was_forgotten_or_that_met_somebody_was_used() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    assert!(store.is_unused().unwrap());
    store.commit(ROOM, Some(&record("team")), &Batch::default()).unwrap();
    store.forget_room(ROOM).unwrap();
    assert!(store.rooms().unwrap().is_empty() && !store.is_unused().unwrap());
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let bob = Person { name: "bob".to_owned(), fingerprint: shared::identity::Fingerprint([2; 32]) };
    store.set_verified(&bob, Some(1), 1).unwrap();
    assert!(!store.is_unused().unwrap());
}

#[test]
fn device_that_another_one_let_in_is_news_once_and_one_of_our_own_is_none() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let by = |invite: u8, came: Came| Came { invite: Some([invite; 16]), ..came };
    store.await_own_device(&[[1; 16], [2; 16]]).unwrap();
    assert!(!store.own_device_came(ROOM, by(1, came(5, 2))).unwrap(), "this device let it in");
    assert!(!store.own_device_came(LINKING, by(2, came(9, 2))).unwrap(), "it enters another room");
    assert!(store.own_device_came(LINKING, came(10, 3)).unwrap(), "a thief's, with the first one's copy");
    assert!(store.own_device_came(LINKING, came(10, 3)).unwrap(), "it was not told yet");
    assert!(!store.own_device_came(ROOM, came(11, 3)).unwrap());
    // Once it is out, the next one is news again.
    store.own_devices_at_most(2).unwrap();
    assert!(store.own_device_came(LINKING, came(12, 3)).unwrap());
    // A linking that came to nothing lets in nobody else's.
    store.await_own_device(&[[3; 16]]).unwrap();
    store.await_no_device().unwrap();
    assert!(store.own_device_came(LINKING, by(3, came(13, 4))).unwrap());
    // Those that were there before this one.
    store.own_devices_are(6, false).unwrap();
    assert!(!store.own_device_came(ROOM, came(14, 6)).unwrap());
}

/// A room whose relay is away still counts one that was taken out, and a thief's device that is faster than the one that is awaited is
/// not that one.
#[test]
fn device_that_comes_among_the_others_is_news_however_many_are_known() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let among = |seq, invite: u8| Came { invite: Some([invite; 16]), is_among: true, ..came(seq, 3) };
    let own = RoomRecord { id: LINKING, kind: RoomKind::OwnDevices, ..record("own") };
    store.commit(LINKING, Some(&own), &Batch::default()).unwrap();
    store.own_devices_are(3, true).unwrap();
    // Another room, which a stolen device may have made, says nothing of how many there are.
    store.own_devices_are(9, false).unwrap();
    assert!(store.own_device_came(ROOM, came(4, 4)).unwrap());
    store.own_devices_at_most(3).unwrap();
    store.await_own_device(&[[1; 16]]).unwrap();
    assert!(store.own_device_came(LINKING, among(5, 2)).unwrap(), "the thief's, which came first");
    assert!(!store.own_device_came(LINKING, among(6, 1)).unwrap(), "the one that was let in here");
    assert!(store.own_device_came(LINKING, among(7, 3)).unwrap());
    // Where a room of people told of it just before it is told once.
    assert!(store.own_device_came(ROOM, came(8, 4)).unwrap());
    assert!(!store.own_device_came(LINKING, Came { count: 4, ..among(9, 4) }).unwrap());
    assert!(store.own_device_came(LINKING, Came { count: 5, ..among(10, 5) }).unwrap());
}

fn came(seq: u64, count: usize) -> Came {
    Came { seq, invite: None, count, is_among: false }
}

/// A thief may act first, with the account that was stolen: it must not keep the owner from linking.
#[test]
fn account_whose_key_was_replaced_is_not_taken_out_whoever_was_faster() {
    let (old, new) = (Identity::without_recovery(&[1; 32]), Identity::without_recovery(&[2; 32]));
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    store.set_account(&old, None).unwrap();
    store.was_taken_out(&old.fingerprint()).unwrap();
    assert!(store.is_taken_out().unwrap());
    assert_eq!(store.replace_account(&new.fingerprint(), &new, &[4; 32]).unwrap(), None);
    assert!(store.is_taken_out().unwrap());
    assert_eq!(store.replace_account(&old.fingerprint(), &new, &[4; 32]).unwrap(), Some(Vec::new()));
    assert!(!store.is_taken_out().unwrap(), "the thief was first");
    store.was_taken_out(&old.fingerprint()).unwrap();
    assert!(!store.is_taken_out().unwrap(), "the owner was first");
    store.was_taken_out(&new.fingerprint()).unwrap();
    assert!(store.is_taken_out().unwrap());
}

/// What another device said of people may have been a thief's, and all of those are out now.
#[test]
fn marks_of_other_devices_go_with_the_key_that_is_replaced() {
    let (old, new) = (Identity::without_recovery(&[1; 32]), Identity::without_recovery(&[2; 32]));
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    store.set_account(&old, None).unwrap();
    let [bob, eve] = [(2, "bob"), (3, "eve")].map(|(n, name)| Person {
        name: name.to_owned(),
        fingerprint: shared::identity::Fingerprint([n; 32]),
    });
    store.set_verified(&bob, Some(1), 1).unwrap();
    store.verified_elsewhere(&eve, Some(1), (1, DeviceId([5; 16]))).unwrap();
    let told = store.replace_account(&old.fingerprint(), &new, &[4; 32]).unwrap().unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].notice, Notice::Alarm(Alarm::MarksDropped { people: vec![eve.clone()] }));
    let people = store.people();
    assert!(people.is_verified(&bob.fingerprint) && !people.is_verified(&eve.fingerprint));
}

/// What was said as one of them was handed over with no word of what became of it.
#[test]
fn accounts_that_were_ours_are_one_person_at_devices_that_are_linked_later_as_well() {
    let accounts = [1, 2, 3].map(|n| Identity::without_recovery(&[n; 32]));
    let [dir, other] = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let mut store = open(&dir);
    store.set_account(&accounts[0], None).unwrap();
    store.set_name("ann").unwrap();
    for (was, now) in accounts.iter().zip(&accounts[1..]) {
        store.replace_account(&was.fingerprint(), now, &[4; 32]).unwrap().unwrap();
    }
    let mut linked = open(&other);
    for person in store.people().all() {
        linked.take_person(&person).unwrap();
    }
    for store in [&store, &linked] {
        let known = store.people().all();
        let mut named = crate::text::namesakes::Namesakes::default();
        let people = [0, 1, 2]
            .map(|n: usize| Person { name: "ann".to_owned(), fingerprint: accounts[n].fingerprint() });
        named.add_all(&people);
        named.became_all(known.iter().filter_map(KnownPerson::change));
        assert!(people.iter().all(|who| named.others(who).count() == 0), "{known:?}");
    }
}
