//! `relay token` as operators and their scripts meet it: beside a running relay, and without one.

use std::{path::Path, process::Output};

use proto::{
    Token,
    relay::{Create, refused::Code, relay_frame::Frame},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    common::*,
    program::{Program, command, run},
};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[track_caller]
fn ok(data_dir: &Path, arguments: &[&str]) -> String {
    let output = run(data_dir, &[&["token"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[track_caller]
fn json(data_dir: &Path, arguments: &[&str]) -> Value {
    let line = ok(data_dir, &[arguments, &["--json"]].concat());
    assert_eq!(line.lines().count(), 1, "{line}");
    serde_json::from_str(&line).unwrap()
}

#[track_caller]
fn fails(output: &Output, words: &str) {
    assert_ne!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains(words), "no {words:?} in {}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "");
}

/// A fresh token by the command, and its id.
#[track_caller]
fn create(data_dir: &Path, arguments: &[&str]) -> (Token, String) {
    let made = json(data_dir, &[&["create"], arguments].concat());
    (made["token"].as_str().unwrap().parse().unwrap(), made["id"].as_str().unwrap().to_owned())
}

async fn opens(program: &Program, data_dir: &Path, number: u8, token: &Token) -> Frame {
    let (client, key) = (Client::connect(program.address, data_dir).await, key(number));
    let create = Create { token: token.as_bytes().to_vec().into(), ..opening(&key, vec![]) };
    client.try_join(client.join_frame(room(number), &key, 0, Some(create))).await.1
}

fn start(data_dir: &Path) -> Program {
    Program::with(data_dir, &["--access", "token"])
}

#[tokio::test(flavor = "multi_thread")]
async fn token_made_beside_the_running_relay_opens_rooms_until_it_is_revoked() {
    let directory = TempDir::new().unwrap();
    let data_dir = directory.path();
    let program = start(data_dir);
    let made =
        json(data_dir, &["create", "--rooms", "3", "--expires", "30d", "--uses", "2", "--label", "ann"]);
    let token: Token = made["token"].as_str().unwrap().parse().unwrap();
    let link = format!("&token={}", made["token"].as_str().unwrap());
    let bare = made["links"][0].as_str().unwrap().strip_suffix(&link).unwrap();
    assert!(program.line.contains(bare), "the link is the relay's own: {bare}");
    assert_eq!(
        (&made["v"], &made["open"], &made["rooms"], &made["uses"]),
        (&1.into(), &false.into(), &3.into(), &2.into())
    );

    assert!(matches!(opens(&program, data_dir, 1, &token).await, Frame::Joined(_)));
    let list = json(data_dir, &["list"]);
    let kept = &list["tokens"][0];
    assert_eq!((&kept["id"], &kept["label"]), (&made["id"], &"ann".into()));
    let numbers = ["rooms", "max_rooms", "uses", "max_uses"].map(|name| kept[name].as_u64().unwrap());
    assert_eq!(numbers, [1, 3, 1, 2]);
    assert!(matches!(opens(&program, data_dir, 2, &token).await, Frame::Joined(_)));
    assert_eq!(code(&opens(&program, data_dir, 3, &token).await), Code::TokenSpent);

    let (other, id) = create(data_dir, &[]);
    let revoked = json(data_dir, &["revoke", &id]);
    assert_eq!((&revoked["stay"], &revoked["dropped"]), (&0.into(), &0.into()));
    assert_eq!(code(&opens(&program, data_dir, 4, &other).await), Code::TokenRequired);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_made_while_no_relay_runs_opens_rooms_on_the_next() {
    let directory = TempDir::new().unwrap();
    let data_dir = directory.path();
    let made = run(data_dir, &["--listen", "127.0.0.1:4443", "token", "create", "--json"]);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let token: Token = made["token"].as_str().unwrap().parse().unwrap();
    assert_eq!(made["open"], true, "as it would start now");
    let program = start(data_dir);
    let pin: Value = serde_json::from_str(&program.line).unwrap();
    let expected =
        format!("schat://127.0.0.1:4443/#relay={}&token={}", pin["pin"].as_str().unwrap(), *token.to_text());
    assert_eq!(made["links"][0], expected);
    assert!(matches!(opens(&program, data_dir, 1, &token).await, Frame::Joined(_)));
    program.terminate();
    let mut program = program;
    program.child.wait().unwrap();
    assert_eq!(json(data_dir, &["list"])["tokens"][0]["uses"], 1);
    let id = made["id"].as_str().unwrap();
    assert!(ok(data_dir, &["revoke", &id[..6]]).contains("The rooms that it opened stay: 1."));
    assert_eq!(json(data_dir, &["list"])["tokens"], Value::Array(vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_of_a_revoked_token_stay_unless_told_otherwise() {
    let directory = TempDir::new().unwrap();
    let data_dir = directory.path();
    let program = start(data_dir);
    let (stays, goes) = (create(data_dir, &[]), create(data_dir, &[]));
    for (number, token) in [(1, &stays.0), (2, &goes.0), (3, &goes.0)] {
        assert!(matches!(opens(&program, data_dir, number, token).await, Frame::Joined(_)));
    }
    ok(data_dir, &["revoke", &stays.1]);
    let revoked = json(data_dir, &["revoke", &goes.1, "--drop-rooms"]);
    assert_eq!((&revoked["stay"], &revoked["dropped"]), (&0.into(), &2.into()));
    let client = Client::connect(program.address, data_dir).await;
    client.join(room(1), &key(1), 0).await;
    for number in [2, 3] {
        let join = client.join_frame(room(number), &key(number), 0, None);
        assert_eq!(client.refused(join).await, Code::Dropped);
    }
}

#[test]
fn token_is_shown_once_and_never_again() {
    let directory = TempDir::new().unwrap();
    let data_dir = directory.path();
    let mut traced = command(data_dir);
    traced.args(["--listen", "127.0.0.1:0", "--json", "--access", "token"]).env("SCHAT_LOG", "trace");
    let program = Program::run(data_dir, traced);
    let output = command(data_dir).args(["token", "create"]).env("SCHAT_LOG", "trace").output().unwrap();
    let shown = text(&output.stdout);
    let token = shown.lines().find_map(|line| line.strip_prefix("Token  ")).unwrap();
    assert!(token.parse::<Token>().is_ok());
    assert_eq!(shown.matches(token).count(), 2, "by itself and in the link:\n{shown}");
    let told = text(&output.stderr);
    assert!(!told.contains(token) && told.contains("shown once"), "{told}");
    for arguments in [&["list"][..], &["list", "--json"]] {
        let listed = ok(data_dir, arguments);
        assert!(!listed.contains(token) && listed.contains("expires_ms") == arguments.contains(&"--json"));
    }
    assert!(!program.log().contains(token), "the relay logged it");
    drop(program);
    let holds = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(token.len()).any(|part| part == token.as_bytes())
    };
    let kept = std::fs::read_dir(data_dir).unwrap().map(|entry| entry.unwrap().path());
    assert!(!kept.filter(|path| path.is_file()).any(|path| holds(&path)));
}

#[test]
fn open_relay_says_that_it_is_and_what_changes_that() {
    let directory = TempDir::new().unwrap();
    let mut plain = command(directory.path());
    plain.args(["--listen", "127.0.0.1:0", "--json"]);
    let program = Program::run(directory.path(), plain);
    assert!(program.line.trim_end().ends_with(r#""access":"open"}"#), "{}", program.line);
    let output = run(directory.path(), &["token", "create"]);
    assert!(text(&output.stderr).contains("set --access token to change that"), "{}", text(&output.stderr));
    drop(program);
    let program = start(directory.path());
    assert!(program.line.trim_end().ends_with(r#""access":"token"}"#), "{}", program.line);
}

#[test]
fn what_makes_no_sense_is_refused_with_a_sentence_and_changes_nothing() {
    let directory = TempDir::new().unwrap();
    let data_dir = directory.path();
    let long = "x".repeat(49);
    let check = || {
        for (arguments, words) in [
            (&["create", "--label", "two\nlines"][..], "a label is one line"),
            (&["create", "--label", &long], "a label is one line"),
            (&["create", "--expires", "soon"], "write a number with its unit"),
            (&["create", "--rooms", "many"], "--rooms"),
            (&["revoke", "abc"], "at least 4"),
            (&["revoke", "nothex"], "at least 4"),
            (&["revoke", "0123456789"], "there is no such token"),
            (&["revoke"], "<ID>"),
        ] {
            fails(&run(data_dir, &[&["token"], arguments].concat()), words);
        }
        assert_eq!(json(data_dir, &["list"])["tokens"], Value::Array(vec![]));
    };
    check();
    let _program = start(data_dir);
    check();
}

#[test]
fn relay_without_a_socket_is_not_gone_around() {
    let directory = TempDir::new().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = relay::Config::new(([127, 0, 0, 1], 0).into(), directory.path());
    let relay = runtime.block_on(relay::Relay::start(config)).unwrap();
    fails(&run(directory.path(), &["token", "list"]), "another relay is using");
    runtime.block_on(relay.shutdown());
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_keeps_tokens_and_what_they_opened() {
    let root = TempDir::new().unwrap();
    let (data_dir, other, file) =
        (root.path().join("data"), root.path().join("other"), root.path().join("backup"));
    let program = start(&data_dir);
    let (token, _) = create(&data_dir, &["--rooms", "2", "--uses", "3", "--label", "ann"]);
    for number in [1, 2] {
        assert!(matches!(opens(&program, &data_dir, number, &token).await, Frame::Joined(_)));
    }
    let list = ok(&data_dir, &["list", "--json"]);
    let backup = run(&data_dir, &["backup", file.to_str().unwrap()]);
    assert_eq!(backup.status.code(), Some(0), "{}", text(&backup.stderr));
    drop(program);
    let restored = run(&other, &["restore", file.to_str().unwrap()]);
    assert_eq!(restored.status.code(), Some(0), "{}", text(&restored.stderr));
    assert_eq!(ok(&other, &["list", "--json"]), list);
    let program = start(&other);
    assert_eq!(code(&opens(&program, &other, 3, &token).await), Code::TokenSpent);
    // The room is still the token's: dropping it frees its place, for the third and last use.
    let id: String = room(1).0.iter().map(|byte| format!("{byte:02x}")).collect();
    let dropped = run(&other, &["drop-room", &id, "--yes"]);
    assert_eq!(dropped.status.code(), Some(0), "{}", text(&dropped.stderr));
    assert!(matches!(opens(&program, &other, 3, &token).await, Frame::Joined(_)));
    assert_eq!(json(&other, &["list"])["tokens"][0]["rooms"], 2);
}
