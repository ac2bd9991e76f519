//! From one profile into another, and what is refused on the way.

use proptest::prelude::*;
use proto::RoomId;
use rand_core::UnwrapErr;
use shared::{
    crypto::random::Random,
    identity::{
        DeviceId, Fingerprint, Identity,
        recovery::{RecoveryKey, seed_of},
    },
    message::timeline::{Line, Reaction},
    room::{Message, Person},
};
use tempfile::TempDir;

use super::{
    schema::{Body, Past, Row},
    *,
};
use crate::store::{
    Batch, FileKey, Happening, KeySource as _, KnownRelay, LineOrAct, Mark, Notice, RoomKind, RoomRecord,
    Store, Where, written_line, written_marks,
};

const ROOM: RoomId = RoomId([7; 32]);

fn random() -> Random {
    Random::new(UnwrapErr(getrandom::SysRng))
}

fn store() -> (TempDir, Store) {
    let dir = TempDir::new().unwrap();
    let key = FileKey.key(dir.path(), &random()).unwrap();
    let store = Store::open(dir.path(), &key, random()).unwrap();
    (dir, store)
}

fn person(name: &str, byte: u8) -> Person {
    Person { name: name.to_owned(), fingerprint: Fingerprint([byte; 32]) }
}

fn line(seq: u64, text: &str) -> Line {
    let message = Message {
        seq,
        id: [seq as u8; 16],
        at: 1_000 + seq,
        from: person("bob", 2),
        text: text.to_owned(),
        mine: false,
        reply_to: None,
        disappears: None,
        file: None,
    };
    Line::from(message)
}

/// An account whose recovery key comes from that phrase.
fn account(phrase: &[u8; 16]) -> Vec<u8> {
    let next = RecoveryKey::from_seed(&seed_of(phrase)).next();
    Identity::new(&[5; 32], next).to_bytes().to_vec()
}

/// A profile with all that can be carried.
fn full() -> (TempDir, Store) {
    let (dir, mut store) = store();
    let next = RecoveryKey::from_seed(&seed_of(&[9; 16])).next();
    store.set_account(&Identity::generate(&random(), next), Some(&[9; 16])).unwrap();
    store.set_name("ann").unwrap();
    store.set_description("on the train", "🚆").unwrap();
    let address = crate::transport::RelayAddress::new("relay.example", 443).unwrap();
    store.take_relay(&address, KnownRelay::FirstUse([5; 32].into())).unwrap();
    store.set_verified(&person("bob", 2), Some(77), 70).unwrap();
    let record = RoomRecord {
        id: ROOM,
        label: "team".to_owned(),
        place: Where::Relay { address, pin: None },
        acked: 0,
        closed: None,
        kind: RoomKind::OwnDevices,
    };
    let mut edited = line(3, "edited");
    edited.edited = Some(99);
    edited.reactions = vec![Reaction { emoji: "👍".to_owned(), people: vec![person("eve", 4)] }];
    let mut deleted = line(4, "");
    deleted.deleted = true;
    let lines = [line(1, "one"), line(2, "two"), edited, deleted, line(900, "far later")];
    let happening = Happening {
        seq: Some(2),
        at: 5,
        expires: Some(u64::MAX >> 2),
        what: crate::store::RoomLogItem::Back(person("eve", 4)),
    };
    let batch = Batch {
        entries: lines.into_iter().map(LineOrAct::Line).collect(),
        happenings: vec![happening],
        ..Batch::default()
    };
    store.commit(ROOM, Some(&record), &batch).unwrap();
    store.set_muted(ROOM, true).unwrap();
    store.ack_at(ROOM, &crate::store::Cursor::read(), 3).unwrap();
    store.set_draft(ROOM, "typed").unwrap();
    (dir, store)
}

fn written(store: &Store, what: Selection) -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), 1).unwrap();
    let mut gather = Gather::new(what);
    while let Some(gathered) = gather.next(store).unwrap() {
        let body = match gathered {
            Gathered::Record(body) => body,
            Gathered::Room(room) => Body::Room(room),
            Gathered::File(file, _) => Body::File(file),
        };
        writer.put(&body).unwrap();
    }
    writer.end().unwrap()
}

/// Takes all of it; what the account was.
fn taken(store: &mut Store, bytes: &[u8]) -> Result<(Counts, Option<Account>), TakeError> {
    let (mut intake, mut account) = (Intake::new(person("ann", 1)), None);
    for body in Reader::new(bytes) {
        match intake.take(store, body?)? {
            Left::Account(found) => account = Some(*found),
            Left::Room(room) => intake.admit(store, &room, Vec::new())?,
            _ => {}
        }
    }
    Ok((intake.counts(), account))
}

