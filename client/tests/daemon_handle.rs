//! The runtime of a daemon, through the handle that faces use.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]
#![cfg(unix)]

mod support;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use client::{
    daemon::{self, Daemon, Options},
    failure::Failure,
    handle::Runtime,
    runtime::{Config, Event, OwnRelay, Past, RoomEvent},
    store::{OpenProfile, ProfileDir, Query},
    transport::Transport,
};
use relay::{Limits, Rate, Relay};
use shared::{
    message::timeline::Line,
    room::{self as engine, Command},
};
use support::{PATIENCE, Person, address, random, relay};
use tempfile::TempDir;
use tokio::{task::JoinHandle, time::timeout};

const ROOM: &str = "team";

fn dir(home: &Path, name: &str) -> ProfileDir {
    ProfileDir::choose(Some(home.join(name))).unwrap()
}

/// A daemon in this process.
async fn start(home: &Path, name: &str, relay: &Relay) -> JoinHandle<()> {
    let profile = OpenProfile::open(dir(home, name), Some(name), random()).unwrap();
    let dial = address(relay);
    let own = Some(OwnRelay { dial: dial.clone(), pin: relay.pin(), advertise: dial });
    let transport = Transport::new(None).unwrap();
    let config = Config {
        transport,
        relay: None,
        own,
        past: Past::Nothing,
        only: None,
        downloads: None,
        keeps_metadata: false,
        fetches_images: false,
        tells_drafts: false,
        tap: None,
    };
    let daemon = Daemon::start(profile, config).await.unwrap();
    tokio::spawn(daemon.run(std::future::pending()))
}

async fn attach(home: &Path, name: &str, past: Past, only: Option<&str>) -> Result<Person, Failure> {
    let dir = dir(home, name);
    let found = daemon::find(&dir).await?.expect("the daemon runs");
    let options = Options {
        past,
        only: only.map(str::to_owned),
        relay: None,
        patience: Some(PATIENCE),
        hold: PATIENCE,
    };
    let face = u64::from_be_bytes(random().bytes::<8>());
    let (runtime, events) = Runtime::attach(dir, found, face, options).await?;
    Ok(Person { runtime, events })
}

