//! One room: its engine, its stream, and the order in which things happen.

mod expire;
mod guard;
mod load;
mod ours;
mod past;
mod publish;
mod stream;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use proto::{
    BlobId, CHANNEL_BINDING_LEN,
    relay::{BlobProof, RelayFrame, relay_frame},
};
use shared::{
    identity::{Fingerprint, Identity, KeyChange},
    invite::link::InviteLink,
    room::{self as engine, Command, Engine, Input, MessageBody, Millis, Person, Problem},
};
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    time::{Instant, sleep_until, timeout},
};
use tracing::debug;

use guard::{Guard, Look};
pub(super) use ours::Held;
use ours::{Behind, Ours};
pub(super) use stream::drive;

use super::{
    FaceId, Inner, Past, State,
    avatar::Entered,
    backoff::Backoff,
    ending::Ending,
    event::{Outlet, RoomEvent},
    here::Changed,
    link::{LinkState, RelayConnection},
    lock, now_ms,
    step::{Inputs, LogPosition, Step},
    sync::Heard,
    unasked::Unasked,
};
use crate::{
    reason::{Reason, RelayReason, RoomReason, Unloaded},
    store::{Came, Committed, People, RoomLogItem, RoomRecord, StoredNotice, Vault, Where},
    transport::{Pin, RelayAddress, RoomStream},
};

/// While more than this waits to be written, in bytes, no commands are taken: whoever asks waits.
const BUSY: usize = 1 << 20;

/// What was thought about for so long is stored and shown before the rest: people wait for it.
const THINK: Duration = Duration::from_millis(50);

/// Stored lines that are read at once when the past is shown.
const PAGE: u32 = 100;

/// What others ask of a room's task.
pub(super) enum Ask {
    /// Something for the engine; answered when it is saved.
    Command(Command, Option<FaceId>, oneshot::Sender<Result<(), Reason>>),
    /// Something that is to be so, and may be so already; answered when it was tried.
    Ensure(Command, oneshot::Sender<()>),
    /// Signs for a file on a connection. None: we are not in.
    Prove(BlobId, [u8; CHANNEL_BINDING_LEN], oneshot::Sender<Option<BlobProof>>),
    /// A file is at the relay: says so, and in the same step it is under way no more.
    Offer { number: i64, token: String, said: MessageBody, reply: oneshot::Sender<Result<(), Reason>> },
    /// The account has another key; answered when that is known here, which the room's log says later.
    Account(Arc<Identity>, oneshot::Sender<()>),
    /// A link for one device of ours, until then.
    InviteDevice { whose: [u8; 16], expires_ms: Millis, reply: oneshot::Sender<Result<InviteLink, Reason>> },
    /// None of our devices says that it is this one, which is called so; answered when the alarm is stored.
    Unclaimed(String, oneshot::Sender<Result<(), Reason>>),
    /// Something was learnt of people elsewhere.
    Look,
    /// What waits for the relay.
    Queued(oneshot::Sender<Vec<engine::Event>>),
    /// Say goodbye and end.
    Stop,
}

/// How a room begins.
pub(super) enum Begin {
    /// From its rows.
    Stored,
    /// With this engine, which is not stored yet.
    New(Box<Engine>),
}

/// A device of ours, and who waits for a link for it.
type DeviceAsked = ([u8; 16], oneshot::Sender<Result<InviteLink, Reason>>);

