//! A hostile member's commit, sealed so that not everybody can open it, in a room of real programs. Alone in its process:
//! what is spoiled is whatever the process seals next.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use client::runtime::Past;
use shared::room::Command;
use support::{Person, relay};
use tempfile::TempDir;

const ROOM: &str = "team";

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_spoiled_commit_puts_out_comes_back_although_the_hostile_member_is_gone() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    ann.runtime.create_own(ROOM).await.unwrap();
    let mut others = Vec::new();
    for (name, members) in [("bob", 2), ("eve", 3), ("dan", 4)] {
        let mut person = Person::enter(dir.path(), name, &relay, Past::Nothing).await;
        person.runtime.join(&ann.link(ROOM).await).await.unwrap();
        person.joined().await;
        ann.is_among(members).await;
        others.push(person);
    }
    let [mut bob, mut eve, mut dan] = <[Person; 3]>::try_from(others).unwrap_or_else(|_| panic!("three"));
    bob.is_among(4).await;
    eve.is_among(4).await;
    // Who has not spoken in this branch yet is still being confirmed, and confirmations are commits' business.
    dan.say(ROOM, "", "all well?").await;
    for person in [&mut ann, &mut bob, &mut eve] {
        person.hears("all well?").await;
    }

    shared::fuzz::spoil_next_seal();
    eve.runtime.tell(ROOM, Command::Rename("mallory".to_owned())).await.unwrap();
    dan.told("out").await;
    eve.runtime.shutdown().await;
    dan.told("back").await;
    ann.sees_back("dan").await;
    bob.sees_back("dan").await;
    dan.say(ROOM, "", "what happened?").await;
    ann.hears("what happened?").await;
    bob.hears("what happened?").await;
    bob.say(ROOM, "", "a spoiled commit").await;
    dan.hears("a spoiled commit").await;
}
