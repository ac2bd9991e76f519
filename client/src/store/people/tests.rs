use rand_core::UnwrapErr;
use shared::crypto::random::Random;
use tempfile::TempDir;

use super::*;
use crate::store::{Batch, FileKey, KeySource as _};

fn open(dir: &TempDir) -> Store {
    let random = Random::new(UnwrapErr(getrandom::SysRng));
    let key = FileKey.key(dir.path(), &random).unwrap();
    Store::open(dir.path(), &key, random).unwrap()
}

fn person(name: &str, number: u64) -> Person {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Person { name: name.to_owned(), fingerprint: Fingerprint(bytes) }
}

fn meet_all(store: &mut Store, people: impl IntoIterator<Item = (Person, Millis)>) {
    let meetings = people.into_iter().map(|(person, at)| Meeting { person, at }).collect();
    store.commit(RoomId([7; 32]), None, &Batch { meetings, ..Batch::default() }).unwrap();
}

#[test]
fn person_keeps_the_first_day_the_last_names_and_the_mark() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    for number in 0..20 {
        meet_all(&mut store, [(person(&format!("name{number}"), 1), 100 + number)]);
    }
    store.set_verified(&person("name19", 1), Some(500), 500).unwrap();
    meet_all(&mut store, [(person("name15", 1), 600)]);
    drop(store);
    let known = open(&dir).people().get(&person("", 1).fingerprint).unwrap();
    let names = ["name12", "name13", "name14", "name16", "name17", "name18", "name19", "name15"];
    assert_eq!(known.names, names);
    assert_eq!((known.first_seen, known.verified_at), (100, Some(500)));
}

#[test]
fn flood_of_strangers_pushes_out_nobody_who_was_here_before() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let limit = u64::try_from(MAX_PEOPLE).unwrap();
    meet_all(&mut store, (0..limit).map(|n| (person("friend", n), n)));
    store.set_verified(&person("friend", limit - 1), Some(1), 1).unwrap();
    for flood in 0..3 {
        meet_all(&mut store, (0..50).map(|n| (person("flood", limit + flood * 50 + n), limit + flood)));
    }
    let people = store.people();
    assert_eq!(people.all().len(), MAX_PEOPLE);
    let left = people.called("friend").len();
    assert!(left >= MAX_PEOPLE - 1, "{left}");
    assert!(people.is_verified(&person("", limit - 1).fingerprint), "the last one, but verified");
    drop(store);
    assert_eq!(open(&dir).people().all(), people.all(), "as on the disk");
}

#[test]
fn mark_that_cannot_be_stored_is_not_shown() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    meet_all(&mut store, (0..200).map(|n| (person("somebody", n), n)));
    store.starve(true).unwrap();
    let mut failed = 0;
    for n in 200..400 {
        let stored = store.set_verified(&person("new", n), Some(1), 1).is_ok();
        failed += usize::from(!stored);
        assert_eq!(store.people().is_verified(&person("", n).fingerprint), stored, "{n}");
    }
    assert!(failed > 0);
}

#[test]
fn locked_profile_does_not_tell_whom_its_owner_knows() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let bob = person("canary-bob", 0x6361_6e61_7279_2d31);
    meet_all(&mut store, [(bob.clone(), 5)]);
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        all.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |part: &[u8]| all.windows(part.len()).any(|window| window == part);
    assert!(holds(b"people"), "the search finds what is there");
    assert!(
        !holds(b"canary") && !holds(&bob.fingerprint.0) && !holds(bob.fingerprint.to_string().as_bytes())
    );
}

#[test]
fn mark_moved_to_somebody_else_is_refused() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    store.set_verified(&person("ann", 1), Some(1), 1).unwrap();
    meet_all(&mut store, [(person("eve", 2), 2)]);
    let tag = |n| store.sealer.tag(&person("", n).fingerprint.0);
    let swap = "UPDATE people SET value = (SELECT value FROM people WHERE person = ?1) WHERE person = ?2";
    store.db.execute(swap, [tag(1), tag(2)]).unwrap();
    let random = Random::new(UnwrapErr(getrandom::SysRng));
    let key = FileKey.key(dir.path(), &random).unwrap();
    assert!(matches!(Store::open(dir.path(), &key, random), Err(StoreError::Damaged(_))));
}
