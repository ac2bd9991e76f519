//! Files whose sender, receiver and relay are killed (SIGKILL) on the way, each at places that nobody chose: in the end the bytes
//! are the same, nothing half was shown as whole, and for each kill one part went twice at most.
//!
//! `SCHAT_KILLS` changes how often, `SCHAT_SEED` where; the seed is printed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use integration_tests::{
    PATIENCE, count,
    files::{bytes, done, file, pair, schat_file},
    group::{ROOM, found},
    relay::{Relay, command as operator},
    schat::{Schat, command, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Parts of the file: some for each kill.
const PARTS: usize = 48;

/// With the list of them, which is one more.
const ALL: usize = PARTS + 1;

/// Where to kill, in parts that were carried: in order, and others each time; not where it may be through by the time of it.
fn places() -> Vec<usize> {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = count("SCHAT_SEED", clock.subsec_nanos() as usize);
    println!("SCHAT_SEED={seed}");
    let mut state = seed as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let mut places: Vec<usize> =
        (0..count("SCHAT_KILLS", 10)).map(|_| 1 + next() % (PARTS * 4 / 5)).collect();
    places.sort_unstable();
    places
}

fn said(command: &mut Command) -> String {
    String::from_utf8(done(command).stdout).unwrap()
}

/// A relay that writes down each part that it carries, whatever comes of it then. It takes half a minute until a client that was
/// killed has no place any more.
fn start(dir: &Path) -> Relay {
    let filter = "warn,relay::session::stream::blob=trace";
    let options = ["--rate", "1000000", "--transfers-per-member", "1000", "--transfers-per-room", "1000"];
    Relay::with(&dir.join("relay"), &options, Some(filter))
}

/// Parts that came whole to the relay, in all its lives.
fn came(relay: &Relay) -> usize {
    relay.log().matches("a part of a file came").count()
}

/// Parts that the relay gave whole to its transport.
fn went(relay: &Relay) -> usize {
    relay.log().matches("a part of a file went").count()
}

/// Whoever was killed so often had hardly anything carried twice.
fn is_hardly_more(carried: usize, kills: usize) {
    println!("{kills} kills: {carried} parts were carried, of {ALL}");
    assert!(kills > 0, "nobody was killed");
    assert!(carried >= ALL, "they are not counted");
    assert!(carried <= ALL + kills, "{carried} parts were carried for {ALL}, with {kills} kills");
}

/// Two people who have a room, and whose programs have ended; and a file.
fn begin(dir: &Path, relay: &Relay) -> (Vec<u8>, PathBuf) {
    pair(dir, relay);
    let content = bytes(PARTS << 20, 0);
    let path = file(dir, "big.bin", &content);
    (content, path)
}

/// Kills a command as soon as so many parts were carried. False: it was through before.
fn killed_behind(command: &mut Command, carried: impl Fn() -> usize, far: usize) -> bool {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let end = Instant::now() + PATIENCE;
    while carried() < far && Instant::now() < end {
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success());
            return false;
        }
        sleep(GLANCE);
    }
    child.kill().unwrap();
    let was_killed = !child.wait().unwrap().success();
    assert!(carried() >= far, "it does not come so far");
    was_killed
}

/// Parts of the longest file in a directory.
fn longest(directory: &Path) -> usize {
    let files = fs::read_dir(directory).unwrap().flatten();
    let lengths = files.filter_map(|file| Some(file.metadata().ok()?.len()));
    lengths.max().unwrap_or(0) as usize >> 20
}

/// Between two looks at how far it is.
const GLANCE: Duration = Duration::from_millis(1);

/// Kills a command at each place, and lets it end then. Says how often it was killed.
fn killed_often(command: impl Fn() -> Command, carried: impl Fn() -> usize, check: impl Fn()) -> usize {
    let mut kills = 0;
    for place in places() {
        if !killed_behind(&mut command(), &carried, (place + kills).min(ALL - 2)) {
            break;
        }
        kills += 1;
        check();
    }
    done(&mut command());
    kills
}

#[test]
fn sender_that_is_killed_goes_on_and_one_part_goes_twice_for_each_time_at_most() {
    let dir = TempDir::new().unwrap();
    let relay = start(dir.path());
    let (content, path) = begin(dir.path(), &relay);
    let send = || schat_file(dir.path(), "ann", &["send", ROOM, path.to_str().unwrap()]);
    let kills = killed_often(send, || came(&relay), || {});
    is_hardly_more(came(&relay), kills);
    let place = dir.path().join("there.bin");
    done(&mut schat_file(dir.path(), "bob", &["get", ROOM, "last", "-o", place.to_str().unwrap()]));
    assert!(fs::read(&place).unwrap() == content);
    let listed = said(&mut schat_file(dir.path(), "bob", &["list", ROOM]));
    assert_eq!(listed.lines().count(), 1, "it was offered more than once: {listed}");
}

