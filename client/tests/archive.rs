//! `schat search` and `schat export`, through the program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

#[path = "support/archive.rs"]
mod archive;
mod support;

use std::{
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
};

use archive::profile;
use client::store::{
    Batch, Happening, LineOrAct, OpenProfile, Over, ProfileDir, RoomLogItem, RoomRecord, Where,
};
use proto::RoomId;
use shared::{
    identity::Fingerprint,
    room::{Change, Message, Person},
};
use support::random;
use tempfile::TempDir;

fn command(dir: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schat"));
    command.env_clear().env("SCHAT_PROFILE", dir.path().join("p")).args(arguments);
    command
}

fn schat(dir: &TempDir, arguments: &[&str]) -> Output {
    command(dir, arguments).output().unwrap()
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8(output.stdout.clone()).unwrap().lines().map(str::to_owned).collect()
}

/// A profile as version 1 left it: a row `meta` that says nothing of its version, and a line.
fn old_profile() -> TempDir {
    let dir = profile();
    let home = ProfileDir::choose(Some(dir.path().join("p"))).unwrap();
    let opened = OpenProfile::open(home, None, random()).unwrap();
    let meta = [&[0x0a, 32][..], &[7; 32], &[0x20, 4]].concat();
    let changes = vec![Change { key: "meta".to_owned(), value: Some(meta.into()) }];
    let batch = Batch { changes, ..Batch::default() };
    opened.vault.now(|store| store.commit(RoomId([7; 32]), None, &batch)).unwrap();
    dir
}

#[test]
fn room_that_was_left_is_listed_when_asked_for_exported_and_deleted_when_that_is_meant() {
    let dir = profile();
    assert_eq!(schat(&dir, &["forget", "team", "--yes"]).status.code(), Some(4), "nobody has left it");
    {
        let home = ProfileDir::choose(Some(dir.path().join("p"))).unwrap();
        let opened = OpenProfile::open(home, None, random()).unwrap();
        opened.vault.now(|store| store.leave_room(RoomId([7; 32]))).unwrap();
    }
    assert!(lines(&schat(&dir, &["rooms"])).is_empty());
    assert_eq!(lines(&schat(&dir, &["rooms", "--all"])), ["team\tschat host\tleft"]);
    for (arguments, count) in [(&["--json", "rooms"] as &[&str], 0), (&["--json", "rooms", "--all"], 1)] {
        let told: serde_json::Value = serde_json::from_str(&lines(&schat(&dir, arguments))[0]).unwrap();
        assert_eq!(told["rooms"].as_array().unwrap().len(), count, "{told}");
    }
    assert!(lines(&schat(&dir, &["search", "uber"]))[0].contains("lunch"));
    let asked = schat(&dir, &["forget", "team"]);
    assert_eq!(asked.status.code(), Some(2), "{asked:?}");
    assert_eq!(lines(&schat(&dir, &["export", "team"])).len(), 2_501);
    assert_eq!(schat(&dir, &["forget", "team", "--yes"]).status.code(), Some(0));
    assert_eq!(schat(&dir, &["export", "team"]).status.code(), Some(5));
    assert!(lines(&schat(&dir, &["rooms", "--all"])).is_empty());
}

#[test]
fn profile_of_version_1_is_told_as_such_and_read() {
    let dir = old_profile();
    let rooms = lines(&schat(&dir, &["rooms"]));
    assert!(rooms.len() == 1 && rooms[0].contains("archive of version 1"), "{rooms:?}");
    let json: serde_json::Value = serde_json::from_slice(&schat(&dir, &["--json", "rooms"]).stdout).unwrap();
    assert!(json["rooms"][0]["closed"].as_str().unwrap().contains("archive of version 1"), "{json}");
    assert_eq!(lines(&schat(&dir, &["search", "lunch"])).len(), 1);
    assert_eq!(lines(&schat(&dir, &["export", "team"])).len(), 2_501);
    let sent = schat(&dir, &["send", "team", "hello"]);
    let told = String::from_utf8(sent.stderr).unwrap();
    assert_eq!(sent.status.code(), Some(5), "{told}");
    assert!(told.contains("archive of version 1") && told.contains("new link"), "{told}");
    assert!(!told.contains("damaged"), "{told}");
}

