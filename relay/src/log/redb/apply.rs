//! What one publish does to the tables: all checks first, then all writes.

use proto::{
    RoomId,
    access::{Changes, Ed25519, Head, Refusal},
    relay::Deliver,
};
use redb::{ReadableTable, StorageError};

use super::{
    Policy,
    access::{self, Access, GENERATION},
    ahead, holds, openers, pieces, row,
    space::Spare,
    tables::{self, Room, Tables},
    tokens, tombstone, trim,
};
use crate::{
    log::{AppendError, Appended, Author, CreateError, Opening, Publish, publish::entry},
    policy::token::Right,
};

/// Outside: the disk failed and the transaction is void. Inside: the answer to one publish.
pub(super) type Outcome<T, E> = Result<Result<T, E>, StorageError>;

/// Appends, or finds the publish already there.
pub(super) fn append(
    tables: &mut Tables<'_>,
    policy: &Policy,
    spare: &Spare<'_>,
    author: &Author,
    publish: &Publish,
) -> Outcome<Appended, AppendError> {
    let Some(mut room) = tables::room(&tables.rooms, &author.room)? else {
        let dropped = holds::dropped(&tables.held()?.dropped, &author.room)?;
        return Ok(
            Err(dropped.map_or(AppendError::NotAllowed, |notice| AppendError::Dropped(notice.reason))),
        );
    };
    if tables.keys.get((&author.room.0, &author.key.0))?.is_none() {
        return Ok(Err(AppendError::NotAllowed));
    }
    // Before every other check: a client that lost the answer must get it again, even though its
    // commit now conflicts with itself and its invite is used up.
    if let Some(answer) = repeated(tables, author, publish)? {
        return Ok(answer);
    }
    if room.frozen_ms != 0
        && let Some(freeze) = holds::frozen(&tables.held()?.frozen, &author.room, &room)?
    {
        return Ok(Err(AppendError::Frozen(freeze.notice.reason)));
    }
    let before = access::load(&tables.access, &author.room)?;
    let (seq, at_ms) = (room.head + 1, author.now_ms.max(room.last_at_ms));
    let changes = match decide(tables, policy, author, publish, &before, seq)? {
        Ok(changes) => changes,
        Err(refusal) => return Ok(Err(refusal.into())),
    };
    if let Err(missing) = spare.for_room(&author.room) {
        return Ok(Err(AppendError::NoSpace(missing)));
    }
    if let Some(commit) = &publish.commit
        && let Err(error) = pieces::check(tables, &author.room, &commit.slot)?
    {
        return Ok(Err(error));
    }

    let entry = Deliver { undone: changes.undone, ..entry(&author.key, publish, seq, at_ms) };
    let row = row::encode(&publish.id, &entry);
    tables.is_more_than_messages |= publish.commit.is_some() || !changes.is_nothing(&before.head);
    ahead::append(tables, &author.room, &publish.id.0, &row, (seq, at_ms), &mut room)?;
    room.keys = changes.head.rows;
    tables.news.wrote(&author.room, seq, (row, row::ENTRY), publish.envelope.len());
    if let Some(commit) = &publish.commit {
        room.last_commit = seq;
        // Before the others go, so that what it shares with them stays.
        room.slot_bytes += pieces::put(tables, &author.room, seq, &commit.slot)?;
    }
    access::write(tables, &author.room, &before, changes, &mut room)?;
    if trim::over(&room, &policy.retention).is_some() {
        tables.over.insert(author.room);
        tables.is_far_over |= trim::is_far_over(&room, &policy.retention);
    }
    tables.put_room(&author.room, room)?;
    tables.sizes.wrote(&author.room, publish.size() as u64);
    Ok(Ok(Appended { seq, at_ms, repeated: false }))
}

