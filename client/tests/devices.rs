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
    reason::DeviceReason,
    runtime::{Event, OwnDevice, Past, RoomEvent},
};
use shared::room::{self as engine, CloseReason, Policy};
use support::{
    Person,
    devices::{ROOM, device_event, three},
    relay,
};
use tempfile::TempDir;

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
    assert_eq!(refused, DeviceReason::ThisOne.into());
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
