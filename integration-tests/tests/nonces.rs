//! No key ever seals two things under one nonce, however often a client crashes, between any two steps, and even
//! when an old copy of its profile is put back.
//!
//! The clients run in this process, where every seal is counted. A crash is a tokio runtime that is dropped: each
//! task ends where it waits, for example after its state was saved and before anything was sent.

use std::{fs, path::Path, time::Duration};

use client::{
    handle::Runtime,
    runtime::{Config, Event, Outgoing, OwnRelay, Past, RelayState, RoomEvent},
    store::{OpenProfile, ProfileDir},
    transport::{Pin, RelayAddress, Transport},
};
use integration_tests::{PATIENCE, copy, count, relay::Relay};
use rand_core::UnwrapErr;
use shared::{
    crypto::aead::audit,
    crypto::random::Random,
    invite::link::InviteLink,
    room::{self as engine, Command},
};
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};

const ROOM: &str = "team";

/// Messages in one life of a client.
const SAID: usize = 6;

struct Life {
    runtime: Runtime,
    events: mpsc::Receiver<Event>,
}

impl Life {
    async fn begin(dir: &Path, name: &str, relay: &Relay) -> Self {
        let address: RelayAddress = relay.address.parse().unwrap();
        let profile = ProfileDir::choose(Some(dir.join(name))).unwrap();
        let random = Random::new(UnwrapErr(getrandom::SysRng));
        let profile = OpenProfile::open(profile, Some(name), random).unwrap();
        let pin: Pin = relay.pin.parse().unwrap();
        let own = OwnRelay { dial: address.clone(), pin, advertise: address };
        let transport = Transport::new(None).unwrap();
        let config = Config {
            transport,
            relay: None,
            own: Some(own),
            past: Past::Nothing,
            only: None,
            downloads: None,
            keeps_metadata: false,
            fetches_images: false,
            tells_drafts: false,
            tap: None,
        };
        let (runtime, events) = Runtime::start(profile, config).await.unwrap();
        Self { runtime, events }
    }

    async fn say(&self, token: &str, text: &str) -> bool {
        let command = Command::Send { token: token.to_owned(), text: text.to_owned() };
        self.runtime.tell(ROOM, command).await.is_ok()
    }

    async fn until<T>(&mut self, mut fits: impl FnMut(&Event) -> Option<T>) -> T {
        let search = async {
            loop {
                let event = self.events.recv().await.expect("the client goes on");
                if let Event::Relay { state: RelayState::Lost { reason, .. }, .. } = &event {
                    panic!("{reason}");
                }
                if let Some(found) = fits(&event) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, search).await.expect("in vain")
    }

    async fn joined(&mut self) {
        self.until(|event| match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::Joined(_)), .. } => Some(()),
            _ => None,
        })
        .await;
    }

    async fn sent(&mut self, token: &str) -> u64 {
        self.until(|event| match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::Sent { token: sent, seq }), .. }
                if sent == token =>
            {
                Some(*seq)
            }
            _ => None,
        })
        .await
    }

    async fn link(&mut self) -> InviteLink {
        self.runtime.tell(ROOM, Command::INVITE).await.unwrap();
        self.until(|event| match event {
            Event::Room { event: RoomEvent::Invite { link, .. }, .. } => Some(link.clone()),
            _ => None,
        })
        .await
    }
}

/// A machine that runs clients until it loses power.
fn machine() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Dropped at once, wherever its tasks are. What the disk was told to do, it does.
fn crash(machine: tokio::runtime::Runtime) {
    drop(machine);
}

