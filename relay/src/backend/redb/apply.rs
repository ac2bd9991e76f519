//! What one publish does to the tables: all checks first, then all writes.

use proto::RoomId;
use redb::{ReadableTable, StorageError};

use super::{
    Policy, doom,
    tables::{self, Room, Tables, to_entry_row, to_key_row},
    tokens, trim,
};
use crate::{
    access::{Access, AccessKey, Grant},
    backend::{AppendError, Appended, Author, CreateError, Lack, Loss, entry},
    limits::TRIM_STEP,
    request::{Commit, Opening, Publish},
    token::Right,
};

/// Outside: the disk failed and the transaction is void. Inside: the answer to one publish.
pub(super) type Outcome<T, E> = Result<Result<T, E>, StorageError>;

/// Appends, or finds the publish already there.
pub(super) fn append(
    tables: &mut Tables<'_>,
    policy: &Policy,
    space: Result<(), Lack>,
    author: &Author,
    publish: &Publish,
) -> Outcome<Appended, AppendError> {
    let Some(mut room) = tables::room(&tables.rooms, &author.room)? else {
        return Ok(Err(AppendError::NotAllowed));
    };
    let Some(access) = tables::access(&tables.keys, &author.room, &author.key)? else {
        return Ok(Err(AppendError::NotAllowed));
    };
    // Before every other check: a client that lost the answer must get it again, even though its
    // commit now conflicts with itself and its invite is used up.
    if let Some(answer) = repeated(tables, author, publish)? {
        return Ok(answer);
    }
    if let Err(refusal) = check(tables, policy, &room, access, author, publish)? {
        return Ok(Err(refusal));
    }
    if let Err(lack) = space {
        return Ok(Err(AppendError::NoSpace(lack)));
    }

    let (seq, at_ms) = (room.head + 1, author.now_ms.max(room.last_at_ms));
    let row = to_entry_row(&publish.id, &entry(publish, seq, at_ms));
    tables.entries.insert((&author.room.0, seq), row.as_slice())?;
    tables.ids.insert((&author.room.0, &publish.id.0), seq)?;
    room.head = seq;
    room.last_at_ms = at_ms;
    room.bytes += row.len() as u64;
    tables.news.wrote(&author.room, seq, row, publish.envelope.len());
    if let Some(commit) = &publish.commit {
        room.last_commit = seq;
        tables.slots.insert(&author.room.0, &*commit.slot)?;
        count_use(tables, author, access)?;
        room.keys = change_keys(tables, &author.room, commit)?.apply(room.keys);
        tables.news.lost(&author.room, Loss::Keys(commit.change.removed.clone()));
    }
    // By age they go in the regular round: whether the oldest is due is not worth looking at it for each new one.
    if trim::is_over(&room, &policy.retention) {
        trim::trim(tables, &author.room, &mut room, &policy.retention, author.now_ms, TRIM_STEP)?;
    }
    tables.rooms.insert(&author.room.0, &room.into())?;
    Ok(Ok(Appended { seq, at_ms, repeated: false }))
}

/// Opens a room, if there is a right to.
pub(super) fn create(
    tables: &mut Tables<'_>,
    policy: &Policy,
    space: Result<(), Lack>,
    room: &RoomId,
    opening: &Opening,
    (right, now_ms): (&Right, u64),
) -> Outcome<(), CreateError> {
    // First of all: whoever has no right does not learn which rooms exist.
    let token = match tokens::payer(tables, right, now_ms)? {
        Ok(token) => token,
        Err(no) => return Ok(Err(CreateError::NoRight(no))),
    };
    if tables::room(&tables.rooms, room)?.is_some() {
        return Ok(Err(CreateError::Exists));
    }
    if doom::is_doomed(tables, room)? {
        return Ok(Err(CreateError::BeingDropped));
    }
    let keys = opening.keys.len() as u64;
    if keys > policy.keys_per_room {
        return Ok(Err(CreateError::TooLarge));
    }
    if let Err(lack) = space {
        return Ok(Err(CreateError::NoSpace(lack)));
    }
    if let Some(token) = token {
        if let Err(no) = token.may_open(now_ms) {
            return Ok(Err(CreateError::NoRight(no)));
        }
        tokens::pay(tables, room, token)?;
    }
    let row = Room { head: 0, oldest: 1, last_commit: 0, last_at_ms: now_ms, bytes: 0, keys };
    tables.rooms.insert(&room.0, &row.into())?;
    tables.slots.insert(&room.0, &*opening.slot)?;
    for AccessKey { key, grant } in &opening.keys {
        tables.keys.insert((&room.0, &key.0), to_key_row(Access { grant: *grant, uses: 0 }))?;
    }
    Ok(Ok(()))
}

/// The answer to an id that is in the log already. The slot is not compared: only the newest is kept.
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
    let (_, stored) = tables::from_entry_row(row.value())?;
    let at_ms = stored.at_ms;
    let same = stored == entry(publish, seq, at_ms);
    Ok(Some(if same { Ok(Appended { seq, at_ms, repeated: true }) } else { Err(AppendError::Malformed) }))
}

fn check(
    tables: &Tables<'_>,
    policy: &Policy,
    room: &Room,
    access: Access,
    author: &Author,
    publish: &Publish,
) -> Outcome<(), AppendError> {
    if !access.may_publish(publish.commit.as_ref(), author.now_ms) {
        return Ok(Err(AppendError::NotAllowed));
    }
    let Some(commit) = &publish.commit else { return Ok(Ok(())) };
    if commit.expected != room.last_commit {
        return Ok(Err(AppendError::Conflict { last_commit: room.last_commit }));
    }
    for AccessKey { key, grant } in &commit.change.added {
        // A member key that becomes an invite, or the other way round, is nobody's honest wish.
        let before = tables::access(&tables.keys, &author.room, key)?;
        if before.is_some_and(|before| before.is_member() != (*grant == Grant::Member)) {
            return Ok(Err(AppendError::Malformed));
        }
    }
    if room.keys + commit.change.added.len() as u64 > policy.keys_per_room {
        return Ok(Err(AppendError::TooLarge));
    }
    Ok(Ok(()))
}

fn count_use(tables: &mut Tables<'_>, author: &Author, access: Access) -> Result<(), StorageError> {
    if !access.is_member() {
        let used = Access { uses: access.uses.saturating_add(1), ..access };
        tables.keys.insert((&author.room.0, &author.key.0), to_key_row(used))?;
    }
    Ok(())
}

/// How the number of keys changed.
struct Difference {
    new: u64,
    gone: u64,
}

impl Difference {
    fn apply(&self, keys: u64) -> u64 {
        (keys + self.new).saturating_sub(self.gone)
    }
}

fn change_keys(tables: &mut Tables<'_>, room: &RoomId, commit: &Commit) -> Result<Difference, StorageError> {
    let mut difference = Difference { new: 0, gone: 0 };
    for AccessKey { key, grant } in &commit.change.added {
        // A key that is added again keeps count of its uses.
        let before = tables::access(&tables.keys, room, key)?;
        difference.new += u64::from(before.is_none());
        let access = Access { grant: *grant, uses: before.map_or(0, |before| before.uses) };
        tables.keys.insert((&room.0, &key.0), to_key_row(access))?;
    }
    for key in &commit.change.removed {
        difference.gone += u64::from(tables.keys.remove((&room.0, &key.0))?.is_some());
    }
    Ok(difference)
}