pub(super) struct Room {
    profile: engine::Profile,
    vault: Vault,
    outlet: Outlet,
    past: Past,
    /// Alarms that are shown at the start as such.
    unseen: Vec<RoomLogItem>,
    tap: Option<mpsc::Sender<RelayFrame>>,
    record: RoomRecord,
    label: Arc<str>,
    /// What links say: our own relay's public address, or the relay's.
    advertise: Option<(RelayAddress, Option<Pin>)>,
    asks: mpsc::Receiver<Ask>,
    state: Arc<Mutex<State>>,
    /// Keeps the connection in use.
    _link: Option<Arc<RelayConnection>>,
    link: watch::Receiver<LinkState>,
    stream: Option<RoomStream>,
    engine: Option<Engine>,
    people: People,
    guard: Guard,
    /// The record is in the database.
    is_stored: bool,
    is_leaving: bool,
    /// Somebody asked for a link before we were in.
    wants_invite: bool,
    /// What follows from what is being applied: applied next.
    follow_ups: Vec<Input>,
    /// What is being applied follows from something else.
    is_following: bool,
    /// Whose command is being carried out: errors of it are for that face.
    asker: Option<FaceId>,
    /// A device of this account that is none of ours, to be told of with the next step.
    unclaimed: Option<String>,
    /// The file that is being offered.
    offering: Option<i64>,
    /// Files under way, which end with the room.
    under_way: Ending,
    /// Whoever drops files at the relay is told that there are some.
    drops: Arc<Notify>,
    /// Small pictures are fetched by themselves.
    unasked: Option<Unasked>,
    /// Who is told that it was entered.
    entered: Option<Entered>,
    /// Who tells our other devices where this one is.
    here: Changed,
    /// Faces that wait for a link: at most as many as are attached.
    invited: Vec<FaceId>,
    /// Who waits for a link for which device of ours, in the order in which they asked.
    device: VecDeque<DeviceAsked>,
    /// Invites that were made in this run for devices of ours, and are not with them yet.
    held: Held,
    /// Who takes what devices of ours say to each other.
    devices: mpsc::Sender<Heard>,
    /// Told when there is something for our other devices.
    synced: Arc<Notify>,
    /// Told when the room was entered, or is over.
    changed: Arc<Notify>,
    is_over: bool,
    /// Why it could not be read from the disk, when it was tried last.
    not_loaded: Option<Unloaded>,
    backoff: Backoff,
    /// When the current stream was opened.
    since: Instant,
    /// No stream is opened, and no failed load tried again, before.
    not_before: Instant,
    wake_at: Option<Millis>,
    /// When the next stored line is to go.
    expires_at: Option<Millis>,
}

impl Room {
    pub(super) fn new(
        inner: &Inner,
        record: RoomRecord,
        link: Option<Arc<RelayConnection>>,
        asks: mpsc::Receiver<Ask>,
        state: Arc<Mutex<State>>,
    ) -> Self {
        let own = lock(&inner.own).as_ref().map(|own| (own.advertise.clone(), Some(own.pin)));
        let advertise = match &record.place {
            Where::Own => own,
            Where::Relay { address, pin } => Some((address.clone(), *pin)),
        };
        // Without a relay the state never changes: the room waits.
        let watcher =
            link.as_ref().map_or_else(|| watch::channel(LinkState::Down).1, |link| link.state.clone());
        Self {
            profile: lock(&inner.profile).engine.clone(),
            vault: inner.vault.clone(),
            outlet: inner.outlet.clone(),
            past: inner.config.past,
            unseen: unseen(&inner.unseen, &record.label),
            tap: inner.config.tap.clone(),
            label: record.label.as_str().into(),
            record,
            advertise,
            asks,
            state,
            _link: link,
            link: watcher,
            stream: None,
            engine: None,
            people: inner.people.clone(),
            guard: Guard::default(),
            is_stored: false,
            is_leaving: false,
            wants_invite: false,
            follow_ups: Vec::new(),
            is_following: false,
            asker: None,
            unclaimed: None,
            offering: None,
            under_way: inner.files.under_way(),
            drops: inner.files.drops(),
            unasked: inner.files.unasked(),
            entered: inner.files.entered(),
            here: inner.here.clone(),
            invited: Vec::new(),
            device: VecDeque::new(),
            held: inner.held.clone(),
            devices: inner.sync.heard.clone(),
            synced: inner.sync.done.clone(),
            changed: inner.changed.clone(),
            is_over: false,
            not_loaded: None,
            backoff: Backoff::default(),
            since: Instant::now(),
            not_before: Instant::now(),
            wake_at: None,
            expires_at: None,
        }
    }

