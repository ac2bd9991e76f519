//! Random lives of people with two and three devices each, at a real relay: they read, mute, pin, verify, rename, make rooms, join,
//! leave, remove others and devices of theirs, go offline, end and start again. In the end all devices of a person show the same.
//!
//! `SCHAT_SEEDS=200` lives more of them, `SCHAT_SEED=4711` with `SCHAT_TELL=1` tells one step by step.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

#[path = "seeds/cast.rs"]
mod cast;
#[path = "seeds/judge.rs"]
mod judge;
#[path = "seeds/life.rs"]
mod life;
#[path = "seeds/network.rs"]
mod network;
mod support;

use cast::{Cast, TEAM};
use judge::all_agree;
use shared::room::Policy;
use tempfile::TempDir;

/// Lives at the same time: most of one is waiting.
const AT_ONCE: usize = 4;

/// Lives in which something was not the same at all devices once.
const FOUND: [u64; 7] = [1, 2, 10, 17, 27, 28, 32];

/// Steps of a life.
const STEPS: usize = 40;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn device_that_is_linked_later_learns_which_device_is_which() {
    let dir = TempDir::new().unwrap();
    let mut cast = Cast::meet(dir.path(), &[("ann", 2)]).await;
    // Both have said who they are, and nothing of that changes.
    all_agree(&cast).await.unwrap();
    cast.link(0, "ann 2").await;
    all_agree(&cast).await.unwrap();
    cast.part().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_that_got_the_account_before_either_came_in_both_come_in() {
    let dir = TempDir::new().unwrap();
    let mut cast = Cast::meet(dir.path(), &[("ann", 1)]).await;
    let new = [cast.hand_over(0, "ann 1").await, cast.hand_over(0, "ann 2").await];
    for at in new {
        cast.start(at).await;
    }
    for at in new {
        cast.is_in(at, TEAM).await;
    }
    all_agree(&cast).await.unwrap();
    cast.part().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn room_that_is_made_after_the_account_was_handed_over_comes_to_the_new_device() {
    let dir = TempDir::new().unwrap();
    let mut cast = Cast::meet(dir.path(), &[("ann", 1)]).await;
    let new = cast.hand_over(0, "ann 1").await;
    let runtime = cast.devices[0].runtime.clone().unwrap();
    runtime.create("club", Some(cast.address()), Policy::default()).await.unwrap();
    cast.is_in(0, "club").await;
    // It has looked for other devices, and there were none.
    let told = || cast.devices[0].vault.as_ref().unwrap().now(|store| store.device_told()).unwrap();
    assert!(cast.comes_to(async || told().is_some_and(|told| told.here.rooms.len() == 2)).await);
    runtime.name_device("laptop").await.unwrap();
    assert!(cast.comes_to(async || told().is_some_and(|told| told.here.name == "laptop")).await);
    cast.start(new).await;
    for room in [TEAM, "club"] {
        cast.is_in(new, room).await;
    }
    all_agree(&cast).await.unwrap();
    cast.part().await;
}

/// How a device calls another one of its person.
async fn id_of(cast: &Cast, at: usize, name: &str) -> String {
    let found = async || {
        let all = cast.devices[at].runtime.as_ref().unwrap().devices().await.unwrap();
        all.iter().find(|one| one.is_hidden && one.name == name).map(|one| one.id.to_string())
    };
    assert!(cast.comes_to(async || found().await.is_some()).await, "it is never called {name}");
    found().await.unwrap()
}

async fn is_out(cast: &Cast, at: usize, name: &str) -> bool {
    let all = cast.devices[at].runtime.as_ref().unwrap().devices().await.unwrap();
    all.iter().all(|one| one.name != name)
}

fn has_ended(cast: &Cast, at: usize, room: &str, invites: &[[u8; 16]]) -> bool {
    let view = cast.devices[at].runtime.as_ref().unwrap().view(room);
    view.is_some_and(|view| view.invites.iter().all(|invite| !invites.contains(&invite.id)))
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_device_comes_in_by_no_way_that_was_made_for_it_before() {
    let dir = TempDir::new().unwrap();
    let cast = Cast::meet(dir.path(), &[("ann", 2)]).await;
    all_agree(&cast).await.unwrap();
    let (ann, thief) = (&cast.devices[0], &cast.devices[1]);
    let runtime = ann.runtime.as_ref().unwrap();
    // The thief's program hears of a way into a room, and keeps it for later.
    thief.door.set(false);
    runtime.create("club", Some(cast.address()), Policy::default()).await.unwrap();
    let offers = cast.offered(0, 1).await;
    runtime.remove_device(&id_of(&cast, 0, "ann 1").await).await.unwrap();
    assert!(cast.comes_to(async || is_out(&cast, 0, "ann 1").await).await);
    let ended = cast.comes_to(async || has_ended(&cast, 0, "club", &[offers[0].link.link.secret.id()])).await;
    thief.door.set(true);
    assert!(!cast.gets_in(1, &offers[0].link).await, "a device that was taken out is in a room");
    assert!(ended);
    cast.part().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn device_that_another_one_removed_comes_in_by_no_way_that_was_made_for_any() {
    let dir = TempDir::new().unwrap();
    let cast = Cast::meet(dir.path(), &[("ann", 3)]).await;
    all_agree(&cast).await.unwrap();
    let doors: Vec<_> = cast.devices.iter().map(|device| device.door.clone()).collect();
    let runtime = |at: usize| cast.devices[at].runtime.as_ref().unwrap();
    doors[1].set(false);
    doors[2].set(false);
    runtime(0).create("club", Some(cast.address()), Policy::default()).await.unwrap();
    let offers = cast.offered(0, 2).await;
    // Whoever takes the thief's device out is not in that room, and whoever is hears of it later.
    doors[0].set(false);
    doors[2].set(true);
    runtime(2).remove_device(&id_of(&cast, 2, "ann 1").await).await.unwrap();
    assert!(cast.comes_to(async || is_out(&cast, 2, "ann 1").await).await);
    doors[0].set(true);
    assert!(cast.comes_to(async || is_out(&cast, 0, "ann 1").await).await);
    let those: Vec<_> = offers.iter().map(|offer| offer.link.link.secret.id()).collect();
    let ended = cast.comes_to(async || has_ended(&cast, 0, "club", &those)).await;
    doors[1].set(true);
    for offer in &offers {
        assert!(!cast.gets_in(1, &offer.link).await, "a device that was taken out is in a room");
    }
    assert!(ended);
    // The third one comes in all the same.
    cast.is_in(2, "club").await;
    cast.part().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_devices_of_a_person_come_to_the_same_after_any_order_of_offline_work() {
    let seeds: Vec<u64> = match number("SCHAT_SEED") {
        Some(seed) => vec![seed],
        None => number("SCHAT_SEEDS").map_or(FOUND.to_vec(), |count| (0..count).collect()),
    };
    let steps = number("SCHAT_STEPS").map_or(STEPS, |steps| steps as usize);
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let mut lives = tokio::task::JoinSet::new();
    for seed in seeds {
        let places = places.clone();
        lives.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let dir = TempDir::new().unwrap();
            let place = dir.path().to_owned();
            let life = tokio::spawn(async move { life::live(&place, seed, steps).await });
            // What panics has said why.
            life.await.unwrap_or_else(|_| Err(format!("seed {seed} panicked"))).err()
        });
    }
    let mut wrong = Vec::new();
    while let Some(life) = lives.join_next().await {
        match life {
            Ok(None) => {}
            Ok(Some(why)) => {
                eprintln!("{why}");
                wrong.push(why);
            }
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
    assert!(wrong.is_empty(), "{} lives went wrong: {}", wrong.len(), wrong.join("\n\n"));
}
