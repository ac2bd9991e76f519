//! The operator's socket: what commands get, and what it refuses.

use std::{
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
    process::Output,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    common::*,
    program::{Program, run},
};

fn status(data_dir: &Path) -> Value {
    let output = run(data_dir, &["status", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Sends these bytes to the socket and reads until it closes.
fn raw(data_dir: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(data_dir.join("admin.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The relay may close before all is sent.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_what_is_there() {
    let directory = TempDir::new().unwrap();
    let program = Program::start(directory.path());
    let client = Client::connect(program.address, directory.path()).await;
    let mut a = client.create(room(1), &key(1), vec![]).await;
    a.publish([1; 16], b"one", None).await;
    assert_eq!(a.published().await.seq, 1);
    let status = status(directory.path());
    assert_eq!((&status["v"], &status["version"]), (&1.into(), &env!("CARGO_PKG_VERSION").into()));
    assert_eq!(status["addresses"][0], program.address.to_string());
    assert_eq!((&status["rooms"], &status["entries"], &status["online"]), (&1.into(), &1.into(), &1.into()));
    assert!(program.line.contains(status["pin"].as_str().unwrap()));
    assert!(program.line.contains(status["links"][0].as_str().unwrap()));
    assert_eq!(status["pid"], program.child.id());
    let output = run(directory.path(), &["status"]);
    let text = String::from_utf8(output.stdout).unwrap();
    for wanted in [
        "running for",
        "Certificate valid for another",
        "Online      1 on 1 connection\n",
        "Rooms       1, 1 entry",
    ] {
        assert!(text.contains(wanted), "no {wanted:?} in:\n{text}");
    }
}

#[test]
fn command_without_a_relay_says_what_to_do() {
    let directory = TempDir::new().unwrap();
    let expected = format!(
        "relay: no relay is running on {}; start it, or name another with --data-dir\n",
        directory.path().display()
    );
    let output = run(directory.path(), &["status"]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(1), expected.clone()));
    // The same after one that was killed, whose socket is still there.
    drop(Program::start(directory.path()));
    assert!(directory.path().join("admin.sock").exists());
    assert_eq!(stderr(&run(directory.path(), &["status"])), expected);
    // And the next relay takes its place.
    let program = Program::start(directory.path());
    assert_eq!(status(directory.path())["pid"], program.child.id());
}

#[test]
fn socket_is_the_owners_alone_and_goes_with_the_relay() {
    let directory = TempDir::new().unwrap();
    let mut program = Program::start(directory.path());
    let socket = directory.path().join("admin.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    program.terminate();
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
    assert!(!socket.exists());
}

#[test]
fn what_is_no_known_request_gets_a_sentence_and_no_more() {
    let directory = TempDir::new().unwrap();
    let _program = Program::start(directory.path());
    for (request, expected) in [
        ("GET /v1/nothing HTTP/1.1\r\nHost: relay\r\n\r\n".to_owned(), "HTTP/1.1 404"),
        ("DELETE /v1/status HTTP/1.1\r\nHost: relay\r\n\r\n".to_owned(), "HTTP/1.1 404"),
        ("nonsense\r\n\r\n".to_owned(), "HTTP/1.1 400"),
        (
            format!("GET /v1/status HTTP/1.1\r\nHost: relay\r\nX: {}\r\n\r\n", "x".repeat(100_000)),
            "HTTP/1.1 431",
        ),
        (
            format!(
                "POST /v1/x HTTP/1.1\r\nHost: relay\r\nContent-Length: 65537\r\n\r\n{}",
                "x".repeat(65_537)
            ),
            "HTTP/1.1 413",
        ),
    ] {
        let answer = raw(directory.path(), request.as_bytes());
        assert!(answer.starts_with(expected), "{request:.60}: {answer:.200}");
    }
}

#[test]
fn connections_that_say_nothing_do_not_keep_others_out_for_ever() {
    let directory = TempDir::new().unwrap();
    let _program = Program::start(directory.path());
    let silent: Vec<_> =
        (0..40).map(|_| UnixStream::connect(directory.path().join("admin.sock")).unwrap()).collect();
    // Comes in once the time for a head is over.
    status(directory.path());
    drop(silent);
}

#[test]
fn embedded_relay_has_no_socket() {
    let directory = TempDir::new().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let config = relay::Config::new(([127, 0, 0, 1], 0).into(), directory.path());
        let relay = relay::Relay::start(config).await.unwrap();
        assert!(!directory.path().join("admin.sock").exists());
        relay.shutdown().await;
    });
}