    /// Runs until the room is over or the runtime stops.
    pub(super) async fn run(mut self, begin: Begin) {
        match begin {
            Begin::Stored => {
                self.is_stored = true;
                self.expire().await;
                self.show_past().await;
                self.load().await;
                self.show_queued().await;
                if self._link.is_none() {
                    self.show(RoomEvent::Failed(RelayReason::OwnIsDown.into())).await;
                }
            }
            Begin::New(engine) => {
                self.engine = Some(*engine);
                // Writes the first rows, so that a crash loses no room.
                let _ = self.apply(vec![Input::Tick]).await;
            }
        }
        while !self.is_over {
            if self.engine.is_none() && self.may_try() {
                self.load().await;
            }
            if self.stream.is_none() && self.engine.is_some() && self.may_try() {
                self.connect().await;
            }
            if self.is_over || self.turn().await.is_none() {
                break;
            }
        }
        if let Some(stream) = self.stream.take() {
            let _ = timeout(Duration::from_secs(1), stream.finish()).await;
        }
    }

    /// Waits for one thing and does it. None: stop.
    async fn turn(&mut self) -> Option<()> {
        enum Turn {
            Ask(Option<Ask>),
            Frames(Result<Vec<RelayFrame>, crate::transport::StreamError>),
            Link,
            Wake,
        }
        let idle = self.stream.as_ref().is_none_or(|stream| stream.backlog() < BUSY);
        let wake = self.next_wake();
        let link_lives = self.link.has_changed().is_ok();
        let turn = tokio::select! {
            ask = self.asks.recv(), if idle => Turn::Ask(ask),
            frames = drive(&mut self.stream) => Turn::Frames(frames),
            _ = self.link.changed(), if link_lives => Turn::Link,
            () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => Turn::Wake,
        };
        match turn {
            Turn::Ask(Some(Ask::Queued(reply))) => {
                // Whoever asked may be gone.
                let _ = reply.send(self.queued());
            }
            Turn::Ask(Some(Ask::Unclaimed(device, reply))) => {
                self.unclaimed = Some(device);
                let done = self.apply(vec![Input::Tick]).await;
                // Whoever asked may be gone.
                let _ = reply.send(done);
            }
            Turn::Ask(Some(Ask::Look)) => {
                self.guard.look_again();
                // What cannot be stored is told there.
                let _ = self.apply(vec![Input::Tick]).await;
            }
            Turn::Ask(Some(Ask::Ensure(command, reply))) => {
                self.follow_ups.push(Input::Command(command));
                let _ = self.apply(Vec::new()).await;
                // Whoever asked may be gone.
                let _ = reply.send(());
            }
            Turn::Ask(Some(Ask::Account(account, reply))) => {
                self.take_account(account).await;
                // Whoever asked may be gone.
                let _ = reply.send(());
            }
            Turn::Ask(Some(Ask::Prove(blob, binding, reply))) => {
                let proof = self.engine.as_ref().and_then(|engine| engine.prove_blob(blob, &binding));
                let _ = reply.send(proof);
            }
            Turn::Ask(Some(Ask::Offer { number, token, said, reply })) => {
                let _ = reply.send(self.offer(number, token, said).await);
            }
            Turn::Ask(Some(Ask::InviteDevice { whose, expires_ms, reply })) => {
                self.device.retain(|(_, reply)| !reply.is_closed());
                self.device.push_back((whose, reply));
                // One that is to end is not handed to anybody.
                let view = lock(&self.state).view.clone();
                let ends = match &view {
                    Some(view) => self.settled_endings(view).await,
                    None => Vec::new(),
                };
                let wanted = Input::Command(Command::InviteDevice { whose, expires_ms });
                if let Err(failure) = self.apply(ends.into_iter().chain([wanted]).collect()).await {
                    self.no_device_invite(&failure);
                }
            }
            Turn::Ask(Some(Ask::Command(command, asker, reply))) => {
                if let (Command::Invite { .. }, Some(face)) = (&command, asker)
                    && !self.invited.contains(&face)
                {
                    self.invited.push(face);
                }
                self.is_leaving |= matches!(command, Command::Leave | Command::LeaveAll);
                let is_early = self.engine.as_ref().is_some_and(|engine| engine.view().is_none());
                let done = if command == Command::INVITE && is_early {
                    self.wants_invite = true;
                    Ok(())
                } else {
                    self.asker = asker;
                    let done = self.apply(vec![Input::Command(command)]).await;
                    self.asker = None;
                    done
                };
                // Whoever asked may be gone.
                let _ = reply.send(done);
            }
            Turn::Ask(Some(Ask::Stop) | None) => return None,
            Turn::Frames(Ok(frames)) => self.frames(frames).await,
            Turn::Frames(Err(_)) => self.hang_up(true).await,
            Turn::Link => {
                let is_up = matches!(&*self.link.borrow_and_update(), LinkState::Up(..));
                if !is_up || self.stream.is_some() {
                    // Gone, or there is a better one.
                    self.hang_up(false).await;
                }
                if is_up {
                    // What failed was another connection's, and whoever dials has waited enough.
                    self.backoff.reset();
                    self.not_before = Instant::now();
                }
            }
            Turn::Wake => {
                if self.wake_at.is_some_and(|at| at <= now_ms()) {
                    self.wake_at = None;
                    let _ = self.apply(vec![Input::Tick]).await;
                }
                if self.expires_at.is_some_and(|at| at <= now_ms()) {
                    self.expire().await;
                }
            }
        }
        Some(())
    }

