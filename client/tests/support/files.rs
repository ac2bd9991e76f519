//! Files that people send each other.

use std::{
    fs,
    path::{Path, PathBuf},
};

use client::{
    reason::Reason,
    runtime::{Event, Outgoing, Past, RoomEvent, Steer, Transfer, TransferState, Wanted},
};
use relay::Relay;
use shared::room::{self as engine, Message, Policy};
use tempfile::TempDir;

use super::Person;

/// The room of these tests.
pub(crate) const ROOM: &str = "team";

/// Ann made a room, bob is in.
pub(crate) async fn pair(dir: &TempDir, relay: &Relay) -> (Person, Person) {
    let ann = Person::enter(dir.path(), "ann", relay, Past::Nothing).await;
    let bob = Person::enter(dir.path(), "bob", relay, Past::Nothing).await;
    ann.runtime.create(ROOM, None, Policy::default()).await.unwrap();
    let mut pair = (ann, bob);
    let link = pair.0.link(ROOM).await;
    pair.1.runtime.join(&link).await.unwrap();
    pair.1.joined().await;
    pair.0.is_among(2).await;
    pair
}

/// Bytes that no two places have alike.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

pub(crate) fn file(dir: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, content).unwrap();
    path
}

pub(crate) fn outgoing(path: &Path) -> Outgoing {
    Outgoing {
        path: path.to_owned(),
        text: String::new(),
        reply_to: None,
        keeps_metadata: false,
        duration_ms: 0,
        token: String::new(),
    }
}

/// The next message that a file comes with.
pub(crate) async fn offered(person: &mut Person) -> Message {
    person
        .until(|event| match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::Message(message)), .. } => {
                message.file.is_some().then_some(message)
            }
            _ => None,
        })
        .await
}

/// Until a transfer stands so.
pub(crate) async fn stands(person: &mut Person, number: i64, is_so: impl Fn(&Transfer) -> bool) -> Transfer {
    person
        .until(|event| match event {
            Event::Room { event: RoomEvent::Transfer(transfer), .. } => {
                (transfer.number == number && is_so(&transfer)).then_some(transfer)
            }
            _ => None,
        })
        .await
}

/// Until it is through, or stopped.
pub(crate) async fn ended(person: &mut Person, number: i64) -> Result<Option<PathBuf>, Reason> {
    let is_over = |transfer: &Transfer| {
        transfer.state.is_final() || matches!(transfer.state, TransferState::Stopped(_))
    };
    match stands(person, number, is_over).await.state {
        TransferState::Done(path) => Ok(path),
        TransferState::Stopped(reason) => Err(reason),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn fetch(
    person: &mut Person,
    message: &Message,
    output: &Path,
) -> Result<Option<PathBuf>, Reason> {
    let wanted = Wanted { message: message.id, output: Some(output.to_owned()) };
    let transfer = person.runtime.get_file(ROOM, wanted).await.unwrap();
    ended(person, transfer.number).await
}

pub(crate) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Files of this size take long enough to be paused on their way.
pub(crate) const LONG: usize = 96 << 20;

/// Pauses a transfer on its way, as soon as bytes go. False: it was through before.
pub(crate) async fn is_paused(person: &mut Person, number: i64) -> bool {
    let moves = |transfer: &Transfer| transfer.done > 0 || transfer.state.is_final();
    stands(person, number, moves).await;
    if person.runtime.steer_file(number, Steer::Pause).await.is_err() {
        return false;
    }
    let stops = |transfer: &Transfer| transfer.state == TransferState::Paused || transfer.state.is_final();
    let stopped = stands(person, number, stops).await;
    stopped.state == TransferState::Paused && stopped.done < stopped.size
}
