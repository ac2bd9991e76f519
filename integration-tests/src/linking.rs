//! Two devices of one person, as programs.

use std::path::Path;

use serde_json::{Value, json};

use crate::schat::{self, Schat};

/// `schat link` for a profile in `dir/name`; `arguments` follow it.
pub fn device(dir: &Path, name: &str, relay: &str, arguments: &[&str]) -> Schat {
    let mut command = schat::command(dir, name);
    command.args(["--trust-first-use", "--relay", relay, "link"]).args(arguments);
    Schat::spawn(command, dir, name)
}

/// The first event that says that the linking stands so.
pub fn state(device: &mut Schat, state: &str) -> Value {
    device.wait(&format!("link {state}"), |event| event["event"] == "link" && event["state"] == state)
}

/// What both show: it must be the same, and only one of them asks.
pub fn compared(old: &mut Schat, new: &mut Schat) -> String {
    let (at_old, at_new) = (state(old, "compare"), state(new, "compare"));
    for shown in ["digits", "emoji", "words"] {
        assert_eq!(at_old[shown], at_new[shown]);
    }
    assert_eq!((&at_old["asks"], &at_new["asks"]), (&json!(true), &json!(false)));
    assert_eq!(at_old["emoji"].as_array().unwrap().len(), 7);
    at_old["digits"].as_str().unwrap().to_owned()
}

/// Links a new device whose profile is in `dir/name`, by the code that it shows; it ends when it is in all rooms.
pub fn link(old: &mut Schat, dir: &Path, name: &str, relay: &str) -> schat::Ended {
    let mut new = device(dir, name, relay, &[]);
    let code = state(&mut new, "code")["link"].as_str().unwrap().to_owned();
    old.tell(json!({"cmd": "link", "code": code}));
    let digits = compared(old, &mut new);
    old.tell(json!({"cmd": "link_confirm", "digits": digits}));
    state(old, "done");
    new.finish()
}