    /// The sacred order: think, store, send, show; then the same for what follows from it, whose failure is nobody's who asked.
    async fn apply(&mut self, inputs: Vec<Input>) -> Result<(), Reason> {
        let done = self.apply_all(inputs).await;
        while !self.follow_ups.is_empty() && !self.is_over {
            let follow_ups = std::mem::take(&mut self.follow_ups);
            self.is_following = true;
            // What cannot be stored is told there.
            let _ = self.apply_all(follow_ups).await;
            self.is_following = false;
        }
        done
    }

    async fn apply_all(&mut self, inputs: Vec<Input>) -> Result<(), Reason> {
        let mut inputs = Inputs::from(inputs);
        while !inputs.is_empty() && !self.is_over {
            self.apply_some(&mut inputs).await?;
        }
        Ok(())
    }

    /// The same for the first of these, in one transaction: as many as are thought about within [`THINK`], and one at
    /// least. What was not thought about stays in `inputs`; nothing does after a failure.
    async fn apply_some(&mut self, inputs: &mut Inputs) -> Result<(), Reason> {
        let Some(engine) = &mut self.engine else {
            inputs.clear();
            return Err(self.not_loaded());
        };
        let until = Instant::now() + THINK;
        let mut step = Step::default();
        let now = now_ms();
        let fingerprint = own_account(&self.profile, engine);
        let me = Person { name: engine.name().to_owned(), fingerprint };
        let was = self.profile.identity.change().map(KeyChange::old).filter(|was| *was != fingerprint);
        let mut look = Look {
            room: self.record.id,
            people: &self.people,
            me,
            was,
            now_as: self.profile.identity.fingerprint(),
            now,
            met: Vec::new(),
            namesakes: Vec::new(),
            replaced: Vec::new(),
        };
        while let Some(input) = inputs.next(engine) {
            let entry = delivered(&input);
            let mut output = engine.step(input, now);
            if self.is_following {
                output.events.retain(|event| !is_so_already(event));
            }
            output.events = output.events.into_iter().fold(Vec::new(), |mut events, event| {
                let alarms = self.guard.look(&mut look, &event);
                events.extend(Some(event).filter(|event| !self.guard.is_told(&look, event)));
                events.extend(alarms);
                events
            });
            output.events.extend(self.guard.rest());
            if let Some(device) = own_device(&output.events, &fingerprint) {
                let view = engine.view();
                let mut members = view.iter().flat_map(|view| &view.members);
                let came = Came {
                    seq: entry.map(|(seq, _)| seq).unwrap_or_default(),
                    invite: members.find(|one| one.device.id == device.id).and_then(|one| one.invite),
                    count: own_leaves(view.as_ref(), &fingerprint),
                    is_among: view.as_ref().is_some_and(|view| view.own_devices),
                };
                let room = self.record.id;
                let is_news = self.vault.run(move |store| store.own_device_came(room, came)).await;
                // Where that cannot be kept it is told, perhaps for each room.
                if is_news.unwrap_or(true) {
                    let device = device.name;
                    output.events.push(engine::Event::Alarm(engine::Alarm::OwnDeviceLinked { device }));
                }
            }
            output.events.extend(self.guard.still_here(&look));
            if let Some(device) = self.unclaimed.take() {
                output.events.push(engine::Event::Alarm(engine::Alarm::OwnDeviceLinked { device }));
            }
            let (seq, at) = entry.map(|(seq, at)| (engine.told_as(seq), at)).unzip();
            let place = LogPosition { seq, at: at.unwrap_or(now), disappear_s: engine.disappear_s() };
            step.add(output, place, now);
            if step.reopen {
                // What follows belongs to the stream that ends here.
                inputs.clear();
            }
            if Instant::now() >= until {
                break;
            }
        }
        // Once for all of them: a snapshot of the group costs as much as many messages.
        step.batch.changes.extend(engine.changes());
        // Unless it was refused.
        let is_queued = step.events.iter().any(|event| matches!(event, engine::Event::Queued { .. }));
        step.batch.offered = self.offering.take_if(|_| is_queued);
        for happening in &step.batch.happenings {
            self.expires_at = self.expires_at.into_iter().chain(happening.expires).min();
        }
        let newest = engine.told_as(engine.cursor());
        let namesakes = look.namesakes;
        step.batch.replacements = look.replaced;
        let has_learnt = !step.batch.replacements.is_empty();
        step.batch.meetings = look.met.into_iter().map(|(_, met)| met).collect();
        let Step { batch, frames, events, reopen, wake_at } = step;
        self.wake_at = wake_at.into_iter().chain(self.guard.next()).min();
        debug!(
            changes = batch.changes.len(),
            lines = batch.entries.len(),
            frames = frames.len(),
            events = events.len(),
            reopen,
            "step"
        );
        let (mut done, mut of_devices, mut told) = (Committed::default(), Vec::new(), Vec::new());
        if !batch.is_empty() || !self.is_stored {
            let (room, record) = (self.record.id, (!self.is_stored).then(|| self.record.clone()));
            let is_new = record.is_some();
            let ours = Ours::of(&self.record, (&events, engine), &self.held);
            let behind = Behind::of(&events, !batch.entries.is_empty());
            let saved = self.vault.run(move |store| {
                if is_new {
                    // Left over from an earlier membership.
                    store.reset_room(room)?;
                }
                // Before the place in the log is: what was taken is taken again, and what was not would be lost.
                let taken = ours.store(store, room, now)?;
                let done = store.commit(room, record.as_ref(), &batch)?;
                // It stays as it was where that cannot be written, and is looked at again with the next line or view.
                let (read, told) = behind.store(store, room);
                Ok((done, taken.into_iter().chain(read).collect::<Vec<_>>(), told))
            });
            (done, of_devices, told) = match saved.await {
                Ok(done) => done,
                Err(error) => return Err(self.storing_failed(error).await),
            };
            self.is_stored = true;
        }
        self.has_taken(newest);
        if has_learnt {
            // That account may be in other rooms.
            self.here.notify_one();
        }
        self.send(&frames).await;
        let mut notice = done.first_notice;
        for event in events {
            self.publish(event, &mut notice).await;
        }
        if !of_devices.is_empty() {
            // Without anybody who takes it, it is a command that ends in a moment.
            let _ = self.devices.send(of_devices).await;
        }
        for namesake in namesakes {
            self.show(RoomEvent::Namesake(namesake)).await;
        }
        if done.lines.iter().any(|(_, line)| line.message.mine && line.deleted) {
            self.drops.notify_one();
        }
        for (act, line) in done.lines {
            self.show(RoomEvent::Changed { act, line }).await;
        }
        for (ordinal, notice) in (notice..).zip(done.refused) {
            self.show(RoomEvent::Notice { ordinal, notice, again: false }).await;
        }
        for StoredNotice { ordinal, notice, .. } in told {
            self.show(RoomEvent::Notice { ordinal, notice, again: false }).await;
        }
        if reopen && !self.is_over {
            self.drop_stream(false);
            self.not_before = Instant::now();
            self.follow_ups.push(Input::Disconnected);
        }
        if self.wants_invite && self.engine.as_ref().is_some_and(|engine| engine.view().is_some()) {
            self.wants_invite = false;
            self.follow_ups.push(Input::Command(Command::INVITE));
        }
        Ok(())
    }

