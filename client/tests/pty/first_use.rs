//! A relay that nobody vouches for: the person is asked.

use tempfile::TempDir;

use super::{CTRL_D, host, terminal::Terminal};

const QUESTION: &str = "Trust this relay from now on? (yes/no)";

/// Where a link's relay is.
fn place(link: &str) -> String {
    link.strip_prefix("schat://").unwrap().split('/').next().unwrap().to_owned()
}

#[test]
fn link_is_taken_as_the_command_that_it_was_sent_in() {
    let at_ann = TempDir::new().unwrap();
    let (_ann, link) = host(&at_ann, &[]);
    for (face, pasted) in [(&[][..], format!("schat '{link}'")), (&["--plain"], format!("{link} {link}"))] {
        let at_bob = TempDir::new().unwrap();
        let mut bob = Terminal::start(at_bob.path(), &[&["--name", "bob"], face].concat(), &[]);
        if face.is_empty() {
            bob.wait_for("Welcome");
            bob.paste(&pasted);
        } else {
            bob.type_text(&pasted);
        }
        bob.press(&["\r"]);
        bob.wait_for("You are in lobby");
        bob.press(&[CTRL_D]);
        assert_eq!(bob.finish(), 0);
    }
}

#[test]
fn person_is_asked_about_a_relay_that_is_seen_first_and_nothing_is_remembered_without_a_yes() {
    let (at_ann, at_bob) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (_ann, link) = host(&at_ann, &[]);
    let place = place(&link);
    let start = |face: &[&str]| {
        let arguments = [&["--name", "bob", "--relay", &place], face].concat();
        Terminal::start(at_bob.path(), &arguments, &[])
    };
    for face in [&[][..], &["--plain"]] {
        let mut bob = start(face);
        let screen = bob.wait("the question", |screen| screen.contains(QUESTION));
        assert!(screen.contains("Its fingerprint: sha256:"), "{screen}");
        bob.press(&["perhaps\r"]);
        bob.wait_for("Please type yes or no.");
        bob.press(&["no\r"]);
        assert_eq!(bob.finish(), 6);
    }
    let mut bob = start(&["--plain"]);
    bob.wait_for(QUESTION);
    bob.press(&["yes\r"]);
    bob.press(&["/join team\r"]);
    bob.wait_for("You are in team");
    bob.press(&[CTRL_D]);
    assert_eq!(bob.finish(), 0);
    // It is asked once.
    let mut bob = start(&[]);
    bob.wait_for("You are in team");
    assert!(!String::from_utf8_lossy(&bob.raw()).contains(QUESTION));
    bob.press(&[CTRL_D]);
    assert_eq!(bob.finish(), 0);
}
