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
