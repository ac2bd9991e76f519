//! Gathering what a profile holds, record by record: whoever writes it down lets go of the store between two of them, so
//! that a chat goes on meanwhile.

use std::collections::VecDeque;

use proto::RoomId;
use shared::message::timeline::Line;

use super::schema::{Account, Body, Cursor as Acked, File, Past, Person, Profile, Relay, Room, Row};
use crate::store::{
    Cursor, Damage, FileLocation, HappeningKey, Over, RoomRecord, Store, StoreError, Where, written_line,
};

/// Rows of a room's past that are looked at for one chunk.
const ROWS: u32 = 512;

/// A chunk ends with the row that brings it over this, in bytes.
pub const CHUNK: usize = 64 << 10;

/// A chunk holds rows of entries between two multiples of this: so a chunk stays as it is when older rows go and newer ones
/// come, and what is there of it is not written again.
const SPAN: u64 = 256;

/// How much of the past is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// None.
    Nothing,
    /// The newest lines of each room, and what happened since the first of them.
    Newest(u32),
    /// All that is here.
    All,
}

/// What is gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The account's secrets too.
    pub account: bool,
    /// What was typed and not sent.
    pub drafts: bool,
    /// How much of the past.
    pub history: History,
    /// Names and places of files.
    pub files: bool,
}

impl Selection {
    /// Everything.
    pub const ALL: Self = Self { account: true, drafts: true, history: History::All, files: true };
}

/// Something gathered.
pub enum Gathered {
    /// A record, as it is.
    Record(Body),
    /// A room, without how to get in: that is for whoever writes it down.
    Room(Room),
    /// A file, and where it is: whoever wants its bytes reads them there.
    File(File, FileLocation),
}

/// Gathers, in the order of [`Body`].
pub struct Gather {
    what: Selection,
    stage: Stage,
    ready: VecDeque<Body>,
    rooms: VecDeque<RoomRecord>,
}

#[derive(Clone, Copy)]
enum Stage {
    Person,
    Rooms,
    Lines(RoomId, u64),
    Happenings(RoomId, HappeningKey),
    Files(RoomId, i64),
    Over,
}

impl Gather {
    /// Begins.
    pub fn new(what: Selection) -> Self {
        Self { what, stage: Stage::Person, ready: VecDeque::new(), rooms: VecDeque::new() }
    }

    /// The next one; none when that was all.
    ///
    /// # Errors
    /// [`StoreError`] when something cannot be read or was altered.
    pub fn next(&mut self, store: &Store) -> Result<Option<Gathered>, StoreError> {
        loop {
            if let Some(body) = self.ready.pop_front() {
                return Ok(Some(Gathered::Record(body)));
            }
            match self.stage {
                Stage::Person => {
                    self.person(store)?;
                    self.rooms = store.rooms()?.into();
                    self.stage = Stage::Rooms;
                }
                Stage::Rooms => {
                    let Some(record) = self.rooms.pop_front() else {
                        self.stage = Stage::Over;
                        continue;
                    };
                    self.stage = self.past_of(store, record.id)?;
                    return room(store, &record, self.what.drafts).map(|room| Some(Gathered::Room(room)));
                }
                Stage::Lines(id, after) => self.lines(store, id, after)?,
                Stage::Happenings(id, after) => self.happenings(store, id, after)?,
                Stage::Files(id, after) => match store.places_after(id, after, 1)?.pop() {
                    Some((number, key, place)) => {
                        self.stage = Stage::Files(id, number);
                        return Ok(Some(file(id, key.as_bytes(), place)));
                    }
                    None => self.stage = Stage::Rooms,
                },
                Stage::Over => return Ok(None),
            }
        }
    }

    fn person(&mut self, store: &Store) -> Result<(), StoreError> {
        if self.what.account {
            let account = store.account()?.ok_or(StoreError::Damaged(Damage::Identity))?;
            let account = Account {
                secret: account.to_bytes().to_vec(),
                phrase: store.phrase_entropy()?.map(|entropy| entropy.to_vec()).unwrap_or_default(),
                backup_key: store.backup_key()?.unwrap_or_default().to_vec(),
                device_name: store.device_name()?.unwrap_or_default(),
            };
            self.ready.push_back(Body::Account(account));
        }
        let texts = store.own_texts()?;
        let (picture_name, picture) = match store.own_avatar()? {
            Some((name, bytes)) => (name.to_vec(), bytes.to_vec()),
            None => Default::default(),
        };
        let (name, status, glyph, relay) = (texts.name, texts.status, texts.glyph, texts.relay);
        self.ready.push_back(Body::Profile(Profile { name, status, glyph, picture_name, picture, relay }));
        let people = store.people().all().into_iter().map(|known| {
            Body::Person(Person {
                fingerprint: known.fingerprint.0.to_vec(),
                names: known.names,
                first_seen: known.first_seen,
                verified_at: known.verified_at,
                replaced_at: known.replaced_at,
                replaced_by: known.replaced_by.and_then(|by| hex::decode(by).ok()).unwrap_or_default(),
                verified_by: known.verified_by.iter().map(|by| by.0.to_vec()).collect(),
            })
        });
        self.ready.extend(people);
        for (address, known) in store.known_relays()? {
            let token = store.token(&address)?;
            self.ready.push_back(Body::Relay(Relay {
                host: address.host,
                port: address.port.into(),
                ground: known.ground(),
                pin: known.pin().map(|pin| pin.as_bytes().to_vec()).unwrap_or_default(),
                token: token.map(|token| token.as_bytes().to_vec()).unwrap_or_default(),
            }));
        }
        Ok(())
    }

