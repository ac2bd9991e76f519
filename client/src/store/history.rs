//! The chat lines that this device has seen, sealed one by one.

use proto::RoomId;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use shared::engine::{Message, Person};
use zeroize::Zeroizing;

use super::{Store, StoreError, seal::Sealer};

/// Chat lines kept per room; the oldest go first. Some hundred megabytes of the longest lines, some ten
/// of usual ones.
pub const MAX_HISTORY: u64 = 100_000;

/// A stored chat line. Its sequence number is the row's key.
#[derive(Serialize, Deserialize)]
struct Line {
    id: [u8; 16],
    at: u64,
    name: String,
    from: [u8; 32],
    text: String,
    mine: bool,
}

impl Store {
    /// At most `limit` chat lines after `seq`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read or were altered.
    pub fn history(&self, room: RoomId, after: u64, limit: u32) -> Result<Vec<Message>, StoreError> {
        let select = "SELECT seq, value FROM messages WHERE room = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
        self.lines(room, select, i64::try_from(after).unwrap_or(i64::MAX), limit)
    }

    /// The last `limit` chat lines, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read or were altered.
    pub fn recent(&self, room: RoomId, limit: u32) -> Result<Vec<Message>, StoreError> {
        let select =
            "SELECT seq, value FROM messages WHERE room = ?1 AND seq > ?2 ORDER BY seq DESC LIMIT ?3";
        let mut lines = self.lines(room, select, -1, limit)?;
        lines.reverse();
        Ok(lines)
    }

    /// The last `limit` chat lines before `seq`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read or were altered.
    pub fn history_before(&self, room: RoomId, seq: u64, limit: u32) -> Result<Vec<Message>, StoreError> {
        let select =
            "SELECT seq, value FROM messages WHERE room = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";
        let mut lines = self.lines(room, select, i64::try_from(seq).unwrap_or(i64::MAX), limit)?;
        lines.reverse();
        Ok(lines)
    }

    fn lines(&self, room: RoomId, select: &str, bound: i64, limit: u32) -> Result<Vec<Message>, StoreError> {
        let mut select = self.db.prepare_cached(select)?;
        let found =
            select.query_map(params![room.as_bytes(), bound, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
        found
            .map(|row| {
                let (seq, sealed): (u64, Vec<u8>) = row?;
                open(&self.sealer, room, seq, &sealed)
            })
            .collect()
    }
}

/// Adds lines within a transaction. A line that is already there stays as it is.
pub(super) fn append(
    db: &Connection,
    sealer: &Sealer,
    room: RoomId,
    messages: &[Message],
) -> Result<(), StoreError> {
    let Some(last) = messages.last() else { return Ok(()) };
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO messages VALUES (?1, ?2, ?3)")?;
    for message in messages {
        let line = Line {
            id: message.id,
            at: message.at,
            name: message.from.name.clone(),
            from: message.from.fingerprint.0,
            text: message.text.clone(),
            mine: message.mine,
        };
        let plain = serde_json::to_vec(&line).map(Zeroizing::new).map_err(|_| damaged())?;
        insert.execute(params![
            room.as_bytes(),
            message.seq,
            sealer.seal(&label(room, message.seq), &plain)?
        ])?;
    }
    let oldest = last.seq.saturating_sub(MAX_HISTORY);
    db.prepare_cached("DELETE FROM messages WHERE room = ?1 AND seq <= ?2")?
        .execute(params![room.as_bytes(), oldest])?;
    Ok(())
}

fn open(sealer: &Sealer, room: RoomId, seq: u64, sealed: &[u8]) -> Result<Message, StoreError> {
    let plain = sealer.open(&label(room, seq), sealed)?;
    let line: Line = serde_json::from_slice(&plain).map_err(|_| damaged())?;
    let from = Person { name: line.name, fingerprint: shared::identity::Fingerprint(line.from) };
    Ok(Message { seq, id: line.id, at: line.at, from, text: line.text, mine: line.mine })
}

fn label(room: RoomId, seq: u64) -> Vec<u8> {
    [b"line/".as_slice(), room.as_bytes(), &seq.to_be_bytes()].concat()
}

fn damaged() -> StoreError {
    StoreError::Damaged("a chat line".into())
}