#[test]
fn room_and_words_are_one_in_either_form() {
    let dir = profile();
    let home = ProfileDir::choose(Some(dir.path().join("p"))).unwrap();
    let opened = OpenProfile::open(home, None, random()).unwrap();
    let id = RoomId([8; 32]);
    let record = RoomRecord {
        id,
        label: "caf\u{e9}".to_owned(),
        place: Where::Own,
        acked: 0,
        closed: Some(Over::Left),
        kind: Default::default(),
    };
    let from = Person { name: "bob".to_owned(), fingerprint: Fingerprint([1; 32]) };
    let text = "Straße cafe\u{301} na\u{ad}iv".to_owned();
    let line = Message {
        seq: 1,
        id: [9; 16],
        at: 1,
        from,
        text,
        mine: false,
        reply_to: None,
        disappears: None,
        file: None,
    };
    let batch = Batch { entries: vec![LineOrAct::Line(line.into())], ..Batch::default() };
    opened.vault.now(|store| store.commit(id, Some(&record), &batch)).unwrap();
    drop(opened);
    for room in ["caf\u{e9}", "cafe\u{301}", "CAFÉ", "Ｃａｆé"] {
        assert_eq!(lines(&schat(&dir, &["export", room])).len(), 1, "{room:?}");
        for word in ["strasse", "STRASSE", "caf\u{e9}", "cafe\u{301}", "CAFÉ"] {
            let found = lines(&schat(&dir, &["search", "--room", room, word]));
            assert!(found.len() == 1 && found[0].ends_with("Straße cafe\u{301} naiv"), "{word}: {found:?}");
        }
        assert!(lines(&schat(&dir, &["info", room]))[0].starts_with("Room caf\u{e9}:"), "{room:?}");
    }
}

#[test]
fn words_are_found_however_they_are_written_and_harmlessly_shown() {
    let dir = profile();
    let found = lines(&schat(&dir, &["search", "ÜBER", "Lunch"]));
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("[team] eve: Über \\u{1b}[2J lunch"), "{found:?}");
    let newest = lines(&schat(&dir, &["search", "line", "--limit", "2"]));
    assert!(newest[0].ends_with("line 2500") && newest[1].ends_with("line 2499"), "{newest:?}");
    // In the oldest page.
    let deep = ["search", "line 17", "--from", "bo", "--room", "team", "--limit", "500"];
    let expected = (1..=2_500).filter(|seq| seq.to_string().contains("17")).count();
    assert_eq!(lines(&schat(&dir, &deep)).len(), expected);
    assert_eq!(schat(&dir, &["search", "line", "--from", "carol"]).status.code(), Some(5));
    assert_eq!(schat(&dir, &["search", "supper"]).status.code(), Some(5));
    assert_eq!(schat(&dir, &["search", "x", "--room", "nowhere"]).status.code(), Some(5));
    assert_eq!(schat(&dir, &["search", " "]).status.code(), Some(2));
}

#[test]
fn export_holds_every_line_once_in_both_forms() {
    let dir = profile();
    let text = lines(&schat(&dir, &["export", "team"]));
    assert_eq!(text.len(), 2_501);
    assert!(text[0].ends_with("bob: line 1") && text[2_500].contains("\\u{1b}"), "{}", text[2_500]);
    let json = lines(&schat(&dir, &["export", "team", "--format", "json"]));
    let seqs = json.iter().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["event"], "message");
        line["seq"].as_u64().unwrap()
    });
    assert!(seqs.eq(1..=2_501));
}

