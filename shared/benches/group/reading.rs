//! Reading what was missed: a member comes back after [`LINES`] lines of the others. Entries a second, one entry at a
//! time and many at a time, as the client takes in what has come. The relay here is a list.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;
use proto::relay::{
    AccessKey, ClientFrame, Deliver, Joined, Published, RelayFrame, client_frame, relay_frame::Frame,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use shared::{
    crypto::{random::Random, suite::Suite},
    identity::{Identity, Next},
    room::{Command, Engine, Event, Input, Output, Policy, Profile},
};
use zeroize::Zeroizing;

const NOW: u64 = 1_700_000_000_000;

/// Entries that the client takes in at a time when it is behind, about.
const BATCH: usize = 100;

/// A room of three, where two speak in turn.
pub(crate) fn row(suite: Suite, lines: usize) {
    let mut relay = Relay::default();
    let mut ann = Engine::create(&profile(suite, 1), "bench", Policy::default(), NOW).unwrap();
    relay.connect(&mut ann, true);
    let mut others = [2, 3].map(|seed| {
        let link = relay.run(&mut ann, Input::Command(Command::INVITE)).unwrap();
        let mut engine = Engine::join(&profile(suite, seed), &link, NOW).unwrap();
        relay.connect(&mut engine, false);
        relay.catch_up(&mut ann);
        engine
    });
    let [bob, eve] = &mut others;
    relay.catch_up(bob);
    let start = relay.log.len();
    let rows: Rows = relay.rows.get(bob.name()).cloned().unwrap_or_default().into_iter().collect();
    for n in 0..lines {
        let speaker = if n % 2 == 0 { &mut ann } else { &mut *eve };
        relay.catch_up(speaker);
        let send = Command::Send { token: String::new(), text: format!("line {n}, of a usual length") };
        relay.run(speaker, Input::Command(send));
    }
    let entries: Vec<_> = relay.log.iter().skip(start).cloned().collect();
    let one = rate(suite, &rows, &relay, &entries, 1);
    let many = rate(suite, &rows, &relay, &entries, BATCH);
    println!("| {} | {one:.0} | {many:.0} | {:.1} |", entries.len(), many / one);
}

type Rows = Vec<(String, Zeroizing<Vec<u8>>)>;

fn rate(suite: Suite, rows: &Rows, relay: &Relay, entries: &[Deliver], batch: usize) -> f64 {
    let mut bob = Engine::load(&profile(suite, 2), rows.clone(), NOW).unwrap();
    bob.handle(Input::Connected { binding: [0; 32], token: None, pin: None }, NOW);
    let head = relay.log.len() as u64;
    bob.handle(
        frame(Frame::Joined(Joined { head, oldest: 1, last_commit: relay.last_commit, ..Joined::default() })),
        NOW,
    );
    let (mut told, start) = (0, Instant::now());
    for entries in entries.chunks(batch) {
        let inputs: Vec<_> = entries.iter().map(|entry| frame(Frame::Deliver(entry.clone()))).collect();
        if batch > 1 {
            bob.look_ahead(&inputs);
        }
        for input in inputs {
            let output = bob.step(input, NOW);
            told += output.events.iter().filter(|event| matches!(event, Event::Message(_))).count();
        }
        assert!(!bob.changes().is_empty());
    }
    assert_eq!(told, entries.len());
    told as f64 / start.elapsed().as_secs_f64()
}

/// The log of one room, and what its last speaker is answered.
#[derive(Default)]
struct Relay {
    log: Vec<Deliver>,
    last_commit: u64,
    slot: proto::relay::Slot,
    pieces: BTreeMap<proto::PieceName, Bytes>,
    /// The room and the newest invite's card.
    room: Bytes,
    card: Bytes,
    /// Each device's access key on its stream, by its member's name.
    keys: BTreeMap<String, Bytes>,
    answers: VecDeque<RelayFrame>,
    /// What each device has stored, by its member's name.
    rows: BTreeMap<String, BTreeMap<String, Zeroizing<Vec<u8>>>>,
}

impl Relay {
    fn connect(&mut self, engine: &mut Engine, creates: bool) {
        self.run(engine, Input::Connected { binding: [0; 32], token: None, pin: None });
        // A joiner reads the card, sends its join, and reads on as a member: a stream for each.
        for _ in 0..if creates { 0 } else { 2 } {
            self.run(engine, Input::Connected { binding: [0; 32], token: None, pin: None });
        }
    }

    /// Everything of the log that the engine has not read.
    fn catch_up(&mut self, engine: &mut Engine) {
        while let Some(entry) = self.log.get(usize::try_from(engine.cursor()).unwrap()).cloned() {
            self.run(engine, frame(Frame::Deliver(entry)));
        }
    }

    /// Runs until nothing is under way; the link, if one was made.
    fn run(&mut self, engine: &mut Engine, input: Input) -> Option<shared::invite::link::Link> {
        let mut inputs = VecDeque::from([input]);
        let (mut link, mut shown) = (None, None);
        loop {
            while let Some(input) = inputs.pop_front() {
                let output = engine.handle(input, NOW);
                self.save(engine, &output);
                for event in output.events {
                    if let Event::Invite { link: made, .. } = event {
                        link = Some(made);
                    }
                }
                output.frames.into_iter().for_each(|asked| self.answer(engine.name(), asked));
                inputs.extend(self.answers.drain(..).map(Input::Frame));
            }
            let next = self.log.get(usize::try_from(engine.cursor()).unwrap()).cloned();
            // What was shown before its reader was ready is shown on its next stream.
            match next.filter(|entry| shown != Some(entry.seq)) {
                Some(entry) => {
                    shown = Some(entry.seq);
                    inputs.push_back(frame(Frame::Deliver(entry)));
                }
                None => return link,
            }
        }
    }

    fn save(&mut self, engine: &Engine, output: &Output) {
        let rows = self.rows.entry(engine.name().to_owned()).or_default();
        for change in &output.changes {
            match &change.value {
                Some(value) => drop(rows.insert(change.key.clone(), value.clone())),
                None => drop(rows.remove(&change.key)),
            }
        }
    }

    fn answer(&mut self, who: &str, asked: ClientFrame) {
        let answer = match asked.frame.unwrap() {
            client_frame::Frame::Join(join) => {
                self.keys.insert(who.to_owned(), join.access_key);
                let named = !join.room_id.is_empty();
                if let Some(create) = join.create {
                    self.room = join.room_id;
                    self.keep_card(&create.keys);
                    self.slot = create.slot.unwrap();
                    self.keep_pieces(&self.slot.pieces.clone());
                }
                Frame::Joined(Joined {
                    head: self.log.len() as u64,
                    oldest: 1,
                    last_commit: self.last_commit,
                    slot: Some(self.slot.clone()),
                    now_ms: NOW,
                    generation: vec![1; 16].into(),
                    room_id: if named { Bytes::new() } else { self.room.clone() },
                    card: self.card.clone(),
                    confirmed: self.last_commit,
                    ..Joined::default()
                })
            }
            client_frame::Frame::Publish(publish) => {
                let seq = self.log.len() as u64 + 1;
                let part = publish.commit.clone().unwrap_or_default();
                self.keep_card(part.access.as_ref().map_or(&[], |change| &change.added));
                self.log.push(Deliver {
                    seq,
                    at_ms: NOW,
                    envelope: publish.envelope,
                    is_commit: publish.commit.is_some(),
                    access: part.access,
                    base: part.expected_last_commit,
                    authority: part.authority,
                    signature: part.signature,
                    key: self.keys.get(who).cloned().unwrap_or_default(),
                    ack: publish.ack,
                    slot_hash: proto::slot_hash(&part.slot, &part.piece_names).to_vec().into(),
                    ..Deliver::default()
                });
                if let Some(part) = publish.commit {
                    self.keep_pieces(&part.pieces);
                    let names = proto::split_names(&part.piece_names).unwrap();
                    let pieces = proto::join_pieces(names.iter().map(|name| &*self.pieces[name]));
                    self.last_commit = seq;
                    self.slot =
                        proto::relay::Slot { last_commit: seq, sealed: part.slot, pieces: pieces.into() };
                }
                Frame::Published(Published { id: publish.id, seq, at_ms: NOW })
            }
            _ => return,
        };
        self.answers.push_back(RelayFrame { frame: Some(answer) });
    }
}

impl Relay {
    fn keep_pieces(&mut self, list: &Bytes) {
        let pieces = proto::split_pieces(list).unwrap().into_iter();
        self.pieces.extend(pieces.map(|piece| (proto::piece_name(&piece), piece)));
    }

    fn keep_card(&mut self, keys: &[AccessKey]) {
        if let Some(key) = keys.iter().rev().find(|key| !key.card.is_empty()) {
            self.card = key.card.clone();
        }
    }
}

fn frame(frame: Frame) -> Input {
    Input::Frame(RelayFrame { frame: Some(frame) })
}

fn profile(suite: Suite, seed: u64) -> Profile {
    let random = Random::new(ChaCha20Rng::seed_from_u64(seed));
    Profile {
        identity: Arc::new(Identity::generate(&random, Next::NONE)),
        name: format!("member {seed}"),
        status: String::new(),
        glyph: String::new(),
        device_name: "bench".to_owned(),
        random,
        suite,
    }
}
