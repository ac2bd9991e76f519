//! Looking ahead spares time and changes nothing, whoever signed what.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;
use proto::relay::{ClientFrame, Deliver, RelayFrame, relay_frame::Frame};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::{
    hostile::{ANN, BOB, EVE, three},
    model::ModelRelay,
    world::{PIN, Rows, World},
};
use crate::{
    crypto::random::Random,
    crypto::suite::spoil::{checks, forging},
    mls::group::is_ours,
    room::{Command, Engine, Event, Input, Problem, Profile},
};

/// Bob as he was when he left, and everything that he has missed.
struct Missed {
    profile: Profile,
    rows: Rows,
    joined: RelayFrame,
    entries: Vec<Deliver>,
    now: u64,
}

/// What became of the entries: all that was told, sent and stored.
#[derive(Default)]
struct Became {
    told: Vec<(String, Vec<ClientFrame>, bool, Option<u64>)>,
    rows: BTreeMap<String, Vec<u8>>,
    texts: Vec<String>,
    refused: usize,
    /// Signatures that were checked one by one.
    checks: usize,
}

impl Missed {
    /// `happens` while bob is away.
    fn of(seed: u64, happens: impl FnOnce(&mut World)) -> Self {
        let mut world = three(seed);
        world.disconnect(BOB);
        let (rows, cursor) = (world.devices[BOB].rows.clone(), world.cursor(BOB));
        happens(&mut world);
        world.capture(BOB);
        world.connect(BOB);
        let joined = world.devices[BOB].inbox.pop_front().unwrap();
        let entries = world.relay.log[usize::try_from(cursor).unwrap()..].to_vec();
        let profile = world.devices[BOB].profile.clone();
        Self { profile, rows, joined, entries, now: world.now }
    }

    /// Bob reads them, `many` at a time, and looks ahead if he is to.
    fn read(&self, many: usize, looks_ahead: bool) -> Became {
        let random = Random::new(ChaCha20Rng::seed_from_u64(4));
        let rows = self.rows.clone().into_iter().collect();
        let mut bob = Engine::load(&Profile { random, ..self.profile.clone() }, rows, self.now).unwrap();
        let binding = ModelRelay::binding(BOB);
        bob.handle(Input::Connected { binding, token: None, pin: Some(PIN) }, self.now);
        bob.handle(Input::Frame(self.joined.clone()), self.now);
        let input = |entry: &Deliver| Input::Frame(RelayFrame { frame: Some(Frame::Deliver(entry.clone())) });
        let (mut became, mut rows) = (Became { checks: checks(), ..Became::default() }, self.rows.clone());
        for chunk in self.entries.chunks(many) {
            let mut inputs: VecDeque<Input> = chunk.iter().map(input).collect();
            let mut looked_at = 0;
            while !inputs.is_empty() {
                if looked_at == 0 && looks_ahead {
                    looked_at = bob.look_ahead(&inputs);
                    assert!(looked_at > 0);
                }
                looked_at = looked_at.saturating_sub(1);
                let output = bob.step(inputs.pop_front().unwrap(), self.now);
                let events = format!("{:?}", output.events);
                became.told.push((events, output.frames, output.reopen, output.wake_at));
                for event in output.events {
                    match event {
                        Event::Message(message) => became.texts.push(message.text),
                        Event::Problem(Problem::Forged { .. }) => became.refused += 1,
                        _ => (),
                    }
                }
            }
            for change in bob.changes() {
                match change.value {
                    Some(value) => rows.insert(change.key, value),
                    None => rows.remove(&change.key),
                };
            }
        }
        // The MLS library writes what it keeps of senders in any order.
        let compared = |key: &str, row: &[u8]| if is_ours(key) { vec![0; row.len()] } else { row.to_vec() };
        became.rows = rows.into_iter().map(|(key, row)| (key.clone(), compared(&key, &row))).collect();
        became.checks = checks() - became.checks;
        became
    }
}

fn say(world: &mut World, i: usize, text: &str) {
    world.say(i, text);
    world.settle();
}

/// A line of eve's whose signature is not hers.
fn forge(world: &mut World, text: &str) {
    forging(|| world.say(EVE, text));
    world.settle();
}

#[test]
fn signatures_of_what_was_missed_are_checked_together() {
    let missed = Missed::of(951, |world| (0..20).for_each(|n| say(world, n % 2 * EVE, &n.to_string())));
    let (alone, together) = (missed.read(100, false), missed.read(100, true));
    assert_eq!((alone.checks, together.checks), (20, 0));
    assert_eq!(together.texts, (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!((alone.told, alone.rows), (together.told, together.rows));
}

#[test]
fn forged_signature_in_a_batch_is_refused_and_all_others_are_taken() {
    let missed = Missed::of(952, |world| {
        (0..10).for_each(|n| say(world, n % 2 * EVE, &n.to_string()));
        forge(world, "forged");
        (10..20).for_each(|n| say(world, n % 2 * EVE, &n.to_string()));
    });
    let (alone, together) = (missed.read(100, false), missed.read(100, true));
    assert_eq!(together.texts, (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(together.refused, 1);
    assert_eq!((alone.told, alone.rows), (together.told, together.rows));
}

#[test]
fn what_comes_in_few_is_checked_as_it_comes() {
    let missed = Missed::of(953, |world| (0..3).for_each(|n| say(world, ANN, &n.to_string())));
    assert_eq!(missed.read(3, true).checks, 3);
}

/// Something that happens in the room.
#[derive(Clone, Copy, Debug)]
enum Step {
    Ann,
    Eve,
    Forged,
    /// An entry of before, a byte of it changed or none.
    Again(usize, Option<usize>),
    Commit,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Ann),
        6 => Just(Step::Eve),
        1 => Just(Step::Forged),
        1 => (any::<usize>(), any::<Option<usize>>()).prop_map(|(which, byte)| Step::Again(which, byte)),
        1 => Just(Step::Commit),
    ]
}

fn run(world: &mut World, n: usize, step: Step) {
    match step {
        Step::Ann => say(world, ANN, &format!("ann {n}")),
        Step::Eve => say(world, EVE, &format!("eve {n}")),
        Step::Forged => forge(world, &format!("forged {n}")),
        Step::Again(which, byte) => {
            let which = which % world.relay.log.len();
            let mut envelope = world.relay.log[which].envelope.to_vec();
            if let Some(byte) = byte {
                let byte = byte % envelope.len();
                envelope[byte] ^= 1;
            }
            world.inject(envelope, None);
            world.settle();
        }
        Step::Commit => {
            world.command(ANN, Command::Rename(format!("ann {n}")));
            world.settle();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The relay may show the entries in another order as well.
    #[test]
    fn looking_ahead_changes_nothing(
        steps in proptest::collection::vec(step(), 8..40),
        swaps in proptest::collection::vec((any::<usize>(), any::<usize>()), 0..3),
        many in 2_usize..40,
        seed in 0_u64..1000,
    ) {
        let mut missed = Missed::of(10_000 + seed, |world| {
            steps.iter().enumerate().for_each(|(n, step)| run(world, n, *step));
        });
        let count = missed.entries.len();
        swaps.iter().for_each(|(one, other)| missed.entries.swap(one % count, other % count));
        let (alone, together) = (missed.read(many, false), missed.read(many, true));
        prop_assert_eq!(alone.told, together.told);
        prop_assert_eq!(alone.rows, together.rows);
        prop_assert!(together.checks <= alone.checks);
    }
}
