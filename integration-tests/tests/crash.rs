//! `kill -9`, on either side, at any moment: what was promised holds.
//!
//! `SCHAT_KILLS` changes how often the relay is killed.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use integration_tests::{
    copy, count,
    group::{ROOM, agree, found, same_authenticators},
    network::Network,
    relay::Relay,
    schat::Schat,
};
use serde_json::Value;
use tempfile::TempDir;

const NAMES: [&str; 3] = ["ann", "bob", "eve"];

/// Messages that each member gives the relay in each of its lives.
const LOAD: usize = 15;

/// What clients were told, over all lives.
#[derive(Default)]
struct Told {
    /// Text to position.
    sent: HashMap<String, u64>,
    /// Position to text.
    heard: BTreeMap<u64, String>,
}

impl Told {
    fn add(&mut self, events: &[Value]) {
        for event in events {
            let seq = || event["seq"].as_u64().unwrap();
            if event["event"] == "sent" {
                let text = event["id"].as_str().unwrap().to_owned();
                let before = self.sent.insert(text, seq());
                assert!(before.is_none_or(|before| before == seq()), "moved: {event}");
            } else if event["event"] == "message" {
                let text = event["text"].as_str().unwrap();
                let before = self.heard.insert(seq(), text.to_owned());
                assert!(before.is_none_or(|before| before == text), "position {} changed", seq());
            }
            assert_ne!(event["event"], "alarm", "{event}");
        }
    }
}

#[test]
fn relay_killed_under_load_loses_doubles_and_reorders_nothing() {
    let kills = count("SCHAT_KILLS", 20);
    let dir = TempDir::new().unwrap();
    let mut relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &NAMES);
    let mut told = Told::default();
    let mut texts = Vec::new();
    for life in 0..kills {
        for i in 0..LOAD {
            for person in &mut people {
                let text = format!("{} {life:03} {i:03}", person.name);
                person.say(ROOM, &text, &text);
                texts.push(text);
            }
        }
        // Another moment in each life, in the thick of it.
        let enough = format!("ann {life:03} {:03}", 3 + life % (LOAD - 6));
        people[0].sent(&enough);
        relay.kill();
        if life % 4 == 3 {
            // These saw several relays die, and now die themselves, with all that was said on their disks.
            people.iter_mut().for_each(Schat::settle);
            people.drain(..).for_each(|person| told.add(&person.kill().seen));
            relay.restart();
            people = NAMES.map(|name| Schat::start(dir.path(), name, &relay.address)).into();
        } else {
            relay.restart();
        }
    }
    for person in &mut people {
        let text = format!("{} has nothing more to say", person.name);
        person.say(ROOM, &text, &text);
        texts.push(text);
    }
    for person in &mut people {
        for name in NAMES {
            person.hears(&format!("{name} has nothing more to say"));
        }
    }
    // A fresh start tells everything that was never acknowledged by the program, which is all.
    people.drain(..).for_each(|person| told.add(&person.quit().seen));
    for name in NAMES {
        let mut person = Schat::start(dir.path(), name, &relay.address);
        person.event("joined");
        for other in NAMES {
            person.hears(&format!("{other} has nothing more to say"));
        }
        check(&mut person, &told, &texts);
    }
    assert!(told.sent.len() > kills * 3);
}

/// What one member has is what all said, and what all were told.
fn check(person: &mut Schat, told: &Told, texts: &[String]) {
    let heard = person.heard();
    assert!(heard.is_sorted_by(|a, b| a.0 < b.0), "{} reads out of order", person.name);
    let by_text: HashMap<&str, u64> = heard.iter().map(|(seq, text)| (text.as_str(), *seq)).collect();
    assert_eq!(by_text.len(), heard.len(), "{} has something twice", person.name);
    for (text, seq) in &told.sent {
        assert_eq!(by_text.get(text.as_str()), Some(seq), "{text} was acknowledged and is lost or moved");
    }
    for (seq, text) in &told.heard {
        assert_eq!(by_text.get(text.as_str()), Some(seq), "{text} was shown and is lost or moved");
    }
    for text in texts {
        assert!(by_text.contains_key(text.as_str()), "{text} was saved and is lost");
    }
    assert_eq!(heard.len(), texts.len(), "something was never said");
    for name in NAMES {
        let is_theirs = |text: &&String| text.starts_with(name);
        let said: Vec<&String> = texts.iter().filter(is_theirs).collect();
        let read: Vec<&String> = heard.iter().map(|(_, text)| text).filter(is_theirs).collect();
        assert_eq!(read, said, "{name}'s messages are reordered");
    }
}

#[test]
fn clients_that_stay_find_a_killed_relay_again_and_lose_nothing() {
    let dir = TempDir::new().unwrap();
    let mut relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &NAMES);
    for round in 0..3 {
        relay.kill();
        let text = format!("said while the relay was dead, {round}");
        people[round].say(ROOM, &text, &text);
        people[round].settle();
        let marks: Vec<usize> = people.iter_mut().map(Schat::mark).collect();
        relay.restart();
        for (person, mark) in people.iter_mut().zip(marks) {
            person.hears(&text);
            person.wait_after(mark, "the end of the connection", |event| event["event"] == "disconnected");
        }
        people[round].sent(&text);
    }
    agree(&mut people, 3);
    for person in &mut people {
        assert_eq!(person.heard().len(), 3);
        assert_eq!(person.alarms(), Vec::<Value>::new());
    }
}

