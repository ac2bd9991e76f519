//! Dialling: names to addresses, one connection, one clear error.

use std::net::SocketAddr;

use super::{Connection, Known, Pin, Refusal, RelayAddress, Transport, Trust, race};
use crate::failure::{Exit, Failure};

/// Addresses of a name that are tried, interleaved by IP version; the rest is ignored.
const MAX_ADDRESSES: usize = 6;

/// A relay that takes no connection says nothing else: it does not know yet whom it would tell.
const FULL: &str = "It stops just now, or has as many connections as it takes, in all or from your network: close other \
                    clients there, or try again later. Its operator can raise --max-connections and \
                    --max-connections-per-address.";

/// Over TCP a relay that takes no connection cannot even say that: any word would first need TLS.
const HUNG_UP: &str = "It is tried again. A relay hangs up when it stops, or has as many connections as it takes, in all or from your \
                       network: close other clients there. If it goes on, something on the way keeps TLS out: try \
                       another network.";

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
    /// The certificate is not trusted, or not by this clock.
    #[error("{refusal} ({address})")]
    Certificate {
        /// Where.
        address: RelayAddress,
        /// Why.
        refusal: Refusal,
    },
    /// QUIC gets no answer, and over TCP somebody answers whose certificate is not trusted. Not as final as over QUIC:
    /// the TCP port may be a web server's, on the relay's own machine.
    #[error("no relay answers at {address} by UDP, and over TCP something else does: {refusal}")]
    Elsewhere {
        /// Where.
        address: RelayAddress,
        /// Why it is not the relay.
        refusal: Refusal,
    },
    /// The relay does not want this connection.
    #[error("the relay at {0} refuses the connection")]
    Refused(RelayAddress),
    /// QUIC gets no answer, and over TCP somebody takes the connection and ends it without a word.
    #[error("no relay answers at {0} by UDP, and over TCP it hangs up at once")]
    HungUp(RelayAddress),
    /// Anything else.
    #[error("the connection to {0} failed")]
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

impl From<&DialError> for Failure {
    fn from(error: &DialError) -> Self {
        let (exit, code, remedy) = match error {
            DialError::Name(_) => {
                (Exit::Network, "network", "Check the name, and that this machine is online.")
            }
            DialError::Silent(_) => (
                Exit::Network,
                "network",
                "Check the address and the port, that the relay runs, and that UDP or TCP gets through the firewall.",
            ),
            DialError::Elsewhere { .. } => (
                Exit::Network,
                "network",
                "The relay may be down, and is tried again. If it is not: UDP is blocked, and what has its TCP port is a web server, or somebody between you and the relay.",
            ),
            DialError::Protocol(_) => (Exit::Network, "protocol", "Check the port, or update Schat."),
            DialError::Other(_) => (Exit::Network, "network", "It is tried again; check the network."),
            DialError::Refused(_) => (Exit::Refused, "refused", FULL),
            DialError::HungUp(_) => (Exit::Network, "network", HUNG_UP),
            DialError::Certificate { refusal, address } => return refused(error, *refusal, address),
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
    /// The relay's own authority, if it shows one: what links to it carry.
    pub own: Option<Pin>,
}

impl Transport {
    /// Connects to a relay: by QUIC, or by TCP when QUIC does not answer soon; see [`race`].
    ///
    /// # Errors
    /// [`DialError`], the most telling one of all attempts.
    pub async fn dial(&self, relay: &RelayAddress, known: Known) -> Result<Dialed, DialError> {
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
    pub async fn dial_quic(&self, relay: &RelayAddress, known: Known) -> Result<Dialed, DialError> {
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

fn refused(error: &DialError, refusal: Refusal, address: &RelayAddress) -> Failure {
    let (exit, code, remedy) = match refusal {
        Refusal::Pin => (
            Exit::Verification,
            "certificate",
            "Somebody may sit between you and the relay. Ask whoever sent the link for a new one, over a channel you trust.",
        ),
        Refusal::CaFile => (
            Exit::Verification,
            "certificate",
            "Check the file, and the name under which you reach the relay.",
        ),
        Refusal::Authorities => (
            Exit::Verification,
            "certificate",
            "Somebody may sit between you and the relay. If a file given with --ca vouched for it, give it again. Else ask its operator for a link, over a channel you trust.",
        ),
        Refusal::Changed => (
            Exit::Verification,
            "certificate",
            "Somebody may sit between you and the relay. Ask its operator; if the change is real, join again with a new invite link.",
        ),
        Refusal::FirstUse(pin) => {
            let link = shared::invite::link::RelayLink {
                host: address.host.clone(),
                port: address.port,
                pin: *pin.as_bytes(),
                token: None,
            };
            let remedy = format!(
                "Compare the fingerprint with what its operator says. If it is the same, give this link, here or to /join: {link} In scripts, --trust-first-use trusts what is seen first, whoever it is."
            );
            return Failure::new(Exit::Verification, "first_use", error.to_string(), remedy);
        }
        Refusal::NoAuthority => (
            Exit::Verification,
            "certificate",
            "Check that this is a Schat relay; if it is, ask its operator for a link.",
        ),
        Refusal::NotYet { .. } | Refusal::Expired { .. } => (
            Exit::Network,
            "clock",
            "Check the clock of this machine; it goes on by itself when that is right. If it is right, tell the relay's operator.",
        ),
        Refusal::Unreadable => (Exit::Verification, "certificate", "Check that this is a Schat relay."),
    };
    Failure::new(exit, code, error.to_string(), remedy)
}
