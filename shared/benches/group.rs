//! What a change of a room costs at 2, 10, 100 and 1,000 members: time for the committer, for another
//! member and for a joiner, and bytes on the wire. Prints a Markdown table for each suite.
//!
//! Then how fast a member reads what it missed.
//!
//! `cargo bench -p shared --bench group`; `SCHAT_BENCH_MEMBERS=100` stops earlier, `SCHAT_BENCH_LINES` sets how much was
//! missed.

// A benchmark reads the clock and may stop at any surprise; the rest of this crate must not.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    env,
    time::{Duration, Instant},
};

use mls_rs_core::identity::SigningIdentity;
use proto::RoomId;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use shared::{
    content,
    crypto::random::Random,
    crypto::suite::Suite,
    identity::Identity,
    identity::credential::certify,
    invite::{AccessSecret, InviteSecret, list, slot},
    mls::group::{Group, Plan, Prepared, Signer},
    mls::rules::{ROOM_VERSION, SEATS_PER_ACCOUNT},
};

#[path = "group/reading.rs"]
mod reading;

const ROOM: RoomId = RoomId([7; 32]);
const NOW: u64 = 1_700_000_000_000;
const RUNS: usize = 5;

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let quick = !env::args().any(|argument| argument == "--bench");
    let asked = env::var("SCHAT_BENCH_MEMBERS").ok().and_then(|value| value.parse().ok());
    let most: usize = asked.unwrap_or(if quick { 2 } else { 1_000 });
    for suite in Suite::ALL {
        println!("\n{suite:?}: medians of {RUNS} runs\n");
        println!(
            "| members | commit, ms | process, ms | join, ms | commit, bytes | GroupInfo, bytes | slot, bytes |"
        );
        println!("|---|---|---|---|---|---|---|");
        let mut growing = Growing::new(suite);
        for members in [2, 10, 100, 1_000].into_iter().filter(|members| *members <= most) {
            while (growing.count as usize) < members {
                growing.grow();
            }
            growing.row(members);
        }
    }
    let asked = env::var("SCHAT_BENCH_LINES").ok().and_then(|value| value.parse().ok());
    let lines = asked.unwrap_or(if quick { 10 } else { 10_000 });
    println!(
        "\nEntries read a second\n\n| entries | one at a time | many at a time | ratio |\n|---|---|---|---|"
    );
    Suite::ALL.into_iter().for_each(|suite| reading::row(suite, lines));
}

/// A room that grows by joins; only the two newest members are kept alive.
struct Growing {
    suite: Suite,
    random: Random,
    secret: InviteSecret,
    count: u32,
    older: Option<Group>,
    newest: Group,
    info: Vec<u8>,
}

impl Growing {
    fn new(suite: Suite) -> Self {
        let random = Random::new(ChaCha20Rng::seed_from_u64(1));
        let secret = InviteSecret::generate(&random);
        let founder = Identity::generate(&random);
        let room = content::Room {
            name: "bench".to_owned(),
            open: false,
            invites: vec![list(&secret, &ROOM, (0, 0), &founder).unwrap()],
            version: ROOM_VERSION,
            moderators: vec![founder.fingerprint().0.to_vec().into()],
            seats_per_account: SEATS_PER_ACCOUNT,
            ..content::Room::default()
        };
        let (signer, identity) = person(suite, &random, (0, &founder));
        let access_key = random.bytes::<32>().to_vec().into();
        let leaf = content::Leaf { access_key, ..content::Leaf::default() };
        let (newest, info) =
            Group::create((suite, &random), (&signer, identity), &ROOM, &room, &leaf, NOW).unwrap();
        Self { suite, random, secret, count: 1, older: None, newest, info }
    }

    fn join(&self) -> (Group, Prepared) {
        let account = Identity::generate(&self.random);
        let (signer, identity) = person(self.suite, &self.random, (self.count, &account));
        let access = AccessSecret::generate(&self.random).public();
        let (context, invite) = ((self.suite, &self.random), (&self.secret, &access));
        Group::join(context, (&signer, identity), &ROOM, &self.info, invite, NOW).unwrap()
    }

    fn grow(&mut self) {
        let (group, prepared) = self.join();
        let mut older = std::mem::replace(&mut self.newest, group);
        older.process(&prepared.message, NOW).unwrap();
        older.keep().unwrap();
        self.older = Some(older);
        self.info = prepared.group_info;
        self.count += 1;
    }

    fn row(&mut self, members: usize) {
        let join = median(|| timed(|| drop(self.join())));
        let mut prepared = None;
        let commit = median(|| timed(|| prepared = Some(self.newest.prepare(Plan::default(), NOW).unwrap())));
        let prepared = prepared.unwrap();
        let older = self.older.as_mut().unwrap();
        let process = median(|| {
            let spent = timed(|| drop(older.process(&prepared.message, NOW).unwrap()));
            older.undo().unwrap();
            spent
        });
        let invites = self.newest.room().unwrap().invites;
        let content = (&*prepared.next.slot_key, &*prepared.group_info);
        let sealed = slot::seal(&ROOM, &invites, content, &self.random).unwrap();
        println!(
            "| {members} | {commit:.1} | {process:.1} | {join:.1} | {} | {} | {} |",
            prepared.message.len(),
            prepared.group_info.len(),
            sealed.len()
        );
    }
}

fn person(suite: Suite, random: &Random, (number, account): (u32, &Identity)) -> (Signer, SigningIdentity) {
    let signer = Signer::generate(suite, random).unwrap();
    let name = format!("member {number}");
    let certified = certify(account, name.as_str(), "bench", random.bytes(), &signer.public);
    (signer, certified)
}

fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// In milliseconds.
fn median(mut run: impl FnMut() -> Duration) -> f64 {
    let mut spent: Vec<Duration> = (0..RUNS).map(|_| run()).collect();
    spent.sort();
    spent[RUNS / 2].as_secs_f64() * 1_000.0
}
