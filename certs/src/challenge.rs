//! Answers to a certificate authority that looks whether a name is ours.

use std::time::SystemTime;

use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use zeroize::Zeroize;

use crate::{CertsError, ServerCertificate, issue::LEAF_LIFETIME};

/// Bytes of the proof: those of a SHA-256.
const PROOF: usize = 32;

/// The self-signed certificate of TLS-ALPN-01 for `name` (RFC 8737, section 3). `proof` is the SHA-256 of the key
/// authorization.
pub fn challenge(name: &str, proof: &[u8]) -> Result<ServerCertificate, CertsError> {
    // The library panics at another length.
    if proof.len() != PROOF {
        return Err(CertsError::Malformed);
    }
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    let (not_before, not_after) = crate::authority::validity(SystemTime::now(), LEAF_LIFETIME)?;
    (params.not_before, params.not_after) = (not_before, not_after);
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(proof)];
    let mut key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.self_signed(&key)?;
    let key_der = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    key.zeroize();
    let unix =
        |time: time::OffsetDateTime| u64::try_from(time.unix_timestamp()).map_err(|_| CertsError::Clock);
    Ok(ServerCertificate {
        chain: vec![certificate.into()],
        key: key_der,
        not_before_unix: unix(not_before)?,
        not_after_unix: unix(not_after)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proof_is_in_a_critical_extension_and_any_other_length_is_refused() {
        let made = challenge("chat.example.org", &[7; PROOF]).unwrap();
        let (_, parsed) = x509_parser::parse_x509_certificate(&made.chain[0]).unwrap();
        let oid = x509_parser::oid_registry::Oid::from(&[1, 3, 6, 1, 5, 5, 7, 1, 31]).unwrap();
        let extension = parsed.get_extension_unique(&oid).unwrap().unwrap();
        assert!(extension.critical);
        assert_eq!(extension.value, [&[4, 32][..], &[7; PROOF]].concat());
        assert!(challenge("chat.example.org", &[7; PROOF - 1]).is_err());
    }
}
