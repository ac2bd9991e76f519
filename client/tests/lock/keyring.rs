//! The keyring of the system, with GNOME's where it is installed.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use super::home::{Home, NEW, OLD, done, out, refused, text};

/// Whether the Secret Service of GNOME is installed, with what a test needs of it.
fn has_keyring() -> bool {
    let has = |program: &str| {
        Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap().status.success()
    };
    let has_all = ["dbus-run-session", "gnome-keyring-daemon", "secret-tool"].into_iter().all(has);
    if !has_all {
        eprintln!("SKIPPED: there is no dbus-run-session, gnome-keyring-daemon or secret-tool");
    }
    has_all
}

/// Starts it, with its login keyring open.
const KEYRING: &str = "echo login | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1";

/// `passphrase_command`, with the program of the desktop's keyring.
#[test]
fn program_of_the_keyring_opens_the_profile() {
    if !has_keyring() {
        return;
    }
    let (home, fingerprint) = Home::locked();
    let config = home.0.path().join("config.toml");
    fs::write(
        &config,
        "[lock]\npassphrase_command = [\"secret-tool\", \"lookup\", \"program\", \"schat\"]\n",
    )
    .unwrap();
    let script = format!(
        "{KEYRING}
         head -n 1 '{}' | tr -d '\\n' | secret-tool store --label=schat program schat
         exec '{}' --config '{}' fingerprint",
        home.file(OLD),
        env!("CARGO_BIN_EXE_schat"),
        config.display()
    );
    let output = session(&home, &script);
    assert_eq!(out(&output), fingerprint, "{output:?}");
}

#[cfg(feature = "keyring")]
#[test]
fn keyring_keeps_the_passphrase() {
    if !has_keyring() {
        return;
    }
    let (home, fingerprint) = Home::begun();
    let (old, new) = (home.file(OLD), home.file(NEW));
    let schat = env!("CARGO_BIN_EXE_schat");
    let entries = "secret-tool search --all service schat 2>/dev/null | grep -c ^secret";
    let run = |script: &str| session(&home, &format!("{KEYRING}\n{script}"));

    let first = run(&format!(
        "set -e; '{schat}' --passphrase-file '{old}' lock --keyring
         '{schat}' fingerprint; '{schat}' lock --status; {entries}"
    ));
    let said = out(&first);
    assert!(
        said.starts_with(&fingerprint)
            && said.contains("which the keyring of this system")
            && said.ends_with("\n1\n"),
        "{said}"
    );
    refused(&home.schat(&["fingerprint"]), 1, "not opened by the keyring");
    assert_eq!(out(&home.with(OLD, &["fingerprint"])), fingerprint, "without the keyring as well");

    // Another passphrase is another entry, and the first one is gone; an older copy of the profile says what is wrong.
    let copied = fs::read(home.key()).unwrap();
    let second = run(&format!(
        "set -e; '{schat}' lock --keyring --new-passphrase-file '{new}'; '{schat}' fingerprint; {entries}"
    ));
    assert_eq!(out(&second), format!("{fingerprint}1\n"));
    assert_eq!(out(&home.with(NEW, &["fingerprint"])), fingerprint);
    let changed = fs::read(home.key()).unwrap();
    fs::write(home.key(), copied).unwrap();
    refused(&run(&format!("exec setsid --wait '{schat}' fingerprint")), 1, "passphrase is wrong");
    fs::write(home.key(), changed).unwrap();

    let last = run(&format!("set -e; '{schat}' unlock; '{schat}' fingerprint; {entries}"));
    let said = text(&last.stdout);
    assert_eq!(said, format!("{fingerprint}0\n"), "{last:?}");
    assert!(!home.profile().join("keyring").exists());
}

#[cfg(feature = "keyring")]
#[test]
fn passphrase_of_a_lock_that_is_done_stays_in_the_keyring_whatever_fails_then() {
    if !has_keyring() {
        return;
    }
    let (home, fingerprint) = Home::begun();
    // Nothing can take this name.
    fs::create_dir(home.profile().join("keyring")).unwrap();
    let output = session(
        &home,
        &format!(
            "{KEYRING}
             '{}' --passphrase-file '{}' lock --keyring || echo failed
             secret-tool search --all service schat 2>/dev/null | grep -c ^secret",
            env!("CARGO_BIN_EXE_schat"),
            home.file(OLD)
        ),
    );
    assert_eq!(out(&output), "failed\n1\n", "{output:?}");
    let told = text(&output.stderr);
    assert!(
        told.contains("The profile is locked.") && told.contains("keyring: service schat, account "),
        "{told}"
    );
    assert_eq!(out(&home.with(OLD, &["fingerprint"])), fingerprint);
}

#[test]
fn lock_without_a_keyring_is_not_made_by_halves() {
    let (home, fingerprint) = Home::begun();
    refused(&home.with(OLD, &["lock", "--keyring"]), 1, "keyring");
    assert_eq!(fs::metadata(home.key()).unwrap().len(), 32, "it is locked");
    assert_eq!(out(&home.schat(&["fingerprint"])), fingerprint);
    assert!(!home.profile().join("keyring").exists());
    // A file that names an entry which cannot be reached keeps nobody out who has the passphrase.
    done(&home.with(OLD, &["lock"]));
    fs::write(home.profile().join("keyring"), "00112233445566778899aabbccddeeff\n").unwrap();
    assert_eq!(out(&home.with(OLD, &["fingerprint"])), fingerprint);
    refused(&home.schat(&["fingerprint"]), 1, "not opened by the keyring");
    let unlocked = home.with(OLD, &["unlock"]);
    done(&unlocked);
    assert!(text(&unlocked.stderr).contains("account 00112233445566778899aabbccddeeff"), "{unlocked:?}");
    assert!(!home.profile().join("keyring").exists());
}

fn session(home: &Home, script: &str) -> Output {
    Command::new("dbus-run-session")
        .args(["--", "sh", "-c", script])
        .env("HOME", home.0.path())
        .env("XDG_RUNTIME_DIR", runtime(home.0.path()))
        .env("XDG_DATA_HOME", home.0.path())
        .env("SCHAT_PROFILE", home.profile())
        .env_remove("SCHAT_PASSPHRASE_FILE")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn runtime(home: &Path) -> PathBuf {
    let dir = home.join("run");
    fs::create_dir_all(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    dir
}
