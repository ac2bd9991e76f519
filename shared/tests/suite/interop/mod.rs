//! Random lives of rooms whose members run our group, with every rule of the room on, or OpenMLS with the same formats:
//! they join by external commits and invites, come back by external commits in the place of their own old leaf, update
//! and remove. After every step all agree on the epoch's secrets, those that the relay and the slot are held by included,
//! and hear every message.

mod member;
mod ours;
mod person;
mod theirs;

use openmls::prelude::Lifetime;
use rand_core::Rng;
use shared::{
    content,
    crypto::{random::Random, suite::Suite},
    invite::InviteSecret,
};

use self::{
    member::{Change, Member},
    ours::Ours,
    person::Person,
    theirs::Theirs,
};
use crate::support::Seeded;

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

/// The steps that this is about, each by both libraries, with the slot of both.
#[test]
fn each_library_joins_and_comes_back_with_the_help_of_the_other() {
    for suite in Suite::ALL {
        for [founder, joiner] in [[true, false], [false, true]] {
            let mut room = Room::new(suite, 1_000, founder);
            room.join(joiner, 0);
            room.check();
            room.come_back(1, 0);
            room.check();
            room.join(founder, 1);
            room.check();
            // The slot is by whoever came back.
            room.come_back(0, 1);
            room.check();
            room.come_back(2, 1);
            room.check();
        }
    }
}

/// Whatever a founder's program wrote there: it is over, or has not begun. OpenMLS, which does check it, gets in by ours.
#[test]
fn lifetime_of_a_founders_leaf_keeps_nobody_out() {
    for suite in Suite::ALL {
        for (from, until) in [(0, 1), (u64::MAX - 1, u64::MAX)] {
            let mut room = Room::founded(suite, 2_000, |founder, state| {
                Box::new(Theirs::found_for(Lifetime::init(from, until), founder, state))
            });
            room.join(true, 0);
            room.check();
            room.join(true, 1);
            room.check();
            // By the slot of another, so that the founder's leaf stays as it was.
            room.come_back(1, 2);
            room.check();
        }
        let mut room = Room::new(suite, 2_001, true);
        room.join(false, 0);
        room.check();
    }
}

fn churn(suite: Suite) {
    for seed in 0..SCHEDULES {
        let _named = NameOnPanic(suite, seed);
        assert_eq!(schedule(Room::new(suite, seed, seed.is_multiple_of(2))), STEPS + 1);
    }
}

/// Runs one schedule and counts its steps.
fn schedule(mut room: Room) -> usize {
    // The other library joins first, so that no schedule is a soliloquy.
    let ours_began = room.members[0].is_ours();
    room.join(!ours_began, 0);
    room.check();
    for _ in 0..STEPS {
        let (one, another) = room.two();
        match room.draw(12) {
            0..=3 if room.members.len() < MOST => {
                let ours = room.draw(2) == 0;
                room.join(ours, one);
            }
            4..=6 => room.come_back(one, another),
            7..=9 if room.members.len() > 2 => room.remove(),
            _ => room.update(one),
        }
        room.check();
    }
    room.checked
}

struct Room {
    suite: Suite,
    random: Seeded,
    members: Vec<Box<dyn Member>>,
    invite: InviteSecret,
    came: u64,
    checked: usize,
}

impl Room {
    fn new(suite: Suite, seed: u64, ours: bool) -> Self {
        Self::founded(suite, seed, |founder, state| match ours {
            true => Box::new(Ours::found(founder, state)),
            false => Box::new(Theirs::found(founder, state)),
        })
    }

    fn founded(
        suite: Suite,
        seed: u64,
        found: impl FnOnce(Person, &content::Room) -> Box<dyn Member>,
    ) -> Self {
        let random = Seeded { seed, counter: 0 };
        let invite = InviteSecret::generate(&Random::new(Seeded { seed: seed ^ u64::MAX, counter: 0 }));
        let mut room = Self { suite, random, members: vec![], invite, came: 0, checked: 0 };
        let founder = room.person();
        let state = founder.founds(&room.invite);
        room.members.push(found(founder, &state));
        room
    }

