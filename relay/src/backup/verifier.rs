//! What must be true of a backup, record by record.

use std::collections::{BTreeSet, HashSet};

use bytes::Bytes;
use proto::{
    MAX_PIECES, PieceName,
    access::{Head, KeyRow, Step},
    piece_name,
};

use super::{Record, RestoreError, Summary, blobs::Files, files, holds::Holds, tokens::Tokens};
use crate::log::redb::{Flaw, SlotRow, parse_entry};

/// Reads along. Of the room at hand it remembers 16 bytes per entry, to find a publish id that comes twice.
#[derive(Default)]
pub(crate) struct Verifier {
    summary: Summary,
    stage: Stage,
    names: HashSet<String>,
    room: Option<Room>,
    tokens: Tokens,
    holds: Holds,
    rooms: BTreeSet<[u8; 32]>,
    files: Files,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    #[default]
    Start,
    Files,
    Tokens,
    Openers,
    Dropped,
    Rooms,
    Blobs,
    Ended,
}

/// The room at hand.
struct Room {
    id: [u8; 32],
    row: [u64; 6],
    access: Option<Head>,
    last_slot: Option<u64>,
    /// Pieces that its slots name and that did not come yet: at most three times [`proto::MAX_PIECES`].
    pieces: BTreeSet<PieceName>,
    last_step: Option<u64>,
    steps: u64,
    has_token: bool,
    is_frozen: bool,
    last_key: Option<[u8; 32]>,
    keys: u64,
    next: u64,
    bytes: u64,
    at_ms: u64,
    last_commit: u64,
    ids: HashSet<[u8; 16]>,
}

impl Verifier {
    /// Takes the next record.
    ///
    /// # Errors
    /// [`RestoreError`] if it cannot stand here.
    pub(super) fn take(&mut self, record: &Record) -> Result<(), RestoreError> {
        match record {
            Record::Head { created_ms, program } => {
                self.enter(self.stage == Stage::Start, Stage::Files)?;
                (self.summary.created_ms, self.summary.program) = (*created_ms, program.clone());
            }
            Record::File { name, .. } => {
                self.enter(self.stage == Stage::Files, Stage::Files)?;
                if !files::is_expected(name) {
                    return Err(RestoreError::Name);
                }
                if !self.names.insert(name.clone()) {
                    return Err(RestoreError::Malformed("a file comes twice"));
                }
                self.summary.files += 1;
            }
            Record::Token { hash, numbers: [_, _, rooms, _], label, .. } => {
                self.enter((Stage::Files..=Stage::Tokens).contains(&self.stage), Stage::Tokens)?;
                self.tokens.add(*hash, *rooms, label)?;
            }
            Record::FrozenOpener { opener, at_ms, .. } => {
                self.enter((Stage::Files..=Stage::Openers).contains(&self.stage), Stage::Openers)?;
                self.holds.opener(*opener, *at_ms)?;
            }
            Record::Dropped { id, at_ms, .. } => {
                self.enter((Stage::Files..=Stage::Dropped).contains(&self.stage), Stage::Dropped)?;
                self.holds.dropped(*id, *at_ms)?;
            }
            Record::Frozen { at_ms, .. } => self.room()?.frozen(*at_ms)?,
            Record::OpenedBy(hash) => {
                self.room()?.opened_by()?;
                self.tokens.count(hash)?;
            }
            Record::Room { id, row } => {
                self.enter((Stage::Files..=Stage::Rooms).contains(&self.stage), Stage::Rooms)?;
                let before = self.room.take();
                if before.as_ref().is_some_and(|before| before.id >= *id) {
                    return Err(RestoreError::Malformed("rooms are out of order"));
                }
                self.leave(before)?;
                self.holds.room(id)?;
                self.rooms.insert(*id);
                let [head, oldest, last_commit, ..] = *row;
                // A relay counts on from these: no log gets half as far by itself.
                if head > u64::MAX / 2 || oldest == 0 || oldest > head + 1 || last_commit > head {
                    return Err(RestoreError::Malformed("the numbers of a room"));
                }
                self.room = Some(Room::new(*id, *row));
            }
            Record::Access(row) => self.room()?.access(row)?,
            Record::Slot { position, row } => self.room()?.slot(*position, row)?,
            Record::Piece(piece) => self.room()?.piece(piece)?,
            Record::Step { first, row } => self.room()?.step(*first, row)?,
            Record::Vote { first, .. } => self.room()?.vote(*first)?,
            Record::Key { key, row } => self.room()?.key(key, row)?,
            Record::Entry { seq, row } => self.room()?.entry(*seq, row)?,
            Record::Blob { room, id, row } => {
                self.enter((Stage::Files..=Stage::Blobs).contains(&self.stage), Stage::Blobs)?;
                let last = self.room.take();
                self.leave(last)?;
                self.files.blob(&self.rooms, *room, *id, row)?;
                self.summary.blobs += 1;
            }
            Record::BlobPart { number, bytes } => {
                self.enter(self.stage == Stage::Blobs, Stage::Blobs)?;
                self.files.part(*number, bytes)?;
                self.summary.blob_bytes += bytes.len() as u64;
            }
            Record::End { rooms, entries } => {
                self.enter((Stage::Files..=Stage::Blobs).contains(&self.stage), Stage::Ended)?;
                let last = self.room.take();
                self.leave(last)?;
                self.files.settle()?;
                self.tokens.settle()?;
                if (*rooms, *entries) != (self.summary.rooms, self.summary.entries) {
                    return Err(Flaw::Numbers.into());
                }
            }
        }
        Ok(())
    }

