//! Certificates from a certificate authority's real program, through the relay's.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use certs::Authority;
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    common::*,
    pebble::{Setup, is_missing},
};

/// A name that resolves to this machine for pebble alone.
const NAME: &str = "chat.example.org";

fn command(setup: &Setup, data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relay"));
    command.arg("--data-dir").arg(data_dir);
    setup.ask_for(&mut command, NAME);
    command
}

fn spawn(mut command: Command, data_dir: &Path) -> Running {
    let log = fs::File::create(data_dir.join("log")).unwrap();
    Running(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
}

/// The relay; killed on drop.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the relay shows to somebody who trusts this root and dials the name; `None` when it is not trusted.
async fn shown(setup: &Setup, root: &CertificateDer<'static>) -> Option<Vec<CertificateDer<'static>>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let connection = dial(setup.address(), NAME, roots).await?;
    Some(*connection.peer_identity().unwrap().downcast().unwrap())
}

async fn dial(address: SocketAddr, name: &str, roots: rustls::RootCertStore) -> Option<quinn::Connection> {
    let mut tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![proto::ALPN.to_vec()];
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    let mut endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(crypto)));
    endpoint.connect(address, name).unwrap().await.ok()
}

/// Asks until the answer is yes.
async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let asked = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(2 * PATIENCE, asked).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

fn state(data_dir: &Path) -> Value {
    let bytes = fs::read(data_dir.join("identity/acme/state.json")).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn error(data_dir: &Path) -> String {
    state(data_dir)["error"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_for_a_name_is_ordered_shown_kept_and_not_ordered_again_at_a_restart() {
    if is_missing() {
        return;
    }
    let setup = Setup::with(true, None);
    let (data, _pebble) = (TempDir::new().unwrap(), setup.start());
    let root = setup.root();
    let relay = spawn(command(&setup, data.path()), data.path());
    until("a certificate for the name", || async { shown(&setup, &root).await.is_some() }).await;
    let first = shown(&setup, &root).await.unwrap();
    let authority = Authority::load_or_create(&data.path().join("identity")).unwrap();
    assert_eq!(certs::pin_of(first.last().unwrap()).unwrap(), authority.pin(), "and the pin stays");
    until("it is noted", || async { error(data.path()).is_empty() }).await;
    let orders = setup.orders();
    drop(relay);
    let _relay = spawn(command(&setup, data.path()), data.path());
    until("the relay is back", || async { shown(&setup, &root).await.is_some() }).await;
    assert_eq!(shown(&setup, &root).await.unwrap()[0], first[0]);
    assert_eq!(setup.orders(), orders);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_is_renewed_before_it_ends_while_the_relay_runs() {
    if is_missing() {
        return;
    }
    let setup = Setup::with(false, Some(20));
    let (data, _pebble) = (TempDir::new().unwrap(), setup.start());
    let root = setup.root();
    let _relay = spawn(command(&setup, data.path()), data.path());
    until("a certificate for the name", || async { shown(&setup, &root).await.is_some() }).await;
    let first = shown(&setup, &root).await.unwrap();
    // Not "without a gap": a busy machine may need longer for an order than these short lives leave.
    until("another one", || async { shown(&setup, &root).await.is_some_and(|chain| chain[0] != first[0]) })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn authority_that_is_away_delays_nobody_and_is_asked_again() {
    if is_missing() {
        return;
    }
    let (setup, data) = (Setup::with(false, None), TempDir::new().unwrap());
    let mut command = command(&setup, data.path());
    // So that the challenge has a door of its own.
    command.arg("--tcp=false");
    let _relay = spawn(command, data.path());
    until("it says why", || async { error(data.path()).contains("cannot be used") }).await;
    // Meanwhile it serves under its own certificate.
    Client::connect(setup.address(), data.path()).await;
    let _pebble = setup.start();
    let root = setup.root();
    until("a certificate for the name", || async { shown(&setup, &root).await.is_some() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn order_that_is_refused_says_what_to_do_and_is_not_repeated_at_once_or_at_a_restart() {
    if is_missing() {
        return;
    }
    let (setup, data) = (Setup::with(false, None), TempDir::new().unwrap());
    let _pebble = setup.start();
    // The challenge is answered where the authority does not look.
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let relay = || {
        let mut command = command(&setup, data.path());
        command.args(["--tcp=false", "--log-level", "debug", "--acme-listen", &elsewhere]);
        spawn(command, data.path())
    };
    let running = relay();
    until("it says why", || async { error(data.path()).contains("refuses") }).await;
    let message = error(data.path());
    assert!(message.contains(NAME) && message.contains("TCP port 443"), "{message}");
    let log = fs::read_to_string(data.path().join("log")).unwrap();
    assert!(log.contains("TCP port 443"), "the operator reads it in the log: {log}");
    let before = state(data.path());
    assert!(before["next"].as_u64() >= before["tried"].as_u64().map(|tried| tried + 900), "{before}");
    let orders = setup.orders();
    drop(running);
    let _running = relay();
    Client::connect(setup.address(), data.path()).await;
    // What it would do at once, it has done by the time of its second look.
    let looks = || fs::read_to_string(data.path().join("log")).unwrap().matches("to be ordered yet").count();
    let before_these = looks();
    until("a second look", || async { looks() >= before_these + 2 }).await;
    assert_eq!(setup.orders(), orders);
    assert_eq!(state(data.path()), before);
}
