use proptest::prelude::*;

use super::*;
use crate::crypto::aead::testing::random;

const LAST: usize = CHUNK + 5;

/// A sealed file of three parts, and what it is sealed with.
fn file(test: &str) -> (Vec<SealedPart>, FileCipher) {
    let cipher = FileCipher::new(&FileKey::draw(&random(test)));
    let part = |n: u32, fill: u8, length| {
        cipher.seal(PartPosition::Data { part: n, last: n == 2 }, &vec![fill; length]).unwrap()
    };
    (vec![part(0, 1, PART), part(1, 2, PART), part(2, 3, LAST)], cipher)
}

fn place(part: u32, last: bool) -> PartPosition {
    PartPosition::Data { part, last }
}

#[test]
fn parts_come_back_in_any_order() {
    let (parts, cipher) = file("order");
    for (n, length) in [(2, LAST), (0, PART), (1, PART), (0, PART)] {
        let sealed = &parts[n as usize];
        assert_eq!(sealed.bytes.len(), sealed_len(length));
        let opened = cipher.open(place(n, n == 2), &sealed.bytes).unwrap();
        assert_eq!(*opened, vec![u8::try_from(n).unwrap() + 1; length]);
    }
    assert_eq!(sealed_len(PART), SEALED_PART);
}

#[test]
fn moved_cut_and_lengthened_parts_are_refused() {
    let (parts, cipher) = file("moved");
    let [a, b, c] = [0, 1, 2].map(|i: usize| parts[i].bytes.clone());
    let other = FileCipher::new(&FileKey::from_bytes([0; 32]));
    assert!(other.open(place(0, false), &a).is_err(), "under another key");
    let swapped =
        [&a[SEALED_PART / 16..SEALED_PART / 8], &a[..SEALED_PART / 16], &a[SEALED_PART / 8..]].concat();
    let table = [
        ("in another's place", place(1, false), a.clone()),
        ("last where it is not", place(1, true), b.clone()),
        ("not last where it is", place(2, false), c.clone()),
        ("as the list", PartPosition::List, c.clone()),
        ("chunks swapped", place(0, false), swapped),
        ("cut by a chunk", place(0, false), a[..SEALED_PART - (CHUNK + TAG)].to_vec()),
        ("cut by a byte", place(2, true), c[..c.len() - 1].to_vec()),
        ("lengthened by a byte", place(2, true), [&c[..], &[0]].concat()),
        ("lengthened by a tag", place(2, true), [&c[..], &[0; TAG]].concat()),
        ("over a part", place(2, true), [&b[..], &c[..]].concat()),
        ("empty", place(2, true), vec![]),
        ("shorter than a tag", place(2, true), c[..TAG - 1].to_vec()),
        ("nothing but a tag", place(2, true), c[..TAG].to_vec()),
    ];
    for (wrong, place, sealed) in table {
        assert!(cipher.open(place, &sealed).is_err(), "{wrong}");
    }
    for at in [0, CHUNK, CHUNK + TAG, SEALED_PART - 1] {
        let mut bad = a.clone();
        bad[at] ^= 1;
        assert_eq!(cipher.open(place(0, false), &bad).unwrap_err(), OpenPartError::Forged);
    }
}

#[test]
fn parts_of_other_lengths_are_not_sealed() {
    let cipher = FileCipher::new(&FileKey::draw(&random("lengths")));
    for (place, length) in [
        (place(0, false), 0),
        (place(0, false), PART - 1),
        (place(0, false), PART + 1),
        (place(0, true), 0),
        (place(0, true), PART + 1),
        (PartPosition::List, 0),
        (PartPosition::List, PART + 1),
    ] {
        assert_eq!(cipher.seal(place, &vec![0; length]).unwrap_err(), SealPartError::Length(length));
    }
}

#[test]
fn number_of_a_chunk_never_wraps() {
    let cipher = FileCipher::new(&FileKey::draw(&random("wrap")));
    let last = u32::MAX / CHUNKS;
    let sealed = cipher.seal(place(last, false), &[0; PART]).unwrap();
    assert!(cipher.open(place(last, false), &sealed.bytes).is_ok());
    assert_eq!(cipher.seal(place(last + 1, true), &[0]).unwrap_err(), SealPartError::Exhausted);
    assert_eq!(cipher.open(place(last + 1, true), &[0; TAG + 1]).unwrap_err(), OpenPartError::Exhausted);
}

#[test]
fn list_and_first_part_share_no_nonce() {
    let cipher = FileCipher::new(&FileKey::draw(&random("list")));
    let (list, part) =
        (cipher.seal(PartPosition::List, &[7; 64]).unwrap(), cipher.seal(place(0, true), &[7; 64]).unwrap());
    assert_ne!(list.bytes[..64], part.bytes[..64]);
    assert!(
        cipher.open(PartPosition::List, &part.bytes).is_err()
            && cipher.open(place(0, true), &list.bytes).is_err()
    );
}

#[test]
fn what_is_sealed_again_is_the_same_or_is_not_given_out() {
    let (parts, cipher) = file("again");
    let again = cipher.seal_again(place(1, false), &[2; PART], &parts[1].hash).unwrap();
    assert_eq!(again, parts[1]);
    let mut other = vec![2; PART];
    other[PART - 1] = 3;
    assert_eq!(cipher.seal_again(place(1, false), &other, &parts[1].hash), None, "another text");
    assert_eq!(cipher.seal_again(place(0, false), &[2; PART], &parts[1].hash), None, "another place");
}

#[test]
fn hash_of_a_part_is_that_of_what_is_sealed_of_this_text_and_of_no_other() {
    let cipher = FileCipher::new(&FileKey::from_bytes([5; 32]));
    let sealed = cipher.seal(place(0, true), b"one").unwrap();
    assert_eq!(cipher.hash(place(0, true), b"one"), Some(sealed.hash));
    assert_ne!(cipher.hash(place(0, true), b"two"), Some(sealed.hash));
    assert_ne!(cipher.hash(place(1, true), b"one"), Some(sealed.hash));
    assert_eq!(cipher.hash(place(0, false), b"one"), None, "no part can stand there");
}

#[test]
fn debug_shows_no_key() {
    let key = FileKey::draw(&random("debug"));
    assert_eq!(format!("{key:?} {:?}", FileCipher::new(&key)), "FileKey(..) FileCipher");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Parts that stand one behind the other are the stream of the whole file, chunk by chunk.
    #[test]
    fn nonces_of_a_file_are_those_of_one_stream(length in 1..3 * PART + 2) {
        let parts = length.div_ceil(PART);
        let mut found = Vec::new();
        for part in 0..parts {
            let last = part + 1 == parts;
            let plaintext = (length - part * PART).min(PART);
            let place = place(u32::try_from(part).unwrap(), last);
            found.extend(Nonces::of(place, plaintext).unwrap());
        }
        let chunks = length.div_ceil(CHUNK);
        prop_assert_eq!(found.len(), chunks);
        for (i, nonce) in found.iter().enumerate() {
            let mut expected = [0; NONCE];
            expected[7..11].copy_from_slice(&u32::try_from(i).unwrap().to_be_bytes());
            expected[11] = u8::from(i + 1 == chunks);
            prop_assert_eq!(nonce, &expected);
        }
    }
}
