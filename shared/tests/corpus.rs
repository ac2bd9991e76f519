//! Each seed, and each input that fuzzing once found, through the function that fuzzing runs.

use std::{env, fs, path::Path};

use mls_rs_core::crypto::SignaturePublicKey;
use proto::{Message as _, RoomId};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use shared::{
    content,
    crypto::random::Random,
    file::{FileCipher, FileKey, PartPosition},
    identity::{Identity, credential::certify},
    invite::{
        InviteSecret,
        link::{AnyLink, InviteLink, Link},
        list,
        pieces::Tree,
        slot,
    },
};

/// Those that the client's own tests run.
const OF_CLIENT: [&str; 1] = ["backup"];

fn corpus() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus"))
}

#[test]
fn no_corpus_file_finds_a_fault() {
    for (target, run) in shared::fuzz::TARGETS {
        let mut files = 0;
        for entry in fs::read_dir(corpus().join(target)).unwrap() {
            run(&fs::read(entry.unwrap().path()).unwrap());
            files += 1;
        }
        assert!(files > 0, "{target} has no seeds");
    }
}

#[test]
fn every_corpus_belongs_to_a_target() {
    let targets = [shared::fuzz::TARGETS, proto::fuzz::TARGETS].concat();
    let names: Vec<&str> = targets.iter().map(|(target, _)| *target).chain(OF_CLIENT).collect();
    for entry in fs::read_dir(corpus()).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(names.iter().any(|target| name == *target), "{}", name.display());
    }
}

/// The seeds that only a genuine one can be, as this version makes them: else fuzzing begins behind the first check.
#[allow(clippy::unwrap_used)]
fn genuine() -> Vec<(&'static str, Vec<u8>)> {
    let (room, secret) = (RoomId([0; 32]), InviteSecret::from_bytes([0x42; 20]));
    let (maker, random) =
        (Identity::without_recovery(&[0x43; 32]), Random::new(ChaCha20Rng::seed_from_u64(1)));
    let credential = |name: &str| {
        let leaf_key = SignaturePublicKey::new(vec![7; 32]);
        let identity = certify(&maker, &room, name, "laptop", [9; 16], &leaf_key);
        identity.credential.as_custom().unwrap().data.clone()
    };
    let text = |pin| {
        let link = Link { secret: secret.clone(), pin };
        InviteLink { host: "chat.example.org".to_owned(), port: 4443, link }.to_string().into_bytes()
    };
    let invite = list(&secret, &room, (0, 3), &maker).unwrap();
    let tree = Tree(vec![b"a leaf".to_vec(), b"a parent".to_vec(), b"another leaf".to_vec()]);
    let inside = (&[5; 32], &b"a group's state"[..], &tree);
    let slot = slot::seal(&room, &[invite], inside, None, &random).unwrap();
    let (sealed, pieces) = (slot.sealed.into(), slot.pieces.into());
    let found = proto::relay::Slot { last_commit: 1, sealed, pieces };
    let told = content::File {
        id: vec![1; 16].into(),
        key: vec![2; 32].into(),
        size: 3_000_000,
        name: "../cat.jpg".to_owned(),
        media_type: "image/jpeg".to_owned(),
        parts: vec![3; 32].into(),
        ..content::File::default()
    };
    let cipher = FileCipher::new(&FileKey::from_bytes([0x42; 32]));
    let place = PartPosition::Data { part: 2, last: true };
    vec![
        ("link/text", text(Some([0xab; 20]))),
        ("link/text-without-pin", text(None)),
        ("link/fields", [&[0][..], secret.as_bytes(), &[0xab; 20]].concat()),
        ("credential/plain", credential("ann")),
        ("slot_open/slot", found.encode_to_vec()),
        ("file/manifest", [&[0][..], &told.encode_to_vec()].concat()),
        ("file/list", [&[1][..], &cipher.seal(PartPosition::List, &[7; 96]).unwrap().bytes].concat()),
        ("file/part", [&[5][..], &cipher.seal(place, b"the last part").unwrap().bytes].concat()),
    ]
}

/// With `SCHAT_RESEED` set they are written instead.
#[test]
fn genuine_seeds_are_of_this_version() {
    for (name, bytes) in genuine() {
        let path = corpus().join(name);
        if env::var_os("SCHAT_RESEED").is_some() {
            fs::write(&path, &bytes).unwrap();
        }
        assert!(
            fs::read(&path).is_ok_and(|found| found == bytes),
            "{name} is of another version: set SCHAT_RESEED"
        );
    }
    let text = String::from_utf8(fs::read(corpus().join("link/text")).unwrap()).unwrap();
    assert!(matches!(text.parse(), Ok(AnyLink::Invite(_))));
    let found = fs::read(corpus().join("slot_open/slot")).unwrap();
    let found = proto::relay::Slot::decode(&*found).unwrap();
    let opened = slot::open(&RoomId([0; 32]), &InviteSecret::from_bytes([0x42; 20]), &found);
    assert_eq!(opened.map(|(key, _)| *key).ok(), Some([5; 32]));
}
