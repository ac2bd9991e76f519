mod happenings;
mod linking;
mod transfers;
mod unclaimed;

use rand_core::UnwrapErr;
use shared::{
    identity::Fingerprint,
    room::{Act, Alarm, Alteration, Fault, Message, Person, RelayLimit, Stranger},
};
use tempfile::TempDir;

use super::*;
use crate::{
    runtime::ChosenRelay,
    transport::{Pin, RelayAddress},
};

const ROOM: RoomId = RoomId([7; 32]);

fn random() -> Random {
    Random::new(UnwrapErr(getrandom::SysRng))
}

fn open(dir: &TempDir) -> Store {
    let key = FileKey.key(dir.path(), &random()).unwrap();
    Store::open(dir.path(), &key, random()).unwrap()
}

fn record(label: &str) -> RoomRecord {
    RoomRecord {
        id: ROOM,
        label: label.to_owned(),
        place: Where::Own,
        acked: 0,
        closed: None,
        kind: Default::default(),
    }
}

fn put(key: &str, value: &[u8]) -> Change {
    Change { key: key.to_owned(), value: Some(Zeroizing::new(value.to_vec())) }
}

fn message(seq: u64, text: &str) -> Line {
    let from = Person { name: "zoë".to_owned(), fingerprint: Fingerprint([3; 32]) };
    let (id, text) = ([u8::try_from(seq).unwrap(); 16], text.to_owned());
    let message =
        Message { seq, id, at: 1234, from, text, mine: false, reply_to: None, disappears: None, file: None };
    message.into()
}

fn entry(seq: u64, text: &str) -> LineOrAct {
    LineOrAct::Line(message(seq, text))
}

#[cfg(unix)]
#[test]
fn database_is_its_owners_alone_from_its_first_byte_and_also_one_of_before() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = TempDir::new().unwrap();
    let rights = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    let store = open(&dir);
    assert_eq!((rights(DATABASE), rights("schat.db-wal")), (0o600, 0o600));
    drop(store);
    std::fs::set_permissions(dir.path().join(DATABASE), std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&dir));
    assert_eq!(rights(DATABASE), 0o600);
}

#[test]
fn batch_comes_back_whole_after_reopening() {
    let dir = TempDir::new().unwrap();
    let delete = Change { key: "a".to_owned(), value: None };
    let changes = vec![put("a", b"1"), put("b", b"2"), delete, put("b", b"3")];
    let batch = Batch { changes, entries: vec![entry(1, "hello"), entry(2, "again")], ..Batch::default() };
    open(&dir).commit(ROOM, Some(&record("team")), &batch).unwrap();

    let store = open(&dir);
    let rows = store.rows(ROOM).unwrap();
    assert_eq!(
        rows.iter().map(|(key, value)| (key.as_str(), value.as_slice())).collect::<Vec<_>>(),
        [("b", b"3".as_slice())]
    );
    assert_eq!(store.history(ROOM, 1, 10).unwrap(), [message(2, "again")]);
    assert_eq!(store.history_before(ROOM, u64::MAX, 1).unwrap(), [message(2, "again")]);
    assert_eq!(store.rooms().unwrap(), [record("team")]);
}

#[test]
fn failed_batch_leaves_nothing_behind() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let first = Batch { changes: vec![put("a", b"old")], ..Batch::default() };
    store.commit(ROOM, Some(&record("team")), &first).unwrap();
    // A disk with no page to spare.
    let pages: u32 = store.db.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    store.db.pragma_update(None, "max_page_count", pages).unwrap();
    let changes = vec![put("a", b"new"), put("big", &vec![1; 1 << 20])];
    let error = store
        .commit(ROOM, None, &Batch { changes, entries: vec![entry(1, "x")], ..Batch::default() })
        .unwrap_err();
    assert!(matches!(error, StoreError::Full), "{error}");
    assert_eq!(store.rows(ROOM).unwrap()[0].1.as_slice(), b"old");
    assert!(store.history(ROOM, 0, 10).unwrap().is_empty());

    store.db.pragma_update(None, "max_page_count", pages + 10_000).unwrap();
    store.commit(ROOM, None, &Batch { changes: vec![put("a", b"new")], ..Batch::default() }).unwrap();
    assert_eq!(store.rows(ROOM).unwrap()[0].1.as_slice(), b"new");
}

