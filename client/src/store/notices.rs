//! Alarms and problems, kept until somebody has seen them: sealed one by one, in the order in which they came.

use proto::RoomId;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use shared::room::{self as engine, Alarm, AlarmKind, Problem, Stranger};
use zeroize::Zeroizing;

use super::{Damage, Store, StoreError, seal::Sealer};

/// Notices kept per room, seen ones included; the oldest go first. Far more than can wait unseen: a face that does
/// not read stops its rooms after some hundred events.
pub(super) const MAX_NOTICES: u32 = 1_000;

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// Something that only misbehaviour or a restored backup explains.
    Alarm(Alarm),
    /// A command failed, or a peer did something that was refused.
    Problem(Problem),
    /// Either, as another version of this program stored it.
    Earlier(Earlier),
    /// Somebody unverified came into a room where all others are verified.
    Stranger(Stranger),
}

/// What a stranger is called where it is stored, and for programs. Earlier versions had an alarm of this kind.
pub const UNVERIFIED: &str = "unverified";

/// What another version stored: in its words, or without any where its values are not known here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// The alarm's kind; none for a problem.
    pub alarm: Option<AlarmKind>,
    /// The problem's name for programs; empty for an alarm.
    pub code: String,
    /// What happened; empty when this version has no words for it.
    pub message: String,
    /// What to do; empty for an alarm.
    pub remedy: String,
}

impl Notice {
    /// What an event of the engine has to keep; none for most events.
    pub fn of(event: &engine::Event) -> Option<Self> {
        match event {
            engine::Event::Alarm(alarm) => Some(Self::Alarm(alarm.clone())),
            engine::Event::Problem(problem) => Some(Self::Problem(problem.clone())),
            engine::Event::Stranger(stranger) => Some(Self::Stranger(stranger.clone())),
            _ => None,
        }
    }

    /// Nobody may miss it, whoever brought it up.
    pub fn is_loud(&self) -> bool {
        self.kind().is_some() || matches!(self, Self::Stranger(_))
    }

    /// The kind of alarm; none for anything else.
    pub fn kind(&self) -> Option<AlarmKind> {
        match self {
            Self::Alarm(alarm) => Some(alarm.kind()),
            Self::Problem(_) | Self::Stranger(_) => None,
            Self::Earlier(earlier) => earlier.alarm,
        }
    }

    /// The name for programs of what is no alarm.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Alarm(_) => None,
            Self::Stranger(_) => Some(UNVERIFIED),
            Self::Problem(problem) => Some(problem.code()),
            Self::Earlier(earlier) => earlier.alarm.is_none().then_some(&earlier.code),
        }
    }
}

/// A stored notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNotice {
    /// Its number in this profile; never used twice.
    pub ordinal: i64,
    /// What its room was called, which may be forgotten meanwhile.
    pub room: String,
    /// What is told.
    pub notice: Notice,
}

/// A stranger as it is stored.
#[derive(Serialize, Deserialize)]
enum ToldStranger {
    Stranger(Stranger),
}

/// The stored form. Of a value that a later version stored, kind and code can still be told.
#[derive(Serialize, Deserialize)]
struct Sealed {
    room: String,
    /// Name of the alarm's kind; none for a problem.
    alarm: Option<String>,
    code: String,
    /// Earlier versions stored words, and no value.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    remedy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<serde_json::Value>,
}

impl Store {
    /// Notices that nobody has seen, oldest first; of the room with this label only, or of all.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read or were altered.
    pub fn unseen_notices(&self, only: Option<&str>) -> Result<Vec<StoredNotice>, StoreError> {
        let select = "SELECT ordinal, room, value FROM notices WHERE NOT seen ORDER BY ordinal";
        let mut select = self.db.prepare_cached(select)?;
        let found = select.query_map([], |row| Ok(self.notice(row)))?;
        let all = found.map(|row| row?).collect::<Result<Vec<_>, _>>()?;
        Ok(all.into_iter().filter(|notice| only.is_none_or(|only| notice.room == only)).collect())
    }

    /// The last notice of all rooms, seen or not.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read or was altered.
    pub fn last_notice(&self) -> Result<Option<StoredNotice>, StoreError> {
        let select = "SELECT ordinal, room, value FROM notices ORDER BY ordinal DESC LIMIT 1";
        self.db.query_row(select, [], |row| Ok(self.notice(row))).optional()?.transpose()
    }

