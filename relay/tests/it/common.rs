//! A relay on a free port and a client that speaks frames, byte by byte if a test wants to.

use std::{collections::VecDeque, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use ed25519_dalek::{Signer, SigningKey};
use proto::{
    CHANNEL_BINDING_LABEL, CloseCode, FrameReader, MAX_COMMIT_FRAME, RoomId, encode_frame, join_statement,
    relay::{
        AccessChange, AccessKey, ClientFrame, CommitPart, Create, Deliver, Join, Joined, Publish, Published,
        Refused, RelayFrame, Slot, access_key::Kind, client_frame, refused::Code, relay_frame::Frame,
    },
};
use quinn::{
    Connection, ConnectionError, Endpoint, RecvStream, SendStream, crypto::rustls::QuicClientConfig,
};
use relay::{
    Config, Limits, Relay,
    metrics::{Limit, Metrics},
};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use tempfile::TempDir;

/// Long enough for a loaded machine; a test that gets here has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Server {
    pub relay: Option<Relay>,
    pub directory: TempDir,
    pub address: SocketAddr,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub async fn with(limits: Limits) -> Self {
        Self::configured(|config| config.limits = limits).await
    }

    pub async fn configured(configure: impl FnOnce(&mut Config)) -> Self {
        let directory = TempDir::new().unwrap();
        let mut config = Config::new(([127, 0, 0, 1], 0).into(), directory.path());
        configure(&mut config);
        let relay = Relay::start(config).await.unwrap();
        let address = relay.addresses()[0];
        Self { relay: Some(relay), directory, address }
    }

    /// Ends the relay in order and starts another on the same data.
    pub async fn restart(&mut self, limits: Limits) {
        self.restart_configured(|config| config.limits = limits).await;
    }

    pub async fn restart_configured(&mut self, configure: impl FnOnce(&mut Config)) {
        if let Some(relay) = self.relay.take() {
            relay.shutdown().await;
        }
        let mut config = Config::new(([127, 0, 0, 1], 0).into(), self.directory.path());
        configure(&mut config);
        let relay = Relay::start(config).await.unwrap();
        self.address = relay.addresses()[0];
        self.relay = Some(relay);
    }

    pub async fn client(&self) -> Client {
        Client::connect(self.address, self.directory.path()).await
    }

    /// A connection from another address of this machine, or why there is none.
    pub async fn connect_from(&self, last: u8) -> Result<Connection, ConnectionError> {
        let mut endpoint = Endpoint::client(([127, 0, 0, last], 0).into()).unwrap();
        endpoint.set_default_client_config(client_config(self.directory.path(), proto::ALPN));
        endpoint.connect(self.address, "localhost").unwrap().await
    }

    pub fn metrics(&self) -> &Metrics {
        self.relay.as_ref().unwrap().metrics()
    }

    /// How often somebody ran into a limit.
    pub fn hits(&self, limit: Limit) -> u64 {
        self.metrics().times_limited(limit)
    }
}

pub fn endpoint(data_dir: &Path, alpn: &[u8]) -> Endpoint {
    let mut endpoint = Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
    endpoint.set_default_client_config(client_config(data_dir, alpn));
    endpoint
}

pub fn client_config(data_dir: &Path, alpn: &[u8]) -> quinn::ClientConfig {
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
    quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()))
}

pub struct Client {
    pub endpoint: Endpoint,
    pub connection: Connection,
}

impl Client {
    pub async fn connect(address: SocketAddr, data_dir: &Path) -> Self {
        let endpoint = endpoint(data_dir, proto::ALPN);
        let connection = endpoint.connect(address, "localhost").unwrap().await.unwrap();
        Self { endpoint, connection }
    }

    pub async fn stream(&self) -> Stream {
        let (send, recv) = self.connection.open_bi().await.unwrap();
        Stream {
            send,
            recv,
            reader: FrameReader::new(MAX_COMMIT_FRAME),
            entries: VecDeque::new(),
            answers: VecDeque::new(),
        }
    }

