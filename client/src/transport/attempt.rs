//! One attempt at one address, by QUIC or by TCP, under the same rules of trust; and several side by side.

use std::{
    future::Future,
    io::ErrorKind,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use proto::{CHANNEL_BINDING_LABEL, CHANNEL_BINDING_LEN, CloseCode};
use quinn::{ClientConfig, ConnectionError, TransportErrorCode, crypto::rustls::QuicClientConfig};
use rustls::{client::Resumption, pki_types::ServerName};
use tokio::{net::TcpStream, task::JoinSet, time::timeout};
use tokio_rustls::TlsConnector;
use tunnel::Tunnel;

use super::{
    Connection, DialError, Dialed, ExpectedRelay, Refusal, RelayAddress, Transport, Trust,
    connection::TcpConnection,
    limits,
    trust::{RelayVerifier, Verdict},
};

/// How long an attempt may take, in seconds: several retransmissions of the first packet, which double.
const ATTEMPT_S: u64 = 8;

/// Head start of one address before the next is tried as well, in milliseconds (RFC 8305, 5).
const HEAD_START_MS: u64 = 250;

/// TLS alert `no_application_protocol` (RFC 7301, 3.2).
const ALERT_NO_ALPN: u8 = 120;

/// The ALPN of HTTP/1.1, which a WebSocket begins with.
const HTTP_ALPN: &[u8] = b"http/1.1";

/// What the verifier said, once it was asked.
type VerdictCell = Arc<Mutex<Option<Result<Verdict, Refusal>>>>;

/// An attempt that goes on by itself.
pub(super) type Attempt = Pin<Box<dyn Future<Output = Result<Dialed, DialError>> + Send>>;

impl Transport {
    /// Tries the addresses in turn, each with a head start; the first to answer wins.
    pub(super) async fn dial_all(
        &self,
        relay: &RelayAddress,
        addresses: &[SocketAddr],
        known: ExpectedRelay,
        attempt: fn(Self, RelayAddress, SocketAddr, ExpectedRelay) -> Attempt,
    ) -> Result<Dialed, DialError> {
        let mut attempts = JoinSet::new();
        let mut wait = Duration::ZERO;
        for address in addresses {
            let attempt = attempt(self.clone(), relay.clone(), *address, known);
            attempts.spawn(async move {
                tokio::time::sleep(wait).await;
                attempt.await
            });
            wait += Duration::from_millis(HEAD_START_MS);
        }
        let mut worst = DialError::Silent(relay.clone());
        while let Some(done) = attempts.join_next().await {
            match done {
                Ok(Ok(dialed)) => return Ok(dialed),
                Ok(Err(error)) if error.weight() > worst.weight() => worst = error,
                Ok(Err(_)) | Err(_) => {}
            }
        }
        Err(worst)
    }

    /// QUIC.
    pub(super) fn by_quic(self, relay: RelayAddress, to: SocketAddr, known: ExpectedRelay) -> Attempt {
        Box::pin(async move {
            let verdict = VerdictCell::default();
            let other = || DialError::Other(relay.clone());
            let tls = self.tls(known, &verdict, proto::ALPN).ok_or_else(other)?;
            let mut config =
                ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).map_err(|_| other())?));
            config.transport_config(limits::transport_config()).token_store(self.tokens.clone());
            let connecting = self.endpoint.connect_with(config, to, &relay.host).map_err(|_| other())?;
            let connected = timeout(Duration::from_secs(ATTEMPT_S), connecting).await;
            match (connected, said(&verdict)) {
                (Ok(Ok(connection)), Some(Ok(verdict))) if speaks_our_protocol(&connection) => {
                    self.admit(relay, Connection::Quic(connection), verdict)
                }
                (Ok(Ok(_)), _) => Err(DialError::Protocol(relay)),
                (_, Some(Err(refusal))) => Err(DialError::Certificate { address: relay, refusal }),
                (Ok(Err(error)), _) => Err(explain(&relay, &error)),
                (Err(_), _) => Err(DialError::Silent(relay)),
            }
        })
    }

    /// A WebSocket over TLS over TCP.
    pub(super) fn by_tcp(self, relay: RelayAddress, to: SocketAddr, known: ExpectedRelay) -> Attempt {
        Box::pin(async move {
            let verdict = VerdictCell::default();
            let tls = self.tls(known, &verdict, HTTP_ALPN);
            let tls = tls.ok_or_else(|| DialError::Other(relay.clone()))?;
            let connected = timeout(Duration::from_secs(ATTEMPT_S), connect(&relay, to, tls)).await;
            match (connected, said(&verdict)) {
                (Ok(Ok(connection)), Some(Ok(verdict))) => {
                    self.admit(relay, Connection::Tcp(connection), verdict)
                }
                // By another clock it is the relay.
                (_, Some(Err(refusal))) if refusal.is_about_time() => {
                    Err(DialError::Certificate { address: relay, refusal })
                }
                (_, Some(Err(refusal))) => Err(DialError::Elsewhere { address: relay, refusal }),
                (Ok(Err(error)), _) => Err(error),
                (Ok(Ok(_)) | Err(_), _) => Err(DialError::Silent(relay)),
            }
        })
    }

    /// The last word about a connection to a relay, which has proved its key and its protocol by now: whether the
    /// first sight counts. Nothing was said over it yet.
    fn admit(
        &self,
        address: RelayAddress,
        connection: Connection,
        Verdict { trust, own }: Verdict,
    ) -> Result<Dialed, DialError> {
        match trust {
            Trust::FirstUse(pin) if !self.trusts_first_use => {
                connection.close(CloseCode::Done);
                Err(DialError::Certificate { address, refusal: Refusal::FirstUse(pin) })
            }
            _ => Ok(Dialed { connection, trust, own }),
        }
    }

    fn tls(&self, known: ExpectedRelay, verdict: &VerdictCell, alpn: &[u8]) -> Option<rustls::ClientConfig> {
        let verifier = RelayVerifier {
            provider: self.provider.clone(),
            platform: self.platform(),
            ca: self.ca.clone(),
            known,
            verdict: verdict.clone(),
        };
        let mut tls = rustls::ClientConfig::builder_with_details(self.provider.clone(), self.clock.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .ok()?
            .dangerous() // rustls' name for "own verifier"; see `trust`
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        tls.alpn_protocols = vec![alpn.to_vec()];
        // A resumed session would skip the certificate; and Join must never travel as 0-RTT.
        tls.resumption = Resumption::disabled();
        tls.enable_early_data = false;
        Some(tls)
    }
}

