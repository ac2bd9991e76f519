//! Files whose sender, receiver and relay are killed (SIGKILL) on the way, each at places that nobody chose: in the end the bytes
//! are the same, nothing half was shown as whole, and hardly anything went twice.
//!
//! `SCHAT_KILLS` changes how often, `SCHAT_SEED` where; the seed is printed.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use integration_tests::{
    count,
    files::{bytes, done, file, pair, schat_file},
    group::{ROOM, found},
    relay::{Relay, command as operator},
    schat::{command, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A part of a file as the relay keeps it, in bytes.
const PART: u64 = (1 << 20) + 256;

/// Bytes of the file: some parts for each kill.
const SIZE: usize = 48 << 20;

/// The parts that carry them.
const PARTS: u64 = SIZE as u64 >> 20;

/// How long a file may stand still.
const PATIENCE: Duration = Duration::from_secs(120);

/// A relay. Who was killed keeps its turn there for a while, which is not what is looked at here.
fn start(dir: &Path) -> Relay {
    let options = ["--rate", "1000000", "--transfers-per-member", "1000", "--transfers-per-room", "1000"];
    Relay::with(&dir.join("relay"), &options, None)
}

/// Where to kill, in bytes: in order, and others each time; not where it may be through by the time of it.
fn places() -> Vec<u64> {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = count("SCHAT_SEED", clock.subsec_nanos() as usize);
    println!("SCHAT_SEED={seed}");
    let mut state = seed as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut places: Vec<u64> =
        (0..count("SCHAT_KILLS", 10)).map(|_| next() % (SIZE as u64 * 9 / 10)).collect();
    places.sort_unstable();
    places
}

fn said(command: &mut Command) -> String {
    String::from_utf8(done(command).stdout).unwrap()
}

/// Bytes of files that the relay took, and gave, since its start.
fn carried(relay: &Relay) -> (u64, u64) {
    let top: Value = serde_json::from_str(&said(operator(relay.dir()).args(["top", "--json"]))).unwrap();
    (top["file_bytes_in"].as_u64().unwrap(), top["file_bytes_out"].as_u64().unwrap())
}

/// Two people who have a room, and whose programs have ended; and a file.
fn begin(dir: &Path, relay: &Relay) -> (Vec<u8>, PathBuf) {
    pair(dir, relay);
    let content = bytes(SIZE, 0);
    let path = file(dir, "big.bin", &content);
    (content, path)
}

/// Kills a command as soon as it tells of so many bytes. Returns how many it told of last; none: it was through before.
fn killed_behind(command: &mut Command, far: u64) -> Option<u64> {
    let mut child = command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let told = BufReader::new(child.stdout.take().unwrap());
    let mut there = 0;
    for line in told.lines().map_while(Result::ok) {
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["state"] == "done" {
            assert!(child.wait().unwrap().success());
            return None;
        }
        there = event["done"].as_u64().unwrap_or(there);
        if there > far {
            break;
        }
    }
    child.kill().unwrap();
    // Its last words may have been written in the meantime.
    let is_through = child.wait().unwrap().success();
    (!is_through).then_some(there)
}

/// The same of one that fetches, which may tell too seldom for its speed: as soon as what is in the directory is so long.
fn killed_when_longer(command: &mut Command, directory: &Path, far: u64) -> Option<u64> {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while longest(directory) <= far {
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success());
            return None;
        }
        std::thread::yield_now();
    }
    child.kill().unwrap();
    (!child.wait().unwrap().success()).then(|| longest(directory))
}

/// Bytes of the longest file in a directory.
fn longest(directory: &Path) -> u64 {
    let files = fs::read_dir(directory).unwrap().flatten();
    files.filter_map(|file| Some(file.metadata().ok()?.len())).max().unwrap_or(0)
}

/// Kills a command at each place, and lets it end then. What it had told of is not carried again: so many parts more at most.
fn killed_often(
    command: impl Fn() -> Command,
    killed: impl Fn(&mut Command, u64) -> Option<u64>,
    carried: impl Fn() -> u64,
    more: u64,
    check: impl Fn(),
) {
    let mut there = 0;
    let mut kills = 0;
    for place in places() {
        let Some(now) = killed(&mut command(), place) else {
            assert!(kills > 0, "nobody was killed");
            return println!("too fast to be killed more than {kills} times");
        };
        assert!(now + (more << 20) >= there, "{now} bytes are there, and it had told of {there}");
        there = now;
        kills += 1;
        check();
    }
    let before = carried();
    done(&mut command());
    let (last, left) = ((carried() - before).div_ceil(PART), PARTS - there / (1 << 20));
    println!(
        "{kills} kills: {} parts in all, {last} of them at last, {left} were left",
        carried().div_ceil(PART)
    );
    assert!(last <= left + more, "{last} parts were carried where {left} were left");
}

