//! A relay that was restored from a backup: the room stands still until a person agrees, and then goes on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::{fs::File, path::Path};

use client::{
    failure::Failure,
    runtime::{Event, Past, RoomEvent},
    store::Notice,
};
use relay::{
    backend::{Backend, redb::Redb},
    backup,
    limits::Limits,
};
use shared::room::{Command, Problem};
use support::{Person, relay};
use tempfile::TempDir;

const ROOM: &str = "team";

/// Of a relay that does not run.
async fn back_up(home: &Path, file: &Path) {
    let backend = Redb::open(home, &Limits::default()).unwrap();
    backup::write(&backend, home, 0, File::create(file).unwrap()).unwrap();
    backend.close().await;
}

/// What is told of the restore.
async fn told(person: &mut Person) -> Failure {
    person
        .until(|event| match event {
            Event::Room { event: RoomEvent::Notice { notice, again: false, .. }, .. } => match &notice {
                Notice::Problem(Problem::RelayRestored) => Some(Failure::from(&notice)),
                _ => panic!("{notice:?}"),
            },
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn room_of_a_restored_relay_waits_for_a_person_who_says_accept() {
    let dir = TempDir::new().unwrap();
    let (home, file) = (dir.path().join("relay"), dir.path().join("backup"));
    let first = relay(&home, 0).await;
    let port = first.addresses()[0].port();
    let mut ann = Person::enter(dir.path(), "ann", &first, Past::Nothing).await;
    let mut bob = Person::enter(dir.path(), "bob", &first, Past::Nothing).await;
    ann.runtime.create_own(ROOM).await.unwrap();
    bob.runtime.join(&ann.link(ROOM).await).await.unwrap();
    bob.joined().await;
    ann.is_among(2).await;
    bob.say(ROOM, "", "before the backup").await;
    ann.hears("before the backup").await;
    first.shutdown().await;
    back_up(&home, &file).await;

    let second = relay(&home, port).await;
    ann.say(ROOM, "", "after the backup").await;
    bob.hears("after the backup").await;
    second.shutdown().await;
    backup::restore(&file, &home, true, 0).unwrap();

    let third = relay(&home, port).await;
    for person in [&mut ann, &mut bob] {
        let told = told(person).await;
        assert!(told.message.contains("restored from a backup"), "{told:?}");
        assert!(told.remedy.contains("/accept"), "the remedy names the command: {told:?}");
    }
    // Whoever starts again learns it again.
    bob.say(ROOM, "b", "are you there?").await;
    bob.runtime.shutdown().await;
    let mut bob = Person::enter(dir.path(), "bob", &third, Past::Nothing).await;
    told(&mut bob).await;
    for person in [&ann, &bob] {
        person.runtime.tell(ROOM, Command::Accept).await.unwrap();
    }
    bob.sent("b").await;
    ann.hears("are you there?").await;
    // The numbers of what was lost come again, for other lines.
    for person in [&ann, &bob] {
        let kept = person.runtime.history(ROOM, 0, 100).await.unwrap();
        assert!(kept.iter().any(|line| line.message.text == "are you there?"), "{kept:?}");
    }
    ann.say(ROOM, "", "as before").await;
    bob.hears("as before").await;
}
