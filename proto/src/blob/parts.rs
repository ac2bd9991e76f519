//! Which parts of a file are there: a bit for each, on the wire and on disk.

use bytes::Bytes;

use super::layout::Layout;

/// A set of parts of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartSet {
    bits: Vec<u8>,
    parts: u32,
    count: u32,
}

/// Bytes that are no set of this file's parts: one that the file does not have, or a zero byte at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a list of parts of this file")]
pub struct BadParts;

impl PartSet {
    /// None of them.
    pub fn none(layout: Layout) -> Self {
        let parts = layout.parts();
        Self { bits: vec![0; parts.div_ceil(8) as usize], parts, count: 0 }
    }

    /// The set that these bytes say: each has one form.
    ///
    /// # Errors
    /// [`BadParts`] for a part that the file does not have, and for zero bytes at the end.
    pub fn from_bytes(layout: Layout, bytes: &[u8]) -> Result<Self, BadParts> {
        let mut set = Self::none(layout);
        if bytes.last() == Some(&0) || bytes.len() > set.bits.len() {
            return Err(BadParts);
        }
        for (byte, given) in set.bits.iter_mut().zip(bytes) {
            *byte = *given;
        }
        let over = u32::try_from(set.bits.len()).unwrap_or(u32::MAX) * 8 - set.parts;
        if set.bits.last().is_some_and(|last| last.leading_zeros() < over) {
            return Err(BadParts);
        }
        set.count = set.bits.iter().map(|byte| byte.count_ones()).sum();
        Ok(set)
    }

    /// As on the wire.
    pub fn to_bytes(&self) -> Bytes {
        let used = self.bits.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        Bytes::copy_from_slice(self.bits.get(..used).unwrap_or_default())
    }

    /// Whether a part is in it.
    pub fn has(&self, number: u32) -> bool {
        self.bits.get((number / 8) as usize).is_some_and(|byte| byte & (1 << (number % 8)) != 0)
    }

    /// Adds a part; says whether it was not in it. One that the file does not have is not added.
    pub fn add(&mut self, number: u32) -> bool {
        if number >= self.parts || self.has(number) {
            return false;
        }
        if let Some(byte) = self.bits.get_mut((number / 8) as usize) {
            *byte |= 1 << (number % 8);
            self.count += 1;
        }
        true
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Whether it is all of them.
    pub fn is_whole(&self) -> bool {
        self.count == self.parts
    }

    /// Those that are not in it, in order.
    pub fn missing(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.parts).filter(|number| !self.has(*number))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::layout::PART, *};

    fn layout(parts: u64) -> Layout {
        Layout::of(parts * PART as u64).unwrap()
    }

    #[test]
    fn set_survives_its_bytes() {
        let mut set = PartSet::none(layout(20));
        assert!(set.to_bytes().is_empty());
        assert!(set.add(0) && set.add(9) && !set.add(9) && !set.add(20));
        assert_eq!(set.to_bytes(), [1, 2][..]);
        assert_eq!(PartSet::from_bytes(layout(20), &[1, 2]), Ok(set.clone()));
        assert_eq!((set.count(), set.missing().count()), (2, 18));
        for number in 0..20 {
            set.add(number);
        }
        assert!(set.is_whole());
        assert_eq!(set.to_bytes(), [0xff, 0xff, 0x0f][..]);
    }

    #[test]
    fn set_has_one_form_and_no_parts_that_the_file_has_not() {
        for bytes in [&[1, 0][..], &[0], &[0, 0, 0x10], &[0, 0, 0, 1]] {
            assert_eq!(PartSet::from_bytes(layout(20), bytes), Err(BadParts), "{bytes:?}");
        }
        assert!(PartSet::from_bytes(layout(20), &[0, 0, 0x0f]).is_ok());
        assert!(PartSet::from_bytes(layout(8), &[0xff]).unwrap().is_whole());
    }
}
