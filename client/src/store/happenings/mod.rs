//! What happened in rooms beside chat lines: who came, went or took another name, and alarms; sealed one by one.
//!
//! A happening has the sequence number of the log's entry that told it, and its place among those of that entry. It
//! goes with the chat lines around it. Programs are told of it once, as it happens; only people see it again.

mod carried;
mod stored;

use std::collections::VecDeque;

use proto::RoomId;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use shared::{
    identity::Fingerprint,
    message::timeline::Line,
    room::{Alarm, AlarmKind, Event, Millis, Person, Stranger},
};
use zeroize::Zeroizing;

pub use self::carried::{HappeningKey, read_happening, written_happening};
use self::stored::Stored;
use super::{Damage, Notice, Store, StoreError, seal::Sealer};

/// Happenings kept per room; the oldest go first. Whoever joins and leaves without end drives out no chat line.
pub const MAX_HAPPENINGS: u32 = 10_000;

/// Happenings that stand in a page of the history, of however few lines it is; of more only the last.
const CROWD: u32 = 100;

/// Something that happened in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// Sequence number of the entry that told it; none until it is stored, where no entry did: then that of the newest.
    pub seq: Option<u64>,
    /// When, Unix milliseconds.
    pub at: Millis,
    /// When it goes, Unix milliseconds.
    pub expires: Option<Millis>,
    /// What.
    pub what: RoomLogItem,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomLogItem {
    /// Somebody joined.
    Joined {
        /// Who.
        who: Person,
        /// Whose invite it was; none in an open room.
        by: Option<Person>,
    },
    /// Another device of somebody who is in the room joined.
    Linked {
        /// Who.
        who: Person,
        /// What the device is called.
        device: String,
    },
    /// A device of somebody who stays is in the room no more.
    Unlinked {
        /// Who.
        who: Person,
        /// What the device is called.
        device: String,
        /// Who removed it.
        by: Person,
    },
    /// The account of somebody has another key, by the word of its recovery key.
    KeyChanged {
        /// Who, by the new account.
        who: Person,
        /// What the account was.
        was: Fingerprint,
    },
    /// Somebody's device could not follow the room and was let back in, by its own keys.
    Back(Person),
    /// Somebody left, or was removed by somebody else.
    Left {
        /// Who.
        who: Person,
        /// Who committed the removal.
        by: Person,
    },
    /// Somebody has another name, status or glyph.
    Renamed {
        /// Who, by the new name.
        who: Person,
        /// The name before.
        was: String,
    },
    /// Somebody has another picture.
    NewPicture {
        /// Who.
        who: Person,
        /// There is none any more.
        is_gone: bool,
    },
    /// Chat lines disappear after another time.
    Disappearing {
        /// Who wanted that.
        by: Person,
        /// Seconds, 0 for never.
        seconds: u32,
    },
    /// The room is about something else.
    Topic {
        /// Who said so.
        by: Person,
        /// One line, or nothing.
        text: String,
    },
    /// The relay has what stands before this no more; it is kept here.
    Lost {
        /// The sequence number after which that begins.
        after: u64,
        /// The last one.
        upto: u64,
        /// Chat lines of it that are here; 0 while nobody has counted them.
        lines: u32,
    },
    /// Something that only misbehaviour or a restored backup explains.
    Alarm(Alarm),
    /// The same, as another version of this program stored it.
    OldAlarm {
        /// What kind.
        kind: AlarmKind,
        /// What happened, in its words.
        text: String,
    },
    /// Somebody unverified came into a room where all others are verified.
    Stranger(Stranger),
}

/// What people see of the past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Item {
    /// A chat line.
    Line(Line),
    /// Something beside them.
    Happening(Happening),
}

impl Item {
    /// The chat line, if it is one.
    pub fn line(&self) -> Option<&Line> {
        match self {
            Self::Line(line) => Some(line),
            Self::Happening(_) => None,
        }
    }
}

