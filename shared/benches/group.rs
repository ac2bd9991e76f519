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
    invite::InviteSecret,
    invite::slot,
    mls::group::{Group, Plan, Prepared, Signer},
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
        let room = content::Room {
            name: "bench".to_owned(),
            open: false,
            invites: vec![secret.to_content(0, 0)],
            version: 1,
            disappear_s: 0,
            past_lines: 0,
        };
        let (signer, identity, leaf) = person(suite, &random, 0, &[]);
        let (newest, info) =
            Group::create((suite, &random), (&signer, identity), &ROOM, &room, &leaf, NOW).unwrap();
        Self { suite, random, secret, count: 1, older: None, newest, info }
    }

    fn join(&self) -> (Group, Prepared) {
        let (signer, identity, leaf) = person(self.suite, &self.random, self.count, &self.secret.id());
        let (context, psk) = ((self.suite, &self.random), self.secret.psk());
        let invite = (self.secret.id(), &*psk);
        Group::join(context, (&signer, identity), &ROOM, &self.info, invite, &leaf, NOW).unwrap()
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
        let sealed = slot::seal(&ROOM, &invites, &prepared.group_info, &self.random).unwrap();
        println!(
            "| {members} | {commit:.1} | {process:.1} | {join:.1} | {} | {} | {} |",
            prepared.message.len(),
            prepared.group_info.len(),
            sealed.len()
        );
    }
}

fn person(
    suite: Suite,
    random: &Random,
    number: u32,
    invite: &[u8],
) -> (Signer, SigningIdentity, content::Leaf) {
    let signer = Signer::generate(suite, random).unwrap();
    let identity = Identity::generate(random);
    let certified =
        certify(&identity, format!("member {number}").as_str(), "bench", random.bytes(), &signer.public);
    let access_key = random.bytes::<32>().to_vec().into();
    (signer, certified, content::Leaf { access_key, invite_id: invite.to_vec().into() })
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
