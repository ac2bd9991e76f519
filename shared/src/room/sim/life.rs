//! One life of a room, told by bytes: who is hostile, then what happens step by step. In the end the relay is honest,
//! everybody comes, and `judge` says whether what must hold does.
//!
//! The first byte is the cast, the two after it the seed of all randomness; each four bytes after them are a step.
//! With `SCHAT_TELL` set a life tells its story.

use std::{env, sync::OnceLock};

use proto::relay::{RelayFrame, relay_frame::Frame};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::{
    cast::Cast,
    choices::{Choices, STEP},
    hostile::EVE,
    judge::is_loud,
    model::ModelRelay,
    world::{Rows, START, World},
};
use crate::{crypto::random::Random, crypto::suite::Suite, room::Input};

/// Steps of a life at most: the rest of the bytes tells nothing.
pub(crate) const MAX_STEPS: usize = 64;

/// Bytes before the first step.
pub(crate) const HEAD: usize = 3;

/// Who sleeps in a room of four until half of the steps are over.
pub(crate) const DAN: usize = 3;

/// Devices at most: newcomers join a room of three or four.
pub(super) const MOST: usize = 6;

/// One in so many steps is a crash.
const TROUBLE: u64 = 32;

pub(super) const NAMES: [&str; MOST] = ["ann", "bob", "eve", "dan", "fay", "gus"];

/// A life on its way.
pub(crate) struct Life {
    pub world: World,
    pub cast: Cast,
    /// What honest people said, and whose device stored it, so that it must arrive.
    pub said: Vec<(usize, String)>,
    /// Devices that were removed or that left, perhaps.
    pub may_be_gone: Vec<usize>,
    pub step: usize,
    is_told: bool,
}

/// Rooms of three and of four, settled: each life begins with a copy.
type Start = [(ModelRelay, Vec<Rows>); 2];

fn start() -> &'static Start {
    static START: OnceLock<Start> = OnceLock::new();
    START.get_or_init(|| {
        [3, 4].map(|people| {
            let mut world = World::room_of(&NAMES[..people], Suite::Classic, 1);
            (0..people).for_each(|i| world.crash(i));
            (world.relay, world.devices.into_iter().map(|device| device.rows).collect())
        })
    })
}

/// Lives the life that these bytes tell. Returns how often an engine was given something to do.
pub(crate) fn live(bytes: &[u8]) -> u64 {
    let Some((head, steps)) = bytes.split_first_chunk::<HEAD>() else { return 0 };
    let mut life = Life::begin(Cast::of(head[0]), u16::from_be_bytes([head[1], head[2]]));
    let steps: Vec<&[u8]> = steps.chunks(STEP).take(MAX_STEPS).collect();
    let half = steps.len() / 2;
    for (n, step) in steps.into_iter().enumerate() {
        life.step = n;
        life.step(&mut Choices::of(step), n >= half);
    }
    life.finish();
    life.world.handled
}

impl Life {
    fn begin(cast: Cast, seed: u16) -> Self {
        crate::mls::group::hostile::forget();
        let (relay, rows) = &start()[usize::from(cast.sleeper)];
        let mut world = World::new(&NAMES[..rows.len()], Suite::Classic, 1);
        world.relay = relay.clone();
        world.now = START + 60_000;
        for (i, rows) in rows.iter().enumerate() {
            let seed = u64::from(seed) * 10 + i as u64;
            world.devices[i].profile.random = Random::new(ChaCha20Rng::seed_from_u64(seed));
            world.devices[i].rows.clone_from(rows);
            world.restart(i);
            world.connect(i);
        }
        if cast.sleeper {
            world.disconnect(DAN);
        }
        let is_told = env::var_os("SCHAT_TELL").is_some();
        Self { world, cast, said: Vec::new(), may_be_gone: Vec::new(), step: 0, is_told }
    }

