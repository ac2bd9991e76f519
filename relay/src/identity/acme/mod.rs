//! A certificate from a public authority, by ACME (RFC 8555) and TLS-ALPN-01 (RFC 8737).
//!
//! `keeper` says when, `schedule` how long to wait after a no, `order` does it, `store` keeps what must survive a
//! restart, `http` speaks to the authority, `listener` is the door for its challenge.

mod error;
mod http;
mod keeper;
mod listener;
mod order;
mod schedule;
mod store;

use std::{fmt, net::SocketAddr, path::PathBuf};

use zeroize::Zeroizing;

pub(crate) use self::keeper::Keeper;
pub use self::{error::OrderError, schedule::State};

/// Let's Encrypt, where real certificates come from.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
/// Let's Encrypt's place for trying things: generous limits, certificates that nobody trusts.
pub const LETS_ENCRYPT_STAGING: &str = "https://acme-staging-v02.api.letsencrypt.org/directory";

/// What is wanted, and from whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acme {
    /// The names that the certificate is for: DNS names as certificates spell them, at least one.
    pub domains: Vec<String>,
    /// Where the authority may write to its customers.
    pub email: Option<String>,
    /// The URL of the authority's directory.
    pub directory: String,
    /// PEM file with the roots for the authority's own HTTPS; `None` for those of the system.
    pub ca: Option<PathBuf>,
    /// The account elsewhere that the new one belongs to (RFC 8555, 7.3.4).
    pub eab: Option<Eab>,
    /// Where the authority's connection arrives, if not on the relay's own TCP port. Opened only while a challenge
    /// waits.
    pub listen: Vec<SocketAddr>,
}

/// An external account binding, as the authority's web page shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Eab {
    /// Its name.
    pub kid: String,
    /// Its key.
    pub key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Eab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Eab").field("kid", &self.kid).finish_non_exhaustive()
    }
}
