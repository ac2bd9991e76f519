//! Many random lives of a room. With an honest relay every life ends in agreement, whatever connections
//! are lost and whenever processes die; with a cheating one it ends in agreement or in an alarm. In some lives of an
//! honest relay a member makes commits that only some can open, or none, while another sleeps: whoever is put out is
//! told, and all are together again in the end.
//!
//! `SCHAT_SEEDS` sets how many lives (4,000 unless told otherwise); `SCHAT_SEED` runs just one.

use std::{
    env,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use proto::relay::{Deliver, RelayFrame, relay_frame::Frame};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

use super::{
    hostile::{ANN, BOB, EVE, nothing},
    model::ModelRelay,
    world::{START, World},
};
use crate::{
    crypto::random::Random,
    crypto::suite::{Suite, spoil::spoiling},
    room::{Alteration, Command, Event, Input, Problem, Said},
};

/// Lives in one run of the tests.
const SEEDS: u64 = 4_000;

/// Steps of a life before everybody comes back online.
const STEPS: u32 = 40;

/// One in so many steps is a crash or a lost connection.
const TROUBLE: u64 = 8;

/// Who sleeps in lives with a spoiler; the spoiler is Eve.
const DAN: usize = 3;

#[test]
fn every_life_of_a_room_converges_or_alarms() {
    let number = |name: &str| env::var(name).ok().and_then(|value| value.parse().ok());
    if let Some(seed) = number("SCHAT_SEED") {
        return live(seed, &Start::new());
    }
    let (seeds, next, start) = (number("SCHAT_SEEDS").unwrap_or(SEEDS), AtomicU64::new(0), Start::new());
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    let printed = PrintOnPanic(seed);
                    live(seed, &start);
                    drop(printed);
                }
            });
        }
    });
}

struct PrintOnPanic(u64);

impl Drop for PrintOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the failing life: SCHAT_SEED={}", self.0);
        }
    }
}

fn is_loud(event: &Event) -> bool {
    matches!(event, Event::Alarm(_) | Event::Closed { .. })
        || matches!(event, Event::Problem(problem) if *problem != Problem::NotJoined)
}

fn brief(input: &Input) -> String {
    match input {
        Input::Frame(RelayFrame { frame: Some(Frame::Deliver(entry)) }) => {
            format!("entry {}{}", entry.seq, if entry.is_commit { " commit" } else { "" })
        }
        Input::Frame(RelayFrame { frame: Some(Frame::Joined(joined)) }) => {
            format!("joined, head {}", joined.head)
        }
        Input::Frame(RelayFrame { frame }) => format!("{frame:?}"),
        other => format!("{other:?}"),
    }
}

/// Rooms of three and of four, settled: each life begins with a copy.
struct Start([(ModelRelay, Vec<super::world::Rows>); 2]);

const NAMES: [&str; 4] = ["ann", "bob", "eve", "dan"];

impl Start {
    fn new() -> Self {
        Self([3, 4].map(|people| {
            let mut world = World::room_of(&NAMES[..people], Suite::Classic, 1);
            (0..people).for_each(|i| world.crash(i));
            (world.relay, world.devices.into_iter().map(|device| device.rows).collect())
        }))
    }
}

struct Life {
    world: World,
    rng: ChaCha20Rng,
    /// What was said and stored, so must arrive once.
    said: Vec<String>,
    cheats: bool,
    /// Eve spoils commits, and Dan sleeps until that step.
    spoils: Option<u32>,
}

fn live(seed: u64, start: &Start) {
    let spoils = seed % 4 == 1;
    let (relay, rows) = &start.0[usize::from(spoils)];
    let mut world = World::new(&NAMES[..rows.len()], Suite::Classic, 1);
    world.relay = relay.clone();
    world.now = START + 60_000;
    for (i, rows) in rows.iter().enumerate() {
        world.devices[i].profile.random = Random::new(ChaCha20Rng::seed_from_u64(seed * 10 + i as u64));
        world.devices[i].rows.clone_from(rows);
        world.restart(i);
        world.connect(i);
    }
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let spoils = spoils.then(|| rng.next_u32() % STEPS);
    let mut life = Life { world, rng, said: Vec::new(), cheats: seed.is_multiple_of(2), spoils };
    if spoils.is_some() {
        life.world.disconnect(DAN);
    }
    for step in 0..STEPS {
        life.step(step);
    }
    life.finish();
}

