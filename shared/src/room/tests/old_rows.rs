//! Rooms that another version of the program left behind: told as such, never as damage.

use prost::Message as _;
use zeroize::Zeroizing;

use super::world::World;
use crate::{
    crypto::suite::Suite,
    room::{Engine, EngineError, OldRoom},
};

/// The row `meta` as version 1 wrote it, as far as every room has it.
#[derive(Clone, PartialEq, prost::Message)]
struct MetaOfVersion1 {
    #[prost(bytes = "vec", tag = "1")]
    room_id: Vec<u8>,
    #[prost(string, tag = "2")]
    room_name: String,
    #[prost(uint32, tag = "4")]
    phase: u32,
    #[prost(uint64, tag = "5")]
    cursor: u64,
    #[prost(bytes = "vec", tag = "9")]
    access_secret: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    leaf_secret: Vec<u8>,
    #[prost(bytes = "vec", tag = "11")]
    leaf_public: Vec<u8>,
    #[prost(bytes = "vec", tag = "12")]
    device_id: Vec<u8>,
    #[prost(string, tag = "13")]
    name: String,
    #[prost(uint32, tag = "14")]
    suite: u32,
    #[prost(uint64, tag = "15")]
    next_counter: u64,
}

fn version_1() -> MetaOfVersion1 {
    MetaOfVersion1 {
        room_id: vec![7; 32],
        room_name: "team".to_owned(),
        phase: 4,
        cursor: 12,
        access_secret: vec![1; 32],
        leaf_secret: vec![2; 64],
        leaf_public: vec![3; 32],
        device_id: vec![4; 16],
        name: "ann".to_owned(),
        suite: 3,
        next_counter: 5,
    }
}

fn load(rows: &[(&str, Vec<u8>)]) -> Result<(), EngineError> {
    let world = World::new(&["ann"], Suite::Classic, 1);
    let rows = rows.iter().map(|(key, value)| ((*key).to_owned(), Zeroizing::new(value.clone()))).collect();
    Engine::load(&world.devices[0].profile, rows, world.now).map(drop)
}

#[test]
fn room_of_version_1_is_told_as_such_whatever_else_is_there() {
    let meta = version_1().encode_to_vec();
    assert_eq!(OldRoom::of(&meta), Some(OldRoom { open: false }));
    for rows in [
        vec![("meta", meta.clone())],
        vec![("meta", meta.clone()), ("group", vec![1; 100]), ("tree", vec![2; 100])],
        vec![("meta", meta), ("outbox/00000000000000000001", vec![0xff; 3]), ("something", Vec::new())],
    ] {
        assert!(matches!(load(&rows), Err(EngineError::Version1)), "{rows:?}");
    }
}

#[test]
fn room_of_a_later_version_is_told_as_such() {
    let mut meta = version_1().encode_to_vec();
    meta.extend([0x98, 0x06, 3]);
    assert_eq!(OldRoom::of(&meta), None);
    assert!(matches!(load(&[("meta", meta)]), Err(EngineError::TooNew)));
}

#[test]
fn room_of_this_version_is_neither() {
    let mut world = World::room_of(&["ann", "bob"], Suite::Classic, 2);
    world.crash(0);
    let meta = world.devices[0].rows.get("meta").unwrap();
    assert_eq!(OldRoom::of(meta), None);
    world.restart(0);
    assert_eq!(OldRoom::of(b"\xff\xff"), None);
    assert!(matches!(load(&[("meta", vec![0xff; 9])]), Err(EngineError::Damaged)));
    assert!(matches!(load(&[]), Err(EngineError::Damaged)));
}

/// All parts of the engine once stood in one row. The bytes of several messages one after the other are one message.
#[test]
fn room_whose_parts_stand_in_one_row_is_read_and_goes_on() {
    let mut world = World::room_of(&["ann", "bob"], Suite::Classic, 3);
    let mut rows = world.devices[0].rows.clone();
    for part in ["own", "wishes", "invites", "handover", "books", "back"] {
        let value = rows.remove(part).unwrap();
        rows.get_mut("meta").unwrap().extend_from_slice(&value);
    }
    world.put_back(0, rows);
    world.connect(0);
    world.settle();
    world.assert_talks(&[0, 1]);
    assert!(world.devices[0].rows.contains_key("books"));
}