#[test]
fn receiver_that_is_killed_goes_on_and_one_part_goes_twice_for_each_time_at_most() {
    let dir = TempDir::new().unwrap();
    let relay = start(dir.path());
    let (content, path) = begin(dir.path(), &relay);
    done(&mut schat_file(dir.path(), "ann", &["send", ROOM, path.to_str().unwrap()]));
    let got = dir.path().join("got");
    fs::create_dir(&got).unwrap();
    let place = got.join("there.bin");
    let get = || schat_file(dir.path(), "bob", &["get", ROOM, "last", "-o", place.to_str().unwrap()]);
    let check = || assert!(!place.exists(), "half a file is shown as a whole one");
    // By what is on its disk: what the relay gave may be all of it before any of it is there.
    let kills = killed_often(get, || longest(&got), check);
    is_hardly_more(went(&relay), kills);
    assert!(fs::read(&place).unwrap() == content);
    assert_eq!(fs::read_dir(&got).unwrap().count(), 1, "something else is left");
}

/// It may not be written down yet that it is through. Where it is, the relay's count says nothing, and the next one is killed.
#[test]
fn receiver_that_is_killed_as_its_file_gets_its_name_fetches_nothing_again() {
    let dir = TempDir::new().unwrap();
    let relay = start(dir.path());
    pair(dir.path(), &relay);
    let content = bytes(5 << 19, 0);
    let path = file(dir.path(), "small.bin", &content);
    done(&mut schat_file(dir.path(), "ann", &["send", ROOM, path.to_str().unwrap()]));
    let got = dir.path().join("got");
    fs::create_dir(&got).unwrap();
    let mut unwritten = 0;
    for turn in 0..10 {
        let place = got.join(format!("{turn}.bin"));
        let get = || schat_file(dir.path(), "bob", &["get", ROOM, "last", "-o", place.to_str().unwrap()]);
        let mut child = get().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while !place.exists() && child.try_wait().unwrap().is_none() {}
        child.kill().unwrap();
        child.wait().unwrap();
        let before = went(&relay);
        let left = said(schat_file(dir.path(), "bob", &["transfers"]).arg("--json"));
        if left.contains("small.bin") {
            unwritten += 1;
            done(&mut get());
            assert_eq!(went(&relay), before, "it is fetched once more");
        }
        assert!(fs::read(&place).unwrap() == content);
        assert_eq!(fs::read_dir(&got).unwrap().count(), turn + 1, "something else is left");
    }
    println!("{unwritten} of 10 had their name, and it was not written down");
}

#[test]
fn relay_that_is_killed_goes_on_and_one_part_goes_twice_for_each_time_at_most() {
    let dir = TempDir::new().unwrap();
    let mut relay = start(dir.path());
    let (mut people, _) = found(dir.path(), &relay.address, &["ann", "bob"]);
    let (content, path) = (bytes(PARTS << 20, 0), dir.path().join("big.bin"));
    fs::write(&path, &content).unwrap();
    let is_done = |event: &Value| event["event"] == "transfer" && event["state"] == "done";
    let mut through = |person: &mut Schat, mark: usize, carried: fn(&Relay) -> usize| {
        let mut kills = 0;
        for place in places() {
            let (far, end) = ((place + kills).min(ALL - 2), Instant::now() + PATIENCE);
            while carried(&relay) < far {
                assert!(Instant::now() < end, "it does not go on after {kills} kills");
                sleep(GLANCE);
            }
            relay.kill();
            relay.restart();
            kills += 1;
        }
        person.wait_after(mark, "done", is_done);
        is_hardly_more(carried(&relay), kills);
    };
    let mark = people[0].mark();
    people[0].tell(json!({"cmd": "file_send", "room": ROOM, "path": path, "id": "f1"}));
    through(&mut people[0], mark, came);
    people[0].sent("f1");
    let message = people[1].wait("the file", |event| event["file"]["name"] == "big.bin");
    let place = dir.path().join("there.bin");
    let mark = people[1].mark();
    people[1].tell(json!({"cmd": "file_get", "room": ROOM, "target": message["id"], "output": place}));
    through(&mut people[1], mark, went);
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
    let mut relay = Relay::start(&dir.path().join("relay"));
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
