//! The `certs` program, from the outside.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use certs::{Authority, Pin, load_pem};
use tempfile::tempdir;

fn certs(out: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_certs")).arg("--out").arg(out).args(arguments).output().unwrap()
}

#[test]
fn running_twice_keeps_the_pin_and_renews_the_leaf() {
    let dir = tempdir().unwrap();
    let out = dir.path().join("certs-out");
    let names = ["--name", "chat.example.org", "--name", "127.0.0.1"];
    let read = || load_pem(&out.join("server.pem"), &out.join("server.key")).unwrap();

    let first = certs(&out, &names);
    assert!(first.status.success(), "{first:?}");
    let before = read();
    let second = certs(&out, &names);
    assert!(second.status.success(), "{second:?}");
    let after = read();

    let printed = String::from_utf8(first.stdout.clone()).unwrap();
    assert_eq!(printed.lines().count(), 1);
    let pin: Pin = printed.trim_end().parse().unwrap();
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(Authority::load_or_create(&out).unwrap().pin(), pin);
    assert_ne!(before.chain.first(), after.chain.first());
    assert_eq!(before.chain.last(), after.chain.last());
}

#[test]
fn wrong_usage_ends_with_2_and_leaves_nothing_behind() {
    let dir = tempdir().unwrap();
    let out = dir.path().join("certs-out");
    for arguments in [
        &[][..],
        &["--name", "not a name"],
        &["--name", "a.example", "--name", "https://b.example"],
        &["--bogus"],
    ] {
        let answer = certs(&out, arguments);
        assert_eq!(answer.status.code(), Some(2), "{answer:?}");
        assert!(answer.stdout.is_empty() && !answer.stderr.is_empty(), "{answer:?}");
        assert!(!out.exists(), "{arguments:?}");
    }
    let answer = String::from_utf8(certs(&out, &["--name", "https://b.example"]).stderr).unwrap();
    assert!(answer.contains("give the host alone"), "{answer}");
}

#[test]
fn what_cannot_be_done_ends_with_1_and_a_cause() {
    let dir = tempdir().unwrap();
    let out = dir.path().join("file");
    fs::write(&out, "in the way").unwrap();
    let answer = certs(&out, &["--name", "localhost"]);
    assert_eq!(answer.status.code(), Some(1), "{answer:?}");
    assert!(answer.stdout.is_empty());
    assert!(String::from_utf8(answer.stderr).unwrap().starts_with("certs: cannot make "));
}
