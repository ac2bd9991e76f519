//! The certificate that clients see while the relay runs.

use std::{path::Path, time::Duration};

use certs::{Authority, Pin};
use relay::{Config, Relay, Tls};
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

use crate::common::*;

type Chain = Vec<CertificateDer<'static>>;

/// What a new connection is shown, to a client that trusts the authority in `trusted/identity`.
async fn shown(relay: &Relay, trusted: &Path) -> Chain {
    let client = Client::connect(relay.addresses()[0], trusted).await;
    *client.connection.peer_identity().unwrap().downcast::<Chain>().unwrap()
}

/// Connects again until another chain is shown.
async fn another(relay: &Relay, trusted: &Path, old: &Chain) -> Chain {
    let changed = async {
        loop {
            let chain = shown(relay, trusted).await;
            if chain != *old {
                return chain;
            }
            // The relay takes only so many handshakes a second.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, changed).await.expect("another certificate in time")
}

fn pins(chain: &Chain) -> Vec<Pin> {
    chain.iter().map(|certificate| certs::pin_of(certificate).unwrap()).collect()
}

fn config(directory: &TempDir) -> Config {
    Config::new(([127, 0, 0, 1], 0).into(), directory.path())
}

#[tokio::test(flavor = "multi_thread")]
async fn leaf_that_ages_is_replaced_without_a_restart_and_under_the_same_pin() {
    let directory = TempDir::new().unwrap();
    let leaf_life = Duration::from_secs(4);
    let relay = Relay::start(Config { leaf_life, ..config(&directory) }).await.unwrap();
    let early = Client::connect(relay.addresses()[0], directory.path()).await;
    let first = shown(&relay, directory.path()).await;
    let second = another(&relay, directory.path(), &first).await;
    assert_ne!(pins(&first)[0], pins(&second)[0], "a new key");
    assert_eq!(pins(&first)[1], relay.pin());
    assert_eq!(pins(&second)[1], relay.pin());
    assert!(early.connection.close_reason().is_none(), "open connections stay");
    relay.shutdown().await;
}

/// A certificate from an authority that is not the relay's own, in files.
struct Brought {
    directory: TempDir,
    authority: Authority,
}

impl Brought {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let authority = Authority::load_or_create(&directory.path().join("identity")).unwrap();
        let brought = Self { directory, authority };
        brought.renew();
        brought
    }

    fn renew(&self) {
        self.authority.leaf(&["localhost".to_owned()]).unwrap().save(self.directory.path()).unwrap();
    }

    fn tls(&self) -> Tls {
        let file = |name: &str| self.directory.path().join(name);
        Tls::Files { cert: file(certs::SERVER_CERT_FILE), key: file(certs::SERVER_KEY_FILE) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_files_are_shown_without_a_restart_or_a_signal() {
    let (directory, brought) = (TempDir::new().unwrap(), Brought::new());
    let relay = Relay::start(Config { tls: brought.tls(), ..config(&directory) }).await.unwrap();
    let first = shown(&relay, brought.directory.path()).await;
    brought.renew();
    let second = another(&relay, brought.directory.path(), &first).await;
    assert_ne!(pins(&first)[0], pins(&second)[0], "the new leaf");
    relay.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pin_stays_when_another_authority_certifies_the_relay() {
    let (directory, brought) = (TempDir::new().unwrap(), Brought::new());
    let relay = Relay::start(config(&directory)).await.unwrap();
    let pin = relay.pin();
    relay.shutdown().await;
    let relay = Relay::start(Config { tls: brought.tls(), ..config(&directory) }).await.unwrap();
    assert_eq!(relay.pin(), pin);
    let chain = shown(&relay, brought.directory.path()).await;
    assert_eq!(pins(&chain).last(), Some(&pin), "the relay's own authority vouches");
    relay.shutdown().await;
}