#[test]
fn crash_before_commit_leaves_the_batch_before() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let batch = Batch { changes: vec![put("a", b"old")], ..Batch::default() };
    store.commit(ROOM, Some(&record("team")), &batch).unwrap();
    // As a process leaves it that dies in the middle of a transaction: a copy taken while it is open.
    store.db.execute_batch("BEGIN; DELETE FROM rows;").unwrap();
    let copy = TempDir::new().unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    assert_eq!(open(&copy).rows(ROOM).unwrap()[0].1.as_slice(), b"old");
}

#[test]
fn nothing_readable_is_on_the_disk() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let batch = Batch {
        changes: vec![put("a", b"canary-state")],
        entries: vec![entry(1, "canary-text")],
        ..Batch::default()
    };
    store.commit(ROOM, Some(&record("canary-label")), &batch).unwrap();
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        all.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let holds = |text: &[u8]| all.windows(text.len()).any(|part| part == text);
    assert!(holds(b"canary-label"), "the search finds what is not sealed");
    for secret in [b"canary-state".as_slice(), b"canary-text", b"canary-alarm", "zoë".as_bytes()] {
        assert!(!holds(secret));
    }
}

#[test]
fn exchanged_or_altered_values_are_refused() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let batch = Batch { changes: vec![put("a", b"1"), put("b", b"2")], ..Batch::default() };
    store.commit(ROOM, None, &batch).unwrap();
    store
        .db
        .execute_batch("UPDATE rows SET value = (SELECT value FROM rows WHERE key = 'b') WHERE key = 'a'")
        .unwrap();
    assert!(matches!(store.rows(ROOM), Err(StoreError::Damaged(_))));
}

#[test]
fn lost_key_is_never_made_anew() {
    let dir = TempDir::new().unwrap();
    drop(open(&dir));
    std::fs::remove_file(FileKey::path(dir.path())).unwrap();
    let failure = FileKey.key(dir.path(), &random()).unwrap_err();
    assert_eq!(failure, StoreError::WrongKey);
    std::fs::write(FileKey::path(dir.path()), [1; 32]).unwrap();
    let other = FileKey.key(dir.path(), &random()).unwrap();
    assert!(matches!(Store::open(dir.path(), &other, random()), Err(StoreError::WrongKey)));
}

#[test]
fn file_that_is_no_database_is_damaged_and_stays() {
    let dir = TempDir::new().unwrap();
    let key = FileKey.key(dir.path(), &random()).unwrap();
    let garbage = vec![b'x'; 9000];
    std::fs::write(dir.path().join(DATABASE), &garbage).unwrap();
    let error = Store::open(dir.path(), &key, random()).err().unwrap();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    assert_eq!(std::fs::read(dir.path().join(DATABASE)).unwrap(), garbage);
}

#[test]
fn later_version_is_left_alone() {
    let dir = TempDir::new().unwrap();
    open(&dir).db.pragma_update(None, "user_version", 99).unwrap();
    let key = FileKey.key(dir.path(), &random()).unwrap();
    assert!(matches!(Store::open(dir.path(), &key, random()), Err(StoreError::TooNew)));
}

