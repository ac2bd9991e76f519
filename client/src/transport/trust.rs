//! Trust in the relay's certificate, in this order: the pin that a link carries decides alone, so that not
//! even a certificate that a public authority issued by mistake beats it; without one, WebPKI if it verifies;
//! else the file that `--ca` named; else trust on first use. The signature of the handshake is always checked,
//! and nothing here can be switched off.

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use certs::Pin;
use rustls::{
    CertificateError, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;
use serde::{Deserialize, Serialize};

/// Greatest number of certificates that a relay may present.
const MAX_CHAIN: usize = 8;

/// Greatest size of a `--ca` file, in bytes: far over any bundle of roots.
const MAX_CA_FILE: u64 = 4 << 20;

/// What is known about a relay before it is dialled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The pin of a link (or of our own relay): decides alone. A mismatch is a refusal.
    pub pin: Option<Pin>,
    /// The beginning of a pin, from a short link: decides alone. A mismatch is a refusal.
    pub begins: Option<[u8; 20]>,
    /// What was remembered on first use. A change is a refusal.
    pub remembered: Option<Pin>,
}

/// Why the relay's certificate is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    /// The system's certificate authorities vouch for its name.
    WebPki,
    /// The link's pin vouches for it.
    Pinned(#[serde(with = "crate::daemon::pin")] Pin),
    /// The file given with `--ca` vouches for its name.
    CaFile,
    /// The same as on first use.
    Remembered(#[serde(with = "crate::daemon::pin")] Pin),
    /// Nothing vouches for it: seen for the first time. To be shown and remembered.
    FirstUse(#[serde(with = "crate::daemon::pin")] Pin),
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

    /// The pin that a link to this relay should carry.
    pub fn pin(self) -> Option<Pin> {
        match self {
            Self::WebPki | Self::CaFile => None,
            Self::Pinned(pin) | Self::Remembered(pin) | Self::FirstUse(pin) => Some(pin),
        }
    }
}

/// Why the relay's certificate is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not the certificate authority of the link.
    #[error("the relay's certificate is not the one that the link names")]
    Pin,
    /// Not signed by the `--ca` file, or for another name.
    #[error("the relay's certificate is not vouched for by the file given with --ca")]
    CaFile,
    /// Not the one that was remembered.
    #[error("the relay's certificate has changed since it was first seen")]
    Changed,
    /// Not a certificate that can be checked at all.
    #[error("the relay's certificate cannot be read")]
    Unreadable,
}

/// Why a `--ca` file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum CaFileError {
    /// The file cannot be read.
    #[error("the file given with --ca cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// There is no usable certificate in it.
    #[error("the file given with --ca holds no certificate in PEM form")]
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

/// Checks one relay's certificate in one handshake and keeps the verdict.
pub(super) struct RelayVerifier {
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) platform: Option<Arc<Verifier>>,
    pub(super) ca: Option<Arc<CaFile>>,
    pub(super) known: Known,
    pub(super) verdict: Arc<Mutex<Option<Result<Trust, Refusal>>>>,
}

impl RelayVerifier {
    fn judge(&self, chain: &Chain<'_>, ocsp: &[u8]) -> Result<Trust, Refusal> {
        let Chain { leaf, others, name, now } = *chain;
        if let Some(pin) = self.known.pin {
            return self.vouched_by(chain, pin).then_some(Trust::Pinned(pin)).ok_or(Refusal::Pin);
        }
        if let Some(begins) = self.known.begins {
            let pins = chain.all().filter_map(|certificate| certs::pin_of(certificate).ok());
            let mut fits = pins.filter(|pin| pin.as_bytes().starts_with(&begins));
            let vouching = fits.find(|pin| self.vouched_by(chain, *pin));
            return vouching.map(Trust::Pinned).ok_or(Refusal::Pin);
        }
        if let Some(platform) = &self.platform
            && platform.verify_server_cert(leaf, others, name, ocsp, now).is_ok()
        {
            return Ok(Trust::WebPki);
        }
        if let Some(ca) = &self.ca {
            // Such a file may speak for many machines, so here the name counts.
            let good = self.signed_by(chain, &ca.0, chain.others) && chain.is_for_its_name();
            return good.then_some(Trust::CaFile).ok_or(Refusal::CaFile);
        }
        if let Some(pin) = self.known.remembered {
            return self.vouched_by(chain, pin).then_some(Trust::Remembered(pin)).ok_or(Refusal::Changed);
        }
        self.pin_to_remember(chain).map(Trust::FirstUse).ok_or(Refusal::Unreadable)
    }

