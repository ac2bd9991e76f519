//! How large a file is on the wire: buckets and parts.
//!
//! The relay sees how many bytes a file takes. So a file is filled up with zeros to a bucket: 64 KiB at least, and above
//! that eight buckets between two powers of two.
//!
//! | file | buckets are multiples of | most that is filled up |
//! |---|---|---|
//! | 0 – 64 KiB | 64 KiB | all |
//! | – 128 KiB | 8 KiB | 12.5 % |
//! | – 256 KiB | 16 KiB | 12.5 % |
//! | … | an eighth of the power of two below | 12.5 % |
//! | – 1 GiB | 64 MiB | 12.5 % |
//! | – 32 GiB | 2 GiB | 12.5 % |
//!
//! On average it costs about 4 % of a file above 64 KiB. 113 buckets up to 1 GiB: the size tells less than 7 bits.

use crate::crypto::aead::stream::{HASH, PART, PartPosition, SEALED_PART, sealed_len};

/// Least bucket, in bytes: one chunk of the cipher.
const LEAST: u64 = 64 << 10;

/// Buckets between two powers of two, as a power of two.
const FINE: u32 = 3;

/// Most parts of a file's bytes: the list of their hashes is one part. 32 GiB.
pub const MAX_PARTS: u32 = 32_768;

/// How a file of some size is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    size: u64,
    padded: u64,
    parts: u32,
}

impl Shape {
    /// None for a file over 32 GiB.
    pub fn of(size: u64) -> Option<Self> {
        let padded = bucket(size)?;
        let parts = u32::try_from(padded.div_ceil(PART as u64)).ok().filter(|parts| *parts <= MAX_PARTS)?;
        Some(Self { size, padded, parts })
    }

    /// Bytes of the file itself.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes with what it is filled up with.
    pub fn padded(&self) -> u64 {
        self.padded
    }

    /// Parts that its bytes take, at least one.
    pub fn parts(&self) -> u32 {
        self.parts
    }

    /// Where that part stands. None: the file has none such.
    pub fn place(&self, part: u32) -> Option<PartPosition> {
        (part < self.parts).then(|| PartPosition::Data { part, last: part + 1 == self.parts })
    }

    /// Where a part begins in the file.
    pub fn offset(&self, part: u32) -> u64 {
        u64::from(part) * PART as u64
    }

    /// Plaintext of a part, in bytes.
    pub fn len(&self, part: u32) -> usize {
        within(self.padded, self.offset(part))
    }

    /// Bytes of the file itself in a part; zeros follow.
    pub fn own_len(&self, part: u32) -> usize {
        within(self.size, self.offset(part))
    }

    /// The last part.
    pub fn last(&self) -> u32 {
        self.parts.saturating_sub(1)
    }

    /// The last part as sealed, in bytes; the sealed list follows.
    pub fn last_sealed(&self) -> usize {
        sealed_len(self.len(self.last()))
    }

    /// All that the relay keeps of it, in bytes: each part but the last is a part at the relay; the last part and the list
    /// stand behind them, and are cut there as the relay cuts.
    pub fn sealed(&self) -> u64 {
        let tail = self.last_sealed() + sealed_len(self.parts as usize * HASH);
        u64::from(self.last()) * SEALED_PART as u64 + tail as u64
    }
}

/// Bytes of a part that begins at `offset`, of `all`.
fn within(all: u64, offset: u64) -> usize {
    usize::try_from(all.saturating_sub(offset)).unwrap_or(PART).min(PART)
}

/// The least bucket that holds so many bytes.
fn bucket(size: u64) -> Option<u64> {
    if size <= LEAST {
        return Some(LEAST);
    }
    // The power of two below: what is exactly one stays as it is.
    let power = size.checked_sub(1)?.checked_ilog2()?;
    size.checked_next_multiple_of(1_u64.checked_shl(power.checked_sub(FINE)?)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_are_what_the_table_says() {
        const K: u64 = 1 << 10;
        const M: u64 = 1 << 20;
        const G: u64 = 1 << 30;
        let table = [
            (0, 64 * K),
            (1, 64 * K),
            (64 * K, 64 * K),
            (64 * K + 1, 72 * K),
            (128 * K, 128 * K),
            (128 * K + 1, 144 * K),
            (M, M),
            (M + 1, M + 128 * K),
            (1000 * M, 1024 * M),
            (G, G),
            (G + 1, G + 128 * M),
            (32 * G, 32 * G),
        ];
        for (size, padded) in table {
            assert_eq!(Shape::of(size).map(|shape| shape.padded()), Some(padded), "{size}");
        }
        let buckets: std::collections::BTreeSet<_> =
            (0..1 << 14).filter_map(|n| bucket(n * 64 * K)).collect();
        assert_eq!(Shape::of(32 * G + 1), None);
        assert_eq!(Shape::of(u64::MAX), None);
        assert!(buckets.len() <= 113, "{}", buckets.len());
    }

    #[test]
    fn the_list_stands_behind_the_last_part() {
        let shape = Shape::of(1 << 30).unwrap();
        assert_eq!((shape.parts(), shape.last(), shape.last_sealed()), (1024, 1023, SEALED_PART));
        assert_eq!(shape.sealed(), 1024 * SEALED_PART as u64 + 1024 * 32 + 16);
        let small = Shape::of(5).unwrap();
        assert_eq!((small.parts(), small.sealed()), (1, (64 << 10) + 16 + 32 + 16));
        assert_eq!((small.len(1), small.place(1)), (0, None));
        // The relay's own bound.
        let most = Shape::of(32 << 30).unwrap();
        assert!(most.sealed() <= u64::from(2 * MAX_PARTS) * SEALED_PART as u64);
    }

    proptest! {
        #[test]
        fn parts_cover_the_file_and_little_is_filled_up(size in 0_u64..8 << 30) {
            let shape = Shape::of(size).unwrap();
            prop_assert!(shape.padded() >= size);
            prop_assert!(size <= LEAST || shape.padded() - size <= size / 8);
            prop_assert_eq!(Shape::of(shape.padded()).unwrap().padded(), shape.padded());
            let data = 0..shape.parts();
            prop_assert_eq!(data.clone().map(|n| shape.len(n) as u64).sum::<u64>(), shape.padded());
            prop_assert_eq!(data.clone().map(|n| shape.own_len(n) as u64).sum::<u64>(), size);
            prop_assert!(data.clone().all(|n| shape.own_len(n) <= shape.len(n) && shape.len(n) > 0));
            let full = data.clone().all(|n| (n == shape.last()) || shape.len(n) == PART);
            prop_assert!(full && shape.len(shape.parts()) == 0);
        }
    }
}
