//! TLS 1.3 for QUIC and for TCP: hybrid key exchange first, known protocols only, a certificate that can be swapped.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use certs::ServerCertificate;
use quinn::crypto::rustls::QuicServerConfig;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
    version::TLS13,
};

use crate::net::fragments;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate and its key do not belong together, or are of a kind rustls does not know.
    #[error("the certificate cannot be used: {0}")]
    Certificate(#[source] rustls::Error),
    /// The library refuses its own settings.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// The protocol of a certificate authority that looks whether a name is ours (RFC 8737).
pub(crate) const ACME_TLS: &[u8] = b"acme-tls/1";

/// The certificate shown to the next client. Connections that are open keep the one they saw.
#[derive(Debug)]
pub(crate) struct Certificate {
    shown: RwLock<Shown>,
    challenges: Challenges,
}

#[derive(Debug)]
struct Shown {
    key: Arc<CertifiedKey>,
    not_after_unix: u64,
}

impl Certificate {
    /// Starts with this one.
    ///
    /// # Errors
    /// [`TlsError::Certificate`].
    pub(crate) fn new(certificate: ServerCertificate) -> Result<Self, TlsError> {
        Ok(Self { shown: RwLock::new(Shown::new(certificate)?), challenges: Challenges::default() })
    }

    /// Shows another one from now on.
    ///
    /// # Errors
    /// [`TlsError::Certificate`]; then the one before stays.
    pub(crate) fn replace(&self, certificate: ServerCertificate) -> Result<(), TlsError> {
        let certificate = Shown::new(certificate)?;
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = certificate;
        Ok(())
    }

    /// The last moment of the one that is shown now, in seconds since 1970.
    pub(crate) fn not_after_unix(&self) -> u64 {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).not_after_unix
    }

    /// What is shown to a certificate authority instead.
    pub(crate) fn challenges(&self) -> &Challenges {
        &self.challenges
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // RFC 8737, 3: that protocol and no other, and the name in question. Nobody else gets to see an answer, and
        // without a question there is none: then the handshake fails.
        if hello
            .alpn()
            .is_some_and(|mut offered| offered.next() == Some(ACME_TLS) && offered.next().is_none())
        {
            return self.challenges.answer(hello.server_name()?);
        }
        Some(self.shown.read().unwrap_or_else(PoisonError::into_inner).key.clone())
    }
}

/// The ALPN of HTTP/1.1 (RFC 7301, 6), which a WebSocket begins with.
const HTTP_ALPN: &[u8] = b"http/1.1";

/// Certificates that answer a certificate authority's challenges, by name. As many as one certificate has names;
/// when full, [`Challenges::add`] says so and the order fails.
#[derive(Debug, Default)]
pub(crate) struct Challenges(RwLock<HashMap<String, Arc<CertifiedKey>>>);

impl Challenges {
    /// Answers for this name from now on; whether there was room, and the certificate can be used.
    #[must_use]
    pub(crate) fn add(&self, name: &str, certificate: ServerCertificate) -> bool {
        // Not compared with its key, as others are: the check stumbles over the critical extension that is the
        // point of this certificate.
        let Ok(signer) = aws_lc_rs::sign::any_supported_type(&certificate.key) else { return false };
        let certificate = Arc::new(CertifiedKey::new(certificate.chain, signer));
        let mut answers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= certs::MAX_NAMES && !answers.contains_key(name) {
            return false;
        }
        answers.insert(name.to_owned(), certificate);
        true
    }

    /// Does not answer for this name any more.
    pub(crate) fn remove(&self, name: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    fn answer(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let answers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        answers.get(&name.to_ascii_lowercase()).cloned()
    }
}

/// The configuration of a door that only answers challenges.
///
/// # Errors
/// [`TlsError::Setup`].
pub(crate) fn challenge_config(certificate: Arc<Certificate>) -> Result<ServerConfig, TlsError> {
    config(certificate, &[ACME_TLS])
}

/// The crypto configuration of the QUIC endpoint.
///
/// # Errors
/// [`TlsError::Setup`].
pub(crate) fn server_config(certificate: Arc<Certificate>) -> Result<QuicServerConfig, TlsError> {
    // RFC 9001, 8.1: an endpoint that supports none of the client's protocols ends the handshake.
    let config = config(certificate, &[proto::ALPN])?;
    QuicServerConfig::try_from(config).map_err(|error| TlsError::Setup(error.to_string()))
}

/// The same for TCP, where a WebSocket comes first.
///
/// # Errors
/// [`TlsError::Setup`].
pub(crate) fn tcp_config(certificate: Arc<Certificate>) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = config(certificate, &[HTTP_ALPN, ACME_TLS])?;
    // Nobody resumes: a client looks at the certificate each time, and what is remembered costs memory.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

fn config(certificate: Arc<Certificate>, protocols: &[&[u8]]) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| TlsError::Setup(error.to_string()))?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    // No 0-RTT: a Join or a Publish could be replayed.
    config.max_early_data_size = 0;
    Ok(config)
}

/// aws-lc-rs with the hybrid group first: what is recorded today stays sealed when X25519 is broken.
fn provider() -> CryptoProvider {
    use aws_lc_rs::kx_group::{SECP256R1, X25519, X25519MLKEM768};
    CryptoProvider {
        kx_groups: vec![X25519MLKEM768, X25519, SECP256R1],
        cipher_suites: fragments::cipher_suites(),
        ..aws_lc_rs::default_provider()
    }
}

impl Shown {
    fn new(certificate: ServerCertificate) -> Result<Self, TlsError> {
        let not_after_unix = certificate.not_after_unix;
        let key = CertifiedKey::from_der(certificate.chain, certificate.key, &provider());
        Ok(Self { key: Arc::new(key.map_err(TlsError::Certificate)?), not_after_unix })
    }
}

#[cfg(test)]
mod tests {
    use rustls::NamedGroup;

    use super::*;

    #[test]
    fn hybrid_group_is_preferred() {
        let first = provider().kx_groups.first().map(|group| group.name());
        assert_eq!(first, Some(NamedGroup::X25519MLKEM768));
    }

    #[test]
    fn replaced_certificate_is_shown_from_then_on() {
        let directory = tempfile::TempDir::new().unwrap();
        let authority = certs::Authority::load_or_create(directory.path()).unwrap();
        let leaf = || authority.leaf(&["localhost".to_owned()]).unwrap();
        let (first, second) = (leaf(), leaf());
        let wanted = second.chain.clone();
        let certificate = Certificate::new(first).unwrap();
        let shown = |certificate: &Certificate| certificate.shown.read().unwrap().key.cert.clone();
        assert_ne!(shown(&certificate), wanted);
        certificate.replace(second).unwrap();
        assert_eq!(shown(&certificate), wanted);
    }

    #[test]
    fn challenges_beyond_the_bound_are_refused_and_names_are_found_in_any_case() {
        let challenges = Challenges::default();
        let certificate = certs::challenge("chat.example.org", &[7; 32]).unwrap();
        for number in 0..certs::MAX_NAMES {
            assert!(challenges.add(&format!("{number}.example.org"), certificate.clone()));
        }
        assert!(!challenges.add("chat.example.org", certificate.clone()));
        assert!(challenges.add("1.example.org", certificate.clone()), "the same name again");
        challenges.remove("1.example.org");
        assert!(challenges.add("chat.example.org", certificate));
        assert!(challenges.answer("Chat.Example.ORG").is_some());
        assert!(challenges.answer("1.example.org").is_none());
    }
}
