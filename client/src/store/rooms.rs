//! Which rooms there are, where they live, and which relays are known.

use std::collections::BTreeSet;

use certs::Pin;
use proto::RoomId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Damage, Over, Store, StoreError};
use crate::transport::{ExpectedRelay, RelayAddress};

/// Where a room lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// At the relay that `schat host` runs from this profile.
    Own,
    /// At a relay.
    Relay {
        /// Its address.
        address: RelayAddress,
        /// From the invite link.
        pin: Option<Pin>,
    },
}

/// A room, apart from the engine's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRecord {
    /// What the relay calls it.
    pub id: RoomId,
    /// What faces call it: its name, with a part of the id when two rooms have the same name.
    pub label: String,
    /// Where it lives.
    pub place: Where,
    /// Messages up to here were acknowledged by a program.
    pub acked: u64,
    /// Why it is over, when it is.
    pub closed: Option<Over>,
    /// What it is for.
    pub kind: RoomKind,
}

/// What a room is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoomKind {
    /// People talk.
    #[default]
    Chat,
    /// The devices of this person keep in step. Nobody is shown it.
    OwnDevices,
}

impl RoomKind {
    /// Lists of rooms do not have it, and what is said there is not told.
    pub fn is_hidden(self) -> bool {
        self != Self::Chat
    }

    /// What is stored and carried under this number.
    pub fn of(number: i64) -> Option<Self> {
        match number {
            CHAT => Some(Self::Chat),
            OWN_DEVICES => Some(Self::OwnDevices),
            _ => None,
        }
    }

    /// The number under which it is stored and carried.
    pub fn number(self) -> i64 {
        match self {
            Self::Chat => CHAT,
            Self::OwnDevices => OWN_DEVICES,
        }
    }
}

/// Kinds, as they are stored.
const CHAT: i64 = 0;
const OWN_DEVICES: i64 = 1;

/// What is remembered of a relay. Grounds never weaken: only somebody with a link replaces one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownRelay {
    /// The pin was in a link to the relay, so it decides alone.
    FromLink(Pin),
    /// Its authority, from first use.
    FirstUse(Pin),
    /// Authorities vouched for it, or a link said by carrying no pin that they do. What the relay's own one is, as far as
    /// it showed one: for links only.
    Authorities(Option<Pin>),
}

impl KnownRelay {
    /// The relay's own authority, for links.
    pub fn pin(self) -> Option<Pin> {
        match self {
            Self::FromLink(pin) | Self::FirstUse(pin) => Some(pin),
            Self::Authorities(pin) => pin,
        }
    }

    /// Why it is trusted, as a number: 0 first use, 1 a link, 2 authorities.
    pub fn ground(self) -> u32 {
        match self {
            Self::FirstUse(_) => 0,
            Self::FromLink(_) => 1,
            Self::Authorities(_) => 2,
        }
    }

    /// What is known for that reason; none where the number is no reason, or a pin is missing.
    pub fn of_ground(ground: u32, pin: Option<[u8; 32]>) -> Option<Self> {
        Self::of(ground.into(), pin)
    }

    fn of(ground: i64, pin: Option<[u8; 32]>) -> Option<Self> {
        let pin = pin.map(Pin::from);
        match ground {
            FIRST_USE => pin.map(Self::FirstUse),
            FROM_LINK => pin.map(Self::FromLink),
            AUTHORITIES => Some(Self::Authorities(pin)),
            _ => None,
        }
    }
}

impl From<KnownRelay> for ExpectedRelay {
    fn from(relay: KnownRelay) -> Self {
        match relay {
            KnownRelay::FromLink(pin) => Self::Pinned(pin),
            KnownRelay::FirstUse(pin) => Self::Remembered(pin),
            KnownRelay::Authorities(_) => Self::Authorities,
        }
    }
}

/// Grounds, as they are stored.
const FIRST_USE: i64 = 0;
const FROM_LINK: i64 = 1;
const AUTHORITIES: i64 = 2;

impl RoomRecord {
    /// Somebody left it; what was said there is still here.
    pub fn is_left(&self) -> bool {
        self.closed == Some(Over::Left)
    }
}

