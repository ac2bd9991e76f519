//! Quitting while something is not sent.

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
