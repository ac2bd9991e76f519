//! `schat lock` and `schat unlock`, through the program.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

#[path = "lock/home.rs"]
mod home;
#[path = "lock/keyring.rs"]
mod keyring;
mod support;

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use client::store::{OpenProfile, ProfileDir};
use home::{Home, NEW, OLD, done, out, refused, text};
use support::{PATIENCE, random};

#[test]
fn locked_profile_opens_with_its_passphrase_alone() {
    let (home, fingerprint) = Home::locked();
    let key = fs::read(home.key()).unwrap();
    assert!(key.starts_with(b"schatkey") && key.len() == 119);
    assert_eq!(fs::metadata(home.key()).unwrap().permissions().mode() & 0o777, 0o600);

    assert_eq!(out(&home.with(OLD, &["fingerprint"])), fingerprint);
    refused(&home.with("correct horse batterx", &["fingerprint"]), 1, "passphrase is wrong");
    for command in [&["fingerprint"][..], &["rooms"], &["search", "x"], &["--plain"], &["unlock"]] {
        let output = home.schat(command);
        refused(&output, 1, "no terminal");
        assert!(text(&output.stderr).contains("--passphrase-file"), "{output:?}");
    }
    let told = home.schat(&["--json"]);
    let (code, told) = (told.status.code(), text(&told.stdout));
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("\"passphrase\"") && told.contains("--passphrase-file"), "{told}");
    assert_eq!(fs::read(home.key()).unwrap(), key, "nothing of this changes it");

    done(&home.with(OLD, &["unlock"]));
    assert_eq!(fs::metadata(home.key()).unwrap().len(), 32);
    assert_eq!(out(&home.schat(&["fingerprint"])), fingerprint);
    done(&home.schat(&["unlock"]));
    // Other words are meant here, and another file.
    let output = home.schat(&["devices", "replace-key"]);
    refused(&output, 2, "no terminal to ask for your twelve words");
    assert!(text(&output.stderr).contains("--phrase-file"), "{output:?}");
}

#[test]
fn old_passphrase_opens_nothing_after_a_change() {
    let (home, fingerprint) = Home::locked();
    let new = home.file(NEW);
    refused(&home.with(NEW, &["lock", "--new-passphrase-file", &new]), 1, "wrong");
    refused(&home.with(OLD, &["lock"]), 1, "no terminal");
    done(&home.with(OLD, &["lock", "--new-passphrase-file", &new]));
    refused(&home.with(OLD, &["fingerprint"]), 1, "wrong");
    assert_eq!(out(&home.with(NEW, &["fingerprint"])), fingerprint);
}

#[test]
fn where_there_is_no_profile_none_is_made() {
    let home = Home::new();
    for command in [&["lock"][..], &["lock", "--status"], &["unlock"]] {
        refused(&home.with(OLD, command), 5, "no profile");
    }
    assert!(!home.profile().exists());
    fs::create_dir(home.profile()).unwrap();
    refused(&home.with(OLD, &["lock"]), 5, "no profile");
    assert_eq!(fs::read_dir(home.profile()).unwrap().count(), 0);
}

#[test]
fn passphrase_that_protects_nothing_is_refused() {
    let (home, _) = Home::begun();
    refused(&home.with("", &["lock"]), 1, "empty");
    refused(&home.with("1234567", &["lock"]), 1, "8 characters");
    refused(
        &home.with(&"x".repeat(100).repeat(2), &["lock", "--new-passphrase-file", "/no/such"]),
        5,
        "/no/such",
    );
    assert_eq!(fs::metadata(home.key()).unwrap().len(), 32);
}

#[test]
fn status_tells_how_it_is_and_asks_nobody() {
    let (home, _) = Home::begun();
    assert!(out(&home.schat(&["lock", "--status"])).starts_with("not locked"));
    done(&home.with(OLD, &["lock"]));
    assert!(out(&home.schat(&["lock", "--status"])).contains("Argon2id: 64 MiB, 3 passes, 4 lanes"));
    let json: serde_json::Value =
        serde_json::from_str(&out(&home.schat(&["--json", "lock", "--status"]))).unwrap();
    assert_eq!((&json["locked"], &json["passphrase"]["memory_kib"]), (&true.into(), &65_536.into()));
}

