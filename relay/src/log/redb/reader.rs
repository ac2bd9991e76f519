//! What readers ask of a snapshot.

use bytes::Bytes;
use proto::{
    PublicKey, PublishId, RoomId,
    access::{Grant, Memory, Rows, Standing, standing},
    relay::Deliver,
};
use redb::ReadTransaction;

use super::{
    access::{self, Access},
    holds, pieces, row,
    tables::{self, HeldSnapshot, Room, Snapshot},
};
use crate::{
    log::{Appended, Author, Barring, Batch, Measured, Slot, View},
    policy::{
        limits::READ_BYTES,
        reason::{Notice, Reason},
    },
};

pub(super) fn view(transaction: &ReadTransaction, reader: &Author) -> Result<Option<View>, redb::Error> {
    let snapshot = Snapshot::open(transaction)?;
    let rows = access::in_snapshot(&snapshot, &reader.room);
    // Both are looked up whatever the first one says: no room and no key take the same time.
    let room = tables::room(&snapshot.rooms, &reader.room)?;
    let row = rows.key(&reader.key)?;
    let Some((room, row)) = room.zip(row) else { return Ok(None) };
    let Access { generation, head } = access::load(&snapshot.access, &reader.room)?;
    let standing = standing(&head, &rows, &row, reader.now_ms)?;
    let barring = match standing {
        Some(Standing::Barred { by, .. }) => barring(&snapshot, &reader.room, by)?,
        _ => None,
    };
    Ok(Some(View {
        generation,
        head: room.head,
        oldest: room.oldest,
        last_commit: head.tip().position,
        confirmed: head.confirmed.position,
        frozen: frozen(transaction, &reader.room, &room)?,
        standing,
        card: match row.grant {
            Grant::Invite { card, .. } => card,
            Grant::Member => Bytes::new(),
        },
        founder: snapshot.lone.get(&reader.room.0)?.map(|row| PublicKey(*row.value().0)),
        barring,
    }))
}

/// What a key that reads no entries is told of the commit that took its access; none where that is not kept any more.
fn barring(snapshot: &Snapshot, room: &RoomId, by: u64) -> Result<Option<Barring>, redb::Error> {
    let Some(row) = snapshot.entries.get((&room.0, by))? else { return Ok(None) };
    let Some((_, entry)) = row::decode(row.value()) else { return Ok(None) };
    // Copies: a slice would hold the whole entry in memory.
    let copy = |bytes: &Bytes| Bytes::copy_from_slice(bytes);
    let removed = entry.access.iter().flat_map(|change| &change.removed).map(copy).collect();
    Ok(Some(Barring { key: copy(&entry.key), removed }))
}

/// What the operator said of a room that was dropped.
pub(super) fn dropped(transaction: &ReadTransaction, room: &RoomId) -> Result<Option<Reason>, redb::Error> {
    let dropped = holds::dropped(&HeldSnapshot::open(transaction)?.dropped, room)?;
    Ok(dropped.map(|notice| notice.reason))
}

/// What the operator says of a room that is frozen.
fn frozen(transaction: &ReadTransaction, id: &RoomId, room: &Room) -> Result<Option<Notice>, redb::Error> {
    if room.frozen_ms == 0 {
        return Ok(None);
    }
    let freeze = holds::frozen(&HeldSnapshot::open(transaction)?.frozen, id, room)?;
    Ok(freeze.map(|freeze| freeze.notice))
}

pub(super) fn room_of(
    transaction: &ReadTransaction,
    invite: &PublicKey,
) -> Result<Option<RoomId>, redb::Error> {
    let snapshot = Snapshot::open(transaction)?;
    Ok(snapshot.invites.get(&invite.0)?.map(|room| RoomId(*room.value())))
}

/// Who may do what, as of the newest entry; empty for no room, and where votes make it too long.
pub(super) fn access(transaction: &ReadTransaction, id: &RoomId) -> Result<Bytes, redb::Error> {
    let snapshot = Snapshot::open(transaction)?;
    let Some(room) = tables::room(&snapshot.rooms, id)? else { return Ok(Bytes::new()) };
    let head = access::load(&snapshot.access, id)?.head;
    let rows = access::in_snapshot(&snapshot, id);
    let state = Memory::of(head, rows.keys()?, rows.steps(0, usize::MAX)?, rows.votes()?);
    Ok(state.to_snapshot(room.head).unwrap_or_default().into())
}