    /// Says that a file is there; what is under way of it is forgotten in the same transaction.
    async fn offer(&mut self, number: i64, token: String, said: MessageBody) -> Result<(), Reason> {
        self.offering = Some(number);
        let done = self.apply(vec![Input::Command(Command::Say { token, body: said })]).await;
        match self.offering.take() {
            None => done,
            Some(_) => done.and(Err(RoomReason::OutboxFull.into())),
        }
    }

    /// The profile has stored it: the room's next commit shows it.
    async fn take_account(&mut self, account: Arc<Identity>) {
        if self.profile.identity.fingerprint() == account.fingerprint() {
            return;
        }
        self.profile.identity = account.clone();
        if let Some(engine) = &mut self.engine {
            engine.take_account(account);
            let _ = self.apply(vec![Input::Tick]).await;
        }
    }

    fn may_try(&self) -> bool {
        Instant::now() >= self.not_before
    }

    fn next_wake(&self) -> Option<Instant> {
        let at = self.wake_at.into_iter().chain(self.expires_at).min();
        let engine = at.map(|at| Instant::now() + Duration::from_millis(at.saturating_sub(now_ms())));
        let is_up = matches!(&*self.link.borrow(), LinkState::Up(..));
        let waits = self.engine.is_none() || (self.stream.is_none() && is_up);
        let retry = waits.then_some(self.not_before);
        engine.into_iter().chain(retry).min()
    }
}

