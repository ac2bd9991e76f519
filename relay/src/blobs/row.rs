//! A blob's row in the index.

use bytes::{Buf, BufMut};
use proto::{
    PublicKey, RoomId,
    blob::{DropHash, Layout, PartSet},
};

/// Who opened the room of a blob, by a name that says nothing.
pub type OpenerBytes = [u8; 16];

/// Its first byte: another layout has another.
const VERSION: u8 = 1;

/// One blob, as it is on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number of its file.
    pub number: u64,
    /// The access key that sends it.
    pub sender: PublicKey,
    /// Who opened its room.
    pub opener: OpenerBytes,
    /// Its size.
    pub layout: Layout,
    /// When it was opened, Unix milliseconds.
    pub made_ms: u64,
    /// When it goes at the latest, Unix milliseconds.
    pub until_ms: u64,
    /// When it goes as it is: earlier, unless it is whole.
    pub expires_ms: u64,
    /// What lets others drop it.
    pub drop_hash: Option<DropHash>,
    /// Parts that are on disk.
    pub parts: PartSet,
    /// The sum of each of those; 0 for others.
    pub sums: Vec<u32>,
}

/// Bytes that are no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRow;

impl Row {
    /// What it counts against limits.
    pub fn cost(&self) -> u64 {
        cost(self.layout)
    }

    /// Bytes of it that are still to come.
    pub fn missing(&self) -> u64 {
        self.parts.missing().filter_map(|number| self.layout.length(number)).map(|length| length as u64).sum()
    }

    /// What of its count was for nothing, if it goes now.
    pub fn unused(&self) -> u64 {
        if self.parts.count() == 0 { self.cost() } else { self.missing() }
    }

    /// As it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        let parts = self.parts.to_bytes();
        let mut row = Vec::with_capacity(160 + parts.len() + 4 * self.sums.len());
        row.put_u8(VERSION);
        row.put_u64(self.number);
        row.put_slice(&self.sender.0);
        row.put_slice(&self.opener);
        row.put_u64(self.layout.size());
        row.put_u64(self.made_ms);
        row.put_u64(self.until_ms);
        row.put_u64(self.expires_ms);
        row.put_u8(u8::from(self.drop_hash.is_some()));
        row.put_slice(&self.drop_hash.map_or([0; 32], |hash| hash.0));
        row.put_u32(u32::try_from(parts.len()).unwrap_or(u32::MAX));
        row.put_slice(&parts);
        for sum in &self.sums {
            row.put_u32(*sum);
        }
        row
    }

    /// What was stored.
    ///
    /// # Errors
    /// [`BadRow`] for what this did not store.
    pub fn from_bytes(mut row: &[u8]) -> Result<Self, BadRow> {
        let row = &mut row;
        if row.try_get_u8().map_err(|_| BadRow)? != VERSION {
            return Err(BadRow);
        }
        let number = u64(row)?;
        let (sender, opener) = (PublicKey(array(row)?), array(row)?);
        let layout = Layout::of(u64(row)?).map_err(|_| BadRow)?;
        let (made_ms, until_ms, expires_ms) = (u64(row)?, u64(row)?, u64(row)?);
        let has_hash = row.try_get_u8().map_err(|_| BadRow)?;
        let hash = DropHash(array(row)?);
        let drop_hash = (has_hash == 1).then_some(hash);
        let length = row.try_get_u32().map_err(|_| BadRow)? as usize;
        let (parts, mut rest) = row.split_at_checked(length).ok_or(BadRow)?;
        let parts = PartSet::from_bytes(layout, parts).map_err(|_| BadRow)?;
        if rest.len() != 4 * layout.parts() as usize {
            return Err(BadRow);
        }
        let mut sums = Vec::with_capacity(layout.parts() as usize);
        while rest.has_remaining() {
            sums.push(rest.try_get_u32().map_err(|_| BadRow)?);
        }
        Ok(Self { number, sender, opener, layout, made_ms, until_ms, expires_ms, drop_hash, parts, sums })
    }
}

/// Who pays for a room of which nobody knows who opened it: the room itself.
pub fn payer(room: &RoomId) -> OpenerBytes {
    room.0.first_chunk().copied().unwrap_or([0; 16])
}

/// What a file of this size counts.
pub(super) fn cost(layout: Layout) -> u64 {
    layout.size().max(crate::policy::files::LEAST_FILE)
}

fn u64(row: &mut &[u8]) -> Result<u64, BadRow> {
    row.try_get_u64().map_err(|_| BadRow)
}

fn array<const N: usize>(row: &mut &[u8]) -> Result<[u8; N], BadRow> {
    let (array, rest) = row.split_first_chunk().ok_or(BadRow)?;
    *row = rest;
    Ok(*array)
}

#[cfg(test)]
mod tests {
    use proto::blob::PART;

    use super::*;

    #[test]
    fn row_survives_its_bytes_and_nothing_else_is_one() {
        let layout = Layout::of(9 * PART as u64 + 5).unwrap();
        let mut parts = PartSet::none(layout);
        parts.add(3);
        let mut row = Row {
            number: 7,
            sender: PublicKey([1; 32]),
            opener: [2; 16],
            layout,
            made_ms: 3,
            until_ms: 5,
            expires_ms: 4,
            drop_hash: None,
            parts,
            sums: vec![6; 10],
        };
        assert_eq!(row.missing(), 8 * PART as u64 + 5);
        for hash in [None, Some(DropHash([8; 32]))] {
            row.drop_hash = hash;
            let bytes = row.to_bytes();
            assert_eq!(Row::from_bytes(&bytes), Ok(row.clone()));
            for cut in 0..bytes.len() {
                assert_eq!(Row::from_bytes(&bytes[..cut]), Err(BadRow), "cut at {cut}");
            }
            assert_eq!(Row::from_bytes(&[&bytes[..], &[0]].concat()), Err(BadRow));
        }
    }
}