    /// Some certificate of the chain has this pin and vouches for the leaf.
    fn vouched_by(&self, chain: &Chain<'_>, pin: Pin) -> bool {
        chain.all().any(|certificate| {
            certs::pin_of(certificate).is_ok_and(|found| found == pin) && self.vouches(chain, certificate)
        })
    }

    /// The certificate is the leaf, or signed it. A relay's own authority speaks for that relay only, so names
    /// do not matter then; it may also have signed a voucher, a second certificate for the key whose possession
    /// the handshake proves. A public authority speaks for many: it is vouched for by another, or signs through
    /// one that is, and then the name counts.
    fn vouches(&self, chain: &Chain<'_>, certificate: &CertificateDer<'_>) -> bool {
        if certificate == chain.leaf {
            return true;
        }
        let mut roots = RootCertStore::empty();
        if roots.add(certificate.clone().into_owned()).is_err() {
            return false;
        }
        let is_private = || self.signed_by(chain, &roots, &[]) && certs::is_self_signed(certificate);
        (self.signed_by(chain, &roots, chain.others) && (chain.is_for_its_name() || is_private()))
            || (certs::is_self_signed(certificate)
                && Self::vouchers(chain).any(|voucher| self.signed(voucher, &roots, &[], chain.now)))
    }

    /// Certificates for the leaf's key, beside the leaf.
    fn vouchers<'a>(chain: &Chain<'a>) -> impl Iterator<Item = &'a CertificateDer<'a>> {
        let key = certs::pin_of(chain.leaf).ok();
        chain.others.iter().filter(move |other| key.is_some() && certs::pin_of(other).ok() == key)
    }

    fn signed_by(&self, chain: &Chain<'_>, roots: &RootCertStore, between: &[CertificateDer<'_>]) -> bool {
        self.signed(chain.leaf, roots, between, chain.now)
    }

    fn signed(
        &self,
        certificate: &CertificateDer<'_>,
        roots: &RootCertStore,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> bool {
        let Ok(certificate) = ParsedCertificate::try_from(certificate) else { return false };
        let algorithms = self.provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&certificate, roots, between, now, algorithms).is_ok()
    }

    /// The last certificate that vouches for the leaf: leaves are short-lived, authorities stay.
    fn pin_to_remember(&self, chain: &Chain<'_>) -> Option<Pin> {
        let mut candidates: Vec<_> = chain.all().collect();
        candidates.reverse();
        let top = candidates.into_iter().find(|certificate| self.vouches(chain, certificate))?;
        certs::pin_of(top).ok()
    }
}

impl ServerCertVerifier for RelayVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let verdict = if others.len() < MAX_CHAIN {
            self.judge(&Chain { leaf, others, name, now }, ocsp)
        } else {
            Err(Refusal::Unreadable)
        };
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        let refused = TlsError::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
        verdict.map(|_| ServerCertVerified::assertion()).map_err(|_| refused)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for RelayVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RelayVerifier")
    }
}

/// What the relay presented, and when.
struct Chain<'a> {
    leaf: &'a CertificateDer<'a>,
    others: &'a [CertificateDer<'a>],
    name: &'a ServerName<'a>,
    now: UnixTime,
}

impl<'a> Chain<'a> {
    fn all(&self) -> impl Iterator<Item = &'a CertificateDer<'a>> {
        std::iter::once(self.leaf).chain(self.others)
    }

    /// The leaf is for the name that was dialled.
    fn is_for_its_name(&self) -> bool {
        ParsedCertificate::try_from(self.leaf).is_ok_and(|leaf| verify_server_name(&leaf, self.name).is_ok())
    }
}

#[cfg(test)]
mod tests;
