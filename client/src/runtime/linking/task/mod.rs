//! A linking room in use: its engine, its stream, and the order in which things happen, which is the one of all rooms. Think,
//! store, send, show.

mod becoming;
mod carrying;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use proto::relay::ClientFrame;
use shared::{
    linking::Role,
    room::{Engine, Event as EngineEvent, Input, Profile},
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until, timeout},
};
use tracing::debug;

use self::carrying::Carried;
use super::{
    Answer, gather,
    record::{Record, Step},
    steps::Do,
};
use crate::{
    reason::{LinkReason, Reason},
    runtime::{
        Event, LinkEnd, LinkNews, Local,
        backoff::Backoff,
        link::{LinkState, RelayConnection},
        lock, now_ms,
        room::drive,
    },
    store::{KnownRelay, StoreError},
    transport::RoomStream,
};

/// A relay that lets no further stream be opened within this time, in seconds, is as good as gone.
const OPEN_S: u64 = 10;

/// What others ask of a linking.
pub(in crate::runtime) enum Ask {
    /// A person has compared, or had enough.
    Answer(Answer, oneshot::Sender<Result<(), Reason>>),
    /// Say again how it stands.
    Again,
    /// Whether all is done but the goodbye.
    IsDone(oneshot::Sender<bool>),
    /// End; it goes on at the next start.
    Stop,
}

/// What a linking begins with.
pub(super) struct Begun {
    pub(super) record: Record,
    pub(super) engine: Engine,
    pub(super) profile: Profile,
    /// Nothing of it is stored yet.
    pub(super) is_new: bool,
}

pub(super) struct Task {
    local: Local,
    asks: mpsc::Receiver<Ask>,
    record: Record,
    engine: Engine,
    profile: Profile,
    /// What this device calls itself.
    device: String,
    is_new: bool,
    is_over: bool,
    /// The program ends as soon as this does.
    stops: bool,
    _relay: Arc<RelayConnection>,
    link: watch::Receiver<LinkState>,
    stream: Option<RoomStream>,
    backoff: Backoff,
    not_before: Instant,
    wake_at: Option<u64>,
    gathered: Option<mpsc::Receiver<gather::Gathered>>,
    /// What is handed over, while its past is on the way to the relay.
    whole: Option<Box<gather::Whole>>,
    /// The past, on its way to the relay or from there.
    carried: Option<mpsc::Receiver<Carried>>,
    last: Option<LinkNews>,
}

impl Task {
    /// None: its relay makes no sense.
    pub(super) fn new(local: &Local, begun: Begun, asks: mpsc::Receiver<Ask>) -> Option<Self> {
        let Begun { record, engine, profile, is_new } = begun;
        let (address, pin) = record.relay()?;
        let relay = local.0.link(address, pin);
        let device = lock(&local.0.profile).engine.device_name.clone();
        Some(Self {
            local: local.clone(),
            asks,
            device,
            record,
            engine,
            profile,
            is_new,
            is_over: false,
            stops: false,
            link: relay.state.clone(),
            _relay: relay,
            stream: None,
            backoff: Backoff::default(),
            not_before: Instant::now(),
            wake_at: None,
            gathered: None,
            whole: None,
            carried: None,
            last: None,
        })
    }

    pub(super) async fn run(mut self) {
        if self.apply(vec![Input::Tick]).await.is_err() {
            return;
        }
        self.again().await;
        if self.record.step == Step::Confirmed {
            self.gather();
        }
        while !self.is_over {
            if self.stream.is_none() && Instant::now() >= self.not_before {
                self.connect().await;
            }
            self.carry().await;
            let is_left = self.stops && self.stream.is_none();
            if self.is_over || is_left || self.turn().await.is_none() {
                break;
            }
        }
        if let Some(stream) = self.stream.take() {
            let _ = timeout(Duration::from_secs(1), stream.finish()).await;
        }
    }

    /// Waits for one thing and does it. None: stop.
    async fn turn(&mut self) -> Option<()> {
        let wake = self.next_wake();
        let link_lives = self.link.has_changed().is_ok();
        tokio::select! {
            ask = self.asks.recv() => match ask {
                Some(Ask::Answer(answer, reply)) => {
                    let done = self.answer(answer).await;
                    // Whoever asked may be gone.
                    let _ = reply.send(done);
                }
                Some(Ask::Again) => self.again().await,
                Some(Ask::IsDone(reply)) => drop(reply.send(self.record.step == Step::Done)),
                // A goodbye takes a moment, and nothing is left of the linking then.
                Some(Ask::Stop) if self.record.step == Step::Done && self.stream.is_some() => self.stops = true,
                Some(Ask::Stop) | None => return None,
            },
            frames = drive(&mut self.stream) => match frames {
                Ok(frames) => drop(self.apply(frames.into_iter().map(Input::Frame).collect()).await),
                Err(_) => self.hang_up(true).await,
            },
            _ = self.link.changed(), if link_lives => {
                let is_up = matches!(&*self.link.borrow_and_update(), LinkState::Up(..));
                if !is_up || self.stream.is_some() {
                    self.hang_up(false).await;
                }
                self.not_before = Instant::now();
            }
            gathered = next(&mut self.gathered) => self.gathered(gathered).await,
            carried = next(&mut self.carried) => self.carried(carried).await,
            () = sleep_until(wake) => self.wake().await,
        }
        Some(())
    }