#[test]
fn profile_in_use_is_left_alone() {
    let (home, _) = Home::locked();
    done(&home.with(OLD, &["unlock"]));
    let dir = ProfileDir::choose(Some(home.profile())).unwrap();
    let profile = OpenProfile::open(dir, None, random()).unwrap();
    for command in [&["lock"][..], &["lock", "--status"], &["unlock"]] {
        refused(&home.with(OLD, command), 1, "in use");
    }
    drop(profile);
    done(&home.with(OLD, &["lock"]));
}

#[test]
fn damaged_key_file_is_not_called_a_wrong_passphrase() {
    let (home, _) = Home::locked();
    let whole = fs::read(home.key()).unwrap();
    for (at, flip) in [(0, 1), (12, 0xff), (40, 1), (118, 1)] {
        let mut bad = whole.clone();
        bad[at] ^= flip;
        fs::write(home.key(), bad).unwrap();
        refused(&home.with(OLD, &["fingerprint"]), 1, "damaged");
        refused(&home.with(OLD, &["unlock"]), 1, "damaged");
    }
    fs::write(home.key(), whole).unwrap();
    done(&home.with(OLD, &["fingerprint"]));
    fs::remove_file(home.key()).unwrap();
    refused(&home.with(OLD, &["lock"]), 1, "key file is missing");
}

#[test]
fn link_to_the_key_is_followed_and_never_replaced() {
    let (home, fingerprint) = Home::begun();
    let stick = home.0.path().join("stick");
    fs::rename(home.key(), &stick).unwrap();
    symlink(&stick, home.key()).unwrap();
    assert_eq!(out(&home.schat(&["fingerprint"])), fingerprint);
    refused(&home.with(OLD, &["lock"]), 1, "symbolic link");
    assert!(fs::symlink_metadata(home.key()).unwrap().is_symlink());
    assert_eq!(fs::metadata(&stick).unwrap().len(), 32);
}

#[test]
fn key_that_an_interrupted_unlock_left_does_not_stay() {
    let (home, fingerprint) = Home::locked();
    let left = home.profile().join("key.new");
    fs::write(&left, [7; 32]).unwrap();
    assert_eq!(out(&home.with(OLD, &["fingerprint"])), fingerprint);
    assert!(!left.exists());
}

#[test]
fn program_of_the_settings_is_asked_without_a_shell() {
    let (home, fingerprint) = Home::locked();
    let config = home.0.path().join("config.toml");
    let set = |words: &[&str]| {
        fs::write(&config, format!("[lock]\npassphrase_command = {words:?}\n")).unwrap();
        home.schat(&["--config", config.to_str().unwrap(), "fingerprint"])
    };
    assert_eq!(out(&set(&["cat", &home.file(OLD)])), fingerprint);
    refused(&set(&["echo", "$(cat)", "wrong"]), 1, "passphrase is wrong");
    refused(&set(&["false"]), 1, "ended with exit status: 1");
    refused(&set(&["/no/such/program"]), 1, "cannot be started");
    refused(&set(&["true"]), 1, "empty");
    // What is named by hand goes first.
    let file = home.file(OLD);
    let named =
        home.schat(&["--config", config.to_str().unwrap(), "--passphrase-file", &file, "fingerprint"]);
    assert_eq!(out(&named), fingerprint);
}

#[test]
fn file_that_others_may_read_is_told() {
    let (home, _) = Home::locked();
    let file = home.file(OLD);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let output = home.schat(&["--passphrase-file", &file, "fingerprint"]);
    assert!(output.status.success() && text(&output.stderr).contains("others may read"), "{output:?}");
}

