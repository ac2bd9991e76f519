//! A person with two devices, and somebody else.

use std::path::Path;

use client::{
    runtime::{Event, Past, RoomEvent},
    store::{OpenProfile, ProfileDir},
};
use relay::Relay;
use shared::room as engine;
use tempfile::TempDir;

use super::{Person, random};

/// Where they are.
pub(crate) const ROOM: &str = "team";

/// A profile with the account of another one, as after linking, and a name of its own for the device.
pub(crate) fn linked(dir: &Path, of: &str, name: &str, device: &str) {
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

pub(crate) async fn device_event(person: &mut Person) -> engine::Event {
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
pub(crate) async fn three(dir: &TempDir, relay: &Relay) -> (Person, Person, Person) {
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

pub(crate) async fn enter(dir: &Path, profile: &str, relay: &Relay) -> Person {
    let place = dir.join(profile);
    // The directory has the name of the profile, the person that of the account.
    assert!(place.exists());
    let person = Person::enter(dir, profile, relay, Past::Nothing).await;
    person.runtime.rename("bob").await.unwrap();
    person
}
