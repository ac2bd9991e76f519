//! How an entry lies in the database: its publish id, a checksum, and the [`Deliver`].
//!
//! ```text
//! row = publish id (16) ‖ 0xf7 ‖ CRC-32 over id and Deliver (4, big-endian) ‖ Deliver
//! ```
//!
//! redb has sums of its pages, and looks at them only after a crash. This one finds damage; whoever forges rows writes it,
//! too. Rows of format 2 have none: their [`Deliver`] follows at once, and begins with its sequence number. They are read
//! for as long as they are kept.

use bytes::Bytes;
use proto::{Message, PublishId, relay::Deliver};

/// A checksum follows. No bit is that of [`PLAIN`]: damage does not make one of the other.
const SUMMED: u8 = 0xf7;
/// The key of `Deliver.seq`, which is never 0: the row has no checksum.
const PLAIN: u8 = 1 << 3;
/// The key of `Deliver.at_ms`.
const AT_MS: u8 = 2 << 3;

/// Where the [`Deliver`] begins in a row that is written.
pub(super) const ENTRY: usize = PublishId::LEN + 1 + SUM;
const SUM: usize = 4;

/// A row.
pub(super) fn encode(id: &PublishId, entry: &Deliver) -> Vec<u8> {
    let mut row = Vec::with_capacity(ENTRY + entry.encoded_len());
    row.extend_from_slice(id.as_bytes());
    row.extend_from_slice(&[SUMMED, 0, 0, 0, 0]);
    entry.encode_raw(&mut row);
    let sum = checksum(id.as_bytes(), row.get(ENTRY..).unwrap_or_default());
    if let Some(place) = row.get_mut(PublishId::LEN + 1..ENTRY) {
        place.copy_from_slice(&sum);
    }
    row
}

/// The publish id and the [`Deliver`]'s bytes; `None` if the row is damaged.
pub(super) fn split(row: &[u8]) -> Option<(PublishId, &[u8])> {
    let (id, rest) = row.split_first_chunk::<{ PublishId::LEN }>()?;
    let entry = match rest.split_first()? {
        (&SUMMED, rest) => {
            let (sum, entry) = rest.split_first_chunk()?;
            (checksum(id, entry) == *sum).then_some(entry)?
        }
        (&PLAIN, _) => rest,
        _ => return None,
    };
    Some((PublishId(*id), entry))
}

/// What is in a row; `None` if it is damaged.
pub(super) fn decode(row: &[u8]) -> Option<(PublishId, Deliver)> {
    let (id, entry) = split(row)?;
    // One copy for the whole row; the envelope is then a slice of it.
    Some((id, Deliver::decode(Bytes::copy_from_slice(entry)).ok()?))
}

/// The publish id and the time of an entry, without a copy of its envelope; `None` if it is damaged.
pub(super) fn head(row: &[u8]) -> Option<(PublishId, u64)> {
    let (id, mut entry) = split(row)?;
    // Fields stand in the order of their numbers, and a time of 0 is left out.
    while let Some((&tag, rest)) = entry.split_first() {
        if tag != PLAIN && tag != AT_MS {
            break;
        }
        let (value, rest) = varint(rest)?;
        if tag == AT_MS {
            return Some((id, value));
        }
        entry = rest;
    }
    Some((id, 0))
}

/// A number as protobuf writes it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = 1 + bytes.iter().position(|byte| byte & 0x80 == 0)?;
    let (bytes, rest) = bytes.split_at_checked(length.min(10))?;
    let value = bytes.iter().rev().fold(0, |value: u64, byte| value << 7 | u64::from(byte & 0x7f));
    Some((value, rest))
}

fn checksum(id: &[u8], entry: &[u8]) -> [u8; SUM] {
    let mut sum = crc32fast::Hasher::new();
    sum.update(id);
    sum.update(entry);
    sum.finalize().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: PublishId = PublishId([3; 16]);

    fn entry(bytes: usize) -> Deliver {
        Deliver { seq: 300, at_ms: 7, envelope: vec![9; bytes].into(), ..Deliver::default() }
    }

    #[test]
    fn row_is_read_back_and_so_is_one_without_a_checksum() {
        for bytes in [0, 1, 127, 128, 60_000] {
            let entry = entry(bytes);
            let row = encode(&ID, &entry);
            assert_eq!(row.get(ENTRY..).unwrap(), entry.encode_to_vec());
            assert_eq!(decode(&row), Some((ID, entry.clone())));
            let plain = [ID.as_bytes(), entry.encode_to_vec().as_slice()].concat();
            assert_eq!(decode(&plain), Some((ID, entry)));
        }
    }

    #[test]
    fn time_of_an_entry_is_found_without_its_envelope() {
        for (seq, at_ms, bytes) in [(0, 0, 0), (1, 0, 5), (0, 7, 5), (300, u64::MAX, 40), (u64::MAX, 128, 0)]
        {
            let entry = Deliver { seq, at_ms, envelope: vec![0x10; bytes].into(), ..Deliver::default() };
            assert_eq!(head(&encode(&ID, &entry)).unwrap(), (ID, at_ms), "{entry:?}");
        }
        assert_eq!(head(&[0; 15]), None);
        assert_eq!(head(&[[0; 16].as_slice(), &[0x08, 0x80]].concat()), None);
    }

    #[test]
    fn each_bit_and_each_byte_that_is_missing_is_noticed() {
        let row = encode(&ID, &entry(50));
        for bit in 0..row.len() * 8 {
            let mut damaged = row.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&damaged), None, "{bit}");
        }
        for length in 0..row.len() {
            assert_eq!(decode(&row[..length]), None, "{length}");
        }
    }
}
