//! `relay bench`: each scenario once, with a handful of members, so that the command does not rot. What it
//! measures on a busy machine means nothing, and is not looked at.

use std::process::Command;

use serde_json::Value;

/// Runs one scenario and returns what each of its rows is about.
fn rows(scenario: &[&str]) -> Vec<String> {
    let report = run(scenario);
    let rows = report["rows"].as_array().unwrap();
    rows.iter().map(|row| row["what"].as_str().unwrap().to_owned()).collect()
}

/// Runs one scenario and returns its report.
fn run(scenario: &[&str]) -> Value {
    run_for("0.2", scenario)
}

/// The same in phases of so many seconds.
fn run_for(seconds: &str, scenario: &[&str]) -> Value {
    let quick = ["--repetitions", "1", "--seconds", seconds, "--honest", "3"];
    let output =
        Command::new(env!("CARGO_BIN_EXE_relay")).arg("bench").args(scenario).args(quick).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{scenario:?}: {stderr}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON on stdout");
    assert_eq!((&report["v"], &report["scenario"]), (&1.into(), &scenario[0].into()));
    let rows = report["rows"].as_array().unwrap();
    for row in rows {
        assert!(row["median"].is_f64(), "a figure that is no number: {row}");
        assert!(stderr.contains(row["what"].as_str().unwrap()), "the table lacks {row}:\n{stderr}");
    }
    report
}

#[test]
fn stalled_readers_are_measured() {
    for manner in ["unread", "unacknowledged"] {
        let rows = rows(&["stalled-readers", "--stalled", "3", "--manner", manner]);
        assert!(
            rows.contains(&"p99, loaded ÷ quiet".to_owned())
                && rows.contains(&"memory per stalled member, at most".into())
        );
    }
}

#[test]
fn floods_are_measured() {
    let strangers = [
        "handshakes",
        "streams",
        "gaps",
        "migrations",
        "frames",
        "tcp-handshakes",
        "tcp-frames",
        "tcp-empty-frames",
        "tcp-empty-pieces",
        "neighbour",
    ];
    // Members wait for the disk between two of theirs.
    let members = ["rooms", "repeats", "signals", "cards", "announced", "slow-senders", "slow-readers"];
    let members = members.map(|kind| (kind, "2"));
    for (kind, seconds) in strangers.map(|kind| (kind, "0.2")).into_iter().chain(members) {
        let report = run_for(seconds, &["flood", kind, "--places", "2", "--handshakes", "100"]);
        let rows = report["rows"].as_array().unwrap();
        assert!(rows.iter().any(|row| row["what"] == "p99, loaded ÷ quiet"), "{report}");
        let tries = rows.iter().find(|row| row["what"].as_str().unwrap().starts_with("flood: ")).unwrap();
        assert!(tries["median"].as_f64() > Some(0.0), "the flood did nothing: {report}");
    }
}

#[test]
fn strangers_are_measured() {
    for kind in ["idle", "half-open", "streams", "frames", "gaps"] {
        assert_eq!(rows(&["strangers", kind, "--strangers", "3"]), ["memory per stranger"], "{kind}");
    }
    let rows = rows(&["strangers", "amplification", "--listen", "1"]);
    assert_eq!(rows.len(), 3, "{rows:?}");
}

#[test]
fn idle_members_are_measured() {
    let rows = rows(&["idle-members", "--members", "3,5", "--rooms", "2"]);
    assert_eq!(rows.len(), 6, "{rows:?}");
}

#[test]
fn churn_is_measured() {
    let rows = rows(&["churn", "--visits", "40", "--rounds", "2"]);
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(rows.iter().any(|row| row.contains("÷ after the warm-up")), "{rows:?}");
}

#[test]
fn throughput_is_measured() {
    assert_eq!(rows(&["throughput", "publishes", "--writers", "1,2"]).len(), 6);
    assert_eq!(rows(&["throughput", "deliveries", "--readers", "3"]).len(), 3);
}

/// With those other servers that are installed; the relay alone where none is.
#[test]
fn peers_are_measured() {
    let plot = tempfile::NamedTempFile::new().unwrap();
    let file = plot.path().to_str().unwrap();
    let rows = rows(&["peers", "--members", "3", "--idle", "5", "--plot", file]);
    for what in ["people's pace, publish to deliver, p50: relay", "saturated, deliveries: relay"] {
        assert!(rows.contains(&format!("3 members, {what}")), "{rows:?}");
    }
    assert!(rows.contains(&"memory per idle member: relay".to_owned()), "{rows:?}");
    assert!(std::fs::read_to_string(file).unwrap().contains("relay"));
}

#[test]
fn restart_is_measured() {
    assert_eq!(rows(&["restart", "--clients", "3"]).len(), 3);
}
