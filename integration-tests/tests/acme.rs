//! A relay whose certificate a certificate authority issued, as people meet it.

#[allow(dead_code, reason = "the relay's own tests use the rest")]
#[path = "../../relay/tests/it/pebble.rs"]
mod pebble;

use std::{fs, process::Stdio};

use certs::Authority;
use integration_tests::{
    programs::program,
    relay::Relay,
    schat::{self, Schat},
};
use pebble::Setup;
use serde_json::json;
use tempfile::TempDir;

#[test]
fn relay_is_trusted_by_name_through_its_authority_and_by_the_same_pin_as_before() {
    if pebble::is_missing() {
        return;
    }
    let (dir, setup) = (TempDir::new().unwrap(), Setup::with(false, None));
    let _pebble = setup.start();
    let data = dir.path().join("relay");
    // A link from the time before the relay had a name.
    let mut nameless = Relay::start(&data);
    nameless.terminate();
    let pin = Authority::load_or_create(&data.join("identity")).unwrap().pin();
    let port = setup.address().port();
    let link = format!("schat://localhost:{port}/#relay={pin}");
    let mut command = program("relay");
    command.arg("--data-dir").arg(&data);
    setup.ask_for(&mut command, "localhost");
    let mut relay = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();

    let kept = data.join("identity/acme/certificate.pem");
    let end = std::time::Instant::now() + integration_tests::PATIENCE;
    while !kept.exists() {
        assert!(std::time::Instant::now() < end, "no certificate");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }

    let root = dir.path().join("root.pem");
    fs::write(&root, setup.root_pem()).unwrap();
    let mut command = schat::command(dir.path(), "ann");
    command.args(["--relay", &format!("localhost:{port}"), "--ca"]).arg(&root);
    let mut ann = Schat::spawn(command, dir.path(), "ann");
    ann.tell(json!({"cmd": "join", "room": "lobby"}));
    assert_eq!(ann.event("connected")["trust"], "ca-file");
    ann.event("joined");

    let mut bob = Schat::spawn(schat::command(dir.path(), "bob"), dir.path(), "bob");
    bob.tell(json!({"cmd": "join", "link": link}));
    bob.tell(json!({"cmd": "join", "room": "lobby"}));
    assert_eq!(bob.event("connected")["trust"], "pinned");
    bob.event("joined");
    ann.say("lobby", "hello", "1");
    bob.hears("hello");
    relay.kill().unwrap();
    relay.wait().unwrap();
}