/// Says what it sees, so that two of it can be compared.
async fn life(bob: &mut Person, ann: &mut Person, relay: &Relay) -> Vec<String> {
    let mut seen = Vec::new();
    let link = ann.link(ROOM).await;
    let label = bob.runtime.join(&link).await.unwrap();
    let view = bob.joined().await;
    seen.push(format!("{label} {} {}", view.members.len(), bob.runtime.is_empty()));
    let status = bob.runtime.room(ROOM).unwrap();
    assert_eq!(status.relay, Some(address(relay)));
    seen.push(format!("{:?} {}", status.view.map(|view| view.epoch), status.is_verified));

    bob.runtime.rename("robert").await.unwrap();
    bob.runtime.describe("away", "🚆").await.unwrap();
    seen.push(format!("{} {:?}", bob.runtime.me().0, bob.runtime.description()));
    bob.say(ROOM, "t1", "the first of all").await;
    bob.sent("t1").await;
    ann.hears("the first of all").await;
    ann.say(ROOM, "", "an answer").await;
    let answer = bob.hears("an answer").await;
    let history = bob.runtime.history(ROOM, 0, 10).await.unwrap();
    seen.push(format!("{:?}", history.iter().map(|line| &line.message.text).collect::<Vec<_>>()));
    let before = bob.runtime.history_before(ROOM, answer.seq, 1).await.unwrap();
    seen.push(format!("{:?}", before[0].message.text));
    let line = bob.runtime.line(ROOM, answer.id).await.unwrap().unwrap();
    seen.push(line.message.text);
    let hits = bob.runtime.search(None, &Query::new("first", None), 10).await.unwrap();
    seen.push(format!("{} {}", hits.len(), hits[0].room));

    bob.runtime.set_draft(ROOM, "half a").await.unwrap();
    seen.push(bob.runtime.draft(ROOM).await.unwrap().unwrap().to_string());
    bob.runtime.mute(ROOM, true).await.unwrap();
    bob.runtime.pin(ROOM, true).await.unwrap();
    let status = bob.runtime.room(ROOM).unwrap();
    seen.push(format!("{} {}", status.is_muted, status.is_pinned));
    bob.runtime.ack(ROOM, answer.seq).await.unwrap();

    let her = answer.from;
    seen.push(bob.runtime.verify(&her).await.unwrap_err().code().to_owned());
    assert_eq!(bob.runtime.compare(&her.fingerprint), ann.runtime.compare(&bob.runtime.me().1));
    bob.runtime.verify(&her).await.unwrap();
    let is_verified = bob.runtime.is_verified(&her.fingerprint);
    seen.push(format!("{is_verified} {}", bob.runtime.room(ROOM).unwrap().is_verified));
    let person = bob.runtime.person(&her.fingerprint).await.unwrap().unwrap();
    seen.push(format!("{:?} {}", person.names, bob.runtime.people().await.unwrap().len()));

    bob.runtime.tell(ROOM, Command::INVITE).await.unwrap();
    let invited = |event| match event {
        Event::Room { event: RoomEvent::Invite { link, .. }, .. } => Some(link.port),
        _ => None,
    };
    assert_eq!(bob.until(invited).await, address(relay).port);
    let stranger = shared::identity::Fingerprint([7; 32]);
    bob.runtime.tell(ROOM, Command::Remove(stranger)).await.unwrap();
    let refused = bob.until(|event| match event {
        Event::Room { event: RoomEvent::Notice { ordinal, notice, again }, .. } => {
            Some((ordinal, notice, again))
        }
        _ => None,
    });
    let (ordinal, notice, again) = refused.await;
    let Some(code) = notice.code() else { panic!("{notice:?}") };
    seen.push(format!("{code} {again} {}", bob.runtime.why().unwrap().code()));
    bob.runtime.seen(ordinal).await.unwrap();
    seen.push(Failure::from(bob.runtime.tell("nowhere", Command::INVITE).await.unwrap_err()).message);
    bob.runtime.tell(ROOM, Command::Leave).await.unwrap();
    bob.until(|event| match event {
        Event::Room { event: RoomEvent::Engine(engine::Event::Closed { .. }), .. } => Some(()),
        _ => None,
    })
    .await;
    seen.push(format!("{:?} {}", bob.runtime.room(ROOM).unwrap().over, bob.runtime.is_empty()));
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn runtime_of_a_daemon_does_what_one_in_this_process_does() {
    let home = TempDir::new().unwrap();
    let relay = relay(&home.path().join("relay"), 0).await;
    let mut lives = Vec::new();
    for is_remote in [false, true] {
        let home = home.path().join(is_remote.to_string());
        let mut ann = Person::enter(&home, "ann", &relay, Past::Nothing).await;
        ann.runtime.create_own(ROOM).await.unwrap();
        let mut bob = if is_remote {
            start(&home, "bob", &relay).await;
            attach(&home, "bob", Past::Nothing, None).await.unwrap()
        } else {
            Person::enter(&home, "bob", &relay, Past::Nothing).await
        };
        if is_remote {
            assert!(bob.runtime.create_own("own").await.is_err(), "a daemon runs no relay");
        }
        lives.push(life(&mut bob, &mut ann, &relay).await);
    }
    assert_eq!(lives[1], lives[0]);
}

/// Somebody with a room, and a daemon that is in it.
async fn pair(home: &Path, relay: &Relay) -> (Person, JoinHandle<()>) {
    let fast = Rate { burst: 100_000, interval: Duration::from_secs(60) };
    relay.reload(Limits { publish: fast, room_publish: fast, ..Limits::default() });
    let mut ann = Person::enter(home, "ann", relay, Past::Nothing).await;
    ann.runtime.create_own(ROOM).await.unwrap();
    let link = ann.link(ROOM).await;
    let daemon = start(home, "bob", relay).await;
    let mut bob = attach(home, "bob", Past::Nothing, None).await.unwrap();
    bob.runtime.join(&link).await.unwrap();
    bob.joined().await;
    ann.is_among(2).await;
    bob.runtime.shutdown().await;
    (ann, daemon)
}

async fn faces(home: &Path, count: u64) {
    let wait = async {
        while daemon::status(&dir(home, "bob")).await.unwrap().unwrap().faces != count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never {count} faces"));
}

/// Texts of the next `count` messages.
async fn texts(person: &mut Person, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        let next = person.until(|event| match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::Message(message)), .. }
            | Event::Room { event: RoomEvent::Past(Line { message, .. }), .. } => Some(message.text),
            _ => None,
        });
        texts.push(next.await);
    }
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn face_that_does_not_read_is_cut_off_alone_and_misses_nothing_when_it_does() {
    const SAID: usize = 1_200;
    let home = TempDir::new().unwrap();
    let home = home.path();
    let relay = relay(&home.join("relay"), 0).await;
    let (mut ann, _daemon) = pair(home, &relay).await;
    let mut slow = attach(home, "bob", Past::Nothing, None).await.unwrap();
    let mut quick = attach(home, "bob", Past::Nothing, None).await.unwrap();
    let said: Vec<String> = (0..SAID).map(|number| format!("number {number}")).collect();
    let reads = tokio::spawn(async move { texts(&mut quick, SAID).await });
    for text in &said {
        ann.say(ROOM, "", text).await;
        if text.ends_with("00") {
            ann.hears(text).await;
        }
    }
    ann.hears(said.last().unwrap()).await;
    assert_eq!(reads.await.unwrap(), said);
    // The quick one has gone; the slow one was cut off, and is there again without events.
    faces(home, 1).await;
    // It answers all the same, and before anything is read.
    assert_eq!(slow.runtime.me().0, "bob");
    let asked = timeout(PATIENCE, slow.runtime.ack(ROOM, 1)).await;
    asked.expect("an answer while much waits to be read").unwrap();
    let first = slow.events.recv().await.unwrap();
    assert_eq!(texts(&mut slow, SAID).await, said, "after {first:?}");
    faces(home, 1).await;
    ann.say(ROOM, "", "and now").await;
    assert_eq!(texts(&mut slow, 1).await, ["and now"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn faces_that_attach_in_a_storm_get_the_past_and_what_comes_without_gap_or_double() {
    /// Faces that come and go while the storm lasts.
    const FACES: usize = 12;
    let home = TempDir::new().unwrap();
    let path = home.path().to_owned();
    let relay = relay(&path.join("relay"), 0).await;
    let (mut ann, _daemon) = pair(&path, &relay).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let ends = is_over.clone();
    let storm = tokio::spawn(async move {
        let mut said = 0;
        while !ends.load(Ordering::Relaxed) {
            for _ in 0..10 {
                ann.say(ROOM, "", &said.to_string()).await;
                said += 1;
            }
            ann.hears(&(said - 1).to_string()).await;
        }
        (ann, said)
    });
    for count in 0..FACES {
        let past = [Past::Unacknowledged, Past::Last(3), Past::Nothing][count % 3];
        let mut face = attach(&path, "bob", past, Some(ROOM)).await.unwrap();
        let heard: Vec<usize> = texts(&mut face, 40).await.iter().map(|text| text.parse().unwrap()).collect();
        let first = heard[0];
        assert!(past != Past::Unacknowledged || first == 0, "{past:?} begins with {first}");
        assert_eq!(heard, (first..first + 40).collect::<Vec<_>>(), "{past:?}");
    }
    is_over.store(true, Ordering::Relaxed);
    let (_ann, said) = storm.await.unwrap();
    let mut all = attach(&path, "bob", Past::Unacknowledged, None).await.unwrap();
    let wanted: Vec<String> = (0..said).map(|number| number.to_string()).collect();
    assert_eq!(texts(&mut all, said).await, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn alarm_that_came_while_nobody_was_there_waits_for_the_first_who_is() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    let relay = relay(&home.join("relay"), 0).await;
    let (mut ann, _daemon) = pair(home, &relay).await;
    faces(home, 0).await;
    // Somebody whose name passes for bob's, with another key: an alarm at bob's.
    let mut other = Person::enter(&home.join("elsewhere"), "b0b", &relay, Past::Nothing).await;
    other.runtime.join(&ann.link(ROOM).await).await.unwrap();
    other.joined().await;
    let mut first = attach(home, "bob", Past::Nothing, None).await.unwrap();
    let notice = |event| match event {
        Event::Room { event: RoomEvent::Notice { ordinal, notice, again }, .. } => {
            Some((ordinal, notice, again))
        }
        _ => None,
    };
    let (ordinal, told, _) = first.until(notice).await;
    assert_eq!(told.kind(), Some(engine::AlarmKind::Impostor), "{told:?}");
    // It was not shown yet: the next one is told as well.
    let mut second = attach(home, "bob", Past::Nothing, None).await.unwrap();
    assert_eq!(second.until(notice).await, (ordinal, told, true));
    second.runtime.seen(ordinal).await.unwrap();
    let mut third = attach(home, "bob", Past::Nothing, None).await.unwrap();
    third
        .until(|event| match event {
            Event::Room { event: RoomEvent::Notice { .. }, .. } => panic!("told again: {event:?}"),
            Event::Room { event: RoomEvent::Engine(engine::Event::Joined(_)), .. } => Some(()),
            _ => None,
        })
        .await;
}
