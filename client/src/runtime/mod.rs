//! Engines and their I/O: one task per room, one connection per relay. Faces ask by a [`handle`](crate::handle).
//!
//! ```text
//!  face ── handle (methods) ───▶ room task ──▶ engine ──▶ 1 store, 2 send, 3 show
//!  face ◀── Event (bounded) ────────┘  └── stream on the relay's connection
//! ```
//!
//! **When a face does not read its events**, the channel of [`EVENTS`] fills, the room tasks wait, nothing is
//! read from the streams any more, and QUIC's flow control stops the relay. Nothing is lost: the relay's log is
//! durable and the cursor is stored. So a face must read events and give commands from two tasks.

mod account;
mod archive;
mod avatar;
mod backoff;
mod choose;
mod claims;
mod config;
mod devices;
mod ending;
mod enter;
mod event;
mod files;
mod forget;
mod gone;
mod here;
mod left;
mod link;
mod linking;
mod manage;
pub(crate) mod mark;
mod mute;
mod naming;
mod news;
mod offers;
mod people;
mod raster;
mod replaced;
mod room;
mod step;
mod strangers;
mod sync;
mod transfer;
mod unasked;
mod unclaimed;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic::AtomicBool},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use proto::RoomId;
use shared::{
    identity::Fingerprint,
    identity::credential::{MAX_GLYPH, MAX_STATUS},
    room::{Command, GroupView, Millis},
};
use tokio::{
    sync::{Notify, RwLock, mpsc, oneshot},
    task::JoinHandle,
};

pub use account::{Entropy, KeyRoom, Replaced};
pub use choose::ChosenRelay;
pub use config::{Config, OwnRelay, Past, RoomStatus};
pub use devices::{OwnDevice, meant as meant_device};
pub use event::{Event, Namesake, RelayState, RoomEvent};
pub(crate) use event::{Publish, Sink};
pub use files::{Outgoing, Wanted};
pub(crate) use files::{remove_parts, stored_transfers};
pub use gone::RoomsBeyond;
pub use linking::{Answer as LinkAnswer, HandedPast, is_of_own_devices, rooms_to_enter};
pub(crate) use mark::FaceId;
pub use news::{LinkEnd, LinkNews};
pub use transfer::{Steer, Transfer, TransferState, Way};

use crate::{
    reason::{PersonReason, Reason, RoomReason},
    store::{
        BackupPlan, Cursor, Mark, OpenProfile, Over, People, RoomKind, RoomRecord, Store, StoredNotice, Vault,
    },
    text::names::{label, meant},
    transport::RelayAddress,
};
use event::Outlet;
use link::RelayConnection;
use room::Ask;

/// Events that wait for a face: a page of history. Full: the rooms wait, see above.
pub(crate) const EVENTS: usize = 256;

/// Commands that wait for a room. Full: whoever asks waits.
const COMMANDS: usize = 32;

/// How long the rooms get to say goodbye, in seconds.
const GOODBYE_S: u64 = 2;

/// The rooms of a profile, run in this process. Clones share them; [`Local::shutdown`] ends them.
#[derive(Clone)]
pub(crate) struct Local(Arc<Inner>);

struct Inner {
    profile: Mutex<OpenProfile>,
    vault: Vault,
    people: People,
    /// Whose safety number was shown in this run: at most as many as there are members in all rooms.
    compared: Mutex<BTreeSet<Fingerprint>>,
    config: Config,
    /// The relay that this process runs itself, once it does.
    own: Mutex<Option<OwnRelay>>,
    outlet: Outlet,
    /// What nobody had seen at the start; it is shown then.
    unseen: Vec<StoredNotice>,
    /// For rooms that are named without one, when it was chosen for this run.
    relay: Mutex<Option<RelayAddress>>,
    rooms: Mutex<BTreeMap<String, RunningRoom>>,
    links: Mutex<BTreeMap<LinkKey, Weak<RelayConnection>>>,
    /// Held for reading while a notice is marked as seen.
    marks: Arc<RwLock<()>>,
    /// Labels of rooms of which nobody wants to be told: at most as many as there are rooms.
    muted: Mutex<BTreeSet<String>>,
    /// Labels of the rooms that stand above the others.
    pinned: Mutex<BTreeSet<String>>,
    files: files::Files,
    here: here::Changed,
    /// Looks after this person's devices, until the end.
    looking: Mutex<Option<JoinHandle<()>>>,
    /// Held while rooms are entered that other devices offered.
    taking: tokio::sync::Mutex<()>,
    /// Held by whoever waits to do so: one is enough.
    next_to_take: tokio::sync::Mutex<()>,
    /// What did not work is tried again soon.
    looks_again: AtomicBool,
    /// Held while rooms are told what the person is called: of two names they have the later one.
    naming: tokio::sync::Mutex<()>,
    /// Held while the other devices are told where this one is.
    telling: tokio::sync::Mutex<()>,
    linking: Mutex<linking::Linking>,
    /// Invites that were made in this run for devices of ours, and are not with them yet.
    held: room::Held,
    sync: sync::Sync,
    /// A room was entered, or is over.
    changed: Arc<Notify>,
}

