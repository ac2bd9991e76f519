//! A client that speaks frames and nothing else: no log of its own, no groups, no encryption.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use bytes::{Buf, Bytes, BytesMut};
use certs::CA_CERT_FILE;
use ed25519_dalek::{Signer, SigningKey};
use proto::{
    CHANNEL_BINDING_LABEL, CHANNEL_BINDING_LEN, Message, RoomId, encode_frame, join_statement,
    relay::{ClientFrame, Create, Join, Publish, RelayFrame, client_frame, relay_frame::Frame},
};
use quinn::{
    ClientConfig, Connection, Endpoint, RecvStream, SendStream, TransportConfig, VarInt,
    crypto::rustls::QuicClientConfig,
};
use rustls::{
    RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Longer than any step takes on a busy machine; who waits this long has found something.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Received and unread bytes that honest clients of a benchmark allow: as much as they like.
const WINDOW: u32 = 8 << 20;

/// Bytes of a frame's length.
const LENGTH: usize = 4;

/// Bytes taken from quinn at once.
const CHUNK: usize = 64 << 10;

/// How to reach the relay under test. Cheap to clone; goes to other threads.
#[derive(Clone)]
pub(super) struct Ground {
    /// Where it listens.
    pub relay: SocketAddr,
    roots: Arc<RootCertStore>,
    tls: Arc<QuicClientConfig>,
}

/// The sending half of a joined stream.
pub(super) struct Mouth(pub SendStream);

/// The receiving half of a joined stream.
pub(super) struct Ear {
    recv: RecvStream,
    buffer: BytesMut,
}

impl Ground {
    /// Trusts the authority in this data directory, and nobody else.
    pub(super) fn new(relay: SocketAddr, data_dir: &Path) -> anyhow::Result<Self> {
        let path = data_dir.join("identity").join(CA_CERT_FILE);
        let mut roots = RootCertStore::empty();
        roots.add(
            CertificateDer::from_pem_file(&path).with_context(|| format!("reading {}", path.display()))?,
        )?;
        let roots = Arc::new(roots);
        let tls = tls(roots.clone(), rustls::crypto::aws_lc_rs::default_provider())?;
        Ok(Self { relay, roots, tls })
    }

    /// The same with another cryptography.
    pub(super) fn with(&self, provider: CryptoProvider) -> anyhow::Result<Self> {
        Ok(Self { tls: tls(self.roots.clone(), provider)?, ..self.clone() })
    }

    /// TLS for the way over TCP, which begins with HTTP.
    pub(super) fn tls_over_tcp(&self) -> anyhow::Result<Arc<rustls::ClientConfig>> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        Ok(Arc::new(tls_for(b"http/1.1", self.roots.clone(), provider)?))
    }

    /// The same for another place to connect to.
    pub(super) fn at(&self, relay: SocketAddr) -> Self {
        Self { relay, ..self.clone() }
    }

    /// A socket on the `index`-th loopback address, for honest clients.
    pub(super) fn endpoint(&self, index: usize) -> anyhow::Result<Endpoint> {
        self.endpoint_with(index, transport())
    }

    /// A socket on the `index`-th loopback address.
    pub(super) fn endpoint_with(&self, index: usize, transport: TransportConfig) -> anyhow::Result<Endpoint> {
        let mut endpoint = Endpoint::client((address(index), 0).into()).context("opening a socket")?;
        let mut config = ClientConfig::new(self.tls.clone());
        config.transport_config(Arc::new(transport));
        endpoint.set_default_client_config(config);
        Ok(endpoint)
    }

    /// A connection from a socket.
    pub(super) async fn connect(&self, endpoint: &Endpoint) -> anyhow::Result<Connection> {
        let connecting = endpoint.connect(self.relay, "localhost")?;
        tokio::time::timeout(PATIENCE, connecting)
            .await
            .context("no handshake in time")?
            .context("connecting")
    }
}

fn tls(roots: Arc<RootCertStore>, provider: CryptoProvider) -> anyhow::Result<Arc<QuicClientConfig>> {
    Ok(Arc::new(QuicClientConfig::try_from(tls_for(proto::ALPN, roots, provider)?)?))
}

fn tls_for(
    protocol: &[u8],
    roots: Arc<RootCertStore>,
    provider: CryptoProvider,
) -> anyhow::Result<rustls::ClientConfig> {
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![protocol.to_vec()];
    // Every handshake is a whole one, as that of a stranger.
    tls.resumption = rustls::client::Resumption::disabled();
    Ok(tls)
}

