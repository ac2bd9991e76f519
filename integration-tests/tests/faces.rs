//! The program as people and scripts use it.

use std::process::Stdio;

use integration_tests::{
    group::{ROOM, found, join},
    relay::Relay,
    schat::{self, Schat, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

#[test]
fn host_without_a_terminal_prints_a_link_by_which_another_joins() {
    let dir = TempDir::new().unwrap();
    let mut command = schat::command(dir.path(), "ann");
    let mut host = command
        .args(["host", "home", "--listen", "127.0.0.1:0", "--plain"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = std::io::BufReader::new(host.stdout.take().unwrap());
    let mut line = || {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
        line.trim_end().to_owned()
    };
    let link = line();
    assert!(link.starts_with("schat://127.0.0.1:"), "{link}");

    let mut bob = Schat::start(dir.path(), "bob", "127.0.0.1:1");
    bob.tell(json!({"cmd": "join", "link": link}));
    assert_eq!(bob.event("joined")["room"], "home");
    assert_eq!(bob.event("connected")["trust"], "pinned");
    bob.say("home", "hello, host", "1");
    bob.sent("1");
    assert_eq!(line(), "bob: hello, host");
    let mut stdin = host.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"hello, guest\n").unwrap();
    bob.hears("hello, guest");
    assert_eq!(line(), "ann: hello, guest");
    drop(stdin);
    let output = host.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("The relay listens on 127.0.0.1:"), "{errors}");
    bob.event("disconnected");
}

#[test]
fn send_reads_standard_input_and_tail_prints_each_message_once() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    assert_eq!(people.remove(0).quit().code, Some(0));
    let output =
        run(schat::command(dir.path(), "ann").args(["send", ROOM, "-"]), "two\nlines, zoë\n".as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"");
    let seq = people[0].hears("two\nlines, zoë");
    let output = run(schat::command(dir.path(), "ann").args(["send", ROOM, "as an argument", "--json"]), b"");
    let sent: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sent["event"], "sent");
    people[0].hears("as an argument");
    let output = run(schat::command(dir.path(), "ann").args(["send", ROOM, ""]), b"");
    assert_ne!(output.status.code(), Some(0), "nothing was sent");

    assert_eq!(people.remove(0).quit().code, Some(0));
    let mut command = schat::command(dir.path(), "bob");
    command.args(["tail", ROOM, "--from", &seq.to_string()]);
    let mut tail = Schat::spawn(command, dir.path(), "bob");
    tail.hears("as an argument");
    let output = run(schat::command(dir.path(), "ann").args(["send", ROOM, "live"]), b"");
    assert_eq!(output.status.code(), Some(0));
    tail.hears("live");
    let texts: Vec<String> = tail.heard().into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["two\nlines, zoë", "as an argument", "live"]);
}

#[test]
fn program_that_dies_before_it_acknowledged_gets_the_rest_again_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, link) = found(dir.path(), &relay.address, &["ann"]);
    let mut bot = join(dir.path(), "bot", &relay.address, &link);
    for text in ["one", "two", "three"] {
        people[0].say(ROOM, text, text);
    }
    bot.hears("three");
    let acked = bot.hears("two");
    bot.tell(json!({"cmd": "ack", "room": ROOM, "seq": acked}));
    bot.settle();
    assert_eq!(bot.kill().code, None);
    people[0].say(ROOM, "four", "four");
    people[0].sent("four");

    let mut bot = Schat::start(dir.path(), "bot", &relay.address);
    bot.hears("four");
    let messages: Vec<(String, bool)> = bot
        .seen
        .iter()
        .filter(|event| event["event"] == "message")
        .map(|event| (event["text"].as_str().unwrap().to_owned(), event["again"] == true))
        .collect();
    assert_eq!(messages, [("three".to_owned(), true), ("four".to_owned(), false)]);
}

#[test]
fn what_was_said_just_before_the_end_of_the_input_is_not_cut_off() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let mut ann = people.remove(0);
    for i in 0..20 {
        ann.say(ROOM, &format!("last words {i}"), "");
    }
    assert_eq!(ann.quit().code, Some(0));
    for i in 0..20 {
        people[0].hears(&format!("last words {i}"));
    }
}

#[test]
fn join_under_way_is_not_cut_off_by_the_end_of_the_input() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, link) = found(dir.path(), &relay.address, &["ann"]);
    let output = run(schat::command(dir.path(), "bob").args(["--plain", "-"]), link.as_bytes());
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(0) && errors.contains("You are in team: 2 members"), "{errors}");
    people[0].event("member_joined");
}

