//! A linking that is given up while what is handed over is being prepared, or killed then, leaves no way in behind it.

use std::{path::Path, time::Instant};

use integration_tests::{
    PATIENCE,
    group::ROOM,
    linking::{compared, device, state},
    relay::Relay,
    schat::Schat,
};
use serde_json::json;
use tempfile::TempDir;

const AWAY: &str = "away";

/// A person with a room at a relay that is there and one at a relay that is gone: so what is handed over is prepared for a while. Both
/// devices have compared, and the first room is ready.
fn preparing(dir: &Path, name: &str, relay: &Relay) -> (Schat, Schat) {
    let mut gone = Relay::start(&dir.join(format!("{name} gone")));
    let mut old = Schat::start(dir, name, &relay.address);
    old.tell(json!({"cmd": "create", "room": ROOM}));
    old.wait(ROOM, |event| event["event"] == "joined" && event["room"] == ROOM);
    old.tell(json!({"cmd": "create", "room": AWAY, "relay": gone.address}));
    old.wait(AWAY, |event| event["event"] == "joined" && event["room"] == AWAY);
    gone.kill();
    let mut new = device(dir, &format!("{name} new"), &relay.address, &[]);
    let code = state(&mut new, "code")["link"].as_str().unwrap().to_owned();
    old.tell(json!({"cmd": "link", "code": code}));
    let digits = compared(&mut old, &mut new);
    old.tell(json!({"cmd": "link_confirm", "digits": digits}));
    let is_ready = |event: &serde_json::Value| event["state"] == "preparing" && event["done"] == json!(1);
    old.wait("that a room is ready", is_ready);
    until(&mut old, true);
    (old, new)
}

/// Waits until the room has an invite for a device, or has none.
fn until(of: &mut Schat, has_one: bool) {
    let end = Instant::now() + PATIENCE;
    while has_device_invite(of) != has_one {
        assert!(Instant::now() < end, "{has_one} in vain");
    }
}

/// One for a device alone; the room's first link is for people.
fn has_device_invite(of: &mut Schat) -> bool {
    let mark = of.mark();
    of.tell(json!({"cmd": "invites", "room": ROOM}));
    let invites = of.wait_after(mark, "invites", |event| event["event"] == "invites");
    invites["invites"].as_array().unwrap().iter().any(|invite| invite["max_uses"] == json!(1))
}

#[test]
fn invites_of_a_linking_that_is_given_up_while_it_is_prepared_end_at_once() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut old, mut new) = preparing(dir.path(), "ann", &relay);
    old.tell(json!({"cmd": "link_cancel"}));
    state(&mut old, "ended");
    until(&mut old, false);
    let ended = new.finish();
    assert!(!ended.seen.iter().any(|event| event["state"] == "taking"), "{ended:?}");
}

#[test]
fn invites_of_a_linking_that_is_killed_while_it_is_prepared_and_given_up_then_end() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (old, new) = preparing(dir.path(), "ann", &relay);
    old.kill();
    let mut old = Schat::start(dir.path(), "ann", &relay.address);
    old.tell(json!({"cmd": "link_cancel"}));
    state(&mut old, "ended");
    until(&mut old, false);
    drop(new);
}
