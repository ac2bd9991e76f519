//! A message is chosen, and what is done to it the others see.

use super::*;

#[test]
fn replies_signs_edits_and_deletions_are_seen_by_the_other() {
    let (at_ann, at_bob) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (mut ann, link) = host(&at_ann, &[]);
    let mut bob = joins(&at_bob, "bob", (&ann, &link), &[]);
    ann.type_text("lunch at noon?");
    ann.press(&[ENTER]);
    bob.wait_for("ann: lunch at noon?");

    selects(&mut bob);
    assert!(!bob.screen().contains("e edit"), "it is not his: {}", bob.screen());
    bob.press(&["r"]);
    bob.wait_for("↳ ann: lunch at noon? (Esc: not)");
    bob.type_text("yes");
    bob.press(&[ENTER]);
    ann.wait("an answer that quotes", |screen| {
        screen.contains("↳ ann: lunch") && screen.contains("bob: yes")
    });
    bob.wait_for("bob: yes");

    selects(&mut bob);
    bob.press(&["k", "+"]);
    bob.wait_for("Number or Enter");
    bob.press(&["1"]);
    ann.wait_for("👍 1");

    // Hers is the one before bob's answer.
    selects(&mut ann);
    ann.press(&["k"]);
    ann.wait_for("e edit");
    ann.press(&["e"]);
    ann.wait_for("Editing your message");
    ann.press(&["\u{15}"]);
    ann.type_text("lunch at one?");
    ann.press(&[ENTER]);
    bob.wait_for("ann: lunch at one? (edited)");

    selects(&mut ann);
    ann.press(&["k"]);
    ann.wait_for("d delete");
    ann.press(&["d"]);
    ann.wait_for("Delete this message?");
    ann.press(&["y"]);
    bob.wait("what is left of it", |screen| {
        screen.contains("ann: (deleted)") && !screen.contains("lunch at one?") && !screen.contains("👍")
    });
    bob.press(&[ESCAPE]);
    bob.wait("the end of choosing", |screen| !screen.contains("r reply"));
    quits(&mut bob);
    quits(&mut ann);
}

/// What the relay's operator is told is the same everywhere.
#[test]
fn room_id_is_shown_by_a_key_and_is_the_one_that_commands_print() {
    let dir = TempDir::new().unwrap();
    let (mut ann, _) = host(&dir, &[]);
    ann.press(&["\u{1b}OR"]);
    ann.wait_for("Id at the relay:");
    let screen = ann.screen();
    let (_, id) = screen.split_once("Id at the relay:").unwrap();
    // It may go on in the next line of the frame.
    let id: String = id.chars().filter(char::is_ascii_hexdigit).take(64).collect();
    // Any key closes it.
    ann.press(&["x"]);
    quits(&mut ann);
    let mut rooms = std::process::Command::new(env!("CARGO_BIN_EXE_schat"));
    rooms.args(["rooms", "--id"]).env_clear().env("SCHAT_PROFILE", dir.path().join("profile"));
    let rooms = String::from_utf8(rooms.output().unwrap().stdout).unwrap();
    assert!(rooms.starts_with(&format!("lobby\tschat host\t{id}")), "{rooms}\n{id}");
}

#[test]
fn what_an_open_room_is_is_said_once() {
    let dir = TempDir::new().unwrap();
    let (mut ann, _) = host(&dir, &[]);
    ann.type_text("/join town");
    ann.press(&[ENTER]);
    let screen = ann.wait_for("relay's operator included");
    assert_eq!(ann.wait_for("You are in town").matches("This is an OPEN room").count(), 1, "{screen}");
    quits(&mut ann);
}