#[test]
fn what_a_profile_holds_comes_back_in_another_one_and_twice_is_as_once() {
    let (_old, from) = full();
    let bytes = written(&from, Selection::ALL);
    let (_new, mut to) = store();
    for round in 0..2 {
        let (counts, account) = taken(&mut to, &bytes).unwrap();
        assert_eq!(counts.lines, if round == 0 { 5 } else { 0 });
        let account = account.unwrap();
        assert_eq!(account.identity.fingerprint(), from.account().unwrap().unwrap().fingerprint());
        assert_eq!(account.phrase.as_deref(), Some(&[9; 16]));
        assert_eq!(to.own_texts().unwrap(), from.own_texts().unwrap());
        assert_eq!(to.known_relays().unwrap(), from.known_relays().unwrap());
        assert!(to.people().is_verified(&Fingerprint([2; 32])));
        assert_eq!(to.rooms().unwrap(), from.rooms().unwrap());
        assert!(to.muted().unwrap().contains("team") && to.pinned().unwrap().is_empty());
        assert_eq!(to.acked(ROOM, &crate::store::Cursor::read()).unwrap(), 3);
        assert_eq!(to.draft(ROOM).unwrap().as_deref().map(String::as_str), Some("typed"));
        let marked = |line: Line| Line { handed_by: Some(person("ann", 1)), ..line };
        let expected: Vec<Line> = from.history(ROOM, 0, 100).unwrap().into_iter().map(marked).collect();
        assert_eq!(to.history(ROOM, 0, 100).unwrap(), expected);
        assert_eq!(
            to.happenings_after(ROOM, (0, 0), 10).unwrap(),
            from.happenings_after(ROOM, (0, 0), 10).unwrap()
        );
    }
}

/// A thief verified somebody at the device that they stole, which told this one: a device that is linked here hears of both.
#[test]
fn mark_that_was_handed_over_goes_with_the_device_that_made_it() {
    let (_old, mut from) = full();
    let thief = DeviceId([66; 16]);
    let said = written_marks(&[Mark::Verified(person("eve", 4), Some(78))]).remove(0);
    from.take_synced(ROOM, &said, (thief, false), 78).unwrap();
    let is_verified = |store: &Store| [2, 4].map(|who| store.people().is_verified(&Fingerprint([who; 32])));
    let bytes = written(&from, Selection::ALL);
    let (_new, mut to) = store();
    taken(&mut to, &bytes).unwrap();
    for store in [&mut from, &mut to] {
        assert_eq!(is_verified(store), [true, true]);
        let told = store.forget_devices_without(ROOM, &[DeviceId([1; 16])]).unwrap().remove(0);
        let people = vec![person("eve", 4)];
        assert_eq!(told.notice, Notice::Alarm(shared::room::Alarm::MarksDropped { people }));
        assert_eq!(is_verified(store), [true, false]);
    }
}

#[test]
fn only_what_is_wanted_is_gathered() {
    let (_old, from) = full();
    let what = Selection { account: false, drafts: false, history: History::Newest(2), files: false };
    let bytes = written(&from, what);
    let (_new, mut to) = store();
    let (counts, account) = taken(&mut to, &bytes).unwrap();
    assert!(account.is_none() && counts.lines == 2);
    assert_eq!(to.draft(ROOM).unwrap(), None);
    let none = written(&from, Selection { history: History::Nothing, ..what });
    let (_new, mut to) = store();
    assert_eq!(taken(&mut to, &none).unwrap().0.lines, 0);
}

#[test]
fn what_this_device_read_itself_is_not_replaced_and_another_members_word_is() {
    let (_dir, mut to) = full();
    let by_bob = Line { handed_by: Some(person("bob", 2)), ..line(5, "as bob remembers it") };
    let batch = Batch { entries: vec![LineOrAct::Line(by_bob)], ..Batch::default() };
    to.commit(ROOM, None, &batch).unwrap();
    let me = person("ann", 1);
    to.take_lines(ROOM, vec![line(1, "another text"), line(5, "as it was")], &me).unwrap();
    let text = |seq: u64| to.history(ROOM, seq - 1, 1).unwrap()[0].message.text.clone();
    assert_eq!((text(1), text(5)), ("one".to_owned(), "as it was".to_owned()));
}

