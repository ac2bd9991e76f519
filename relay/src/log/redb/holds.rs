//! What an operator does to rooms and to those who opened them: freezing, and remembering what was dropped.
//!
//! Whether a room is frozen its own row says, which every append reads anyway; why, a row beside it. An opener who is frozen
//! opens no room, and each of its rooms has a row of its own that names it: so they stay frozen when a token is revoked, by
//! which nobody is their opener any more.

use std::collections::BTreeSet;

use bytes::Bytes;
use proto::RoomId;
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, StorageError};

use super::{
    flaw::{CheckError, Flaw},
    opener::{Opener, OpenerName},
    shares::Shares,
    tables::{self, FrozenRow, HeldSnapshot, HeldTables, Room, RoomKey, Snapshot, Tables},
    tombstone,
};
use crate::{
    log::{ExportError, Freeze, Loss, OpenerError, OpenerRooms, Record, Stop},
    policy::{
        limits::{MAX_DROPPED, MAX_FROZEN_OPENERS},
        reason::{Notice, Reason},
    },
};

/// What is done to a room.
#[derive(Clone, Debug)]
pub(super) enum RoomHold {
    /// It goes for ever, and nobody opens it again for a while.
    Drop(Notice),
    /// Nothing is appended to it: for itself, or because of who opened it.
    Freeze(Notice, Option<Opener>),
    /// It goes on from this time (ms): whatever it was frozen for, or if it was frozen because of this opener. One that was
    /// dropped may be opened again.
    Thaw(u64, Option<Opener>),
}

/// Does it to one room. Returns whether that changed anything.
pub(super) fn apply(tables: &mut Tables<'_>, id: &RoomId, hold: &RoomHold) -> Result<bool, StorageError> {
    match hold {
        RoomHold::Drop(notice) => {
            let existed = tombstone::put(tables, id)?;
            if existed {
                remember(tables, id, notice)?;
            }
            Ok(existed)
        }
        RoomHold::Freeze(notice, by) => freeze(tables, id, notice, by.as_ref()),
        RoomHold::Thaw(now_ms, by) => {
            Ok(thaw(tables, id, *now_ms, by.as_ref())? || (by.is_none() && forget(tables.held()?, id)?))
        }
    }
}

fn freeze(
    tables: &mut Tables<'_>,
    id: &RoomId,
    notice: &Notice,
    by: Option<&Opener>,
) -> Result<bool, StorageError> {
    let Some(room) = tables::room(&tables.rooms, id)? else { return Ok(false) };
    // What was said of the room itself stands.
    let held = tables.held()?;
    let is_own = held.frozen.get(&id.0)?.is_some_and(|row| row.value().0.is_empty());
    if is_own && by.is_some() {
        return Ok(false);
    }
    let by = by.map_or(&[][..], |opener| &opener.0);
    held.frozen.insert(&id.0, (by, notice.reason.as_str()))?;
    turn(tables, id, room, notice.at_ms)?;
    Ok(true)
}

fn thaw(
    tables: &mut Tables<'_>,
    id: &RoomId,
    now_ms: u64,
    by: Option<&Opener>,
) -> Result<bool, StorageError> {
    let held = tables.held()?;
    let fits = held.frozen.get(&id.0)?.is_some_and(|row| by.is_none_or(|opener| row.value().0 == opener.0));
    if !fits {
        return Ok(false);
    }
    held.frozen.remove(&id.0)?;
    if let Some(room) = tables::room(&tables.rooms, id)? {
        // That nobody wrote to it meanwhile says nothing about who wants it.
        let last_at_ms = room.last_at_ms.max(now_ms);
        turn(tables, id, Room { last_at_ms, ..room }, 0)?;
    }
    Ok(true)
}

/// Whoever is in the room looks again, and finds that it is not as it was.
fn turn(tables: &mut Tables<'_>, id: &RoomId, room: Room, frozen_ms: u64) -> Result<(), StorageError> {
    tables.put_room(id, Room { frozen_ms, ..room })?;
    tables.news.lost(id, Loss::Anybody);
    Ok(())
}

