//! What people are told when they run into a limit of a real relay.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::time::Duration;

use client::{
    failure::Failure,
    runtime::{Event, Past, RelayState, RoomEvent},
};
use relay::{Limits, Rate};
use support::{Person, relay};
use tempfile::TempDir;

const ROOM: &str = "team";

impl Person {
    /// What the next error of a room says.
    async fn error(&mut self) -> Failure {
        self.until(|event| match event {
            Event::Room { event: RoomEvent::Notice { notice, .. }, .. } => Some(Failure::from(&notice)),
            _ => None,
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn member_over_the_rate_is_told_so_and_loses_nothing() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    ann.runtime.create_own(ROOM).await.unwrap();
    let link = ann.link(ROOM).await;
    bob.runtime.join(&link).await.unwrap();
    bob.joined().await;
    ann.is_among(2).await;
    ann.say(ROOM, "t0", "before").await;
    ann.sent("t0").await;
    relay
        .reload(Limits { publish: Rate { burst: 1, interval: Duration::from_secs(1) }, ..Limits::default() });
    for text in ["one", "two", "three"] {
        ann.say(ROOM, text, text).await;
    }
    let told = ann.error().await;
    assert_eq!(told.code, "rate_limited");
    assert!(told.remedy.contains("--rate"), "{told:?}");
    for text in ["one", "two", "three"] {
        bob.hears(text).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn room_too_many_for_a_connection_is_told_so_and_waits() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    relay.reload(Limits { rooms_per_connection: 1, ..Limits::default() });
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    ann.runtime.create_own("first").await.unwrap();
    ann.joined().await;
    ann.runtime.create_own("second").await.unwrap();
    let told = ann.error().await;
    assert_eq!(told.code, "too_many_rooms");
    assert!(told.remedy.contains("--rooms-per-connection"), "{told:?}");
    relay.reload(Limits::default());
    ann.until(|event| match event {
        Event::Room { room, event: RoomEvent::Engine(shared::room::Event::Joined(_)) }
            if &*room == "second" =>
        {
            Some(())
        }
        _ => None,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn person_whom_a_full_relay_refuses_is_told_what_that_can_mean() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    relay.reload(Limits { connections: 0, ..Limits::default() });
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    ann.runtime.create_own(ROOM).await.unwrap();
    let lost = ann
        .until(|event| match event {
            Event::Relay { state: RelayState::Lost { reason, retry }, .. } => {
                Some((Failure::from(reason), retry))
            }
            _ => None,
        })
        .await;
    assert_eq!(lost.0.code, "refused");
    assert!(lost.0.remedy.contains("--max-connections-per-address"), "{:?}", lost.0);
    assert!(lost.1.is_some(), "it is tried again");
}
