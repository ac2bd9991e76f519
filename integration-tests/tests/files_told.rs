//! What the commands of files say, to people and to programs, and what becomes of a file when whoever asked for it ends.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Output, Stdio},
    sync::mpsc,
    time::Instant,
};

use integration_tests::{
    PATIENCE,
    files::{bytes, done, file, names, pair, schat, schat_file},
    group::{ROOM, found},
    relay::Relay,
    schat::{Schat, command, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A minute's worth of bytes go at once, and the others slowly: a file of 20 MiB breaks off where everybody sees it.
const SLOW: &[&str] = &["--rate", "1000000", "--file-traffic-mib", "8"];
const FAST: &[&str] = &["--rate", "1000000"];
const LONG: usize = 20 << 20;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn objects(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn waits_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "in vain: {what}");
        std::thread::yield_now();
    }
}

fn again(relay: &mut Relay, options: &[&str]) {
    relay.terminate();
    relay.set_options(options);
    relay.restart();
}

/// The one file under way, for a program; none where there is none.
fn under_way(dir: &Path, name: &str) -> Option<Value> {
    let told = objects(&done(&mut schat(dir, name, &["--json", "file", "transfers"])));
    let [told] = <[Value; 1]>::try_from(told).unwrap();
    assert_eq!(told["event"], "transfers");
    let files = told["transfers"].as_array().unwrap();
    assert!(files.len() <= 1, "{told}");
    files.first().cloned()
}

fn interrupt(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
}

/// Files of a directory that are not whole.
fn parts(dir: &Path) -> Vec<PathBuf> {
    let Ok(found) = fs::read_dir(dir) else { return Vec::new() };
    let found = found.map(|entry| entry.unwrap().path());
    found.filter(|path| path.extension().is_some_and(|ending| ending == "part")).collect()
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

#[test]
fn transfer_that_was_broken_off_tells_how_far_it_is() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::with(&dir.path().join("relay"), SLOW, None);
    pair(dir.path(), &relay);
    let none = done(&mut schat_file(dir.path(), "ann", &["transfers"]));
    assert_eq!(
        (text(&none.stdout), text(&none.stderr)),
        (String::new(), "schat: No file is under way.\n".into())
    );
    assert_eq!(under_way(dir.path(), "ann"), None);
    let path = file(dir.path(), "big.bin", &bytes(LONG, 1));
    let mut send = schat_file(dir.path(), "ann", &["send", ROOM, path.to_str().unwrap()]);
    let mut send = send.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Its own word is not enough: how far it is has to be on the disk before it is killed.
    let far = || under_way_of(dir.path());
    waits_until("bytes that go", || far().is_some_and(|done| done >= 6 << 20));
    send.kill().unwrap();
    send.wait().unwrap();
    let told = under_way(dir.path(), "ann").unwrap();
    assert_eq!(
        (&told["state"], &told["direction"], &told["room"]),
        (&json!("waiting"), &json!("up"), &json!(ROOM))
    );
    let there = told["done"].as_u64().unwrap();
    assert!((6 << 20..=14 << 20).contains(&there), "{told}");
    let shown = done(&mut schat_file(dir.path(), "ann", &["transfers"]));
    let percent = there * 100 / LONG as u64;
    assert!(
        text(&shown.stdout)
            .contains(&format!("big.bin, 20 MB to the relay, {percent} %, waiting  in {ROOM}")),
        "{shown:?}"
    );
    assert!(text(&shown.stderr).contains("no schat runs on this profile"), "{shown:?}");
    // Somebody who only looks lets nothing go on.
    assert_eq!(under_way(dir.path(), "ann").unwrap(), told);
    let paused = json!(told["transfer"]).to_string();
    done(&mut schat_file(dir.path(), "ann", &["pause", &paused]));
    done(&mut schat_file(dir.path(), "ann", &["pause", &paused]));
    assert_eq!(under_way(dir.path(), "ann").unwrap()["state"], "paused");
}

/// How far the file of a program that runs is: from a copy of its profile, for the profile is in use.
fn under_way_of(dir: &Path) -> Option<u64> {
    let copy = TempDir::new().unwrap();
    let (from, to) = (dir.join("ann"), copy.path().join("ann"));
    fs::create_dir(&to).unwrap();
    for name in names(&from) {
        if fs::copy(from.join(&name), to.join(&name)).is_err() {
            return None;
        }
    }
    let output = run(&mut schat(copy.path(), "ann", &["--json", "file", "transfers"]), b"");
    let told = objects(&output).pop()?;
    told["transfers"][0]["done"].as_u64()
}

