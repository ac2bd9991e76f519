use rand_core::UnwrapErr;

use super::*;

/// As little as there can be, so that tests of the format are quick.
const LEAST: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

fn random() -> Random {
    Random::new(UnwrapErr(getrandom::SysRng))
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::given(text).unwrap()
}

fn key() -> ProfileKey {
    ProfileKey(Zeroizing::new(std::array::from_fn(|n| n as u8)))
}

fn locked() -> Vec<u8> {
    Wrap::seal(&key(), &passphrase("correct horse"), LEAST, &random()).unwrap().to_bytes()
}

/// As somebody writes it who knows how.
fn repaired(mut bytes: Vec<u8>) -> Vec<u8> {
    let body = bytes.len() - CHECKSUM;
    let checksum = checksum(&bytes[..body]);
    bytes[body..].copy_from_slice(&checksum);
    bytes
}

fn open(bytes: &[u8], with: &str) -> Result<ProfileKey, StoreError> {
    Wrap::parse(bytes)?.open(&passphrase(with))
}

#[test]
fn wrong_passphrase_is_told_from_damage() {
    let bytes = locked();
    assert_eq!(bytes.len(), Wrap::LEN);
    assert_eq!(open(&bytes, "correct horse").unwrap().0, key().0);
    for wrong in ["correct hors", "correct horse ", "Correct horse", "x"] {
        assert!(matches!(open(&bytes, wrong), Err(StoreError::WrongPassphrase)));
    }
    assert_ne!(locked(), locked(), "salts differ");
}

#[test]
fn each_bit_that_is_not_what_was_written_is_damage() {
    let bytes = locked();
    for bit in 0..8 * bytes.len() {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        // Another version or kind is one that is not known yet.
        let is_known = !(8..10).contains(&(bit / 8));
        let refused = Wrap::parse(&bad).err();
        assert!(
            match is_known {
                true => matches!(refused, Some(StoreError::BadKeyFile(_))),
                false => matches!(refused, Some(StoreError::TooNew)),
            },
            "bit {bit}"
        );
    }
    for length in 0..bytes.len() {
        assert!(matches!(Wrap::parse(&bytes[..length]), Err(StoreError::BadKeyFile(_))), "{length} bytes");
    }
    assert!(matches!(Wrap::parse(&[&bytes[..], &[0]].concat()), Err(StoreError::BadKeyFile(_))));
}

/// With a checksum that is right: nothing opens that was not sealed so.
#[test]
fn each_bit_that_somebody_changes_with_care_opens_nothing() {
    let bytes = locked();
    for bit in 0..8 * (bytes.len() - CHECKSUM) {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        // More work than a test should do; the bounds have a test of their own, and the rest of the numbers is below.
        let is_costly = Wrap::parse(&repaired(bad.clone())).is_ok_and(|wrap| wrap.cost.memory_kib > 1 << 10);
        assert!(is_costly || open(&repaired(bad), "correct horse").is_err(), "bit {bit}");
    }
}

/// The secret does not depend on the version and the kind: only the seal knows them.
#[test]
fn header_of_another_file_does_not_open() {
    let wrap = Wrap::parse(&locked()).unwrap();
    for at in 0..HEADER {
        let mut other = Wrap { header: wrap.header, cost: wrap.cost, salt: wrap.salt, sealed: wrap.sealed };
        other.header[at] ^= 1;
        assert!(
            matches!(other.open(&passphrase("correct horse")), Err(StoreError::WrongPassphrase)),
            "byte {at}"
        );
    }
}

#[test]
fn cost_out_of_bounds_is_refused_before_memory_is_taken() {
    let with = |memory: u32, passes: u32, lanes: u32| {
        let mut bytes = locked();
        let numbers = [memory, passes, lanes].map(u32::to_be_bytes);
        bytes[10..22].copy_from_slice(numbers.as_flattened());
        Wrap::parse(&repaired(bytes)).map(|wrap| wrap.cost)
    };
    let most = Cost { memory_kib: 256 << 10, passes: 16, lanes: 16 };
    assert_eq!(with(256 << 10, 16, 16).unwrap(), most);
    assert_eq!(with(8, 1, 1).unwrap(), LEAST);
    for (memory, passes, lanes) in [
        (u32::MAX, 1, 1),
        ((256 << 10) + 1, 1, 1),
        (1 << 20, 17, 1),
        (64 << 10, 17, 4),
        (64 << 10, u32::MAX, 4),
        (64 << 10, 0, 4),
        (64 << 10, 3, 0),
        (64 << 10, 3, 17),
        (64 << 10, 3, u32::MAX),
        (7, 1, 1),
        (0, 1, 1),
        (31, 3, 4),
    ] {
        let refused = with(memory, passes, lanes);
        assert!(matches!(refused, Err(StoreError::BadKeyFile(_))), "{memory} {passes} {lanes}");
    }
}

#[test]
fn later_version_or_kind_is_not_called_damaged() {
    for (at, value) in [(8, 2), (9, 2), (9, 0)] {
        let mut bytes = locked();
        bytes[at] = value;
        assert!(matches!(Wrap::parse(&bytes), Err(StoreError::TooNew)), "its checksum may be another");
        assert!(matches!(Wrap::parse(&repaired(bytes.clone())), Err(StoreError::TooNew)));
        assert!(matches!(Wrap::parse(&bytes[..60]), Err(StoreError::TooNew)), "or its length");
    }
}

/// Made by another implementation; docs/lock.md says how.
#[test]
fn vectors_of_the_document_open_and_are_made_again() {
    let document = include_str!("../../../../../docs/lock.md");
    let value = |name: &str| {
        let line =
            document.lines().filter_map(|line| line.trim().strip_prefix(name)?.trim().strip_prefix('='));
        line.map(|value| value.trim().to_owned()).collect::<Vec<_>>()
    };
    let (words, keys, files) = (value("passphrase"), value("key"), value("file"));
    assert_eq!((words.len(), keys.len(), files.len()), (2, 2, 2));
    for ((words, key), file) in words.iter().zip(keys).zip(files) {
        let file = hex::decode(file).unwrap();
        let opened = open(&file, words).unwrap();
        assert_eq!(hex::encode(opened.0.as_slice()), key);
        // The salts are all that is random.
        let salts = [&file[22..38], &file[39..63]].concat();
        let wrap = Wrap::parse(&file).unwrap();
        let again = Wrap::seal(&opened, &passphrase(words), wrap.cost, &Random::new(Fixed(salts))).unwrap();
        assert_eq!(hex::encode(again.to_bytes()), hex::encode(&file));
    }
}

/// Hands out these bytes.
struct Fixed(Vec<u8>);

impl rand_core::TryRng for Fixed {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        unreachable!()
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        unreachable!()
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        out.copy_from_slice(&self.0[..out.len()]);
        self.0.drain(..out.len());
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Fixed {}