impl Item {
    /// Everybody whom it names, by the names of then.
    pub fn people(&self) -> Vec<Person> {
        match self {
            Self::Line(line) => people_of(line),
            Self::Happening(happening) => happening.what.people(),
        }
    }

    /// Whose account became which one, if it tells of that: `(was, now)`.
    pub fn change(&self) -> Option<(Fingerprint, Fingerprint)> {
        match self {
            Self::Line(_) => None,
            Self::Happening(happening) => happening.what.change(),
        }
    }

    /// The sequence number of the entry that it came with.
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::Line(line) => Some(line.message.seq),
            Self::Happening(happening) => happening.seq,
        }
    }
}

impl From<Line> for Item {
    fn from(line: Line) -> Self {
        Self::Line(line)
    }
}

/// Everybody whom a chat line names.
pub fn people_of(line: &Line) -> Vec<Person> {
    let reactions = line.reactions.iter().flat_map(|reaction| &reaction.people);
    [&line.message.from].into_iter().chain(&line.handed_by).chain(reactions).cloned().collect()
}

impl RoomLogItem {
    /// Everybody whom it names, by the names of then.
    pub fn people(&self) -> Vec<Person> {
        match self {
            Self::Joined { who, by } | Self::Stranger(Stranger { who, by, .. }) => {
                [who].into_iter().chain(by).cloned().collect()
            }
            Self::Left { who, by } | Self::Unlinked { who, by, .. } => vec![who.clone(), by.clone()],
            Self::Renamed { who, was } => {
                vec![who.clone(), Person { name: was.clone(), fingerprint: who.fingerprint }]
            }
            Self::Back(who)
            | Self::Linked { who, .. }
            | Self::KeyChanged { who, .. }
            | Self::NewPicture { who, .. }
            | Self::Disappearing { by: who, .. }
            | Self::Topic { by: who, .. } => vec![who.clone()],
            Self::Lost { .. } | Self::Alarm(_) | Self::OldAlarm { .. } => Vec::new(),
        }
    }

    /// Whose account became which one, if it tells of that: `(was, now)`.
    pub fn change(&self) -> Option<(Fingerprint, Fingerprint)> {
        match self {
            Self::KeyChanged { who, was } => Some((*was, who.fingerprint)),
            _ => None,
        }
    }

    /// What of an event is kept; none for most.
    pub fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::MemberJoined { who, by } => Self::Joined { who: who.clone(), by: by.clone() },
            Event::DeviceJoined { who, device, .. } => {
                Self::Linked { who: who.clone(), device: device.name.clone() }
            }
            Event::DeviceLeft { who, device, by } => {
                Self::Unlinked { who: who.clone(), device: device.name.clone(), by: by.clone() }
            }
            Event::KeyChanged { who, was } => Self::KeyChanged { who: who.clone(), was: *was },
            Event::DeviceBack(who) => Self::Back(who.clone()),
            Event::MemberLeft { who, by } => Self::Left { who: who.clone(), by: by.clone() },
            Event::ProfileChanged { who, was } => Self::Renamed { who: who.clone(), was: was.clone() },
            Event::NewPicture { who, is_gone } => Self::NewPicture { who: who.clone(), is_gone: *is_gone },
            Event::Disappearing { by, seconds } => Self::Disappearing { by: by.clone(), seconds: *seconds },
            Event::Topic { by, text } => Self::Topic { by: by.clone(), text: text.clone() },
            Event::Lost { after, upto } => Self::Lost { after: *after, upto: *upto, lines: 0 },
            Event::Alarm(alarm) => Self::Alarm(alarm.clone()),
            Event::Stranger(stranger) => Self::Stranger(stranger.clone()),
            // Lines, and what is of the moment alone. Named, so that a new event is judged here.
            Event::Joined(_)
            | Event::Epoch(_)
            | Event::Invited { .. }
            | Event::Message(_)
            | Event::Act(_)
            | Event::Seen { .. }
            | Event::Typing { .. }
            | Event::Queued { .. }
            | Event::HandOver { .. }
            | Event::Handed { .. }
            | Event::Sent { .. }
            | Event::Accepted
            | Event::CatchingUp { .. }
            | Event::Closed { .. }
            | Event::Problem(_)
            | Event::Heard { .. }
            | Event::Device { .. }
            | Event::DeviceHere { .. }
            | Event::Invite { .. }
            | Event::DeviceInvite { .. } => return None,
        })
    }

    /// What of a notice is kept in the history as well: what is loud.
    pub fn of_notice(notice: Notice) -> Option<Self> {
        match notice {
            Notice::Stranger(stranger) => Some(Self::Stranger(stranger)),
            Notice::Alarm(alarm) => Some(Self::Alarm(alarm)),
            Notice::Problem(_) => None,
            Notice::Earlier(earlier) => {
                earlier.alarm.map(|kind| Self::OldAlarm { kind, text: earlier.message })
            }
        }
    }

    /// Only misbehaviour or a restored backup explains it.
    pub fn is_alarm(&self) -> bool {
        matches!(self, Self::Alarm(_) | Self::OldAlarm { .. })
    }

    /// It must not go before somebody has had a chance to see it; a notice tells it as it happens.
    pub fn is_loud(&self) -> bool {
        self.is_alarm() || matches!(self, Self::Stranger(_))
    }
}