#[test]
fn why_a_transfer_stopped_is_told_in_every_face() {
    let dir = TempDir::new().unwrap();
    let mut relay = Relay::with(&dir.path().join("relay"), FAST, None);
    pair(dir.path(), &relay);
    again(&mut relay, &["--rate", "1000000", "--max-file-mib", "1"]);
    let path = file(dir.path(), "big.bin", &bytes(3 << 20, 1));
    let sends = ["send", ROOM, path.to_str().unwrap()];
    let refused = run(&mut schat_file(dir.path(), "ann", &sends), b"");
    assert_eq!(refused.status.code(), Some(4));
    let told = under_way(dir.path(), "ann").unwrap();
    let number = told["transfer"].to_string();
    assert_eq!((&told["state"], &told["code"]), (&json!("stopped"), &json!("too_large")), "{told}");
    assert!(told["message"].as_str().unwrap().contains("too large for the relay"));
    let way = format!("`schat file resume {number}` tries again, `schat file cancel {number}` gives it up.");
    assert!(text(&refused.stderr).contains(&way), "{refused:?}");
    let shown = text(&done(&mut schat_file(dir.path(), "ann", &["transfers"])).stdout);
    assert!(shown.contains("stopped: The file is too large for the relay"), "{shown}");

    let lines = run(schat(dir.path(), "ann", &["--plain"]).env("TERM", "dumb"), b"/why\n");
    let why = "- Sending big.bin stopped. The file is too large for the relay".to_owned();
    let told = text(&lines.stderr);
    let line = told.lines().find(|line| line.starts_with(&why)).unwrap_or_else(|| panic!("{told}"));
    assert!(
        line.contains(&format!("/resume {number} tries again, /cancel {number} gives it up. (in {ROOM})")),
        "{line}"
    );

    // The same as objects, and nothing beside them.
    let refused = run(&mut schat_file(dir.path(), "ann", &["resume", &number, "--json"]), b"");
    assert_eq!((refused.status.code(), text(&refused.stderr)), (Some(4), String::new()));
    let last = objects(&refused).pop().unwrap();
    assert_eq!((&last["event"], &last["code"]), (&json!("error"), &json!("too_large")), "{last}");
    done(&mut schat_file(dir.path(), "ann", &["cancel", &number]));
    assert_eq!(under_way(dir.path(), "ann"), None);
}

/// A room with a file that takes long to be fetched.
fn with_long_file(dir: &TempDir) -> (Relay, Vec<u8>) {
    let mut relay = Relay::with(&dir.path().join("relay"), FAST, None);
    pair(dir.path(), &relay);
    let content = bytes(LONG, 3);
    let path = file(dir.path(), "big.bin", &content);
    done(&mut schat_file(dir.path(), "ann", &["send", ROOM, path.to_str().unwrap()]));
    // The room's log is read: `export` itself asks no relay for it.
    done(&mut schat(dir.path(), "bob", &["send", ROOM, "hello"]));
    again(&mut relay, SLOW);
    (relay, content)
}

#[test]
fn files_of_an_export_are_fetched_while_it_runs_and_no_longer() {
    let dir = TempDir::new().unwrap();
    let (mut relay, content) = with_long_file(&dir);
    let got = dir.path().join("got");
    let out = dir.path().join("team.json");
    let exports = ["export", ROOM, "-o", out.to_str().unwrap(), "--force", "--files", got.to_str().unwrap()];
    for signal in ["INT", "KILL"] {
        let mut export = schat(dir.path(), "bob", &exports);
        let mut export = export.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        waits_until("a part", || parts(&got).iter().any(|part| length(part) > 1 << 20));
        interrupt(&export, signal);
        let ended = export.wait().unwrap().code();
        assert_eq!(ended, if signal == "INT" { Some(130) } else { None });
        assert_eq!(under_way(dir.path(), "bob"), None, "{signal}");
        // Whoever opens the chat next gets nothing that nobody asked for.
        let mut bot = Schat::start(dir.path(), "bob", &relay.address);
        bot.tell(json!({"cmd": "transfers"}));
        assert_eq!(bot.event("transfers")["transfers"], json!([]), "{signal}");
        assert_eq!(bot.quit().code, Some(0));
        assert_eq!(parts(&got).len(), 1);
    }
    again(&mut relay, FAST);
    // The same export goes on with what is there.
    done(&mut schat(dir.path(), "bob", &exports));
    let [name] = <[String; 1]>::try_from(names(&got)).unwrap();
    assert!(name.ends_with(" big.bin") && fs::read(got.join(name)).unwrap() == content);
}

