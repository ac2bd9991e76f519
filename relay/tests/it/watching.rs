//! /healthz, /readyz and /metrics: on the socket, and on a loopback port if asked for.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
};

use tempfile::TempDir;

use crate::{
    common::*,
    program::{Program, run},
};

/// What the admin port answers.
pub(crate) fn get(address: SocketAddr, path: &str, host: &str) -> String {
    ask(TcpStream::connect(address).unwrap(), path, host).unwrap()
}

/// The same of a port that may hang up.
fn ask(mut stream: TcpStream, path: &str, host: &str) -> std::io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// A relay that is watched, and where.
pub(crate) fn watched(data_dir: &Path, options: &[&str]) -> (Program, SocketAddr) {
    watched_at("127.0.0.1:0", data_dir, options)
}

fn watched_at(listen: &str, data_dir: &Path, options: &[&str]) -> (Program, SocketAddr) {
    let program = Program::with(data_dir, &[&["--admin-listen", listen], options].concat());
    let status = run(data_dir, &["status", "--json"]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    (program, status["admin_address"].as_str().unwrap().parse().unwrap())
}

/// The value of a line of the metrics.
fn value(metrics: &str, name: &str) -> Option<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_happened_and_name_nobody() {
    let directory = TempDir::new().unwrap();
    let (program, address) = watched(directory.path(), &[]);
    let client = Client::connect(program.address, directory.path()).await;
    let mut a = client.create(room(0xab), &key(1), vec![]).await;
    for id in 1..=3 {
        a.publish([id; 16], &[7; 100], None).await;
        a.published().await;
        a.delivered().await;
    }
    // Once more: not counted again.
    a.publish([3; 16], &[7; 100], None).await;
    a.published().await;
    let metrics = get(address, "/metrics", "localhost");
    assert!(metrics.starts_with("HTTP/1.1 200") && metrics.ends_with("# EOF\n"), "{metrics}");
    assert!(metrics.contains("content-type: application/openmetrics-text; version=1.0.0"), "{metrics}");
    for (name, wanted) in [
        ("schat_relay_published_total", 3.0),
        ("schat_relay_published_bytes_total", 300.0),
        ("schat_relay_delivered_total", 3.0),
        ("schat_relay_delivered_bytes_total", 300.0),
        ("schat_relay_connections", 1.0),
        ("schat_relay_connections_accepted_total", 1.0),
        ("schat_relay_streams", 1.0),
        ("schat_relay_online", 1.0),
        ("schat_relay_rooms", 1.0),
        ("schat_relay_entries", 3.0),
        ("schat_relay_access_keys", 1.0),
        ("schat_relay_ready", 1.0),
        ("schat_relay_limited_total{limit=\"max_connections\"}", 0.0),
    ] {
        assert_eq!(value(&metrics, name), Some(wanted), "{name} in\n{metrics}");
    }
    for (name, least) in [
        // Opening the room and three messages, each alone.
        ("schat_relay_commit_seconds_count", 4.0),
        ("schat_relay_commit_jobs_count", 4.0),
        ("schat_relay_database_bytes", 4096.0),
        ("schat_relay_disk_free_bytes", 1.0),
        ("schat_relay_certificate_expiry_seconds", 1.7e9),
        ("process_start_time_seconds", 1.7e9),
    ] {
        assert!(value(&metrics, name).is_some_and(|value| value >= least), "{name} in\n{metrics}");
    }
    assert!(metrics.contains(&format!("version=\"{}\"", env!("CARGO_PKG_VERSION"))), "{metrics}");
    let port = client.endpoint.local_addr().unwrap().port().to_string();
    for secret in ["abab", "127.0.0.1", &port] {
        assert!(!metrics.contains(secret), "{secret} in\n{metrics}");
    }
}

#[test]
fn ready_until_there_is_no_space() {
    let directory = TempDir::new().unwrap();
    {
        let (_program, address) = watched(directory.path(), &[]);
        assert!(get(address, "/healthz", "127.0.0.1").ends_with("\r\n\r\nok\n"));
        assert!(get(address, "/readyz", "[::1]:9").ends_with("\r\n\r\nready\n"));
    }
    // More than any disk has.
    let (_program, address) = watched(directory.path(), &["--reserve-mib", "1073741824"]);
    let answer = get(address, "/readyz", "127.0.0.1");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("there is no space"), "{answer}");
    assert!(get(address, "/healthz", "127.0.0.1").starts_with("HTTP/1.1 200"), "alive all the same");
    let text = String::from_utf8(run(directory.path(), &["status"]).stdout).unwrap();
    assert!(text.contains("taking no messages, for"), "{text}");
    assert!(text.contains("\nWhy         there is no space: less than the reserve is free"), "{text}");
}

#[test]
fn port_tells_nothing_but_health_and_numbers_and_only_by_address() {
    let directory = TempDir::new().unwrap();
    let (_program, address) = watched(directory.path(), &[]);
    for path in ["/v1/status", "/v1/rooms", "/"] {
        let answer = get(address, path, "127.0.0.1");
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    // A web page that made its own name point here.
    for host in ["evil.example", "evil.example:9464", "127.0.0.1.evil.example", ""] {
        let answer = get(address, "/metrics", host);
        assert!(answer.starts_with("HTTP/1.1 403"), "{host}: {answer}");
    }
}

#[test]
fn address_that_others_reach_is_refused_with_a_remedy() {
    let directory = TempDir::new().unwrap();
    for address in ["0.0.0.0:9464", "[::]:9464", "192.0.2.1:9464"] {
        let output = run(directory.path(), &["--listen", "127.0.0.1:0", "--admin-listen", address]);
        assert_eq!(output.status.code(), Some(2));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains("is not a loopback address")
                && error.contains("use 127.0.0.1:9464, or name who may ask with --admin-from"),
            "{error}"
        );
    }
}

/// Another machine's address cannot be had here, so it is looked at from the other end: whoever is not named gets nothing.
#[test]
fn address_that_others_reach_answers_those_who_are_named() {
    let Some(own) = own_address() else { return };
    let loopback = std::net::Ipv4Addr::LOCALHOST.into();
    // What comes to another address than it comes from may be somebody else's.
    for (from, to, named, answers) in [
        (own, loopback, "203.0.113.255", false),
        (own, loopback, own.to_string().as_str(), true),
        (own, own, "203.0.113.255", true),
        (loopback, loopback, "203.0.113.255", true),
    ] {
        let directory = TempDir::new().unwrap();
        let (_program, address) = watched_at("0.0.0.0:0", directory.path(), &["--admin-from", named]);
        let answer = get_from(from, SocketAddr::new(to, address.port())).unwrap_or_default();
        assert_eq!(answer.starts_with("HTTP/1.1 200"), answers, "{from} to {to}, {named} named: {answer}");
    }
}

fn get_from(own: std::net::IpAddr, address: SocketAddr) -> std::io::Result<String> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(own, 0).into())?;
    socket.connect(&address.into())?;
    ask(socket.into(), "/healthz", "127.0.0.1")
}

/// An address of this machine that is not loopback, if it has one.
fn own_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: it only says which address would be used.
    socket.connect("192.0.2.1:9").ok()?;
    socket
        .local_addr()
        .ok()
        .map(|address| address.ip())
        .filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}
