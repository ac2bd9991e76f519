//! A relay that does not give a file as it was given: whoever fetches it is told, has nothing of it under any name, and talks on.
//!
//! The relay itself is honest, and its disk is not: parts are altered there, and so are the sums by which it would notice.

use std::{
    fs,
    path::{Path, PathBuf},
};

use integration_tests::{
    files::{bytes, file, names},
    group::{ROOM, found},
    relay::Relay,
    schat::Schat,
};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use serde_json::{Value, json};
use shared::file::SEALED_PART;
use tempfile::TempDir;

/// As the relay has it: by the room and the name of a file, its row.
const BLOBS: TableDefinition<(&[u8; 32], &[u8; 16]), &[u8]> = TableDefinition::new("blobs");

/// Bytes of each file: three parts and a half, so that the list comes with the last of them.
const SIZE: usize = 7 << 19;

/// Where a row has the number of its file, and its size.
const NUMBER: std::ops::Range<usize> = 1..9;
const LENGTH: std::ops::Range<usize> = 57..65;

/// A file as the relay has it on its disk.
#[derive(Clone)]
struct OnDisk {
    name: ([u8; 32], [u8; 16]),
    row: Vec<u8>,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl OnDisk {
    /// Those of a relay that does not run, in the order in which they came.
    fn all(dir: &Path) -> Vec<Self> {
        let index = Database::open(dir.join("blobs/index.redb")).unwrap();
        let table = index.begin_read().unwrap().open_table(BLOBS).unwrap();
        let mut all = Vec::new();
        for entry in table.iter().unwrap() {
            let (name, row) = entry.unwrap();
            let ((room, blob), row) = (name.value(), row.value().to_vec());
            let number = u64::from_be_bytes(row[NUMBER].try_into().unwrap());
            let path = dir.join(format!("blobs/{:02x}/{number:016x}", number & 0xff));
            all.push(Self { name: (*room, *blob), row, bytes: fs::read(&path).unwrap(), path });
        }
        all.sort_by_key(|file| file.row[NUMBER].to_vec());
        all
    }

    fn part(&mut self, number: usize) -> &mut [u8] {
        &mut self.bytes[number * SEALED_PART..][..SEALED_PART]
    }

    /// Puts it there, with sums that fit.
    fn write(mut self, dir: &Path) {
        let length = self.bytes.len() as u64;
        self.row[LENGTH].copy_from_slice(&length.to_be_bytes());
        let sums: Vec<u8> =
            self.bytes.chunks(SEALED_PART).flat_map(|part| crc32(part).to_be_bytes()).collect();
        let at = self.row.len() - sums.len();
        self.row[at..].copy_from_slice(&sums);
        fs::write(&self.path, &self.bytes).unwrap();
        let index = Database::open(dir.join("blobs/index.redb")).unwrap();
        let transaction = index.begin_write().unwrap();
        let (room, blob) = self.name;
        transaction.open_table(BLOBS).unwrap().insert((&room, &blob), &*self.row).unwrap();
        transaction.commit().unwrap();
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    };
    !bytes.iter().fold(!0, step)
}

/// What is done to the first file, which may take from the second.
type Tamper = fn(&mut OnDisk, &mut OnDisk);

/// With the code and some words of what is told then.
const TAMPERED: [(&str, Tamper, &str, &str); 8] = [
    (
        "two of its parts are exchanged",
        |one, two| {
            two.part(0).copy_from_slice(one.part(1));
            two.part(1).copy_from_slice(one.part(0));
            one.bytes[..2 * SEALED_PART].copy_from_slice(&two.bytes[..2 * SEALED_PART]);
        },
        "file_damaged",
        "another part than its sender sealed",
    ),
    (
        "a bit is flipped",
        |one, _| one.part(1)[77_777] ^= 4,
        "file_damaged",
        "another part than its sender sealed",
    ),
    (
        "a bit is flipped in the last part",
        |one, _| one.bytes[3 * SEALED_PART + 9] ^= 4,
        "file_damaged",
        "another part than its sender sealed",
    ),
    (
        "a part is another file's",
        |one, two| one.part(2).copy_from_slice(two.part(2)),
        "file_damaged",
        "another part than its sender sealed",
    ),
    (
        "all of it is another file's",
        |one, two| one.bytes.clone_from(&two.bytes),
        "file_forged",
        "list of parts",
    ),
    (
        "a bit is flipped in the list of parts",
        |one, _| *one.bytes.last_mut().unwrap() ^= 1,
        "file_forged",
        "list of parts is not genuine",
    ),
    (
        "a byte is missing",
        |one, _| one.bytes.truncate(one.bytes.len() - 1),
        "file_forged",
        "another size at the relay",
    ),
    ("a byte is too much", |one, _| one.bytes.push(0), "file_forged", "another size at the relay"),
];

/// Until the transfer that bob began last stands so.
fn stands(bob: &mut Schat, mark: usize, state: &str) -> Value {
    bob.wait_after(mark, state, |event| event["event"] == "transfer" && event["state"] == state)
}

fn fetch(bob: &mut Schat, message: &Value, place: &Path) -> usize {
    let mark = bob.mark();
    bob.tell(json!({"cmd": "file_get", "room": ROOM, "target": message["id"], "output": place}));
    mark
}

#[test]
fn file_that_the_relay_altered_is_refused_and_nothing_of_it_has_a_name() {
    let dir = TempDir::new().unwrap();
    let mut relay = Relay::with(&dir.path().join("relay"), &["--rate", "1000000"], None);
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    for (nth, name) in ["one.bin", "two.bin"].into_iter().enumerate() {
        let path = file(dir.path(), name, &bytes(SIZE, nth * 999));
        people[0].tell(json!({"cmd": "file_send", "room": ROOM, "path": path, "id": name}));
        people[0].sent(name);
    }
    let [ann, bob] = &mut people[..] else { unreachable!() };
    let message = bob.wait("the file", |event| event["file"]["name"] == "one.bin");
    let got = dir.path().join("got");
    fs::create_dir(&got).unwrap();
    let place = got.join("there.bin");
    relay.terminate();
    let home = relay.dir().to_owned();
    let genuine = OnDisk::all(&home);
    for (what, tamper, code, words) in TAMPERED {
        let (mut one, mut two) = (genuine[0].clone(), genuine[1].clone());
        tamper(&mut one, &mut two);
        one.write(&home);
        relay.restart();
        let mark = fetch(bob, &message, &place);
        let stopped = stands(bob, mark, "stopped");
        assert_eq!(stopped["code"], code, "{what}: {stopped}");
        assert!(stopped["message"].as_str().unwrap().contains(words), "{what}: {stopped}");
        assert!(!place.exists(), "{what}");
        ann.say(ROOM, what, what);
        bob.hears(what);
        let mark = bob.mark();
        bob.tell(json!({"cmd": "transfer", "transfer": stopped["transfer"], "steer": "cancel"}));
        stands(bob, mark, "cancelled");
        assert_eq!(names(&got), Vec::<String>::new(), "{what}");
        relay.terminate();
    }
    // A relay that is honest again gives the rest.
    let (mut one, mut two) = (genuine[0].clone(), genuine[1].clone());
    TAMPERED[1].1(&mut one, &mut two);
    one.write(&home);
    relay.restart();
    let mark = fetch(bob, &message, &place);
    let stopped = stands(bob, mark, "stopped");
    relay.terminate();
    genuine[0].clone().write(&home);
    relay.restart();
    let mark = bob.mark();
    bob.tell(json!({"cmd": "transfer", "transfer": stopped["transfer"], "steer": "resume"}));
    stands(bob, mark, "done");
    assert!(fs::read(&place).unwrap() == bytes(SIZE, 0));
    assert_eq!(names(&got), ["there.bin"]);
    for person in &mut people {
        assert_eq!(person.alarms(), Vec::<Value>::new());
    }
}
