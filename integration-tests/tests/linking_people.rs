//! Linking as people do it: at the command line, in a chat of lines, with a relay that takes no files, and with somebody in the
//! middle.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Output, Stdio},
    sync::mpsc,
    thread,
};

use integration_tests::{
    PATIENCE,
    group::{ROOM, found},
    linking::{compared, device, link, state},
    relay::Relay,
    schat::{self, Schat, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// `schat link CODE` on the device that has the account, by a program that writes this: some of it at once, the rest when both show
/// what to compare.
fn confirmed(
    dir: &Path,
    (relay, name): (&str, &str),
    new: &mut Schat,
    (ahead, typed): (&str, impl FnOnce(&str) -> String),
) -> Output {
    let code = state(new, "code")["link"].as_str().unwrap().to_owned();
    let mut command = schat::command(dir, name);
    command.args(["--trust-first-use", "--relay", relay, "link", "-"]);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(format!("{code}\n{ahead}").as_bytes()).unwrap();
    let digits = state(new, "compare")["digits"].as_str().unwrap().to_owned();
    // It may have refused by what it read before.
    let _ = input.write_all(typed(&digits).as_bytes());
    drop(input);
    child.wait_with_output().unwrap()
}

#[test]
fn who_writes_into_a_pipe_confirms_by_the_digits_and_by_nothing_else() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    assert_eq!(people.remove(0).quit().code, Some(0));
    type Typed = fn(&str) -> String;
    let nothing: Typed = |_| String::new();
    let wrongs: [(&str, Typed); 6] = [
        ("", |_| "n\n".to_owned()),
        ("", |_| "\n".to_owned()),
        ("", nothing),
        ("", |_| "y\n".to_owned()),
        ("y\nyes\n", nothing),
        ("", |digits| format!("{}\n", digits.replace(|sign: char| sign.is_ascii_digit(), "1"))),
    ];
    let right: Typed = |digits| format!("{digits}\n");
    for (n, (typed, code)) in wrongs.into_iter().map(|wrong| (wrong, 4)).chain([(("", right), 0)]).enumerate()
    {
        let mut new = device(dir.path(), "new", &relay.address, &[]);
        let output = confirmed(dir.path(), (&relay.address, "ann"), &mut new, typed);
        assert_eq!(output.status.code(), Some(code), "{n}: {}", text(&output));
        assert!(text(&output).contains("twelve digits"), "{}", text(&output));
        assert_eq!(new.finish().code, Some(code), "{n}");
    }
}

/// The goodbye of the first linking is not over, or was cut off with the program, when the second begins.
#[test]
fn devices_are_linked_one_right_after_the_other() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    assert_eq!(people.remove(0).quit().code, Some(0));
    // By commands.
    for name in ["ann2", "ann3"] {
        let mut new = device(dir.path(), name, &relay.address, &[]);
        let typed = ("", |digits: &str| format!("{digits}\n"));
        let output = confirmed(dir.path(), (&relay.address, "ann"), &mut new, typed);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", text(&output));
        assert_eq!(new.finish().code, Some(0), "{name}");
    }
    // A new device that shows a code of its own, as soon as it is one.
    let mut shows = device(dir.path(), "ann3", &relay.address, &[]);
    state(&mut shows, "code");
    drop(shows);
    // In a program that goes on.
    let mut ann = Schat::start(dir.path(), "ann", &relay.address);
    let codes = ["ann4", "ann5"].map(|name| {
        let mut new = device(dir.path(), name, &relay.address, &[]);
        let code = state(&mut new, "code")["link"].as_str().unwrap().to_owned();
        (new, code)
    });
    let mut ended = Vec::new();
    for (mut new, code) in codes {
        let mark = ann.mark();
        ann.tell(json!({"cmd": "link", "code": code}));
        let is_compared = |event: &Value| event["event"] == "link" && event["state"] == "compare";
        let digits = ann.wait_after(mark, "what to compare", is_compared)["digits"].clone();
        state(&mut new, "compare");
        ann.tell(json!({"cmd": "link_confirm", "digits": digits}));
        ann.wait_after(mark, "done", |event| event["event"] == "link" && event["state"] == "done");
        // The next one begins at once.
        ended.push(new);
    }
    assert!(ended.into_iter().all(|mut new| new.finish().code == Some(0)));
}