#[test]
fn daemon_fetches_for_an_export_no_longer_than_that_lives() {
    let dir = TempDir::new().unwrap();
    let (_relay, _) = with_long_file(&dir);
    let mut daemon = command(dir.path(), "bob");
    let mut daemon = daemon.arg("--trust-first-use").arg("daemon").stderr(Stdio::null()).spawn().unwrap();
    waits_until("a daemon", || {
        command(dir.path(), "bob").args(["daemon", "status"]).output().unwrap().status.success()
    });
    let got = dir.path().join("got");
    let commands: [&[&str]; 2] = [
        &["export", ROOM, "-o", "team.json", "--force", "--files", got.to_str().unwrap()],
        &["file", "get", ROOM, "last", "-o", "-"],
    ];
    for arguments in commands {
        let mut asks = command(dir.path(), "bob");
        asks.args(arguments).current_dir(dir.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut asks = asks.spawn().unwrap();
        waits_until("a transfer", || under_way_at(dir.path()).is_some());
        asks.kill().unwrap();
        asks.wait().unwrap();
        waits_until("its end", || under_way_at(dir.path()).is_none());
        let output = dir.path().join("bob/output");
        waits_until("nothing left", || fs::read_dir(&output).map_or(0, Iterator::count) == 0);
    }
    done(command(dir.path(), "bob").args(["daemon", "stop"]));
    assert!(daemon.wait().unwrap().success());
}

/// By a daemon's word.
fn under_way_at(dir: &Path) -> Option<Value> {
    let told = objects(&done(command(dir, "bob").args(["--json", "file", "transfers"]))).pop().unwrap();
    told["transfers"].as_array().unwrap().first().cloned()
}

#[test]
fn file_goes_to_standard_output_whole_or_not_at_all() {
    let dir = TempDir::new().unwrap();
    let (mut relay, content) = with_long_file(&dir);
    let gets = ["get", ROOM, "last", "-o", "-"];
    let place = dir.path().join("bob/output");
    for signal in ["TERM", "KILL"] {
        let mut get = schat_file(dir.path(), "bob", &gets);
        let get = get.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let inside =
            || fs::read_dir(&place).into_iter().flatten().flat_map(|one| parts(&one.unwrap().path()));
        waits_until("a part", || inside().any(|part| length(&part) > 1 << 20));
        interrupt(&get, signal);
        let ended = get.wait_with_output().unwrap();
        assert_eq!(ended.stdout, b"", "{signal}: half a file was written");
        assert_eq!(under_way(dir.path(), "bob"), None, "{signal}");
    }
    again(&mut relay, FAST);
    let got = done(&mut schat_file(dir.path(), "bob", &gets));
    assert!(got.stdout == content);
    // Nor is anything left of those that were killed.
    assert_eq!(fs::read_dir(&place).map_or(0, Iterator::count), 0);
    let refused = run(&mut schat_file(dir.path(), "bob", &["get", ROOM, "last", "-o", "-", "--json"]), b"");
    assert_eq!(refused.status.code(), Some(2));
    assert!(objects(&refused)[0]["remedy"].as_str().unwrap().contains("--output"));
}

#[test]
fn relative_path_begins_where_the_program_runs_and_at_a_daemon_it_is_refused() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    people.into_iter().for_each(|person| assert_eq!(person.quit().code, Some(0)));
    let here = dir.path().join("here");
    fs::create_dir(&here).unwrap();
    file(&here, "cat.bin", b"cat");
    let starts = || {
        let mut ann = command(dir.path(), "ann");
        ann.args(["--trust-first-use", "--relay", &relay.address]).current_dir(&here);
        Schat::spawn(ann, dir.path(), "ann")
    };
    let mut ann = starts();
    ann.tell(json!({"cmd": "file_send", "room": ROOM, "path": "cat.bin", "text": "look", "id": "f1"}));
    ann.sent("f1");
    let message = ann.wait("look", |event| event["event"] == "message" && event["text"] == "look");
    ann.tell(json!({"cmd": "file_get", "room": ROOM, "target": message["id"], "output": "deep/got.bin"}));
    let there = ann.wait("done", |event| event["event"] == "transfer" && event["path"].is_string());
    assert_eq!(there["path"], json!(here.join("deep/got.bin")));
    assert_eq!(fs::read(here.join("deep/got.bin")).unwrap(), b"cat");
    assert_eq!(ann.quit().code, Some(0));

    let mut daemon = command(dir.path(), "ann");
    let mut daemon = daemon.arg("--trust-first-use").arg("daemon").stderr(Stdio::null()).spawn().unwrap();
    waits_until("a daemon", || {
        command(dir.path(), "ann").args(["daemon", "status"]).output().unwrap().status.success()
    });
    let mut ann = starts();
    for asked in [
        json!({"cmd": "file_send", "room": ROOM, "path": "cat.bin", "id": "f2"}),
        json!({"cmd": "file_get", "room": ROOM, "target": message["id"], "output": "got.bin"}),
    ] {
        let mark = ann.mark();
        ann.tell(asked.clone());
        let refused = ann.wait_after(mark, "a refusal", |event| event["event"] == "error");
        assert_eq!(
            (&refused["code"], &refused["remedy"]),
            (&json!("usage"), &json!("Give the path from the root."))
        );
        assert!(refused["message"].as_str().unwrap().contains("daemon"), "{asked}");
    }
    assert!(!here.join("got.bin").exists());
    drop(ann);
    done(command(dir.path(), "ann").args(["daemon", "stop"]));
    assert!(daemon.wait().unwrap().success());
}

