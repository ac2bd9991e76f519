//! Pictures are sent with a preview, and shown from where they are: real people at a real relay.

#![cfg(feature = "pictures")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::{io::Cursor, path::Path};

use client::{
    reason::{PersonReason, Reason},
    runtime::{Event, Outgoing, Past, RoomEvent, TransferState, Wanted},
    store::PictureKey,
};
use shared::{
    file::MAX_PREVIEW,
    identity::Avatar,
    room::{self as engine, Command, Message, Policy},
};
use support::{Person, relay};
use tempfile::TempDir;

const ROOM: &str = "team";

async fn pair(dir: &TempDir, relay: &relay::Relay) -> (Person, Person) {
    let mut ann = Person::enter(dir.path(), "ann", relay, Past::Nothing).await;
    let mut bob = Person::enter(dir.path(), "bob", relay, Past::Nothing).await;
    ann.runtime.create(ROOM, None, Policy::default()).await.unwrap();
    let link = ann.link(ROOM).await;
    bob.runtime.join(&link).await.unwrap();
    bob.joined().await;
    ann.is_among(2).await;
    (ann, bob)
}

async fn sends(ann: &mut Person, bob: &mut Person, path: &Path) -> Message {
    let file = Outgoing {
        path: path.to_owned(),
        text: String::new(),
        reply_to: None,
        keeps_metadata: false,
        duration_ms: 0,
        token: String::new(),
    };
    let number = ann.runtime.send_file(ROOM, file).await.unwrap().number;
    is_done(ann, number).await;
    bob.until(|event| match event {
        Event::Room { event: RoomEvent::Engine(engine::Event::Message(message)), .. } => {
            message.file.is_some().then_some(message)
        }
        _ => None,
    })
    .await
}