pub(super) fn slot(
    transaction: &ReadTransaction,
    id: &RoomId,
    confirmed: bool,
    room_for: usize,
) -> Result<Option<Measured<Slot>>, redb::Error> {
    let snapshot = Snapshot::open(transaction)?;
    if tables::room(&snapshot.rooms, id)?.is_none() {
        return Ok(None);
    }
    let head = access::load(&snapshot.access, id)?.head;
    let last_commit = if confirmed { head.confirmed.position } else { head.tip().position };
    Ok(Some(pieces::read(&snapshot, id, last_commit, room_for)?))
}

pub(super) fn read(
    transaction: &ReadTransaction,
    reader: &Author,
    after: u64,
    room_for: usize,
) -> Result<Measured<Batch>, redb::Error> {
    let (snapshot, id) = (Snapshot::open(transaction)?, &reader.room);
    let Some(room) = tables::room(&snapshot.rooms, id)? else {
        // Keys of a dropped room may still be there.
        return Ok(Measured::Ready(Batch {
            entries: Vec::new(),
            head: 0,
            oldest: 1,
            standing: None,
            frozen_ms: 0,
            dropped: dropped(transaction, id)?,
            damaged: false,
        }));
    };
    let rows = access::in_snapshot(&snapshot, id);
    let standing = match rows.key(&reader.key)? {
        Some(row) => {
            let head = access::load(&snapshot.access, id)?.head;
            standing(&head, &rows, &row, reader.now_ms)?
        }
        None => None,
    };
    // Who was removed reads up to that commit; who was never confirmed, nothing any more.
    let last = match standing {
        Some(Standing::Member { .. }) => room.head,
        Some(Standing::Barred { by, .. }) => by.min(room.head),
        Some(Standing::Invite) | None => 0,
    };
    let (oldest, frozen_ms) = (room.oldest, room.frozen_ms);
    let mut batch =
        Batch { entries: Vec::new(), head: last, oldest, standing, frozen_ms, dropped: None, damaged: false };
    let mut bytes = 0;
    let first = after.saturating_add(1).max(room.oldest);
    if first > last {
        return Ok(Measured::Ready(batch));
    }
    for row in snapshot.entries.range((&id.0, first)..=(&id.0, last))? {
        let (_, row) = row?;
        let row = row.value();
        bytes += row.len();
        if batch.entries.is_empty() && row.len() > room_for {
            return Ok(Measured::Large(row.len()));
        }
        if bytes > READ_BYTES && !batch.entries.is_empty() {
            break;
        }
        // Never served as good; the rest of the room is told apart from it by whoever reads.
        let Some((_, entry)) = row::decode(row) else {
            batch.damaged = true;
            break;
        };
        batch.entries.push(entry);
    }
    Ok(Measured::Ready(batch))
}

pub(super) fn published(
    transaction: &ReadTransaction,
    author: &Author,
    id: &PublishId,
    mut expected: Deliver,
) -> Result<Option<Appended>, redb::Error> {
    let snapshot = Snapshot::open(transaction)?;
    let room = tables::room(&snapshot.rooms, &author.room)?;
    if room.is_none() || snapshot.keys.get((&author.room.0, &author.key.0))?.is_none() {
        return Ok(None);
    }
    let Some(seq) = snapshot.ids.get((&author.room.0, &id.0))?.map(|seq| seq.value()) else {
        return Ok(None);
    };
    let Some(row) = snapshot.entries.get((&author.room.0, seq))? else { return Ok(None) };
    let Some((_, stored)) = row::decode(row.value()) else { return Ok(None) };
    (expected.seq, expected.at_ms, expected.undone) = (seq, stored.at_ms, stored.undone);
    Ok((stored == expected).then_some(Appended { seq, at_ms: stored.at_ms, repeated: true }))
}
