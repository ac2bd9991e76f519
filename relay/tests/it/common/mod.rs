//! A relay on a free port and a client that speaks frames, byte by byte if a test wants to.

mod client;
mod sign;

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use ed25519_dalek::SigningKey;
use proto::{
    RoomId,
    relay::{
        AccessChange, AccessKey, CommitPart, Create, Slot, access_key::Kind, refused::Code,
        relay_frame::Frame,
    },
};
use quinn::{Connection, ConnectionError, Endpoint, crypto::rustls::QuicClientConfig};
use relay::{
    Config, Limits, Relay,
    ops::metrics::{Limit, Metrics},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use tempfile::TempDir;

pub(crate) use self::{
    client::{Client, Stream},
    sign::*,
};

/// Long enough for a loaded machine; a test that gets here has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    pub relay: Option<Relay>,
    pub directory: TempDir,
    pub address: SocketAddr,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::configured(|config| config.limits = limits).await
    }

    pub(crate) async fn configured(configure: impl FnOnce(&mut Config)) -> Self {
        let directory = TempDir::new().unwrap();
        let mut config = Config::new(([127, 0, 0, 1], 0).into(), directory.path());
        configure(&mut config);
        let relay = Relay::start(config).await.unwrap();
        let address = relay.addresses()[0];
        Self { relay: Some(relay), directory, address }
    }

    /// Ends the relay in order and starts another on the same data.
    pub(crate) async fn restart(&mut self, limits: Limits) {
        self.restart_configured(|config| config.limits = limits).await;
    }

    pub(crate) async fn restart_configured(&mut self, configure: impl FnOnce(&mut Config)) {
        if let Some(relay) = self.relay.take() {
            relay.shutdown().await;
        }
        let mut config = Config::new(([127, 0, 0, 1], 0).into(), self.directory.path());
        configure(&mut config);
        let relay = Relay::start(config).await.unwrap();
        self.address = relay.addresses()[0];
        self.relay = Some(relay);
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.address, self.directory.path()).await
    }

    /// A connection from another address of this machine, or why there is none.
    pub(crate) async fn connect_from(&self, last: u8) -> Result<Connection, ConnectionError> {
        let mut endpoint = Endpoint::client(([127, 0, 0, last], 0).into()).unwrap();
        endpoint.set_default_client_config(client_config(self.directory.path(), proto::ALPN));
        endpoint.connect(self.address, "localhost").unwrap().await
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        self.relay.as_ref().unwrap().metrics()
    }

    /// How often somebody ran into a limit.
    pub(crate) fn hits(&self, limit: Limit) -> u64 {
        self.metrics().times_limited(limit)
    }
}

pub(crate) fn endpoint(data_dir: &Path, alpn: &[u8]) -> Endpoint {
    let mut endpoint = Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
    endpoint.set_default_client_config(client_config(data_dir, alpn));
    endpoint
}

pub(crate) fn client_config(data_dir: &Path, alpn: &[u8]) -> quinn::ClientConfig {
    quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls(data_dir, alpn)).unwrap()))
}

/// TLS that trusts the relay with this data directory, and nobody else.
pub(crate) fn tls(data_dir: &Path, alpn: &[u8]) -> rustls::ClientConfig {
    let authority = certs::Authority::load_or_create(&data_dir.join("identity")).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![alpn.to_vec()];
    tls
}

pub(crate) fn key(byte: u8) -> SigningKey {
    SigningKey::from_bytes(&[byte; 32])
}

pub(crate) fn room(byte: u8) -> RoomId {
    RoomId([byte; 32])
}

pub(crate) fn member(key: &SigningKey) -> AccessKey {
    let key = key.verifying_key().to_bytes().to_vec().into();
    AccessKey { key, kind: Kind::Member.into(), ..AccessKey::default() }
}

pub(crate) fn invite(key: &SigningKey, expires_ms: u64, max_uses: u32) -> AccessKey {
    AccessKey { kind: Kind::Invite.into(), expires_ms, max_uses, ..member(key) }
}

pub(crate) fn opening(key: &SigningKey, others: Vec<AccessKey>) -> Create {
    let slot = Slot { last_commit: 0, sealed: b"slot 0".as_slice().into(), ..Slot::default() };
    Create {
        slot: Some(slot),
        keys: std::iter::once(member(key)).chain(others).collect(),
        authority: public(&authority()).0.to_vec().into(),
        ..Create::default()
    }
}

/// A commit part. Streams sign it when they publish it, unless it has a signature.
pub(crate) fn commit(expected: u64, added: Vec<AccessKey>, removed: Vec<&SigningKey>) -> CommitPart {
    let removed = removed.into_iter().map(|key| key.verifying_key().to_bytes().to_vec().into()).collect();
    CommitPart {
        expected_last_commit: expected,
        slot: format!("slot after {expected}").into_bytes().into(),
        access: Some(AccessChange { added, removed }),
        authority: public(&authority()).0.to_vec().into(),
        ..CommitPart::default()
    }
}

/// On the opening of the room, in the place of what is offered, up to that commit.
pub(crate) fn in_place(instead_of: u64) -> CommitPart {
    CommitPart { instead_of, ..commit(0, vec![], vec![]) }
}

/// `part`, with a slot that names pieces, some of which come with it.
pub(crate) fn with_pieces(part: CommitPart, named: &[&[u8]], sent: &[&[u8]]) -> CommitPart {
    let piece_names = named.iter().flat_map(|piece| proto::piece_name(piece)).collect();
    CommitPart { piece_names, pieces: proto::join_pieces(sent.iter().copied()).into(), ..part }
}

pub(crate) fn code(frame: &Frame) -> Code {
    match frame {
        Frame::Refused(refused) => refused.code(),
        other => panic!("expected Refused, found {other:?}"),
    }
}

/// As by `relay drop-room` without a reason.
pub(crate) async fn dropped(server: &Server, byte: u8) -> Result<bool, relay::log::Unavailable> {
    let hold = relay::log::Hold::Drop(relay::policy::reason::Notice::new(1 << 44, Default::default()));
    server.relay.as_ref().unwrap().backend().hold_room(room(byte), hold).await
}

/// Waits until it is so.
pub(crate) async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// The relay refused the connection before a handshake.
pub(crate) fn is_refused(connected: Result<Connection, ConnectionError>) -> bool {
    let refused = quinn::TransportErrorCode::CONNECTION_REFUSED;
    matches!(connected, Err(ConnectionError::ConnectionClosed(close)) if close.error_code == refused)
}

/// Says aloud that a test is skipped. Where checks run as root (`CI` is set), the machine could have what is missing: there
/// it fails.
#[cfg(target_os = "linux")]
pub(crate) fn skipped(why: &str) {
    let could_have_it = std::env::var_os("CI").is_some() && rustix::process::geteuid().is_root();
    assert!(!could_have_it, "{why}");
    eprintln!("SKIPPED: {why}");
}
