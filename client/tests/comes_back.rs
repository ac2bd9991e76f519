//! Devices that cannot follow their room any more, as real programs: they say so, and come back by themselves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use client::runtime::{Event, Past, RoomEvent};
use relay::{
    Relay,
    clock::{SystemTimeSource, TimeSource},
};
use shared::room::{self as engine, Command};
use support::{PATIENCE, Person, relay};
use tempfile::TempDir;

const ROOM: &str = "team";

/// Ann's room, with bob and eve.
async fn three(dir: &Path, relay: &Relay) -> [Person; 3] {
    let mut ann = Person::enter(dir, "ann", relay, Past::Nothing).await;
    let mut bob = Person::enter(dir, "bob", relay, Past::Nothing).await;
    let mut eve = Person::enter(dir, "eve", relay, Past::Nothing).await;
    ann.runtime.create_own(ROOM).await.unwrap();
    for (person, members) in [(&mut bob, 2), (&mut eve, 3)] {
        person.runtime.join(&ann.link(ROOM).await).await.unwrap();
        person.joined().await;
        ann.is_among(members).await;
    }
    bob.is_among(3).await;
    [ann, bob, eve]
}

async fn entries(relay: &Relay) -> u64 {
    relay.backend().overview().await.unwrap().entries
}

async fn until_there_are(count: u64, relay: &Relay) {
    let wait = async {
        while entries(relay).await < count {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the entries come");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn profile_put_back_from_an_old_copy_comes_back() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let [mut ann, bob, mut eve] = three(dir.path(), &relay).await;
    bob.runtime.shutdown().await;
    let (profile, backup) = (dir.path().join("bob"), dir.path().join("backup"));
    copy(&profile, &backup);
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    bob.runtime.tell(ROOM, Command::Rename("rob".to_owned())).await.unwrap();
    ann.until(|event| match event {
        Event::Room { event: RoomEvent::Engine(engine::Event::ProfileChanged { who, .. }), .. } => {
            (who.name == "rob").then_some(())
        }
        _ => None,
    })
    .await;
    bob.say(ROOM, "", "of which the copy knows nothing").await;
    ann.hears("of which the copy knows nothing").await;
    bob.runtime.shutdown().await;
    fs::remove_dir_all(&profile).unwrap();
    copy(&backup, &profile);

    bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    bob.told("out").await;
    bob.say(ROOM, "", "waits until then").await;
    bob.told("back").await;
    ann.sees_back("bob").await;
    eve.sees_back("bob").await;
    ann.hears("waits until then").await;
    eve.hears("waits until then").await;
    ann.say(ROOM, "", "welcome back").await;
    bob.hears("welcome back").await;
}

/// A relay that keeps five entries of each room.
async fn forgetful(dir: &Path) -> Relay {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = relay::Config::new(listen, dir);
    config.limits.retention.entries = 5;
    Relay::start(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn device_that_was_away_for_longer_than_the_relay_keeps_commits_comes_back() {
    let dir = TempDir::new().unwrap();
    let relay = forgetful(&dir.path().join("relay")).await;
    let [mut ann, bob, mut eve] = three(dir.path(), &relay).await;
    bob.runtime.shutdown().await;
    ann.runtime.tell(ROOM, Command::Rename("anna".to_owned())).await.unwrap();
    eve.is_among(3).await;
    for n in 0..12 {
        let text = format!("line {n}");
        ann.say(ROOM, "", &text).await;
        eve.hears(&text).await;
    }
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    bob.told("out").await;
    bob.told("back").await;
    ann.sees_back("bob").await;
    bob.say(ROOM, "", "what did I miss?").await;
    ann.hears("what did I miss?").await;
    eve.hears("what did I miss?").await;
}

/// The clocks of a machine on which so much more time has passed.
#[derive(Debug, Default)]
struct Later(AtomicU64);

impl TimeSource for Later {
    fn wall_ms(&self) -> u64 {
        SystemTimeSource.wall_ms() + self.0.load(Relaxed)
    }

    fn elapsed_ms(&self) -> u64 {
        SystemTimeSource.elapsed_ms() + self.0.load(Relaxed)
    }

    fn boot(&self) -> String {
        SystemTimeSource.boot()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn device_that_was_away_for_91_days_comes_back_without_an_invite() {
    const DAYS_91: u64 = 91 * 24 * 3_600_000;
    let dir = TempDir::new().unwrap();
    let later = Arc::new(Later::default());
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = relay::Config::new(listen, dir.path().join("relay"));
    config.time = later.clone();
    let relay = Relay::start(config).await.unwrap();
    let [mut ann, bob, mut eve] = three(dir.path(), &relay).await;
    bob.runtime.shutdown().await;
    ann.runtime.tell(ROOM, Command::Rename("anna".to_owned())).await.unwrap();
    ann.say(ROOM, "", "gone by then").await;
    eve.hears("gone by then").await;

    let before = entries(&relay).await;
    later.0.store(DAYS_91, Relaxed);
    relay.tidy().await;
    assert!(before > 2);
    assert_eq!(entries(&relay).await, 0, "nothing is younger");
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    bob.told("out").await;
    bob.told("back").await;
    ann.sees_back("bob").await;
    eve.sees_back("bob").await;
    bob.say(ROOM, "", "what did I miss?").await;
    ann.hears("what did I miss?").await;
    eve.hears("what did I miss?").await;
    ann.say(ROOM, "", "three months").await;
    bob.hears("three months").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn device_comes_back_although_its_members_are_never_online_at_the_same_time() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let [ann, bob, eve] = three(dir.path(), &relay).await;
    bob.runtime.shutdown().await;
    let (profile, backup) = (dir.path().join("bob"), dir.path().join("backup"));
    copy(&profile, &backup);
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    bob.runtime.tell(ROOM, Command::Rename("rob".to_owned())).await.unwrap();
    bob.is_among(3).await;
    for person in [ann, bob, eve] {
        person.runtime.shutdown().await;
    }
    fs::remove_dir_all(&profile).unwrap();
    copy(&backup, &profile);

    // Nobody but bob: he asks, and goes.
    let before = entries(&relay).await;
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    bob.told("out").await;
    until_there_are(before + 1, &relay).await;
    bob.runtime.shutdown().await;
    // Nobody but ann: she answers, says a line, and goes.
    let before = entries(&relay).await;
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    ann.say(ROOM, "a", "is anybody there?").await;
    ann.sent("a").await;
    until_there_are(before + 2, &relay).await;
    ann.runtime.shutdown().await;
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    bob.told("back").await;
    bob.say(ROOM, "b", "here again").await;
    bob.sent("b").await;
    bob.runtime.shutdown().await;
    let mut eve = Person::enter(dir.path(), "eve", &relay, Past::Nothing).await;
    eve.sees_back("bob").await;
    eve.hears("here again").await;
}