    fn next_wake(&self) -> Instant {
        let now = now_ms();
        let at = self.wake_at.into_iter().fold(self.record.ends_ms, u64::min);
        let due = Instant::now() + Duration::from_millis(at.saturating_sub(now));
        let is_up = matches!(&*self.link.borrow(), LinkState::Up(..));
        if self.stream.is_none() && is_up { due.min(self.not_before) } else { due }
    }

    async fn wake(&mut self) {
        let now = now_ms();
        if now >= self.record.ends_ms {
            let todo = self.record.late(&self.engine, now);
            return drop(self.apply_and(Vec::new(), todo).await);
        }
        if self.wake_at.is_some_and(|at| at <= now) {
            self.wake_at = None;
            let _ = self.apply(vec![Input::Tick]).await;
        }
    }

    async fn connect(&mut self) {
        let state = self.link.borrow_and_update().clone();
        let LinkState::Up(connection, _) = state else { return };
        let opened = timeout(Duration::from_secs(OPEN_S), RoomStream::open(&connection)).await;
        let Ok(Ok(stream)) = opened else { return self.pause() };
        let Some((address, pin)) = self.record.relay() else { return self.pause() };
        let asked = self.local.0.vault.run(move |store| {
            let known = store.known_relay(&address)?.and_then(KnownRelay::pin);
            Ok((store.token(&address)?, pin.or(known)))
        });
        let Ok((token, pin)) = asked.await else { return self.pause() };
        let binding = stream.binding();
        self.stream = Some(stream);
        let pin = pin.map(|pin| *pin.as_bytes());
        let _ = self.apply(vec![Input::Connected { binding, token, pin }]).await;
    }

    fn pause(&mut self) {
        self.not_before = Instant::now() + self.backoff.next(&self.profile.random);
    }

    async fn hang_up(&mut self, pause: bool) {
        if let Some(stream) = self.stream.take() {
            tokio::spawn(timeout(Duration::from_secs(1), stream.finish()));
        }
        if pause {
            self.pause();
        }
        let _ = self.apply(vec![Input::Disconnected]).await;
    }

    async fn apply(&mut self, inputs: Vec<Input>) -> Result<(), StoreError> {
        self.apply_and(inputs, Vec::new()).await
    }

    /// Takes inputs, does what follows from them and what else is to be done, and stores all of it before anything is sent.
    async fn apply_and(&mut self, inputs: Vec<Input>, todo: Vec<Do>) -> Result<(), StoreError> {
        let (mut inputs, mut todo) = (VecDeque::from(inputs), VecDeque::from(todo));
        let (mut frames, mut shown, mut reopen): (Vec<ClientFrame>, Vec<LinkNews>, bool) = Default::default();
        let (mut forget, mut gather, mut become_one) = (false, false, false);
        loop {
            let input = match todo.pop_front() {
                Some(Do::Tell(command)) => Input::Command(command),
                Some(Do::Show(news)) => {
                    shown.push(news);
                    continue;
                }
                Some(Do::Gather) => {
                    gather = true;
                    continue;
                }
                Some(Do::Become) => {
                    become_one = true;
                    continue;
                }
                Some(Do::Forget) => {
                    forget = true;
                    continue;
                }
                None => match inputs.pop_front() {
                    Some(input) => input,
                    None => break,
                },
            };
            let now = now_ms();
            let output = self.engine.step(input, now);
            self.wake_at = output.wake_at;
            frames.extend(output.frames);
            for event in output.events {
                if let EngineEvent::Invite { link, expires_ms, .. } = event {
                    todo.extend(self.code(link, expires_ms).map(Do::Show));
                    continue;
                }
                todo.extend(self.record.happened(event, &self.engine, now));
            }
            todo.extend(self.record.look(&self.engine, &self.device, &self.profile.random, now));
            if output.reopen {
                reopen = true;
                inputs.retain(|input| !matches!(input, Input::Frame(_)));
            }
        }
        if become_one {
            return self.become_device(shown).await;
        }
        self.store(forget).await?;
        self.send(&frames);
        for news in shown {
            self.show(news).await;
        }
        if forget {
            self.is_over = true;
            return Ok(());
        }
        if gather {
            self.gather();
        }
        if reopen {
            if let Some(stream) = self.stream.take() {
                tokio::spawn(timeout(Duration::from_secs(1), stream.finish()));
            }
            self.not_before = Instant::now();
            return Box::pin(self.apply(vec![Input::Disconnected])).await;
        }
        Ok(())
    }