/// What an honest client of a benchmark allows its relay.
fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .stream_receive_window(VarInt::from_u32(WINDOW))
        .receive_window(VarInt::from_u32(WINDOW))
        .keep_alive_interval(Some(Duration::from_secs(10)));
    transport
}

/// The `index`-th source address: limits per address count each as another household.
pub(super) fn address(index: usize) -> Ipv4Addr {
    let part = |value: usize| u8::try_from(value % 250 + 1).unwrap_or(1);
    Ipv4Addr::new(127, 0, part(index / 250), part(index))
}

/// Joins a room on a new stream of a connection; opens the room when told how.
pub(super) async fn join(
    connection: &Connection,
    room: RoomId,
    key: &SigningKey,
    after: u64,
    create: Option<Create>,
) -> anyhow::Result<(Mouth, Ear)> {
    let mut binding = [0; CHANNEL_BINDING_LEN];
    let exported = connection.export_keying_material(&mut binding, CHANNEL_BINDING_LABEL, b"");
    exported.map_err(|_| anyhow::anyhow!("no channel binding"))?;
    let (send, recv) = connection.open_bi().await?;
    let (mut mouth, mut ear) = (Mouth(send), Ear { recv, buffer: BytesMut::new() });
    let frame = Join {
        room_id: room.0.to_vec().into(),
        access_key: key.verifying_key().to_bytes().to_vec().into(),
        signature: key.sign(&join_statement(&room, &binding)).to_bytes().to_vec().into(),
        after,
        create,
        wants_access: false,
    };
    mouth.say(client_frame::Frame::Join(frame)).await?;
    match tokio::time::timeout(PATIENCE, ear.next()).await.context("no answer to a Join in time")?? {
        Some(Frame::Joined(_)) => Ok((mouth, ear)),
        Some(Frame::Refused(refused)) => bail!("a Join was refused: {:?}", refused.code()),
        other => bail!("a Join was not answered but with {other:?}"),
    }
}

impl Mouth {
    /// Sends one frame.
    pub(super) async fn say(&mut self, frame: client_frame::Frame) -> anyhow::Result<()> {
        self.0.write_all(&encode_frame(&ClientFrame { frame: Some(frame) })).await.context("sending a frame")
    }

    /// Publishes an envelope under an id that nobody used.
    pub(super) async fn publish(&mut self, envelope: Vec<u8>) -> anyhow::Result<()> {
        let id = random::<16>()?.to_vec().into();
        let publish = Publish { id, envelope: envelope.into(), ..Publish::default() };
        self.say(client_frame::Frame::Publish(publish)).await
    }
}

impl Ear {
    /// The next frame; `None` at the end of the stream.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Frame>> {
        loop {
            if let Some(body) = cut(&mut self.buffer) {
                return Ok(Some(RelayFrame::decode(body)?.frame.context("an unknown frame")?));
            }
            match self.recv.read_chunk(CHUNK, true).await? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk.bytes),
                None => return Ok(None),
            }
        }
    }

    /// Takes so many bytes from the stream and throws them away: who does so hears no frame any more.
    pub(super) async fn sip(&mut self, bytes: usize) -> anyhow::Result<()> {
        let chunk = self.recv.read_chunk(bytes, true).await?;
        chunk.map(drop).context("the stream ended")
    }

    /// Waits for the answer to a Publish: zero if it was taken, and otherwise the time to wait.
    pub(super) async fn answered(&mut self) -> anyhow::Result<Duration> {
        loop {
            match self.next().await?.context("the stream ended")? {
                Frame::Published(_) => return Ok(Duration::ZERO),
                Frame::Refused(refused) => return Ok(Duration::from_millis(refused.retry_after_ms.max(1))),
                _ => {}
            }
        }
    }

    /// Waits for the answer to a Publish that nobody refuses.
    pub(super) async fn published(&mut self) -> anyhow::Result<()> {
        loop {
            match self.next().await?.context("the stream ended")? {
                Frame::Published(_) => return Ok(()),
                Frame::Refused(refused) => bail!("a Publish was refused: {:?}", refused.code()),
                _ => {}
            }
        }
    }
}

/// Random bytes of the system.
pub(super) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    Ok(bytes)
}

/// A new access key.
pub(super) fn new_key() -> anyhow::Result<SigningKey> {
    Ok(SigningKey::from_bytes(&random()?))
}

/// Cuts one frame's body off, without copying.
fn cut(buffer: &mut BytesMut) -> Option<Bytes> {
    let length = u32::from_be_bytes(*buffer.first_chunk::<LENGTH>()?);
    let body = usize::try_from(length).ok()?;
    if buffer.len() < LENGTH + body {
        return None;
    }
    buffer.advance(LENGTH);
    Some(buffer.split_to(body).freeze())
}