/// The program at a terminal of its own, made by script(1). Answers each question in turn.
fn at_a_terminal(home: &Home, arguments: &str, answers: &[(&str, &str)]) -> (i32, String) {
    let tty = home.0.path().join("tty");
    // What the terminal is like at the end goes behind it.
    let command = format!(
        "tty > {}; {} {arguments}; code=$?; stty -a | grep -o '[-]*echo ' | sed 's/^/at the end: /'; exit $code",
        tty.display(),
        env!("CARGO_BIN_EXE_schat")
    );
    let mut child = Command::new("script")
        .args(["-q", "-e", "-E", "always", "-c", &command, "/dev/null"])
        .env("SHELL", "/bin/sh")
        .env("SCHAT_PROFILE", home.profile())
        .env_remove("SCHAT_PASSPHRASE_FILE")
        .env("HOME", home.0.path())
        .env("XDG_CONFIG_HOME", home.0.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut seen, mut from) = (Vec::new(), 0);
    let mut more = |seen: &mut Vec<u8>| {
        let mut bytes = [0; 256];
        let count = output.read(&mut bytes).unwrap_or(0);
        seen.extend_from_slice(&bytes[..count]);
        count > 0
    };
    for (question, answer) in answers {
        while !String::from_utf8_lossy(&seen[from..]).contains(question) {
            assert!(more(&mut seen), "no {question:?} in {:?}", String::from_utf8_lossy(&seen));
        }
        from = seen.len();
        // The question comes a moment before the echo goes.
        let deadline = Instant::now() + PATIENCE;
        while !is_silent(&tty) {
            assert!(Instant::now() < deadline, "{}", String::from_utf8_lossy(&seen));
            std::thread::sleep(Duration::from_millis(10));
        }
        input.write_all(answer.as_bytes()).unwrap();
        input.flush().unwrap();
    }
    while more(&mut seen) {}
    drop(input);
    let said = String::from_utf8_lossy(&seen).into_owned();
    assert!(said.contains("at the end: echo"), "the terminal is as it was: {said}");
    (child.wait().unwrap().code().unwrap(), said)
}

/// What is typed at that terminal is not shown.
fn is_silent(tty: &Path) -> bool {
    let name = fs::read_to_string(tty).unwrap();
    let told = Command::new("stty").args(["-F", name.trim(), "-a"]).output().unwrap();
    assert!(told.status.success(), "the program is there");
    text(&told.stdout).split_whitespace().any(|word| word == "-echo")
}

#[test]
fn person_is_asked_twice_for_a_new_one_and_never_shown_it() {
    let (home, fingerprint) = Home::begun();
    let (old, new) = (format!("{OLD}\n"), format!("{NEW}\n"));
    let (ask, again, now) = ("New passphrase: ", "The same again: ", "Passphrase of the profile: ");

    let (code, said) = at_a_terminal(&home, "lock", &[(ask, &old), (again, &new)]);
    assert!(code == 1 && said.contains("not the same"), "{code} {said}");
    let (code, said) = at_a_terminal(&home, "lock", &[(ask, "\u{3}")]);
    assert_eq!(code, 130, "{said}");
    assert_eq!(fs::metadata(home.key()).unwrap().len(), 32);
    let (code, said) = at_a_terminal(&home, "lock", &[(ask, &old), (again, &old)]);
    assert!(code == 0 && said.contains("is locked") && !said.contains("horse"), "{code} {said}");

    let (code, said) = at_a_terminal(&home, "fingerprint", &[(now, &old)]);
    assert!(code == 0 && said.contains(fingerprint.trim()) && !said.contains("horse"), "{code} {said}");
    let (code, said) = at_a_terminal(&home, "fingerprint", &[(now, &new)]);
    assert!(code == 1 && said.contains("passphrase is wrong"), "{code} {said}");
    // The terminal has other things to say than messages: standard input stays free for them.
    let (code, said) = at_a_terminal(&home, "--plain < /dev/null", &[(now, &old)]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = at_a_terminal(&home, "lock", &[(now, &old), (ask, &new), (again, &new)]);
    assert!(code == 0 && !said.contains("horse"), "{code} {said}");
    assert_eq!(out(&home.with(NEW, &["fingerprint"])), fingerprint);
}
