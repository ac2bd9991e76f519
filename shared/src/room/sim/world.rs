//! Devices and a model relay under simulated time. Nothing here reads a clock.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use proto::relay::{RelayFrame, relay_frame::Frame};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use zeroize::Zeroizing;

use super::model::ModelRelay;
use crate::{
    crypto::random::Random,
    crypto::suite::Suite,
    identity::{Identity, Next},
    invite::link::Link,
    room::{
        AlarmKind, Alteration, Command, Engine, Event, Input, MAX_OUTBOX, Message, MessageBody, MessageId,
        Output, Policy, Problem, Profile, Stream, state::Phase,
    },
};

/// The simulated clock starts here; any time will do.
pub(crate) const START: u64 = 1_700_000_000_000;

/// The pin of the model relay.
pub(crate) const PIN: [u8; 32] = [5; 32];

/// Most frames and events that one step may bring, and most bytes that it may store: a full outbox is told of at once,
/// and a group is stored whole.
const MAX_FRAMES: usize = 16;
const MAX_EVENTS: usize = 2 * MAX_OUTBOX;
const MAX_STORED: usize = 16 << 20;

/// What a device stored.
pub(crate) type Rows = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// One device: its engine, what it stored, what it showed.
pub(crate) struct Device {
    pub profile: Profile,
    pub engine: Option<Engine>,
    pub rows: Rows,
    pub inbox: VecDeque<RelayFrame>,
    pub online: bool,
    pub wake: Option<u64>,
    /// By how much its clock is ahead of the world's, in milliseconds.
    pub ahead: u64,
    pub events: Vec<Event>,
    /// Chat lines and what happened to them, as storage has them: by position, in the transaction that read them.
    pub history: Vec<(u64, String)>,
    /// An alarm was stored, in the transaction that found it.
    pub alarmed: bool,
    /// What was stored last of that is that this device is not in the room.
    pub says_it_is_out: bool,
}

pub(crate) struct World {
    pub relay: ModelRelay,
    pub devices: Vec<Device>,
    pub now: u64,
    /// What every device has to show to the relay when it opens a room.
    pub token: Option<proto::Token>,
    /// Calls of [`Engine::handle`].
    pub handled: u64,
}

impl World {
    pub(crate) fn new(names: &[&str], suite: Suite, seed: u64) -> Self {
        let device = |(index, name): (usize, &&str)| {
            let random = Random::new(ChaCha20Rng::seed_from_u64(seed * 1_000 + index as u64));
            let identity = Arc::new(Identity::generate(&random, Next::NONE));
            let profile = Profile {
                identity,
                name: (*name).to_owned(),
                status: String::new(),
                glyph: String::new(),
                device_name: "test".to_owned(),
                random,
                suite,
            };
            Device {
                profile,
                engine: None,
                rows: BTreeMap::new(),
                inbox: VecDeque::new(),
                online: false,
                wake: None,
                ahead: 0,
                events: Vec::new(),
                history: Vec::new(),
                alarmed: false,
                says_it_is_out: false,
            }
        };
        let relay = ModelRelay { now: START, ..ModelRelay::default() };
        let devices = names.iter().enumerate().map(device).collect();
        Self { relay, devices, now: START, token: None, handled: 0 }
    }

    /// A private room by device 0, joined by all others, everybody online and settled.
    pub(crate) fn room_of(names: &[&str], suite: Suite, seed: u64) -> Self {
        let mut world = Self::new(names, suite, seed);
        world.create(0);
        for joiner in 1..names.len() {
            let link = world.invite(0);
            world.join(joiner, &link);
        }
        world
    }

    pub(crate) fn create(&mut self, i: usize) {
        self.create_with(i, Policy::default());
    }

    pub(crate) fn create_with(&mut self, i: usize, policy: Policy) {
        let engine = Engine::create(&self.devices[i].profile, "team", policy, self.clock(i)).unwrap();
        self.devices[i].engine = Some(engine);
        self.connect(i);
        self.settle();
    }

    pub(crate) fn join(&mut self, i: usize, link: &Link) {
        let now = self.clock(i);
        self.devices[i].engine = Some(Engine::join(&self.devices[i].profile, link, now).unwrap());
        self.connect(i);
        self.settle();
    }

    /// What the clock of device `i` says.
    pub(crate) fn clock(&self, i: usize) -> u64 {
        self.now + self.devices[i].ahead
    }

    pub(crate) fn invite(&mut self, i: usize) -> Link {
        self.command(i, Command::INVITE);
        self.settle();
        let links = self.devices[i].events.iter().rev();
        links
            .filter_map(|event| match event {
                Event::Invite { link, .. } => Some(link.clone()),
                _ => None,
            })
            .next()
            .expect("an invite")
    }

    pub(crate) fn say(&mut self, i: usize, text: &str) {
        self.command(i, Command::Send { token: text.to_owned(), text: text.to_owned() });
    }

    pub(crate) fn act(&mut self, i: usize, target: MessageId, change: Alteration) {
        self.command(i, Command::Say { token: String::new(), body: MessageBody::Act { target, change } });
    }