/// Who we are in a room. It differs from who the profile says while the room has not taken another key for the account.
fn own_account(profile: &engine::Profile, engine: &Engine) -> Fingerprint {
    match profile.identity.change() {
        Some(_) => engine.account(),
        None => profile.identity.fingerprint(),
    }
}

/// The device that came to ours, if one did.
fn own_device(events: &[engine::Event], me: &Fingerprint) -> Option<engine::Device> {
    events.iter().find_map(|event| match event {
        engine::Event::DeviceJoined { who, device, .. } if who.fingerprint == *me => Some(device.clone()),
        _ => None,
    })
}

/// What was to go is gone. Nobody typed that it is to go.
fn is_so_already(event: &engine::Event) -> bool {
    matches!(event, engine::Event::Problem(Problem::NoSuchMember { .. } | Problem::NoSuchInvite))
}

/// How many devices of ours are in a room.
pub(super) fn own_leaves(view: Option<&engine::GroupView>, me: &Fingerprint) -> usize {
    let members = view.into_iter().flat_map(|view| &view.members);
    members.filter(|member| member.person.fingerprint == *me).count()
}

/// The alarms among these notices that are of this room.
fn unseen(notices: &[StoredNotice], label: &str) -> Vec<RoomLogItem> {
    let mine = notices.iter().filter(|notice| notice.room == label);
    mine.filter_map(|notice| RoomLogItem::of_notice(notice.notice.clone())).collect()
}

/// Number and time of the entry that an input is, if it is one.
fn delivered(input: &Input) -> Option<(u64, Millis)> {
    match input {
        Input::Frame(RelayFrame { frame: Some(relay_frame::Frame::Deliver(entry)) }) => {
            Some((entry.seq, entry.at_ms))
        }
        _ => None,
    }
}
