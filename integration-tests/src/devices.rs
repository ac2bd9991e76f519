//! People with several devices, and what these know of each other.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    PATIENCE,
    group::found,
    linking::link,
    relay::Relay,
    schat::{Schat, command, run},
};

/// Ann with a second device, `ann2`, and bob, in a room. Her devices are called laptop and phone.
pub fn two(dir: &Path, relay: &Relay) -> (Schat, Schat, Schat) {
    let (people, _) = found(dir, &relay.address, &["ann", "bob"]);
    let [mut ann, bob] = people.try_into().unwrap_or_else(|_| panic!());
    ann.tell(json!({"cmd": "device_rename", "name": "laptop"}));
    assert_eq!(link(&mut ann, dir, "ann2", &relay.address).code, Some(0));
    let mut second = Schat::start(dir, "ann2", &relay.address);
    second.event("joined");
    second.tell(json!({"cmd": "device_rename", "name": "phone"}));
    (ann, second, bob)
}

/// The devices of somebody, once they are so.
pub fn devices(of: &mut Schat, are_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let end = Instant::now() + PATIENCE;
    loop {
        let mark = of.mark();
        of.tell(json!({"cmd": "devices"}));
        let told = of.wait_after(mark, "devices", |event| event["event"] == "devices");
        let all = told["devices"].as_array().unwrap().clone();
        if are_so(&all) {
            return all;
        }
        assert!(Instant::now() < end, "the devices never are so: {all:#?}");
        // Something has to happen first, and not all of it is told.
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// So many leaves have this name, and a device that says that they are its own.
pub fn are_known<'a>(wanted: &'a [(&str, usize)]) -> impl Fn(&[Value]) -> bool + 'a {
    move |all| {
        let named =
            |name: &str| all.iter().filter(|one| one["name"] == name && one["of"].is_string()).count();
        wanted.iter().all(|(name, count)| named(name) == *count)
    }
}

/// Runs `schat` with the profile in `dir/name` to its end: its exit code, and what it said.
pub fn ends(dir: &Path, name: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(command(dir, name).args(arguments), b"");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}
