//! A relay that is restarted under load costs a moment and no message.
//!
//! `SCHAT_RESTARTS` changes how often; how long each took is printed (`--nocapture`), and never asserted.

use std::time::Instant;

use integration_tests::{
    count,
    group::{ROOM, found, same_order},
    relay::Relay,
};
use tempfile::TempDir;

const NAMES: [&str; 3] = ["ann", "bob", "eve"];

/// Messages of each member before and again after the restart.
const LOAD: usize = 10;

#[test]
fn restart_under_load_loses_doubles_and_reorders_nothing() {
    let mut times: Vec<_> = (0..count("SCHAT_RESTARTS", 2)).map(|_| restart()).collect();
    times.sort();
    println!("heard after a restart: {times:?} ms");
}

/// Milliseconds from SIGTERM until what was said after it is heard by another.
fn restart() -> u128 {
    let dir = TempDir::new().unwrap();
    let mut relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &NAMES);
    let mut texts = Vec::new();
    let mut say = |people: &mut [integration_tests::schat::Schat], when: &str| {
        for i in 0..LOAD {
            for person in people.iter_mut() {
                let text = format!("{} {when} {i}", person.name);
                person.say(ROOM, &text, &text);
                texts.push(text);
            }
        }
    };
    say(&mut people, "before");
    people[0].sent("ann before 3");
    let begun = Instant::now();
    // Said while it stops, and while there is no relay.
    say(&mut people, "during");
    relay.terminate();
    let ended = begun.elapsed();
    relay.restart();
    let back = begun.elapsed();
    people[1].hears(&format!("ann during {}", LOAD - 1));
    let heard = begun.elapsed();
    println!(
        "the relay ended after {} ms, was back after {} ms, all was heard after {} ms",
        ended.as_millis(),
        back.as_millis(),
        heard.as_millis()
    );
    say(&mut people, "after");
    same_order(&mut people, &texts);
    for person in &mut people {
        assert_eq!(person.alarms(), Vec::<serde_json::Value>::new(), "{}", person.name);
    }
    heard.as_millis()
}
