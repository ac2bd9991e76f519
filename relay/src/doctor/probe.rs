//! A real QUIC handshake with a relay, and the certificates that it shows.
//!
//! The handshake proves that whoever answers has the leaf's key. Whether to trust that key is not decided here: the
//! checks judge the chain, by the pin and by this system's authorities. Nothing is sent over the connection.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use certs::Pin;
use proto::CloseCode;
use quinn::{ClientConfig, Endpoint, crypto::rustls::QuicClientConfig};
use rustls::{
    DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use rustls_platform_verifier::Verifier;
use tokio::time::timeout;

/// Time for a handshake: two lost packets and the way around the earth.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

/// What a relay shows, leaf first.
#[derive(Clone, Debug)]
pub(super) struct Chain(pub Vec<CertificateDer<'static>>);

/// Why there was no handshake.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProbeError {
    /// Nothing came back.
    #[error("no answer within {} seconds", HANDSHAKE_TIME.as_secs())]
    Silent,
    /// Something came back, and it was no.
    #[error("{0}")]
    Failed(String),
}

impl Chain {
    /// Shakes hands.
    pub(super) async fn shown(address: SocketAddr, name: &str) -> Result<Self, ProbeError> {
        let failed = |error: &dyn std::fmt::Display| ProbeError::Failed(error.to_string());
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| failed(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Onlooker(provider)))
            .with_no_client_auth();
        tls.alpn_protocols = vec![proto::ALPN.to_vec()];
        let crypto = QuicClientConfig::try_from(tls).map_err(|error| failed(&error))?;
        let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let any: SocketAddr = any.parse().map_err(|error| failed(&error))?;
        let mut endpoint = Endpoint::client(any).map_err(|error| failed(&error))?;
        endpoint.set_default_client_config(ClientConfig::new(Arc::new(crypto)));
        let connecting = endpoint.connect(address, name).map_err(|error| failed(&error))?;
        let connection = match timeout(HANDSHAKE_TIME, connecting).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(quinn::ConnectionError::TimedOut)) | Err(_) => return Err(ProbeError::Silent),
            Ok(Err(error)) => return Err(failed(&error)),
        };
        let chain = connection.peer_identity().and_then(|identity| identity.downcast().ok());
        connection.close(CloseCode::Done.value().into(), b"");
        let _ = timeout(HANDSHAKE_TIME, endpoint.wait_idle()).await;
        chain
            .map(|chain| Self(*chain))
            .ok_or_else(|| ProbeError::Failed("it shows no certificate".to_owned()))
    }

    /// The last moment of the leaf, in seconds since 1970.
    pub(super) fn not_after_unix(&self) -> Option<u64> {
        certs::not_after_unix(self.0.first()?).ok()
    }

    /// A client that pins this authority accepts it.
    pub(super) fn has_pin(&self, pin: Pin) -> bool {
        certs::is_vouched_by(&self.0, pin)
    }

    /// Whether this system's authorities vouch for it under this name, and if not, why.
    pub(super) fn web_pki(&self, name: &str) -> Result<(), String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Verifier::new(provider).map_err(|error| error.to_string())?;
        let (leaf, others) = self.0.split_first().ok_or("there is no certificate")?;
        let name = ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
        // The verifier logs each no as an error. Here a no is a finding like any other.
        let quiet = tracing::subscriber::NoSubscriber::default();
        let verdict = tracing::subscriber::with_default(quiet, || {
            verifier.verify_server_cert(leaf, others, &name, &[], UnixTime::now())
        });
        verdict.map(drop).map_err(|error| error.to_string())
    }
}

/// Looks at certificates and judges none; that the other side has the leaf's key is checked.
#[derive(Debug)]
struct Onlooker(Arc<CryptoProvider>);

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
