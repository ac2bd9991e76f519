//! What must be true of a database, whatever happened to it.

use proto::{RoomId, access::Rows};
use redb::{ReadTransaction, ReadableTableMetadata};

use super::{
    access,
    flaw::{CheckError, Flaw},
    holds, pieces,
    tables::{HeldSnapshot, Room, Snapshot, from_entry_row},
    tokens,
};

/// How much was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Rooms.
    pub rooms: u64,
    /// Entries.
    pub entries: u64,
    /// Access keys.
    pub keys: u64,
    ids: u64,
    slots: u64,
    pieces: u64,
    steps: u64,
    votes: u64,
    access: u64,
}

/// What a look at every row has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// In the rooms that are whole.
    pub whole: Checked,
    /// The others, each with what is wrong.
    pub damaged: Vec<(RoomId, String)>,
    /// What is wrong with rows that are no room's.
    pub elsewhere: Option<String>,
}

impl Survey {
    /// Nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.damaged.is_empty() && self.elsewhere.is_none()
    }
}

/// Reads every row, and where something is wrong, each room once more: one that is damaged does not hide another.
pub(super) fn survey(transaction: &ReadTransaction) -> Result<Survey, redb::Error> {
    let wrong = match check(transaction) {
        Ok(whole) => return Ok(Survey { whole, ..Survey::default() }),
        Err(wrong) => wrong,
    };
    let (all, held) = (Snapshot::open(transaction)?, HeldSnapshot::open(transaction)?);
    let mut found = Survey::default();
    for row in all.rooms.range::<&[u8; 32]>(..)? {
        let (id, row) = row?;
        let (id, room) = (RoomId(*id.value()), Room::from(row.value()));
        match check_room((&all, &held), &id, &room) {
            Ok(rows) => {
                found.whole.add(&rows);
                found.whole.rooms += 1;
            }
            Err(error) => found.damaged.push((id, error.to_string())),
        }
    }
    if found.damaged.is_empty() {
        found.elsewhere = Some(wrong.to_string());
    }
    Ok(found)
}

/// Reads every row once. Holds one entry at a time.
pub(super) fn check(transaction: &ReadTransaction) -> Result<Checked, CheckError> {
    let (all, held) = (Snapshot::open(transaction)?, HeldSnapshot::open(transaction)?);
    let mut seen = Checked::default();
    for row in all.rooms.range::<&[u8; 32]>(..)? {
        let (id, row) = row?;
        let (id, room) = (RoomId(*id.value()), Room::from(row.value()));
        seen.add(&check_room((&all, &held), &id, &room)?);
        seen.rooms += 1;
    }
    let mut total = seen;
    for row in all.tombstones.range::<&[u8; 32]>(..)? {
        let id = RoomId(*row?.0.value());
        if all.rooms.get(&id.0)?.is_some() {
            return Err(Flaw::Orphan.into());
        }
        // What a dropped room has left will go.
        total.add(&rows(&all, &id)?);
    }
    let whole = (all.entries.len()?, all.ids.len()?) == (total.entries, total.ids)
        && (all.keys.len()?, all.slots.len()?) == (total.keys, total.slots)
        && (all.steps.len()?, all.votes.len()?) == (total.steps, total.votes)
        && (all.access.len()?, all.pieces.len()?) == (total.access, total.pieces);
    for row in all.invites.range::<&[u8; 32]>(..)? {
        let (key, room) = row?;
        if all.keys.get((room.value(), key.value()))?.is_none() {
            return Err(Flaw::Orphan.into());
        }
    }
    tokens::check(&all)?;
    holds::check(&all, &held)?;
    if whole { Ok(seen) } else { Err(Flaw::Orphan.into()) }
}

fn check_room(
    (all, held): (&Snapshot, &HeldSnapshot),
    id: &RoomId,
    room: &Room,
) -> Result<Checked, CheckError> {
    check_log(all, id, room)?;
    let rows = rows(all, id)?;
    let kept = room.head.saturating_add(1).saturating_sub(room.oldest);
    if (rows.entries, rows.ids, rows.keys) != (kept, kept, room.keys) {
        return Err(Flaw::Numbers.into());
    }
    check_access(all, id, &rows)?;
    holds::frozen(&held.frozen, id, room).map_err(|_| Flaw::Orphan)?;
    let key_bytes = access::key_bytes(&all.keys, id)?;
    if (pieces::size(&all.slots, &all.pieces, &id.0)?, key_bytes) != (room.slot_bytes, room.key_bytes) {
        return Err(Flaw::Numbers.into());
    }
    Ok(rows)
}