fn decide(
    tables: &Tables<'_>,
    policy: &Policy,
    author: &Author,
    publish: &Publish,
    before: &Access,
    seq: u64,
) -> Outcome<Changes, Refusal> {
    let what = proto::access::Publish {
        room: &author.room,
        generation: &before.generation,
        seq,
        // The clock itself: one that was wrong once must not expire invites for ever.
        now_ms: author.now_ms,
        max_keys: policy.keys_per_room,
        key: author.key,
        commit: publish.commit.as_ref().map(|commit| &commit.part),
        ack: publish.ack.as_ref(),
        ballot: publish.ballot.as_ref(),
    };
    proto::access::publish(&before.head, &access::in_tables(tables, &author.room), &Ed25519, &what)
}

/// Opens a room, if there is a right to.
pub(super) fn create(
    tables: &mut Tables<'_>,
    policy: &Policy,
    spare: &Spare<'_>,
    room: &RoomId,
    opening: &Opening,
    (right, now_ms): (&Right, u64),
    generation: &[u8; GENERATION],
) -> Outcome<(), CreateError> {
    // First of all: whoever has no right does not learn which rooms exist.
    let token = match tokens::payer(tables, right, now_ms)? {
        Ok(token) => token,
        Err(no) => return Ok(Err(CreateError::NoRight(no))),
    };
    if tables::room(&tables.rooms, room)?.is_some() {
        return Ok(Err(CreateError::Exists));
    }
    if let Some(notice) = holds::dropped(&tables.held()?.dropped, room)? {
        return Ok(Err(CreateError::Dropped(notice.reason)));
    }
    if tombstone::stands(tables, room)? {
        return Ok(Err(CreateError::BeingDropped));
    }
    let keys = opening.keys.len() as u64;
    if keys > policy.keys_per_room {
        return Ok(Err(CreateError::TooLarge));
    }
    let opener = openers::opener(tables, token.as_ref(), opening.address, now_ms)?;
    if let Some(opener) = &opener
        && let Some(notice) = holds::opener_notice(tables.held()?, opener)?
    {
        return Ok(Err(CreateError::Frozen(notice.reason)));
    }
    if let Err(missing) = spare.for_opener(opener.as_ref()) {
        return Ok(Err(CreateError::NoSpace(missing)));
    }
    if let Some(token) = token {
        if let Err(no) = token.may_open(now_ms) {
            return Ok(Err(CreateError::NoRight(no)));
        }
        tokens::pay(tables, room, token)?;
    }
    let (head, rows) = Head::open(opening.authority, &opening.keys);
    let slot_bytes = pieces::put(tables, room, 0, &opening.slot)?;
    let row = Room {
        head: 0,
        oldest: 1,
        last_commit: 0,
        last_at_ms: now_ms,
        bytes: 0,
        keys,
        slot_bytes,
        key_bytes: rows.iter().map(|(_, row)| access::key_size(row)).sum(),
        frozen_ms: 0,
    };
    tables.put_room(room, row)?;
    if let Some(opener) = opener {
        openers::note(tables, room, opener)?;
    }
    if let Some(founder) = opening.keys.first() {
        tables.more_mut()?.lone.insert(&room.0, (&founder.key.0, now_ms))?;
    }
    access::open(tables, room, &Access { generation: *generation, head }, &rows)?;
    Ok(Ok(()))
}

/// The answer to an id that is in the log already. Of the slot its hash is compared.
fn repeated(
    tables: &Tables<'_>,
    author: &Author,
    publish: &Publish,
) -> Result<Option<Result<Appended, AppendError>>, StorageError> {
    let Some(seq) = tables.ids.get((&author.room.0, &publish.id.0))?.map(|seq| seq.value()) else {
        return Ok(None);
    };
    let Some(row) = tables.entries.get((&author.room.0, seq))? else {
        return Err(StorageError::Corrupted("an id without its entry".into()));
    };
    // One that is damaged cannot be compared; the batch goes on, and so do other rooms.
    let Some((_, stored)) = row::decode(row.value()) else {
        return Ok(Some(Err(AppendError::Damaged)));
    };
    let at_ms = stored.at_ms;
    let same = stored == Deliver { undone: stored.undone, ..entry(&author.key, publish, seq, at_ms) };
    Ok(Some(if same { Ok(Appended { seq, at_ms, repeated: true }) } else { Err(AppendError::Malformed) }))
}
