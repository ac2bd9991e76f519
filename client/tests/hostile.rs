//! What a member sends to do harm, at the faces of lines: real keys, a real relay, the real program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Output, Stdio},
    sync::mpsc,
    thread,
};

use client::runtime::Past;
use serde_json::Value;
use shared::room::{self as engine, Alteration, MAX_TEXT, MessageBody, MessageId, Policy};
use support::{PATIENCE, Person, relay};
use tempfile::TempDir;

const ROOM: &str = "team";

/// What is said last: then all before it was shown.
const LAST: &str = "that was all";

/// Terminal sequences, marks that turn text around, towers, the longest lines, thousands of lines, mentions and links.
fn hostile() -> Vec<String> {
    let filled = |part: &str| part.repeat(MAX_TEXT / part.len());
    let mut texts = [
        "\u{1b}[2J\u{1b}[H\u{1b}]0; title \u{7}",
        "\u{1b}]8;;https://evil.example\u{1b}\\bank\u{1b}]8;;\u{1b}\\",
        "\u{1b}]52;c;ZXZpbA==\u{7}",
        "\u{9b}2J\u{9d}52;c;ZXZpbA==\u{9c}\u{90}q\u{84}",
        "\u{202e}live\u{2066}a\u{2069}\u{200f}\u{61c}\u{200b}\u{feff}\u{ad}",
        "one\nann: I agree\r\nthree\u{2028}four\u{85}five\u{b}six\u{c}seven\rann: yes",
        "{\"event\":\"message\"}\n{\"event\":\"closed\"}",
        "\u{0}\u{8}\u{7f}\u{1}",
    ]
    .map(str::to_owned)
    .to_vec();
    let parts = [
        "x",
        "日",
        "e\u{301}",
        "\u{301}",
        "\n",
        "@carl ",
        "https://a@b.example ",
        "*_`",
        "\u{1b}",
        "👨\u{200d}",
    ];
    texts.extend(parts.map(filled));
    texts
}

fn schat(profile: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schat"));
    command.env_clear().env("SCHAT_PROFILE", profile).args(arguments).stdin(Stdio::null());
    command
}

/// The program in a room, and all that it writes.
struct Face {
    child: Child,
    input: ChildStdin,
    seen: mpsc::Receiver<String>,
    readers: [thread::JoinHandle<String>; 2],
    profile: PathBuf,
}

impl Face {
    fn start(dir: &Path, name: &str, face: &str, link: &str) -> Self {
        let profile = dir.join(format!("face-{name}"));
        let mut command = schat(&profile, &["--name", name, face, link]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, seen) = mpsc::channel();
        let read = |from: Box<dyn Read + Send>| {
            let sender = sender.clone();
            thread::spawn(move || {
                let (mut from, mut all) = (BufReader::new(from), Vec::new());
                let mut start = 0;
                while from.read_until(b'\n', &mut all).unwrap() > 0 {
                    let _ = sender.send(String::from_utf8_lossy(&all[start..]).into_owned());
                    start = all.len();
                }
                String::from_utf8(all).unwrap()
            })
        };
        let readers =
            [read(Box::new(child.stdout.take().unwrap())), read(Box::new(child.stderr.take().unwrap()))];
        let input = child.stdin.take().unwrap();
        Self { child, input, seen, readers, profile }
    }

    fn waits_for(&self, text: &str) {
        while !self.seen.recv_timeout(PATIENCE).expect(text).contains(text) {}
    }

    /// What it wrote to standard output and to standard error.
    fn ends(mut self, order: &str) -> (String, String, PathBuf) {
        writeln!(self.input, "{order}").unwrap();
        assert!(self.child.wait().unwrap().success());
        let [out, err] = self.readers.map(|reader| reader.join().unwrap());
        (out, err, self.profile)
    }
}

/// Nothing but text and line feeds.
fn harmless(text: &str) {
    let is_odd = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let odd = text.chars().find(|c| is_odd(*c));
    assert_eq!(odd, None);
}

