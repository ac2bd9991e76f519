//! One person with two devices, at a real relay: what the others see, and how a device is taken out for good.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::{path::Path, process::Command as Process};

use client::{
    runtime::{Event, OwnDevice, Past, RoomEvent},
    store::{OpenProfile, ProfileDir},
};
use shared::room::{self as engine, CloseReason, Policy};
use support::{Person, random, relay};
use tempfile::TempDir;

const ROOM: &str = "team";

/// A profile with the account of another one, as after linking, and a name of its own for the device.
fn linked(dir: &Path, of: &str, name: &str, device: &str) {
    let open = |name: &str| {
        let place = ProfileDir::choose(Some(dir.join(name))).unwrap();
        OpenProfile::open(place, Some(of), random()).unwrap()
    };
    let account = open(of).engine.identity.clone();
    let device = device.to_owned();
    open(name)
        .vault
        .now(|store| {
            store.set_account(&account, None)?;
            store.set_device_name(&device)
        })
        .unwrap();
}

async fn device_event(person: &mut Person) -> engine::Event {
    person
        .until(|event| match event {
            Event::Room { event: RoomEvent::Engine(event), .. } => {
                matches!(event, engine::Event::DeviceJoined { .. } | engine::Event::DeviceLeft { .. })
                    .then_some(event)
            }
            _ => None,
        })
        .await
}

/// Ann and bob, who has a laptop and a phone.
async fn three(dir: &TempDir, relay: &relay::Relay) -> (Person, Person, Person) {
    let mut ann = Person::enter(dir.path(), "ann", relay, Past::Nothing).await;
    ann.runtime.create_own(ROOM).await.unwrap();
    let link = ann.link(ROOM).await;
    linked(dir.path(), "bob", "bob's phone", "phone");
    let mut bob = Person::enter(dir.path(), "bob", relay, Past::Nothing).await;
    bob.runtime.name_device("laptop").await.unwrap();
    bob.runtime.join(&link).await.unwrap();
    bob.joined().await;
    let mut phone = enter(dir.path(), "bob's phone", relay).await;
    phone.runtime.join(&link).await.unwrap();
    phone.joined().await;
    device_event(&mut bob).await;
    // Each has heard of the others: their joins are taken.
    ann.until(|event| match event {
        Event::Room { event: RoomEvent::Engine(engine::Event::DeviceJoined { device, .. }), .. } => {
            (device.name == "phone").then_some(())
        }
        _ => None,
    })
    .await;
    ann.say(ROOM, "", "welcome").await;
    bob.hears("welcome").await;
    phone.hears("welcome").await;
    bob.say(ROOM, "", "hello").await;
    ann.hears("hello").await;
    phone.hears("hello").await;
    (ann, bob, phone)
}

async fn enter(dir: &Path, profile: &str, relay: &relay::Relay) -> Person {
    let place = dir.join(profile);
    // The directory has the name of the profile, the person that of the account.
    assert!(place.exists());
    let person = Person::enter(dir, profile, relay, Past::Nothing).await;
    person.runtime.rename("bob").await.unwrap();
    person
}

fn names(devices: &[OwnDevice]) -> Vec<(&str, bool)> {
    devices.iter().map(|one| (&*one.name, one.is_me)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn device_joins_as_a_device_and_is_taken_out_by_another_one() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob, mut phone) = three(&dir, &relay).await;
    assert_eq!(ann.runtime.view(ROOM).unwrap().count(), 2);
    assert_eq!(names(&bob.runtime.devices().await.unwrap()), [("laptop", true), ("phone", false)]);
    assert_eq!(ann.runtime.devices().await.unwrap().len(), 1);
    // What one says is the other's own.
    phone.say(ROOM, "", "from the phone").await;
    assert!(bob.hears("from the phone").await.mine);
    assert!(!ann.hears("from the phone").await.mine);
    let refused = bob.runtime.remove_device("laptop").await.unwrap_err();
    assert_eq!(refused.message, "That is this device.");
    bob.runtime.remove_device("phone").await.unwrap();
    let left = device_event(&mut ann).await;
    assert!(matches!(&left, engine::Event::DeviceLeft { device, .. } if device.name == "phone"), "{left:?}");
    let reason = phone
        .until(|event| match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::Closed { reason, .. }), .. } => {
                Some(reason)
            }
            _ => None,
        })
        .await;
    assert_eq!(reason, CloseReason::RemovedByOwn);
    device_event(&mut bob).await;
    assert_eq!(names(&bob.runtime.devices().await.unwrap()), [("laptop", true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_that_no_relay_heard_of_is_done_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let home = dir.path().join("relay");
    let server = relay(&home, 0).await;
    let port = support::address(&server).port;
    let (ann, bob, phone) = three(&dir, &server).await;
    phone.runtime.shutdown().await;
    server.shutdown().await;
    bob.runtime.remove_device("phone").await.unwrap();
    assert!(bob.runtime.devices().await.unwrap().iter().any(|one| one.goes));
    bob.runtime.shutdown().await;
    ann.runtime.shutdown().await;
    let server = relay(&home, port).await;
    let mut bob = Person::enter(dir.path(), "bob", &server, Past::Nothing).await;
    let left = device_event(&mut bob).await;
    assert!(matches!(&left, engine::Event::DeviceLeft { device, .. } if device.name == "phone"), "{left:?}");
    bob.runtime.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_of_own_devices_is_in_no_list_and_tells_nothing() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    let policy = Policy { own_devices: true, ..Policy::default() };
    let label = bob.runtime.create("own devices", None, policy).await.unwrap();
    bob.runtime.create_own(ROOM).await.unwrap();
    let both = async {
        while bob.runtime.devices().await.unwrap().len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(support::PATIENCE, both).await.expect("both rooms are made");
    assert!(label.starts_with("own devices~"), "{label}");
    let rooms: Vec<_> = bob.runtime.rooms().into_iter().map(|room| room.label).collect();
    assert_eq!(rooms, [ROOM]);
    bob.runtime.shutdown().await;
    let devices = run(dir.path(), &["--json", "devices"]);
    assert!(devices.contains(r#""own_devices":true"#) && devices.contains(ROOM), "{devices}");
    assert!(!run(dir.path(), &["rooms", "--all"]).contains("own devices"));
}

/// What `schat` writes for bob.
fn run(dir: &Path, arguments: &[&str]) -> String {
    let mut schat = Process::new(env!("CARGO_BIN_EXE_schat"));
    let done = schat.arg("--profile").arg(dir.join("bob")).args(arguments).output().unwrap();
    String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap()
}
