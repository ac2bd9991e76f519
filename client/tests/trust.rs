//! Trust in the relay's certificate: what is accepted, and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, which clippy does not see as tests"
)]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use certs::Authority;
use client::{
    failure::{Exit, Failure},
    reason::Reason,
    transport::{CaFile, DialError, ExpectedRelay, Pin, Refusal, RelayAddress, Transport, Trust},
};
use quinn::{Endpoint, ServerConfig, crypto::rustls::QuicServerConfig};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime},
    time_provider::TimeProvider,
};
use support::{address, relay};
use tempfile::TempDir;

/// A server that is not ours: any chain, any ALPN.
fn impostor(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    alpn: &[u8],
) -> (Endpoint, RelayAddress) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    tls.alpn_protocols = vec![alpn.to_vec()];
    let config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).unwrap()));
    let endpoint = Endpoint::server(config, "127.0.0.1:0".parse().unwrap()).unwrap();
    let address = RelayAddress::new("127.0.0.1", endpoint.local_addr().unwrap().port()).unwrap();
    let serving = endpoint.clone();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Some(incoming) = serving.accept().await {
            if let Ok(connection) = incoming.await {
                open.push(connection);
            }
        }
    });
    (endpoint, address)
}

fn authority(dir: &TempDir, name: &str) -> Authority {
    Authority::load_or_create(&dir.path().join(name)).unwrap()
}

fn pinned(pin: Pin) -> ExpectedRelay {
    ExpectedRelay::Pinned(pin)
}

fn remembered(pin: Pin) -> ExpectedRelay {
    ExpectedRelay::Remembered(pin)
}