/// Where a client is killed.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The command was given, and perhaps not even read.
    Given,
    /// On the client's disk; the network is dead.
    Saved,
    /// The relay has it, and the others; the client never learns.
    Unanswered,
    /// The client was told that the relay has it.
    Sent,
    /// The client saw it in the log.
    Seen,
}

#[test]
fn client_killed_at_each_step_of_a_send_sends_it_once() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, link) = found(dir.path(), &relay.address, &["bob"]);
    let network = Network::before(&relay.address);
    // Ann alone is behind the failing network.
    let behind = link.replace(&relay.address, &network.address);
    let mut ann = Schat::start(dir.path(), "ann", &network.address);
    ann.tell(serde_json::json!({"cmd": "join", "link": behind}));
    ann.event("joined");
    let mut certain = Vec::new();
    for round in 0..count("SCHAT_ROUNDS", 3) {
        for step in [Step::Given, Step::Saved, Step::Unanswered, Step::Sent, Step::Seen] {
            let text = format!("killed when {step:?}, {round}");
            ann = die_and_live_again(ann, dir.path(), &network, &mut people[0], step, &text);
            if !matches!(step, Step::Given) {
                certain.push(text);
            }
            // What comes after it came after it in the log: by then it is there or will never be.
            let next = format!("alive after {step:?}, {round}");
            ann.say(ROOM, &next, &next);
            ann.sent(&next);
            people[0].hears(&next);
            certain.push(next);
        }
    }
    let heard: Vec<String> = people[0].heard().into_iter().map(|(_, text)| text).collect();
    let once: Vec<&String> = heard.iter().filter(|text| !text.contains("Given")).collect();
    let expected: Vec<&String> = certain.iter().filter(|text| !text.contains("Given")).collect();
    assert_eq!(once, expected, "lost, doubled or reordered");
    let mut given = heard.clone();
    given.sort();
    given.dedup();
    assert_eq!(given.len(), heard.len(), "doubled: {heard:?}");
    assert_eq!(people[0].alarms(), Vec::<Value>::new());
    assert_eq!(ann.alarms(), Vec::<Value>::new());
}

fn die_and_live_again(
    mut ann: Schat,
    dir: &Path,
    network: &Network,
    bob: &mut Schat,
    step: Step,
    text: &str,
) -> Schat {
    match step {
        Step::Given => ann.say(ROOM, text, text),
        Step::Saved => {
            network.set_up(false);
            network.set_down(false);
            ann.say(ROOM, text, text);
            ann.settle();
        }
        Step::Unanswered => {
            network.set_down(false);
            ann.say(ROOM, text, text);
            bob.hears(text);
        }
        Step::Sent => {
            ann.say(ROOM, text, text);
            ann.sent(text);
        }
        Step::Seen => {
            ann.say(ROOM, text, text);
            ann.hears(text);
        }
    }
    let ended = ann.kill();
    assert_eq!(ended.code, None, "{}", ended.errors);
    if matches!(step, Step::Saved | Step::Unanswered) {
        let told = ended.seen.iter().any(|event| event["event"] == "sent" && event["id"] == text);
        assert!(!told, "it cannot know that");
    }
    network.set_up(true);
    network.set_down(true);
    let mut ann = Schat::start(dir, "ann", &network.address);
    ann.event("joined");
    if matches!(step, Step::Saved | Step::Unanswered) {
        ann.hears(text);
    }
    ann
}

#[test]
fn restored_old_profile_alarms_and_corrupts_nothing() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["bob", "ann"]);
    people[1].say(ROOM, "before the backup", "1");
    people[1].sent("1");
    let ann = people.pop().unwrap();
    let profile = ann.profile().to_owned();
    assert_eq!(ann.quit().code, Some(0));
    let backup = dir.path().join("backup");
    copy(&profile, &backup);

    // The profile is used on: more is said, and the keys change.
    let mut ann = Schat::start(dir.path(), "ann", &relay.address);
    for i in 0..5 {
        ann.say(ROOM, &format!("after the backup {i}"), &i.to_string());
        ann.sent(&i.to_string());
    }
    assert_eq!(ann.quit().code, Some(0));
    fs::remove_dir_all(&profile).unwrap();
    copy(&backup, &profile);

    let mut ann = Schat::start(dir.path(), "ann", &relay.address);
    let alarm = ann.event("alarm");
    assert_eq!(alarm["kind"], "rollback", "{alarm}");
    assert!(alarm["remedy"].as_str().unwrap().contains("backup"), "{alarm}");
    // It goes on with fresh keys, and behind what it said already.
    ann.say(ROOM, "said by the restored profile", "2");
    ann.sent("2");
    people[0].say(ROOM, "bob goes on", "4");
    ann.hears("bob goes on");

    people[0].hears("said by the restored profile");
    people[0].hears("bob goes on");
    let heard: Vec<String> = people[0].heard().into_iter().map(|(_, text)| text).collect();
    let mut expected = vec!["before the backup".to_owned()];
    expected.extend((0..5).map(|i| format!("after the backup {i}")));
    expected.extend(["said by the restored profile".to_owned(), "bob goes on".to_owned()]);
    assert_eq!(heard, expected);
    people.push(ann);
    same_authenticators(&mut people);
}