#[cfg(unix)]
#[test]
fn key_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    drop(open(&dir));
    let mode = std::fs::metadata(FileKey::path(dir.path())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn second_process_gets_a_clear_error() {
    let dir = TempDir::new().unwrap();
    let profile = || ProfileDir::choose(Some(dir.path().to_owned())).unwrap();
    let first = OpenProfile::open(profile(), Some("ann"), random()).unwrap();
    let error = OpenProfile::open(profile(), None, random()).err().unwrap();
    assert_eq!(error, StoreError::Locked(dir.path().to_owned()));
    assert_eq!(error.code(), "in_use");
    let fingerprint = first.engine.identity.fingerprint();
    drop(first);
    let again = OpenProfile::open(profile(), None, random()).unwrap();
    assert_eq!((again.engine.identity.fingerprint(), again.engine.name.as_str()), (fingerprint, "ann"));
}

#[test]
fn ground_of_trust_in_a_relay_never_weakens() {
    use KnownRelay::{Authorities, FirstUse, FromLink};
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let pin = |byte| Pin::from([byte; 32]);
    for (host, first, others, kept) in [
        ("a", FirstUse(pin(1)), vec![FirstUse(pin(2)), Authorities(Some(pin(2)))], FirstUse(pin(1))),
        ("b", Authorities(None), vec![FirstUse(pin(2))], Authorities(None)),
        // Its own authority is for links only, and may change.
        ("c", Authorities(Some(pin(1))), vec![Authorities(Some(pin(2)))], Authorities(Some(pin(2)))),
        ("d", Authorities(Some(pin(1))), vec![Authorities(None)], Authorities(Some(pin(1)))),
    ] {
        let relay = format!("{host}:1").parse().unwrap();
        store.remember_relay(&relay, first).unwrap();
        for other in others {
            store.remember_relay(&relay, other).unwrap();
        }
        assert_eq!(store.known_relay(&relay).unwrap(), Some(kept), "{host}");
        // Only who was given a link to it replaces it, and is told so.
        let before = kept.pin();
        assert_eq!(store.use_relay(&relay, pin(3)).unwrap(), before);
        assert!(store.use_relay(&relay, pin(3)).unwrap().is_none());
        for other in [FirstUse(pin(2)), Authorities(Some(pin(2)))] {
            store.remember_relay(&relay, other).unwrap();
        }
        assert_eq!(store.known_relay(&relay).unwrap(), Some(FromLink(pin(3))), "{host}");
    }
}

#[test]
fn relay_whose_ground_cannot_be_read_is_not_taken_for_a_new_one() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let relay = "relay.example:1".parse().unwrap();
    store.remember_relay(&relay, KnownRelay::Authorities(None)).unwrap();
    store.db.execute("UPDATE relays SET ground = 7, pin = zeroblob(32)", []).unwrap();
    assert!(store.known_relay(&relay).is_err());
}

#[test]
fn acknowledgement_never_goes_back() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    store.commit(ROOM, Some(&record("team")), &Batch::default()).unwrap();
    store.ack(ROOM, 7).unwrap();
    store.ack(ROOM, 3).unwrap();
    assert_eq!(store.rooms().unwrap()[0].acked, 7);
}

#[test]
fn cursor_that_was_stored_too_far_is_at_the_newest_message_after_an_upgrade() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let batch = Batch { entries: vec![entry(1, "one"), entry(5, "two")], ..Batch::default() };
    store.commit(ROOM, Some(&record("team")), &batch).unwrap();
    let (own, far) = (Cursor::default(), Cursor::named(Some("far")).unwrap());
    let near = Cursor::named(Some("near")).unwrap();
    for (cursor, seq) in [(&own, 999_999), (&far, u64::MAX), (&near, 1)] {
        store.ack_at(ROOM, cursor, seq).unwrap();
    }
    let before =
        "DROP TABLE transfers; DROP TABLE transfer_parts; DROP TABLE blob_drops; ALTER TABLE rooms DROP COLUMN kind;
             DROP TABLE device_removals; DROP TABLE invite_endings; PRAGMA user_version = 12;";
    store.db.execute_batch(before).unwrap();
    drop(store);
    let store = open(&dir);
    let acked = [&own, &far, &near].map(|cursor| store.acked(ROOM, cursor).unwrap());
    assert_eq!((acked, store.newest(ROOM).unwrap()), ([5, 5, 1], 5));
}

fn alarm(text: &str) -> Notice {
    Notice::Alarm(Alarm::ViewDiffers { from: text.to_owned() })
}

fn told(notices: Vec<Notice>) -> Batch {
    Batch { notices, ..Batch::default() }
}

fn unseen(store: &Store) -> Vec<Notice> {
    store.unseen_notices(None).unwrap().into_iter().map(|stored| stored.notice).collect()
}

#[test]
fn alarm_that_nobody_saw_is_not_lost_and_one_that_was_seen_stays_seen() {
    let dir = TempDir::new().unwrap();
    let error = Notice::Problem(Problem::NotTheirs { who: "eve".into() });
    let batch = told(vec![alarm("one"), error.clone()]);
    let first = open(&dir).commit(ROOM, Some(&record("team")), &batch).unwrap().first_notice;

    let mut store = open(&dir);
    assert_eq!(unseen(&store), [alarm("one"), error.clone()]);
    assert_eq!(store.unseen_notices(Some("team")).unwrap()[1].ordinal, first + 1);
    assert!(store.unseen_notices(Some("other")).unwrap().is_empty());
    store.see_notice(first).unwrap();
    assert_eq!(unseen(&open(&dir)), std::slice::from_ref(&error));
    store.see_notice(first + 1).unwrap();
    assert!(unseen(&open(&dir)).is_empty());
    assert_eq!(store.last_notice().unwrap().unwrap().notice, error);
}