impl Life {
    fn below(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound
    }

    fn step(&mut self, step: u32) {
        let i = self.below(self.world.devices.len() as u64) as usize;
        if i == DAN && self.spoils.is_some_and(|until| step < until) {
            return;
        }
        match self.below(12) {
            0 if self.below(4) == 0 => {
                let change = Alteration::Edit(format!("{i}:{step}"));
                let told = format!("{change:?}");
                let said = Said::Act { target: [7; 16], change };
                self.act(i, Input::Command(Command::Say { token: String::new(), said }), Some(told));
            }
            0 => {
                let text = format!("{i}:{step}");
                self.act(
                    i,
                    Input::Command(Command::Send { token: text.clone(), text: text.clone() }),
                    Some(text),
                );
            }
            1 if self.below(3) == 0 => self.act(i, Input::Command(Command::INVITE), None),
            1 => self.act(i, Input::Command(Command::Rename(format!("name {step}"))), None),
            2 if self.world.devices[i].online => self.world.disconnect(i),
            2 | 3 => self.online(i),
            4 if self.below(3) == 0 => {
                self.act(i, Input::Command(Command::Typing { stopped: step.is_multiple_of(2) }), None);
            }
            4 => {
                let most = if self.spoils.is_some() { 30_000 } else { 2_000 };
                self.world.now += self.below(most);
                self.act(i, Input::Tick, None);
            }
            5 if self.cheats => self.cheat(i),
            5 if self.spoils.is_some() => self.spoil(),
            _ => {
                for _ in 0..self.below(6) {
                    self.deliver(i);
                }
            }
        }
    }

    fn online(&mut self, i: usize) {
        if self.world.devices[i].engine.is_none() {
            self.world.restart(i);
        }
        if !self.world.devices[i].online {
            self.world.connect(i);
        }
    }

    fn deliver(&mut self, i: usize) {
        if !self.world.devices[i].online {
            return;
        }
        let frame = self.world.devices[i].inbox.pop_front().or_else(|| self.world.relay.next(i));
        if let Some(frame) = frame {
            self.act(i, Input::Frame(frame), None);
        }
    }

    /// One line of the story, when a single life is told.
    fn tell(&self, i: usize, what: &str) {
        if env::var_os("SCHAT_SEED").is_some() {
            let device = &self.world.devices[i];
            let engine = device.engine.as_ref().map(|e| (e.cursor(), e.view().map(|v| v.epoch)));
            eprintln!("device {i} {engine:?} log {}: {what}", self.world.relay.log.len());
        }
    }

    /// Handles one input, and now and then dies on the way.
    fn act(&mut self, i: usize, input: Input, text: Option<String>) {
        let Some(engine) = &mut self.world.devices[i].engine else { return };
        let told = brief(&input);
        let output = engine.handle(input, self.world.now);
        let loud: Vec<_> = output.events.iter().filter(|event| is_loud(event)).collect();
        self.tell(i, &format!("{told} -> {} frames, {loud:?}", output.frames.len()));
        let fate = self.below(TROUBLE * 4);
        if fate == 0 {
            return self.world.crash(i); // before anything was stored
        }
        let taken = !output.changes.is_empty();
        self.world.save(i, &output);
        self.said.extend(text.filter(|_| taken));
        if fate == 1 {
            return self.world.crash(i); // stored, not sent
        }
        self.world.send_and_show(i, output);
        if fate == 2 {
            self.world.crash(i); // sent, the answer is lost
        }
    }

