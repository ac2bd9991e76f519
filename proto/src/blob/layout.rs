//! How a file's bytes are cut into parts.

/// Bytes of every part but the last: sixteen chunks of 64 KiB, each sealed with 16 bytes more.
pub const PART: usize = 16 * ((64 << 10) + 16);

/// Most parts of one file: 64 GiB, and a list of parts in 8 KiB.
pub const MAX_PARTS: u32 = 1 << 16;

/// A size, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    size: u64,
    parts: u32,
}

/// A size that no file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a file has 1 byte to {MAX_PARTS} parts of {PART} bytes, not {0} bytes")]
pub struct BadSize(pub u64);

impl Layout {
    /// The layout of a file whose parts have so many bytes together.
    ///
    /// # Errors
    /// [`BadSize`] for nothing, and for more than [`MAX_PARTS`] parts.
    pub fn of(size: u64) -> Result<Self, BadSize> {
        match u32::try_from(size.div_ceil(PART as u64)) {
            Ok(parts @ 1..=MAX_PARTS) => Ok(Self { size, parts }),
            _ => Err(BadSize(size)),
        }
    }

    /// Bytes of all parts together.
    pub fn size(self) -> u64 {
        self.size
    }

    /// How many parts there are.
    pub fn parts(self) -> u32 {
        self.parts
    }

    /// Where a part begins.
    pub fn offset(self, number: u32) -> u64 {
        u64::from(number) * PART as u64
    }

    /// Bytes of a part; `None` for one that the file does not have.
    pub fn length(self, number: u32) -> Option<usize> {
        if number >= self.parts {
            return None;
        }
        let left = self.size.saturating_sub(self.offset(number));
        Some(usize::try_from(left).unwrap_or(PART).min(PART))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_full_but_for_the_last() {
        for (size, parts, last) in [
            (1, 1, 1),
            (PART as u64, 1, PART),
            (PART as u64 + 1, 2, 1),
            (3 * PART as u64 - 1, 3, PART - 1),
            (u64::from(MAX_PARTS) * PART as u64, MAX_PARTS, PART),
        ] {
            let layout = Layout::of(size).unwrap();
            assert_eq!(layout.parts(), parts);
            assert_eq!(layout.length(parts - 1), Some(last));
            assert_eq!(layout.length(parts), None);
            if parts > 1 {
                assert_eq!(layout.length(0), Some(PART));
            }
            assert_eq!(layout.offset(parts - 1) + last as u64, size);
        }
        for size in [0, u64::from(MAX_PARTS) * PART as u64 + 1, u64::MAX] {
            assert_eq!(Layout::of(size), Err(BadSize(size)));
        }
    }
}
