//! Dialling: names to addresses, several attempts at once, one clear error.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use quinn::{
    ClientConfig, Connection, ConnectionError, TransportErrorCode, crypto::rustls::QuicClientConfig,
};
use rustls::client::Resumption;
use tokio::{task::JoinSet, time::timeout};

use super::{Known, Refusal, RelayAddress, Transport, Trust, limits, trust::RelayVerifier};
use crate::failure::{Exit, Failure};

/// How long an attempt may take, in seconds: several retransmissions of the first packet (QUIC starts
/// at one second and doubles).
const ATTEMPT_S: u64 = 8;

/// Head start of one address before the next is tried as well, in milliseconds (RFC 8305, 5).
const HEAD_START_MS: u64 = 250;

/// Addresses of a name that are tried, interleaved by IP version; the rest is ignored.
const MAX_ADDRESSES: usize = 6;

/// TLS alert `no_application_protocol` (RFC 7301, 3.2).
const ALERT_NO_ALPN: u8 = 120;

/// A relay that takes no connection says nothing else: it does not know yet whom it would tell.
const FULL: &str = "It stops just now, or has as many connections as it takes, in all or from your network: close other \
                    clients there, or try again later. Who runs it can raise --max-connections and \
                    --max-connections-per-address.";

/// Why there is no connection.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DialError {
    /// The name does not resolve.
    #[error("the host name {0} is not known")]
    Name(String),
    /// Nobody answers.
    #[error("no relay answers at {0}")]
    Silent(RelayAddress),
    /// Something answers, but not a relay of this version.
    #[error("{0} is not a Schat relay, or of another version")]
    Protocol(RelayAddress),
    /// The certificate is not trusted.
    #[error("{refusal} ({address})")]
    Certificate {
        /// Where.
        address: RelayAddress,
        /// Why.
        refusal: Refusal,
    },
    /// The relay does not want this connection.
    #[error("the relay at {0} refuses the connection")]
    Refused(RelayAddress),
    /// Anything else.
    #[error("the connection to {0} failed")]
    Other(RelayAddress),
}

impl DialError {
    /// Trying again changes nothing: a person must decide.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Certificate { .. })
    }

    /// How much this error says; the best of several attempts is reported.
    fn weight(&self) -> u8 {
        match self {
            Self::Certificate { .. } => 4,
            Self::Protocol(_) => 3,
            Self::Refused(_) => 2,
            Self::Other(_) => 1,
            Self::Name(_) | Self::Silent(_) => 0,
        }
    }
}

impl From<&DialError> for Failure {
    fn from(error: &DialError) -> Self {
        let (exit, code, remedy) = match error {
            DialError::Name(_) => {
                (Exit::Network, "network", "Check the name, and that this machine is online.")
            }
            DialError::Silent(_) => (
                Exit::Network,
                "network",
                "Check the address and the port, that the relay runs, and that UDP gets through the firewall.",
            ),
            DialError::Protocol(_) => (Exit::Network, "protocol", "Check the port, or update Schat."),
            DialError::Other(_) => (Exit::Network, "network", "It is tried again; check the network."),
            DialError::Refused(_) => (Exit::Refused, "refused", FULL),
            DialError::Certificate { refusal, .. } => {
                (Exit::Verification, "certificate", remedy_of(*refusal))
            }
        };
        Failure::new(exit, code, error.to_string(), remedy)
    }
}

/// A connection, and why its other end is trusted.
#[derive(Debug)]
pub struct Dialed {
    /// The connection; its handshake is complete.
    pub connection: Connection,
    /// Why it is trusted.
    pub trust: Trust,
}