/// A room of this id is opened by nobody until that is forgotten. The oldest go where there are too many.
pub(super) fn remember(tables: &mut Tables<'_>, id: &RoomId, notice: &Notice) -> Result<(), StorageError> {
    let held = tables.held()?;
    while held.dropped.len()? >= MAX_DROPPED {
        let Some(oldest) = held.dropped_at.first()?.map(|(key, _)| *key.value().1) else { break };
        forget(held, &RoomId(oldest))?;
    }
    held.dropped.insert(&id.0, (notice.at_ms, notice.reason.as_str()))?;
    held.dropped_at.insert((notice.at_ms, &id.0), ())?;
    Ok(())
}

/// A room of this id may be opened again. Returns whether it was remembered.
fn forget(held: &mut HeldTables<'_>, id: &RoomId) -> Result<bool, StorageError> {
    let at_ms = held.dropped.remove(&id.0)?.map(|row| row.value().0);
    if let Some(at_ms) = at_ms {
        held.dropped_at.remove((at_ms, &id.0))?;
    }
    Ok(at_ms.is_some())
}

/// Forgets rooms that were dropped longer ago than entries are kept. Returns whether there were any.
pub(super) fn forget_before(tables: &mut Tables<'_>, horizon_ms: u64) -> Result<bool, StorageError> {
    let (held, mut any) = (tables.held()?, false);
    loop {
        let first = held.dropped_at.first()?.map(|(key, _)| (key.value().0, *key.value().1));
        match first {
            Some((at_ms, id)) if at_ms < horizon_ms => any |= forget(held, &RoomId(id))?,
            _ => return Ok(any),
        }
    }
}

/// Freezes an opener, or thaws it: whether it may open rooms. Its rooms are another step.
pub(super) fn hold_opener(
    tables: &mut Tables<'_>,
    opener: &Opener,
    notice: Option<&Notice>,
) -> Result<Result<bool, OpenerError>, StorageError> {
    let openers = &mut tables.held()?.frozen_openers;
    let Some(notice) = notice else { return Ok(Ok(openers.remove(&opener.0)?.is_some())) };
    let is_new = openers.get(&opener.0)?.is_none();
    if is_new && openers.len()? >= MAX_FROZEN_OPENERS {
        return Ok(Err(OpenerError::TooMany));
    }
    openers.insert(&opener.0, (notice.at_ms, notice.reason.as_str()))?;
    Ok(Ok(true))
}

/// The one opener whom a name means, of those who have rooms or are frozen, with the rooms it has.
pub(super) fn find_opener(
    tables: &mut Tables<'_>,
    shares: &Shares,
    name: &OpenerName,
) -> Result<Result<OpenerRooms, OpenerError>, StorageError> {
    let mut found: BTreeSet<Opener> = shares.openers().filter(|opener| name.fits(opener)).collect();
    let held = tables.held()?;
    for row in held.frozen_openers.iter()? {
        let opener = Opener(*row?.0.value());
        if name.fits(&opener) {
            found.insert(opener);
        }
    }
    let opener = match (found.pop_first(), found.len()) {
        (Some(opener), 0) => opener,
        (None, _) => return Ok(Err(OpenerError::Unknown)),
        (Some(_), _) => return Ok(Err(OpenerError::Ambiguous)),
    };
    let frozen = opener_notice(held, &opener)?;
    Ok(Ok(OpenerRooms { rooms: shares.rooms_of(&opener), opener, frozen }))
}

/// Why an opener opens no rooms, if it does not.
pub(super) fn opener_notice(held: &HeldTables<'_>, opener: &Opener) -> Result<Option<Notice>, StorageError> {
    held.frozen_openers.get(&opener.0)?.map(|row| notice(row.value())).transpose()
}

/// Why a room was dropped, if it was not long ago.
pub(super) fn dropped(
    table: &impl ReadableTable<RoomKey, tables::NoticeRow>,
    id: &RoomId,
) -> Result<Option<Notice>, StorageError> {
    table.get(&id.0)?.map(|row| notice(row.value())).transpose()
}

