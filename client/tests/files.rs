//! Files are sent and fetched: real people at a real relay.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::fs;

use client::runtime::{Event, Outgoing, Past, RoomEvent, Steer, TransferState, Wanted, Way};
use shared::{
    file::{FileKey, Manifest},
    room::{self as engine, Alteration, Command, MessageBody, Policy},
};
use support::{
    Person,
    files::{LONG, ROOM, bytes, ended, fetch, file, is_paused, names, offered, outgoing, pair, stands},
    relay,
};
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn files_of_every_edge_size_come_through() {
    const PART: usize = 1 << 20;
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    let got = dir.path().join("got");
    for (nth, size) in
        [0, 5, 65_536, 65_537, PART - 1, PART, PART + 1, 3 * PART, 17 * PART + 9].into_iter().enumerate()
    {
        let content = bytes(size);
        let path = file(dir.path(), &format!("cat {nth}.txt"), &content);
        let sent = Outgoing { text: format!("look {nth}"), ..outgoing(&path) };
        let transfer = ann.runtime.send_file(ROOM, sent).await.unwrap();
        assert_eq!(ended(&mut ann, transfer.number).await, Ok(None));
        let message = offered(&mut bob).await;
        let told = message.file.as_ref().unwrap();
        assert_eq!((told.size, told.name.as_str()), (size as u64, &*format!("cat {nth}.txt")));
        assert_eq!(
            (told.media_type.as_str(), message.text.as_str()),
            ("text/plain", &*format!("look {nth}"))
        );
        assert_eq!(Way::Up(told.id), transfer.way);
        let there = fetch(&mut bob, &message, &got.join(format!("{nth}"))).await.unwrap().unwrap();
        assert_eq!(fs::read(there).unwrap(), content, "{size} bytes");
    }
    assert_eq!(names(&got).len(), 9, "nothing else is left");
    assert_eq!(ann.runtime.transfers(None).await.unwrap(), []);
    assert_eq!(bob.runtime.transfers(Some(ROOM)).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    let content = bytes(LONG);
    let (path, begun) = loop {
        let path = file(dir.path(), "big", &content);
        let begun = ann.runtime.send_file(ROOM, outgoing(&path)).await.unwrap();
        if is_paused(&mut ann, begun.number).await {
            break (path, begun);
        }
        offered(&mut bob).await;
    };
    ann.runtime.shutdown().await;
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    let under_way = ann.runtime.transfers(Some(ROOM)).await.unwrap();
    assert_eq!((under_way.len(), &under_way[0].1.state), (1, &TransferState::Paused));
    let there = under_way[0].1.done;
    assert!(there > 0, "how far it was is forgotten");
    // The same file once more is the same transfer.
    let again = ann.runtime.send_file(ROOM, outgoing(&path)).await.unwrap();
    assert_eq!((again.number, again.way), (begun.number, begun.way));
    // What was there before is told as that, and is none of the bytes that go now.
    let goes = stands(&mut ann, begun.number, |transfer| {
        transfer.state == TransferState::Running && transfer.done > 0
    })
    .await;
    assert!(goes.before >= there && goes.before <= goes.done, "{goes:?}");
    assert_eq!(ended(&mut ann, begun.number).await, Ok(None));
    let message = offered(&mut bob).await;
    assert_eq!(Way::Up(message.file.as_ref().unwrap().id), begun.way);
    let there = fetch(&mut bob, &message, &dir.path().join("there")).await.unwrap().unwrap();
    assert!(fs::read(there).unwrap() == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_goes_on_after_a_restart_and_what_is_damaged_is_fetched_again() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    let content = bytes(LONG);
    let path = file(dir.path(), "big", &content);
    let number = ann.runtime.send_file(ROOM, outgoing(&path)).await.unwrap().number;
    assert_eq!(ended(&mut ann, number).await, Ok(None));
    let message = offered(&mut bob).await;
    let there = dir.path().join("got/there");
    let number = loop {
        let wanted = Wanted { message: message.id, output: Some(there.clone()) };
        let number = bob.runtime.get_file(ROOM, wanted).await.unwrap().number;
        if is_paused(&mut bob, number).await {
            break number;
        }
        fs::remove_file(&there).unwrap();
    };
    assert!(!there.exists(), "half a file is shown as a whole one");
    bob.runtime.shutdown().await;
    // The disk lied about what it has: of the first part not much is left.
    let left = names(&dir.path().join("got"));
    assert!(left.len() == 2 && left[1].ends_with(".tail"), "{left:?}");
    let half = left[0].clone();
    assert!(half.ends_with(".part"), "{half}");
    let half = dir.path().join("got").join(half);
    let mut bytes = fs::read(&half).unwrap();
    bytes[..1_000].fill(0);
    fs::write(&half, bytes).unwrap();
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    bob.runtime.steer_file(number, Steer::Run).await.unwrap();
    assert_eq!(ended(&mut bob, number).await, Ok(Some(there.clone())));
    assert!(fs::read(there).unwrap() == content);
    assert_eq!(names(&dir.path().join("got")), ["there"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changed_begins_anew_under_another_key() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    let (path, begun) = loop {
        let path = file(dir.path(), "big", &bytes(LONG));
        let begun = ann.runtime.send_file(ROOM, outgoing(&path)).await.unwrap();
        if is_paused(&mut ann, begun.number).await {
            break (path, begun);
        }
        offered(&mut bob).await;
    };
    // As long as before: only its time and its bytes tell that it is another one.
    let changed: Vec<u8> = bytes(LONG).into_iter().map(|byte| !byte).collect();
    fs::write(&path, &changed).unwrap();
    ann.runtime.steer_file(begun.number, Steer::Run).await.unwrap();
    // That it is sent once more is said, and why.
    let anew = stands(&mut ann, begun.number, |transfer| transfer.state.reason().is_some()).await;
    assert_eq!((anew.state.reason().unwrap().code(), anew.done, anew.before), ("file_changed", 0, 0));
    assert!(matches!(anew.state, TransferState::Waiting(_)));
    assert_eq!(ended(&mut ann, begun.number).await, Ok(None));
    let message = offered(&mut bob).await;
    let told = message.file.clone().unwrap();
    assert_ne!(Way::Up(told.id), begun.way);
    assert_eq!(told.size, LONG as u64);
    let there = fetch(&mut bob, &message, &dir.path().join("there")).await.unwrap().unwrap();
    assert!(fs::read(there).unwrap() == changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_that_lie_are_refused_and_nothing_is_kept() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    let mut genuine = Vec::new();
    for (name, size) in [("one", (2 << 20) + 7), ("two", 2 << 20)] {
        let path = file(dir.path(), name, &bytes(size));
        let number = ann.runtime.send_file(ROOM, outgoing(&path)).await.unwrap().number;
        ended(&mut ann, number).await.unwrap();
        genuine.push(*offered(&mut bob).await.file.unwrap());
    }
    let [one, two] = [genuine[0].clone(), genuine[1].clone()];
    let lies: Vec<(&str, Manifest, &str)> = vec![
        ("a byte more in the same bucket", Manifest { size: one.size + 1, ..one.clone() }, "file_forged"),
        ("another bucket", Manifest { size: 9 << 20, ..one.clone() }, "file_forged"),
        ("all that there can be", Manifest { size: 32 << 30, ..one.clone() }, "file_forged"),
        ("nothing", Manifest { size: 0, ..one.clone() }, "file_forged"),
        ("another list", Manifest { parts: [7; 32], ..one.clone() }, "file_forged"),
        ("another file's list", Manifest { parts: two.parts, ..one.clone() }, "file_forged"),
        ("another key", Manifest { key: FileKey::from_bytes([7; 32]), ..one.clone() }, "file_forged"),
        ("another file's parts", Manifest { id: two.id, ..one.clone() }, "file_forged"),
        ("no such file", Manifest { id: [7; 16], ..one.clone() }, "not_found"),
    ];
    let got = dir.path().join("got");
    for (lie, manifest, code) in lies {
        let said = MessageBody::Text { text: lie.to_owned(), reply_to: None, file: Some(Box::new(manifest)) };
        ann.runtime.tell(ROOM, Command::Say { token: String::new(), body: said }).await.unwrap();
        let message = offered(&mut bob).await;
        assert_eq!(message.text, lie);
        let failure = fetch(&mut bob, &message, &got.join("it")).await.unwrap_err();
        assert_eq!(failure.code(), code, "{lie}: {failure:?}");
        assert!(!got.join("it").exists(), "{lie}");
        let (_, left) = bob.runtime.transfers(None).await.unwrap().pop().unwrap();
        bob.runtime.steer_file(left.number, Steer::Cancel).await.unwrap();
        stands(&mut bob, left.number, |transfer| transfer.state.is_final()).await;
    }
    assert!(!got.exists() || names(&got).is_empty(), "{:?}", names(&got));
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_lead_nowhere() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    let path = file(dir.path(), "one", b"content");
    let number = ann.runtime.send_file(ROOM, outgoing(&path)).await.unwrap().number;
    ended(&mut ann, number).await.unwrap();
    let genuine = *offered(&mut bob).await.file.unwrap();
    let got = dir.path().join("deep/down/got");
    fs::create_dir_all(&got).unwrap();
    let hostile = [
        "../../.bashrc",
        "/etc/passwd",
        "CON",
        "a\u{202e}gpj.exe",
        "..",
        "\u{1b}[2J",
        "..\\..\\x",
        "desktop.ini",
        "look.png.lnk",
        &"y".repeat(10_000),
    ];
    for name in hostile {
        let manifest = Manifest { name: name.to_owned(), ..genuine.clone() };
        let said = MessageBody::Text { text: String::new(), reply_to: None, file: Some(Box::new(manifest)) };
        ann.runtime.tell(ROOM, Command::Say { token: String::new(), body: said }).await.unwrap();
        let message = offered(&mut bob).await;
        let there = fetch(&mut bob, &message, &got).await.unwrap().unwrap();
        assert_eq!(there.parent(), Some(got.as_path()), "{name:?}");
        assert_eq!(fs::read(there).unwrap(), b"content");
    }
    let expected = [
        "[2J",
        "_CON",
        "_desktop.ini",
        "agpj.exe",
        "bashrc",
        "file",
        "look.png.lnk_",
        "passwd",
        "x",
        &"y".repeat(198),
    ];
    assert_eq!(names(&got), expected);
    assert_eq!(names(&dir.path().join("deep")), ["down"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_message_takes_its_file_along() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    let path = file(dir.path(), "secret", &bytes(2 << 20));
    let number = ann.runtime.send_file(ROOM, outgoing(&path)).await.unwrap().number;
    ended(&mut ann, number).await.unwrap();
    let message = offered(&mut bob).await;
    let said = MessageBody::Act { target: message.id, change: Alteration::Delete };
    ann.runtime.tell(ROOM, Command::Say { token: String::new(), body: said }).await.unwrap();
    let line = bob
        .until(|event| match event {
            Event::Room { event: RoomEvent::Changed { line, .. }, .. } => Some(line),
            _ => None,
        })
        .await;
    assert!(line.deleted && line.message.file.is_none());
    // Whoever kept what opens it gets nothing any more, as soon as it was dropped.
    let file = message.file.clone();
    loop {
        let said = MessageBody::Text { text: "kept".to_owned(), reply_to: None, file: file.clone() };
        bob.runtime.tell(ROOM, Command::Say { token: String::new(), body: said }).await.unwrap();
        let again = offered(&mut bob).await;
        let there = dir.path().join("there");
        match fetch(&mut bob, &again, &there).await {
            Ok(_) => fs::remove_file(there).unwrap(),
            Err(failure) => break assert_eq!(failure.code(), "not_found"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_overwritten_and_what_is_no_file_is_not_sent() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    let path = file(dir.path(), "one", b"content");
    for (wrong, code) in [(dir.path().to_owned(), "file"), (dir.path().join("none"), "not_found")] {
        let failure = ann.runtime.send_file(ROOM, outgoing(&wrong)).await.unwrap_err();
        assert_eq!(failure.code(), code, "{failure:?}");
    }
    let number = ann.runtime.send_file(ROOM, outgoing(&path)).await.unwrap().number;
    ended(&mut ann, number).await.unwrap();
    let message = offered(&mut bob).await;
    let taken = file(dir.path(), "taken", b"mine");
    let wanted = Wanted { message: message.id, output: Some(taken.clone()) };
    let failure = bob.runtime.get_file(ROOM, wanted).await.unwrap_err();
    assert_eq!((failure.code(), fs::read(&taken).unwrap()), ("exists", b"mine".to_vec()));
    let got = dir.path().join("got");
    fs::create_dir(&got).unwrap();
    for expected in ["one", "one (1)"] {
        let there = fetch(&mut bob, &message, &got).await.unwrap().unwrap();
        assert_eq!(there, got.join(expected));
    }
}

/// What was meant for one room never goes into another one that has its name by now.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_for_a_room_that_was_left_goes_into_no_other_of_its_name() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    // Bob is the one who sends: who made a room does not leave it without a moderator.
    let (mut bob, mut ann) = pair(&dir, &relay).await;
    let content = bytes(LONG);
    let begun = loop {
        let path = file(dir.path(), "secret", &content);
        let begun = ann.runtime.send_file(ROOM, outgoing(&path)).await.unwrap();
        if is_paused(&mut ann, begun.number).await {
            break begun;
        }
        offered(&mut bob).await;
    };
    ann.runtime.tell(ROOM, Command::Leave).await.unwrap();
    let over = stands(&mut ann, begun.number, |transfer| transfer.state != TransferState::Paused).await;
    ann.runtime.create(ROOM, None, Policy::default()).await.unwrap();
    ann.joined().await;
    let mut eve = Person::enter(dir.path(), "eve", &relay, Past::Nothing).await;
    let link = ann.link(ROOM).await;
    eve.runtime.join(&link).await.unwrap();
    eve.joined().await;
    ann.is_among(2).await;
    assert!(
        ann.runtime.steer_file(begun.number, Steer::Run).await.is_err(),
        "there is nothing to go on with"
    );
    let why = over.state.reason().map(|why| why.code().to_owned());
    assert_eq!(
        (over.state.name(), why.as_deref()),
        ("cancelled", Some("room_left")),
        "it was given up with its room"
    );
    ann.say(ROOM, "t", "only this").await;
    let first = eve
        .until(|event| match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::Message(message)), .. } => Some(message),
            _ => None,
        })
        .await;
    assert_eq!((first.text.as_str(), first.file), ("only this", None));
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_fetch_stopped_is_known_after_a_restart_and_goes_when_it_goes_on() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (mut ann, mut bob) = pair(&dir, &relay).await;
    let path = file(dir.path(), "one", &bytes(2 << 20));
    let number = ann.runtime.send_file(ROOM, outgoing(&path)).await.unwrap().number;
    ended(&mut ann, number).await.unwrap();
    let message = offered(&mut bob).await;
    // A file where its directory is to be.
    let place = file(dir.path(), "taken", b"x").join("there");
    let wanted = Wanted { message: message.id, output: Some(place) };
    let number = bob.runtime.get_file(ROOM, wanted).await.unwrap().number;
    let why = ended(&mut bob, number).await.unwrap_err();
    assert_eq!(why.code(), "file");
    bob.runtime.shutdown().await;
    let mut bob = Person::enter(dir.path(), "bob", &relay, Past::Nothing).await;
    let (_, left) = bob.runtime.transfers(Some(ROOM)).await.unwrap().pop().unwrap();
    assert_eq!(left.state, TransferState::Stopped(why));
    // To let it wait changes nothing of that.
    bob.runtime.steer_file(number, Steer::Pause).await.unwrap();
    fs::remove_file(dir.path().join("taken")).unwrap();
    bob.runtime.steer_file(number, Steer::Run).await.unwrap();
    let there = ended(&mut bob, number).await.unwrap().unwrap();
    assert_eq!(fs::read(there).unwrap(), bytes(2 << 20));
    assert_eq!(bob.runtime.transfers(None).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_is_said_without_a_transfer_that_could_go_on() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (ann, _bob) = pair(&dir, &relay).await;
    for wrong in [dir.path().to_owned(), dir.path().join("none")] {
        let failure = ann.runtime.send_file(ROOM, outgoing(&wrong)).await.unwrap_err();
        let told = client::failure::Failure::from(&failure).remedy.to_lowercase();
        assert!(!told.contains("resume") && !told.contains("transfer"), "{failure:?}");
    }
    assert_eq!(ann.runtime.transfers(None).await.unwrap(), []);
}