    fn step(&mut self, choices: &mut Choices, is_late: bool) {
        let kind = choices.below(16);
        let i = choices.index(self.world.devices.len());
        if self.cast.sleeper && i == DAN && !is_late {
            return;
        }
        match kind {
            0 => self.speak(i, choices),
            1 => self.change(i, choices),
            2 if self.world.devices[i].online => self.world.disconnect(i),
            2 | 3 => self.online(i),
            4 => {
                let most = if choices.below(2) == 0 { 2_000 } else { 30_000 };
                self.world.now += choices.below(most);
                self.act(i, Input::Tick, None, choices);
            }
            5 | 6 if self.cast.liar => self.lie(i, choices),
            7 | 8 if self.cast.insider => self.intrude(choices),
            9 if self.cast.lively => self.live_on(i, choices),
            10 if self.cast.jumps && choices.below(4) == 0 => {
                let far = [60_000, 3_600_000, 24 * 3_600_000, 40 * 24 * 3_600_000][choices.index(4)];
                match choices.below(4) {
                    0 => self.world.now = self.world.now.saturating_sub(far),
                    _ => self.world.now += far,
                }
            }
            11 => (0..choices.below(40)).for_each(|_| self.everybody_reads()),
            _ => (0..choices.below(6)).for_each(|_| self.deliver(i, choices)),
        }
    }

    pub(crate) fn online(&mut self, i: usize) {
        if self.world.devices[i].engine.is_none() {
            if self.world.devices[i].rows.is_empty() {
                return; // a newcomer that stored nothing
            }
            self.world.restart(i);
        }
        if !self.world.devices[i].online {
            self.world.connect(i);
        }
    }

    fn everybody_reads(&mut self) {
        for i in 0..self.world.devices.len() {
            if self.world.devices[i].online {
                self.world.deliver_one(i);
            }
        }
    }

    fn deliver(&mut self, i: usize, choices: &mut Choices) {
        if !self.world.devices[i].online || self.world.devices[i].engine.is_none() {
            return;
        }
        let frame = self.world.devices[i].inbox.pop_front().or_else(|| self.world.relay.next(i));
        if let Some(frame) = frame {
            self.act(i, Input::Frame(frame), None, choices);
        }
    }

    pub(crate) fn show(&mut self, i: usize, frame: Frame, choices: &mut Choices) {
        if self.world.devices[i].online {
            self.act(i, Input::Frame(RelayFrame { frame: Some(frame) }), None, choices);
        }
    }

    /// Handles one input, and now and then dies on the way.
    pub(super) fn act(&mut self, i: usize, input: Input, text: Option<String>, choices: &mut Choices) {
        let told = self.is_told.then(|| brief(&input));
        let Some(output) = self.world.handle(i, input) else { return };
        if let Some(told) = told {
            let loud: Vec<_> = output.events.iter().filter(|event| is_loud(event)).collect();
            self.tell(i, &format!("{told} -> {} frames, {loud:?}", output.frames.len()));
        }
        let crash = choices.below(TROUBLE);
        if crash == 0 {
            return self.world.crash(i); // before anything was stored
        }
        let is_taken = !output.changes.is_empty();
        self.world.save(i, &output);
        if i != EVE || !self.cast.insider {
            self.said.extend(text.filter(|_| is_taken).map(|text| (i, text)));
        }
        if crash == 1 {
            return self.world.crash(i); // stored, not sent
        }
        self.world.send_and_show(i, output);
        if crash == 2 {
            self.world.crash(i); // sent, the answer is lost
        }
    }

    /// One line of the story.
    pub(crate) fn tell(&self, i: usize, what: &str) {
        if self.is_told {
            let device = &self.world.devices[i];
            let engine = device.engine.as_ref().map(|e| (e.cursor(), e.view().map(|v| v.epoch)));
            eprintln!("{}: device {i} {engine:?} log {}: {what}", self.step, self.world.relay.log.len());
        }
    }
}

fn brief(input: &Input) -> String {
    match input {
        Input::Frame(RelayFrame { frame: Some(Frame::Deliver(entry)) }) => super::hostile::brief(entry),
        Input::Frame(RelayFrame { frame: Some(Frame::Joined(joined)) }) => {
            format!("joined, head {} last {} confirmed {}", joined.head, joined.last_commit, joined.confirmed)
        }
        Input::Frame(RelayFrame { frame }) => format!("{frame:?}").chars().take(200).collect(),
        other => format!("{other:?}"),
    }
}
