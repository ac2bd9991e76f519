//! Slots and their pieces. A piece is kept once, for as long as a slot of the room names it: the confirmed slot and those
//! of what is offered share most of theirs.
//!
//! No counts are kept. A room has three slots at most, so what they name is looked at when one of them goes; so nothing
//! can count wrong.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proto::{MAX_SLOT, PieceName, RoomId, join_pieces};
use redb::{ReadableTable, StorageError};

use super::tables::{PieceKey, RoomKey, Snapshot, Tables};
use crate::log::{AppendError, Measured, NewSlot, Slot};

/// Bytes of a row before its names: how many there are, big-endian.
const COUNT: usize = 4;

/// A slot's row: count(4) ‖ names(32 each) ‖ what is sealed.
pub(crate) struct SlotRow<'a> {
    pub names: &'a [PieceName],
    pub sealed: &'a [u8],
}

impl<'a> SlotRow<'a> {
    pub(crate) fn parse(row: &'a [u8]) -> Option<Self> {
        let (count, rest) = row.split_first_chunk::<COUNT>()?;
        let names = usize::try_from(u32::from_be_bytes(*count)).ok()?.checked_mul(size_of::<PieceName>())?;
        let (names, sealed) = rest.split_at_checked(names)?;
        Some(Self { names: names.as_chunks().0, sealed })
    }

    fn of_slot(row: &'a [u8]) -> Result<Self, StorageError> {
        Self::parse(row).ok_or_else(|| StorageError::Corrupted("a slot does not parse".into()))
    }
}

fn to_row(slot: &NewSlot) -> Vec<u8> {
    let count = (slot.names.len() / size_of::<PieceName>()) as u32;
    [&count.to_be_bytes(), &*slot.names, &*slot.sealed].concat()
}

/// Whether a slot has all its pieces, here or with it, and is not too large to be sent.
pub(super) fn check(
    tables: &Tables<'_>,
    room: &RoomId,
    slot: &NewSlot,
) -> Result<Result<(), AppendError>, StorageError> {
    let sent: BTreeMap<&PieceName, usize> =
        slot.pieces.iter().map(|(name, piece)| (name, piece.len())).collect();
    let mut size = slot.sealed.len();
    for name in slot.names.as_chunks().0 {
        let length = match sent.get(name) {
            Some(length) => Some(*length),
            None => tables.more()?.pieces.get((&room.0, name))?.map(|piece| piece.value().len()),
        };
        let Some(length) = length else { return Ok(Err(AppendError::MissingPieces)) };
        size = size.saturating_add(length);
    }
    Ok(if size > MAX_SLOT { Err(AppendError::SlotTooLarge) } else { Ok(()) })
}

/// Writes a slot and what came with it. Returns how many bytes the room has more.
pub(super) fn put(
    tables: &mut Tables<'_>,
    room: &RoomId,
    position: u64,
    slot: &NewSlot,
) -> Result<u64, StorageError> {
    let row = to_row(slot);
    tables.more_mut()?.slots.insert((&room.0, position), row.as_slice())?;
    let mut bytes = row.len();
    for (name, piece) in &slot.pieces {
        if tables.more_mut()?.pieces.insert((&room.0, name), &**piece)?.is_none() {
            bytes += piece.len();
        }
    }
    Ok(bytes as u64)
}

/// Forgets slots, and the pieces that no other slot of the room names. Returns how many bytes the room has less.
pub(super) fn remove(tables: &mut Tables<'_>, room: &RoomId, positions: &[u64]) -> Result<u64, StorageError> {
    let (mut gone, mut freed) = (BTreeSet::new(), 0);
    for position in positions {
        if let Some(row) = tables.more_mut()?.slots.remove((&room.0, *position))? {
            gone.extend(SlotRow::of_slot(row.value())?.names);
            freed += row.value().len() as u64;
        }
    }
    if freed == 0 {
        return Ok(0);
    }
    for row in tables.more()?.slots.range((&room.0, 0)..=(&room.0, u64::MAX))? {
        let (_, row) = row?;
        for name in SlotRow::of_slot(row.value())?.names {
            gone.remove(name);
        }
    }
    for name in gone {
        if let Some(piece) = tables.more_mut()?.pieces.remove((&room.0, &name))? {
            freed += piece.value().len() as u64;
        }
    }
    tables.freed += freed;
    Ok(freed)
}

/// Bytes that a room's slots and their pieces take.
pub(super) fn size(
    slots: &impl ReadableTable<(RoomKey, u64), &'static [u8]>,
    pieces: &impl ReadableTable<PieceKey, &'static [u8]>,
    room: &[u8; 32],
) -> Result<u64, StorageError> {
    let mut bytes = 0;
    for row in slots.range((room, 0)..=(room, u64::MAX))? {
        bytes += row?.1.value().len() as u64;
    }
    for row in pieces.range((room, &[0; 32])..=(room, &[0xff; 32]))? {
        bytes += row?.1.value().len() as u64;
    }
    Ok(bytes)
}

/// A slot with all its pieces, if that is not more than `room_for`.
pub(super) fn read(
    snapshot: &Snapshot,
    room: &RoomId,
    last_commit: u64,
    room_for: usize,
) -> Result<Measured<Slot>, StorageError> {
    let Some(row) = snapshot.slots.get((&room.0, last_commit))? else {
        // What a majority went back to has none until the next commit.
        return Ok(Measured::Ready(Slot { last_commit, sealed: Bytes::new(), pieces: Bytes::new() }));
    };
    let SlotRow { names, sealed } = SlotRow::of_slot(row.value())?;
    let mut size = sealed.len();
    let mut pieces = Vec::with_capacity(names.len());
    for name in names {
        let piece = snapshot.pieces.get((&room.0, name))?;
        let piece = piece.ok_or_else(|| StorageError::Corrupted("a piece is missing".into()))?;
        size = size.saturating_add(piece.value().len()).saturating_add(COUNT);
        pieces.push(piece);
    }
    if size > room_for {
        return Ok(Measured::Large(size));
    }
    let (sealed, pieces) =
        (Bytes::copy_from_slice(sealed), join_pieces(pieces.iter().map(redb::AccessGuard::value)).into());
    Ok(Measured::Ready(Slot { last_commit, sealed, pieces }))
}

/// Whether a room has exactly the pieces that its slots name, and each is what its name says.
pub(super) fn are_whole(
    slots: &impl ReadableTable<(RoomKey, u64), &'static [u8]>,
    pieces: &impl ReadableTable<PieceKey, &'static [u8]>,
    room: &RoomId,
) -> Result<bool, StorageError> {
    let mut named = BTreeSet::new();
    for row in slots.range((&room.0, 0)..=(&room.0, u64::MAX))? {
        let (_, row) = row?;
        let Some(slot) = SlotRow::parse(row.value()) else { return Ok(false) };
        named.extend(slot.names.iter().copied());
    }
    for row in pieces.range((&room.0, &[0; 32])..=(&room.0, &[0xff; 32]))? {
        let (key, piece) = row?;
        let name = key.value().1;
        if proto::piece_name(piece.value()) != *name || !named.remove(name) {
            return Ok(false);
        }
    }
    Ok(named.is_empty())
}