async fn is_done(person: &mut Person, number: i64) {
    person
        .until(|event| match event {
            Event::Room { event: RoomEvent::Transfer(transfer), .. } if transfer.number == number => {
                match transfer.state {
                    TransferState::Done(_) => Some(()),
                    TransferState::Stopped(failure) => panic!("{failure:?}"),
                    _ => None,
                }
            }
            _ => None,
        })
        .await;
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 9]));
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn picture_comes_with_a_preview_and_is_shown_only_once_it_was_fetched() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    let path = dir.path().join("cat.png");
    std::fs::write(&path, png(300, 200)).unwrap();
    let message = sends(&mut ann, &mut bob, &path).await;
    let file = message.file.unwrap();
    assert!(!file.preview.is_empty() && file.preview.len() <= MAX_PREVIEW);
    let preview = image::load_from_memory(&file.preview).unwrap();
    assert_eq!((preview.width(), preview.height()), (64, 42));

    let there = ann.runtime.file_place(ROOM, PictureKey::of_file(&file)).await.unwrap().unwrap();
    assert_eq!(there.path, path);
    assert_eq!(bob.runtime.file_place(ROOM, PictureKey::of_file(&file)).await.unwrap(), None);
    let wanted = Wanted { message: message.id, output: Some(dir.path().join("fetched.png")) };
    let number = bob.runtime.get_file(ROOM, wanted).await.unwrap().number;
    is_done(&mut bob, number).await;
    let here = bob.runtime.file_place(ROOM, PictureKey::of_file(&file)).await.unwrap().unwrap();
    assert_eq!(here.path, dir.path().join("fetched.png"));
    assert_eq!(here.size, std::fs::metadata(&here.path).unwrap().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_calls_itself_a_picture_has_no_preview() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    let path = dir.path().join("cat.gif");
    std::fs::write(&path, b"no picture").unwrap();
    assert!(sends(&mut ann, &mut bob, &path).await.file.unwrap().preview.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn picture_of_a_person_comes_to_members_and_goes_again() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    let too_large = ann.runtime.set_avatar(Some(vec![1; (64 << 10) + 1])).await.unwrap_err();
    assert_eq!(too_large, Reason::from(PersonReason::LargePicture));
    ann.runtime.set_avatar(Some(b"a small picture".to_vec())).await.unwrap();
    assert!(!new_picture(&mut bob).await);
    let shown = |person: &Person| {
        let view = person.runtime.view(ROOM).unwrap();
        view.members.iter().find(|member| member.person.name == "ann").unwrap().avatar.clone()
    };
    let avatar = shown(&bob).unwrap();
    // Nothing is fetched before a face shows it, and nobody is told of a transfer.
    assert_eq!(
        bob.runtime
            .avatar(ROOM, PictureKey::of_avatar(&Avatar { key: [9; 32], ..avatar.clone() }))
            .await
            .unwrap(),
        None
    );
    assert_eq!(bob.runtime.avatar(ROOM, PictureKey::of_avatar(&avatar)).await.unwrap(), None);
    bob.until(|event| match event {
        Event::Room { event: RoomEvent::Pictured, .. } => Some(()),
        Event::Room { event: RoomEvent::Transfer(transfer), .. } => panic!("{transfer:?}"),
        _ => None,
    })
    .await;
    let here = bob.runtime.avatar(ROOM, PictureKey::of_avatar(&avatar)).await.unwrap();
    assert_eq!(here.as_deref(), Some(&b"a small picture"[..]));
    assert!(bob.runtime.transfers(None).await.unwrap().is_empty());

    // A room that is entered later gets it by itself.
    ann.runtime.create("other", None, Policy::default()).await.unwrap();
    let has = |event| match event {
        Event::Room { room, event: RoomEvent::Engine(engine::Event::Epoch(view)), .. } => {
            (&*room == "other" && view.members[0].avatar.is_some()).then_some(view)
        }
        _ => None,
    };
    let view = ann.until(has).await;
    let other = view.members[0].avatar.clone().unwrap();
    assert!(other.id != avatar.id && other.key != avatar.key, "no relay can tell that it is the same");

    ann.runtime.set_avatar(None).await.unwrap();
    assert!(new_picture(&mut bob).await);
    assert_eq!(shown(&bob), None);
}

/// Until somebody has another picture; whether it is gone.
async fn new_picture(person: &mut Person) -> bool {
    person
        .until(|event| match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::NewPicture { is_gone, .. }), .. } => {
                Some(is_gone)
            }
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn picture_of_a_person_that_is_not_what_it_was_said_to_be_is_not_kept() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    // The name of a file that the relay does not have, told by a program that keeps no rule.
    let avatar = Avatar { id: [7; 16], key: [8; 32], parts: [9; 32], size: 9_000 };
    ann.runtime.tell(ROOM, Command::Picture(Some(Box::new(avatar.clone())))).await.unwrap();
    assert!(!new_picture(&mut bob).await);
    assert_eq!(bob.runtime.avatar(ROOM, PictureKey::of_avatar(&avatar)).await.unwrap(), None);
    // One of a file that is there, with another hash.
    let path = dir.path().join("cat.png");
    std::fs::write(&path, png(300, 200)).unwrap();
    let file = sends(&mut ann, &mut bob, &path).await.file.unwrap();
    let forged = Avatar { parts: [9; 32], ..file.as_avatar().unwrap() };
    ann.runtime.tell(ROOM, Command::Picture(Some(Box::new(forged.clone())))).await.unwrap();
    assert!(!new_picture(&mut bob).await);
    assert_eq!(bob.runtime.avatar(ROOM, PictureKey::of_avatar(&forged)).await.unwrap(), None);
    // A third one comes, so those before had their turns.
    ann.runtime.set_avatar(Some(b"genuine".to_vec())).await.unwrap();
    assert!(!new_picture(&mut bob).await);
    let view = bob.runtime.view(ROOM).unwrap();
    let genuine = view.members.iter().find_map(|member| member.avatar.clone()).unwrap();
    assert_eq!(bob.runtime.avatar(ROOM, PictureKey::of_avatar(&genuine)).await.unwrap(), None);
    bob.until(|event| matches!(event, Event::Room { event: RoomEvent::Pictured, .. }).then_some(())).await;
    assert!(bob.runtime.avatar(ROOM, PictureKey::of_avatar(&genuine)).await.unwrap().is_some());
    for none in [&avatar, &forged] {
        assert_eq!(bob.runtime.avatar(ROOM, PictureKey::of_avatar(none)).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_the_name_of_anothers_picture_takes_nothing_away() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (ann, mut bob) = pair(&dir, &relay).await;
    ann.runtime.set_avatar(Some(b"genuine".to_vec())).await.unwrap();
    assert!(!new_picture(&mut bob).await);
    let view = bob.runtime.view(ROOM).unwrap();
    let genuine = view.members.iter().find_map(|member| member.avatar.clone()).unwrap();
    // Bob's program names the same file with another key, and looks at his own first.
    let copied = Avatar { key: [8; 32], ..genuine.clone() };
    bob.runtime.tell(ROOM, Command::Picture(Some(Box::new(copied.clone())))).await.unwrap();
    assert!(!new_picture(&mut bob).await);
    assert_eq!(bob.runtime.avatar(ROOM, PictureKey::of_avatar(&copied)).await.unwrap(), None);
    assert_eq!(bob.runtime.avatar(ROOM, PictureKey::of_avatar(&genuine)).await.unwrap(), None);
    bob.until(|event| matches!(event, Event::Room { event: RoomEvent::Pictured, .. }).then_some(())).await;
    let here = bob.runtime.avatar(ROOM, PictureKey::of_avatar(&genuine)).await.unwrap();
    assert_eq!(here.as_deref(), Some(&b"genuine"[..]));
    assert_eq!(bob.runtime.avatar(ROOM, PictureKey::of_avatar(&copied)).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn picture_that_was_taken_away_meanwhile_is_shown_to_nobody() {
    let dir = TempDir::new().unwrap();
    let relay_at = dir.path().join("relay");
    let relay = relay(&relay_at, 0).await;
    let (ann, mut bob) = pair(&dir, &relay).await;
    let port = relay.addresses()[0].port();
    relay.shutdown().await;
    // They wait for the relay, all of them, when there is none any more, or another one.
    ann.runtime.set_avatar(Some(b"first".to_vec())).await.unwrap();
    ann.runtime.set_avatar(None).await.unwrap();
    ann.runtime.set_avatar(Some(b"third one".to_vec())).await.unwrap();
    let _relay = self::relay(&relay_at, port).await;
    let mut sizes = Vec::new();
    while sizes.last() != Some(&9) {
        sizes.extend(next_size(&mut bob).await);
    }
    ann.runtime.set_avatar(None).await.unwrap();
    while let Some(size) = next_size(&mut bob).await {
        sizes.push(size);
    }
    assert_eq!(sizes, [9]);
}

/// Bytes of the picture that somebody has now, once they have another one; none: it is gone.
async fn next_size(person: &mut Person) -> Option<u32> {
    let is_gone = new_picture(person).await;
    let view = person.runtime.view(ROOM).unwrap();
    let shown = view.members.iter().find_map(|member| member.avatar.as_ref().map(|avatar| avatar.size));
    shown.filter(|_| !is_gone)
}

#[tokio::test(flavor = "multi_thread")]
async fn room_that_caught_up_after_the_picture_was_taken_away_loses_it_as_well() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    // A program that keeps no rule, or an earlier run, told the room of one.
    let avatar = Avatar { id: [7; 16], key: [8; 32], parts: [9; 32], size: 9_000 };
    ann.runtime.tell(ROOM, Command::Picture(Some(Box::new(avatar)))).await.unwrap();
    assert!(!new_picture(&mut ann).await);
    assert!(!new_picture(&mut bob).await);
    ann.runtime.shutdown().await;
    let _ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    assert!(new_picture(&mut bob).await);
}
