//! A real certificate authority's program: pebble, Let's Encrypt's own test server (Debian and its kin have it as a
//! package). Without it the tests of ACME do nothing and say so, except where `CI` is set: there it has to be.
//!
//! The tests of whole programs share this file.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use certs::Authority;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::json;
use tempfile::TempDir;

/// Long enough for a loaded machine; a test that gets here has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// An account elsewhere, as the authority's web page would show it.
const EAB: (&str, &str) = ("kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W");

/// Whether the authority's program is missing.
pub(crate) fn is_missing() -> bool {
    let is_there = |program| {
        let mut command = Command::new(program);
        command.arg("-h").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    if is_there("pebble") && is_there("pebble-challtestsrv") {
        return false;
    }
    assert!(std::env::var_os("CI").is_none(), "CI needs pebble: apt-get install pebble");
    eprintln!("SKIPPED: pebble is not installed (apt-get install pebble), so ACME is not tested");
    true
}

/// What is the same in each life of the authority's program.
pub(crate) struct Setup {
    directory: TempDir,
    ports: Ports,
    eab: bool,
    life: Option<u64>,
}

/// Where everything listens. Pebble cannot take any free port, so these were free a moment ago.
#[derive(Clone, Copy)]
struct Ports {
    acme: u16,
    management: u16,
    dns: u16,
    relay: u16,
}

/// The authority; killed on drop.
pub(crate) struct Pebble(Vec<Child>);

impl Setup {
    /// Nothing runs yet. `eab`: it asks for an external account. `life`: seconds that its certificates live, if not
    /// years.
    pub(crate) fn with(eab: bool, life: Option<u64>) -> Self {
        let setup = Self { directory: TempDir::new().unwrap(), ports: Ports::new(), eab, life };
        // For the authority's own HTTPS.
        let authority = Authority::load_or_create(setup.directory.path()).unwrap();
        authority.leaf(&["localhost".to_owned()]).unwrap().save(setup.directory.path()).unwrap();
        setup
    }

    /// Runs it; each life has another root. It finds every name on this machine, by a name server of its own, and
    /// looks for the challenge on the relay's port.
    pub(crate) fn start(&self) -> Pebble {
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
            .args(["-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""])
            .args(["-management", "127.0.0.1:0", "-dns01", &format!("127.0.0.1:{dns}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Command::new("pebble")
            .arg("-config")
            .arg(self.file("pebble.json"))
            .args(["-strict", "-dnsserver", &format!("127.0.0.1:{dns}")])
            // At once, but not kind: twice as many nonces are refused as is usual.
            .envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "10"), ("PEBBLE_AUTHZREUSE", "50")])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let pebble = Pebble(vec![server, names]);
        let end = Instant::now() + PATIENCE;
        while [acme, management].iter().any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err()) {
            assert!(Instant::now() < end, "pebble does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        pebble
    }

    /// Where the relay has to listen.
    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.ports.relay).into()
    }

    /// The relay's options for a certificate for this name.
    pub(crate) fn ask_for(&self, command: &mut Command, name: &str) {
        let directory = format!("https://localhost:{}/dir", self.ports.acme);
        command.args(["--listen", &self.address().to_string(), "--json", "--domain", name]);
        command.args(["--acme-directory", &directory, "--acme-ca"]).arg(self.file(certs::CA_CERT_FILE));
        if self.eab {
            fs::write(self.file("eab"), EAB.1).unwrap();
            command.args(["--acme-eab-kid", EAB.0]).env("RELAY_ACME_EAB_KEY_FILE", self.file("eab"));
        }
    }

    /// Orders that the authority was asked for, in all lives.
    pub(crate) fn orders(&self) -> usize {
        self.log().matches("order-plz").count()
    }

    /// The root of what it issues in this life.
    pub(crate) fn root(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.root_pem().as_bytes()).unwrap()
    }

    /// The same as PEM.
    pub(crate) fn root_pem(&self) -> String {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.file(certs::CA_CERT_FILE)).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tcp = TcpStream::connect(("127.0.0.1", self.ports.management)).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = StreamOwned::new(ClientConnection::new(Arc::new(tls), name).unwrap(), tcp);
        stream.write_all(b"GET /roots/0 HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        // Some servers end without TLS's goodbye.
        let _ = stream.read_to_string(&mut answer);
        answer[answer.find("-----BEGIN").unwrap()..].to_owned()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Ports {
    fn new() -> Self {
        // Held all at once, so that no two are the same, and free for both protocols.
        let hold = |_| loop {
            let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = tcp.local_addr().unwrap().port();
            if let Ok(udp) = UdpSocket::bind(("127.0.0.1", port)) {
                return (port, tcp, udp);
            }
        };
        let held: Vec<_> = (0..4).map(hold).collect();
        let [acme, management, dns, relay] = [0, 1, 2, 3].map(|i| held[i].0);
        Self { acme, management, dns, relay }
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // Fails only when it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