#[test]
fn notice_of_an_earlier_version_keeps_its_words_and_one_of_a_later_its_kind() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let first = store.commit(ROOM, Some(&record("team")), &told(vec![alarm("one"); 3])).unwrap().first_notice;
    let (old, later) = (r#""message":"m","remedy":"r""#, r#""value":{"Later":{"x":1}}"#);
    for (at, alarm, code, rest) in
        [(0, r#""gap""#, "", old), (1, "null", "forged", old), (2, r#""gap""#, "", later)]
    {
        let plain = format!(r#"{{"room":"team","alarm":{alarm},"code":"{code}",{rest}}}"#);
        let label = [b"notice/".as_slice(), ROOM.as_bytes(), &(first + at).to_be_bytes()].concat();
        let sealed = store.sealer.seal(&label, plain.as_bytes()).unwrap();
        let update = "UPDATE notices SET value = ?2 WHERE ordinal = ?1";
        store.db.execute(update, params![first + at, sealed]).unwrap();
    }
    let earlier = |alarm: Option<shared::room::AlarmKind>, code: &str, message: &str, remedy: &str| {
        let [code, message, remedy] = [code, message, remedy].map(str::to_owned);
        Notice::Earlier(Earlier { alarm, code, message, remedy })
    };
    let gap = Some(shared::room::AlarmKind::Gap);
    let all = [earlier(gap, "", "m", "r"), earlier(None, "forged", "m", "r"), earlier(gap, "", "", "")];
    assert_eq!(unseen(&store), all);
    assert_eq!((all[0].kind(), all[0].code(), all[1].code()), (gap, None, Some("forged")));
}

#[test]
fn stranger_is_kept_until_somebody_has_seen_it_and_is_no_alarm_though_it_once_was() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let person = |name: &str| Person { name: name.into(), fingerprint: Fingerprint([5; 32]) };
    let told = Notice::Stranger(Stranger { who: person("eve"), by: Some(person("bob")), is_ours: false });
    assert_eq!((told.kind(), told.code(), told.is_loud()), (None, Some("unverified"), true));
    let first = store.commit(ROOM, Some(&record("team")), &self::told(vec![told.clone(); 3])).unwrap();
    assert_eq!(unseen(&store), vec![told.clone(); 3]);
    // As an alarm: with its value, and before that in words.
    let Notice::Stranger(stranger) = &told else { panic!("{told:?}") };
    let value = serde_json::to_string(stranger).unwrap();
    let rests = [format!(r#""value":{{"Stranger":{value}}}"#), r#""message":"m","remedy":"""#.to_owned()];
    for (at, rest) in (first.first_notice + 1..).zip(&rests) {
        let plain = format!(r#"{{"room":"team","alarm":"unverified","code":"",{rest}}}"#);
        let label = [b"notice/".as_slice(), ROOM.as_bytes(), &at.to_be_bytes()].concat();
        let sealed = store.sealer.seal(&label, plain.as_bytes()).unwrap();
        store.db.execute("UPDATE notices SET value = ?2 WHERE ordinal = ?1", params![at, sealed]).unwrap();
    }
    let earlier =
        Earlier { alarm: None, code: "unverified".into(), message: "m".into(), remedy: String::new() };
    assert_eq!(unseen(&store), [told.clone(), told.clone(), Notice::Earlier(earlier)]);

    let stored = format!(r#"{{"at":7,"what":{{"alarmed":{{"Stranger":{value}}}}}}}"#);
    let happening = read_happening(3, None, stored.as_bytes()).unwrap();
    assert_eq!(happening.what, RoomLogItem::Stranger(stranger.clone()));
    let written = written_happening(&happening).unwrap();
    assert_eq!(read_happening(3, None, &written).unwrap(), happening);
}

#[test]
fn values_are_stored_by_names_that_stay() {
    let bob = || "bob".to_owned();
    for (notice, stored) in [
        (alarm("bob"), r#"{"ViewDiffers":{"from":"bob"}}"#),
        (Notice::Alarm(Alarm::MessageNotShown), r#""MessageNotShown""#),
        (
            Notice::Alarm(Alarm::MessagesMissing { from: bob(), missing: 2 }),
            r#"{"MessagesMissing":{"from":"bob","missing":2}}"#,
        ),
        (Notice::Problem(Problem::NotTheirs { who: bob() }), r#"{"NotTheirs":{"who":"bob"}}"#),
        (Notice::Problem(Problem::Limit(RelayLimit::MemberRate)), r#"{"Limit":"MemberRate"}"#),
        (
            Notice::Problem(Problem::Forged { entry: 7, fault: Fault::InOurName }),
            r#"{"Forged":{"entry":7,"fault":"InOurName"}}"#,
        ),
    ] {
        let value = match &notice {
            Notice::Alarm(alarm) => serde_json::to_string(alarm),
            Notice::Problem(problem) => serde_json::to_string(problem),
            Notice::Earlier(_) | Notice::Stranger(_) => panic!("{notice:?}"),
        };
        assert_eq!(value.unwrap(), stored);
    }
}

#[test]
fn alarm_that_nobody_saw_outlives_its_room_until_it_is_seen() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let first = store.commit(ROOM, Some(&record("team")), &told(vec![alarm("one")])).unwrap().first_notice;
    store.forget_room(ROOM).unwrap();
    assert_eq!(store.unseen_notices(None).unwrap()[0].room, "team");
    store.see_notice(first).unwrap();
    assert_eq!(store.last_notice().unwrap(), None);
    // Its number is not given to another.
    assert!(
        store.commit(ROOM, Some(&record("team")), &told(vec![alarm("two")])).unwrap().first_notice > first
    );
}

#[test]
fn flood_of_notices_is_bounded_and_the_last_ones_stay() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let flood = || told((0..700).map(|i| alarm(&i.to_string())).collect());
    store.commit(ROOM, Some(&record("team")), &flood()).unwrap();
    store.commit(ROOM, None, &flood()).unwrap();
    let left = unseen(&store);
    assert_eq!((left.len(), &left[0], left.last()), (1000, &alarm("400"), Some(&alarm("699"))));
}

#[test]
fn database_of_the_first_version_is_migrated_and_keeps_what_it_holds() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let batch = Batch { entries: vec![entry(1, "hello")], ..Batch::default() };
    store.commit(ROOM, Some(&record("team")), &batch).unwrap();
    store
        .db
        .execute_batch(
            "DROP TABLE happenings; DROP TABLE notices; DROP TABLE tokens; DROP TABLE people; DROP TABLE drafts; DROP TABLE cursors;
             ALTER TABLE rooms DROP COLUMN muted; ALTER TABLE rooms DROP COLUMN pinned;
             DROP TABLE relays; DROP TABLE transfers; DROP TABLE transfer_parts; DROP TABLE blob_drops;
             CREATE TABLE relays (host TEXT NOT NULL, port INTEGER NOT NULL, pin BLOB NOT NULL, PRIMARY KEY (host, port));
             INSERT INTO relays VALUES ('relay.example', 1, zeroblob(32));
             DROP INDEX messages_by_id; DROP INDEX messages_expiring;
             ALTER TABLE messages DROP COLUMN id; ALTER TABLE messages DROP COLUMN expires;
             ALTER TABLE rooms DROP COLUMN kind;
             DROP TABLE device_removals; DROP TABLE invite_endings; PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(store);
    let mut store = open(&dir);
    assert_eq!(store.history(ROOM, 0, 10).unwrap(), [message(1, "hello")]);
    let known = store.known_relay(&"relay.example:1".parse().unwrap()).unwrap();
    assert_eq!(known, Some(KnownRelay::FirstUse(Pin::from([0; 32]))));
    store.commit(ROOM, None, &told(vec![alarm("one")])).unwrap();
    assert_eq!(unseen(&store), [alarm("one")]);
}

fn relay_address(host: &str) -> RelayAddress {
    RelayAddress::new(host, 443).unwrap()
}

#[test]
fn token_is_sealed_and_for_its_relay_only() {
    let dir = TempDir::new().unwrap();
    let token = proto::Token::new(*b"0123456789abcdef0123456789ABCDEF");
    let (one, other) = (relay_address("one.example"), relay_address("other.example"));
    {
        let mut store = open(&dir);
        assert_eq!(store.token(&one).unwrap(), None);
        store.set_token(&one, &token).unwrap();
        assert_eq!(store.token(&other).unwrap(), None);
        // Moved to another relay by somebody who can write the file, it does not open.
        let db = &store.db;
        db.execute("INSERT INTO tokens SELECT 'other.example', port, value FROM tokens", []).unwrap();
        assert!(matches!(store.token(&other), Err(StoreError::Damaged(_))));
    }
    assert_eq!(open(&dir).token(&one).unwrap(), Some(token.clone()));
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(32).any(|part| part == token.as_bytes()));
    }
}

#[test]
fn token_never_passes_to_a_relay_with_another_pin() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let link = |pin: u8, token: Option<u8>| shared::invite::link::RelayUrl {
        host: "relay.example".into(),
        port: 443,
        pin: [pin; 32],
        token: token.map(|byte| proto::Token::new([byte; 32])),
    };
    let relay = relay_address("relay.example");
    for (pin, given, kept) in [
        (1, Some(7), Some(7)),
        // The same relay, by a link without a token: it stays.
        (1, None, Some(7)),
        (1, Some(8), Some(8)),
        // Another authority: it goes.
        (2, None, None),
        (3, Some(9), Some(9)),
    ] {
        ChosenRelay::of(&link(pin, given)).unwrap().save(&mut store).unwrap();
        let kept = kept.map(|byte| proto::Token::new([byte; 32]));
        assert_eq!(store.token(&relay).unwrap(), kept, "pin {pin}, token {given:?}");
    }
}

#[test]
fn lines_beyond_the_number_that_is_kept_go_the_oldest_first() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    store.keep_lines(2).unwrap();
    let entries = vec![entry(1, "one"), entry(2, "two"), entry(3, "three")];
    store.commit(ROOM, Some(&record("team")), &Batch { entries, ..Batch::default() }).unwrap();
    assert_eq!(store.history(ROOM, 0, 10).unwrap(), [message(2, "two"), message(3, "three")]);
}

#[test]
fn handed_line_takes_no_place_of_one_that_was_read_and_accuses_nobody() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let eve = Person { name: "eve".to_owned(), fingerprint: Fingerprint([5; 32]) };
    let handed = |seq: u64, id: u64| {
        let mut line = message(seq, "made up");
        line.message.id = [u8::try_from(id).unwrap(); 16];
        line.message.from = eve.clone();
        LineOrAct::Line(Line { handed_by: Some(eve.clone()), ..line })
    };
    // Eve hands over a line of her own before ours, under its id, and one under the id of a line that was not handed.
    let entries = vec![entry(7, "read"), handed(2, 7), handed(3, 9)];
    store.commit(ROOM, Some(&record("team")), &Batch { entries, ..Batch::default() }).unwrap();
    assert_eq!(store.line(ROOM, [7; 16]).unwrap(), Some(message(7, "read")));
    assert_eq!(store.history(ROOM, 0, 10).unwrap().len(), 2);
    let act = |target| {
        let from = message(1, "").message.from;
        let change = Alteration::Edit("edited".to_owned());
        LineOrAct::Act(Act { seq: 8, at: 8, from, mine: false, target: [target; 16], change })
    };
    let batch = Batch { entries: vec![act(7), act(9)], ..Batch::default() };
    let done = store.commit(ROOM, None, &batch).unwrap();
    assert_eq!(done.lines.len(), 1);
    assert_eq!(done.lines[0].1.message.text, "edited");
    assert_eq!(done.refused, []);
}

#[test]
fn new_line_takes_no_place_of_one_that_was_read() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let mut other = message(7, "on another log");
    other.message.id = [70; 16];
    let entries = vec![entry(7, "read"), entry(7, "read"), LineOrAct::Line(other)];
    store.commit(ROOM, Some(&record("team")), &Batch { entries, ..Batch::default() }).unwrap();
    let texts: Vec<String> =
        store.history(ROOM, 0, 10).unwrap().into_iter().map(|line| line.message.text).collect();
    assert_eq!(texts, ["read", "on another log"]);
}
