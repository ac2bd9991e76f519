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
use proto::{
    Message as _, RoomId,
    relay::{CommitPart, Publish},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use shared::{
    content,
    crypto::aead::{EnvelopeSecret, Origin, Scope, SealingKey},
    crypto::random::Random,
    crypto::suite::Suite,
    identity::credential::certify,
    identity::{Identity, Next},
    invite::{AccessSecret, InviteSecret, list, pieces::Tree, slot},
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
            "| members | commit, ms | seal, ms | process, ms | join, ms | open, ms | commit, bytes | slot, bytes | pieces sent, bytes | in all, bytes | a joiner reads, bytes |"
        );
        println!("|---|---|---|---|---|---|---|---|---|---|---|");
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
    /// GroupInfo and tree of the newest epoch.
    info: (Vec<u8>, Tree),
}

impl Growing {
    fn new(suite: Suite) -> Self {
        let random = Random::new(ChaCha20Rng::seed_from_u64(1));
        let secret = InviteSecret::generate(&random);
        let founder = Identity::generate(&random, Next::NONE);
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
            Group::create((suite, &random), (&signer, identity), &ROOM, &room, &leaf).unwrap();
        let info = (info, newest.tree().unwrap());
        Self { suite, random, secret, count: 1, older: None, newest, info }
    }

    fn join(&self) -> (Group, Prepared) {
        let account = Identity::generate(&self.random, Next::NONE);
        let (signer, identity) = person(self.suite, &self.random, (self.count, &account));
        let access = AccessSecret::generate(&self.random).public();
        let (context, invite) = ((self.suite, &self.random), (&self.secret, &access));
        let info = (&*self.info.0, &self.info.1);
        Group::join(context, (&signer, identity), &ROOM, info, invite, NOW).unwrap()
    }

    fn grow(&mut self) {
        let (group, prepared) = self.join();
        let mut older = std::mem::replace(&mut self.newest, group);
        older.process(&prepared.message, NOW).unwrap();
        older.keep().unwrap();
        self.older = Some(older);
        self.info = (prepared.group_info, prepared.tree);
        self.count += 1;
    }

    fn row(&mut self, members: usize) {
        let join = median(|| timed(|| drop(self.join())));
        let mut prepared = None;
        let commit = median(|| timed(|| prepared = Some(self.newest.prepare(Plan::default()).unwrap())));
        let prepared = prepared.unwrap();
        let older = self.older.as_mut().unwrap();
        let process = median(|| {
            let spent = timed(|| drop(older.process(&prepared.message, NOW).unwrap()));
            older.undo().unwrap();
            spent
        });
        let invites = self.newest.room().unwrap().invites;
        let before = self.newest.tree().unwrap();
        let content = (&*prepared.next.slot_key, &*prepared.group_info, &prepared.tree);
        let sealed =
            |known: Option<&Tree>| slot::seal(&ROOM, &invites, content, known, &self.random).unwrap();
        let mut sent = slot::Slot::default();
        let seal = median(|| timed(|| sent = sealed(Some(&before))));
        let whole = sealed(None);
        let (head, all) = (whole.sealed.clone().into(), whole.pieces.clone().into());
        let found = proto::relay::Slot { last_commit: 1, sealed: head, pieces: all };
        let open = median(|| timed(|| drop(slot::open(&ROOM, &self.secret, &found).unwrap())));
        // The commit as its envelope pads it.
        let body = Some(content::sealed::Body::KeyShare(prepared.message.clone().into()));
        let plain = content::Sealed { body, ..content::Sealed::default() }.encode_to_vec();
        let scope = Scope { room: ROOM, epoch: 0, origin: Origin::Leaf(0) };
        let mut key = SealingKey::fresh(&EnvelopeSecret::new([1; 32]), &scope, &self.random);
        let envelope = key.seal(&plain).unwrap();
        let part = CommitPart {
            slot: sent.sealed.clone().into(),
            piece_names: sent.names.clone().into(),
            pieces: sent.pieces.clone().into(),
            authority: vec![1; 32].into(),
            signature: vec![1; 64].into(),
            ..CommitPart::default()
        };
        let id = vec![1; 16].into();
        let publish = Publish { id, envelope: envelope.into(), commit: Some(part), ..Publish::default() };
        println!(
            "| {members} | {commit:.1} | {seal:.1} | {process:.1} | {join:.1} | {open:.1} | {} | {} | {} | {} | {} |",
            publish.envelope.len(),
            sent.sealed.len() + sent.names.len(),
            sent.pieces.len(),
            publish.encoded_len(),
            whole.sealed.len() + whole.pieces.len(),
        );
    }
}

fn person(suite: Suite, random: &Random, (number, account): (u32, &Identity)) -> (Signer, SigningIdentity) {
    let signer = Signer::generate(suite, random).unwrap();
    let name = format!("member {number}");
    let certified = certify(account, &ROOM, name.as_str(), "bench", random.bytes(), &signer.public);
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
