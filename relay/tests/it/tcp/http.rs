//! What HTTP clients see.

use relay::Limits;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::client::{secured, server};
use crate::common::*;

/// The whole answer to these bytes, as text; the relay must close the connection.
pub(super) async fn ask(server: &Server, request: &[u8]) -> String {
    let mut secured = secured(server.address, server.directory.path(), b"http/1.1").await;
    let mut answer = Vec::new();
    let talk = async {
        // It may close before it has read all.
        let _ = secured.write_all(request).await;
        let _ = secured.read_to_end(&mut answer).await;
    };
    timeout(PATIENCE, talk).await.expect("the end in time");
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn page_says_what_this_is_and_nothing_else_is_there() {
    let server = server(Limits::default()).await;
    let page = ask(&server, b"GET / HTTP/1.1\r\nHost: relay.example\r\n\r\n").await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("This is a Schat relay."), "{page}");
    for path in ["/index.html", "/schat/", "/metrics", "//"] {
        let answer = ask(&server, format!("GET {path} HTTP/1.1\r\nHost: r\r\n\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
    let answer = ask(&server, b"POST / HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\nhi").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn request_that_does_not_ask_for_our_protocol_is_not_upgraded() {
    let server = server(Limits::default()).await;
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (version, headers) in [
        ("1.1", String::new()),
        ("1.1", format!("{upgrade}{key}Sec-WebSocket-Version: 13\r\n")),
        (
            "1.1",
            format!("{upgrade}{key}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: schat.2, chat\r\n"),
        ),
        ("1.1", format!("{upgrade}{key}Sec-WebSocket-Version: 12\r\nSec-WebSocket-Protocol: schat.1\r\n")),
        ("1.1", format!("{upgrade}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: schat.1\r\n")),
        ("1.1", format!("{key}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: schat.1\r\n")),
        ("1.0", format!("{upgrade}{key}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: schat.1\r\n")),
    ] {
        let request = format!("GET /schat HTTP/{version}\r\nHost: r\r\n{headers}\r\n");
        let answer = ask(&server, request.as_bytes()).await;
        assert!(answer.contains(" 400 Bad Request\r\n"), "{headers}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_endless_headers_are_refused() {
    let server = server(Limits::default()).await;
    let endless = [b"GET / HTTP/1.1\r\n".as_slice(), &b"X: y\r\n".repeat(10_000)].concat();
    let long = [b"GET / HTTP/1.1\r\nX: ".as_slice(), &[b'y'; 100_000]].concat();
    for request in [b"\x00\x01\x02\r\n\r\n".as_slice(), b"hello relay\r\n\r\n", &endless, &long] {
        let answer = ask(&server, request).await;
        let refused = ["HTTP/1.1 400 ", "HTTP/1.1 431 "].iter().any(|line| answer.starts_with(line));
        assert!(refused || answer.is_empty(), "{answer}");
    }
    assert!(ask(&server, b"GET / HTTP/1.1\r\nHost: r\r\n\r\n").await.contains("200 OK"));
}
