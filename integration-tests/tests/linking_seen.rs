//! What people and programs see of a linking: what the relay is trusted by afterwards, what is said when it is away, and what is
//! named where a command cannot do it.

use integration_tests::{
    group::{ROOM, found, link},
    linking::{compared, device, state},
    relay::Relay,
    schat::{self, Schat, run},
};
use serde_json::json;
use tempfile::TempDir;

/// Bob knows the relay by the pin of an invite, and by nothing else; and so does the new device, without being asked.
#[test]
fn relay_that_is_known_by_an_invite_is_trusted_by_the_new_device_as_well() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    let invite = link(&mut people[0]);
    let mut bob = Schat::spawn(schat::command(dir.path(), "bob"), dir.path(), "bob");
    bob.tell(json!({"cmd": "join", "link": invite}));
    bob.event("joined");
    bob.tell(json!({"cmd": "link"}));
    let code = state(&mut bob, "code")["link"].as_str().unwrap().to_owned();
    let mut command = schat::command(dir.path(), "new");
    command.args(["link", &code]);
    let mut new = Schat::spawn(command, dir.path(), "new");
    let digits = compared(&mut bob, &mut new);
    bob.tell(json!({"cmd": "link_confirm", "digits": digits}));
    state(&mut bob, "done");
    assert_eq!(new.finish().code, Some(0));
    // A room that is named without a relay is at that one, which is met on its own ground.
    let made =
        run(schat::command(dir.path(), "new").arg("--json"), b"{\"cmd\":\"create\",\"room\":\"mine\"}\n");
    let told = String::from_utf8_lossy(&made.stdout).into_owned();
    assert!(made.status.success() && told.contains("\"joined\"") && told.contains("mine"), "{told}");
    assert!(!told.contains("first_use") && !told.contains("first-use"), "{told}");
}

/// A chat gives up no account; the command that does is named, and works.
#[test]
fn program_whose_profile_is_in_no_room_is_told_which_command_links_it() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    let ann = &mut people[0];
    ann.tell(json!({"cmd": "link"}));
    let shown = state(ann, "code");
    let code = shown["link"].as_str().unwrap().to_owned();
    let mut new = Schat::start(dir.path(), "new", &relay.address);
    new.tell(json!({"cmd": "link", "code": code}));
    let error = new.event("error");
    assert!(error["remedy"].as_str().unwrap().contains("schat --json link CODE"), "{error}");
    new.quit();
    let mut new = device(dir.path(), "new", &relay.address, &[&code]);
    compared(ann, &mut new);
}

#[test]
fn code_of_a_device_opens_no_room_of_that_name_in_any_face() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let mut new = device(dir.path(), "new", &relay.address, &[]);
    let code = state(&mut new, "code")["code"].as_str().unwrap().to_owned();
    let mut ann = Schat::start(dir.path(), "ann", &relay.address);
    ann.tell(json!({"cmd": "join", "room": code}));
    let error = ann.event("error");
    assert!(error["code"] == "usage" && error["remedy"].as_str().unwrap().contains("/link CODE"), "{error}");
    ann.quit();
    let schat = |arguments: &[&str], typed: String| {
        let mut command = schat::command(dir.path(), "ann");
        command.args(["--trust-first-use", "--relay", &relay.address]).args(arguments);
        let output = run(&mut command, typed.as_bytes());
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    for (arguments, typed) in [
        (&["--plain"][..], format!("/join {code}\n")),
        (&["--plain"], format!("{code}\n")),
        (&["--plain", &code], String::new()),
    ] {
        let (exit, told) = schat(arguments, typed);
        assert!(
            exit == Some(2) && told.contains("/link CODE") && !told.contains("You are in"),
            "{exit:?}: {told}"
        );
    }
    let rooms = run(schat::command(dir.path(), "ann").args(["rooms", "--all"]), b"");
    assert!(!String::from_utf8_lossy(&rooms.stdout).contains(&code));
}

#[test]
fn relay_that_is_away_is_said_and_a_profile_is_new_once() {
    let dir = TempDir::new().unwrap();
    // Nobody listens on the first port.
    let mut new = device(dir.path(), "new", "127.0.0.1:1", &[]);
    new.event("error");
    let first = new.kill().errors;
    assert!(first.contains("New profile"), "{first}");
    let mut new = device(dir.path(), "new", "127.0.0.1:1", &[]);
    new.event("error");
    let again = new.kill().errors;
    assert!(!again.contains("New profile"), "{again}");
}

/// Whoever goes on with a linking shows once what is to be compared.
#[test]
fn what_is_to_be_compared_is_shown_once_by_who_goes_on() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (mut people, _) = found(dir.path(), &relay.address, &["ann"]);
    let ann = &mut people[0];
    ann.say(ROOM, "before", "1");
    ann.sent("1");
    let mut new = device(dir.path(), "new", &relay.address, &[]);
    let code = state(&mut new, "code")["link"].as_str().unwrap().to_owned();
    ann.tell(json!({"cmd": "link", "code": code}));
    let digits = compared(ann, &mut new);
    new.kill();
    let mut new = device(dir.path(), "new", &relay.address, &[]);
    assert_eq!(state(&mut new, "compare")["digits"], digits);
    ann.tell(json!({"cmd": "link_confirm", "digits": digits}));
    state(ann, "done");
    let ended = new.finish();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let shown = ended.seen.iter().filter(|event| event["state"] == "compare").count();
    assert_eq!(shown, 1, "{:?}", ended.seen);
}