impl Happening {
    /// Its time is over.
    pub fn is_over(&self, now: Millis) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

impl Store {
    /// The last `limit` chat lines before `seq`, oldest first, and the happenings among and after them; those before them
    /// too, when there are no earlier lines. Of more than 100 happenings, or `limit` if that is more, the last.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read or were altered.
    pub fn past_before(&self, room: RoomId, seq: u64, limit: u32) -> Result<Vec<Item>, StoreError> {
        let lines = self.history_before(room, seq, limit)?;
        let is_first = u32::try_from(lines.len()).unwrap_or(u32::MAX) < limit;
        let from = lines.first().filter(|_| !is_first).map_or(0, |line| line.message.seq);
        let happenings = self.happenings(room, from, seq, limit.max(CROWD))?;
        Ok(merge(lines, happenings))
    }

    /// At most `limit` chat lines after `seq`, oldest first, and all happenings up to the last of them; the later ones too,
    /// when there are no later lines.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read or were altered.
    pub fn past_after(&self, room: RoomId, seq: u64, limit: u32) -> Result<Vec<Item>, StoreError> {
        let lines = self.history(room, seq, limit)?;
        let is_last = u32::try_from(lines.len()).unwrap_or(u32::MAX) < limit;
        // What belongs to the entry of a line follows it.
        let end =
            lines.last().filter(|_| !is_last).map_or(u64::MAX, |line| line.message.seq.saturating_add(1));
        let from = if seq == 0 { 0 } else { seq.saturating_add(1) };
        let happenings = self.happenings(room, from, end, MAX_HAPPENINGS)?;
        Ok(merge(lines, happenings))
    }

