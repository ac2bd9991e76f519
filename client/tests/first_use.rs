//! Relays that a program sees for the first time, or on another ground than before, or under a wrong clock.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
};

use client::{
    handle::Runtime,
    runtime::{Config, Event, Past, RelayState},
    store::{OpenProfile, ProfileDir},
    transport::{Transport, Trust},
};
use quinn::{Endpoint, ServerConfig, crypto::rustls::QuicServerConfig};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;
use shared::invite::link::InviteLink;
use support::{Person, address, random, relay};
use tempfile::TempDir;

/// Enters a room, and waits there: one that the profile has already is entered at once.
const JOIN: &str =
    "{\"cmd\":\"join\",\"room\":\"lobby\"}\n{\"cmd\":\"send\",\"room\":\"lobby\",\"text\":\"hi\"}\n";

fn schat(profile: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schat"));
    command.env_clear().env("SCHAT_PROFILE", profile).env("SCHAT_NAME", "tester").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs `schat` with these lines on its standard input.
fn run(profile: &Path, arguments: &[&str], lines: &str) -> Output {
    let mut child = schat(profile, arguments).spawn().unwrap();
    // A program that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    child.wait_with_output().unwrap()
}

fn events(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn event(output: &Output, name: &str) -> Value {
    let seen = events(output);
    let found = seen.iter().find(|event| event["event"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {output:#?}")).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn script_does_not_trust_a_relay_that_it_sees_for_the_first_time() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let (profile, place) = (dir.path().join("ann"), address(&relay).to_string());
    let pin = relay.pin().to_string();
    // Twice: nothing is remembered by a refusal.
    for _ in 0..2 {
        let output = run(&profile, &["--json", "--relay", &place], JOIN);
        assert_eq!(output.status.code(), Some(6), "{output:?}");
        let refused = event(&output, "disconnected");
        assert_eq!((&refused["code"], refused.get("retry_ms")), (&Value::from("first_use"), None));
        assert!(refused["message"].as_str().unwrap().contains(&pin), "{refused}");
        assert!(refused["remedy"].as_str().unwrap().contains("--trust-first-use"), "{refused}");
        assert!(events(&output).iter().all(|event| event["event"] != "alarm"), "{output:?}");
        let output = run(&profile, &["--plain", "--relay", &place], "/join lobby\nhi\n");
        assert_eq!(output.status.code(), Some(6), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(&pin) && said.contains("--trust-first-use"), "{said}");
    }
    let output = run(&profile, &["--json", "--trust-first-use", "--relay", &place], JOIN);
    assert_eq!(event(&output, "connected")["trust"], "first-use", "{output:?}");
    let output = run(&profile, &["--json"], JOIN);
    assert_eq!(event(&output, "connected")["trust"], "remembered", "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_that_an_authority_vouched_for_is_not_replaced_by_a_private_one() {
    let dir = TempDir::new().unwrap();
    let first = relay(&dir.path().join("relay"), 0).await;
    let (profile, place) = (dir.path().join("ann"), address(&first));
    let (port, place) = (place.port, place.to_string());
    let file = dir.path().join("relay/identity").join(certs::CA_CERT_FILE);
    let with_ca = ["--json", "--trust-first-use", "--relay", &place, "--ca", file.to_str().unwrap()];
    let output = run(&profile, &with_ca, JOIN);
    assert_eq!(event(&output, "connected")["trust"], "ca-file", "{output:?}");
    first.shutdown().await;

    let _other = relay(&dir.path().join("other"), port).await;
    for arguments in [&with_ca[..], &["--json", "--trust-first-use", "--relay", &place]] {
        let output = run(&profile, arguments, JOIN);
        assert_eq!(output.status.code(), Some(6), "{output:?}");
        assert_eq!(event(&output, "alarm")["kind"], "certificate");
    }
}

/// Somebody who trusts at first sight, as far as that may be asked.
async fn trusting(dir: &Path, name: &str) -> Person {
    let dir = ProfileDir::choose(Some(dir.join(name))).unwrap();
    let profile = OpenProfile::open(dir, Some(name), random()).unwrap();
    let transport = Transport::new(None).unwrap().trusting_first_use();
    let config = Config {
        transport,
        relay: None,
        own: None,
        past: Past::Nothing,
        only: None,
        downloads: None,
        keeps_metadata: false,
        fetches_images: false,
        tells_drafts: false,
        tap: None,
    };
    let (runtime, events) = Runtime::start(profile, config).await.unwrap();
    Person { runtime, events }
}

async fn told(person: &mut Person) -> RelayState {
    person
        .until(|event| match event {
            Event::Relay { state: RelayState::Connecting, .. } => None,
            Event::Relay { state, .. } => Some(state),
            Event::Room { .. } | Event::Linking(_) => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn link_without_a_pin_means_authorities_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let mut ann = Person::enter(dir.path(), "ann", &relay, Past::Nothing).await;
    ann.runtime.create_own("team").await.unwrap();
    ann.joined().await;
    let mut link = ann.link("team").await;
    assert!(link.link.pin.is_some());
    link.link.pin = None;

    let bob = trusting(dir.path(), "bob").await;
    assert_eq!(bob.runtime.join(&link).await.unwrap_err().code(), "certificate");
    // Who trusts the relay since its first sight keeps that for what they have, and gets no room by such a link.
    let mut cat = trusting(dir.path(), "cat").await;
    cat.runtime.open("lobby", Some(address(&relay))).await.unwrap();
    let state = told(&mut cat).await;
    assert!(matches!(state, RelayState::Connected { trust: Trust::FirstUse(_), .. }), "{state:?}");
    assert_eq!(cat.runtime.join(&link).await.unwrap_err().code(), "certificate");
    for person in [ann, bob, cat] {
        person.runtime.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invite_link_carries_the_relays_pin_also_where_an_authority_vouches() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let place = address(&relay).to_string();
    let file = dir.path().join("relay/identity").join(certs::CA_CERT_FILE);
    let arguments = ["--plain", "--relay", &place, "--ca", file.to_str().unwrap()];
    let output = run(&dir.path().join("ann"), &arguments, "/create team\n/invite\n");
    let link: InviteLink = std::str::from_utf8(&output.stdout).unwrap().trim().parse().unwrap();
    let pin = link.link.pin.expect("a pin");
    assert!(relay.pin().as_bytes().starts_with(&pin), "{output:?}");
}

/// A server whose certificate is valid between these years, by an authority that is.
fn config(authority: &Issuer<'_, KeyPair>, root: &rcgen::Certificate, years: (i32, i32)) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    (leaf.not_before, leaf.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
    let leaf = leaf.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.into(), root.der().clone()], key)
        .unwrap();
    tls.alpn_protocols = vec![proto::ALPN.to_vec()];
    ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn program_under_a_wrong_clock_waits_and_goes_on_when_it_is_right() {
    let dir = TempDir::new().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let root = params.self_signed(&key).unwrap();
    let authority = Issuer::new(params, key);
    // As seen by clocks that are late, early, and right.
    let (late, early, right) = ((2300, 2301), (2001, 2002), (2001, 2301));
    let server = Endpoint::server(config(&authority, &root, late), "127.0.0.1:0".parse().unwrap()).unwrap();
    let place = server.local_addr().unwrap().to_string();
    let serving = server.clone();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Some(incoming) = serving.accept().await {
            if let Ok(connection) = incoming.await {
                open.push(connection);
            }
        }
    });
    let said = tokio::task::spawn_blocking(move || {
        let profile = dir.path().join("ann");
        let mut bot = schat(&profile, &["--json", "--trust-first-use", "--relay", &place]).spawn().unwrap();
        let mut input = bot.stdin.take().unwrap();
        input.write_all(JOIN.as_bytes()).unwrap();
        let lines = BufReader::new(bot.stdout.take().unwrap()).lines();
        let mut events = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        let mut wait = |what: &dyn Fn(&Value) -> bool| events.find(what).expect("the bot goes on");
        let by_clock = |words: &'static str| {
            move |event: &Value| {
                event["code"] == "clock"
                    && event["retry_ms"].is_u64()
                    && event["message"].as_str().unwrap().contains(words)
            }
        };
        wait(&by_clock("not valid yet by this clock (it says 2"));
        server.set_server_config(Some(config(&authority, &root, early)));
        wait(&by_clock("has expired by this clock (it says 2"));
        server.set_server_config(Some(config(&authority, &root, right)));
        let connected = wait(&|event| event["event"] == "connected");
        bot.kill().unwrap();
        bot.wait().unwrap();
        (connected, certs::pin_of(root.der()).unwrap().to_string())
    });
    let (connected, pin) = said.await.unwrap();
    // What is remembered is the authority, which no clock has called by another name.
    assert_eq!((&connected["trust"], &connected["pin"]), (&Value::from("first-use"), &Value::from(pin)));
}
