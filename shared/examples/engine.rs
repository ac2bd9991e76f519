//! Two engines talk, without network, clock or disk: `cargo run -p shared --example engine`.
//!
//! The core is sans-I/O. [`Engine::handle`] takes an [`Input`] and the time, and gives an [`Output`]: rows to store, frames
//! to send, events to show, **in this order**. Whoever uses it brings the rest: here a relay that is a list, a clock that
//! stands still, and storage that is a map.

use std::{
    collections::{BTreeMap, VecDeque},
    error::Error,
    sync::Arc,
};

use bytes::Bytes;
use proto::relay::{
    AccessKey, ClientFrame, Deliver, Joined, Published, RelayFrame, Slot, client_frame, relay_frame::Frame,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use shared::{
    crypto::{random::Random, suite::Suite},
    identity::{Identity, Next},
    invite::link::Link,
    room::{Command, Engine, Event, Input, Policy, Profile},
};
use zeroize::Zeroizing;

/// The time is an argument too: Unix milliseconds.
const NOW: u64 = 1_700_000_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut relay = Relay::default();

    let (ann, bob) = (profile("ann", 1), profile("bob", 2));

    // Ann makes a room. `Connected` stands for a fresh stream to the relay; the engine answers it with its Join.
    let mut ann = Device::new(&ann, Engine::create(&ann, "team", Policy::default(), NOW)?);
    relay.run(&mut ann, connected())?;

    // She asks for an invite: the link comes out as an event.
    relay.run(&mut ann, Input::Command(Command::INVITE))?;
    let link = ann.link.clone().ok_or("an invite brings a link")?;

    // Bob joins by the link alone. He reads the invite's card, publishes his commit, and reads on as a member: the engine
    // asks for a fresh stream (`Output::reopen`) wherever its key changes.
    let mut bob = Device::new(&bob, Engine::join(&bob, &link, NOW)?);
    relay.run(&mut bob, connected())?;
    relay.catch_up(&mut ann)?;

    // They talk. What one says, the other reads from the log.
    let say = |text: &str| Input::Command(Command::Send { token: String::new(), text: text.to_owned() });
    relay.run(&mut ann, say("Hello, Bob. The relay cannot read this."))?;
    relay.catch_up(&mut bob)?;
    relay.run(&mut bob, say("Hello, Ann. It has only envelopes."))?;
    relay.catch_up(&mut ann)?;

    // Everything that a device has to keep came out as rows. From them the engine is as it was.
    let Device { profile, rows, .. } = bob;
    let bob = Engine::load(&profile, rows.into_iter().collect(), NOW)?;
    let members = bob.view().ok_or("bob is a member")?.members.len();
    println!(
        "loaded again, bob is one of {members} members and has read {} of {} entries",
        bob.cursor(),
        relay.log.len()
    );
    Ok(())
}

/// Who uses a device. The seed is the randomness: a real program gives the system's.
fn profile(name: &str, seed: u64) -> Profile {
    let random = Random::new(ChaCha20Rng::seed_from_u64(seed));
    Profile {
        identity: Arc::new(Identity::generate(&random, Next::NONE)),
        name: name.to_owned(),
        status: String::new(),
        glyph: String::new(),
        device_name: "example".to_owned(),
        random,
        suite: Suite::default(),
    }
}

/// A stream is open. `binding` ties the Join to the TLS connection; there is none here.
fn connected() -> Input {
    Input::Connected { binding: [0; proto::CHANNEL_BINDING_LEN], token: None, pin: None }
}

/// An engine, and what a program around it keeps.
struct Device {
    profile: Profile,
    engine: Engine,
    /// Storage: one transaction for each output.
    rows: BTreeMap<String, Zeroizing<Vec<u8>>>,
    link: Option<Link>,
    /// How far the relay has delivered on this stream.
    delivered: u64,
    /// Its access key on this stream.
    key: Bytes,
}

impl Device {
    fn new(profile: &Profile, engine: Engine) -> Self {
        Self {
            profile: profile.clone(),
            engine,
            rows: BTreeMap::new(),
            link: None,
            delivered: 0,
            key: Bytes::new(),
        }
    }

    fn show(&mut self, event: Event) {
        let name = &self.profile.name;
        match event {
            Event::Invite { link, .. } => self.link = Some(link),
            Event::Message(message) => println!("{name} reads, from {}: {}", message.from.name, message.text),
            Event::MemberJoined { who, .. } => println!("{name} sees that {} joined", who.name),
            _ => {}
        }
    }
}