    /// The last chat line that device `i` was shown.
    pub(crate) fn last(&self, i: usize) -> Message {
        let messages = self.devices[i].events.iter().rev().filter_map(|event| match event {
            Event::Message(message) => Some(message.clone()),
            _ => None,
        });
        messages.into_iter().next().expect("a message")
    }

    pub(crate) fn command(&mut self, i: usize, command: Command) {
        self.input(i, Input::Command(command));
    }

    pub(crate) fn connect(&mut self, i: usize) {
        self.devices[i].inbox.clear();
        self.devices[i].online = true;
        self.relay.ended.remove(&i);
        self.relay.streams.remove(&i);
        let (binding, token) = (ModelRelay::binding(i), self.token.clone());
        self.input(i, Input::Connected { binding, token, pin: Some(PIN) });
    }

    pub(crate) fn disconnect(&mut self, i: usize) {
        self.devices[i].online = false;
        self.devices[i].inbox.clear();
        self.relay.streams.remove(&i);
        self.input(i, Input::Disconnected);
    }

    pub(crate) fn input(&mut self, i: usize, input: Input) {
        let Some(output) = self.handle(i, input) else { return };
        self.save(i, &output);
        self.send_and_show(i, output);
    }

    /// What device `i` answers, neither stored nor sent yet.
    pub(crate) fn handle(&mut self, i: usize, input: Input) -> Option<Output> {
        let now = self.clock(i);
        let engine = self.devices[i].engine.as_mut()?;
        self.handled += 1;
        Some(engine.handle(input, now))
    }

    /// The process ends here and now: what was not saved is gone.
    pub(crate) fn crash(&mut self, i: usize) {
        self.devices[i].engine = None;
        self.devices[i].online = false;
        self.devices[i].inbox.clear();
        self.relay.streams.remove(&i);
    }

    pub(crate) fn restart(&mut self, i: usize) {
        let now = self.clock(i);
        let device = &mut self.devices[i];
        let rows = device.rows.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let engine = Engine::load(&device.profile, rows, now).unwrap();
        // Whoever starts a program that is out has to be told by this one.
        device.says_it_is_out &= engine.back.out.is_none();
        device.engine = Some(engine);
    }

    /// The profile of device `i` is an old copy of itself from now on.
    pub(crate) fn put_back(&mut self, i: usize, rows: Rows) {
        self.crash(i);
        self.devices[i].rows = rows;
        self.restart(i);
    }

    pub(crate) fn save(&mut self, i: usize, output: &Output) {
        let values = output.changes.iter().filter_map(|change| change.value.as_ref());
        let stored: usize = values.map(|row| row.len()).sum();
        assert!(output.frames.len() <= MAX_FRAMES && output.events.len() <= MAX_EVENTS, "an endless output");
        assert!(stored <= MAX_STORED, "{stored} bytes are stored in one step");
        for event in &output.events {
            match event {
                Event::Message(message) => self.devices[i].history.push((message.seq, message.text.clone())),
                Event::Act(act) => self.devices[i].history.push((act.seq, format!("{:?}", act.change))),
                _ => (),
            }
            self.devices[i].says_it_is_out = match event {
                Event::Closed { .. } | Event::Problem(Problem::Out(_) | Problem::RelayRestored) => true,
                Event::Problem(Problem::Back { .. }) => false,
                Event::Joined(_) => {
                    let engine = self.devices[i].engine.as_ref();
                    self.devices[i].says_it_is_out && engine.is_some_and(|engine| engine.back.out.is_some())
                }
                _ => self.devices[i].says_it_is_out,
            };
            self.devices[i].alarmed |= match event {
                Event::Problem(problem) => *problem != Problem::NotJoined,
                event => matches!(event, Event::Alarm(_)),
            };
        }
        for change in &output.changes {
            match &change.value {
                Some(value) => self.devices[i].rows.insert(change.key.clone(), value.clone()),
                None => self.devices[i].rows.remove(&change.key),
            };
        }
    }

    pub(crate) fn send_and_show(&mut self, i: usize, output: Output) {
        self.devices[i].wake = output.wake_at.map(|at| at.saturating_sub(self.devices[i].ahead));
        let online = self.devices[i].online;
        for frame in output.frames.into_iter().filter(|_| online) {
            self.relay.now = self.now;
            let answers = self.relay.handle(i, frame);
            self.devices[i].inbox.extend(answers);
        }
        for (from, signal) in std::mem::take(&mut self.relay.signals) {
            let frame = RelayFrame { frame: Some(Frame::Ephemeral(signal)) };
            for (_, device) in
                self.devices.iter_mut().enumerate().filter(|(to, device)| *to != from && device.online)
            {
                device.inbox.push_back(frame.clone());
            }
        }
        self.devices[i].events.extend(output.events);
        if output.reopen && self.devices[i].online {
            self.connect(i);
        }
    }