#[test]
fn room_is_named_to_the_operator_by_what_every_face_shows() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    let mut ann = people.remove(0);
    let listed = integration_tests::relay::command(relay.dir()).args(["rooms", "--json"]).output().unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let id = listed["id"].as_str().unwrap().to_owned();

    ann.tell(json!({"cmd": "info", "room": ROOM}));
    let info = ann.event("info");
    assert_eq!((&info["id"], &info["room"], &info["open"]), (&json!(id), &json!(ROOM), &json!(false)));
    assert_eq!(
        (&info["epoch"], &info["invite"], &info["seats"]),
        (&json!(0), &json!("everybody"), &json!(5))
    );
    assert_eq!(info["moderators"][0]["name"], "ann");
    ann.tell(json!({"cmd": "rooms"}));
    assert_eq!(ann.event("rooms")["rooms"][0]["id"], id);
    assert_eq!(ann.quit().code, Some(0));

    let says = |arguments: &[&str]| {
        let output = run(schat::command(dir.path(), "ann").args(arguments), b"");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let offline: Value = serde_json::from_str(&says(&["info", ROOM, "--json"])).unwrap();
    assert_eq!((&offline["id"], &offline["moderators"]), (&info["id"], &info["moderators"]));
    let rooms: Value = serde_json::from_str(&says(&["rooms", "--json"])).unwrap();
    assert_eq!(rooms["rooms"][0]["id"], id);
    assert!(!says(&["rooms"]).contains(&id));
    assert_eq!(says(&["rooms", "--id"]), format!("{ROOM}\t{}\t{id}\n", relay.address));
    let told = says(&["info", ROOM]);
    assert!(
        told.contains(&format!("Id at the relay: {id}\n")) && told.contains("Moderators: ann."),
        "{told}"
    );
    let plain = run(schat::command(dir.path(), "ann").arg("--plain"), b"/join team\n/info\n");
    let plain = String::from_utf8(plain.stderr).unwrap();
    assert!(plain.contains(&format!("Id at the relay: {id}\n")), "{plain}");

    // The operator's commands take it, or the digits that their list shows.
    let dropped = integration_tests::relay::command(relay.dir())
        .args(["drop-room", &id[..16], "--yes"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(dropped.stdout).unwrap().lines().next(), Some(&*format!("Dropped {id}.")));
}

#[test]
fn topic_of_a_room_is_its_moderators_and_everybody_sees_it() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, link) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let [ann, bob] = &mut people[..] else { panic!("two people") };
    ann.tell(json!({"cmd": "topic", "room": ROOM, "text": "  soup,  at eight "}));
    let told = bob.event("topic");
    assert_eq!((&told["by"]["name"], &told["text"]), (&json!("ann"), &json!("soup, at eight")));
    assert_eq!(ann.event("topic")["text"], "soup, at eight");

    // Not everybody, and not anything.
    bob.tell(json!({"cmd": "topic", "room": ROOM, "text": "mine"}));
    assert_eq!(bob.event("error")["code"], "not_moderator");
    ann.tell(json!({"cmd": "topic", "room": ROOM, "text": "x".repeat(513)}));
    let error = ann.event("error");
    assert_eq!(error["code"], "bad_topic");
    assert!(error["message"].as_str().unwrap().contains("512 bytes, this one has 513"), "{error}");

    // Who comes later finds it; so does who asks.
    let mut dan = join(dir.path(), "dan", &relay.address, &link);
    assert_eq!(dan.event("joined")["topic"], "soup, at eight");
    dan.tell(json!({"cmd": "info", "room": ROOM}));
    assert_eq!(dan.event("info")["topic"], "soup, at eight");
    assert_eq!(dan.quit().code, Some(0));
    let plain = |input: &[u8]| {
        let output = run(schat::command(dir.path(), "dan").arg("--plain"), input);
        String::from_utf8(output.stderr).unwrap()
    };
    let told = plain(b"/join team\n/topic\n/topic mine\n");
    assert!(
        told.contains("Topic: soup, at eight\n")
            && told.contains("Only moderators say what the room is about"),
        "{told}"
    );
    let offline = run(schat::command(dir.path(), "dan").args(["info", ROOM]), b"");
    assert!(String::from_utf8(offline.stdout).unwrap().contains("Topic: soup, at eight\n"));

    ann.tell(json!({"cmd": "topic", "room": ROOM}));
    bob.wait("no topic", |event| event["event"] == "topic" && event["text"] == "");
    assert_eq!(people.remove(1).quit().code, Some(0));
    let told =
        String::from_utf8(run(schat::command(dir.path(), "bob").args(["export", ROOM]), b"").stdout).unwrap();
    let first = told.find("ann set the topic: soup, at eight").unwrap();
    assert!(told[first..].contains("ann took the topic away."), "{told}");
    let written = run(schat::command(dir.path(), "bob").args(["export", ROOM, "--json"]), b"");
    assert!(
        String::from_utf8(written.stdout)
            .unwrap()
            .contains(r#""event":"topic","room":"team","by":{"name":"ann""#)
    );
}
