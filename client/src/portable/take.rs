//! Taking what another device of the person had into a profile, record by record, each in a transaction of its own. Taking
//! the same again changes nothing, so whoever was interrupted begins anew.

use std::collections::BTreeSet;

use proto::RoomId;
use shared::room::{Change, Person};

use super::{
    frames::ReadError,
    schema::Body,
    value::{Account, File, Room, Value},
};
use crate::store::{Batch, Cursor, RoomRecord, Store, StoreError};

/// Why something was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// It is not what may come.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The profile cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was taken so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// People.
    pub people: u64,
    /// Rooms.
    pub rooms: u64,
    /// Chat lines that are new here.
    pub lines: u64,
    /// Files that were named.
    pub files: u64,
}

/// What is left to whoever takes.
pub enum Left {
    /// Nothing: it is taken.
    Nothing,
    /// The account: whoever restores makes the profile its own.
    Account(Box<Account>),
    /// Settings that follow the person.
    Settings(String),
    /// A room, which is taken by [`Intake::admit`] once it is known how to get in.
    Room(Box<Room>),
    /// A file, and then its bytes.
    File(File),
    /// The next bytes of that file.
    Bytes(Vec<u8>),
    /// All of it is taken.
    Over,
}

/// Takes records into a profile of one person.
pub struct Intake {
    me: Person,
    rooms: BTreeSet<RoomId>,
    /// Bytes of the present file that are to come.
    bytes_left: u64,
    counts: Counts,
}

impl Intake {
    /// For the profile of that person: as whose device lines are marked that are handed over.
    pub fn new(me: Person) -> Self {
        Self { me, rooms: BTreeSet::new(), bytes_left: 0, counts: Counts::default() }
    }

    /// What was taken so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// No more bytes come of the present file.
    pub fn give_up_file(&mut self) {
        self.bytes_left = 0;
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// [`TakeError`]; then nothing of this record is taken.
    pub fn take(&mut self, store: &mut Store, body: Body) -> Result<Left, TakeError> {
        let value = Value::of(body)?;
        if self.bytes_left > 0 && !matches!(value, Value::Bytes(_)) {
            return Err(ReadError::Order("a file without all of its bytes").into());
        }
        match value {
            Value::Begin(_) => {}
            Value::Account(account) => return Ok(Left::Account(account)),
            Value::Profile(texts, picture) => {
                if !texts.name.is_empty() {
                    store.set_name(&texts.name)?;
                    self.me.name = texts.name;
                }
                store.set_description(&texts.status, &texts.glyph)?;
                if !texts.relay.is_empty() {
                    store.set_last_relay(&texts.relay)?;
                }
                store.set_own_avatar(picture.as_ref())?;
            }
            Value::Person(person) => {
                store.take_person(&person)?;
                self.counts.people += 1;
            }
            Value::Relay(address, known, token) => {
                store.take_relay(&address, known)?;
                // Only where it is trusted as it was there: a token is not shown to another authority.
                if let Some(token) =
                    token.filter(|_| store.known_relay(&address).is_ok_and(|is| is == Some(known)))
                {
                    store.set_token(&address, &token)?;
                }
            }
            Value::Settings(toml) => return Ok(Left::Settings(toml)),
            Value::Room(room) => return Ok(Left::Room(room)),
            Value::Past(room, lines, happenings) => {
                if !self.rooms.contains(&room) {
                    return Err(ReadError::Order("the past of a room that was not named").into());
                }
                self.counts.lines += u64::from(store.take_lines(room, lines, &self.me)?);
                store.take_happenings(room, &happenings)?;
            }
            Value::File(file) => {
                if !self.rooms.contains(&file.room) {
                    return Err(ReadError::Order("a file of a room that was not named").into());
                }
                self.counts.files += 1;
                self.bytes_left = if file.has_bytes { file.size } else { 0 };
                return Ok(Left::File(file));
            }
            Value::Bytes(bytes) => {
                let length = bytes.len() as u64;
                if length == 0 || length > self.bytes_left {
                    return Err(ReadError::Order("bytes of no file").into());
                }
                self.bytes_left -= length;
                return Ok(Left::Bytes(bytes));
            }
            Value::End => return Ok(Left::Over),
        }
        Ok(Left::Nothing)
    }

    /// Takes a room: one that is not here is made, with these rows of the engine; of one that is here only what people and
    /// programs did with it is taken. Its past may come from now on.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn admit(&mut self, store: &mut Store, room: &Room, rows: Vec<Change>) -> Result<(), StoreError> {
        let id = room.record.id;
        let all = store.rooms()?;
        if !all.iter().any(|other| other.id == id) {
            let record = RoomRecord { label: free_label(&all, &room.record), ..room.record.clone() };
            store.commit(id, Some(&record), &Batch { changes: rows, ..Batch::default() })?;
            if let Some(why) = &record.closed {
                store.close_room(id, why)?;
            }
        }
        store.set_muted(id, room.muted)?;
        store.set_pinned(id, room.pinned)?;
        store.ack_at(id, &Cursor::read(), room.read)?;
        for (cursor, acked) in &room.cursors {
            match store.ack_at(id, cursor, *acked) {
                // As many as there can be: a program with another one begins anew.
                Ok(()) | Err(StoreError::TooManyCursors) => {}
                Err(error) => return Err(error),
            }
        }
        if !room.draft.is_empty() && store.draft(id)?.is_none() {
            store.set_draft(id, &room.draft)?;
        }
        if self.rooms.insert(id) && !room.record.kind.is_hidden() {
            self.counts.rooms += 1;
        }
        Ok(())
    }
}

/// A label that no other room here has.
fn free_label(all: &[RoomRecord], room: &RoomRecord) -> String {
    let is_free = |label: &String| all.iter().all(|other| other.label != *label);
    let part = |bytes: usize| hex::encode(room.id.as_bytes().get(..bytes).unwrap_or_default());
    let tries = [room.label.clone(), format!("{} {}", room.label, part(4)), part(32)];
    tries.into_iter().find(is_free).unwrap_or_else(|| part(32))
}