    /// A signed Join; tests break it afterwards.
    pub fn join_frame(&self, room: RoomId, key: &SigningKey, after: u64, create: Option<Create>) -> Join {
        let mut binding = [0; 32];
        self.connection.export_keying_material(&mut binding, CHANNEL_BINDING_LABEL, b"").unwrap();
        Join {
            room_id: room.0.to_vec().into(),
            access_key: key.verifying_key().to_bytes().to_vec().into(),
            signature: key.sign(&join_statement(&room, &binding)).to_bytes().to_vec().into(),
            after,
            create,
        }
    }

    /// Sends a Join and returns the stream and the relay's first answer.
    pub async fn try_join(&self, join: Join) -> (Stream, Frame) {
        let mut stream = self.stream().await;
        stream.frame(client_frame::Frame::Join(join)).await;
        let answer = stream.next().await;
        (stream, answer)
    }

    pub async fn join(&self, room: RoomId, key: &SigningKey, after: u64) -> (Stream, Joined) {
        match self.try_join(self.join_frame(room, key, after, None)).await {
            (stream, Frame::Joined(joined)) => (stream, joined),
            (_, other) => panic!("not joined: {other:?}"),
        }
    }

    /// Opens a room with these keys and joins it.
    pub async fn create(&self, room: RoomId, key: &SigningKey, others: Vec<AccessKey>) -> Stream {
        let create = opening(key, others);
        match self.try_join(self.join_frame(room, key, 0, Some(create))).await {
            (stream, Frame::Joined(_)) => stream,
            (_, other) => panic!("not created: {other:?}"),
        }
    }

    /// The code with which a Join is refused; the stream must end after it.
    pub async fn refused(&self, join: Join) -> Code {
        self.refusal(join).await.code()
    }

    /// The same with all that is said.
    pub async fn refusal(&self, join: Join) -> Refused {
        let (mut stream, answer) = self.try_join(join).await;
        stream.ended().await;
        match answer {
            Frame::Refused(refused) => refused,
            other => panic!("expected Refused, found {other:?}"),
        }
    }

    /// The code with which the relay closes the connection.
    pub async fn close_code(&self) -> Option<CloseCode> {
        match tokio::time::timeout(PATIENCE, self.connection.closed()).await.expect("closed in time") {
            ConnectionError::ApplicationClosed(close) => CloseCode::from_value(close.error_code.into()),
            other => panic!("not closed by the relay: {other:?}"),
        }
    }
}

pub struct Stream {
    pub send: SendStream,
    pub recv: RecvStream,
    reader: FrameReader,
    /// Entries that came while a test waited for an answer: either may overtake the other.
    entries: VecDeque<Deliver>,
    /// Answers that came while it waited for an entry.
    answers: VecDeque<Published>,
}

impl Stream {
    pub async fn frame(&mut self, frame: client_frame::Frame) {
        self.bytes(&encode_frame(&ClientFrame { frame: Some(frame) })).await;
    }

    pub async fn bytes(&mut self, bytes: &[u8]) {
        self.send.write_all(bytes).await.unwrap();
    }

    pub async fn publish(&mut self, id: [u8; 16], envelope: &[u8], commit: Option<CommitPart>) {
        let (id, envelope) = (id.to_vec().into(), envelope.to_vec().into());
        self.frame(client_frame::Frame::Publish(Publish { id, envelope, commit })).await;
    }

    /// The next frame.
    pub async fn next(&mut self) -> Frame {
        tokio::time::timeout(PATIENCE, self.try_next()).await.expect("a frame in time").expect("a frame")
    }