    /// Hands device `i` its next frame. False when there is none.
    pub(crate) fn deliver_one(&mut self, i: usize) -> bool {
        if !self.devices[i].online || self.devices[i].engine.is_none() {
            return false;
        }
        let answer = self.devices[i].inbox.pop_front();
        let Some(frame) = answer.or_else(|| self.relay.next(i)) else { return false };
        self.input(i, Input::Frame(frame));
        true
    }

    /// Runs until nothing is under way and nobody waits for a time within the hour.
    pub(crate) fn settle(&mut self) {
        self.run_until(|_| false);
    }

    /// Whether each is out, closed, or knows that the relay deceives it: then all ask to be let back in, and nobody
    /// answers.
    fn nobody_is_in(&self) -> bool {
        let engines = self.devices.iter().filter_map(|device| device.engine.as_ref());
        let is_out = |engine: &Engine| {
            let is_deceived = engine.link.no_commits || engine.link.ends_early;
            let is_closed = engine.phase() == Phase::Closed || engine.link.state != Stream::Live;
            engine.back.out.is_some() || is_deceived || is_closed
        };
        engines.into_iter().all(is_out)
    }

    /// As `settle`, or until something is so.
    pub(crate) fn run_until(&mut self, is_so: impl Fn(&Self) -> bool) -> bool {
        for _ in 0..8_000 {
            let mut is_busy = false;
            for i in 0..self.devices.len() {
                is_busy |= self.deliver_one(i);
                if is_so(self) {
                    return true;
                }
            }
            if is_busy {
                continue;
            }
            let next =
                self.devices.iter().filter(|device| device.online).filter_map(|device| device.wake).min();
            match next.filter(|at| *at < self.now + 3_600_000) {
                Some(at) => self.now = at.max(self.now),
                None => return false,
            }
            for i in 0..self.devices.len() {
                if self.devices[i].online && self.devices[i].wake.is_some_and(|at| at <= self.now) {
                    self.devices[i].wake = None;
                    self.input(i, Input::Tick);
                    if is_so(self) {
                        return true;
                    }
                }
            }
        }
        if self.nobody_is_in() {
            return false;
        }
        let last: Vec<_> =
            (0..self.devices.len()).map(|i| format!("device {i}: {}", self.story(i))).collect();
        let log: Vec<_> = self.relay.log.iter().rev().take(12).map(super::hostile::brief).collect();
        let engines = self.devices.iter().filter_map(|device| device.engine.as_ref());
        let state: Vec<_> = engines
            .map(|e| {
                let (meta, link) = (&e.meta, &e.link);
                let steps = (&e.books.offer, &e.books.joins, &e.books.untaken, &e.back.out);
                let waits = (
                    link.in_flight.is_some(),
                    link.commit_acked,
                    link.winner,
                    link.not_before,
                    link.commit_not_before,
                    link.ack_at,
                );
                format!(
                    "at {} cursor {} confirmed {} {steps:?} {waits:?} outbox {} pending {} wants {}",
                    e.books.position,
                    meta.cursor,
                    e.books.confirmed,
                    e.outbox.len(),
                    e.pending.is_some(),
                    e.has_intent()
                )
            })
            .collect();
        let refusals: Vec<_> = self.relay.refusals.iter().rev().take(5).collect();
        let wakes: Vec<_> = self.devices.iter().map(|device| device.wake).collect();
        let last: Vec<String> = last
            .iter()
            .map(|story| {
                story
                    .lines()
                    .take(4)
                    .map(|line| line.chars().take(160).collect::<String>())
                    .collect::<Vec<_>>()
                    .join("\n")
            })
            .collect();
        panic!(
            "the world does not settle at {}: {}\nlog {log:#?}\n{refusals:?}\nwakes {wakes:?}\n{state:#?}",
            self.now,
            last.join("\n")
        );
    }

    pub(crate) fn texts(&self, i: usize) -> Vec<String> {
        self.devices[i]
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Message(message) => Some(message.text.clone()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn alarms(&self, i: usize) -> Vec<AlarmKind> {
        self.devices[i]
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Alarm(alarm) => Some(alarm.kind()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn errors(&self, i: usize) -> Vec<&'static str> {
        self.devices[i]
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Problem(problem) => Some(problem.code()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn closed(&self, i: usize) -> bool {
        self.devices[i].events.iter().any(|event| matches!(event, Event::Closed { .. }))
    }

    pub(crate) fn authenticator(&self, i: usize) -> Vec<u8> {
        self.devices[i]
            .engine
            .as_ref()
            .and_then(Engine::view)
            .unwrap_or_else(|| panic!("device {i} is no member: {:#?}", self.devices[i].events))
            .authenticator
    }

    /// Every one of `members` is in the same epoch with the same members, and nothing is wrong.
    pub(crate) fn assert_agreed(&self, members: &[usize]) {
        let first = self.authenticator(members[0]);
        for i in members {
            assert_eq!(self.authenticator(*i), first, "device {i}");
            assert_eq!(self.alarms(*i), [], "device {i}: {:?}", self.devices[*i].events);
        }
    }
}