#[test]
fn no_key_and_nonce_pair_is_used_twice_over_crashes_and_restored_backups() {
    let dir = TempDir::new().unwrap();
    let mut relay = Relay::start(&dir.path().join("relay"));
    let machine_of_ann = machine();
    let link = machine_of_ann.block_on(async {
        let mut ann = Life::begin(dir.path(), "ann", &relay).await;
        ann.runtime.create_own(ROOM).await.unwrap();
        ann.joined().await;
        ann.link().await
    });
    crash(machine_of_ann);
    let machine_of_bob = machine();
    let mut bob = machine_of_bob.block_on(async {
        let mut bob = Life::begin(dir.path(), "bob", &relay).await;
        bob.runtime.join(&link).await.unwrap();
        bob.joined().await;
        bob
    });

    // A file goes along through all lives, wherever they end.
    let path = dir.path().join("file");
    fs::write(
        &path,
        (0..9_u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<_>>(),
    )
    .unwrap();
    let file = || Outgoing {
        path: path.clone(),
        text: String::new(),
        reply_to: None,
        keeps_metadata: false,
        duration_ms: 0,
        token: "file".to_owned(),
    };

    // Crashes at other moments each time: after so many events, and so many polls later.
    let lives = count("SCHAT_LIVES", 40);
    for life in 0..lives {
        let machine = machine();
        let at = Duration::from_micros(u64::try_from(life * 137 % 9000).unwrap());
        machine.block_on(async {
            let mut ann = Life::begin(dir.path(), "ann", &relay).await;
            let (runtime, file) = (ann.runtime.clone(), file());
            tokio::spawn(async move {
                if life == 0 && runtime.send_file(ROOM, file).await.is_err() {
                    return;
                }
                for i in 0..SAID {
                    let text = format!("{life:04} {i}");
                    let command = Command::Send { token: String::new(), text };
                    if runtime.tell(ROOM, command).await.is_err() {
                        return;
                    }
                }
            });
            // Only the moment of the crash comes from the clock; nothing that is asserted does.
            if life % 2 == 0 {
                ann.joined().await;
            }
            let _ = timeout(at, std::future::pending::<()>()).await;
        });
        crash(machine);
    }
    no_pair_twice();
    // A life that says the last word, so that bob knows when he has heard everything.
    let machine_of_ann = machine();
    machine_of_ann.block_on(async {
        let mut ann = Life::begin(dir.path(), "ann", &relay).await;
        ann.joined().await;
        while let Some((_, transfer)) = ann.runtime.transfers(None).await.unwrap().pop() {
            ann.until(|event| match event {
                Event::Room { event: RoomEvent::Transfer(told), .. } => {
                    (told.number == transfer.number && told.state.is_final()).then_some(())
                }
                _ => None,
            })
            .await;
        }
        assert!(ann.say("end", "the end").await);
        ann.sent("end").await;
        ann.runtime.shutdown().await;
    });
    let mut files = Vec::new();
    let heard = machine_of_bob.block_on(async {
        let mut heard = Vec::new();
        bob.until(|event| match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::Message(message)), .. } => {
                match &message.file {
                    Some(file) => files.push(file.clone()),
                    None => heard.push(message.text.clone()),
                }
                (message.text == "the end").then_some(())
            }
            Event::Room { event: RoomEvent::Engine(engine::Event::Alarm(alarm)), .. } => {
                panic!("{alarm:?}")
            }
            _ => None,
        })
        .await;
        heard
    });
    assert_eq!(files.len(), 1, "the file was not offered, or more than once");
    assert!(heard.len() > lives, "the crashes came too early: {heard:?}");
    assert!(heard.is_sorted_by(|a, b| a < b), "doubled or reordered: {heard:?}");

    // The same backup of everything is put back again and again: of the client, and of the relay, so that the client
    // cannot notice. It says something else in each of these lives, with the keys that it has already used.
    crash(machine_of_bob);
    let (profile, data, backup) =
        (dir.path().join("ann"), dir.path().join("relay"), dir.path().join("backup"));
    relay.kill();
    copy(&profile, &backup.join("ann"));
    copy(&data, &backup.join("relay"));
    let before = audit::summary().seals;
    let mut positions = Vec::new();
    for life in 0..5 {
        fs::remove_dir_all(&profile).unwrap();
        fs::remove_dir_all(&data).unwrap();
        copy(&backup.join("ann"), &profile);
        copy(&backup.join("relay"), &data);
        relay.restart();
        let machine = machine();
        positions.push(machine.block_on(async {
            let mut ann = Life::begin(dir.path(), "ann", &relay).await;
            ann.joined().await;
            assert!(ann.say("again", &format!("another life {life}")).await);
            ann.sent("again").await
        }));
        crash(machine);
        relay.kill();
    }
    assert!(positions.iter().all(|position| *position == positions[0]), "history did not repeat itself");
    assert!(no_pair_twice() >= before + 5 && before > u64::try_from(lives).unwrap(), "nothing was counted");
}

/// How often something was sealed so far, each time with a fresh pair.
#[track_caller]
fn no_pair_twice() -> u64 {
    let summary = audit::summary();
    assert_eq!((summary.repeats, summary.conflicts, summary.unrecorded), (0, 0, 0), "{summary:?}");
    summary.seals
}
