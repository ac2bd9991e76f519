//! The chat lines that this device has seen and what became of them, sealed one by one.

mod carried;
mod stored;

use proto::RoomId;
use rusqlite::{Connection, OptionalExtension, params};
use shared::{
    message::timeline::{ActError, Line},
    room::{Act, MessageId, Millis},
};
use zeroize::Zeroizing;

pub use self::carried::{read_line, written_line};
use self::stored::Stored;
use super::{Damage, Store, StoreError, seal::Sealer, transfers};

/// Chat lines kept per room, unless the settings say otherwise; the oldest go first. Some hundred megabytes of the
/// longest lines, some ten of usual ones.
pub const MAX_HISTORY: u64 = 100_000;

/// A room keeps more lines than it should for a while: one in so many.
const SLACK: u64 = 64;

/// Something that happened in a room's log.
#[derive(Clone, Debug)]
pub enum LineOrAct {
    /// A chat line.
    Line(Line),
    /// Something happened to one.
    Act(Act),
}

impl Store {
    /// How many chat lines are kept per room from now on; those beyond go at once.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be deleted; then all are still there.
    pub fn keep_lines(&mut self, lines: u64) -> Result<(), StoreError> {
        self.kept = lines;
        let transaction = self.db.transaction()?;
        {
            let mut select = transaction.prepare_cached("SELECT room FROM rooms")?;
            let rooms = select.query_map([], |row| row.get(0).map(RoomId))?;
            for room in rooms.collect::<Result<Vec<_>, _>>()? {
                trim(&transaction, room, lines)?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// At most `limit` chat lines after `seq`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read or were altered.
    pub fn history(&self, room: RoomId, after: u64, limit: u32) -> Result<Vec<Line>, StoreError> {
        let select = "SELECT seq, value FROM messages WHERE room = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
        self.lines(room, select, i64::try_from(after).unwrap_or(i64::MAX), limit)
    }

    /// The last `limit` chat lines before `seq`, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read or were altered.
    pub fn history_before(&self, room: RoomId, seq: u64, limit: u32) -> Result<Vec<Line>, StoreError> {
        let select =
            "SELECT seq, value FROM messages WHERE room = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";
        let mut lines = self.lines(room, select, i64::try_from(seq).unwrap_or(i64::MAX), limit)?;
        lines.reverse();
        Ok(lines)
    }

    /// The chat line of that id, if it is still here.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or was altered.
    pub fn line(&self, room: RoomId, id: MessageId) -> Result<Option<Line>, StoreError> {
        find(&self.db, &self.sealer, room, id)
    }

    /// When the next chat line or happening of a room is to go, Unix milliseconds.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn next_expiry(&self, room: RoomId) -> Result<Option<Millis>, StoreError> {
        let select = "SELECT min(expires) FROM (
                          SELECT min(expires) AS expires FROM messages WHERE room = ?1 AND expires IS NOT NULL
                          UNION ALL
                          SELECT min(expires) FROM happenings WHERE room = ?1 AND expires IS NOT NULL
                      )";
        Ok(self.db.query_row(select, [room.as_bytes()], |row| row.get(0))?)
    }

    /// Deletes the chat lines and happenings of a room whose time is over. Returns the lines' sequence numbers.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be deleted; then all are still there.
    pub fn expire(&mut self, room: RoomId, now: Millis) -> Result<Vec<u64>, StoreError> {
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let delete = "DELETE FROM messages WHERE room = ?1 AND expires <= ?2 RETURNING seq, value";
        let transaction = self.db.transaction()?;
        let gone: Vec<(u64, Vec<u8>)> = {
            let mut delete = transaction.prepare_cached(delete)?;
            let gone =
                delete.query_map(params![room.as_bytes(), now], |row| Ok((row.get(0)?, row.get(1)?)))?;
            gone.collect::<Result<_, _>>()?
        };
        for (seq, sealed) in &gone {
            // What cannot be read has no file that could be dropped, and is to go all the same.
            if let Ok(line) = open(&self.sealer, room, *seq, sealed) {
                transfers::line_goes(&transaction, room, &line)?;
            }
        }
        transaction
            .prepare_cached("DELETE FROM happenings WHERE room = ?1 AND expires <= ?2")?
            .execute(params![room.as_bytes(), now])?;
        transaction.commit()?;
        Ok(gone.into_iter().map(|(seq, _)| seq).collect())
    }

    fn lines(&self, room: RoomId, select: &str, bound: i64, limit: u32) -> Result<Vec<Line>, StoreError> {
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

/// What a batch of entries did to lines that were there before or are new in it.
#[derive(Debug, Default)]
pub struct Changed {
    /// What changed, and the line as it is now.
    pub lines: Vec<(Act, Line)>,
    /// Acts that broke a rule.
    pub refused: Vec<(Act, ActError)>,
}

/// Adds entries within a transaction, in order. A line that is already there stays as it is.
pub(super) fn append(
    db: &Connection,
    sealer: &Sealer,
    room: RoomId,
    entries: &[LineOrAct],
    kept: u64,
) -> Result<Changed, StoreError> {
    let mut changed = Changed::default();
    let before = newest(db, room)?;
    for entry in entries {
        match entry {
            // What is handed over is not proven, so it must not take the place of what this device read itself.
            LineOrAct::Line(line) if line.handed_by.is_some() && is_known(db, room, line.message.id)? => {}
            LineOrAct::Line(line) => {
                if line.handed_by.is_none() && is_taken(db, room, line)? {
                    // Numbers come once. If one came again all the same, nobody loses what was read under it.
                    let mut line = line.clone();
                    line.message.seq = newest(db, room)?.saturating_add(1);
                    put(db, sealer, room, &line, ADD)?;
                } else {
                    put(db, sealer, room, line, ADD)?;
                }
            }
            LineOrAct::Act(act) => {
                // One for a line that was never here, or is gone, changes nothing.
                let Some(mut line) = find(db, sealer, room, act.target)? else { continue };
                let before = line.clone();
                match line.apply(act) {
                    Ok(true) => {
                        if line.deleted {
                            transfers::line_goes(db, room, &before)?;
                        }
                        put(db, sealer, room, &line, REPLACE)?;
                        changed.lines.push((act.clone(), line));
                    }
                    Ok(false) => {}
                    // Who said a line that was handed over is not proven: nobody is accused of a forgery by it.
                    Err(_) if line.handed_by.is_some() => {}
                    Err(error) => changed.refused.push((act.clone(), error)),
                }
            }
        }
    }
    // Counting reads all of them, so it is done once in a while only.
    let step = kept / SLACK + 1;
    if newest(db, room)? / step != before / step {
        trim(db, room, kept)?;
    }
    Ok(changed)
}

fn newest(db: &Connection, room: RoomId) -> Result<u64, StoreError> {
    let select = "SELECT coalesce(max(seq), 0) FROM messages WHERE room = ?1";
    Ok(db.prepare_cached(select)?.query_row([room.as_bytes()], |row| row.get(0))?)
}

/// Deletes all but the newest lines, and what happened before the oldest of those that stay.
fn trim(db: &Connection, room: RoomId, kept: u64) -> Result<(), StoreError> {
    let span: u64 = db.prepare_cached(SPAN)?.query_row([room.as_bytes()], |row| row.get(0))?;
    if span < kept {
        // Nothing has to be counted.
        return Ok(());
    }
    let select = "SELECT seq FROM messages WHERE room = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2";
    let kept = i64::try_from(kept).unwrap_or(i64::MAX);
    let first: Option<u64> =
        db.prepare_cached(select)?.query_row(params![room.as_bytes(), kept], |row| row.get(0)).optional()?;
    if let Some(first) = first {
        for table in ["messages", "happenings"] {
            db.prepare_cached(&format!("DELETE FROM {table} WHERE room = ?1 AND seq <= ?2"))?
                .execute(params![room.as_bytes(), first])?;
        }
    }
    Ok(())
}

/// Of several lines with one id the first counts: whoever takes another's id later gains nothing by it.
fn find(db: &Connection, sealer: &Sealer, room: RoomId, id: MessageId) -> Result<Option<Line>, StoreError> {
    let found: Option<(u64, Vec<u8>)> = db
        .prepare_cached(FIND)?
        .query_row(params![room.as_bytes(), id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    found.map(|(seq, sealed)| open(sealer, room, seq, &sealed)).transpose()
}

fn is_known(db: &Connection, room: RoomId, id: MessageId) -> Result<bool, StoreError> {
    let select = "SELECT EXISTS (SELECT 1 FROM messages WHERE room = ?1 AND id = ?2)";
    Ok(db.prepare_cached(select)?.query_row(params![room.as_bytes(), id], |row| row.get(0))?)
}

/// Another line has its number.
fn is_taken(db: &Connection, room: RoomId, line: &Line) -> Result<bool, StoreError> {
    let select = "SELECT EXISTS (SELECT 1 FROM messages WHERE room = ?1 AND seq = ?2 AND id IS NOT ?3)";
    let key = params![room.as_bytes(), line.message.seq, line.message.id];
    Ok(db.prepare_cached(select)?.query_row(key, |row| row.get(0))?)
}

/// Left to itself SQLite walks through all of the room, instead of looking an id up.
const FIND: &str = "SELECT seq, value FROM messages INDEXED BY messages_by_id
                    WHERE room = ?1 AND id = ?2 ORDER BY seq LIMIT 1";

/// Each by itself: both in one, SQLite reads all of the room for them.
const SPAN: &str = "SELECT coalesce((SELECT max(seq) FROM messages WHERE room = ?1)
                                  - (SELECT min(seq) FROM messages WHERE room = ?1), 0)";

/// A line that is there already stays as it is.
const ADD: &str =
    "INSERT OR IGNORE INTO messages (room, seq, value, id, expires) VALUES (?1, ?2, ?3, ?4, ?5)";

const REPLACE: &str =
    "INSERT OR REPLACE INTO messages (room, seq, value, id, expires) VALUES (?1, ?2, ?3, ?4, ?5)";

fn put(db: &Connection, sealer: &Sealer, room: RoomId, line: &Line, insert: &str) -> Result<(), StoreError> {
    let (seq, id, expires) = (line.message.seq, line.message.id, line.message.disappears);
    let stored = Stored::from(line.clone());
    let plain = serde_json::to_vec(&stored).map(Zeroizing::new).map_err(|_| damaged())?;
    let sealed = sealer.seal(&label(room, seq), &plain)?;
    let expires = expires.map(|at| i64::try_from(at).unwrap_or(i64::MAX));
    db.prepare_cached(insert)?.execute(params![room.as_bytes(), seq, sealed, id, expires])?;
    Ok(())
}

fn open(sealer: &Sealer, room: RoomId, seq: u64, sealed: &[u8]) -> Result<Line, StoreError> {
    let plain = sealer.open(&label(room, seq), sealed)?;
    let stored: Stored = serde_json::from_slice(&plain).map_err(|_| damaged())?;
    Ok(stored.into_line(seq))
}

fn label(room: RoomId, seq: u64) -> Vec<u8> {
    [b"line/".as_slice(), room.as_bytes(), &seq.to_be_bytes()].concat()
}

fn damaged() -> StoreError {
    StoreError::Damaged(Damage::Line)
}

#[cfg(test)]
mod tests;
