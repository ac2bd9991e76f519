//! A relay that lets only those open rooms who have a token, with the real programs from end to end.

use std::{fs, path::Path};

use integration_tests::{
    group::{ROOM, agree, join, link},
    output::failed,
    relay::{self, Relay},
    schat::{self, Schat, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The operator's command, and the one line that it prints.
fn operator(relay: &Relay, arguments: &[&str]) -> Value {
    let output = relay::command(relay.dir()).arg("token").args(arguments).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn guarded(dir: &Path) -> Relay {
    Relay::with(&dir.join("relay"), &["--rate", "1000000", "--access", "token"], Some("trace"))
}

fn first_link(made: &Value) -> String {
    made["links"][0].as_str().unwrap().to_owned()
}

/// Somebody who was given a relay's link.
fn enter(dir: &Path, name: &str, link: &str) -> Schat {
    let mut person = Schat::spawn(schat::command(dir, name), dir, name);
    person.tell(json!({"cmd": "join", "link": link}));
    assert_eq!(person.event("relay")["token"], link.contains("&token="));
    person
}

/// The error with which a room is refused.
fn refused(person: &mut Schat, command: Value) -> Value {
    let mark = person.mark();
    person.tell(command);
    let error = person.wait_after(mark, "error", |event| event["event"] == "error");
    let closed = person.wait_after(mark, "closed", |event| event["event"] == "closed");
    assert_eq!(closed["was_member"], false);
    error
}

fn create(room: &str) -> Value {
    json!({"cmd": "create", "room": room})
}

#[test]
fn friends_of_a_room_need_no_token_and_open_none() {
    let dir = TempDir::new().unwrap();
    let relay = guarded(dir.path());
    let made = operator(&relay, &["create", "--rooms", "1", "--uses", "1", "--label", "for ann"]);
    let token = made["token"].as_str().unwrap().to_owned();

    let mut ann = enter(dir.path(), "ann", &first_link(&made));
    ann.tell(create(ROOM));
    ann.event("joined");
    let invite = link(&mut ann);
    assert!(!invite.contains(&token));
    let bob = join(dir.path(), "bob", &relay.address, &invite);
    let mut people = [ann, bob];
    agree(&mut people, 2);
    let [mut ann, mut bob] = people;
    bob.say(ROOM, "hello from bob", "1");
    ann.hears("hello from bob");

    // Bob's own room is refused, private or open, with a sentence and what to do.
    for command in [create("mine"), json!({"cmd": "join", "room": "lobby"})] {
        let error = refused(&mut bob, command);
        assert_eq!(error["code"], "token_required");
        assert!(error["message"].as_str().unwrap().contains("only for those who have a token"), "{error}");
        assert!(error["remedy"].as_str().unwrap().contains("a link with a token"), "{error}");
    }
    // Ann's token is used up.
    assert_eq!(refused(&mut ann, create("second"))["code"], "token_spent");
    let list = operator(&relay, &["list"]);
    assert_eq!((&list["tokens"][0]["uses"], &list["tokens"][0]["rooms"]), (&1.into(), &1.into()));
    // Neither has harmed the room.
    bob.say(ROOM, "still here", "2");
    ann.hears("still here");
    ann.say(ROOM, "so am I", "3");
    bob.hears("so am I");
    assert!(ann.alarms().is_empty() && bob.alarms().is_empty());

    for mut person in [ann, bob] {
        person.tell(json!({"cmd": "quit"}));
        assert_eq!(person.finish().code, Some(0));
    }
    assert!(!relay.log().contains(&token), "the relay logged the token");
    let holds = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        bytes.windows(token.len()).any(|part| part == token.as_bytes())
    };
    for profile in ["ann", "bob"] {
        let files = fs::read_dir(dir.path().join(profile)).unwrap().map(|entry| entry.unwrap().path());
        assert!(!files.filter(|path| path.is_file()).any(|path| holds(&path)), "{profile}");
    }
}

#[test]
fn token_is_remembered_until_it_is_revoked() {
    let dir = TempDir::new().unwrap();
    let relay = guarded(dir.path());
    let made = operator(&relay, &["create", "--rooms", "5"]);
    let mut ann = enter(dir.path(), "ann", &first_link(&made));
    ann.tell(create("one"));
    ann.wait("one", |event| event["event"] == "joined" && event["room"] == "one");
    ann.kill();

    let mut ann = Schat::start(dir.path(), "ann", &relay.address);
    ann.tell(create("two"));
    ann.wait("two", |event| event["event"] == "joined" && event["room"] == "two");
    operator(&relay, &["revoke", made["id"].as_str().unwrap()]);
    let error = refused(&mut ann, create("three"));
    assert_eq!(error["code"], "token_required");
    assert!(error["message"].as_str().unwrap().contains("does not accept your token"), "{error}");
    ann.say("one", "the rooms stay", "1");
    ann.sent("1");

    // Another one mends it, in the same chat.
    let made = operator(&relay, &["create"]);
    ann.tell(json!({"cmd": "join", "link": first_link(&made)}));
    ann.event("relay");
    ann.settle();
    ann.tell(create("four"));
    ann.wait("four", |event| event["event"] == "joined" && event["room"] == "four");
    ann.tell(json!({"cmd": "quit"}));
    assert_eq!(ann.finish().code, Some(0));
}

#[test]
fn token_in_a_file_opens_rooms_and_what_is_none_is_a_usage_error() {
    let dir = TempDir::new().unwrap();
    let relay = guarded(dir.path());
    let made = operator(&relay, &["create"]);
    let (good, bad) = (dir.path().join("token"), dir.path().join("nonsense"));
    fs::write(&good, format!("{}\n", made["token"].as_str().unwrap())).unwrap();
    fs::write(&bad, "hunter2\n").unwrap();
    let start = |name: &str, file: &Path| {
        let mut command = schat::command(dir.path(), name);
        command.env("SCHAT_TOKEN_FILE", file).args([
            "--plain",
            "--trust-first-use",
            "--relay",
            &relay.address,
        ]);
        run(&mut command, b"/create team\nhello\n")
    };
    let output = start("ann", &good);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let missing = dir.path().join("missing");
    for (name, file) in [("bob", &bad), ("eve", &missing)] {
        failed(&start(name, file), 2, &["SCHAT_TOKEN_FILE"]);
        let told = String::from_utf8_lossy(&start(name, file).stderr).into_owned();
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn people_are_told_why_a_room_is_not_opened() {
    let dir = TempDir::new().unwrap();
    let relay = guarded(dir.path());
    let mut command = schat::command(dir.path(), "ann");
    command.args(["--plain", "--trust-first-use", "--relay", &relay.address]);
    let output = run(&mut command, b"/create team\n");
    failed(&output, 4, &["only for those who have a token", "Ask the relay's operator", "need no token"]);
}
