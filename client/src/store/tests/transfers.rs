//! Files under way, and those that are to be dropped.

use shared::file::Manifest;

use super::*;

fn with_file(seq: u64, mine: bool, disappears: Option<u64>) -> LineOrAct {
    let mut line = message(seq, "look");
    let id = [u8::try_from(seq).unwrap(); 16];
    let file = Manifest {
        id,
        key: shared::file::FileKey::from_bytes([2; 32]),
        size: 5,
        name: "cat.jpg".to_owned(),
        media_type: String::new(),
        parts: [3; 32],
        preview: Vec::new(),
        duration_ms: 0,
    };
    (line.message.mine, line.message.disappears) = (mine, disappears);
    line.message.file = Some(Box::new(file));
    LineOrAct::Line(line)
}

fn deleted(seq: u64, mine: bool) -> LineOrAct {
    let from = message(1, "").message.from;
    let target = [u8::try_from(seq).unwrap(); 16];
    LineOrAct::Act(Act { seq: 99, at: 99, from, mine, target, change: Alteration::Delete })
}

fn blobs(store: &Store) -> Vec<u8> {
    let mut found: Vec<u8> = store.blobs_to_drop(ROOM).unwrap().into_iter().map(|blob| blob.0[0]).collect();
    found.sort_unstable();
    found
}

#[test]
fn file_of_ours_is_dropped_with_its_message_and_nobody_elses_is() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    let entries = vec![
        with_file(1, true, None),
        with_file(2, false, None),
        with_file(3, true, Some(50)),
        with_file(4, false, Some(50)),
        with_file(5, true, Some(500)),
        deleted(1, true),
        deleted(2, false),
    ];
    store.commit(ROOM, Some(&record("team")), &Batch { entries, ..Batch::default() }).unwrap();
    assert_eq!(blobs(&store), [1]);
    let line = store.line(ROOM, [1; 16]).unwrap().unwrap();
    assert!(line.deleted && line.message.file.is_none());
    let mut gone = store.expire(ROOM, 100).unwrap();
    gone.sort_unstable();
    assert_eq!(gone, [3, 4]);
    assert_eq!(blobs(&store), [1, 3]);
    let file = store.line(ROOM, [5; 16]).unwrap().unwrap().message.file.unwrap();
    assert_eq!(
        (file.key, file.id),
        (shared::file::FileKey::from_bytes([2; 32]), [5; 16]),
        "files are stored with their lines"
    );
    store.has_dropped(ROOM, proto::BlobId([1; 16])).unwrap();
    assert_eq!(blobs(&open_again(store, &dir)), [3]);
}

fn open_again(store: Store, dir: &TempDir) -> Store {
    drop(store);
    open(dir)
}

#[test]
fn transfer_ends_in_the_step_that_offers_its_file_and_not_otherwise() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    store.commit(ROOM, Some(&record("team")), &Batch::default()).unwrap();
    let first = store.add_transfer(ROOM, &"first").unwrap();
    let second = store.add_transfer(ROOM, &"second").unwrap();
    store.add_part_hashes(first, &[(0, [1; 32]), (1, [2; 32])]).unwrap();
    assert!(store.add_part_hashes(first, &[(2, [9; 32]), (1, [3; 32])]).is_err(), "a hash is never replaced");
    assert_eq!(store.part_hashes(first).unwrap(), [(0, [1; 32]), (1, [2; 32])]);
    // A batch that fails leaves it as it was.
    store.starve(true).unwrap();
    let changes = vec![put("big", &vec![1; 1 << 20])];
    let batch = Batch { changes, offered: Some(first), ..Batch::default() };
    assert!(store.commit(ROOM, None, &batch).is_err());
    store.starve(false).unwrap();
    assert_eq!(store.transfers::<String>().unwrap().len(), 2);
    store.commit(ROOM, None, &Batch { offered: Some(first), ..Batch::default() }).unwrap();
    assert_eq!(store.transfers::<String>().unwrap(), [(ROOM, second, "second".to_owned())]);
    assert!(store.part_hashes(first).unwrap().is_empty());
    store.add_part_hashes(second, &[(0, [1; 32])]).unwrap();
    store.restart_transfer((ROOM, second), None, &"whole").unwrap();
    assert_eq!(
        (store.part_hashes(second).unwrap().len(), blobs(&store).len()),
        (0, 0),
        "it may be a message's"
    );
    store.add_part_hashes(second, &[(0, [1; 32])]).unwrap();
    store.restart_transfer((ROOM, second), Some(proto::BlobId([7; 16])), &"anew").unwrap();
    assert!(store.part_hashes(second).unwrap().is_empty());
    assert_eq!((store.transfers::<String>().unwrap()[0].2.as_str(), blobs(&store)), ("anew", vec![7]));
    store.forget_room(ROOM).unwrap();
    assert!(store.transfers::<String>().unwrap().is_empty());
    assert!(blobs(&store).is_empty());
}

#[test]
fn hashes_of_a_transfer_that_is_gone_are_not_kept() {
    let dir = TempDir::new().unwrap();
    let mut store = open(&dir);
    store.commit(ROOM, Some(&record("team")), &Batch::default()).unwrap();
    let number = store.add_transfer(ROOM, &"left").unwrap();
    assert!(store.add_part_hashes(number, &[(0, [1; 32])]).unwrap());
    store.end_transfer(number).unwrap();
    // Whoever seals learns it then.
    assert!(!store.add_part_hashes(number, &[(1, [2; 32])]).unwrap());
    assert!(store.part_hashes(number).unwrap().is_empty());
    // As programs before this one left it. What is under way stays, and what is of one run and has no other row.
    let insert = "INSERT INTO transfer_parts VALUES (77, 0, x'00')";
    store.db.execute(insert, []).unwrap();
    let stays = store.add_transfer(ROOM, &"stays").unwrap();
    for number in [stays, -1] {
        assert!(store.add_part_hashes(number, &[(0, [1; 32])]).unwrap());
    }
    store.forget_lost_parts().unwrap();
    let count = "SELECT count(*) FROM transfer_parts";
    let left: u32 = store.db.query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!((left, store.part_hashes(stays).unwrap().len()), (2, 1));
}