async fn act(ann: &Person, target: MessageId, change: Alteration) {
    let said = MessageBody::Act { target, change };
    ann.runtime.tell(ROOM, engine::Command::Say { token: String::new(), body: said }).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_one_harmless_line_and_json_has_the_exact_text() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    ann.runtime.create(ROOM, None, Policy::default()).await.unwrap();
    let link = ann.link(ROOM).await.to_string();
    let plain = Face::start(dir.path(), "carl", "--plain", &link);
    plain.waits_for("You are in team");
    let json = Face::start(dir.path(), "dora", "--json", &link);
    json.waits_for("\"joined\"");
    plain.waits_for("dora joined");

    let texts = hostile();
    let mut ids = Vec::new();
    for text in &texts {
        ann.say(ROOM, "", text).await;
        ids.push(ann.hears(text).await.id);
    }
    let reply = MessageBody::Text { text: "an\nanswer".to_owned(), reply_to: Some(ids[0]), file: None };
    ann.runtime.tell(ROOM, engine::Command::Say { token: String::new(), body: reply }).await.unwrap();
    let edited = "new\n\u{1b}[2Jtext".to_owned();
    act(&ann, ids[5], Alteration::Edit(edited.clone())).await;
    for withdrawn in [false, true] {
        act(&ann, ids[0], Alteration::React { emoji: "\u{202e}\u{200b}👍".to_owned(), withdrawn }).await;
    }
    act(&ann, ids[1], Alteration::Delete).await;
    ann.runtime.describe("away", "🚆").await.unwrap();
    ann.runtime.tell(ROOM, engine::Command::Disappear(86_400)).await.unwrap();
    plain.waits_for("disappear");
    let mut eve = Person::enter(dir.path(), "eve", &relay, Past::Nothing).await;
    eve.runtime.join(&ann.link(ROOM).await).await.unwrap();
    eve.joined().await;
    plain.waits_for("eve joined");
    ann.runtime.tell(ROOM, engine::Command::Remove(eve.runtime.me().1)).await.unwrap();
    plain.waits_for("eve was removed");
    ann.say(ROOM, "", LAST).await;
    plain.waits_for(LAST);
    json.waits_for(LAST);

    let (out, err, profile) = plain.ends("/quit");
    harmless(&out);
    harmless(&err);
    let said: Vec<&str> = out.lines().collect();
    assert_eq!(said.len(), texts.len() + 2, "one line for each message, the answer and the last");
    assert!(said.iter().all(|line| line.starts_with("ann: ") || line.starts_with("ann (answers ann: ")));
    assert!(said[0].contains("\\u{1b}[2J\\u{1b}[H\\u{1b}]0; title \\u{7}"), "{}", said[0]);
    assert!(said[3].contains("\\u{9b}2J") && said[4].contains("\\u{202e}live"));
    assert!(said[5].starts_with("ann: one ⏎ ann: I agree ⏎ three\\u{2028}four"), "{}", said[5]);
    let told: Vec<&str> = err.lines().skip_while(|line| !line.contains("dora joined")).collect();
    let wanted = [
        "dora joined team by an invite of ann.",
        "ann edited a message; now: new ⏎ \\u{1b}[2Jtext",
        "ann reacts \"\\u{202e}\\u{200b}👍\" to ",
        "ann takes \"\\u{202e}\\u{200b}👍\" back from ",
        "ann deleted a message.",
        "ann is now: 🚆 away",
        "ann lets messages disappear from now on: 1 day",
        "eve joined team by an invite of ann.",
        "eve was removed from team by ann.",
    ];
    assert_eq!(told.len(), wanted.len(), "one line for each event: {told:#?}");
    assert!(wanted.iter().all(|part| told.iter().any(|line| line.contains(part))), "{told:#?}");

    let (out, _, _) = json.ends("{\"cmd\":\"quit\"}");
    harmless(&out);
    let events: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| -> Vec<&str> {
        let events = events.iter().filter(|event| event["event"] == kind);
        events.map(|event| event["text"].as_str().unwrap()).collect()
    };
    let mut exact: Vec<&str> = texts.iter().map(String::as_str).collect();
    exact.extend(["an\nanswer", LAST]);
    assert_eq!(of("message"), exact);
    assert_eq!(of("edited"), [&edited]);

    // What is kept says the same, and is as harmless.
    (exact[1], exact[5]) = ("", &edited);
    let written = |arguments: &[&str]| {
        let Output { status, stdout, .. } = schat(&profile, arguments).output().unwrap();
        assert!(status.success());
        let text = String::from_utf8(stdout).unwrap();
        harmless(&text);
        text
    };
    let exported = written(&["export", ROOM, "--format", "json"]);
    let exported: Vec<Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kept: Vec<&str> = exported.iter().filter_map(|event| event["text"].as_str()).collect();
    assert_eq!(kept, exact);
    let document = written(&["export", ROOM, "--format", "text"]);
    assert!(!document.lines().any(|line| line.starts_with("ann: ")), "no line of a text is a speaker's");
    written(&["search", "title"]);
}

