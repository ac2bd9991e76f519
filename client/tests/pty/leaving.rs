//! Quitting while something is not sent, leaving a room, and coming back to one.

use std::time::{Duration, Instant};

use super::*;

/// Far less than what is waited for at most.
const SOON: Duration = Duration::from_secs(8);

fn signal(terminal: &Terminal, name: &str) {
    let pid = terminal.pid().to_string();
    assert!(std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
}

#[test]
fn who_quits_before_all_is_sent_is_told_how_long_that_takes_and_may_end_it() {
    for arguments in [&[] as &[&str], &["--plain"]] {
        let (at_ann, at_bob) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let (ann, link) = host(&at_ann, &[]);
        let mut bob = joins(&at_bob, "bob", (&ann, &link), &[]);
        quits(&mut bob);
        let mut bob = Terminal::start(at_bob.path(), arguments, &[]);
        bob.wait_for("You are in lobby");
        // Its relay does not answer, and nobody knows yet.
        signal(&ann, "STOP");
        bob.type_text("are you there?");
        bob.press(&[ENTER]);
        if arguments.is_empty() {
            bob.wait_for("bob: are you there?");
        }
        bob.press(&[CTRL_D]);
        bob.wait_for("Waiting up to 10 s for 1 message; Ctrl-C ends now.");
        let asked = Instant::now();
        bob.press(&["\u{3}"]);
        assert_eq!(bob.finish(), 130);
        assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    }
}

#[test]
fn who_quits_without_a_connection_waits_for_nothing() {
    let (at_ann, at_bob) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (mut ann, link) = host(&at_ann, &[]);
    let mut bob = joins(&at_bob, "bob", (&ann, &link), &[]);
    quits(&mut ann);
    bob.wait_for("No connection");
    bob.type_text("is anybody there?");
    bob.press(&[ENTER]);
    bob.wait_for("bob: is anybody there?");
    let asked = Instant::now();
    bob.press(&[CTRL_D]);
    assert_eq!(bob.finish(), 0);
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    assert!(bob.screen().contains("what is left is sent at the next start"), "{}", bob.screen());
}

#[test]
fn room_is_left_by_who_says_so_twice_and_an_indented_slash_is_text() {
    for arguments in [&[] as &[&str], &["--plain"]] {
        let (at_ann, at_bob) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let (mut ann, link) = host(&at_ann, &[]);
        let mut bob = joins(&at_bob, "bob", (&ann, &link), &[]);
        quits(&mut bob);
        let mut bob = Terminal::start(at_bob.path(), arguments, &[]);
        bob.wait_for("You are in lobby");
        bob.type_text("  /leave");
        bob.press(&[ENTER]);
        ann.wait_for("bob:   /leave");
        bob.type_text("/leave");
        bob.press(&[ENTER]);
        // However the window wraps it.
        let asks = |screen: &str| screen.split_whitespace().collect::<String>().contains("oncemore.");
        bob.wait("to be asked", asks);
        // What is kept of a room that one is in is not forgotten, and nobody is asked whether.
        bob.type_text("/forget");
        bob.press(&[ENTER]);
        bob.wait("the remedy", |screen| screen.contains("Leave it first: /leave."));
        bob.press(&["\u{15}"]);
        // Whoever says something else meanwhile is not sure.
        bob.type_text("still here");
        bob.press(&[ENTER]);
        ann.wait_for("bob: still here");
        bob.type_text("/leave");
        bob.press(&[ENTER]);
        bob.type_text("I stay");
        bob.press(&[ENTER]);
        ann.wait_for("bob: I stay");
        for _ in 0..2 {
            bob.type_text("/leave");
            bob.press(&[ENTER]);
        }
        ann.wait_for("bob left");
        let says = |what: &'static str| {
            move |screen: &str| screen.split_whitespace().collect::<String>().replace('│', "").contains(what)
        };
        bob.wait("what became of the room", says("Youlefttheroom."));
        for told in ["willbedeletedonthisdevice", "isdeletedonthisdevice"] {
            bob.type_text("/forget lobby");
            bob.press(&[ENTER]);
            bob.wait("to be asked, and told", says(told));
        }
        bob.press(&[CTRL_D]);
        bob.finish();
        quits(&mut ann);
    }
}

#[test]
fn room_that_one_comes_back_to_begins_at_what_was_said_meanwhile() {
    let (at_ann, at_bob) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (mut ann, link) = host(&at_ann, &[]);
    let mut bob = joins(&at_bob, "bob", (&ann, &link), &[]);
    bob.type_text("see you");
    bob.press(&[ENTER]);
    ann.wait_for("bob: see you");
    quits(&mut bob);
    says_lines(&mut ann, 45);
    let mut bob = Terminal::start(at_bob.path(), &[], &[]);
    let is_below = |screen: &str| {
        let mut lines = screen.lines().skip_while(|line| !line.contains("- not read -"));
        lines.nth(1).is_some_and(|line| line.contains("ann: line 1.")) && screen.contains("line 12.")
    };
    let screen = bob.wait("the line, and what is below", is_below);
    assert!(!screen.contains("line 45."), "{screen}");
    quits(&mut bob);
    quits(&mut ann);
}