impl Store {
    /// All rooms, by label.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn rooms(&self) -> Result<Vec<RoomRecord>, StoreError> {
        let mut select = self.db.prepare_cached(
            "SELECT room, label, host, port, pin, acked, closed, kind FROM rooms ORDER BY label",
        )?;
        let found = select.query_map([], |row| Ok(record(row)))?;
        found.map(|row| row??.ok_or(StoreError::Damaged(Damage::Address))).collect()
    }

    /// The rooms that people are shown, by label.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn shown_rooms(&self) -> Result<Vec<RoomRecord>, StoreError> {
        Ok(self.rooms()?.into_iter().filter(|room| !room.kind.is_hidden()).collect())
    }

    /// It turned out what a room is for.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_kind(&mut self, room: RoomId, kind: RoomKind) -> Result<(), StoreError> {
        self.db
            .execute("UPDATE rooms SET kind = ?2 WHERE room = ?1", params![room.as_bytes(), kind.number()])?;
        Ok(())
    }

    /// A program has dealt with the messages up to `seq`; never goes back.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn ack(&mut self, room: RoomId, seq: u64) -> Result<(), StoreError> {
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        self.db.execute(
            "UPDATE rooms SET acked = max(acked, ?2) WHERE room = ?1",
            params![room.as_bytes(), seq],
        )?;
        Ok(())
    }

    /// Labels of the rooms of which nobody wants to be told.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn muted(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut select = self.db.prepare_cached("SELECT label FROM rooms WHERE muted")?;
        let labels = select.query_map([], |row| row.get(0))?;
        Ok(labels.collect::<Result<_, _>>()?)
    }

    /// Somebody wants to be told of a room, or not.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_muted(&mut self, room: RoomId, is_muted: bool) -> Result<(), StoreError> {
        self.db.execute("UPDATE rooms SET muted = ?2 WHERE room = ?1", params![room.as_bytes(), is_muted])?;
        Ok(())
    }

    /// Labels of the rooms that stand above the others.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn pinned(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut select = self.db.prepare_cached("SELECT label FROM rooms WHERE pinned")?;
        let labels = select.query_map([], |row| row.get(0))?;
        Ok(labels.collect::<Result<_, _>>()?)
    }

    /// A room stands above the others, or not any more.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_pinned(&mut self, room: RoomId, is_pinned: bool) -> Result<(), StoreError> {
        self.db
            .execute("UPDATE rooms SET pinned = ?2 WHERE room = ?1", params![room.as_bytes(), is_pinned])?;
        Ok(())
    }

    /// The room is over; its history stays, what was under way there goes.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then nothing has changed.
    pub fn close_room(&mut self, room: RoomId, why: &Over) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        delete_under_way(&transaction, room, &["transfers"])?;
        close(&transaction, room, why)?;
        Ok(transaction.commit()?)
    }

    /// The room was left: its history stays, its keys and what was under way there go.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then nothing has changed.
    pub fn leave_room(&mut self, room: RoomId) -> Result<(), StoreError> {
        self.drop_offers_into(room)?;
        let transaction = self.db.transaction()?;
        delete_under_way(
            &transaction,
            room,
            &[
                "rows",
                "drafts",
                "transfers",
                "blob_drops",
                "avatars",
                "avatars_brought",
                "avatars_begun",
                "device_removals",
                "invite_endings",
            ],
        )?;
        transaction.execute(
            "UPDATE rooms SET closed = ?2, muted = 0, pinned = 0 WHERE room = ?1",
            params![room.as_bytes(), Over::Left.to_text()],
        )?;
        Ok(transaction.commit()?)
    }

    /// Deletes a room and all that is known of it.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then all of it is still there.
    pub fn forget_room(&mut self, room: RoomId) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        forget(&transaction, room)?;
        Ok(transaction.commit()?)
    }

    /// Deletes the engine's rows, and which pictures of people there are: the room is joined anew.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn reset_room(&mut self, room: RoomId) -> Result<(), StoreError> {
        let transaction = self.db.transaction()?;
        for table in ["rows", "avatars", "avatars_brought", "avatars_begun"] {
            transaction.execute(&format!("DELETE FROM {table} WHERE room = ?1"), [room.as_bytes()])?;
        }
        Ok(transaction.commit()?)
    }

    /// What is remembered of a relay.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn known_relay(&self, relay: &RelayAddress) -> Result<Option<KnownRelay>, StoreError> {
        let select = "SELECT ground, pin FROM relays WHERE host = ?1 AND port = ?2";
        let known = |row: &Row<'_>| Ok(KnownRelay::of(row.get(0)?, row.get(1)?));
        let found = self.db.query_row(select, params![relay.host, relay.port], known).optional()?;
        // What cannot be read is not nothing: that would begin anew with the first sight.
        found.map(|known| known.ok_or(StoreError::Damaged(Damage::Relay))).transpose()
    }

    /// Remembers why a relay was trusted, if nothing is known of it yet. What is known never changes by this, but for the
    /// relay's own authority under a certificate that others vouch for.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn remember_relay(&mut self, relay: &RelayAddress, seen: KnownRelay) -> Result<(), StoreError> {
        let (ground, pin) = match (self.known_relay(relay)?, seen) {
            (None, KnownRelay::FirstUse(pin)) => (FIRST_USE, Some(pin)),
            (None, KnownRelay::Authorities(own)) => (AUTHORITIES, own),
            (Some(KnownRelay::Authorities(before)), KnownRelay::Authorities(Some(own)))
                if before != Some(own) =>
            {
                (AUTHORITIES, Some(own))
            }
            _ => return Ok(()),
        };
        self.put_relay(relay, ground, pin)
    }

    /// Somebody was given a link to this relay: its pin counts from now on, and rooms that are named without a relay
    /// are there. Returns the pin that this replaced, if it was another.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn use_relay(&mut self, relay: &RelayAddress, pin: Pin) -> Result<Option<Pin>, StoreError> {
        let before = self.known_relay(relay)?.and_then(KnownRelay::pin);
        self.put_relay(relay, FROM_LINK, Some(pin))?;
        self.set_last_relay(&relay.to_string())?;
        Ok(before.filter(|before| *before != pin))
    }

    fn put_relay(&mut self, relay: &RelayAddress, ground: i64, pin: Option<Pin>) -> Result<(), StoreError> {
        let insert = "INSERT OR REPLACE INTO relays (host, port, ground, pin) VALUES (?1, ?2, ?3, ?4)";
        let pin = pin.map(|pin| *pin.as_bytes());
        self.db.execute(insert, params![relay.host, relay.port, ground, pin])?;
        Ok(())
    }
}