impl Checked {
    fn add(&mut self, rows: &Self) {
        self.entries += rows.entries;
        self.ids += rows.ids;
        self.keys += rows.keys;
        self.slots += rows.slots;
        self.pieces += rows.pieces;
        self.steps += rows.steps;
        self.votes += rows.votes;
        self.access += rows.access;
    }
}

/// How many rows a room has.
fn rows(all: &Snapshot, id: &RoomId) -> Result<Checked, CheckError> {
    Ok(Checked {
        rooms: 0,
        entries: count(all.entries.range((&id.0, 0)..=(&id.0, u64::MAX))?)?,
        ids: count(all.ids.range((&id.0, &[0; 16])..=(&id.0, &[0xff; 16]))?)?,
        keys: count(all.keys.range((&id.0, &[0; 32])..=(&id.0, &[0xff; 32]))?)?,
        slots: count(all.slots.range((&id.0, 0)..=(&id.0, u64::MAX))?)?,
        pieces: count(all.pieces.range((&id.0, &[0; 32])..=(&id.0, &[0xff; 32]))?)?,
        steps: count(all.steps.range((&id.0, 0)..=(&id.0, u64::MAX))?)?,
        votes: count(all.votes.range((&id.0, 0, &[0; 32])..=(&id.0, u64::MAX, &[0xff; 32]))?)?,
        access: u64::from(all.access.get(&id.0)?.is_some()),
    })
}

fn count<T>(rows: impl Iterator<Item = Result<T, redb::StorageError>>) -> Result<u64, CheckError> {
    let mut count = 0;
    for row in rows {
        row?;
        count += 1;
    }
    Ok(count)
}

fn check_access(all: &Snapshot, id: &RoomId, found: &Checked) -> Result<(), CheckError> {
    let head = access::load(&all.access, id).map_err(|_| Flaw::Access)?.head;
    let rows = access::in_snapshot(all, id);
    let (keys, steps) = (rows.keys().map_err(|_| Flaw::Access)?, rows.steps(0, usize::MAX));
    let members = keys.iter().filter(|(_, row)| row.counts(head.confirmed.position)).count() as u64;
    let steps = steps.map_err(|_| Flaw::Access)?;
    if (head.rows, head.steps) != (found.keys, steps.len() as u64) || head.members < members {
        return Err(Flaw::Access.into());
    }
    for row in all.slots.range((&id.0, 0)..=(&id.0, u64::MAX))? {
        let position = row?.0.value().1;
        if !head.slots().any(|kept| kept == position) {
            return Err(Flaw::Slot.into());
        }
    }
    if !pieces::are_whole(&all.slots, &all.pieces, id)? {
        return Err(Flaw::Piece.into());
    }
    Ok(())
}

fn check_log(all: &Snapshot, id: &RoomId, room: &Room) -> Result<(), CheckError> {
    let (mut next, mut bytes, mut at_ms, mut last_commit) = (room.oldest, 0, 0, 0);
    for row in all.entries.range((&id.0, 0)..=(&id.0, u64::MAX))? {
        let (key, row) = row?;
        let (publish, entry) = from_entry_row(row.value()).map_err(|_| Flaw::Entry)?;
        if key.value().1 != next || entry.seq != next {
            return Err(Flaw::Gap.into());
        }
        if entry.at_ms < at_ms || entry.at_ms > room.last_at_ms {
            return Err(Flaw::Time.into());
        }
        if all.ids.get((&id.0, &publish.0))?.map(|seq| seq.value()) != Some(next) {
            return Err(Flaw::Id.into());
        }
        if entry.is_commit {
            last_commit = next;
        }
        (next, bytes, at_ms) = (next + 1, bytes + row.value().len() as u64, entry.at_ms);
    }
    if next != room.head.saturating_add(1) {
        return Err(Flaw::Gap.into());
    }
    if bytes != room.bytes {
        return Err(Flaw::Numbers.into());
    }
    // A commit that was trimmed is no less the last one.
    let trimmed = last_commit == 0 && room.last_commit < room.oldest;
    if trimmed || last_commit == room.last_commit { Ok(()) } else { Err(Flaw::Commit.into()) }
}