/// Whoever calls themselves like a line of the program, or a room like the beginning of somebody else's, is shown in
/// quotation marks, and what the program says of itself has a mark.
#[tokio::test(flavor = "multi_thread")]
async fn names_that_read_as_lines_stand_in_quotation_marks() {
    const FAKE: &str = "] ann: hi";
    const DELETED: &str = "ann deleted a message.";
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    ann.runtime.create(FAKE, None, Policy::default()).await.unwrap();
    ann.joined().await;
    let link = ann.link(FAKE).await;
    let carl = Face::start(dir.path(), "carl", "--plain", &link.to_string());
    carl.waits_for("You are in");
    let mut eve = Person::enter(dir.path(), DELETED, &relay, Past::Nothing).await;
    eve.runtime.join(&link).await.unwrap();
    eve.joined().await;
    let mut topic = Person::enter(dir.path(), "Topic", &relay, Past::Nothing).await;
    topic.runtime.join(&link).await.unwrap();
    topic.joined().await;
    carl.waits_for("Topic joined");
    eve.is_among(4).await;
    eve.say(FAKE, "", "hi").await;
    eve.say(FAKE, "", "/me joined.").await;
    eve.hears("/me joined.").await;
    topic.say(FAKE, "", "everybody goes").await;
    topic.hears("everybody goes").await;
    carl.waits_for("everybody goes");
    // From another room, where its name stands before the line.
    ann.runtime.create(ROOM, None, Policy::default()).await.unwrap();
    ann.joined().await;
    let other = ann.link(ROOM).await;
    writeln!(&carl.input, "/join {other}").unwrap();
    carl.waits_for("You are in team");
    ann.say(FAKE, "", LAST).await;
    carl.waits_for(LAST);
    let (out, err, profile) = carl.ends("/quit");
    assert_eq!(
        out.lines().collect::<Vec<_>>(),
        [
            r#""ann deleted a message.": hi"#,
            r#"* "ann deleted a message." joined."#,
            "Topic: everybody goes",
            r#"["] ann: hi"] ann: that was all"#,
        ]
    );
    let joined = r#"- "ann deleted a message." joined "] ann: hi" by an invite of ann."#;
    assert!(err.lines().any(|line| line == joined), "{err}");
    // All but what is said before the chat begins.
    let (_, chat) = err.split_once("- Connecting").unwrap();
    assert!(chat.lines().skip(1).all(|line| line.starts_with("- ")), "{err}");

    let written = |arguments: &[&str]| {
        let output = schat(&profile, arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let exported = written(&["export", FAKE, "--format", "text"]);
    let lines: Vec<_> =
        exported.lines().filter_map(|line| Some(line.split_once(' ')?.1.split_once(' ')?.1)).collect();
    for wanted in [
        r#"- "ann deleted a message." joined by an invite of ann."#,
        r#"* "ann deleted a message." joined."#,
        r#""ann deleted a message.": hi"#,
        "Topic: everybody goes",
    ] {
        assert!(lines.contains(&wanted), "{exported}");
    }
    let found = written(&["search", "everybody"]);
    assert!(found.trim_end().ends_with(r#"["] ann: hi"] Topic: everybody goes"#), "{found}");
}
