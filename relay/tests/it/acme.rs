//! A certificate from a real certificate authority's program: pebble, Let's Encrypt's own test server (Debian and
//! its kin have it as a package). Without it these tests do nothing and say so, except where `CI` is set: there it
//! has to be.

use std::{
    fs,
    net::{SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use certs::Authority;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::common::*;

/// A name that resolves to this machine for pebble alone, by its own name server.
const NAME: &str = "chat.example.org";
/// An account elsewhere, as the authority's web page would show it.
const EAB: (&str, &str) = ("kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W");

/// Whether the authority's program is there.
fn pebble_is_missing() -> bool {
    let is_there = |program| {
        let output = Command::new(program).arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status();
        output.is_ok()
    };
    if is_there("pebble") && is_there("pebble-challtestsrv") {
        return false;
    }
    assert!(std::env::var_os("CI").is_none(), "CI needs pebble: apt-get install pebble");
    eprintln!("SKIPPED: pebble is not installed (apt-get install pebble), so ACME is not tested");
    true
}

/// Where everything listens. Pebble cannot take any free port, so these were free a moment ago.
#[derive(Clone, Copy)]
struct Ports {
    acme: u16,
    management: u16,
    dns: u16,
    relay: u16,
}

impl Ports {
    fn new() -> Self {
        // Held all at once, so that no two are the same.
        let held: Vec<_> = (0..4)
            .map(|_| {
                loop {
                    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
                    let port = tcp.local_addr().unwrap().port();
                    if let Ok(udp) = UdpSocket::bind(("127.0.0.1", port)) {
                        break (port, tcp, udp);
                    }
                }
            })
            .collect();
        let [acme, management, dns, relay] = [0, 1, 2, 3].map(|i| held[i].0);
        Self { acme, management, dns, relay }
    }
}

/// What is the same in each life of the authority's program.
struct Setup {
    directory: TempDir,
    ports: Ports,
    eab: bool,
    /// Seconds that its certificates live.
    life: Option<u64>,
}

impl Setup {
    fn new(eab: bool, life: Option<u64>) -> Self {
        let setup = Self { directory: TempDir::new().unwrap(), ports: Ports::new(), eab, life };
        // For the authority's own HTTPS.
        let authority = Authority::load_or_create(setup.directory.path()).unwrap();
        authority.leaf(&["localhost".to_owned()]).unwrap().save(setup.directory.path()).unwrap();
        setup
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    async fn start(&self) -> Pebble {
        let Ports { acme, management, dns, relay } = self.ports;
        let mut config = json!({
            "listenAddress": format!("127.0.0.1:{acme}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": self.file(certs::SERVER_CERT_FILE),
            "privateKey": self.file(certs::SERVER_KEY_FILE),
            "httpPort": 1,
            "tlsPort": relay,
            "externalAccountBindingRequired": self.eab,
            "externalAccountMACKeys": { EAB.0: EAB.1 },
        });
        if let Some(life) = self.life {
            config["certificateValidityPeriod"] = life.into();
        }
        fs::write(self.file("pebble.json"), json!({ "pebble": config }).to_string()).unwrap();
        let log = fs::OpenOptions::new().create(true).append(true).open(self.file("log")).unwrap();
        let names = Command::new("pebble-challtestsrv")
            .args([
                "-defaultIPv6",
                "",
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
                "-management",
                "127.0.0.1:0",
            ])
            .args(["-dns01", &format!("127.0.0.1:{dns}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Command::new("pebble")
            .arg("-config")
            .arg(self.file("pebble.json"))
            .args(["-strict", "-dnsserver", &format!("127.0.0.1:{dns}")])
            // At once, but as unkind as can be: a third of all nonces are refused.
            .envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "33"), ("PEBBLE_AUTHZREUSE", "50")])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let pebble = Pebble { children: vec![server, names] };
        until("pebble answers", || async {
            TcpStream::connect(("127.0.0.1", management)).await.is_ok()
                && TcpStream::connect(("127.0.0.1", acme)).await.is_ok()
        })
        .await;
        pebble
    }

    /// Orders that the authority was asked for.
    fn orders(&self) -> usize {
        fs::read_to_string(self.file("log")).unwrap().matches("order-plz").count()
    }

    /// The root of what it issues in this life.
    async fn root(&self) -> CertificateDer<'static> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.file(certs::CA_CERT_FILE)).unwrap()).unwrap();
        let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let tcp = TcpStream::connect(("127.0.0.1", self.ports.management)).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::new(tls)).connect(name, tcp).await.unwrap();
        stream.write_all(b"GET /roots/0 HTTP/1.0\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        // Some servers end without TLS's goodbye.
        let _ = stream.read_to_end(&mut answer).await;
        CertificateDer::from_pem_slice(&answer).unwrap()
    }

    fn relay(&self, data_dir: &Path) -> Running {
        spawn(self.command(data_dir), data_dir)
    }

    fn command(&self, data_dir: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_relay"));
        command
            .arg("--data-dir")
            .arg(data_dir)
            .args(["--listen", &self.address().to_string(), "--json", "--domain", NAME])
            .args(["--acme-directory", &format!("https://localhost:{}/dir", self.ports.acme), "--acme-ca"])
            .arg(self.file(certs::CA_CERT_FILE));
        if self.eab {
            fs::write(self.file("eab"), EAB.1).unwrap();
            command.args(["--acme-eab-kid", EAB.0]).env("RELAY_ACME_EAB_KEY_FILE", self.file("eab"));
        }
        command
    }

    fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.ports.relay).into()
    }

    /// What the relay shows to somebody who trusts this root and dials the name; `None` when it is not trusted.
    async fn shown(&self, root: &CertificateDer<'static>) -> Option<Vec<CertificateDer<'static>>> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(root.clone()).unwrap();
        let connection = dial(self.address(), NAME, roots).await?;
        Some(*connection.peer_identity().unwrap().downcast().unwrap())
    }
}

fn spawn(mut command: Command, data_dir: &Path) -> Running {
    let log = fs::File::create(data_dir.join("log")).unwrap();
    Running(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
}

async fn dial(address: SocketAddr, name: &str, roots: rustls::RootCertStore) -> Option<quinn::Connection> {
    let mut tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    tls.alpn_protocols = vec![proto::ALPN.to_vec()];
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    let mut endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(crypto)));
    endpoint.connect(address, name).unwrap().await.ok()
}