/// A relay, and whom to expect there.
type LinkKey = (RelayAddress, Option<[u8; 32]>);

struct RunningRoom {
    record: RoomRecord,
    asks: mpsc::Sender<Ask>,
    state: Arc<Mutex<State>>,
    task: Option<JoinHandle<()>>,
}

/// What a room task lets others see.
#[derive(Default)]
struct State {
    view: Option<Arc<GroupView>>,
    over: Option<Over>,
    /// The newest of its log that was taken in or is known to be there, in this run.
    newest: u64,
    /// Nothing of it is kept: at the next start there is no such room.
    is_forgotten: bool,
    kind: RoomKind,
}

impl Local {
    /// Starts all rooms of the profile. Events go into `sink`.
    ///
    /// # Errors
    /// [`Reason`] when the profile cannot be read or `config.only` names no room.
    pub(crate) async fn start(profile: OpenProfile, config: Config, sink: Sink) -> Result<Self, Reason> {
        let vault = profile.vault.clone();
        let only = config.only.clone();
        let (muted, pinned) = vault.run(|store| Ok((store.muted()?, store.pinned()?))).await?;
        let (unseen, last, people) = vault
            .run(move |store| {
                Ok((store.unseen_notices(only.as_deref())?, store.last_notice()?, store.people()))
            })
            .await?;
        let inner = Inner {
            profile: Mutex::new(profile),
            vault: vault.clone(),
            people,
            compared: Mutex::default(),
            relay: Mutex::new(config.relay.clone()),
            own: Mutex::new(config.own.clone()),
            config,
            outlet: Outlet::new(sink, last.map(|last| Reason::Notice(last.notice))),
            unseen: unseen.clone(),
            rooms: Mutex::default(),
            links: Mutex::default(),
            marks: Arc::default(),
            muted: Mutex::new(muted),
            pinned: Mutex::new(pinned),
            files: files::Files::default(),
            here: here::Changed::default(),
            looking: Mutex::default(),
            taking: tokio::sync::Mutex::default(),
            next_to_take: tokio::sync::Mutex::default(),
            looks_again: AtomicBool::default(),
            naming: tokio::sync::Mutex::default(),
            telling: tokio::sync::Mutex::default(),
            linking: Mutex::default(),
            held: room::Held::default(),
            sync: sync::Sync::default(),
            changed: Arc::default(),
        };
        let runtime = Self(Arc::new(inner));
        runtime.help_files();
        let looking = tokio::spawn(here::run(Arc::downgrade(&runtime.0), runtime.0.here.clone()));
        *lock(&runtime.0.looking) = Some(looking);
        runtime.0.here.notify_one();
        // Of a run that was cut short. Now, before a room may bring another one.
        let begun = |store: &mut Store| store.drop_begun_avatars().and_then(|()| store.rooms());
        let mut records = vault.run(begun).await?;
        if let Some(only) = &runtime.0.config.only {
            let labels = records.iter().map(|record| record.label.as_str());
            let meant = meant(labels, only).map(str::to_owned).ok_or_else(|| no_room(only))?;
            records.retain(|record| record.label == meant);
        }
        let over = records.iter().filter(|record| record.closed.is_some()).map(|record| record.id);
        runtime.expire_over(over.collect()).await;
        // Whoever becomes a device of an account is nobody in the rooms of the one before.
        if lock(&runtime.0.profile).is_blank {
            records.clear();
        }
        for record in records {
            runtime.resume(record);
        }
        runtime.resume_files().await?;
        if runtime.0.config.only.is_none() {
            runtime.resume_link().await?;
            runtime.start_sync();
        }
        // Here and not by the rooms: some of them are over, or forgotten.
        tokio::spawn(runtime.0.outlet.clone().show_again(unseen));
        Ok(runtime)
    }

