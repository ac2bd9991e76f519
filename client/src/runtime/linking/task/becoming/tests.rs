use rand_core::UnwrapErr;
use shared::{
    crypto::random::Random,
    identity::{Identity, Next, recovery::RecoveryKey},
};
use tempfile::TempDir;

use super::*;
use crate::{
    portable::{
        Account,
        schema::{self, Body},
    },
    store::{FileKey, KeySource as _},
};

const LINKING: RoomId = RoomId([6; 32]);
const EVE: [u8; 32] = [66; 32];
const BOB: [u8; 32] = [2; 32];

fn store(dir: &TempDir) -> Store {
    let random = Random::new(UnwrapErr(getrandom::SysRng));
    let key = FileKey.key(dir.path(), &random).unwrap();
    Store::open(dir.path(), &key, random).unwrap()
}

fn bob(fingerprint: [u8; 32], verified_at: Option<u64>, replaced_by: &[u8]) -> Body {
    Body::Person(schema::Person {
        fingerprint: fingerprint.to_vec(),
        names: vec!["bob".to_owned()],
        first_seen: 1,
        verified_at,
        replaced_at: None,
        replaced_by: replaced_by.to_vec(),
        verified_by: Vec::new(),
    })
}

fn address() -> RelayAddress {
    RelayAddress::new("relay.example", 443).unwrap()
}

/// Known by a link, by that pin.
fn known(pin: u8) -> Body {
    let RelayAddress { host, port } = address();
    let ground = KnownRelay::FromLink([pin; 32].into()).ground();
    Body::Relay(schema::Relay { host, port: port.into(), ground, pin: vec![pin; 32], token: vec![pin; 32] })
}

fn handed(identity: &Identity, records: Vec<Body>, settings: &str) -> Handed {
    let account = Account {
        identity: Identity::read(&identity.to_bytes()).unwrap(),
        phrase: None,
        backup_key: None,
        device_name: None,
    };
    let (name, settings) = ("ann".to_owned(), settings.to_owned());
    Handed { account, name, records, rooms: Vec::new(), own_devices: None, settings, history: None }
}

fn become_one_of(store: &mut Store, identity: &Identity, records: Vec<Body>, settings: &str) {
    let handed = handed(identity, records, settings);
    assert!(take(store, LINKING, handed, identity.fingerprint(), None).unwrap());
}

/// Who photographed the code of a new device was first, and handed over an account of theirs with people as they like. The person sees
/// that it is not theirs, and links anew.
#[test]
fn nothing_of_an_account_that_was_not_the_persons_outlives_it() {
    let dir = TempDir::new().unwrap();
    let mut store = store(&dir);
    let [thief, ann] = [[7; 32], [8; 32]].map(|secret| Identity::new(&secret, Next::NONE));
    let planted = vec![bob(EVE, Some(5), &[]), bob(BOB, None, &EVE), known(66)];
    become_one_of(&mut store, &thief, planted, "[privacy]\nseen = true\n");
    assert!(store.people().is_verified(&Fingerprint(EVE)), "the attack does what it is to do");
    assert!(!store.followed().agreed().is_empty());
    become_one_of(&mut store, &ann, vec![bob(BOB, Some(9), &[]), known(2)], "");
    let people = store.people();
    assert!(people.get(&Fingerprint(EVE)).is_none());
    let him = people.get(&Fingerprint(BOB)).unwrap();
    assert_eq!((him.verified_at, him.replaced_by), (Some(9), None));
    assert_eq!(store.known_relay(&address()).unwrap(), Some(KnownRelay::FromLink([2; 32].into())));
    assert_eq!(store.token(&address()).unwrap().unwrap().as_bytes(), &[2; 32]);
    assert!(store.followed().agreed().is_empty());
    drop((store, people));
    assert_eq!(self::store(&dir).people().all().len(), 1, "as on the disk");
}

/// A device that was taken out is linked anew: what it knew of people is its person's.
#[test]
fn account_that_stays_or_has_another_key_keeps_whom_it_knows() {
    let dir = TempDir::new().unwrap();
    let mut store = store(&dir);
    let recovery = RecoveryKey::from_seed(&[3; 32]);
    let ann = Identity::new(&[8; 32], recovery.next());
    become_one_of(&mut store, &ann, vec![bob(BOB, Some(9), &[]), known(2)], "");
    become_one_of(&mut store, &ann, Vec::new(), "");
    assert!(store.people().is_verified(&Fingerprint(BOB)));
    let heir = Identity::new(&[9; 32], Next::NONE);
    let heir = recovery.sign_change(&ann, &heir).and_then(|change| heir.with_change(change)).unwrap();
    become_one_of(&mut store, &heir, Vec::new(), "");
    assert!(store.people().is_verified(&Fingerprint(BOB)));
    assert!(store.known_relay(&address()).unwrap().is_some());
}

#[test]
fn whoever_cannot_become_it_has_all_that_there_was() {
    let dir = TempDir::new().unwrap();
    let mut store = store(&dir);
    let [one, other] = [[7; 32], [8; 32]].map(|secret| Identity::new(&secret, Next::NONE));
    become_one_of(&mut store, &one, vec![bob(BOB, Some(9), &[])], "");
    store.starve(true).unwrap();
    let mut people: Vec<Body> = (0..=255).map(|n| bob([n; 32], None, &[])).collect();
    people.push(known(1));
    let handed = handed(&other, people, "");
    assert!(take(&mut store, LINKING, handed, other.fingerprint(), None).is_err());
    assert!(store.people().is_verified(&Fingerprint(BOB)));
}