/// A relay for one room: a list of entries, the newest slot, by which somebody joins, and the newest invite's card. It checks
/// nothing: the real one checks who may do what.
#[derive(Default)]
struct Relay {
    log: Vec<Deliver>,
    last_commit: u64,
    slot: Slot,
    /// Pieces of slots, by their names: a commit brings only those that are new.
    pieces: BTreeMap<proto::PieceName, Bytes>,
    room: Bytes,
    card: Bytes,
}

impl Relay {
    /// Runs a device until nothing is under way: store, send, show.
    fn run(&mut self, device: &mut Device, input: Input) -> Result<(), Box<dyn Error>> {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            if matches!(input, Input::Connected { .. }) {
                device.delivered = device.engine.cursor();
            }
            let output = device.engine.handle(input, NOW);
            for change in output.changes {
                match change.value {
                    Some(value) => drop(device.rows.insert(change.key, value)),
                    None => drop(device.rows.remove(&change.key)),
                }
            }
            for frame in output.frames {
                inputs.extend(self.answer(device, frame)?.map(Input::Frame));
            }
            output.events.into_iter().for_each(|event| device.show(event));
            if output.reopen {
                // What was on its way on the old stream is lost with it.
                inputs.clear();
                inputs.push_back(connected());
            } else if inputs.is_empty() {
                inputs.extend(self.next(device));
            }
        }
        Ok(())
    }

    /// Delivers what others have published meanwhile.
    fn catch_up(&mut self, device: &mut Device) -> Result<(), Box<dyn Error>> {
        match self.next(device) {
            Some(entry) => self.run(device, entry),
            None => Ok(()),
        }
    }

    /// The next entry for a device.
    fn next(&self, device: &mut Device) -> Option<Input> {
        let entry = self.log.iter().find(|entry| entry.seq > device.delivered)?.clone();
        device.delivered = entry.seq;
        Some(Input::Frame(RelayFrame { frame: Some(Frame::Deliver(entry)) }))
    }

    fn answer(
        &mut self,
        device: &mut Device,
        asked: ClientFrame,
    ) -> Result<Option<RelayFrame>, Box<dyn Error>> {
        let answer = match asked.frame {
            Some(client_frame::Frame::Join(join)) => {
                device.key = join.access_key;
                // An invite's key does not say which room: the relay knows.
                let is_named = !join.room_id.is_empty();
                if let Some(create) = join.create {
                    self.room = join.room_id;
                    self.keep_card(&create.keys);
                    self.slot = create.slot.unwrap_or_default();
                    self.keep_pieces(&self.slot.pieces.clone())?;
                }
                Frame::Joined(Joined {
                    head: self.log.len() as u64,
                    oldest: 1,
                    last_commit: self.last_commit,
                    confirmed: self.last_commit,
                    slot: Some(self.slot.clone()),
                    now_ms: NOW,
                    generation: vec![1; 16].into(),
                    room_id: if is_named { Bytes::new() } else { self.room.clone() },
                    card: self.card.clone(),
                    ..Joined::default()
                })
            }
            Some(client_frame::Frame::Publish(publish)) => {
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
                    key: device.key.clone(),
                    ack: publish.ack,
                    slot_hash: proto::slot_hash(&part.slot, &part.piece_names).to_vec().into(),
                    ..Deliver::default()
                });
                if publish.commit.is_some() {
                    self.keep_pieces(&part.pieces)?;
                    let names = proto::split_names(&part.piece_names)?;
                    let pieces = names.iter().filter_map(|name| self.pieces.get(name));
                    let pieces = proto::join_pieces(pieces.map(|piece| &**piece)).into();
                    self.last_commit = seq;
                    self.slot = Slot { last_commit: seq, sealed: part.slot, pieces };
                }
                Frame::Published(Published { id: publish.id, seq, at_ms: NOW })
            }
            _ => return Ok(None),
        };
        Ok(Some(RelayFrame { frame: Some(answer) }))
    }

    fn keep_pieces(&mut self, list: &Bytes) -> Result<(), Box<dyn Error>> {
        let pieces = proto::split_pieces(list)?;
        self.pieces.extend(pieces.into_iter().map(|piece| (proto::piece_name(&piece), piece)));
        Ok(())
    }

    fn keep_card(&mut self, keys: &[AccessKey]) {
        if let Some(key) = keys.iter().rev().find(|key| !key.card.is_empty()) {
            self.card = key.card.clone();
        }
    }
}
