//! A server's certificate with its key, from the authority or from PEM files.

use std::{
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use rustls::{
    crypto::aws_lc_rs::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::{CertifiedKey, SigningKey},
};
use zeroize::Zeroizing;

use crate::{
    CertsError,
    files::{self, Access},
    judge::validity_unix,
};

/// The server's chain as PEM, leaf first. Public.
pub const SERVER_CERT_FILE: &str = "server.pem";
/// The leaf's key as PEM.
pub const SERVER_KEY_FILE: &str = "server.key";

/// The most certificates in a chain; public authorities send two or three.
const MAX_CHAIN: usize = 10;

const RENEW: &str = "write a certificate chain in PEM, leaf first";
const MATCH: &str = "give the key that was made with this certificate, and put the leaf first in the chain";

/// What a TLS server shows (`chain`) and what it proves itself with (`key`). Printing it hides the key.
#[derive(Debug)]
pub struct ServerCertificate {
    /// The leaf, then the authority.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's private key.
    pub key: PrivateKeyDer<'static>,
    /// The leaf's first moment, in seconds since 1970.
    pub not_before_unix: u64,
    /// The leaf's last moment, in seconds since 1970.
    pub not_after_unix: u64,
}

impl Clone for ServerCertificate {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key(), ..*self }
    }
}

impl ServerCertificate {
    /// Writes [`SERVER_CERT_FILE`] and [`SERVER_KEY_FILE`] (0600) into `dir`.
    ///
    /// Each file changes at once, the two do not: a reader in between is told that they do not match, and
    /// should try again.
    pub fn save(&self, dir: &Path) -> Result<(), CertsError> {
        let label = match self.key {
            PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
            PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
            _ => "PRIVATE KEY",
        };
        let key = Zeroizing::new(encode(label, self.key.secret_der()));
        let chain: String = self.chain.iter().map(|der| encode("CERTIFICATE", der)).collect();
        files::write(&dir.join(SERVER_KEY_FILE), key.as_bytes(), Access::Owner)?;
        files::write(&dir.join(SERVER_CERT_FILE), chain.as_bytes(), Access::Everyone)
    }
}

/// Reads a chain (leaf first) and its key, and checks that they belong together and have not expired.
pub fn load_pem(cert: &Path, key: &Path) -> Result<ServerCertificate, CertsError> {
    let chain = read_chain(cert)?;
    let leaf = chain.first().ok_or_else(|| bad_cert(cert, "it holds no certificate"))?;
    let (not_before_unix, not_after_unix) = validity(leaf, cert)?;

    let pem = files::read_key(key, files::OTHERS)?;
    let bad_key = |reason: &str| CertsError::BadKey {
        path: key.to_owned(),
        reason: reason.to_owned(),
        remedy: "give an unencrypted PEM key: PKCS #8, SEC 1 or PKCS #1",
    };
    // The parser's own words could quote the file.
    let der = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| bad_key("it holds no PEM private key"))?;
    let signer = any_supported_type(&der).map_err(|_| bad_key("its kind of key is not supported"))?;
    check_match(&chain, signer, cert, key)?;

    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| CertsError::Clock)?.as_secs();
    if not_after_unix < now {
        return Err(CertsError::Expired { path: cert.to_owned() });
    }
    Ok(ServerCertificate { chain, key: der, not_before_unix, not_after_unix })
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertsError> {
    let pem = files::read(path)?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .take(MAX_CHAIN + 1)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| bad_cert(path, "its PEM is damaged"))?;
    if chain.len() > MAX_CHAIN {
        return Err(bad_cert(path, "it holds too many certificates for one chain"));
    }
    Ok(chain)
}

fn validity(leaf: &CertificateDer<'_>, path: &Path) -> Result<(u64, u64), CertsError> {
    validity_unix(leaf).map_err(|_| bad_cert(path, "its first certificate is not X.509"))
}

fn check_match(
    chain: &[CertificateDer<'static>],
    signer: Arc<dyn SigningKey>,
    cert: &Path,
    key: &Path,
) -> Result<(), CertsError> {
    match CertifiedKey::new(chain.to_vec(), signer).keys_match() {
        Ok(()) => Ok(()),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(CertsError::KeyMismatch { cert: cert.to_owned(), key: key.to_owned(), remedy: MATCH })
        }
        Err(error) => Err(bad_cert(cert, &error.to_string())),
    }
}

/// DER as PEM.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(label, der), config)
}

fn bad_cert(path: &Path, reason: &str) -> CertsError {
    CertsError::BadCertificate { path: path.to_owned(), reason: reason.to_owned(), remedy: RENEW }
}