#[test]
fn past_of_a_room_that_was_not_named_and_bytes_of_no_file_are_refused() {
    let row = Row { seq: 1, value: written_line(&line(1, "x")).unwrap().to_vec(), ..Row::default() };
    let past = Body::Past(Past { room: vec![7; 32], lines: vec![row], happenings: Vec::new() });
    for body in [past, Body::Bytes(vec![1])] {
        let (_dir, mut to) = store();
        let mut intake = Intake::new(person("ann", 1));
        let error = intake.take(&mut to, body).err().unwrap();
        assert!(matches!(error, TakeError::Read(ReadError::Order(_))), "{error}");
    }
}

#[test]
fn values_that_are_not_of_their_form_are_refused_each_by_its_reason() {
    let past = |value: Vec<u8>, seq: u64| {
        let row = Row { seq, value, ..Row::default() };
        Body::Past(Past { room: vec![7; 32], lines: vec![row], happenings: Vec::new() })
    };
    let long = written_line(&line(1, &"x".repeat(40_000))).unwrap().to_vec();
    let fine = || written_line(&line(1, "x")).unwrap().to_vec();
    assert!(Value::of(past(fine(), 1)).is_ok());
    let room = |label: &str, port: u32| {
        Body::Room(schema::Room {
            id: vec![1; 32],
            label: label.to_owned(),
            host: "h".to_owned(),
            port,
            ..Default::default()
        })
    };
    assert!(Value::of(room("team", 443)).is_ok());
    let wrong = [
        past(b"{}".to_vec(), 1),
        past(long, 1),
        past(fine(), u64::MAX),
        past(vec![b' '; (1 << 20) + 1], 1),
        room("team", 0),
        room("team", 70_000),
        Body::Account(schema::Account::default()),
        Body::Account(schema::Account {
            secret: vec![1; 32],
            phrase: Vec::new(),
            backup_key: Vec::new(),
            device_name: String::new(),
        }),
        // The phrase of another account.
        Body::Account(schema::Account {
            secret: account(&[1; 16]),
            phrase: vec![2; 16],
            backup_key: Vec::new(),
            device_name: String::new(),
        }),
        Body::Room(schema::Room { id: vec![1; 32], kind: 7, ..Default::default() }),
        Body::Account(schema::Account {
            secret: account(&[1; 16]),
            phrase: vec![1; 15],
            backup_key: Vec::new(),
            device_name: String::new(),
        }),
        Body::Person(schema::Person { fingerprint: vec![1; 31], ..Default::default() }),
        Body::Relay(schema::Relay { host: "h".into(), port: 1, ground: 9, ..Default::default() }),
        Body::Relay(schema::Relay { host: "a b".into(), port: 1, ground: 2, ..Default::default() }),
        Body::Elsewhere(schema::Elsewhere::default()),
        Body::Settings(schema::Settings { toml: "x".repeat(MAX_SETTINGS + 1) }),
    ];
    for (n, body) in wrong.into_iter().enumerate() {
        let error = Value::of(body).err();
        assert!(
            matches!(error, Some(ReadError::Malformed(_) | ReadError::TooLong(_) | ReadError::Order(_))),
            "{n}: {error:?}"
        );
    }
    // What could play tricks on a terminal or a disk is made harmless.
    let Value::Room(odd) = Value::of(room("te\u{1b}[2Jam", 443)).unwrap() else { panic!("a room") };
    assert_eq!(odd.record.label, "01010101");
    let mut spoofed = line(1, "x");
    spoofed.message.from.name = "bob: hi\n* eve".to_owned();
    let spoofed = written_line(&spoofed).unwrap().to_vec();
    let Value::Past(_, lines, _) = Value::of(past(spoofed, 1)).unwrap() else { panic!("a past") };
    assert_eq!(lines[0].message.from.name, Fingerprint([2; 32]).short());
}

proptest! {
    #[test]
    fn rubbish_is_refused_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        for body in Reader::new(bytes.as_slice()).map_while(Result::ok) {
            let _ = Value::of(body);
        }
    }

    #[test]
    fn stream_with_some_bytes_changed_is_never_a_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
    ) {
        let mut writer = Writer::begin(Vec::new(), 1).unwrap();
        let row = Row { seq: 1, value: written_line(&line(1, "x")).unwrap().to_vec(), ..Row::default() };
        writer.put(&Body::Person(schema::Person { fingerprint: vec![1; 32], ..Default::default() })).unwrap();
        writer.put(&Body::Past(Past { room: vec![7; 32], lines: vec![row], happenings: Vec::new() })).unwrap();
        let mut bytes = writer.end().unwrap();
        for (at, to) in changes {
            let at = at.index(bytes.len());
            bytes[at] = to;
        }
        for body in Reader::new(bytes.as_slice()).map_while(Result::ok) {
            let _ = Value::of(body);
        }
    }
}
