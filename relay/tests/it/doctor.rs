//! `relay doctor` as a program: what it finds beside a running relay, without one, and from elsewhere.

use std::{net::UdpSocket, path::Path, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Program, run_soon};

/// A database as an earlier program left it.
const EARLIER: &[u8] = include_bytes!("../../src/log/redb/tests/upgrade/6.redb");

/// The exit code and the findings.
fn doctor(data_dir: &Path, settings: &[&str], arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = Command::new(env!("CARGO_BIN_EXE_relay"))
        .arg("--data-dir")
        .arg(data_dir)
        .args(settings)
        .args(["doctor", "--json"])
        .args(arguments)
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(answer["v"], 1);
    (output.status.code(), answer["findings"].as_array().unwrap().clone())
}

fn of<'a>(findings: &'a [Value], check: &str) -> Vec<&'a Value> {
    findings.iter().filter(|finding| finding["check"] == check).collect()
}

fn failed(findings: &[Value]) -> Vec<&Value> {
    findings.iter().filter(|finding| finding["level"] == "fail").collect()
}

#[test]
fn running_relay_is_shaken_hands_with_and_nothing_fails() {
    let directory = TempDir::new().unwrap();
    let program = Program::start(directory.path());
    let (code, findings) = doctor(directory.path(), &["--listen", &program.address.to_string()], &[]);
    assert_eq!(failed(&findings), Vec::<&Value>::new());
    assert_eq!(code, Some(0));
    assert_eq!(of(&findings, "udp reachable")[0]["level"], "ok");
    let certificate = of(&findings, "certificate");
    assert!(
        certificate.iter().any(|finding| finding["found"].as_str().unwrap().contains("the pin in links"))
    );
    for finding in &findings {
        assert_eq!(finding["remedy"].is_null(), finding["level"] == "ok", "{finding}");
    }
}

#[test]
fn settings_of_the_running_relay_need_not_be_said_again() {
    let directory = TempDir::new().unwrap();
    let host = "relay.invalid";
    let program = Program::with(directory.path(), &["--host", host, "--tcp=false", "--reserve-mib", "7"]);
    let (_, findings) = doctor(directory.path(), &[], &[]);
    let found = |check: &str| of(&findings, check)[0]["found"].as_str().unwrap().to_owned();
    assert!(found("disk").contains("a reserve of 7 MiB"), "{findings:?}");
    assert!(of(&findings, "certificate").iter().any(|finding| finding.to_string().contains(host)));
    assert!(of(&findings, "tcp reachable").is_empty(), "{findings:?}");
    assert!(found("udp reachable").contains(&program.address.to_string()), "{findings:?}");
    // It listens where a name of the internet cannot lead.
    assert!(found("listening").contains("loopback only"), "{findings:?}");
    let text = format!("{findings:?}");
    assert!(!text.contains("ufw") && !text.contains("router"), "{text}");
}

#[test]
fn port_of_another_program_fails_with_code_one_before_the_relay_is_started() {
    let directory = TempDir::new().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let (code, findings) = doctor(directory.path(), &["--listen", &address], &[]);
    assert_eq!(code, Some(1));
    let ports = of(&findings, "ports");
    assert_eq!(ports[0]["level"], "fail");
    let remedy = format!("ss -lnup 'sport = :{}'", socket.local_addr().unwrap().port());
    assert!(ports[0]["remedy"].as_str().unwrap().contains(&remedy));
    assert!(!directory.path().join("identity").exists(), "it changes nothing");
}

#[test]
fn certificate_files_that_are_missing_fail_before_the_relay_is_started() {
    let directory = TempDir::new().unwrap();
    let (code, findings) = doctor(
        directory.path(),
        &["--listen", "127.0.0.1:0", "--cert", "/nonexistent.pem", "--key", "/nonexistent.pem"],
        &[],
    );
    assert_eq!(code, Some(1));
    assert_eq!(of(&findings, "certificate")[0]["level"], "fail");
}

#[test]
fn relay_seen_from_elsewhere_is_known_by_its_pin_and_another_one_fails() {
    let (directory, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let program = Program::start(directory.path());
    let address = program.address.to_string();
    let line: Value = serde_json::from_str(&program.line).unwrap();
    let pin = line["pin"].as_str().unwrap();
    let (code, findings) = doctor(elsewhere.path(), &[], &["--remote", &address, "--pin", pin]);
    assert_eq!((code, &of(&findings, "udp reachable")[0]["level"]), (Some(0), &Value::from("ok")));
    let other = format!("sha256:{}", "07".repeat(32));
    let (code, findings) = doctor(elsewhere.path(), &[], &["--remote", &address, "--pin", &other]);
    assert_eq!((code, &of(&findings, "udp reachable")[0]["level"]), (Some(1), &Value::from("fail")));
    drop(program);
    let (code, findings) = doctor(elsewhere.path(), &[], &["--remote", &address, "--pin", pin]);
    assert_eq!((code, &of(&findings, "udp reachable")[0]["level"]), (Some(1), &Value::from("fail")));
}

#[test]
fn database_of_an_earlier_program_is_told_of_and_left_as_it_is() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("relay.redb");
    std::fs::write(&file, EARLIER).unwrap();
    let (_, findings) = doctor(directory.path(), &[], &[]);
    let database = of(&findings, "database")[0];
    assert_eq!(database["level"], "warn", "{database}");
    assert!(database["found"].as_str().unwrap().contains("the next start"), "{database}");
    let check = run_soon(directory.path(), &["check"]);
    assert_eq!(check.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&check.stderr).contains("has format 6; start the relay"), "{check:?}");
    run_soon(directory.path(), &["status"]);
    assert!(std::fs::read(&file).unwrap() == EARLIER, "not a byte of it");
    assert!(!directory.path().join("relay.redb.format-6").exists());
}
