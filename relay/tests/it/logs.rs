//! What the program logs, and what it does not.

use proto::relay::refused::Code;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    common::*,
    program::{Program, run},
};

/// Joins that are refused, a member over its rate, and a room that is dropped; then the relay ends in order.
async fn trouble(directory: &TempDir, options: &[&str]) -> (String, u16) {
    let mut program = Program::with(directory.path(), &[&["--rate", "1"], options].concat());
    let client = Client::connect(program.address, directory.path()).await;
    let mut a = client.create(room(0xab), &key(1), vec![]).await;
    a.publish([1; 16], b"within the rate", None).await;
    a.published().await;
    assert_eq!(a.publish_refused([2; 16], None).await, Code::RateLimited);
    for _ in 0..20 {
        assert_eq!(client.refused(client.join_frame(room(0xab), &key(9), 0, None)).await, Code::NotAllowed);
    }
    assert_eq!(run(directory.path(), &["drop-room", "ab", "--yes"]).status.code(), Some(0));
    assert_eq!(a.refusal().await.code(), Code::Dropped);
    a.ended().await;
    let port = client.endpoint.local_addr().unwrap().port();
    program.terminate();
    let status =
        tokio::task::spawn_blocking(move || (program.child.wait().unwrap(), program.log())).await.unwrap();
    assert_eq!(status.0.code(), Some(0));
    (status.1, port)
}

#[tokio::test(flavor = "multi_thread")]
async fn log_holds_no_address_no_room_and_no_key_by_default() {
    let directory = TempDir::new().unwrap();
    let (log, port) = trouble(&directory, &[]).await;
    for wanted in [
        "event=\"refused_join\"",
        "event=\"limit\" limit=\"rate\"",
        "event=\"operator\" action=\"drop-room\"",
        "stopping",
    ] {
        assert!(log.contains(wanted), "no {wanted} in:\n{log}");
    }
    let key: String =
        key(1).verifying_key().to_bytes()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    for secret in ["127.0.0.1", "::1", "abab", "ABAB", &key, &format!(":{port}")] {
        assert!(!log.contains(secret), "{secret} in:\n{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn debug_log_tells_connections_and_streams_apart_by_numbers_and_nothing_else() {
    let directory = TempDir::new().unwrap();
    let (log, port) = trouble(&directory, &["--log-level", "debug"]).await;
    let of = |span: &str, line: &str| log.lines().any(|one| one.contains(span) && one.contains(line));
    assert!(of("connection{n=1}:", "connected carrier=\"quic\""), "{log}");
    assert!(of("connection{n=1}:stream{n=1}:", "joined a room"), "{log}");
    assert!(of("connection{n=1}:stream{n=2}:", "not let in code=NotAllowed"), "{log}");
    assert!(of("connection{n=1}:stream{n=1}:", "stream over outcome=Joined"), "{log}");
    let key: String =
        key(1).verifying_key().to_bytes()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    for secret in ["127.0.0.1", "::1", "abab", "ABAB", &key, &format!(":{port}")] {
        assert!(!log.contains(secret), "{secret} in:\n{log}");
    }
    let (log, _) = trouble(&TempDir::new().unwrap(), &[]).await;
    assert!(!log.contains("connection{"), "only for whoever looks closely:\n{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_logged_only_when_asked_for_and_no_event_is_lost() {
    let directory = TempDir::new().unwrap();
    let (log, _) = trouble(&directory, &["--log-addresses", "--log", "json"]).await;
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let of = |event: &str| lines.iter().filter(move |line| line["event"] == event).collect::<Vec<_>>();
    let refused = of("refused_join");
    assert_eq!(refused.iter().map(|line| line["count"].as_u64().unwrap()).sum::<u64>(), 20, "{log}");
    for line in refused.into_iter().chain(of("limit")) {
        assert_eq!((&line["addresses"], &line["target"]), (&"127.0.0.1".into(), &"security".into()));
    }
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()));
}

#[test]
fn level_that_is_none_is_a_usage_error() {
    let directory = TempDir::new().unwrap();
    let output = run(directory.path(), &["--log-level", "loud"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("use off, error, warn, info"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_the_level_is_not_logged() {
    let directory = TempDir::new().unwrap();
    let (log, _) = trouble(&directory, &["--log-level", "error"]).await;
    assert_eq!(log, "");
}
