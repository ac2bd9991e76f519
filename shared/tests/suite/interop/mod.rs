//! Random churn in groups of `mls-rs` on our provider and OpenMLS on its own: everybody agrees on the
//! epoch authenticator and the exporter after every step, and hears every message. All that passes
//! between members is bytes.

mod member;

use mls_rs::{Client, client_builder::MlsConfig};
use rand_core::Rng;
use shared::crypto::suite::{Provider, Suite};

use self::member::Member;
use crate::support::{Seeded, client, provider};

/// Schedules per suite.
const SCHEDULES: u64 = 200;

/// Steps of a schedule after the first join.
const STEPS: usize = 10;

/// Members at most: three levels of tree, with blanks after removals.
const MOST: usize = 6;

#[test]
fn openmls_agrees_on_every_step_of_the_post_quantum_suite() {
    churn(Suite::Pq);
}

#[test]
fn openmls_agrees_on_every_step_of_the_classic_suite() {
    churn(Suite::Classic);
}

fn churn(suite: Suite) {
    for seed in 0..SCHEDULES {
        let _named = NameOnPanic(suite, seed);
        assert_eq!(schedule(Room::new(suite, seed, client)), STEPS + 1);
    }
}

/// Runs one schedule and counts its steps.
fn schedule<C: MlsConfig>(mut room: Room<C>) -> usize {
    // The other library joins first, so that no schedule is a soliloquy.
    let ours_began = room.members[0].is_ours();
    room.join(!ours_began);
    room.check();
    for _ in 0..STEPS {
        match room.draw(10) {
            0..=3 if room.members.len() < MOST => {
                let ours = room.draw(2) == 0;
                room.join(ours);
            }
            0..=6 => room.update(),
            _ if room.members.len() > 2 => room.remove(),
            _ => room.update(),
        }
        room.check();
    }
    room.checked
}

struct Room<C: MlsConfig> {
    suite: Suite,
    make: fn(&Provider, Suite, &str) -> Client<C>,
    random: Seeded,
    members: Vec<Member<C>>,
    joined: u64,
    checked: usize,
}

impl<C: MlsConfig> Room<C> {
    fn new(suite: Suite, seed: u64, make: fn(&Provider, Suite, &str) -> Client<C>) -> Self {
        let random = Seeded { seed, counter: 0 };
        let mut room = Self { suite, make, random, members: vec![], joined: 0, checked: 0 };
        let first = if seed.is_multiple_of(2) { Member::ours(&room.client()) } else { Member::theirs(suite) };
        room.members.push(first);
        room
    }

    /// Below `bound`.
    fn draw(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.next_u32()).unwrap() % bound
    }

    fn client(&mut self) -> Client<C> {
        self.joined += 1;
        let provider = provider(self.random.next_u64());
        (self.make)(&provider, self.suite, &format!("member {}", self.joined))
    }

    /// By external commit with the PSK, from the GroupInfo of any member.
    fn join(&mut self, ours: bool) {
        let host = self.draw(self.members.len());
        let info = self.members[host].group_info();
        let (joiner, commit) = if ours {
            Member::join_ours(&self.client(), &info)
        } else {
            Member::join_theirs(self.suite, &info)
        };
        for member in &mut self.members {
            member.hear(&commit);
        }
        self.members.push(joiner);
    }

    fn update(&mut self) {
        let sender = self.draw(self.members.len());
        let commit = self.members[sender].update();
        self.deliver(sender, &commit);
    }

    fn remove(&mut self) {
        let sender = self.draw(self.members.len());
        let offset = 1 + self.draw(self.members.len() - 1);
        let gone = (sender + offset) % self.members.len();
        let leaf = self.members[gone].leaf();
        let commit = self.members[sender].remove(leaf);
        self.deliver(sender, &commit);
        let gone = self.members.remove(gone);
        assert_ne!(gone.epoch_authenticator(), self.members[0].epoch_authenticator());
    }

    /// What `sender` made reaches all others; answers with what they read in it.
    fn deliver(&mut self, sender: usize, message: &[u8]) -> Vec<Option<Vec<u8>>> {
        let others = self.members.iter_mut().enumerate().filter(|(index, _)| *index != sender);
        others.map(|(_, member)| member.hear(message)).collect()
    }

    /// Equal secrets everywhere, and a line from one member of each kind reaches all others.
    fn check(&mut self) {
        let secrets = |member: &Member<C>| (member.epoch_authenticator(), member.exported());
        let expected = secrets(&self.members[0]);
        for member in &self.members {
            assert_eq!(secrets(member), expected);
        }
        for ours in [true, false] {
            let Some(sender) = self.members.iter().position(|member| member.is_ours() == ours) else {
                continue;
            };
            let line = self.random.next_u64().to_le_bytes();
            let sealed = self.members[sender].say(&line);
            for heard in self.deliver(sender, &sealed) {
                assert_eq!(heard.as_deref(), Some(line.as_slice()));
            }
        }
        self.checked += 1;
    }
}

/// Says which schedule failed.
struct NameOnPanic(Suite, u64);

impl Drop for NameOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failing schedule: suite {:?}, seed {}", self.0, self.1);
        }
    }
}