    /// Where the past of a room begins that is wanted.
    fn past_of(&self, store: &Store, id: RoomId) -> Result<Stage, StoreError> {
        Ok(match self.what.history {
            History::All => Stage::Lines(id, 0),
            History::Newest(limit) => {
                let first = store.history_before(id, u64::MAX, limit)?.first().map(|line| line.message.seq);
                Stage::Lines(id, first.map_or(0, |seq| seq.saturating_sub(1)))
            }
            History::Nothing if self.what.files => Stage::Files(id, 0),
            History::Nothing => Stage::Rooms,
        })
    }

    fn lines(&mut self, store: &Store, id: RoomId, after: u64) -> Result<(), StoreError> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        for line in store.history(id, after, ROWS)? {
            let row = line_row(&line)?;
            if is_elsewhere(&rows, row.seq) {
                break;
            }
            bytes += row.value.len();
            rows.push(row);
            if bytes > CHUNK {
                break;
            }
        }
        match rows.last().map(|row| row.seq) {
            Some(last) => self.stage = Stage::Lines(id, last),
            None => self.stage = Stage::Happenings(id, self.happenings_from(store, id)?),
        }
        if !rows.is_empty() {
            self.ready.push_back(Body::Past(Past {
                room: id.as_bytes().to_vec(),
                lines: rows,
                happenings: Vec::new(),
            }));
        }
        Ok(())
    }

    /// What happened before the first line that is carried is not.
    fn happenings_from(&self, store: &Store, id: RoomId) -> Result<HappeningKey, StoreError> {
        let History::Newest(limit) = self.what.history else { return Ok((0, 0)) };
        let first = store.history_before(id, u64::MAX, limit)?.first().map_or(0, |line| line.message.seq);
        Ok((first, 0))
    }

    fn happenings(&mut self, store: &Store, id: RoomId, after: HappeningKey) -> Result<(), StoreError> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        for ((seq, nth), expires, value) in store.happenings_after(id, after, ROWS)? {
            if is_elsewhere(&rows, seq) {
                break;
            }
            bytes += value.len();
            rows.push(Row { seq, nth, expires, value: value.to_vec() });
            if bytes > CHUNK {
                break;
            }
        }
        match rows.last() {
            Some(last) => self.stage = Stage::Happenings(id, (last.seq, last.nth)),
            None if self.what.files => self.stage = Stage::Files(id, 0),
            None => self.stage = Stage::Rooms,
        }
        if !rows.is_empty() {
            self.ready.push_back(Body::Past(Past {
                room: id.as_bytes().to_vec(),
                lines: Vec::new(),
                happenings: rows,
            }));
        }
        Ok(())
    }
}

/// Whether the row of that entry belongs to another chunk.
fn is_elsewhere(rows: &[Row], seq: u64) -> bool {
    rows.first().is_some_and(|first| first.seq / SPAN != seq / SPAN)
}

fn line_row(line: &Line) -> Result<Row, StoreError> {
    let (seq, expires) = (line.message.seq, line.message.disappears);
    Ok(Row { seq, nth: 0, expires, value: written_line(line)?.to_vec() })
}

fn room(store: &Store, record: &RoomRecord, drafts: bool) -> Result<Room, StoreError> {
    let (host, port, pin) = match &record.place {
        Where::Own => Default::default(),
        Where::Relay { address, pin } => (
            address.host.clone(),
            u32::from(address.port),
            pin.map(|pin| pin.as_bytes().to_vec()).unwrap_or_default(),
        ),
    };
    let read = store.acked(record.id, &Cursor::read())?;
    let own = (record.acked > 0).then(|| Acked { name: String::new(), acked: record.acked });
    let named = store.cursors(record.id)?.into_iter().filter(|(name, _)| Cursor::named(Some(name)).is_ok());
    let named = named.map(|(name, acked)| Acked { name, acked });
    let draft = if drafts { store.draft(record.id)? } else { None };
    Ok(Room {
        id: record.id.as_bytes().to_vec(),
        label: record.label.clone(),
        host,
        port,
        pin,
        closed: record.closed.as_ref().map(Over::to_text),
        muted: store.muted()?.contains(&record.label),
        pinned: store.pinned()?.contains(&record.label),
        read,
        cursors: own.into_iter().chain(named).collect(),
        draft: draft.map(|draft| draft.to_string()).unwrap_or_default(),
        kind: u32::try_from(record.kind.number()).unwrap_or_default(),
        entry: None,
    })
}

fn file(room: RoomId, key: &[u8; 32], place: FileLocation) -> Gathered {
    let name = place.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let file =
        File { room: room.as_bytes().to_vec(), key: key.to_vec(), name, size: place.size, has_bytes: false };
    Gathered::File(file, place)
}