    /// Asks something of a room; returns when that is saved.
    pub(crate) async fn tell(&self, room: &str, command: Command) -> Result<(), Reason> {
        self.tell_as(None, room, command).await
    }

    /// Asks something of a room that is to be so, and may be so already: that is no error to anybody.
    pub(super) async fn ensure(&self, room: &str, command: Command) -> Result<(), Reason> {
        let (reply, answer) = oneshot::channel();
        let gone = || RoomReason::Over { room: room.to_owned(), why: None };
        self.asks(room)?.send(Ask::Ensure(command, reply)).await.map_err(|_| gone())?;
        Ok(answer.await.map_err(|_| gone())?)
    }

    /// As [`Local::tell`], for a face: what the room answers goes to that one, where it can be told apart.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be saved. What the room itself refuses comes as an
    /// event.
    pub(crate) async fn tell_as(
        &self,
        asker: Option<FaceId>,
        room: &str,
        command: Command,
    ) -> Result<(), Reason> {
        let asks = self.asks(room)?;
        let (reply, answer) = oneshot::channel();
        let gone = || {
            let why = self.room(room).ok().and_then(|status| status.over);
            Reason::from(RoomReason::Over { room: room.to_owned(), why })
        };
        asks.send(Ask::Command(command, asker, reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// A room that is over, or becomes it now, does not keep the others from hearing it.
    async fn tell_where_open(&self, room: &str, command: Command) -> Result<(), Reason> {
        match self.tell(room, command).await {
            Err(Reason::Room(RoomReason::Over { .. })) => Ok(()),
            told => told,
        }
    }

    /// Changes what we say of ourselves, here and in all rooms.
    ///
    /// # Errors
    /// [`Reason`] when it cannot be shown or not be saved.
    pub(crate) async fn describe(&self, status: &str, glyph: &str) -> Result<(), Reason> {
        let clean =
            |text: &str, most| shared::identity::clean_optional(text, most).map_err(PersonReason::BadProfile);
        let (status, glyph) = (clean(status, MAX_STATUS)?, clean(glyph, MAX_GLYPH)?);
        let saved = (status.clone(), glyph.clone());
        self.0.vault.run(move |store| store.set_description(&saved.0, &saved.1)).await?;
        {
            let mut profile = lock(&self.0.profile);
            (profile.engine.status, profile.engine.glyph) = (status.clone(), glyph.clone());
        }
        for room in self.rooms().into_iter().filter(|room| room.view.is_some()) {
            let command = Command::Describe { status: status.clone(), glyph: glyph.clone() };
            self.tell_where_open(&room.label, command).await?;
        }
        Ok(())
    }

    /// Status and sign, as rooms are told.
    pub(crate) fn description(&self) -> (String, String) {
        let profile = lock(&self.0.profile);
        (profile.engine.status.clone(), profile.engine.glyph.clone())
    }

    /// A program has dealt with the messages of a room up to `seq`, at a cursor.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room, nothing so new is here, or it cannot be saved.
    pub(crate) async fn ack_at(&self, room: &str, cursor: &Cursor, seq: u64) -> Result<(), Reason> {
        let (id, cursor, is_read) = (self.id(room)?, cursor.clone(), *cursor == Cursor::read());
        let taken = self.entry(room, |_, entry| lock(&entry.state).newest).unwrap_or(0);
        let is_told = is_read && self.own_devices().is_some();
        let ack = move |store: &mut Store| {
            let newest = store.newest(id)?.max(taken);
            if seq > newest {
                return Ok(newest);
            }
            store.all_or_nothing(|store| {
                store.ack_at(id, &cursor, seq)?;
                if is_told { store.add_unsynced(&Mark::Read(id, seq)) } else { Ok(()) }
            })?;
            Ok(newest)
        };
        match self.0.vault.run(ack).await? {
            newest if seq > newest => {
                return Err(RoomReason::NotThereYet { room: room.to_owned(), seq, newest }.into());
            }
            _ => {}
        }
        if is_told {
            self.0.sync.done.notify_one();
        }
        Ok(())
    }

    /// How far a room's messages were acknowledged at a cursor.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub(crate) async fn acked(&self, room: &str, cursor: &Cursor) -> Result<u64, Reason> {
        let (id, cursor) = (self.id(room)?, cursor.clone());
        Ok(self.0.vault.run(move |store| store.acked(id, &cursor)).await?)
    }

    /// A face has shown a notice: it does not come again.
    ///
    /// # Errors
    /// [`Reason`] when that cannot be saved; then it comes again at the next start.
    pub(crate) async fn seen(&self, notice: i64) -> Result<(), Reason> {
        let mark = self.0.marks.clone().read_owned().await;
        let job = move |store: &mut Store| {
            let _mark = mark;
            store.see_notice(notice)
        };
        Ok(self.0.vault.run(job).await?)
    }

    /// What was said in a room and waits for the relay, as events.
    pub(crate) async fn queued(&self, room: &str) -> Vec<shared::room::Event> {
        let Ok(asks) = self.asks(room) else { return Vec::new() };
        let (reply, answer) = oneshot::channel();
        match asks.send(Ask::Queued(reply)).await {
            Ok(()) => answer.await.unwrap_or_default(),
            // A room that is over has nothing under way.
            Err(_) => Vec::new(),
        }
    }

    /// Alarms and errors that nobody has seen, of one room or of all.
    pub(crate) async fn unseen(&self, only: Option<String>) -> Result<Vec<StoredNotice>, Reason> {
        Ok(self.0.vault.run(move |store| store.unseen_notices(only.as_deref())).await?)
    }

    /// The backups that a daemon is to make by itself.
    pub(crate) async fn backup_plan(&self) -> Result<Option<BackupPlan>, Reason> {
        Ok(self.0.vault.run(|store| store.backup_plan()).await?)
    }

    /// All rooms, by label, those that were left as well; none that was forgotten, or was never entered and cannot be.
    pub(crate) fn rooms(&self) -> Vec<RoomStatus> {
        self.rooms_that(|state| !state.is_forgotten && !state.kind.is_hidden())
    }

    /// The same with those that nobody is shown.
    pub(crate) fn all_rooms(&self) -> Vec<RoomStatus> {
        self.rooms_that(|state| !state.is_forgotten)
    }

    /// The room of this person's devices, while this device is in it.
    pub(crate) fn own_devices(&self) -> Option<RoomStatus> {
        let own = |state: &State| state.kind == RoomKind::OwnDevices && state.over.is_none();
        self.rooms_that(own).into_iter().next()
    }

    fn rooms_that(&self, fits: impl Fn(&State) -> bool) -> Vec<RoomStatus> {
        let rooms = lock(&self.0.rooms);
        let found = rooms.iter().filter(|(_, entry)| fits(&lock(&entry.state)));
        found.map(|(label, entry)| self.status(label, entry)).collect()
    }

    /// Rooms of this run of which nothing is kept.
    pub(crate) fn forgotten(&self) -> Vec<RoomStatus> {
        let rooms = lock(&self.0.rooms);
        let gone = rooms.iter().filter(|(_, entry)| lock(&entry.state).is_forgotten);
        gone.map(|(label, entry)| self.status(label, entry)).collect()
    }

    /// One room.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room.
    pub(crate) fn room(&self, room: &str) -> Result<RoomStatus, Reason> {
        self.entry(room, |label, entry| self.status(label, entry)).ok_or_else(|| no_room(room))
    }

    /// The group of a room, as far as it is known.
    pub(crate) fn view(&self, room: &str) -> Option<Arc<GroupView>> {
        self.entry(room, |_, entry| lock(&entry.state).view.clone()).flatten()
    }

    /// Who we are.
    pub(crate) fn me(&self) -> (String, Fingerprint) {
        let profile = lock(&self.0.profile);
        (profile.engine.name.clone(), profile.engine.identity.fingerprint())
    }

    /// A relay's certificate was refused and no other relay is of use: nothing goes on before somebody decides.
    pub(crate) fn is_stuck(&self) -> bool {
        let links: Vec<_> = lock(&self.0.links).values().filter_map(Weak::upgrade).collect();
        !links.is_empty() && links.iter().all(|link| matches!(*link.state.borrow(), link::LinkState::Refused))
    }

    /// A connection to a relay is up.
    pub(crate) fn is_connected(&self) -> bool {
        let links: Vec<_> = lock(&self.0.links).values().filter_map(Weak::upgrade).collect();
        links.iter().any(|link| matches!(*link.state.borrow(), link::LinkState::Up(..)))
    }

    /// What went wrong last.
    pub(crate) fn why(&self) -> Option<Reason> {
        self.0.outlet.last_problem()
    }

    /// Moves all connections to a fresh socket, as after a change of network.
    pub(crate) fn rebind(&self) -> std::io::Result<()> {
        self.0.config.transport.rebind()
    }

    /// Says goodbye and ends all tasks.
    pub(crate) async fn shutdown(self) {
        self.stop_link().await;
        self.stop_sync();
        let looking = lock(&self.0.looking).take();
        if let Some(task) = looking {
            task.abort();
            // The profile is free once it has ended.
            let _ = task.await;
        }
        self.0.files.stop().await;
        let entries = std::mem::take(&mut *lock(&self.0.rooms));
        let asks: Vec<_> = entries.values().map(|entry| entry.asks.clone()).collect();
        let goodbye = async {
            for ask in asks {
                // A room that is over already needs no goodbye.
                let _ = ask.send(Ask::Stop).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(GOODBYE_S), goodbye).await;
        for task in entries.into_values().filter_map(|entry| entry.task) {
            let abort = task.abort_handle();
            if tokio::time::timeout(Duration::from_secs(GOODBYE_S), task).await.is_err() {
                abort.abort();
            }
        }
        self.0.config.transport.close().await;
        // What was shown at the end must not be shown again.
        drop(self.0.marks.write().await);
    }

    fn asks(&self, room: &str) -> Result<mpsc::Sender<Ask>, Reason> {
        self.entry(room, |_, entry| entry.asks.clone()).ok_or_else(|| no_room(room))
    }

    /// The same of the room with this id, whatever it is called by now: what is meant for one room goes into no other of its name.
    fn asks_of(&self, room: RoomId) -> Option<mpsc::Sender<Ask>> {
        let rooms = lock(&self.0.rooms);
        rooms.values().find(|entry| entry.record.id == room).map(|entry| entry.asks.clone())
    }

    /// What a room is called that runs here.
    fn label_of(&self, room: RoomId) -> Option<String> {
        let rooms = lock(&self.0.rooms);
        let found = rooms.iter().find(|(_, entry)| entry.record.id == room);
        found.map(|(label, _)| label.clone())
    }

    /// The connection of a room's relay. None for our own when it does not run.
    fn link_of(&self, room: &str) -> Option<Arc<RelayConnection>> {
        let place = lock(&self.0.rooms).get(&label(room)).map(|entry| entry.record.place.clone())?;
        self.0.address(&place).map(|(address, pin)| self.0.link(address, pin))
    }

    fn id(&self, room: &str) -> Result<RoomId, Reason> {
        self.entry(room, |_, entry| entry.record.id).ok_or_else(|| no_room(room))
    }

    /// Looks at the room that is meant by a name.
    fn entry<T>(&self, room: &str, look: impl FnOnce(&str, &RunningRoom) -> T) -> Option<T> {
        let rooms = lock(&self.0.rooms);
        let meant = meant(rooms.keys().map(String::as_str), room)?;
        rooms.get(meant).map(|entry| look(meant, entry))
    }

    fn status(&self, label: &str, entry: &RunningRoom) -> RoomStatus {
        let state = lock(&entry.state);
        let is_verified = state.view.as_ref().is_some_and(|view| self.is_room_verified(view));
        RoomStatus {
            is_verified,
            label: label.to_owned(),
            id: entry.record.id,
            relay: self.0.address(&entry.record.place).map(|(address, _)| address),
            view: state.view.clone(),
            over: state.over.clone(),
            is_muted: lock(&self.0.muted).contains(label),
            is_pinned: lock(&self.0.pinned).contains(label),
        }
    }
}

pub(crate) fn no_room(name: &str) -> Reason {
    RoomReason::Unknown(name.to_owned()).into()
}

/// A panic elsewhere leaves these small states whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

/// Unix time in milliseconds; 0 on a machine that thinks it is before 1970.
pub fn now_ms() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
