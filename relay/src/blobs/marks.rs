//! Marks: what says in a blob's file which parts were written there, so that those which the index does not have yet are not
//! sent once more after a crash.
//!
//! ```text
//! part 0 ‖ part 1 ‖ … ‖ last part ‖ mark 0 ‖ mark 1 ‖ …        mark n = sum of part n (4) ‖ CRC-32 of "part", n and that sum (4)
//! ```
//!
//! A mark is written behind its part, and nothing is made durable for it. So after a kill it says the truth. After a power cut it
//! may be there without its part, or with half of it: then the part has another sum, and the mark says nothing. They are cut off
//! when the blob is whole.

use std::io;

use proto::blob::Layout;

use super::{files::BlobFile, row::Row};
use crate::policy::files::UNKEPT_PARTS;

/// Bytes of a mark. They lie in one sector.
const MARK: usize = 8;

/// Whether parts of such a blob are marked: of a single one nothing is left to be saved.
pub(super) fn has(layout: Layout) -> bool {
    layout.parts() > 1
}

/// Writes the mark of a part that was written.
pub(super) fn put(file: &BlobFile, layout: Layout, number: u32, sum: u32) -> io::Result<()> {
    if !has(layout) {
        return Ok(());
    }
    file.write_at(&mark(number, sum), offset(layout) + u64::from(number) * MARK as u64)
}

/// Parts that the index does not have and that are there all the same, with their sums. They are written once more, to the same
/// bytes: what the system could not bring to the disk before it would not try again, nor say so again.
pub(super) fn found(file: &BlobFile, row: &Row) -> io::Result<Vec<(u32, u32)>> {
    let layout = row.layout;
    let length = file.length()?.saturating_sub(offset(layout)).min(u64::from(layout.parts()) * MARK as u64);
    if !has(layout) || row.parts.is_whole() || length < MARK as u64 {
        return Ok(Vec::new());
    }
    let marks = file.read_at(usize::try_from(length).unwrap_or_default(), offset(layout))?;
    let (marks, _) = marks.as_chunks::<MARK>();
    let marked =
        row.parts.missing().filter_map(|number| Some((number, sum(number, marks.get(number as usize)?)?)));
    let mut found = Vec::new();
    for (number, sum) in marked.take(UNKEPT_PARTS) {
        let bytes = file.read_at(layout.length(number).unwrap_or(0), layout.offset(number));
        let Some(bytes) = bytes.ok().filter(|bytes| crc32fast::hash(bytes) == sum) else { continue };
        file.write_at(&bytes, layout.offset(number))?;
        found.push((number, sum));
    }
    Ok(found)
}

/// The blob is whole, and the index says so: its file is its parts and nothing else.
pub(super) fn cut_off(file: &BlobFile, layout: Layout) {
    // They harm nobody where they stay.
    if let Err(error) = file.set_length(layout.size()) {
        tracing::debug!(%error, "marks of a file that is whole stay");
    }
}

/// Where they begin.
fn offset(layout: Layout) -> u64 {
    layout.size().next_multiple_of(MARK as u64)
}

fn mark(number: u32, sum: u32) -> [u8; MARK] {
    let mut mark = [0; MARK];
    let (front, back) = mark.split_at_mut(MARK / 2);
    front.copy_from_slice(&sum.to_be_bytes());
    back.copy_from_slice(&check(number, sum).to_be_bytes());
    mark
}

/// The sum that a mark says, if it is one.
fn sum(number: u32, mark: &[u8; MARK]) -> Option<u32> {
    let [a, b, c, d, ..] = *mark;
    let sum = u32::from_be_bytes([a, b, c, d]);
    (*mark == self::mark(number, sum)).then_some(sum)
}

fn check(number: u32, sum: u32) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(b"part");
    hasher.update(&number.to_be_bytes());
    hasher.update(&sum.to_be_bytes());
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_says_its_own_part_and_a_hole_says_nothing() {
        let there = mark(3, 77);
        assert_eq!(sum(3, &there), Some(77));
        assert_eq!(sum(2, &there), None, "another part's");
        assert_eq!(sum(0, &[0; MARK]), None);
        for bit in 0..MARK * 8 {
            let mut spoiled = there;
            spoiled[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(sum(3, &spoiled), None);
        }
    }
}