#[test]
fn sender_and_receiver_that_are_killed_go_on_and_hardly_anything_goes_twice() {
    let dir = TempDir::new().unwrap();
    let relay = start(dir.path());
    let (content, path) = begin(dir.path(), &relay);
    let send = || schat_file(dir.path(), "ann", &["send", ROOM, path.to_str().unwrap()]);
    // The list of its parts is one more; the relay may have had more than it had told.
    killed_often(send, killed_behind, || carried(&relay).0, 1, || {});
    let got = dir.path().join("got");
    fs::create_dir(&got).unwrap();
    let place = got.join("there.bin");
    let get = || schat_file(dir.path(), "bob", &["get", ROOM, "last", "-o", place.to_str().unwrap()]);
    let check = || assert!(!place.exists(), "half a file is shown as a whole one");
    let killed = |command: &mut Command, far| killed_when_longer(command, &got, far);
    killed_often(get, killed, || carried(&relay).1, UNDER_WAY, check);
    assert!(fs::read(&place).unwrap() == content);
    assert_eq!(fs::read_dir(&got).unwrap().count(), 1, "something else is left");
    let listed = said(&mut schat_file(dir.path(), "bob", &["list", ROOM]));
    assert_eq!(listed.lines().count(), 1, "it was offered more than once: {listed}");
}

/// Parts that are fetched and were told of, and wait for the disk; and the end of the file with its list, which comes first each time.
const UNDER_WAY: u64 = 4 + 2 + 2;

#[test]
fn relay_that_is_killed_again_and_again_loses_nothing_that_it_acknowledged() {
    let dir = TempDir::new().unwrap();
    let mut relay = start(dir.path());
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let (content, path) = (bytes(SIZE, 0), dir.path().join("big.bin"));
    fs::write(&path, &content).unwrap();
    let mut through = |person: &mut integration_tests::schat::Schat, mark: usize, fetched: Option<&Path>| {
        let mut kills = 0;
        for place in places() {
            let is_there = |event: &Value| {
                event["event"] == "transfer"
                    && (event["state"] == "done" || event["done"].as_u64() > Some(place))
            };
            match fetched {
                None => {
                    let now = person.wait_after(mark, "bytes that go", is_there);
                    if now["state"] == "done" {
                        break;
                    }
                }
                // What is fetched may be told of too seldom for its speed.
                Some(got) => {
                    let end = Instant::now() + PATIENCE;
                    while longest(got) <= place {
                        assert!(Instant::now() < end, "it does not go on after {kills} kills");
                        std::thread::yield_now();
                    }
                }
            }
            relay.kill();
            relay.restart();
            kills += 1;
        }
        assert!(kills > 0, "nobody was killed");
        person.wait_after(mark, "done", |event| event["event"] == "transfer" && event["state"] == "done");
    };
    let mark = people[0].mark();
    people[0].tell(json!({"cmd": "file_send", "room": ROOM, "path": path, "id": "f1"}));
    through(&mut people[0], mark, None);
    people[0].sent("f1");
    let message = people[1].wait("the file", |event| event["file"]["name"] == "big.bin");
    let got = dir.path().join("got");
    fs::create_dir(&got).unwrap();
    let place = got.join("there.bin");
    let mark = people[1].mark();
    people[1].tell(json!({"cmd": "file_get", "room": ROOM, "target": message["id"], "output": place}));
    through(&mut people[1], mark, Some(&got));
    assert!(fs::read(&place).unwrap() == content);
    for person in &mut people {
        assert_eq!(person.alarms(), Vec::<Value>::new());
        let files = person.seen.iter().filter(|event| event["event"] == "message").count();
        assert_eq!(files, 1, "it was offered more than once");
    }
}

/// The relay has all of the file, and does not take the message that offers it. The person gives the command once more, as
/// anybody would.
#[test]
fn file_that_was_offered_and_waits_for_the_relay_is_not_offered_again() {
    let dir = TempDir::new().unwrap();
    let mut relay = start(dir.path());
    let (people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    for person in people {
        assert_eq!(person.quit().code, Some(0));
    }
    relay.terminate();
    relay.set_options(&["--rate", "1"]);
    relay.restart();
    let says = || {
        let mut say = command(dir.path(), "ann");
        say.args(["--trust-first-use", "send", ROOM, "more", "--timeout", "3"]);
        run(&mut say, b"").status.success()
    };
    assert!((0..50).any(|_| !says()), "the relay takes any number of messages");
    let path = dir.path().join("small.txt");
    fs::write(&path, b"only once").unwrap();
    let send = |timeout| {
        schat_file(dir.path(), "ann", &["send", ROOM, path.to_str().unwrap(), "--timeout", timeout])
    };
    for _ in 0..2 {
        assert!(!run(&mut send("3"), b"").status.success(), "the message was taken");
    }
    let files: Value = serde_json::from_str(&said(operator(relay.dir()).args(["top", "--json"]))).unwrap();
    assert!(files["rooms"][0]["file_bytes"].as_u64() > Some(0), "the file is not there: {files}");
    relay.terminate();
    relay.set_options(&["--rate", "1000000"]);
    relay.restart();
    done(&mut send("30"));
    let listed = || said(&mut schat_file(dir.path(), "ann", &["list", ROOM]));
    assert_eq!(listed().lines().count(), 1, "{}", listed());
    // What is meant anew is sent anew.
    done(&mut send("30"));
    assert_eq!(listed().lines().count(), 2, "{}", listed());
}
