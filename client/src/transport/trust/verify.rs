//! The judgement over one relay's certificate in one handshake.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use certs::Pin;
use rustls::{
    CertificateError, DigitallySignedStruct, Error as TlsError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use rustls_platform_verifier::Verifier;

use super::{
    CaFile, ExpectedRelay, Refusal, Trust,
    chain::{Chain, When},
};

/// Greatest number of certificates that a relay may present.
const MAX_CHAIN: usize = 8;

/// Why a relay is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// On what ground.
    pub trust: Trust,
    /// Its own authority, for links; none if it shows none.
    pub own: Option<Pin>,
}

/// Checks one relay's certificate in one handshake and keeps the verdict.
pub(crate) struct RelayVerifier {
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) platform: Option<Arc<Verifier>>,
    pub(crate) ca: Option<Arc<CaFile>>,
    pub(crate) known: ExpectedRelay,
    pub(crate) verdict: Arc<Mutex<Option<Result<Verdict, Refusal>>>>,
}

impl RelayVerifier {
    fn judge(&self, chain: &Chain<'_>, ocsp: &[u8]) -> Result<Verdict, Refusal> {
        let held = |expected: &dyn Fn(Pin) -> bool, otherwise: Refusal| {
            in_time(chain, |chain| chain.vouched_by(expected))?.ok_or(otherwise)
        };
        let trust = match self.known {
            ExpectedRelay::Pinned(pin) => Trust::Pinned(held(&|found| found == pin, Refusal::Pin)?),
            ExpectedRelay::Begins(prefix) => {
                Trust::Pinned(held(&|found| prefix.begins(found), Refusal::Pin)?)
            }
            ExpectedRelay::Remembered(pin) => {
                Trust::Remembered(held(&|found| found == pin, Refusal::Changed)?)
            }
            ExpectedRelay::Authorities => self.by_authorities(chain, ocsp)?.ok_or(Refusal::Authorities)?,
            ExpectedRelay::Nothing => match self.by_authorities(chain, ocsp)? {
                Some(trust) => trust,
                None => in_time(chain, |chain| chain.lasting().map(Trust::FirstUse))?
                    .ok_or(Refusal::NoAuthority)?,
            },
        };
        Ok(Verdict { trust, own: trust.pin().or_else(|| chain.own()) })
    }

    /// Who vouches for the relay's name, if anybody does. That somebody would at another time is a refusal: nothing
    /// weaker is asked then.
    fn by_authorities(&self, chain: &Chain<'_>, ocsp: &[u8]) -> Result<Option<Trust>, Refusal> {
        if let Some(platform) = &self.platform {
            let vouches = |chain: &Chain<'_>| {
                let Chain { leaf, others, name, now, .. } = *chain;
                platform.verify_server_cert(leaf, others, name, ocsp, now).ok()
            };
            if in_time(chain, vouches)?.is_some() {
                return Ok(Some(Trust::WebPki));
            }
        }
        let Some(ca) = &self.ca else { return Ok(None) };
        let vouches = |chain: &Chain<'_>| chain.is_signed_for_its_name(&ca.0).then_some(Trust::CaFile);
        in_time(chain, vouches)?.ok_or(Refusal::CaFile).map(Some)
    }
}

/// What is found now. What would be found at another time is a matter of clocks.
fn in_time<T>(chain: &Chain<'_>, found: impl Fn(&Chain<'_>) -> Option<T>) -> Result<Option<T>, Refusal> {
    match chain.when(found) {
        When::Now(found) => Ok(Some(found)),
        When::Never => Ok(None),
        When::At(right) => Err(Refusal::by_clock(chain.now, right)),
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
        let algorithms = self.provider.signature_verification_algorithms.all;
        let verdict = if others.len() < MAX_CHAIN {
            self.judge(&Chain { leaf, others, name, now, algorithms }, ocsp)
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