    /// The next frame, `None` at the end of the stream.
    pub async fn try_next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.reader.next_frame::<RelayFrame>().unwrap() {
                return Some(frame.frame.expect("a known frame"));
            }
            let wanted = self.reader.wanted().unwrap();
            let chunk = self.recv.read_chunk(wanted, true).await.ok().flatten()?;
            self.reader.push(&chunk.bytes);
        }
    }

    pub async fn ended(&mut self) {
        let end = tokio::time::timeout(PATIENCE, self.try_next()).await.expect("the end in time");
        assert!(end.is_none(), "expected the end, found {end:?}");
    }

    pub async fn ended_with_refusal(&mut self) {
        self.refusal().await;
        self.ended().await;
    }

    pub async fn published(&mut self) -> Published {
        while self.answers.is_empty() {
            self.sort().await;
        }
        self.answers.pop_front().unwrap()
    }

    pub async fn delivered(&mut self) -> Deliver {
        while self.entries.is_empty() {
            self.sort().await;
        }
        self.entries.pop_front().unwrap()
    }

    async fn sort(&mut self) {
        match self.next().await {
            Frame::Published(published) => self.answers.push_back(published),
            Frame::Deliver(entry) => self.entries.push_back(entry),
            other => panic!("expected Published or Deliver, found {other:?}"),
        }
    }

    pub async fn refusal(&mut self) -> Refused {
        loop {
            match self.next().await {
                Frame::Refused(refused) => return refused,
                Frame::Deliver(_) | Frame::Published(_) => {}
                other => panic!("expected Refused, found {other:?}"),
            }
        }
    }

    /// Publishes and expects this no.
    pub async fn publish_refused(&mut self, id: [u8; 16], commit: Option<CommitPart>) -> Code {
        self.publish(id, b"refused", commit).await;
        let refused = self.refusal().await;
        assert_eq!(*refused.id, id, "the refusal names its publish");
        refused.code()
    }
}

pub fn key(byte: u8) -> SigningKey {
    SigningKey::from_bytes(&[byte; 32])
}

pub fn room(byte: u8) -> RoomId {
    RoomId([byte; 32])
}

pub fn member(key: &SigningKey) -> AccessKey {
    let key = key.verifying_key().to_bytes().to_vec().into();
    AccessKey { key, kind: Kind::Member.into(), ..AccessKey::default() }
}

pub fn invite(key: &SigningKey, expires_ms: u64, max_uses: u32) -> AccessKey {
    AccessKey { kind: Kind::Invite.into(), expires_ms, max_uses, ..member(key) }
}

pub fn opening(key: &SigningKey, others: Vec<AccessKey>) -> Create {
    let slot = Slot { last_commit: 0, sealed: b"slot 0".as_slice().into() };
    Create {
        slot: Some(slot),
        keys: std::iter::once(member(key)).chain(others).collect(),
        ..Create::default()
    }
}

pub fn commit(expected: u64, added: Vec<AccessKey>, removed: Vec<&SigningKey>) -> CommitPart {
    let removed = removed.into_iter().map(|key| key.verifying_key().to_bytes().to_vec().into()).collect();
    CommitPart {
        expected_last_commit: expected,
        slot: format!("slot after {expected}").into_bytes().into(),
        access: Some(AccessChange { added, removed }),
    }
}

pub fn code(frame: &Frame) -> Code {
    match frame {
        Frame::Refused(refused) => refused.code(),
        other => panic!("expected Refused, found {other:?}"),
    }
}

/// Waits until it is so.
pub async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// The relay refused the connection before a handshake.
pub fn is_refused(connected: Result<Connection, ConnectionError>) -> bool {
    let refused = quinn::TransportErrorCode::CONNECTION_REFUSED;
    matches!(connected, Err(ConnectionError::ConnectionClosed(close)) if close.error_code == refused)
}

/// Says aloud that a test is skipped. Where checks run as root (`CI` is set), the machine could have what is missing: there
/// it fails.
#[cfg(target_os = "linux")]
pub fn skipped(why: &str) {
    let could_have_it = std::env::var_os("CI").is_some() && rustix::process::geteuid().is_root();
    assert!(!could_have_it, "{why}");
    eprintln!("SKIPPED: {why}");
}