    /// Somebody has seen a notice. One of a forgotten room goes.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn see_notice(&mut self, ordinal: i64) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        transaction.execute("UPDATE notices SET seen = 1 WHERE ordinal = ?1", [ordinal])?;
        let orphans =
            "DELETE FROM notices WHERE seen AND ordinal = ?1 AND room NOT IN (SELECT room FROM rooms)";
        transaction.execute(orphans, [ordinal])?;
        Ok(transaction.commit()?)
    }

    fn notice(&self, row: &Row<'_>) -> Result<StoredNotice, StoreError> {
        let (ordinal, room, sealed): (i64, [u8; 32], Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let plain = self.sealer.open(&label(RoomId(room), ordinal), &sealed)?;
        let Sealed { room, mut alarm, mut code, message, remedy, value } =
            serde_json::from_slice(&plain).map_err(|_| damaged())?;
        if let Some(kind) = alarm.take_if(|kind| kind == UNVERIFIED) {
            code = kind;
        }
        let typed = match (&alarm, value) {
            (_, None) => None,
            (None, Some(value)) if code == UNVERIFIED => {
                serde_json::from_value(value).ok().map(|ToldStranger::Stranger(told)| Notice::Stranger(told))
            }
            (Some(_), Some(value)) => serde_json::from_value(value).ok().map(Notice::Alarm),
            (None, Some(value)) => serde_json::from_value(value).ok().map(Notice::Problem),
        };
        let kind = |name: String| AlarmKind::from_name(&name).ok_or_else(damaged);
        let notice = match typed {
            Some(notice) => notice,
            None => Notice::Earlier(Earlier { alarm: alarm.map(kind).transpose()?, code, message, remedy }),
        };
        Ok(StoredNotice { ordinal, room, notice })
    }
}

/// Adds notices within a transaction; returns the number of the first, the others follow it.
pub(super) fn append(
    db: &Connection,
    sealer: &Sealer,
    room: RoomId,
    notices: &[Notice],
) -> Result<i64, StoreError> {
    let last = "SELECT seq FROM sqlite_sequence WHERE name = 'notices'";
    let last: Option<i64> = db.query_row(last, [], |row| row.get(0)).optional()?;
    let first = last.unwrap_or(0).saturating_add(1);
    if notices.is_empty() {
        return Ok(first);
    }
    let name = "SELECT label FROM rooms WHERE room = ?1";
    let name: Option<String> = db.query_row(name, [room.as_bytes()], |row| row.get(0)).optional()?;
    let name = name.unwrap_or_default();
    let mut insert = db.prepare_cached("INSERT INTO notices VALUES (?1, ?2, 0, ?3)")?;
    for (ordinal, notice) in (first..).zip(notices) {
        let plain = sealed(&name, notice).and_then(|sealed| serde_json::to_vec(&sealed));
        let plain = plain.map(Zeroizing::new).map_err(|_| damaged())?;
        insert.execute(params![ordinal, room.as_bytes(), sealer.seal(&label(room, ordinal), &plain)?])?;
    }
    let oldest =
        "DELETE FROM notices WHERE room = ?1 AND ordinal <= (SELECT ordinal FROM notices WHERE room = ?1
        ORDER BY ordinal DESC LIMIT 1 OFFSET ?2)";
    db.prepare_cached(oldest)?.execute(params![room.as_bytes(), MAX_NOTICES])?;
    Ok(first)
}

fn sealed(room: &str, notice: &Notice) -> serde_json::Result<Sealed> {
    let alarm = notice.kind().map(|kind| kind.name().to_owned());
    let code = notice.code().unwrap_or_default().to_owned();
    let (value, message, remedy) = match notice {
        Notice::Alarm(alarm) => (Some(serde_json::to_value(alarm)?), String::new(), String::new()),
        Notice::Problem(problem) => (Some(serde_json::to_value(problem)?), String::new(), String::new()),
        Notice::Earlier(earlier) => (None, earlier.message.clone(), earlier.remedy.clone()),
        Notice::Stranger(told) => {
            (Some(serde_json::to_value(ToldStranger::Stranger(told.clone()))?), String::new(), String::new())
        }
    };
    Ok(Sealed { room: room.to_owned(), alarm, code, message, remedy, value })
}

fn label(room: RoomId, ordinal: i64) -> Vec<u8> {
    [b"notice/".as_slice(), room.as_bytes(), &ordinal.to_be_bytes()].concat()
}

fn damaged() -> StoreError {
    StoreError::Damaged(Damage::Notice)
}