    /// Below `bound`.
    fn draw(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.next_u32()).unwrap() % bound
    }

    /// Two members, not the same.
    fn two(&mut self) -> (usize, usize) {
        let all = self.members.len();
        let one = self.draw(all);
        (one, (one + 1 + self.draw(all - 1)) % all)
    }

    fn person(&mut self) -> Person {
        self.came += 1;
        let random = Random::new(Seeded { seed: self.random.next_u64(), counter: 0 });
        Person::new(self.suite, random, format!("member {}", self.came))
    }

    /// By external commit, with the slot of the member `host`.
    fn join(&mut self, ours: bool, host: usize) {
        let (slot, person) = (self.members[host].slot(), self.person());
        let (joiner, commit): (Box<dyn Member>, _) = if ours {
            let (joiner, commit) = Ours::join(person, &slot, &self.invite);
            (Box::new(joiner), commit)
        } else {
            let (joiner, commit) = Theirs::join(person, &slot, &self.invite);
            (Box::new(joiner), commit)
        };
        let leaf = joiner.leaf();
        for member in &mut self.members {
            assert_eq!(member.take(&commit), Change { entered: Some(leaf), removed: None });
        }
        self.members.push(joiner);
    }

    /// `who` misses what happens, and comes back with the slot of `host`.
    fn come_back(&mut self, who: usize, host: usize) {
        let missed = self.members[host].commit(None);
        self.deliver(&[host, who], &missed);
        assert_ne!(self.members[who].secrets(), self.members[host].secrets());
        let (slot, old) = (self.members[host].slot(), self.members[who].leaf());
        let commit = self.members[who].come_back(&slot);
        let entered = Some(self.members[who].leaf());
        for change in self.deliver(&[who], &commit) {
            assert_eq!(change, Change { entered, removed: Some(old) });
        }
    }

    fn update(&mut self, sender: usize) {
        let commit = self.members[sender].commit(None);
        for change in self.deliver(&[sender], &commit) {
            assert_eq!(change, Change::default());
        }
    }

    /// The founder, who is the moderator, removes somebody.
    fn remove(&mut self) {
        let gone = 1 + self.draw(self.members.len() - 1);
        let leaf = self.members[gone].leaf();
        let commit = self.members[0].commit(Some(leaf));
        for change in self.deliver(&[0, gone], &commit) {
            assert_eq!(change, Change { entered: None, removed: Some(leaf) });
        }
        let gone = self.members.remove(gone);
        assert_ne!(gone.secrets().authenticator, self.members[0].secrets().authenticator);
    }

    /// A commit reaches all but these; answers with what they saw in it.
    fn deliver(&mut self, but: &[usize], commit: &[u8]) -> Vec<Change> {
        let others = self.members.iter_mut().enumerate().filter(|(index, _)| !but.contains(index));
        others.map(|(_, member)| member.take(commit)).collect()
    }

    /// Equal secrets and states everywhere, and a line from one member of each kind reaches all others.
    fn check(&mut self) {
        let expected = (self.members[0].secrets(), self.members[0].room());
        for member in &self.members {
            assert_eq!((member.secrets(), member.room()), expected);
        }
        for ours in [true, false] {
            let Some(sender) = self.members.iter().position(|member| member.is_ours() == ours) else {
                continue;
            };
            let (line, leaf) = (self.random.next_u64().to_le_bytes(), self.members[sender].leaf());
            let sealed = self.members[sender].say(&line);
            for (_, member) in self.members.iter_mut().enumerate().filter(|(index, _)| *index != sender) {
                let (from, heard) = member.hear(&sealed);
                assert_eq!((from, heard.as_slice()), (leaf, line.as_slice()));
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