    async fn store(&mut self, forget: bool) -> Result<(), StoreError> {
        let (kept, endings) = (self.record.kept(), self.record.endings());
        let (changes, record, room) = (self.engine.changes(), self.record.write(), self.record.room());
        debug!(changes = changes.len(), forget, "linking step");
        let is_first = std::mem::take(&mut self.is_new);
        let is_new = self.record.role == Role::New;
        let is_ending = self.record.step == Step::Ending;
        let (those, posted) = (endings.clone(), kept.clone());
        let saved = self.local.0.vault.run(move |store| {
            if is_ending {
                // First: where the program ends between the two, the linking ends once more.
                store.await_no_device()?;
            }
            match forget {
                true => store.end_linking(room, &those),
                false => store.commit_linking(room, (&changes, &record), (is_first, is_new), (&kept, &those)),
            }
        });
        let Err(error) = saved.await else {
            lock(&self.local.0.held).retain(|id| !posted.iter().any(|(_, kept)| kept == id));
            self.local.end_invites(endings);
            return Ok(());
        };
        // Nothing of the step happened. What was stored before goes on at the next start.
        self.is_over = true;
        let is_handed = self.record.is_handed;
        self.show(LinkNews::Ended { end: LinkEnd::Failed(error.clone().into()), is_handed }).await;
        Err(error)
    }

    fn send(&mut self, frames: &[ClientFrame]) {
        let Some(stream) = &mut self.stream else { return };
        if frames.iter().any(|frame| stream.queue(frame).is_err()) {
            self.stream = None;
            self.pause();
        }
    }

    async fn show(&mut self, news: LinkNews) {
        let news = self.local.show_link(news).await;
        self.last = Some(news);
    }

    /// Says again how it stands.
    async fn again(&mut self) {
        let asked = self.record.role == Role::Old;
        let news = match (self.record.step.clone(), &self.record.agreed) {
            (Step::Agreed, Some(agreed)) => {
                Some(LinkNews::Compare { agreed: agreed.clone(), is_asked: asked })
            }
            (Step::Posted, _) if self.record.unsent == 0 => Some(self.record.posted()),
            _ => self.last.clone(),
        };
        if let Some(news) = news {
            self.show(news).await;
        }
    }

    fn code(&self, link: shared::invite::link::Link, expires_ms: u64) -> Option<LinkNews> {
        let (address, _) = self.record.relay()?;
        let code = link.to_code();
        let link = shared::invite::link::InviteLink { host: address.host, port: address.port, link };
        Some(LinkNews::Code { link, code, expires_ms, is_new: self.record.role == Role::New })
    }

    async fn answer(&mut self, answer: Answer) -> Result<(), Reason> {
        let now = now_ms();
        let agreed = self.record.agreed.clone().filter(|_| self.record.step == Step::Agreed);
        let is_asked = self.record.role == Role::Old;
        let todo = match (answer, agreed) {
            (Answer::Cancel, _) if matches!(self.record.step, Step::Received | Step::Done) => {
                return Err(LinkReason::Taken.into());
            }
            (Answer::Cancel, _) => self.record.end(LinkEnd::GivenUp, &self.engine, now),
            (Answer::Refuse, Some(_)) if is_asked => self.record.end(LinkEnd::Refused, &self.engine, now),
            (Answer::Confirm { digits, .. }, Some(agreed))
                if is_asked && !agreed.phrase.has_digits(&digits) =>
            {
                self.record.end(LinkEnd::OtherDigits, &self.engine, now)
            }
            (Answer::Confirm { past, .. }, Some(_)) if is_asked => self.record.confirm(past, now),
            _ if is_asked && matches!(self.record.step, Step::Open | Step::Shaking) => {
                return Err(LinkReason::NotYet.into());
            }
            _ => return Err(LinkReason::NotAsked.into()),
        };
        Ok(self.apply_and(Vec::new(), todo).await?)
    }
}

/// What comes next; never where nothing is on its way. None: nothing more comes.
async fn next<T>(from: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    match from {
        Some(receiver) => receiver.recv().await,
        None => std::future::pending().await,
    }
}

/// Where events of a linking go.
impl Local {
    pub(super) async fn show_link(&self, news: LinkNews) -> LinkNews {
        self.0.outlet.send(Event::Linking(Box::new(news.clone()))).await;
        news
    }
}
