//! Trust in the relay's certificate. The pin that a link carries decides alone, so that not even a certificate that a
//! public authority issued by mistake beats it; so does what was remembered on first use. A relay that authorities
//! vouched for once, those of the system or of the file that `--ca` names, is trusted by such and by nothing else from
//! then on. Only of a relay that nothing is known of, and that no authority vouches for, the first sight may count,
//! where somebody says so. The signature of the handshake is always checked, and nothing here can be switched off.

mod chain;
mod verify;

use std::path::Path;

use certs::{Pin, PinPrefix};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, UnixTime, pem::PemObject},
};
use serde::{Deserialize, Serialize};

pub(super) use verify::{RelayVerifier, Verdict};

/// Greatest size of a `--ca` file, in bytes: far over any bundle of roots.
const MAX_CA_FILE: u64 = 4 << 20;

/// What is known about a relay before it is dialled. Each but the first decides alone: nothing weaker is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpectedRelay {
    /// Nothing: authorities may vouch for it, else it is seen for the first time.
    #[default]
    Nothing,
    /// The pin of a link (or of our own relay).
    Pinned(Pin),
    /// The beginning of a pin, from a short link.
    Begins(PinPrefix),
    /// What was remembered on first use.
    Remembered(Pin),
    /// Authorities vouched for it before, or a link says so by carrying no pin.
    Authorities,
}

/// Why the relay's certificate is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    /// The system's certificate authorities vouch for its name.
    WebPki,
    /// The link's pin vouches for it.
    Pinned(#[serde(with = "crate::codec::pin")] Pin),
    /// The file given with `--ca` vouches for its name.
    CaFile,
    /// The same as on first use.
    Remembered(#[serde(with = "crate::codec::pin")] Pin),
    /// Nothing vouches for it: seen for the first time. To be shown and remembered.
    FirstUse(#[serde(with = "crate::codec::pin")] Pin),
}

impl Trust {
    /// The name that programs see.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebPki => "webpki",
            Self::Pinned(_) => "pinned",
            Self::CaFile => "ca-file",
            Self::Remembered(_) => "remembered",
            Self::FirstUse(_) => "first-use",
        }
    }

    /// The pin that the relay was held to, or is from now on.
    pub fn pin(self) -> Option<Pin> {
        match self {
            Self::WebPki | Self::CaFile => None,
            Self::Pinned(pin) | Self::Remembered(pin) | Self::FirstUse(pin) => Some(pin),
        }
    }
}

/// Why the relay's certificate is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Refusal {
    /// Not the certificate authority of the link.
    #[error("not the pin")]
    Pin,
    /// Not signed by the `--ca` file, or for another name.
    #[error("not vouched")]
    CaFile,
    /// Authorities have to vouch for it, and none does.
    #[error("not by authorities")]
    Authorities,
    /// Not the one that was remembered.
    #[error("changed")]
    Changed,
    /// Seen for the first time, and nobody said that this may count.
    #[error("first use: {0}")]
    FirstUse(#[serde(with = "crate::codec::pin")] Pin),
    /// Seen for the first time, and it shows no authority that could be remembered: leaves come and go.
    #[error("no authority")]
    NoAuthority,
    /// It would be trusted, were it later.
    #[error("too early: {now}")]
    NotYet {
        /// What the clock says, in seconds since 1970.
        now: u64,
    },
    /// It would be trusted, were it earlier.
    #[error("expired: {now}")]
    Expired {
        /// What the clock says, in seconds since 1970.
        now: u64,
    },
    /// Not a certificate that can be checked at all.
    #[error("unreadable")]
    Unreadable,
}

impl Refusal {
    /// By this clock it does not hold, by another one it does.
    fn by_clock(now: UnixTime, right: UnixTime) -> Self {
        let is_early = now.as_secs() < right.as_secs();
        let now = now.as_secs();
        if is_early { Self::NotYet { now } } else { Self::Expired { now } }
    }

    /// Nothing is wrong but the time: it goes away by itself, and says nothing about whom we talk to.
    pub fn is_about_time(self) -> bool {
        matches!(self, Self::NotYet { .. } | Self::Expired { .. })
    }
}

/// Why a `--ca` file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum CaFileError {
    /// The file cannot be read.
    #[error("unreadable: {0}")]
    Read(#[from] std::io::Error),
    /// There is no usable certificate in it.
    #[error("no certificate")]
    Empty,
}

/// Certificate authorities named on the command line.
pub struct CaFile(RootCertStore);

impl CaFile {
    /// Reads a PEM file.
    ///
    /// # Errors
    /// [`CaFileError`] when it cannot be read or holds no certificate.
    pub fn read(path: &Path) -> Result<Self, CaFileError> {
        if std::fs::metadata(path)?.len() > MAX_CA_FILE {
            return Err(CaFileError::Empty);
        }
        let bytes = std::fs::read(path)?;
        let mut roots = RootCertStore::empty();
        let certificates = CertificateDer::pem_slice_iter(&bytes).filter_map(Result::ok);
        roots.add_parsable_certificates(certificates);
        if roots.is_empty() { Err(CaFileError::Empty) } else { Ok(Self(roots)) }
    }
}

#[cfg(test)]
mod tests;
