//! What must be true of files in a backup.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::RestoreError;
use crate::blobs::Row;

/// Reads along.
#[derive(Default)]
pub(super) struct Files {
    last: Option<([u8; 32], [u8; 16])>,
    /// The file at hand, and its next part.
    at: Option<(Row, u32)>,
}

const BROKEN: RestoreError = RestoreError::Malformed("a file of a room");

impl Files {
    /// A file begins: of a room that is there, in order, and whole.
    pub(super) fn blob(
        &mut self,
        rooms: &BTreeSet<[u8; 32]>,
        room: [u8; 32],
        id: [u8; 16],
        row: &Bytes,
    ) -> Result<(), RestoreError> {
        self.settle()?;
        let row = Row::from_bytes(row).map_err(|_| BROKEN)?;
        let is_next = self.last.is_none_or(|last| last < (room, id));
        if !rooms.contains(&room) || !is_next || !row.parts.is_whole() {
            return Err(BROKEN);
        }
        self.last = Some((room, id));
        self.at = Some((row, 0));
        Ok(())
    }

    /// Its next part, as long as it has to be, and as it was.
    pub(super) fn part(&mut self, number: u32, bytes: &Bytes) -> Result<(), RestoreError> {
        let (row, next) = self.at.as_mut().ok_or(BROKEN)?;
        let is_right = number == *next
            && row.layout.length(number) == Some(bytes.len())
            && row.sums.get(number as usize) == Some(&crc32fast::hash(bytes));
        *next += 1;
        if is_right { Ok(()) } else { Err(BROKEN) }
    }

    /// No more parts of the file at hand come.
    pub(super) fn settle(&mut self) -> Result<(), RestoreError> {
        match self.at.take() {
            Some((row, next)) if next != row.layout.parts() => Err(BROKEN),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proto::{
        PublicKey,
        blob::{Layout, PartSet},
    };

    use super::*;

    fn row(whole: bool) -> Bytes {
        let layout = Layout::of(3).unwrap();
        let mut parts = PartSet::none(layout);
        if whole {
            parts.add(0);
        }
        let row = Row {
            number: 0,
            sender: PublicKey([1; 32]),
            opener: [0; 16],
            layout,
            made_ms: 0,
            until_ms: 0,
            expires_ms: 0,
            drop_hash: None,
            parts,
            sums: vec![crc32fast::hash(b"abc")],
        };
        row.to_bytes().into()
    }

    #[test]
    fn files_of_no_room_twice_cut_or_changed_are_refused() {
        let rooms = BTreeSet::from([[1; 32]]);
        let good = |files: &mut Files| files.blob(&rooms, [1; 32], [5; 16], &row(true));
        assert!(Files::default().blob(&rooms, [2; 32], [5; 16], &row(true)).is_err());
        assert!(Files::default().blob(&rooms, [1; 32], [5; 16], &row(false)).is_err());
        assert!(Files::default().blob(&rooms, [1; 32], [5; 16], &row(true).slice(1..)).is_err());
        assert!(Files::default().part(0, &Bytes::from_static(b"abc")).is_err());
        for (number, bytes) in [(0, &b"abd"[..]), (0, b"ab"), (1, b"abc")] {
            let mut files = Files::default();
            good(&mut files).unwrap();
            assert!(files.part(number, &Bytes::from_static(bytes)).is_err());
        }
        let mut files = Files::default();
        good(&mut files).unwrap();
        assert!(good(&mut files).is_err(), "it is not there yet");
        let mut files = Files::default();
        good(&mut files).unwrap();
        files.part(0, &Bytes::from_static(b"abc")).unwrap();
        files.settle().unwrap();
        assert!(good(&mut files).is_err(), "it comes twice");
    }
}