/// The authority; killed on drop.
struct Pebble {
    children: Vec<Child>,
}

/// The relay; killed on drop.
struct Running(Child);

impl Drop for Pebble {
    fn drop(&mut self) {
        self.children.iter_mut().for_each(end);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

fn end(child: &mut Child) {
    // Fails only when it has ended already.
    let _ = child.kill();
    let _ = child.wait();
}

/// Asks until the answer is yes.
async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let asked = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
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
    if pebble_is_missing() {
        return;
    }
    let setup = Setup::new(true, None);
    let (data, _pebble) = (TempDir::new().unwrap(), setup.start().await);
    let root = setup.root().await;
    let relay = setup.relay(data.path());
    until("a certificate for the name", || async { setup.shown(&root).await.is_some() }).await;
    let first = setup.shown(&root).await.unwrap();
    let authority = Authority::load_or_create(&data.path().join("identity")).unwrap();
    assert_eq!(certs::pin_of(first.last().unwrap()).unwrap(), authority.pin(), "and the pin stays");
    until("it is noted", || async { error(data.path()).is_empty() }).await;
    let orders = setup.orders();
    drop(relay);
    let _relay = setup.relay(data.path());
    until("the relay is back", || async { setup.shown(&root).await.is_some() }).await;
    assert_eq!(setup.shown(&root).await.unwrap()[0], first[0]);
    assert_eq!(setup.orders(), orders);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_is_renewed_before_it_ends_while_the_relay_runs() {
    if pebble_is_missing() {
        return;
    }
    let setup = Setup::new(false, Some(20));
    let (data, _pebble) = (TempDir::new().unwrap(), setup.start().await);
    let root = setup.root().await;
    let _relay = setup.relay(data.path());
    until("a certificate for the name", || async { setup.shown(&root).await.is_some() }).await;
    let first = setup.shown(&root).await.unwrap();
    until("another one", || async {
        // Never a moment without one that is valid.
        setup.shown(&root).await.expect("a valid certificate")[0] != first[0]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn authority_that_is_away_delays_nobody_and_is_asked_again() {
    if pebble_is_missing() {
        return;
    }
    let (setup, data) = (Setup::new(false, None), TempDir::new().unwrap());
    let _relay = setup.relay(data.path());
    until("it says why", || async { error(data.path()).contains("cannot be used") }).await;
    // Meanwhile it serves under its own certificate.
    Client::connect(setup.address(), data.path()).await;
    let _pebble = setup.start().await;
    let root = setup.root().await;
    until("a certificate for the name", || async { setup.shown(&root).await.is_some() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn order_that_is_refused_says_what_to_do_and_is_not_repeated_at_once_or_at_a_restart() {
    if pebble_is_missing() {
        return;
    }
    let (setup, data) = (Setup::new(false, None), TempDir::new().unwrap());
    let _pebble = setup.start().await;
    // The challenge is answered where the authority does not look.
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let relay = || {
        let mut command = setup.command(data.path());
        command.args(["--acme-listen", &elsewhere]);
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
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(setup.orders(), orders);
    assert_eq!(state(data.path()), before);
}
