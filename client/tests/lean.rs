//! What a program says that was built without the feature `full` and is asked for what that brings: run by
//! `cargo test -p client`, and no part of the tests of the workspace, which have all features.
#![cfg(not(feature = "full"))]

use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

fn schat(home: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schat"));
    command.env_clear().env("SCHAT_PROFILE", home.path()).stdin(Stdio::null());
    command.args(arguments).output().unwrap()
}

#[test]
fn what_was_left_out_is_named_with_its_remedy_and_costs_nothing() {
    let home = TempDir::new().unwrap();
    for (arguments, what) in [
        (&["lock", "--keyring"] as &[&str], "without the keyring"),
        (&["man"], "without manual pages"),
        (&["completions", "bash"], "without completions"),
    ] {
        let output = schat(&home, arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout), (Some(1), Vec::new()), "{arguments:?}: {told}");
        assert!(told.contains(what) && told.contains("--features full"), "{arguments:?}: {told}");
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "nothing was made");
}
