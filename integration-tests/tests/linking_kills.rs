//! Both devices of a linking are killed (SIGKILL) on the way, again and again, after a number of writes to their disk that nobody chose. It
//! ends well all the same: one account, each room once, nothing lost, and nobody half somebody.
//!
//! `SCHAT_KILLS` changes how often, `SCHAT_SEED` where; the seed is printed.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Instant, SystemTime},
};

use integration_tests::{
    PATIENCE, count,
    linking::{compared, device, state},
    relay::Relay,
    schat::{self, Schat, run},
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Rooms of the account.
const ROOMS: [&str; 2] = ["team", "family"];

/// Kills in one linking; a new account has the next one, since a room has seats for five devices of a person.
const KILLS: usize = 3;

/// Writes to a disk, at most, before somebody is killed: more than a linking takes.
const WRITES: u64 = 24;

/// xorshift64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What its database wrote last looks like.
fn written(profile: &Path) -> Option<(u64, SystemTime)> {
    let mut journal = fs::read_dir(profile).ok()?.flatten();
    let journal = journal.find(|file| file.file_name().to_string_lossy().ends_with("-wal"))?;
    let found = journal.metadata().ok()?;
    Some((found.len(), found.modified().ok()?))
}

/// The new device has ended, or is one with an account and shows a code for the next one.
fn is_through(new: &mut Schat) -> bool {
    new.mark();
    new.is_over() || new.seen.iter().any(|event| event["state"] == "code" && event["new"] == json!(false))
}

/// A person with rooms and an old device.
struct Linked<'a> {
    dir: &'a Path,
    relay: &'a str,
    names: [String; 2],
    old: Option<Schat>,
    new: Option<Schat>,
}

impl<'a> Linked<'a> {
    /// Until the person has confirmed.
    fn begin(dir: &'a Path, relay: &'a str, number: usize) -> Self {
        let names = [format!("old{number}"), format!("new{number}")];
        let mut old = Schat::start(dir, &names[0], relay);
        for room in ROOMS {
            old.tell(json!({"cmd": "create", "room": room}));
            old.wait(room, |event| event["event"] == "joined" && event["room"] == room);
            old.say(room, &format!("said before in {room}"), room);
            old.sent(room);
        }
        let mut new = device(dir, &names[1], relay, &[]);
        let code = state(&mut new, "code")["link"].as_str().unwrap().to_owned();
        old.tell(json!({"cmd": "link", "code": code}));
        let digits = compared(&mut old, &mut new);
        old.tell(json!({"cmd": "link_confirm", "digits": digits}));
        // From here on what was confirmed is on the disk.
        old.settle();
        Self { dir, relay, names, old: Some(old), new: Some(new) }
    }

    fn profile(&self, which: usize) -> PathBuf {
        self.dir.join(&self.names[which])
    }

    /// Kills one of the two after so many writes of it, and starts it again. False: the new device was through before.
    fn kill(&mut self, which: usize, writes: u64) -> bool {
        let (profile, end) = (self.profile(which), Instant::now() + PATIENCE);
        let (mut last, mut left) = (written(&profile), writes);
        while left > 0 {
            let now = written(&profile);
            if now != last {
                (last, left) = (now, left - 1);
            }
            // Who is idle has nothing to write: the old device that has handed over, say.
            if self.new.as_mut().is_none_or(is_through) {
                return false;
            }
            assert!(Instant::now() < end, "nothing goes on");
            std::thread::yield_now();
            if which == 0 && self.has_posted() {
                break;
            }
        }
        let killed = if which == 0 { self.old.take() } else { self.new.take() };
        killed.unwrap().kill();
        match which {
            0 => self.old = Some(Schat::start(self.dir, &self.names[0], self.relay)),
            _ => self.new = Some(device(self.dir, &self.names[1], self.relay, &[])),
        }
        true
    }

    fn has_posted(&mut self) -> bool {
        let old = self.old.as_mut().unwrap();
        old.mark();
        old.seen.iter().any(|event| event["state"] == "posted" || event["state"] == "done")
    }

    fn fingerprint(&self, which: usize) -> String {
        let output = run(schat::command(self.dir, &self.names[which]).arg("fingerprint"), b"");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// It ends well.
    fn end(mut self) {
        let (mut old, mut new) = (self.old.take().unwrap(), self.new.take().unwrap());
        let end = Instant::now() + PATIENCE;
        while !is_through(&mut new) {
            assert!(Instant::now() < end, "{:?}", new.seen);
            std::thread::yield_now();
        }
        if new.is_over() {
            let ended = new.finish();
            assert_eq!(ended.code, Some(0), "{ended:?}");
        } else {
            // It was killed after its last room: what it shows is a code for the next device.
            new.kill();
            assert_eq!(device(self.dir, &self.names[1], self.relay, &["--cancel"]).finish().code, Some(0));
        }
        // The old one knows, or learns, that it is done: then there is nothing that could be confirmed.
        loop {
            let mark = old.mark();
            old.tell(json!({"cmd": "link_confirm", "digits": "0"}));
            let refused = old.wait_after(mark, "a refusal", |event| event["event"] == "error");
            if refused["message"].as_str().unwrap().contains("No device is being linked") {
                break;
            }
            assert!(Instant::now() < end, "{refused}");
        }
        let mut new = Schat::start(self.dir, &self.names[1], self.relay);
        for room in ROOMS {
            new.wait(room, |event| event["event"] == "joined" && event["room"] == room);
            let text = format!("said from the new device in {room}");
            new.say(room, &text, room);
            new.sent(room);
            old.hears(&text);
        }
        new.tell(json!({"cmd": "devices"}));
        let devices = new.event("devices")["devices"].as_array().unwrap().clone();
        for room in ROOMS {
            let there: Vec<&Value> = devices.iter().filter(|one| one["room"] == room).collect();
            assert_eq!(there.len(), 2, "{devices:#?}");
        }
        assert_eq!(new.quit().code, Some(0));
        for room in ROOMS {
            let output =
                run(schat::command(self.dir, &self.names[1]).args(["export", room, "--format", "json"]), b"");
            let said = String::from_utf8(output.stdout).unwrap();
            assert_eq!(said.matches(&format!("said before in {room}")).count(), 1, "{said}");
        }
        // It was asked something that it refused, so it does not say that all was well.
        assert!(old.quit().code.is_some());
        assert_eq!(self.fingerprint(0), self.fingerprint(1));
    }
}

#[test]
fn devices_that_are_killed_again_and_again_are_linked_in_the_end_once_and_wholly() {
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = count("SCHAT_SEED", clock.subsec_nanos() as usize);
    println!("SCHAT_SEED={seed}");
    let mut chance = Chance(seed as u64 ^ 0x9e37_79b9_7f4a_7c15);
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let wanted = count("SCHAT_KILLS", 30);
    let (mut kills, mut linkings) = (0, 0);
    while kills < wanted {
        let mut linked = Linked::begin(dir.path(), &relay.address, linkings);
        linkings += 1;
        for _ in 0..KILLS {
            let (which, writes) = (chance.below(2) as usize, 1 + chance.below(WRITES));
            println!("linking {linkings}: {} after {writes} writes", linked.names[which]);
            kills += usize::from(linked.kill(which, writes));
        }
        linked.end();
        assert!(linkings <= 2 * wanted, "nobody was killed");
    }
    println!("{kills} kills in {linkings} linkings");
}
