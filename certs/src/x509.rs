//! Certificates, read: the one place where X.509 is parsed and signatures of certificates are checked.

use rustls::{
    crypto::{WebPkiSupportedAlgorithms, aws_lc_rs},
    pki_types::CertificateDer,
};
use x509_cert::{
    Certificate,
    der::{Decode, Encode},
    ext::pkix::BasicConstraints,
};

/// A certificate whose form is right. Nothing that it says is checked.
pub(crate) struct Parsed(Certificate);

impl Parsed {
    /// `None` if it is no certificate. Bytes after it are as wrong as bytes missing from it.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        Certificate::from_der(certificate).ok().map(Self)
    }

    /// The SubjectPublicKeyInfo, in DER.
    pub(crate) fn spki(&self) -> Option<Vec<u8>> {
        self.0.tbs_certificate().subject_public_key_info().to_der().ok()
    }

    /// The key itself, as it stands in the SubjectPublicKeyInfo.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        self.0.tbs_certificate().subject_public_key_info().subject_public_key.as_bytes()
    }

    /// Whose it is, as `CN=…`.
    pub(crate) fn subject(&self) -> String {
        self.0.tbs_certificate().subject().to_string()
    }

    /// The first and the last moment, in seconds since 1970.
    pub(crate) fn validity_unix(&self) -> (u64, u64) {
        let validity = self.0.tbs_certificate().validity();
        (validity.not_before.to_unix_duration().as_secs(), validity.not_after.to_unix_duration().as_secs())
    }

    /// It says that it is an authority's.
    pub(crate) fn is_ca(&self) -> bool {
        let found = self.0.tbs_certificate().get_extension::<BasicConstraints>();
        matches!(found, Ok(Some((_, constraints))) if constraints.ca)
    }

    /// Whether this key made its signature, by one of the algorithms that TLS takes.
    pub(crate) fn is_signed_by(&self, issuer: &Self) -> bool {
        let algorithm =
            (self.0.signature_algorithm().to_der(), self.0.tbs_certificate().signature().to_der());
        let (Ok(algorithm), Ok(stated)) = algorithm else { return false };
        let key = &issuer.0.tbs_certificate().subject_public_key_info();
        let (Ok(kind), Some(key)) = (key.algorithm.to_der(), key.subject_public_key.as_bytes()) else {
            return false;
        };
        let (Ok(signed), Some(signature)) =
            (self.0.tbs_certificate().to_der(), self.0.signature().as_bytes())
        else {
            return false;
        };
        let WebPkiSupportedAlgorithms { all, .. } =
            aws_lc_rs::default_provider().signature_verification_algorithms;
        algorithm == stated
            && all.iter().any(|known| {
                is_sequence_of(&algorithm, known.signature_alg_id().as_ref())
                    && is_sequence_of(&kind, known.public_key_alg_id().as_ref())
                    && known.verify_signature(key, &signed, signature).is_ok()
            })
    }
}

/// An AlgorithmIdentifier with the header that rustls leaves off; its body is short.
fn is_sequence_of(identifier: &[u8], body: &[u8]) -> bool {
    match identifier {
        [0x30, length, rest @ ..] => usize::from(*length) == body.len() && rest == body,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, RsaKeySize};

    use super::*;
    use crate::{Authority, LEAF_LIFETIME, ServerCertificate, is_self_signed, is_vouched_by, pin_of};

    /// A certificate of another authority for each kind of key.
    fn of_each_kind() -> Vec<(CertificateDer<'static>, KeyPair)> {
        let kinds = [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ECDSA_P521_SHA512,
            &rcgen::PKCS_ED25519,
        ];
        let mut keys: Vec<_> = kinds.map(|kind| KeyPair::generate_for(kind).unwrap()).into();
        keys.push(KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap());
        let params = CertificateParams::new(vec!["chat.example.org".to_owned()]).unwrap();
        keys.into_iter().map(|key| (params.self_signed(&key).unwrap().into(), key)).collect()
    }

    #[test]
    fn keys_of_all_kinds_are_read_as_another_parser_reads_them_and_vouched_for() {
        let dir = tempfile::tempdir().unwrap();
        let ours = Authority::load_or_create(dir.path()).unwrap();
        for (certificate, key) in of_each_kind() {
            let (_, other) = x509_parser::parse_x509_certificate(&certificate).unwrap();
            let parsed = Parsed::of(&certificate).unwrap();
            assert_eq!(parsed.spki().as_deref(), Some(other.public_key().raw));
            let validity = other.validity();
            let dates = (validity.not_before.timestamp(), validity.not_after.timestamp());
            assert_eq!(parsed.validity_unix(), (dates.0.try_into().unwrap(), dates.1.try_into().unwrap()));
            assert_eq!((parsed.is_ca(), parsed.subject()), (other.is_ca(), other.subject().to_string()));
            assert!(is_self_signed(&certificate), "{:?}", key.algorithm());
            let key = rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
            let theirs =
                ServerCertificate { chain: vec![certificate], key, not_before_unix: 0, not_after_unix: 0 };
            let vouched = ours.vouch(theirs, &["chat.example.org".to_owned()], LEAF_LIFETIME).unwrap().chain;
            assert_eq!(pin_of(&vouched[1]).unwrap(), pin_of(&vouched[0]).unwrap());
            assert!(is_vouched_by(&vouched, ours.pin()));
        }
    }

    #[test]
    fn certificate_of_which_any_byte_was_changed_is_not_signed() {
        for (certificate, _) in of_each_kind() {
            for at in 0..certificate.len() {
                let mut changed = certificate.to_vec();
                changed[at] ^= 1;
                assert!(!is_self_signed(&changed.into()), "byte {at}");
            }
        }
    }
}