    /// The relay lies to device `i` once.
    fn cheat(&mut self, i: usize) {
        let log = self.world.relay.log.clone();
        let pick = self.below(log.len() as u64) as usize;
        let mut entry: Deliver = log[pick].clone();
        match self.below(4) {
            0 => (),                               // an old entry again
            1 => entry.seq = log.len() as u64 + 1, // an old entry as if it were new
            2 => {
                entry.seq = self.world.devices[i].engine.as_ref().map_or(1, |engine| engine.cursor() + 1);
                let mut bytes = entry.envelope.to_vec();
                let at = self.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1;
                entry.envelope = bytes.into();
            }
            _ => {
                // Skips what comes next.
                drop(self.world.relay.next(i));
                return;
            }
        }
        if self.world.devices[i].online {
            self.act(i, Input::Frame(RelayFrame { frame: Some(Frame::Deliver(entry)) }), None);
        }
    }

    /// Eve commits fresh keys that only some can open, or none, and says nothing of it to her own program.
    fn spoil(&mut self) {
        let engine = self.world.devices[EVE].engine.as_ref();
        let newest = self.world.relay.last_commit;
        if engine.is_none_or(|engine| engine.meta.position != newest || engine.meta.out.is_some()) {
            return;
        }
        let subset = self.below(8);
        let places: Vec<usize> = (0..3).filter(|place| subset >> place & 1 == 1).collect();
        let mut eve = self.world.hostile(EVE);
        let (message, _) = spoiling(&places, || eve.commit(|b| b));
        let seq = self.world.inject_commit(EVE, message, nothing());
        self.tell(EVE, &format!("spoils {places:?} at {seq}"));
    }

    /// Whoever missed something was told, and all are together.
    fn finish_spoiled(&mut self) {
        for i in [ANN, BOB, DAN] {
            let story = self.world.story(i);
            let engine = self.world.devices[i].engine.as_ref().unwrap();
            assert!(engine.meta.out.is_none() && engine.view().is_some(), "device {i} is stranded: {story}");
            assert!(!self.world.closed(i), "device {i}: {story}");
            self.world.assert_ledger(i);
        }
        let mut longest = Vec::new();
        for i in 0..self.world.devices.len() {
            let mut texts: Vec<_> =
                self.world.devices[i].history.iter().map(|(_, text)| text.clone()).collect();
            texts.sort();
            let all = texts.len();
            texts.dedup();
            assert_eq!(texts.len(), all, "device {i} was shown something twice");
            let missed = self.said.iter().any(|said| !texts.contains(said));
            assert!(!missed || self.noticed(i), "device {i} missed something in silence");
            longest.extend(texts);
        }
        let lost: Vec<_> = self.said.iter().filter(|said| !longest.contains(said)).collect();
        assert!(lost.is_empty(), "nobody was shown {lost:?}");
        self.world.assert_talks(&[ANN, BOB, DAN]);
    }

    fn finish(&mut self) {
        for i in 0..self.world.devices.len() {
            self.online(i);
        }
        self.world.settle();
        if self.spoils.is_some() {
            return self.finish_spoiled();
        }
        // Whoever withholds the newest entries from an open stream looks like silence; a fresh stream
        // tells where the log ends.
        for i in (0..3).filter(|_| self.cheats) {
            self.world.connect(i);
        }
        self.world.settle();
        let suspicious = (0..3).any(|i| self.noticed(i));
        if self.cheats && suspicious {
            return;
        }
        assert!(
            !suspicious,
            "a false alarm: {:#?}",
            (0..3).map(|i| &self.world.devices[i].events).collect::<Vec<_>>()
        );
        let first = &self.world.devices[0].history;
        for i in 1..3 {
            assert_eq!(&self.world.devices[i].history, first, "device {i} has another history");
            assert_eq!(
                self.world.authenticator(i),
                self.world.authenticator(0),
                "device {i} is in another epoch"
            );
            if !self.cheats {
                self.world.assert_ledger(i);
            }
        }
        let mut arrived: Vec<_> = first.iter().map(|(_, text)| text.clone()).collect();
        arrived.sort();
        self.said.sort();
        assert_eq!(arrived, self.said, "each message arrives once");
    }

    fn noticed(&self, i: usize) -> bool {
        self.world.devices[i].alarmed || self.world.devices[i].events.iter().any(is_loud)
    }
}