impl Transport {
    /// Connects to a relay: its addresses in turn, each with a head start, the first to answer wins.
    ///
    /// # Errors
    /// [`DialError`], the most telling one of all attempts.
    pub async fn dial(&self, relay: &RelayAddress, known: Known) -> Result<Dialed, DialError> {
        let addresses = resolve(relay).await?;
        let mut attempts = JoinSet::new();
        for (position, address) in addresses.into_iter().enumerate() {
            let (this, relay) = (self.clone(), relay.clone());
            let wait =
                Duration::from_millis(HEAD_START_MS).saturating_mul(u32::try_from(position).unwrap_or(0));
            attempts.spawn(async move {
                tokio::time::sleep(wait).await;
                this.attempt(&relay, address, known).await
            });
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

    async fn attempt(&self, relay: &RelayAddress, to: SocketAddr, known: Known) -> Result<Dialed, DialError> {
        let verdict = Arc::new(Mutex::new(None));
        let config = self.config(known, &verdict).ok_or_else(|| DialError::Other(relay.clone()))?;
        let connecting = self
            .endpoint
            .connect_with(config, to, &relay.host)
            .map_err(|_| DialError::Other(relay.clone()))?;
        let connected = timeout(Duration::from_secs(ATTEMPT_S), connecting).await;
        let verdict = *verdict.lock().unwrap_or_else(PoisonError::into_inner);
        match (connected, verdict) {
            (Ok(Ok(connection)), Some(Ok(trust))) if speaks_our_protocol(&connection) => {
                Ok(Dialed { connection, trust })
            }
            (Ok(Ok(_)), _) => Err(DialError::Protocol(relay.clone())),
            (_, Some(Err(refusal))) => Err(DialError::Certificate { address: relay.clone(), refusal }),
            (Ok(Err(error)), _) => Err(explain(relay, &error)),
            (Err(_), _) => Err(DialError::Silent(relay.clone())),
        }
    }

    fn config(
        &self,
        known: Known,
        verdict: &Arc<Mutex<Option<Result<Trust, Refusal>>>>,
    ) -> Option<ClientConfig> {
        let verifier = RelayVerifier {
            provider: self.provider.clone(),
            platform: self.platform(),
            ca: self.ca.clone(),
            known,
            verdict: verdict.clone(),
        };
        let mut tls = rustls::ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .ok()?
            .dangerous() // rustls' name for "own verifier"; see `trust`
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        tls.alpn_protocols = vec![proto::ALPN.to_vec()];
        // A resumed session would skip the certificate; and Join must never travel as 0-RTT.
        tls.resumption = Resumption::disabled();
        tls.enable_early_data = false;
        let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).ok()?));
        config.transport_config(limits::transport_config());
        Some(config)
    }
}

/// Addresses of the host, IPv6 and IPv4 in turn.
async fn resolve(relay: &RelayAddress) -> Result<Vec<SocketAddr>, DialError> {
    let unknown = |_| DialError::Name(relay.host.clone());
    let found = tokio::net::lookup_host((relay.host.as_str(), relay.port)).await.map_err(unknown)?;
    let (six, four): (Vec<_>, Vec<_>) = found.partition(SocketAddr::is_ipv6);
    let mut mixed = Vec::new();
    let (mut six, mut four) = (six.into_iter(), four.into_iter());
    loop {
        let (a, b) = (six.next(), four.next());
        if a.is_none() && b.is_none() {
            break;
        }
        mixed.extend(a.into_iter().chain(b));
    }
    mixed.truncate(MAX_ADDRESSES);
    if mixed.is_empty() { Err(DialError::Name(relay.host.clone())) } else { Ok(mixed) }
}

fn speaks_our_protocol(connection: &Connection) -> bool {
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

fn remedy_of(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Pin => {
            "Somebody may sit between you and the relay. Ask whoever sent the link for a new one, over a channel you trust."
        }
        Refusal::CaFile => "Check the file, and the name under which you reach the relay.",
        Refusal::Changed => {
            "Somebody may sit between you and the relay. Ask its operator; if the change is real, join again with a new invite link."
        }
        Refusal::Unreadable => "Check that this is a Schat relay.",
    }
}