    /// The file has ended.
    ///
    /// # Errors
    /// [`RestoreError::Truncated`] if it must not end here.
    pub(super) fn finish(self) -> Result<Summary, RestoreError> {
        if self.stage == Stage::Ended { Ok(self.summary) } else { Err(RestoreError::Truncated) }
    }

    fn enter(&mut self, allowed: bool, stage: Stage) -> Result<(), RestoreError> {
        self.stage = stage;
        if allowed { Ok(()) } else { Err(RestoreError::Malformed("records are out of order")) }
    }

    fn room(&mut self) -> Result<&mut Room, RestoreError> {
        self.room.as_mut().ok_or(RestoreError::Malformed("a row of no room"))
    }

    fn leave(&mut self, room: Option<Room>) -> Result<(), RestoreError> {
        let Some(room) = room else { return Ok(()) };
        let [head, oldest, last_commit, _, bytes, keys] = room.row;
        let access = room.access.as_ref().ok_or(Flaw::Access)?;
        if (access.rows, access.steps) != (room.keys, room.steps) || access.tip().position > head {
            return Err(Flaw::Access.into());
        }
        if !room.pieces.is_empty() {
            return Err(Flaw::Piece.into());
        }
        if room.next != head.saturating_add(1) {
            return Err(Flaw::Gap.into());
        }
        if (room.bytes, room.keys) != (bytes, keys) {
            return Err(Flaw::Numbers.into());
        }
        let trimmed = room.last_commit == 0 && last_commit < oldest;
        if !trimmed && room.last_commit != last_commit {
            return Err(Flaw::Commit.into());
        }
        self.summary.rooms += 1;
        self.summary.keys += keys;
        self.summary.entries += room.ids.len() as u64;
        Ok(())
    }
}

impl Room {
    fn new(id: [u8; 32], row: [u64; 6]) -> Self {
        let [_, oldest, ..] = row;
        Self {
            id,
            row,
            access: None,
            last_slot: None,
            pieces: BTreeSet::new(),
            last_step: None,
            steps: 0,
            has_token: false,
            is_frozen: false,
            last_key: None,
            keys: 0,
            next: oldest,
            bytes: 0,
            at_ms: 0,
            last_commit: 0,
            ids: HashSet::new(),
        }
    }

    fn access(&mut self, row: &Bytes) -> Result<(), RestoreError> {
        let head = Head::from_bytes(row).map_err(|_| Flaw::Access)?;
        if self.access.replace(head).is_none() { Ok(()) } else { Err(Flaw::Access.into()) }
    }

    fn slot(&mut self, position: u64, row: &Bytes) -> Result<(), RestoreError> {
        let head = self.access.as_ref().ok_or(Flaw::Access)?;
        if self.last_slot.is_some_and(|last| last >= position) || !head.slots().any(|kept| kept == position) {
            return Err(Flaw::Slot.into());
        }
        self.last_slot = Some(position);
        let slot = SlotRow::parse(row).filter(|slot| slot.names.len() <= MAX_PIECES).ok_or(Flaw::Slot)?;
        self.pieces.extend(slot.names);
        Ok(())
    }

    fn piece(&mut self, piece: &Bytes) -> Result<(), RestoreError> {
        if self.pieces.remove(&piece_name(piece)) { Ok(()) } else { Err(Flaw::Piece.into()) }
    }

    fn step(&mut self, first: u64, row: &Bytes) -> Result<(), RestoreError> {
        let step = Step::from_bytes(row).map_err(|_| Flaw::Access)?;
        if step.first != first || self.last_step.is_some_and(|last| last >= first) {
            return Err(Flaw::Access.into());
        }
        self.last_step = Some(first);
        self.steps += 1;
        Ok(())
    }

    /// Of a step that is remembered, or offered.
    fn vote(&mut self, first: u64) -> Result<(), RestoreError> {
        let head = self.access.as_ref().ok_or(Flaw::Access)?;
        let mut offered = [&head.offer, &head.joins].into_iter().flatten();
        let known = self.last_step >= Some(first) || offered.any(|step| step.first == first);
        if known { Ok(()) } else { Err(Flaw::Access.into()) }
    }

    fn opened_by(&mut self) -> Result<(), RestoreError> {
        let first = !self.has_token;
        self.has_token = true;
        if first { Ok(()) } else { Err(RestoreError::Malformed("a room has two tokens")) }
    }

    fn frozen(&mut self, at_ms: u64) -> Result<(), RestoreError> {
        let first = !std::mem::replace(&mut self.is_frozen, true);
        if first && at_ms != 0 { Ok(()) } else { Err(RestoreError::Malformed("when a room was frozen")) }
    }

    fn key(&mut self, key: &[u8; 32], row: &Bytes) -> Result<(), RestoreError> {
        KeyRow::from_bytes(row).map_err(|_| Flaw::Access)?;
        if self.last_key.is_some_and(|last| last >= *key) {
            return Err(RestoreError::Malformed("keys are out of order"));
        }
        self.last_key = Some(*key);
        self.keys += 1;
        Ok(())
    }

    fn entry(&mut self, seq: u64, row: &Bytes) -> Result<(), RestoreError> {
        let (id, entry) = parse_entry(row).ok_or(Flaw::Entry)?;
        if seq != self.next || entry.seq != seq {
            return Err(Flaw::Gap.into());
        }
        let [_, _, _, last_at_ms, ..] = self.row;
        if entry.at_ms < self.at_ms || entry.at_ms > last_at_ms {
            return Err(Flaw::Time.into());
        }
        if !self.ids.insert(id.0) {
            return Err(Flaw::Id.into());
        }
        if entry.is_commit {
            self.last_commit = seq;
        }
        self.next = seq.checked_add(1).ok_or(Flaw::Gap)?;
        self.bytes += row.len() as u64;
        self.at_ms = entry.at_ms;
        Ok(())
    }
}