/// Why a room is frozen, as its row says that it is.
pub(super) fn frozen(
    table: &impl ReadableTable<RoomKey, FrozenRow>,
    id: &RoomId,
    room: &Room,
) -> Result<Option<Freeze>, StorageError> {
    if room.frozen_ms == 0 {
        return Ok(None);
    }
    let row = table.get(&id.0)?.ok_or_else(corrupted)?;
    let (by, text) = row.value();
    let by = match by {
        [] => None,
        by => Some(Opener(by.try_into().map_err(|_| corrupted())?)),
    };
    Ok(Some(Freeze { notice: notice((room.frozen_ms, text))?, by }))
}

/// Rooms that are frozen because of an opener, whoever their opener is now.
pub(super) fn frozen_by(transaction: &ReadTransaction, opener: &Opener) -> Result<Vec<RoomId>, redb::Error> {
    let mut rooms = Vec::new();
    for row in HeldSnapshot::open(transaction)?.frozen.range::<&[u8; 32]>(..)? {
        let (id, row) = row?;
        if row.value().0 == opener.0 {
            rooms.push(RoomId(*id.value()));
        }
    }
    Ok(rooms)
}

/// All rooms that were dropped and are remembered, the newest first.
pub(super) fn list_dropped(transaction: &ReadTransaction) -> Result<Vec<(RoomId, Notice)>, redb::Error> {
    let all = HeldSnapshot::open(transaction)?;
    let mut rooms = Vec::new();
    for row in all.dropped_at.range::<(u64, &[u8; 32])>(..)?.rev() {
        let id = RoomId(*row?.0.value().1);
        rooms.extend(dropped(&all.dropped, &id)?.map(|notice| (id, notice)));
    }
    Ok(rooms)
}

/// Whether each row that says why is of a room that is frozen, and none of a room that was dropped is there.
pub(super) fn check(all: &Snapshot, held: &HeldSnapshot) -> Result<(), CheckError> {
    for row in held.frozen.range::<&[u8; 32]>(..)? {
        let id = RoomId(*row?.0.value());
        let room = tables::room(&all.rooms, &id)?.ok_or(Flaw::Orphan)?;
        if frozen(&held.frozen, &id, &room)?.is_none() {
            return Err(Flaw::Orphan.into());
        }
    }
    for row in held.dropped.range::<&[u8; 32]>(..)? {
        let (id, row) = row?;
        let (at_ms, _) = row.value();
        if all.rooms.get(id.value())?.is_some() || held.dropped_at.get((at_ms, id.value()))?.is_none() {
            return Err(Flaw::Orphan.into());
        }
    }
    if held.dropped.len()? == held.dropped_at.len()? { Ok(()) } else { Err(Flaw::Orphan.into()) }
}

/// Hands over all that is no row of a room: for a backup.
pub(super) fn export(
    held: &HeldSnapshot,
    take: &mut dyn FnMut(Record) -> Result<(), Stop>,
) -> Result<(), ExportError> {
    let broken = |error: StorageError| ExportError::from(redb::Error::from(error));
    for row in held.frozen_openers.range::<&[u8; Opener::LEN]>(..).map_err(broken)? {
        let (opener, row) = row.map_err(broken)?;
        let Notice { at_ms, reason } = notice(row.value()).map_err(broken)?;
        take(Record::FrozenOpener { opener: *opener.value(), at_ms, reason })?;
    }
    for row in held.dropped.range::<&[u8; 32]>(..).map_err(broken)? {
        let (id, row) = row.map_err(broken)?;
        let Notice { at_ms, reason } = notice(row.value()).map_err(broken)?;
        take(Record::Dropped { id: *id.value(), at_ms, reason })?;
    }
    Ok(())
}

/// The same of one room, if it is frozen.
pub(super) fn record(held: &HeldSnapshot, id: &RoomId, room: &Room) -> Result<Option<Record>, StorageError> {
    Ok(frozen(&held.frozen, id, room)?.map(|Freeze { notice: Notice { at_ms, reason }, by }| {
        let by = by.map_or_else(Bytes::new, |opener| Bytes::copy_from_slice(&opener.0));
        Record::Frozen { at_ms, by, reason }
    }))
}

fn notice((at_ms, text): (u64, &str)) -> Result<Notice, StorageError> {
    let reason: Reason = text.parse().map_err(|_| corrupted())?;
    Ok(Notice { at_ms, reason })
}

fn corrupted() -> StorageError {
    StorageError::Corrupted("what is said of a frozen or dropped room does not parse".into())
}