async fn refusal(transport: &Transport, address: &RelayAddress, known: ExpectedRelay) -> Refusal {
    match transport.dial(address, known).await {
        Err(DialError::Certificate { refusal, .. }) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pin_of_the_link_decides_and_another_one_is_refused() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let transport = Transport::new(None).unwrap();
    let dialed = transport.dial(&address(&relay), pinned(relay.pin())).await.unwrap();
    assert_eq!(dialed.trust, Trust::Pinned(relay.pin()));
    assert_eq!(refusal(&transport, &address(&relay), pinned(Pin::from([7; 32]))).await, Refusal::Pin);
}

#[tokio::test(flavor = "multi_thread")]
async fn first_use_remembers_the_authority_and_a_change_is_refused() {
    let dir = TempDir::new().unwrap();
    let home = dir.path().join("relay");
    let first = relay(&home, 0).await;
    let transport = Transport::new(None).unwrap().trusting_first_use();
    let dialed = transport.dial(&address(&first), ExpectedRelay::default()).await.unwrap();
    let Trust::FirstUse(pin) = dialed.trust else { panic!("{:?}", dialed.trust) };
    assert_eq!(pin, first.pin(), "the authority, not the leaf, which lives for days only");
    first.shutdown().await;

    let again = relay(&home, 0).await;
    let dialed = transport.dial(&address(&again), remembered(pin)).await.unwrap();
    assert_eq!(dialed.trust, Trust::Remembered(pin));

    let other = relay(&dir.path().join("other"), 0).await;
    assert_eq!(refusal(&transport, &address(&other), remembered(pin)).await, Refusal::Changed);
}

/// A clock that somebody can set.
#[derive(Debug)]
struct Clock(AtomicU64);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.0.load(Ordering::Relaxed))))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn first_use_is_refused_unless_somebody_trusts_it() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let transport = Transport::new(None).unwrap();
    let error = transport.dial(&address(&relay), ExpectedRelay::Nothing).await.unwrap_err();
    assert!(error.is_final(), "{error:?}");
    let failure = Failure::from(Reason::from(&error));
    assert_eq!((failure.code.as_ref(), failure.exit), ("first_use", Exit::Verification));
    assert!(failure.message.contains(&relay.pin().to_string()), "{failure:?}");
    // The remedy is a link that makes it known.
    let link = failure.remedy.split_whitespace().find(|word| word.starts_with("schat://")).unwrap();
    assert_eq!(link, relay.link(relay.addresses()[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_clock_is_waited_out_and_nothing_is_remembered_by_it() {
    let dir = TempDir::new().unwrap();
    let relay = relay(&dir.path().join("relay"), 0).await;
    let clock = Arc::new(Clock(AtomicU64::new(0)));
    let transport = Transport::new(None).unwrap().trusting_first_use().with_clock(clock.clone());
    let now = UnixTime::now().as_secs();
    for (time, words) in [(now - 2 * 3600, "not valid yet"), (now + 40 * 24 * 3600, "has expired")] {
        clock.0.store(time, Ordering::Relaxed);
        for known in [ExpectedRelay::Nothing, pinned(relay.pin()), remembered(relay.pin())] {
            let error = transport.dial(&address(&relay), known).await.unwrap_err();
            assert!(!error.is_final(), "{error:?}");
            let failure = Failure::from(Reason::from(&error));
            assert_eq!((failure.code.as_ref(), failure.exit), ("clock", Exit::Network));
            assert!(failure.message.contains(&format!("{words} by this clock (it says 2")), "{failure:?}");
        }
        let error = transport.dial(&address(&relay), pinned(Pin::from([7; 32]))).await.unwrap_err();
        assert!(error.is_final(), "an attack under a wrong clock is one: {error:?}");
    }
    clock.0.store(now, Ordering::Relaxed);
    let dialed = transport.dial(&address(&relay), ExpectedRelay::Nothing).await.unwrap();
    assert_eq!(dialed.trust, Trust::FirstUse(relay.pin()));
}

#[tokio::test(flavor = "multi_thread")]
async fn showing_the_pinned_authority_without_its_signature_is_refused() {
    let dir = TempDir::new().unwrap();
    let (real, evil) = (authority(&dir, "real"), authority(&dir, "evil"));
    let names = ["127.0.0.1".to_owned()];
    let stolen = real.leaf(&names).unwrap().chain.pop().unwrap();
    let own = evil.leaf(&names).unwrap();
    let chain = vec![own.chain[0].clone(), own.chain[1].clone(), stolen];
    let (_server, address) = impostor(chain, own.key, proto::ALPN);
    let transport = Transport::new(None).unwrap();
    assert_eq!(refusal(&transport, &address, pinned(real.pin())).await, Refusal::Pin);
    assert_eq!(refusal(&transport, &address, remembered(real.pin())).await, Refusal::Changed);
    // And on first use it is not the stolen one that is remembered.
    assert_eq!(refusal(&transport, &address, ExpectedRelay::default()).await, Refusal::FirstUse(evil.pin()));
}

#[tokio::test(flavor = "multi_thread")]
async fn pinned_leaf_without_an_authority_is_accepted() {
    let own = rcgen::generate_simple_self_signed(vec!["elsewhere.example".to_owned()]).unwrap();
    let der = own.cert.der().clone();
    let pin = certs::pin_of(&der).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let (_server, address) = impostor(vec![der], key, proto::ALPN);
    let transport = Transport::new(None).unwrap();
    assert_eq!(transport.dial(&address, pinned(pin)).await.unwrap().trust, Trust::Pinned(pin));
}

#[tokio::test(flavor = "multi_thread")]
async fn ca_file_vouches_for_its_names_only() {
    let dir = TempDir::new().unwrap();
    let ours = authority(&dir, "ours");
    let file = dir.path().join("ours").join(certs::CA_CERT_FILE);
    let transport = || Transport::new(Some(CaFile::read(&file).unwrap())).unwrap();
    let serve = |name: &str| {
        let leaf = ours.leaf(&[name.to_owned()]).unwrap();
        impostor(leaf.chain, leaf.key, proto::ALPN)
    };
    let (_good, good) = serve("127.0.0.1");
    assert_eq!(transport().dial(&good, ExpectedRelay::default()).await.unwrap().trust, Trust::CaFile);
    let (_wrong, wrong) = serve("elsewhere.example");
    assert_eq!(refusal(&transport(), &wrong, ExpectedRelay::default()).await, Refusal::CaFile);
    let other = relay(&dir.path().join("relay"), 0).await;
    assert_eq!(refusal(&transport(), &address(&other), ExpectedRelay::default()).await, Refusal::CaFile);
}

#[tokio::test(flavor = "multi_thread")]
async fn server_of_another_protocol_is_told_apart() {
    let dir = TempDir::new().unwrap();
    let leaf = authority(&dir, "other").leaf(&["127.0.0.1".to_owned()]).unwrap();
    let (_server, address) = impostor(leaf.chain, leaf.key, b"h3");
    let error = Transport::new(None).unwrap().dial(&address, ExpectedRelay::default()).await.unwrap_err();
    assert!(matches!(error, DialError::Protocol(_)), "{error:?}");
}

#[test]
fn ca_file_without_a_certificate_is_refused() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("ca.pem");
    assert!(CaFile::read(&file).is_err());
    std::fs::write(&file, "not a certificate").unwrap();
    assert!(CaFile::read(&file).is_err());
}