#[test]
fn export_overwrites_no_file_unasked_and_keeps_it_private() {
    let dir = profile();
    let file = dir.path().join("team.txt");
    let path = file.to_str().unwrap();
    assert_eq!(schat(&dir, &["export", "team", "--output", path]).status.code(), Some(0));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    std::fs::write(&file, "mine").unwrap();
    let again = schat(&dir, &["export", "team", "--output", path]);
    assert_eq!(again.status.code(), Some(1));
    let told = String::from_utf8_lossy(&again.stderr);
    assert!(told.contains("--force") && told.contains(&format!("The file {path} cannot")), "{told}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(schat(&dir, &["export", "team", "--output", path, "--force"]).status.code(), Some(0));
    assert_ne!(std::fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(schat(&dir, &["export", "nowhere"]).status.code(), Some(5));
}

#[test]
fn setting_of_history_lines_takes_effect() {
    let dir = profile();
    let config = dir.path().join("config.toml");
    std::fs::write(&config, "[history]\nlines = 100\n").unwrap();
    let path = config.to_str().unwrap();
    let begun = schat(&dir, &["--json", "--config", path]);
    assert_eq!(begun.status.code(), Some(0), "{begun:?}");
    let left = lines(&schat(&dir, &["export", "team"]));
    assert_eq!(left.len(), 100);
    assert!(left[0].ends_with("bob: line 2402"), "the newest stay: {}", left[0]);
}

#[test]
fn who_came_and_went_is_exported_in_its_place() {
    let dir = profile();
    let home = ProfileDir::choose(Some(dir.path().join("p"))).unwrap();
    let opened = OpenProfile::open(home, None, random()).unwrap();
    let who = Person { name: "eve\u{1b}[2J".to_owned(), fingerprint: Fingerprint([1; 32]) };
    let by = Person { name: "bob".to_owned(), fingerprint: Fingerprint([2; 32]) };
    let happens = |seq, what| Happening { seq: Some(seq), at: 1_700_000_000_000, expires: None, what };
    let happenings = vec![
        happens(1_000, RoomLogItem::Joined { who: who.clone(), by: None }),
        happens(2_000, RoomLogItem::Renamed { who: who.clone(), was: "mallory".to_owned() }),
        happens(2_501, RoomLogItem::Left { who, by }),
    ];
    let batch = Batch { happenings, ..Batch::default() };
    opened.vault.now(|store| store.commit(RoomId([7; 32]), None, &batch)).unwrap();
    drop(opened);

    let text = lines(&schat(&dir, &["export", "team"]));
    assert_eq!(text.len(), 2_504);
    assert!(text[1_000].ends_with("- \"eve\\u{1b}[2J\" joined."), "{}", text[1_000]);
    assert!(text[2_503].ends_with("- \"eve\\u{1b}[2J\" was removed by bob#0202."), "{}", text[2_503]);
    let json = lines(&schat(&dir, &["export", "team", "--format", "json"]));
    let told: serde_json::Value = serde_json::from_str(&json[1_000]).unwrap();
    assert_eq!((told["event"].as_str(), told["seq"].as_u64()), (Some("member_joined"), Some(1_000)));
    let told: serde_json::Value = serde_json::from_str(&json[2_503]).unwrap();
    assert_eq!((told["event"].as_str(), told["by"]["name"].as_str()), (Some("member_left"), Some("bob")));
    // Bots are given messages again, and nothing else.
    let mut bot = command(&dir, &["--json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut again = Vec::new();
    for line in BufReader::new(bot.stdout.take().unwrap()).lines().map(Result::unwrap) {
        let is_last = line.contains("line 2500");
        again.push(line);
        if is_last {
            break;
        }
    }
    drop(bot.stdin.take());
    bot.wait().unwrap();
    assert!(again.last().unwrap().contains("line 2500"), "{:?}", again.last());
    assert!(!again.iter().any(|line| line.contains("member_") || line.contains("profile_changed")));
}

/// Two who call themselves guest, one of whom calls herself Robin later; and we, who were guest as well.
fn guests() -> TempDir {
    let dir = profile();
    let home = ProfileDir::choose(Some(dir.path().join("p"))).unwrap();
    let opened = OpenProfile::open(home, None, random()).unwrap();
    let me = opened.engine.identity.fingerprint();
    let guest = |byte| Person { name: "guest".into(), fingerprint: Fingerprint([byte; 32]) };
    let line = |seq, from: &Person, text: &str| {
        LineOrAct::Line(
            Message {
                seq,
                id: [u8::try_from(seq % 251).unwrap(); 16],
                at: 1_700_000_000_000 + seq,
                from: from.clone(),
                text: text.to_owned(),
                mine: from.fingerprint == me,
                reply_to: None,
                disappears: None,
                file: None,
            }
            .into(),
        )
    };
    let happening =
        |seq, what| Happening { seq: Some(seq), at: 1_700_000_000_000 + seq, expires: None, what };
    let renamed = |name: &str, fingerprint| RoomLogItem::Renamed {
        who: Person { name: name.into(), fingerprint },
        was: "guest".into(),
    };
    let batch = Batch {
        entries: vec![
            line(3_001, &guest(0x1f), "zebra one"),
            line(3_004, &guest(0x2a), "zebra two"),
            line(
                3_006,
                &Person { name: "Robin".into(), fingerprint: guest(0x1f).fingerprint },
                "zebra three",
            ),
        ],
        happenings: vec![
            happening(3_002, RoomLogItem::Joined { who: guest(0x2a), by: Some(guest(0x1f)) }),
            happening(3_005, renamed("Robin", guest(0x1f).fingerprint)),
            happening(3_007, renamed("Carl", me)),
        ],
        ..Batch::default()
    };
    opened.vault.now(|store| store.commit(RoomId([7; 32]), None, &batch)).unwrap();
    dir
}

#[test]
fn people_of_one_name_are_told_apart_in_all_that_is_stored() {
    let dir = guests();
    let shown = [
        "guest#1f1f: zebra one",
        "guest#2a2a joined by an invite of guest#1f1f.",
        "guest#2a2a: zebra two",
        "guest#1f1f is called Robin from now on.",
        "Robin: zebra three",
        "You are Carl from now on.",
    ];
    let found = lines(&schat(&dir, &["export", "team"]));
    let found = &found[found.len() - shown.len()..];
    assert!(found.iter().zip(shown).all(|(line, wanted)| line.ends_with(wanted)), "{found:#?}");

    let found = lines(&schat(&dir, &["search", "zebra"]));
    let wanted = ["Robin: zebra three", "guest#2a2a: zebra two", "guest#1f1f: zebra one"];
    assert!(found.iter().zip(wanted).all(|(line, wanted)| line.ends_with(wanted)), "{found:#?}");
    // Whoever else has the name need not be found.
    let found = lines(&schat(&dir, &["search", "zebra", "two"]));
    assert!(found[0].ends_with("guest#2a2a: zebra two"), "{found:#?}");

    // From the first line on, before anybody is known to be in the room.
    let output = command(&dir, &["--plain"]).env("HOME", dir.path()).stdin(Stdio::null()).output().unwrap();
    let [said, told] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(said.contains("guest#1f1f: zebra one\n"), "{said}{told}");
    assert!(said.contains("guest#2a2a: zebra two\n") && said.contains("Robin: zebra three\n"), "{said}");
    for wanted in [
        "guest#2a2a joined team by an invite of guest#1f1f.",
        "guest#1f1f is called Robin from now on.",
        "You are Carl from now on.",
    ] {
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
}

#[test]
fn profile_that_cannot_be_written_can_be_read_and_stays_as_it_is() {
    use client::store::FileKey;
    let dir = profile();
    let files = || {
        let all = std::fs::read_dir(dir.path().join("p")).unwrap().map(|file| {
            let file = file.unwrap();
            (file.file_name(), std::fs::read(file.path()).unwrap())
        });
        all.collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = files();
    let home = ProfileDir::choose(Some(dir.path().join("p"))).unwrap();
    let open = OpenProfile::open_read_only(home, random(), &FileKey).unwrap();
    let rooms = open.vault.now(|store| store.rooms()).unwrap();
    assert_eq!((rooms.len(), open.engine.name.as_str()), (1, "ann"));
    assert_eq!(open.vault.now(|store| store.history(rooms[0].id, 2_499, 10)).unwrap().len(), 2);
    assert!(open.vault.now(|store| store.set_name("bob")).is_err());
    drop(open);
    assert_eq!(files(), before, "nothing was written");
}
