//! The certificate.

use std::path::PathBuf;

use clap::Args;

use super::Conflict;
use crate::identity::Tls;

/// The certificate that clients see.
#[derive(Clone, Debug, Args)]
pub struct Certificate {
    /// Certificate chain (PEM, leaf first) instead of the relay's own.
    #[arg(long, env = "RELAY_CERT", value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// Private key (PEM) of --cert.
    #[arg(long, env = "RELAY_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,
}

impl Certificate {
    /// Where the certificate comes from.
    pub(super) fn tls(&self) -> Result<Tls, Conflict> {
        match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Ok(Tls::Files { cert: cert.clone(), key: key.clone() }),
            (None, None) => Ok(Tls::Own),
            (Some(_), None) => Err(Conflict("cert is set but key is not; give both, or neither".into())),
            (None, Some(_)) => Err(Conflict("key is set but cert is not; give both, or neither".into())),
        }
    }
}
