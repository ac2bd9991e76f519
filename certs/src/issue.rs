//! What an authority signs: the relay's own leaves, and vouchers for keys that another authority certified.

use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
    SignatureAlgorithm,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use zeroize::Zeroize;

use crate::{
    Authority, CertsError, ServerCertificate,
    authority::{DAY, common_name, validity},
    name::parse_name,
    x509::Parsed,
};

/// How long a leaf lives: 30 days. A stolen leaf is of use for at most so long, and a relay that renews
/// at half of it has fifteen days to notice that it cannot.
pub const LEAF_LIFETIME: Duration = Duration::from_secs(30 * DAY);
/// The most names in one leaf. A hundred keep the certificate near 4 KB; the handshake should stay within few
/// packets.
pub const MAX_NAMES: usize = 100;

impl Authority {
    /// A fresh key and a certificate for it, valid for `names` (DNS names, IP addresses) for [`LEAF_LIFETIME`].
    pub fn leaf(&self, names: &[String]) -> Result<ServerCertificate, CertsError> {
        self.leaf_for(names, LEAF_LIFETIME)
    }

    /// The same for another time than [`LEAF_LIFETIME`].
    pub fn leaf_for(&self, names: &[String], lifetime: Duration) -> Result<ServerCertificate, CertsError> {
        self.leaf_at(names, lifetime, SystemTime::now())
    }

    /// The certificate with a voucher of this authority: behind its chain stand a second certificate for the
    /// leaf's key, signed by this authority, and the authority's own. So a client that pins this authority
    /// accepts what another authority certified, and the others take no notice.
    ///
    /// The voucher lives for `lifetime` from now, whatever the leaf's dates are: for these clients the pin decides
    /// alone.
    pub fn vouch(
        &self,
        mut certificate: ServerCertificate,
        names: &[String],
        lifetime: Duration,
    ) -> Result<ServerCertificate, CertsError> {
        let leaf = certificate.chain.first().ok_or(CertsError::Malformed)?;
        let key = PublicKey::of(&Parsed::of(leaf).ok_or(CertsError::Malformed)?)?;
        let (voucher, ..) = self.sign(&key, names, lifetime, SystemTime::now())?;
        certificate.chain.extend([voucher, self.certificate.clone()]);
        Ok(certificate)
    }

    pub(crate) fn leaf_at(
        &self,
        names: &[String],
        lifetime: Duration,
        now: SystemTime,
    ) -> Result<ServerCertificate, CertsError> {
        let mut key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let (leaf, not_before_unix, not_after_unix) = self.sign(&key, names, lifetime, now)?;
        let key_der = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        key.zeroize();
        Ok(ServerCertificate {
            chain: vec![leaf, self.certificate.clone()],
            key: key_der,
            not_before_unix,
            not_after_unix,
        })
    }

    /// A certificate for `key`, with its first and last moment.
    fn sign(
        &self,
        key: &impl PublicKeyData,
        names: &[String],
        lifetime: Duration,
        now: SystemTime,
    ) -> Result<(CertificateDer<'static>, u64, u64), CertsError> {
        let (not_before, not_after) = validity(now, lifetime)?;
        let mut params = CertificateParams::default();
        (params.not_before, params.not_after) = (not_before, not_after);
        params.distinguished_name = common_name("Schat relay".to_owned());
        params.subject_alt_names = subject_names(names)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(key, &self.issuer())?;
        let unix =
            |time: time::OffsetDateTime| u64::try_from(time.unix_timestamp()).map_err(|_| CertsError::Clock);
        Ok((certificate.into(), unix(not_before)?, unix(not_after)?))
    }
}

/// A key that another authority certified.
struct PublicKey {
    algorithm: &'static SignatureAlgorithm,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// The key of a certificate, if it is of a kind that servers have.
    fn of(certificate: &Parsed) -> Result<Self, CertsError> {
        const KINDS: [&SignatureAlgorithm; 5] = [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ECDSA_P521_SHA512,
            &rcgen::PKCS_ED25519,
            &rcgen::PKCS_RSA_SHA256,
        ];
        let bytes = certificate.key().ok_or(CertsError::Malformed)?;
        let spki = certificate.spki();
        KINDS
            .into_iter()
            .map(|algorithm| Self { algorithm, bytes: bytes.to_vec() })
            .find(|key| spki.as_deref() == Some(&key.subject_public_key_info()))
            .ok_or(CertsError::Generate(rcgen::Error::UnsupportedSignatureAlgorithm))
    }
}

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

fn subject_names(names: &[String]) -> Result<Vec<SanType>, CertsError> {
    if names.is_empty() {
        return Err(CertsError::NoName);
    }
    if names.len() > MAX_NAMES {
        return Err(CertsError::TooManyNames { limit: MAX_NAMES });
    }
    let mut subjects = Vec::with_capacity(names.len());
    for name in names {
        let subject = match parse_name(name)? {
            ServerName::IpAddress(address) => SanType::IpAddress(address.into()),
            other => SanType::DnsName(other.to_str().as_ref().try_into()?),
        };
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    Ok(subjects)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        vec!["localhost".to_owned()]
    }

    #[test]
    fn an_expired_leaf_is_not_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::load_or_create(dir.path()).unwrap();
        let long_ago = SystemTime::now() - LEAF_LIFETIME - Duration::from_secs(60);
        authority.leaf_at(&names(), LEAF_LIFETIME, long_ago).unwrap().save(dir.path()).unwrap();
        let loaded = crate::load_pem(&dir.path().join("server.pem"), &dir.path().join("server.key"));
        assert!(matches!(loaded, Err(CertsError::Expired { .. })));
    }

    #[test]
    fn a_voucher_is_for_the_key_of_the_leaf_and_no_other() {
        let (ours, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ours = Authority::load_or_create(ours.path()).unwrap();
        let public = Authority::load_or_create(other.path()).unwrap().leaf(&names()).unwrap();
        let before = public.chain.clone();
        let vouched = ours.vouch(public, &names(), LEAF_LIFETIME).unwrap();
        assert_eq!(vouched.chain[..2], before[..]);
        let pins: Vec<_> = vouched.chain.iter().map(|link| crate::pin_of(link).unwrap()).collect();
        assert_eq!(pins[2], pins[0], "the voucher names the leaf's key");
        assert_eq!(pins[3], ours.pin());
        let (_, voucher) = x509_parser::parse_x509_certificate(&vouched.chain[2]).unwrap();
        let (_, authority) = x509_parser::parse_x509_certificate(&vouched.chain[3]).unwrap();
        voucher.verify_signature(Some(authority.public_key())).unwrap();
    }
}
