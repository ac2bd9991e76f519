//! Connections to relays: one per relay, with one bidirectional stream per room; QUIC, or TCP where UDP does not
//! get through.

mod address;
mod attempt;
mod blob;
mod clock;
mod connection;
mod dial;
mod limits;
mod race;
mod stream;
mod trust;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::{Arc, OnceLock},
};

use quinn::{Endpoint, TokenMemoryCache};
use rustls::{crypto::CryptoProvider, time_provider::TimeProvider};
use rustls_platform_verifier::Verifier;
use socket2::{Domain, Protocol, Socket, Type};

use clock::SystemClock;

pub use address::{AddressError, RelayAddress};
pub(crate) use blob::BlobStream;
pub use certs::{Pin, PinPrefix};
pub use connection::{Carrier, Connection, Ended, Talk};
pub use dial::{DialError, Dialed};
pub use stream::{RoomStream, StreamError};
pub use trust::{CaFile, CaFileError, ExpectedRelay, Refusal, Trust};

/// Why no socket could be opened.
#[derive(Debug, thiserror::Error)]
#[error("no socket: {0}")]
pub struct TransportError(#[from] pub io::Error);

/// What the client dials with: its QUIC endpoint, and whom it trusts. Clones share it.
#[derive(Clone)]
pub struct Transport {
    endpoint: Endpoint,
    provider: Arc<CryptoProvider>,
    ca: Option<Arc<CaFile>>,
    clock: Arc<dyn TimeProvider>,
    trusts_first_use: bool,
    // Reading the system's roots costs milliseconds: once, and only when the first relay is dialled.
    platform: Arc<OnceLock<Option<Arc<Verifier>>>>,
    // A relay asks who comes for the first time to prove his address, which takes a round trip. What it gives him for
    // the next time is kept here: quinn's bounds are 256 names and two tokens each, the oldest go first.
    tokens: Arc<TokenMemoryCache>,
}

impl Transport {
    /// Opens the UDP socket; `ca` is what `--ca` named.
    ///
    /// # Errors
    /// [`TransportError`] when the system gives no UDP socket. Must be called inside a tokio runtime.
    pub fn new(ca: Option<CaFile>) -> Result<Self, TransportError> {
        let runtime = quinn::default_runtime().ok_or_else(|| io::Error::other("no tokio runtime"))?;
        let endpoint = Endpoint::new(quinn::EndpointConfig::default(), None, any_socket()?, runtime)?;
        Ok(Self {
            endpoint,
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
            ca: ca.map(Arc::new),
            clock: Arc::new(SystemClock),
            trusts_first_use: false,
            platform: Arc::default(),
            tokens: Arc::default(),
        })
    }

    /// The same, and a relay of which nothing is known, and for which nobody vouches, is trusted on first use.
    #[must_use]
    pub fn trusting_first_use(self) -> Self {
        Self { trusts_first_use: true, ..self }
    }

    /// The same under another clock than the system's.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn TimeProvider>) -> Self {
        Self { clock, ..self }
    }

    /// Moves all connections to a fresh socket: QUIC migration (RFC 9000, 9) keeps them alive over a
    /// change of network.
    ///
    /// # Errors
    /// When the system gives no UDP socket; the old one stays in use.
    pub fn rebind(&self) -> io::Result<()> {
        self.endpoint.rebind(any_socket()?)
    }

    /// Says goodbye on all connections and waits until that is sent, one second at most.
    pub async fn close(&self) {
        self.endpoint.close(proto::CloseCode::Done.value().into(), b"");
        // A goodbye that is lost costs the relay an idle timeout, nothing else.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), self.endpoint.wait_idle()).await;
    }

    /// The system's own trust store; `None` where there is none.
    fn platform(&self) -> Option<Arc<Verifier>> {
        let load = || Verifier::new(self.provider.clone()).ok().map(Arc::new);
        self.platform.get_or_init(load).clone()
    }
}

/// The local address that packets to `remote` would leave from; no packet is sent. It changes when the
/// network does.
pub fn route_to(remote: SocketAddr) -> io::Result<IpAddr> {
    let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
    let any = if remote.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(remote)?;
    Ok(socket.local_addr()?.ip())
}

/// A socket for both IP versions where the system has both, else for IPv4.
fn any_socket() -> io::Result<UdpSocket> {
    let dual = || -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_only_v6(false)?;
        socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into())?;
        Ok(socket.into())
    };
    dual().or_else(|_| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))
}
