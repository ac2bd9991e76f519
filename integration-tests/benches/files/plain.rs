//! Plain QUIC by the same library: one stream, bytes, nothing sealed and nothing stored. Two processes, as with a relay.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Instant,
};

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::crypto::aws_lc_rs::default_provider;

/// Both windows, as generous as those of the programs.
const WINDOW: u32 = 16 << 20;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn transport() -> Arc<quinn::TransportConfig> {
    let mut transport = quinn::TransportConfig::default();
    transport.stream_receive_window(WINDOW.into()).receive_window(WINDOW.into()).send_window(WINDOW.into());
    Arc::new(transport)
}

/// Takes what comes, and answers with one byte when a stream is at its end. Prints its address and where its authority is.
pub fn serve() {
    let dir = tempfile::TempDir::new().expect("a directory");
    let authority = certs::Authority::load_or_create(dir.path()).expect("an authority");
    let leaf = authority.leaf(&["127.0.0.1".to_owned()]).expect("a leaf");
    let tls = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .and_then(|tls| tls.with_no_client_auth().with_single_cert(leaf.chain, leaf.key))
        .expect("TLS");
    let tls = QuicServerConfig::try_from(tls).expect("QUIC");
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    config.transport_config(transport());
    runtime().block_on(async move {
        let server = quinn::Endpoint::server(config, ([127, 0, 0, 1], 0).into()).expect("a port");
        println!("{} {}", server.local_addr().expect("an address"), dir.path().display());
        while let Some(incoming) = server.accept().await {
            let connection = incoming.await.expect("a handshake");
            let (mut send, mut receive) = connection.accept_bi().await.expect("a stream");
            while receive.read_chunk(1 << 20, true).await.expect("bytes").is_some() {}
            send.write_all(&[1]).await.expect("an answer");
            send.finish().expect("an end");
            connection.closed().await;
        }
    });
}

/// Sends so many MiB and prints the seconds that it took.
pub fn send(server: &str, mib: usize) {
    let (address, authority) = server.split_once(' ').expect("two words");
    let leaf = certs::Authority::load_or_create(std::path::Path::new(authority)).expect("the authority");
    let leaf = leaf.leaf(&["127.0.0.1".to_owned()]).expect("a leaf");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(leaf.chain.last().expect("a root").clone()).expect("a root");
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = QuicClientConfig::try_from(tls).expect("QUIC");
    let mut config = quinn::ClientConfig::new(Arc::new(tls));
    config.transport_config(transport());
    runtime().block_on(async move {
        let endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).expect("a socket");
        let address = address.parse().expect("an address");
        let connecting = endpoint.connect_with(config, address, "127.0.0.1").expect("a server");
        let connection = connecting.await.expect("a handshake");
        let (mut send, mut receive) = connection.open_bi().await.expect("a stream");
        let part = vec![7; 1 << 20];
        let began = Instant::now();
        for _ in 0..mib {
            send.write_all(&part).await.expect("bytes");
        }
        send.finish().expect("an end");
        receive.read_to_end(1).await.expect("an answer");
        println!("{}", began.elapsed().as_secs_f64());
        connection.close(0_u32.into(), b"");
        endpoint.wait_idle().await;
    });
}

/// A server that runs until it is dropped.
pub struct Plain {
    server: Child,
    place: String,
}

impl Plain {
    pub fn start() -> Self {
        let mut server = this(&["plain-server"]).stdout(Stdio::piped()).spawn().expect("this program");
        let mut place = String::new();
        BufReader::new(server.stdout.take().expect("its output")).read_line(&mut place).expect("a line");
        Self { server, place: place.trim_end().to_owned() }
    }

    /// MB/s of so many MiB.
    pub fn speed(&self, mib: usize) -> f64 {
        let output = this(&["plain-client", &self.place, &mib.to_string()]).output().expect("this program");
        let seconds: f64 = String::from_utf8_lossy(&output.stdout).trim_end().parse().expect("seconds");
        (mib << 20) as f64 / 1e6 / seconds
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn this(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(arguments);
    command
}
