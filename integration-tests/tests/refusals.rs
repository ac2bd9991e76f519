//! What must be refused before anything is said: bad links, wrong certificates, other protocols.

use std::process::Output;

use integration_tests::{
    group::{ROOM, found},
    output::{HOSTILE, failed},
    relay::Relay,
    schat::{self, Schat, run},
};
use serde_json::json;
use shared::invite::link::InviteLink;
use tempfile::TempDir;

#[test]
fn garbage_link_is_a_usage_error_with_a_remedy() {
    let dir = TempDir::new().unwrap();
    for garbage in ["hello", "", "schat://", "schat://h:1/#x", "ftp://h/#x", HOSTILE, &"x".repeat(1 << 20)] {
        failed(&enter(&dir, "ann", garbage), 2, &["link"]);
    }
    let output = run(schat::command(dir.path(), "ann").arg("nonsense"), b"");
    failed(&output, 2, &["schat://", "Copy the whole link"]);
}

#[test]
fn link_with_an_altered_pin_is_refused_as_a_verification_failure() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (_people, link) = found(dir.path(), &relay.address, &["ann"]);
    let wrong = altered(&link, |link| {
        let pin = link.link.pin.as_mut().unwrap();
        pin[7] ^= 1;
    });
    failed(&enter(&dir, "bob", &wrong), 6, &["certificate", "Ask the person who sent the link"]);

    let mut bob = Schat::start(dir.path(), "bob2", &relay.address);
    bob.tell(json!({"cmd": "join", "link": wrong}));
    bob.wait("the refusal", |event| event["event"] == "error" && event["code"] == "certificate");
    assert_eq!(bob.quit().code, Some(6));
}

#[test]
fn unknown_invite_and_unknown_room_get_the_same_refusal() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let (_people, link) = found(dir.path(), &relay.address, &["ann"]);
    let room = altered(&link, |link| {
        let mut bytes = *link.link.secret.as_bytes();
        bytes[1] ^= 1;
        link.link.secret = shared::invite::InviteSecret::from_bytes(bytes);
    });
    let secret = altered(&link, |link| {
        let mut bytes = *link.link.secret.as_bytes();
        bytes[0] ^= 1;
        link.link.secret = shared::invite::InviteSecret::from_bytes(bytes);
    });
    let answers: Vec<String> = [room, secret]
        .iter()
        .enumerate()
        .map(|(i, link)| {
            let output = enter(&dir, &format!("bob{i}"), link);
            failed(&output, 4, &["does not know this room", "Ask for a new one"]);
            let mut json = Schat::start(dir.path(), &format!("eve{i}"), &relay.address);
            json.tell(json!({"cmd": "join", "link": link}));
            let refused =
                json.wait("the refusal", |event| event["event"] == "error" && event["code"] == "closed");
            refused["message"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(answers[0], answers[1], "the relay tells who is right");
}

#[tokio::test(flavor = "multi_thread")]
async fn server_of_another_protocol_is_named_as_such() {
    let dir = TempDir::new().unwrap();
    let authority = certs::Authority::load_or_create(&dir.path().join("identity")).unwrap();
    let leaf = authority.leaf(&["127.0.0.1".to_owned()]).unwrap();
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(leaf.chain, leaf.key)
        .unwrap();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let tls = quinn::crypto::rustls::QuicServerConfig::try_from(tls).unwrap();
    let config = quinn::ServerConfig::with_crypto(std::sync::Arc::new(tls));
    let server = quinn::Endpoint::server(config, ([127, 0, 0, 1], 0).into()).unwrap();
    let address = server.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Some(incoming) = server.accept().await {
            tokio::spawn(async move { incoming.await.map(drop) });
        }
    });
    let lost = tokio::task::spawn_blocking(move || {
        let mut ann = Schat::start(dir.path(), "ann", &address);
        ann.tell(json!({"cmd": "create", "room": ROOM}));
        ann.event("disconnected")
    });
    let lost = lost.await.unwrap();
    assert_eq!(lost["code"], "protocol", "{lost}");
    assert!(lost["message"].as_str().unwrap().contains("not a Schat relay"), "{lost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_refuses_clients_of_another_protocol_and_serves_on() {
    let dir = TempDir::new().unwrap();
    let relay = Relay::start(&dir.path().join("relay"));
    let mut roots = rustls::RootCertStore::empty();
    let authority = certs::Authority::load_or_create(&dir.path().join("relay/identity")).unwrap();
    let leaf = authority.leaf(&["127.0.0.1".to_owned()]).unwrap();
    roots.add(leaf.chain.last().unwrap().clone()).unwrap();
    for alpn in [&b"schat/0"[..], b"h3-29", b""] {
        let mut tls = rustls::ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        tls.alpn_protocols = if alpn.is_empty() { Vec::new() } else { vec![alpn.to_vec()] };
        let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
        let mut endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
        endpoint.set_default_client_config(quinn::ClientConfig::new(std::sync::Arc::new(tls)));
        let refused = endpoint.connect(relay.address.parse().unwrap(), "127.0.0.1").unwrap().await;
        let error = refused.expect_err("another protocol was accepted").to_string();
        assert!(error.contains("application protocol") || error.contains("120"), "{error}");
    }
    let address = relay.address.clone();
    let homes = TempDir::new().unwrap();
    let served = tokio::task::spawn_blocking(move || found(homes.path(), &address, &["ann", "bob"]).0.len());
    assert_eq!(served.await.unwrap(), 2);
}

fn provider() -> std::sync::Arc<rustls::crypto::CryptoProvider> {
    std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn altered(link: &str, alter: impl FnOnce(&mut InviteLink)) -> String {
    let mut link: InviteLink = link.parse().unwrap();
    alter(&mut link);
    link.to_string()
}

/// `schat --plain -` with the link on standard input.
fn enter(dir: &TempDir, name: &str, link: &str) -> Output {
    run(schat::command(dir.path(), name).args(["--plain", "-"]), format!("{link}\n").as_bytes())
}