fn said(verdict: &VerdictCell) -> Option<Result<Verdict, Refusal>> {
    *verdict.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn connect(
    relay: &RelayAddress,
    to: SocketAddr,
    tls: rustls::ClientConfig,
) -> Result<TcpConnection, DialError> {
    let silent = |_| DialError::Silent(relay.clone());
    let protocol = || DialError::Protocol(relay.clone());
    let socket = TcpStream::connect(to).await.map_err(silent)?;
    // A frame is written at once and leaves at once. What cannot have this is slower, nothing else.
    let _ = socket.set_nodelay(true);
    let name = ServerName::try_from(relay.host.clone()).map_err(|_| DialError::Name(relay.host.clone()))?;
    let secured = TlsConnector::from(Arc::new(tls)).connect(name, socket).await.map_err(|error| {
        // What is not even TLS, or refuses our protocols.
        let is_broken =
            error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>);
        match error.kind() {
            _ if is_broken => protocol(),
            // Before the first word.
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
                DialError::HungUp(relay.clone())
            }
            _ => DialError::Other(relay.clone()),
        }
    })?;
    let binding = [0; CHANNEL_BINDING_LEN];
    let binding = secured.get_ref().1.export_keying_material(binding, CHANNEL_BINDING_LABEL, Some(b""));
    let binding = binding.map_err(|_| DialError::Other(relay.clone()))?;
    let tunnel = Tunnel::client(secured, &relay.to_string(), limits::tunnel()).await;
    let tunnel = tunnel.map_err(|error| match error {
        tunnel::HandshakeError::Protocol => protocol(),
        tunnel::HandshakeError::Io(_) => DialError::Other(relay.clone()),
    })?;
    Ok(TcpConnection { tunnel, binding, remote: to })
}

fn speaks_our_protocol(connection: &quinn::Connection) -> bool {
    connection
        .handshake_data()
        .and_then(|data| data.downcast::<quinn::crypto::rustls::HandshakeData>().ok())
        .is_some_and(|data| data.protocol.as_deref() == Some(proto::ALPN))
}

fn explain(relay: &RelayAddress, error: &ConnectionError) -> DialError {
    let relay = relay.clone();
    match error {
        ConnectionError::VersionMismatch => DialError::Protocol(relay),
        ConnectionError::ConnectionClosed(close)
            if close.error_code == TransportErrorCode::crypto(ALERT_NO_ALPN) =>
        {
            DialError::Protocol(relay)
        }
        ConnectionError::TransportError(error) if error.code == TransportErrorCode::crypto(ALERT_NO_ALPN) => {
            DialError::Protocol(relay)
        }
        ConnectionError::ConnectionClosed(close)
            if close.error_code == TransportErrorCode::CONNECTION_REFUSED =>
        {
            DialError::Refused(relay)
        }
        ConnectionError::ApplicationClosed(_) => DialError::Refused(relay),
        ConnectionError::TimedOut => DialError::Silent(relay),
        ConnectionError::ConnectionClosed(_)
        | ConnectionError::TransportError(_)
        | ConnectionError::Reset
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => DialError::Other(relay),
    }
}
