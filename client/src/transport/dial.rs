//! Dialling: names to addresses, one connection, one clear error.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{Connection, ExpectedRelay, Pin, Refusal, RelayAddress, Transport, Trust, race};
use crate::failure::Exit;

/// Addresses of a name that are tried, interleaved by IP version; the rest is ignored.
const MAX_ADDRESSES: usize = 6;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum DialError {
    /// The name does not resolve.
    #[error("unknown host {0}")]
    Name(String),
    /// Nobody answers.
    #[error("{0}: silent")]
    Silent(RelayAddress),
    /// Something answers, but not a relay of this version.
    #[error("{0}: other protocol")]
    Protocol(RelayAddress),
    /// The certificate is not trusted, or not by this clock.
    #[error("{address}: {refusal}")]
    Certificate {
        /// Where.
        address: RelayAddress,
        /// Why.
        refusal: Refusal,
    },
    /// QUIC gets no answer, and over TCP somebody answers whose certificate is not trusted. Not as final as over QUIC:
    /// the TCP port may be a web server's, on the relay's own machine.
    #[error("{address} elsewhere: {refusal}")]
    Elsewhere {
        /// Where.
        address: RelayAddress,
        /// Why it is not the relay.
        refusal: Refusal,
    },
    /// The relay does not want this connection.
    #[error("{0}: refused")]
    Refused(RelayAddress),
    /// QUIC gets no answer, and over TCP somebody takes the connection and ends it without a word.
    #[error("{0}: hung up")]
    HungUp(RelayAddress),
    /// Anything else.
    #[error("{0}: failed")]
    Other(RelayAddress),
}

impl DialError {
    /// Trying again changes nothing: a person must decide.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Certificate { refusal, .. } if !refusal.is_about_time())
    }

    /// How much this error says; the best of several attempts is reported.
    pub(super) fn weight(&self) -> u8 {
        match self {
            Self::Certificate { .. } => 4,
            Self::Elsewhere { .. } | Self::Protocol(_) => 3,
            Self::Refused(_) | Self::HungUp(_) => 2,
            Self::Other(_) => 1,
            Self::Name(_) | Self::Silent(_) => 0,
        }
    }
}

impl DialError {
    /// Its name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Protocol(_) => "protocol",
            Self::Refused(_) => "refused",
            Self::Certificate { refusal: Refusal::FirstUse(_), .. } => "first_use",
            Self::Certificate { refusal, .. } if refusal.is_about_time() => "clock",
            Self::Certificate { .. } => "certificate",
            Self::Name(_) | Self::Silent(_) | Self::Elsewhere { .. } | Self::HungUp(_) | Self::Other(_) => {
                "network"
            }
        }
    }

    /// How a command that cannot go on ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Refused(_) => Exit::Refused,
            Self::Certificate { refusal, .. } if !refusal.is_about_time() => Exit::Verification,
            _ => Exit::Network,
        }
    }
}

/// A connection, and why its other end is trusted.
#[derive(Debug)]
pub struct Dialed {
    /// The connection; its handshake is complete.
    pub connection: Connection,
    /// Why it is trusted.
    pub trust: Trust,
    /// The relay's own authority, if it shows one: what links to it carry.
    pub own: Option<Pin>,
}

impl Transport {
    /// Connects to a relay: by QUIC, or by TCP when QUIC does not answer soon; see [`race`].
    ///
    /// # Errors
    /// [`DialError`], the most telling one of all attempts.
    pub async fn dial(&self, relay: &RelayAddress, known: ExpectedRelay) -> Result<Dialed, DialError> {
        let addresses = resolve(relay).await?;
        race::both(
            || self.dial_all(relay, &addresses, known, Self::by_quic),
            || self.dial_all(relay, &addresses, known, Self::by_tcp),
        )
        .await
    }

    /// Connects by QUIC or not at all.
    ///
    /// # Errors
    /// As of [`Transport::dial`].
    pub async fn dial_quic(&self, relay: &RelayAddress, known: ExpectedRelay) -> Result<Dialed, DialError> {
        let addresses = resolve(relay).await?;
        self.dial_all(relay, &addresses, known, Self::by_quic).await
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
