//! Rooms come and go: joined, created, resumed.

use std::{
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use proto::RoomId;
use shared::{
    invite::link::Link,
    room::{Engine, EngineError, Policy},
};
use tokio::sync::{mpsc, oneshot};
use tracing::{Instrument as _, info_span};

use super::{
    COMMANDS, Inner, Local, OwnRelay, RunningRoom, State,
    link::{Dialer, LinkState, RelayConnection},
    lock, now_ms,
    room::{Ask, Begin, Room},
};
use crate::{
    log,
    reason::{LinkReason, Reason, RelayReason, RoomReason},
    store::{KnownRelay, Over, RoomKind, RoomRecord, Where},
    transport::{Pin, RelayAddress},
};

/// Rooms of one profile: a stream each, and a relay allows some hundred per connection.
const MAX_ROOMS: usize = 64;

/// The same with those that were left, of which only the history is here. More: somebody has to forget one.
const MAX_KEPT: usize = 4 * MAX_ROOMS;

impl Local {
    /// A link without a pin says that authorities vouch for its relay. That is all that may count then, so it does not
    /// fit a relay that was trusted at its first sight; the pin of another link is better than what this one asks for.
    pub(super) async fn expect_authorities(&self, address: &RelayAddress) -> Result<(), Reason> {
        let relay = address.clone();
        let known = self.0.vault.run(move |store| {
            store.remember_relay(&relay, KnownRelay::Authorities(None))?;
            store.known_relay(&relay)
        });
        match known.await? {
            Some(KnownRelay::FirstUse(_)) => Err(RelayReason::KnownByFirstUse(address.clone()).into()),
            _ => Ok(()),
        }
    }

    /// Opens the open room of that name: whoever knows the name, the relay's operator included, can read it.
    ///
    /// # Errors
    /// [`Reason`] when the name cannot be shown or there is no relay to ask.
    pub(crate) fn open(&self, name: &str, relay: Option<RelayAddress>) -> Result<String, Reason> {
        // Everybody could read along who knows the code, and the device that waits for it would wait for ever.
        if Link::from_code(name).is_ok() {
            return Err(LinkReason::CodeForName.into());
        }
        // Whoever means the private room that was must not end up in one that everybody can read.
        if self.room(name).is_ok_and(|room| room.over == Some(Over::Archive { open: false })) {
            return Err(RoomReason::Archive(name.to_owned()).into());
        }
        let place = self.place(relay)?;
        let profile = lock(&self.0.profile).engine.clone();
        let engine = Engine::open(&profile, name, now_ms()).map_err(|error| begin_failed(&error))?;
        if self.room(name).is_ok_and(|room| room.is_left() && room.id != engine.room_id()) {
            return Err(RoomReason::LeftPrivate(name.to_owned()).into());
        }
        self.begin(engine, place)
    }

    /// Makes a private room.
    ///
    /// # Errors
    /// [`Reason`] when the name cannot be shown or there is no relay to ask.
    pub(crate) fn create(
        &self,
        name: &str,
        relay: Option<RelayAddress>,
        policy: Policy,
    ) -> Result<String, Reason> {
        let place = self.place(relay)?;
        let profile = lock(&self.0.profile).engine.clone();
        let engine =
            Engine::create(&profile, name, policy, now_ms()).map_err(|error| begin_failed(&error))?;
        let kind = if policy.own_devices { RoomKind::OwnDevices } else { RoomKind::Chat };
        if kind == RoomKind::Chat {
            self.enters_here(engine.room_id());
        }
        self.begin_as(engine, place, kind)
    }

    /// Makes a private room at our own relay.
    ///
    /// # Errors
    /// [`Reason`] when the name cannot be shown.
    pub(crate) fn create_own(&self, name: &str) -> Result<String, Reason> {
        let profile = lock(&self.0.profile).engine.clone();
        let engine = Engine::create(&profile, name, Policy::default(), now_ms())
            .map_err(|error| begin_failed(&error))?;
        self.begin(engine, Where::Own)
    }

    /// This process runs a relay of its own from now on.
    pub(crate) fn use_own(&self, own: OwnRelay) {
        *lock(&self.0.own) = Some(own);
    }

    /// The way to a room's relay and back, as QUIC measures it anyway. None without a connection and over TCP, where
    /// nobody measures it.
    pub(crate) fn round_trip(&self, room: &str) -> Option<Duration> {
        let place = lock(&self.0.rooms).get(room).map(|entry| entry.record.place.clone())?;
        match &*self.link_in_use(&place)?.state.borrow() {
            LinkState::Up(connection, _) => connection.round_trip(),
            _ => None,
        }
    }

    /// There is a connection to a room's relay.
    pub(super) fn is_up(&self, room: RoomId) -> bool {
        let place = lock(&self.0.rooms)
            .values()
            .find(|entry| entry.record.id == room)
            .map(|entry| entry.record.place.clone());
        let link = place.and_then(|place| self.link_in_use(&place));
        link.is_some_and(|link| matches!(&*link.state.borrow(), LinkState::Up(..)))
    }

    fn link_in_use(&self, place: &Where) -> Option<Arc<RelayConnection>> {
        let (address, pin) = self.0.address(place)?;
        lock(&self.0.links).get(&(address, pin.map(|pin| *pin.as_bytes()))).and_then(Weak::upgrade)
    }

    /// Starts a stored room. One that is over is listed and left alone.
    pub(super) fn resume(&self, record: RoomRecord) {
        let over = record.closed.clone();
        self.spawn(record, Begin::Stored, over);
    }

    pub(super) fn begin(&self, engine: Engine, place: Where) -> Result<String, Reason> {
        self.begin_as(engine, place, RoomKind::Chat)
    }

    pub(super) fn begin_as(&self, engine: Engine, place: Where, kind: RoomKind) -> Result<String, Reason> {
        let id = engine.room_id();
        if let Some(label) = self.known(id, &place)? {
            return Ok(label);
        }
        self.has_space()?;
        let label = match kind.is_hidden() {
            // Whatever people call theirs, it is in nobody's way.
            true => long_label(id, engine.room_name()),
            false => {
                self.make_way(engine.room_name())?;
                self.label(id, engine.room_name())
            }
        };
        let record = RoomRecord { id, label: label.clone(), place, acked: 0, closed: None, kind };
        self.spawn(record, Begin::New(Box::new(engine)), None);
        Ok(label)
    }

    fn has_space(&self) -> Result<(), Reason> {
        let rooms = lock(&self.0.rooms);
        let left = rooms.values().filter(|entry| lock(&entry.state).over == Some(Over::Left)).count();
        if rooms.len() - left >= MAX_ROOMS {
            return Err(RoomReason::TooMany { most: MAX_ROOMS }.into());
        }
        if rooms.len() >= MAX_KEPT {
            return Err(RoomReason::TooManyKept { most: MAX_KEPT }.into());
        }
        Ok(())
    }

    /// The label of a room that we are in already. One that is over makes way.
    fn known(&self, id: RoomId, place: &Where) -> Result<Option<String>, Reason> {
        let mut rooms = lock(&self.0.rooms);
        let Some((label, entry)) = rooms.iter().find(|(_, entry)| entry.record.id == id) else {
            return Ok(None);
        };
        let label = label.clone();
        if lock(&entry.state).over.is_some() || entry.asks.is_closed() {
            rooms.remove(&label);
            return Ok(None);
        }
        if self.0.address(&entry.record.place).map(|(address, _)| address)
            != self.0.address(place).map(|(address, _)| address)
        {
            return Err(RoomReason::OtherRelay(label).into());
        }
        Ok(Some(label))
    }

    /// An archive, or a room that was left, that has the name of a new room is called otherwise from now on.
    fn make_way(&self, name: &str) -> Result<(), Reason> {
        let mut rooms = lock(&self.0.rooms);
        let kind = |entry: &RunningRoom| match &lock(&entry.state).over {
            Some(Over::Left) => Some("left"),
            Some(why) if why.is_archive() => Some("version 1"),
            _ => None,
        };
        let found = rooms.get(name).and_then(|entry| Some((entry.record.clone(), kind(entry)?)));
        let Some((old, kind)) = found else { return Ok(()) };
        let usual = format!("{name} ({kind})");
        let [a, b, c, ..] = old.id.0;
        let label = match rooms.contains_key(&usual) {
            true => format!("{usual}~{a:02x}{b:02x}{c:02x}"),
            false => usual,
        };
        self.0.vault.now(|store| store.relabel(old.id, &label))?;
        if let Some(mut entry) = rooms.remove(name) {
            entry.record.label.clone_from(&label);
            rooms.insert(label, entry);
        }
        Ok(())
    }

    fn label(&self, id: RoomId, name: &str) -> String {
        let rooms = lock(&self.0.rooms);
        if !rooms.contains_key(name) {
            return name.to_owned();
        }
        long_label(id, name)
    }

    pub(super) fn place(&self, relay: Option<RelayAddress>) -> Result<Where, Reason> {
        if let Some(address) = relay.or_else(|| lock(&self.0.relay).clone()) {
            return Ok(Where::Relay { address, pin: None });
        }
        if lock(&self.0.own).is_some() {
            return Ok(Where::Own);
        }
        let last = lock(&self.0.profile).last_relay.clone();
        if let Some(address) = last.and_then(|relay| relay.parse().ok()) {
            return Ok(Where::Relay { address, pin: None });
        }
        // Whoever came by a link means the relay of that link.
        let rooms = lock(&self.0.rooms);
        let place = rooms.values().map(|entry| &entry.record.place).find(|place| **place != Where::Own);
        place.cloned().ok_or_else(|| RelayReason::Nowhere.into())
    }

    fn spawn(&self, record: RoomRecord, begin: Begin, over: Option<Over>) {
        let (asks, receiver) = mpsc::channel(COMMANDS);
        let state = Arc::new(Mutex::new(State { over, kind: record.kind, ..State::default() }));
        let link = self.0.address(&record.place).map(|(address, pin)| self.0.link(address, pin));
        let is_over = lock(&state).over.is_some();
        let task = (!is_over).then(|| {
            let room = Room::new(&self.0, record.clone(), link, receiver, state.clone());
            // In the log a room is a number.
            tokio::spawn(room.run(begin).instrument(info_span!("room", n = log::number())))
        });
        let label = record.label.clone();
        lock(&self.0.rooms).insert(label, RunningRoom { record, asks: asks.clone(), state, task });
        // The account may have got another key while this room began. The channel is empty, and a room that is over has none.
        let account = lock(&self.0.profile).engine.identity.clone();
        let _ = asks.try_send(Ask::Account(account, oneshot::channel().0));
    }
}

impl Inner {
    /// Where to dial for a room, and whom to expect. None for our own relay when it does not run.
    pub(super) fn address(&self, place: &Where) -> Option<(RelayAddress, Option<Pin>)> {
        match place {
            Where::Relay { address, pin } => Some((address.clone(), *pin)),
            Where::Own => lock(&self.own).as_ref().map(|own| (own.dial.clone(), Some(own.pin))),
        }
    }

    /// The connection to a relay, shared while anybody uses it.
    pub(super) fn link(&self, address: RelayAddress, pin: Option<Pin>) -> Arc<RelayConnection> {
        let mut links = lock(&self.links);
        links.retain(|_, link| link.strong_count() > 0);
        let key = (address.clone(), pin.map(|pin| *pin.as_bytes()));
        if let Some(link) = links.get(&key).and_then(Weak::upgrade) {
            link.nudge();
            return link;
        }
        let link = RelayConnection::start(Dialer {
            transport: self.config.transport.clone(),
            vault: self.vault.clone(),
            outlet: self.outlet.clone(),
            random: lock(&self.profile).engine.random.clone(),
            address,
            pin,
        });
        links.insert(key, Arc::downgrade(&link));
        link
    }
}

/// A label that is not the name alone.
fn long_label(id: RoomId, name: &str) -> String {
    let [a, b, c, ..] = id.0;
    format!("{name}~{a:02x}{b:02x}{c:02x}")
}

pub(super) fn begin_failed(error: &EngineError) -> Reason {
    let reason = match error {
        EngineError::Name(error) => RoomReason::BadName(*error),
        EngineError::Group(_) | EngineError::Damaged | EngineError::Version1 | EngineError::TooNew => {
            RoomReason::Group(error.to_string())
        }
    };
    reason.into()
}