#[test]
fn operator_is_told_once_of_a_file_that_waits_for_its_rate() {
    let dir = TempDir::new().unwrap();
    // A part a second, after the first sixty.
    let options = ["--rate", "1000000", "--file-traffic-mib", "60"];
    let relay = Relay::with(&dir.path().join("relay"), &options, Some("info"));
    pair(dir.path(), &relay);
    let path = file(dir.path(), "big.bin", &bytes(65 << 20, 4));
    done(&mut schat_file(dir.path(), "ann", &["send", ROOM, path.to_str().unwrap()]));
    let log = relay.log();
    let told =
        log.lines().filter(|line| line.contains("file_traffic_mib") && line.contains("ran into a limit"));
    assert_eq!(told.count(), 1, "{log}");
}

/// A chat in lines, of which what the program says is read.
struct Lines {
    child: Child,
    told: mpsc::Receiver<String>,
}

impl Lines {
    fn start(dir: &Path, name: &str, config: &Path) -> Self {
        let mut lines = schat(dir, name, &["--plain"]);
        lines.env("SCHAT_CONFIG", config).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = lines.spawn().unwrap();
        let (sender, told) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        // Ends with the program.
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, told }
    }

    fn says(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    fn hears(&mut self, part: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let rest = end.saturating_duration_since(Instant::now());
            let line = self.told.recv_timeout(rest).unwrap_or_else(|_| panic!("in vain: {part}"));
            if line.contains(part) {
                return line;
            }
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // Fails only where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn any_file_of_a_room_is_fetched_by_its_id_and_several_are_sent_at_once() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    pair(dir.path(), &relay);
    let got = dir.path().join("got");
    let settings = format!("[files]\ndownloads = {:?}\n", got.to_str().unwrap());
    let config = file(dir.path(), "config.toml", settings.as_bytes());
    let (older, newer) = (dir.path().join("older"), dir.path().join("newer"));
    for place in [&older, &newer] {
        fs::create_dir(place).unwrap();
    }
    let [one, two] = [file(&older, "my report.txt", b"older"), file(&newer, "my report.txt", b"newer")];
    let [third, other] = ["one more.txt", "other.txt"].map(|name| file(dir.path(), name, name.as_bytes()));
    let mut ann = Lines::start(dir.path(), "ann", &config);
    ann.hears("You are in");
    // One that is not there keeps all of them here.
    ann.says(&format!("/file '{}' {}", one.display(), dir.path().join("none").display()));
    ann.hears("none is no file. Nothing was sent.");
    for (with, last) in [
        (one.display().to_string(), "is at the relay"),
        (two.display().to_string(), "is at the relay"),
        (format!("'{}' {}", third.display(), other.display()), "other.txt is at the relay"),
    ] {
        ann.says(&format!("/file {with}"));
        ann.hears(last);
    }
    ann.child.stdin = None;
    assert_eq!(ann.child.wait().unwrap().code(), Some(5), "the first line that was refused");

    let mut bob = Lines::start(dir.path(), "bob", &config);
    bob.hears("You are in");
    let listed = || objects(&done(&mut schat_file(dir.path(), "ann", &["list", ROOM, "--json"])));
    let names: Vec<Value> = listed().iter().map(|line| line["file"]["name"].clone()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    let oldest = listed()[0]["id"].as_str().unwrap().to_owned();
    bob.says("/files report");
    assert!(bob.hears("my report.txt").starts_with(&format!("- {} ", &oldest[..8])));
    bob.says(&format!("/get {}", oldest[..8].to_uppercase()));
    let there = bob.hears(" is here: ");
    assert_eq!(fs::read(there.split_once(" is here: ").unwrap().1).unwrap(), b"older");
    for (wanted, told) in [("ffffffff", "or an id that begins so"), ("zebra", "these words in its name")] {
        bob.says(&format!("/get {wanted}"));
        bob.hears(told);
    }
    bob.says("/quit");
    assert_eq!(bob.child.wait().unwrap().code(), Some(5), "the first line that was refused");
}