/// Remembers a relay as somebody else knew it.
pub(super) fn put_known(
    store: &mut Store,
    relay: &RelayAddress,
    known: KnownRelay,
) -> Result<(), StoreError> {
    let (ground, pin) = match known {
        KnownRelay::FirstUse(pin) => (FIRST_USE, Some(pin)),
        KnownRelay::FromLink(pin) => (FROM_LINK, Some(pin)),
        KnownRelay::Authorities(pin) => (AUTHORITIES, pin),
    };
    store.put_relay(relay, ground, pin)
}

/// Deletes a room's rows of these tables, and the parts of its files that are under way.
fn delete_under_way(db: &Connection, room: RoomId, tables: &[&str]) -> Result<(), StoreError> {
    db.execute(
        "DELETE FROM transfer_parts WHERE transfer IN (SELECT number FROM transfers WHERE room = ?1)",
        [room.as_bytes()],
    )?;
    for table in tables {
        db.execute(&format!("DELETE FROM {table} WHERE room = ?1"), [room.as_bytes()])?;
    }
    Ok(())
}

/// Deletes a room and all that is known of it, within a transaction.
pub(super) fn forget(db: &Connection, room: RoomId) -> Result<(), StoreError> {
    let tables = [
        "rows",
        "messages",
        "happenings",
        "drafts",
        "cursors",
        "transfers",
        "blob_drops",
        "places",
        "avatars",
        "avatars_brought",
        "avatars_begun",
        "device_removals",
        "invite_endings",
        "rooms",
    ];
    delete_under_way(db, room, &tables)?;
    // An alarm that nobody has seen outlives its room.
    db.execute("DELETE FROM notices WHERE room = ?1 AND seen", [room.as_bytes()])?;
    Ok(())
}

/// Writes why a room is over.
pub(super) fn close(db: &Connection, room: RoomId, why: &Over) -> Result<(), StoreError> {
    db.execute("UPDATE rooms SET closed = ?2 WHERE room = ?1", params![room.as_bytes(), why.to_text()])?;
    Ok(())
}

/// A room was kept here once: whoever forgets it has an account all the same. Says nothing, so it is not sealed.
const USED: &str = "used";

impl Store {
    /// A room was kept here once.
    pub(super) fn was_used(&self) -> Result<bool, StoreError> {
        let select = "SELECT count(*) FROM meta WHERE key = ?1";
        Ok(self.db.query_row(select, [USED], |row| row.get::<_, u32>(0))? > 0)
    }
}

/// Makes or moves a room within a transaction.
pub(super) fn upsert(db: &Connection, record: &RoomRecord) -> Result<(), StoreError> {
    let (host, port, pin) = match &record.place {
        Where::Own => (None, None, None),
        Where::Relay { address, pin } => (Some(&address.host), Some(address.port), *pin),
    };
    db.execute(
        "INSERT INTO rooms (room, label, host, port, pin, closed, kind) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (room) DO UPDATE SET label = ?2, host = ?3, port = ?4, pin = ?5, closed = ?6, kind = ?7",
        params![
            record.id.as_bytes(),
            record.label,
            host,
            port,
            pin.map(|pin| *pin.as_bytes()),
            record.closed.as_ref().map(Over::to_text),
            record.kind.number()
        ],
    )?;
    db.execute("INSERT OR IGNORE INTO meta VALUES (?1, x'')", [USED])?;
    Ok(())
}

fn record(row: &Row<'_>) -> rusqlite::Result<Option<RoomRecord>> {
    let host: Option<String> = row.get(2)?;
    let pin: Option<[u8; 32]> = row.get(4)?;
    let place = match host {
        None => Where::Own,
        Some(host) => match RelayAddress::new(&host, row.get(3)?) {
            Ok(address) => Where::Relay { address, pin: pin.map(Pin::from) },
            Err(_) => return Ok(None),
        },
    };
    let id = RoomId(row.get(0)?);
    let closed: Option<String> = row.get(6)?;
    let closed = closed.map(Over::of_text);
    let Some(kind) = RoomKind::of(row.get(7)?) else { return Ok(None) };
    Ok(Some(RoomRecord { id, label: row.get(1)?, place, acked: row.get(5)?, closed, kind }))
}
