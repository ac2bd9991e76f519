//! Who the relay is: its own small authority, or a certificate that the operator brings.

use std::{path::PathBuf, sync::Arc, time::Duration};

use certs::{Authority, CertsError, Pin, ServerCertificate};

use crate::{
    clock::unix_ms,
    tls::{Certificate, TlsError},
};

/// Where the relay's authority lives in the data directory.
const DIRECTORY: &str = "identity";

/// Part of a leaf's life after which it is replaced: half, so that a relay that was stopped for days
/// starts with a fresh one in time.
const RENEW_AFTER: u32 = 2;

/// Time between two looks at a certificate, and the least time before the first: a minute costs nothing,
/// and an hour is far below any certificate's life.
const LOOK_EVERY: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));

/// Where the certificate comes from.
#[derive(Clone, Debug, Default)]
pub enum Tls {
    /// A private authority in the data directory, made on the first start. Clients pin it.
    #[default]
    Own,
    /// PEM files, for a name that the Web PKI knows.
    Files {
        /// The chain, leaf first.
        cert: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
}

/// Why the relay has no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Files of the certificate or the authority.
    #[error(transparent)]
    Certs(#[from] CertsError),
    /// A certificate that TLS cannot use.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A chain without a certificate.
    #[error("the certificate file holds no certificate")]
    Empty,
}

/// The certificate in use, its pin, and how to get the next one.
pub(crate) struct Identity {
    pub certificate: Arc<Certificate>,
    pub pin: Pin,
    source: Arc<Source>,
    names: Vec<String>,
    not_after_unix: u64,
}

enum Source {
    Own(Box<Authority>),
    Files { cert: PathBuf, key: PathBuf },
}

impl Identity {
    /// Loads or makes the identity. `names` are what the relay's own leaf is valid for.
    pub fn load(tls: &Tls, data_dir: &std::path::Path, names: Vec<String>) -> Result<Self, IdentityError> {
        let source = match tls {
            Tls::Own => Source::Own(Box::new(Authority::load_or_create(&data_dir.join(DIRECTORY))?)),
            Tls::Files { cert, key } => Source::Files { cert: cert.clone(), key: key.clone() },
        };
        let first = source.issue(&names)?;
        let pin = match &source {
            Source::Own(authority) => authority.pin(),
            // The last of the chain is the nearest thing to an authority that clients will see.
            Source::Files { .. } => certs::pin_of(first.chain.last().ok_or(IdentityError::Empty)?)?,
        };
        let not_after_unix = first.not_after_unix;
        Ok(Self {
            certificate: Arc::new(Certificate::new(first)?),
            pin,
            source: Arc::new(source),
            names,
            not_after_unix,
        })
    }

    /// Replaces the certificate in time, for ever. A renewed file is picked up the same way.
    pub async fn keep_fresh(mut self) {
        loop {
            let now = unix_ms() / 1000;
            let left = Duration::from_secs(self.not_after_unix.saturating_sub(now));
            tokio::time::sleep((left / RENEW_AFTER).clamp(LOOK_EVERY.0, LOOK_EVERY.1)).await;
            if !self.source.is_due(left) {
                continue;
            }
            let (source, names) = (self.source.clone(), self.names.clone());
            let Ok(issued) = tokio::task::spawn_blocking(move || source.issue(&names)).await else {
                continue;
            };
            let replaced = issued.map_err(IdentityError::from).and_then(|next| {
                let not_after_unix = next.not_after_unix;
                self.certificate.replace(next)?;
                Ok(not_after_unix)
            });
            match replaced {
                Ok(not_after_unix) => self.not_after_unix = not_after_unix,
                Err(error) => tracing::error!(%error, "no new certificate; the old one stays"),
            }
        }
    }
}

impl Source {
    fn issue(&self, names: &[String]) -> Result<ServerCertificate, CertsError> {
        match self {
            Self::Own(authority) => authority.leaf(names),
            Self::Files { cert, key } => certs::load_pem(cert, key),
        }
    }

    /// Whether it is time for the next certificate: an own leaf is replaced in the second half of its
    /// life, a file is always read again (that is how a renewal is noticed).
    fn is_due(&self, left: Duration) -> bool {
        match self {
            Self::Own(_) => left < certs::LEAF_LIFETIME / RENEW_AFTER,
            Self::Files { .. } => true,
        }
    }
}