    /// The last `limit` happenings from `from` on and before `end`, oldest first.
    fn happenings(
        &self,
        room: RoomId,
        from: u64,
        end: u64,
        limit: u32,
    ) -> Result<Vec<Happening>, StoreError> {
        let select = "SELECT seq, nth, value FROM happenings WHERE room = ?1 AND seq >= ?2 AND seq < ?3
                      ORDER BY seq DESC, nth DESC LIMIT ?4";
        let bound = |seq| i64::try_from(seq).unwrap_or(i64::MAX);
        let mut select = self.db.prepare_cached(select)?;
        let found = select.query_map(params![room.as_bytes(), bound(from), bound(end), limit], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        let opened = found.map(|row| {
            let (seq, nth, sealed): (u64, u32, Vec<u8>) = row?;
            let plain = self.sealer.open(&label(room, seq, nth), &sealed)?;
            // Whole, since the seal is: what is not understood is a later version's, and only left out.
            let stored: Option<Stored> = serde_json::from_slice(&plain).ok();
            Ok(stored.and_then(|stored| stored.into_happening(seq)))
        });
        let opened = opened.collect::<Result<Vec<_>, StoreError>>()?;
        let mut happenings: Vec<_> = opened.into_iter().flatten().collect();
        happenings.reverse();
        Ok(happenings)
    }
}

/// In the order of the log.
fn merge(lines: Vec<Line>, happenings: Vec<Happening>) -> Vec<Item> {
    let mut happenings = VecDeque::from(happenings);
    let mut items = Vec::with_capacity(lines.len() + happenings.len());
    for line in lines {
        let is_before = |happening: &Happening| happening.seq.is_some_and(|seq| seq < line.message.seq);
        while happenings.front().is_some_and(is_before) {
            items.extend(happenings.pop_front().map(Item::Happening));
        }
        items.push(Item::Line(line));
    }
    items.extend(happenings.into_iter().map(Item::Happening));
    items
}

/// Adds happenings within a transaction.
pub(super) fn append(
    db: &Connection,
    sealer: &Sealer,
    room: RoomId,
    happenings: &[Happening],
) -> Result<(), StoreError> {
    for happening in happenings {
        let mut happening = happening.clone();
        if let RoomLogItem::Lost { after, upto, lines } = &mut happening.what {
            let count = "SELECT count(*) FROM messages WHERE room = ?1 AND seq > ?2 AND seq <= ?3";
            *lines = db
                .prepare_cached(count)?
                .query_row(params![room.as_bytes(), *after, *upto], |row| row.get(0))?;
            if *lines == 0 {
                // Nobody misses anything.
                continue;
            }
        }
        let seq = match happening.seq {
            Some(seq) => seq,
            None => newest(db, room)?,
        };
        let select = "SELECT coalesce(max(nth) + 1, 0) FROM happenings WHERE room = ?1 AND seq = ?2";
        let nth: u32 =
            db.prepare_cached(select)?.query_row(params![room.as_bytes(), seq], |row| row.get(0))?;
        let plain = serde_json::to_vec(&Stored::of(&happening)).map(Zeroizing::new).map_err(|_| damaged())?;
        let sealed = sealer.seal(&label(room, seq, nth), &plain)?;
        let expires = happening.expires.map(|at| i64::try_from(at).unwrap_or(i64::MAX));
        db.prepare_cached(
            "INSERT INTO happenings (room, seq, nth, value, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![room.as_bytes(), seq, nth, sealed, expires])?;
    }
    if happenings.is_empty() { Ok(()) } else { trim(db, room) }
}

/// Deletes all but the newest.
fn trim(db: &Connection, room: RoomId) -> Result<(), StoreError> {
    let trim = "DELETE FROM happenings WHERE room = ?1 AND (seq, nth) <= (
                        SELECT seq, nth FROM happenings WHERE room = ?1 ORDER BY seq DESC, nth DESC LIMIT 1 OFFSET ?2
                    )";
    db.prepare_cached(trim)?.execute(params![room.as_bytes(), MAX_HAPPENINGS])?;
    Ok(())
}

/// The newest sequence number of which something is stored.
fn newest(db: &Connection, room: RoomId) -> Result<u64, StoreError> {
    let select = "SELECT max(coalesce((SELECT max(seq) FROM messages WHERE room = ?1), 0),
                             coalesce((SELECT max(seq) FROM happenings WHERE room = ?1), 0))";
    Ok(db.prepare_cached(select)?.query_row([room.as_bytes()], |row| row.get(0))?)
}

fn label(room: RoomId, seq: u64, nth: u32) -> Vec<u8> {
    [b"happening/".as_slice(), room.as_bytes(), &seq.to_be_bytes(), &nth.to_be_bytes()].concat()
}

fn damaged() -> StoreError {
    StoreError::Damaged(Damage::Happening)
}