/// A chat of lines, whose standard output is waited for.
#[test]
fn chat_of_lines_links_by_commands() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    assert_eq!(people.remove(0).quit().code, Some(0));
    let mut new = device(dir.path(), "new", &relay.address, &[]);
    let code = state(&mut new, "code")["link"].as_str().unwrap().to_owned();
    let mut command: Command = schat::command(dir.path(), "ann");
    command.args(["--plain", "--trust-first-use", "--relay", &relay.address]);
    let mut chat =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = chat.stdin.take().unwrap();
    let (sender, lines) = mpsc::channel();
    let errors = BufReader::new(chat.stderr.take().unwrap());
    let also = sender.clone();
    thread::spawn(move || errors.lines().map_while(Result::ok).for_each(|line| drop(also.send(line))));
    let output = BufReader::new(chat.stdout.take().unwrap());
    thread::spawn(move || output.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
    let wait = |says: &str| loop {
        let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{says}: {error}"));
        if line.contains(says) {
            return line;
        }
    };
    // Nothing is asked yet.
    writeln!(input, "/link yes 0000 0000 0000").unwrap();
    wait("No device is being linked");
    writeln!(input, "/link {code}").unwrap();
    let digits = state(&mut new, "compare")["digits"].as_str().unwrap().to_owned();
    let shown: Vec<String> = std::iter::from_fn(|| {
        let line = wait("");
        (!line.contains("/link yes")).then_some(line)
    })
    .collect();
    assert!(shown.iter().any(|line| line.contains("wants to have your account")), "{shown:?}");
    // They stand on the new device alone, so that whoever types them has looked there.
    assert!(!shown.iter().any(|line| line.contains(&digits)), "{shown:?}");
    // Whoever has not confirms nothing.
    writeln!(input, "/link yes").unwrap();
    wait("/link yes DIGITS");
    writeln!(input, "/link yes {digits} history=none").unwrap();
    wait("Handed over");
    wait("has everything");
    drop(input);
    chat.wait().unwrap();
    assert_eq!(new.finish().code, Some(0));
}

#[test]
fn relay_that_takes_no_files_carries_all_but_the_past() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::with(&dir.path().join("relay"), &["--max-file-mib", "0"], None);
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    let ann = &mut people[0];
    ann.say(ROOM, "said before", "1");
    ann.sent("1");
    let ended = link(ann, dir.path(), "new", &relay.address);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    state(ann, "no_past");
    assert!(ended.seen.iter().any(|event| event["state"] == "room" && event["room"] == ROOM));
}

/// Somebody has a room with each of the two. The person sees two phrases that differ; and a new device that was taken by somebody
/// else says whose it became.
#[test]
fn somebody_in_the_middle_shows_two_phrases() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "mallory"]);
    let [ann, mallory] = &mut people[..] else { panic!() };
    // The true new device's code was photographed; ann is shown another one.
    let mut new = device(dir.path(), "new", &relay.address, &[]);
    let photographed = state(&mut new, "code")["link"].as_str().unwrap().to_owned();
    mallory.tell(json!({"cmd": "link", "code": photographed}));
    let mut middle = device(dir.path(), "middle", &relay.address, &[]);
    let shown = state(&mut middle, "code")["link"].as_str().unwrap().to_owned();
    ann.tell(json!({"cmd": "link", "code": shown}));
    let (at_ann, at_new) = (compared(ann, &mut middle), compared(mallory, &mut new));
    assert_ne!(at_ann, at_new);
    ann.tell(json!({"cmd": "link_refuse"}));
    assert_eq!(middle.finish().code, Some(4));
    mallory.tell(json!({"cmd": "link_confirm", "digits": at_new}));
    let ended = new.finish();
    let received = ended.seen.iter().find(|event| event["state"] == "received").unwrap().clone();
    drop(people);
    let of = |name: &str| {
        let output = run(schat::command(dir.path(), name).args(["fingerprint", "--json"]), b"");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["fingerprint"].clone()
    };
    assert_eq!(received["fingerprint"], of("mallory"));
    assert_ne!(received["fingerprint"], of("ann"));
}
