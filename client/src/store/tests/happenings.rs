//! What happened beside the chat lines.

use super::*;

fn joined(seq: Option<u64>, name: &str, expires: Option<u64>) -> Happening {
    let who = Person { name: name.to_owned(), fingerprint: Fingerprint([5; 32]) };
    Happening { seq, at: 77, expires, what: RoomLogItem::Joined { who, by: None } }
}

fn shown(items: &[Item]) -> Vec<String> {
    let shown = |item: &Item| match item {
        Item::Line(line) => line.message.text.clone(),
        Item::Happening(Happening { what: RoomLogItem::Joined { who, .. }, .. }) => format!("+{}", who.name),
        Item::Happening(happening) => format!("{:?}", happening.what),
    };
    items.iter().map(shown).collect()
}

#[test]
fn happenings_stand_among_the_lines_in_the_order_of_the_log_in_every_page() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let alarm = Happening {
        what: RoomLogItem::Alarm(Alarm::EntriesSkipped { missing: 1 }),
        ..joined(None, "", None)
    };
    let batch = Batch {
        entries: vec![entry(2, "two"), entry(4, "four"), entry(6, "six")],
        happenings: vec![joined(Some(1), "a", None), joined(Some(5), "b", None), joined(Some(5), "c", None)],
        ..Batch::default()
    };
    store.commit(ROOM, Some(&record("team")), &batch).unwrap();
    store.commit(ROOM, None, &Batch { happenings: vec![alarm], ..Batch::default() }).unwrap();
    let gap = "Alarm(EntriesSkipped { missing: 1 })";
    let all = ["+a", "two", "four", "+b", "+c", "six", gap];
    assert_eq!(shown(&store.past_after(ROOM, 0, 10).unwrap()), all);
    assert_eq!(shown(&store.past_before(ROOM, u64::MAX, 10).unwrap()), all);
    // Page by page nothing is missing and nothing twice.
    assert_eq!(shown(&store.past_before(ROOM, u64::MAX, 2).unwrap()), ["four", "+b", "+c", "six", gap]);
    assert_eq!(shown(&store.past_before(ROOM, 4, 2).unwrap()), ["+a", "two"]);
    assert_eq!(shown(&store.past_after(ROOM, 0, 2).unwrap()), ["+a", "two", "four"]);
    assert_eq!(shown(&store.past_after(ROOM, 4, 2).unwrap()), ["+b", "+c", "six", gap]);
    // Programs and search see chat lines only.
    assert_eq!(store.history(ROOM, 0, 10).unwrap().len(), 3);
    // Sealed, each in its place.
    let swapped = "UPDATE happenings SET value = (SELECT value FROM happenings WHERE seq = 1) WHERE seq = 5 AND nth = 0";
    store.db.execute(swapped, []).unwrap();
    assert!(matches!(store.past_after(ROOM, 0, 10), Err(StoreError::Damaged(_))));
    store.forget_room(ROOM).unwrap();
    let left: u32 = store.db.query_row("SELECT count(*) FROM happenings", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn happenings_go_with_the_lines_around_them() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let batch = Batch { happenings: vec![joined(Some(1), "a", Some(100))], ..Batch::default() };
    store.commit(ROOM, Some(&record("team")), &batch).unwrap();
    assert_eq!(store.next_expiry(ROOM).unwrap(), Some(100));
    assert!(store.expire(ROOM, 99).unwrap().is_empty());
    assert_eq!(shown(&store.past_after(ROOM, 0, 10).unwrap()), ["+a"]);
    assert!(store.expire(ROOM, 100).unwrap().is_empty());
    assert!(store.past_after(ROOM, 0, 10).unwrap().is_empty());

    store.keep_lines(2).unwrap();
    let batch = Batch {
        entries: vec![entry(3, "three"), entry(5, "five"), entry(7, "seven")],
        happenings: vec![joined(Some(2), "old", None), joined(Some(6), "new", None)],
        ..Batch::default()
    };
    store.commit(ROOM, None, &batch).unwrap();
    assert_eq!(shown(&store.past_after(ROOM, 0, 10).unwrap()), ["five", "+new", "seven"]);
}

#[test]
fn entries_that_are_no_chat_lines_do_not_drive_lines_out() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    store.keep_lines(2).unwrap();
    // Commits took the numbers between.
    let entries = vec![entry(1, "one"), entry(100, "two"), entry(200, "three")];
    store.commit(ROOM, Some(&record("team")), &Batch { entries, ..Batch::default() }).unwrap();
    assert_eq!(store.history(ROOM, 0, 10).unwrap(), [message(100, "two"), message(200, "three")]);
}

#[test]
fn database_without_happenings_is_migrated_and_keeps_its_lines() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let batch = Batch { entries: vec![entry(1, "one")], ..Batch::default() };
    store.commit(ROOM, Some(&record("team")), &batch).unwrap();
    // As the version before left it.
    let before = "DROP TABLE happenings; ALTER TABLE relays RENAME COLUMN ground TO from_link;
         ALTER TABLE rooms DROP COLUMN pinned; DROP TABLE transfers; DROP TABLE transfer_parts;
         DROP TABLE blob_drops; ALTER TABLE rooms DROP COLUMN kind;
             DROP TABLE device_removals; DROP TABLE invite_endings; PRAGMA user_version = 8;";
    store.db.execute_batch(before).unwrap();
    drop(store);
    let mut store = open(&dir);
    let batch = Batch { happenings: vec![joined(Some(2), "a", None)], ..Batch::default() };
    store.commit(ROOM, None, &batch).unwrap();
    assert_eq!(shown(&store.past_after(ROOM, 0, 10).unwrap()), ["one", "+a"]);
}

#[test]
fn happening_that_a_later_version_stored_is_left_out_and_the_others_are_shown() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let batch = Batch { happenings: vec![joined(Some(1), "a", None)], ..Batch::default() };
    store.commit(ROOM, Some(&record("team")), &batch).unwrap();
    for (nth, what) in
        [r#"{"alarm":{"kind":"later","text":"x"}}"#, r#"{"later":{"who":"x"}}"#].iter().enumerate()
    {
        let nth = u32::try_from(nth + 1).unwrap();
        let label =
            [b"happening/".as_slice(), ROOM.as_bytes(), &1_u64.to_be_bytes(), &nth.to_be_bytes()].concat();
        let sealed = store.sealer.seal(&label, format!(r#"{{"at":1,"what":{what}}}"#).as_bytes()).unwrap();
        let insert = "INSERT INTO happenings (room, seq, nth, value) VALUES (?1, 1, ?2, ?3)";
        store.db.execute(insert, params![ROOM.as_bytes(), nth, sealed]).unwrap();
    }
    let batch = Batch { happenings: vec![joined(Some(1), "b", None)], ..Batch::default() };
    store.commit(ROOM, None, &batch).unwrap();
    assert_eq!(shown(&store.past_after(ROOM, 0, 10).unwrap()), ["+a", "+b"]);
}
