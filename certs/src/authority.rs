//! The private authority of one relay.

use std::{
    fmt,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use time::OffsetDateTime;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    CertsError, Pin,
    files::{self, Access},
    server::encode,
    x509::Parsed,
};

/// The authority's certificate, for `--ca` and for a browser's trust store. Public.
pub const CA_CERT_FILE: &str = "ca.pem";
/// The authority's key. Whoever has it can pose as the relay.
pub const CA_KEY_FILE: &str = "ca.key";

/// Seconds in a day.
pub(crate) const DAY: u64 = 24 * 60 * 60;
/// How long the authority's certificate lives: ten years. Clients hold on to its key, not its dates.
const CA_LIFETIME: Duration = Duration::from_secs(3650 * DAY);
/// When the authority's certificate is issued anew, with the same key and so the same pin: a year before its
/// end, so that it outlives every leaf.
const CA_RENEWAL: Duration = Duration::from_secs(365 * DAY);
/// How far back certificates are dated: an hour, because clients' clocks run late.
const BACKDATE: Duration = Duration::from_secs(60 * 60);

const RESTORE_KEY: &str = "restore it from a backup, or move both ca.key and ca.pem away to begin a new authority (its pin \
     will differ: old invite links stop working)";
const REMAKE_CERT: &str =
    "move it away and start again: it is made anew from ca.key, and the pin stays the same";

/// A private certificate authority, kept in a directory.
pub struct Authority {
    pub(crate) key: KeyPair,
    pub(crate) certificate: CertificateDer<'static>,
    pem: String,
    pin: Pin,
}

impl Authority {
    /// Opens the authority in `dir`, or founds one if neither of its files is there.
    ///
    /// If only the key is there, as after a crash, its certificate is made anew with the same pin.
    pub fn load_or_create(dir: &Path) -> Result<Self, CertsError> {
        Self::load_or_create_at(dir, SystemTime::now())
    }

    /// What invite links carry, so that clients know this authority again.
    pub fn pin(&self) -> Pin {
        self.pin
    }

    /// The authority's certificate as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.pem
    }

    /// As whom it signs.
    pub(crate) fn issuer(&self) -> Issuer<'static, &KeyPair> {
        Issuer::new(params(self.pin), &self.key)
    }

    pub(crate) fn load_or_create_at(dir: &Path, now: SystemTime) -> Result<Self, CertsError> {
        // Two processes that found an authority at once would otherwise hold different ones.
        let _lock = files::lock(dir)?;
        let (cert_path, key_path) = (dir.join(CA_CERT_FILE), dir.join(CA_KEY_FILE));
        match (files::exists(&cert_path)?, files::exists(&key_path)?) {
            (true, false) => Err(CertsError::KeyMissing { cert: cert_path, key: key_path }),
            (false, false) => {
                let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
                // The key first: a key without a certificate can be mended, the reverse cannot.
                let der = Zeroizing::new(key.serialize_der());
                let pem = Zeroizing::new(encode("PRIVATE KEY", &der));
                files::write(&key_path, pem.as_bytes(), Access::Owner)?;
                Self::certify(key, &cert_path, now)
            }
            (false, true) => Self::certify(read_ca_key(&key_path)?, &cert_path, now),
            (true, true) => Self::load(read_ca_key(&key_path)?, &cert_path, &key_path, now),
        }
    }

    fn load(key: KeyPair, cert_path: &Path, key_path: &Path, now: SystemTime) -> Result<Self, CertsError> {
        let bad = |reason: String| CertsError::BadCertificate {
            path: cert_path.to_owned(),
            reason,
            remedy: REMAKE_CERT,
        };
        let pem = String::from_utf8(files::read(cert_path)?).map_err(|_| bad("it is not text".to_owned()))?;
        let certificate =
            CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| bad(error.to_string()))?;
        let parsed = Parsed::of(&certificate).ok_or_else(|| bad("it is not X.509".to_owned()))?;
        let spki = key.subject_public_key_info();
        if parsed.spki().as_deref() != Some(&spki) {
            let (cert, key) = (cert_path.to_owned(), key_path.to_owned());
            return Err(CertsError::KeyMismatch { cert, key, remedy: REMAKE_CERT });
        }
        if !parsed.is_ca() {
            return Err(bad("it is not an authority's".to_owned()));
        }
        if !parsed.is_signed_by(&parsed) {
            return Err(bad("its signature is wrong".to_owned()));
        }
        let pin = Pin::of_spki(&spki);
        let (_, not_after) = parsed.validity_unix();
        let renewal = unix(now)?.saturating_add(CA_RENEWAL.as_secs());
        // Under another name than leaves name as their issuer it would vouch for none of them.
        if not_after < renewal || parsed.subject() != format!("CN={}", name(pin)) {
            return Self::certify(key, cert_path, now);
        }
        Ok(Self { key, certificate, pem, pin })
    }

    /// Issues the authority's own certificate and writes it.
    fn certify(key: KeyPair, cert_path: &Path, now: SystemTime) -> Result<Self, CertsError> {
        let pin = Pin::of_spki(&key.subject_public_key_info());
        let mut params = params(pin);
        (params.not_before, params.not_after) = validity(now, CA_LIFETIME)?;
        let certificate = params.self_signed(&key)?;
        let pem = encode("CERTIFICATE", certificate.der());
        files::write(cert_path, pem.as_bytes(), Access::Everyone)?;
        Ok(Self { key, certificate: certificate.into(), pem, pin })
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("pin", &self.pin).finish_non_exhaustive()
    }
}

fn read_ca_key(path: &Path) -> Result<KeyPair, CertsError> {
    let pem = files::read_key(path, files::OTHERS_AND_GROUP)?;
    let bad = |reason: String| CertsError::BadKey { path: path.to_owned(), reason, remedy: RESTORE_KEY };
    // The parser's own words could quote the file.
    let mut der =
        PrivateKeyDer::from_pem_slice(&pem).map_err(|_| bad("it holds no PEM private key".to_owned()))?;
    let key = KeyPair::try_from(&der).map_err(|_| bad("its key cannot be read".to_owned()));
    der.zeroize();
    key
}

/// What its certificate says beside key and dates.
fn params(pin: Pin) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name(pin));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// A name of its own, because trust stores file authorities by name. Only the key decides it, so a certificate that is
/// made anew can stand in for the old one.
fn name(pin: Pin) -> String {
    let digits: String = pin.as_bytes().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("Schat relay authority {digits}")
}

pub(crate) fn common_name(name: String) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

pub(crate) fn validity(
    now: SystemTime,
    lifetime: Duration,
) -> Result<(OffsetDateTime, OffsetDateTime), CertsError> {
    let not_before = now.checked_sub(BACKDATE).ok_or(CertsError::Clock)?;
    let not_after = now.checked_add(lifetime).ok_or(CertsError::Clock)?;
    Ok((offset(not_before)?, offset(not_after)?))
}

fn offset(time: SystemTime) -> Result<OffsetDateTime, CertsError> {
    let seconds = i64::try_from(unix(time)?).map_err(|_| CertsError::Clock)?;
    // X.509 knows years up to 9999, and so does `time`.
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| CertsError::Clock)
}

fn unix(time: SystemTime) -> Result<u64, CertsError> {
    Ok(time.duration_since(UNIX_EPOCH).map_err(|_| CertsError::Clock)?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_another_name_is_made_anew_and_its_leaves_chain_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let founded = Authority::load_or_create(dir.path()).unwrap();
        let mut foreign = params(founded.pin());
        foreign.distinguished_name = common_name("Another program's authority".to_owned());
        (foreign.not_before, foreign.not_after) = validity(SystemTime::now(), CA_LIFETIME).unwrap();
        let foreign = foreign.self_signed(&founded.key).unwrap();
        std::fs::write(dir.path().join(CA_CERT_FILE), encode("CERTIFICATE", foreign.der())).unwrap();
        let loaded = Authority::load_or_create(dir.path()).unwrap();
        assert_eq!(loaded.pin(), founded.pin());
        let chain = loaded.leaf(&["localhost".to_owned()]).unwrap().chain;
        let [leaf, authority] = &chain[..] else { panic!("{} certificates", chain.len()) };
        let (_, leaf) = x509_parser::parse_x509_certificate(leaf).unwrap();
        let (_, authority) = x509_parser::parse_x509_certificate(authority).unwrap();
        assert_eq!(leaf.issuer(), authority.subject());
        leaf.verify_signature(Some(authority.public_key())).unwrap();
    }

    #[test]
    fn an_ageing_certificate_is_renewed_and_keeps_its_pin_and_name() {
        let dir = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let founded = Authority::load_or_create_at(dir.path(), now).unwrap();
        let still_young =
            Authority::load_or_create_at(dir.path(), now + CA_LIFETIME - 2 * CA_RENEWAL).unwrap();
        assert_eq!(founded.ca_pem(), still_young.ca_pem());
        let renewed = Authority::load_or_create_at(dir.path(), now + CA_LIFETIME).unwrap();
        assert_ne!(founded.ca_pem(), renewed.ca_pem());
        assert_eq!(founded.pin(), renewed.pin());
        let subject = |authority: &Authority| {
            let (_, parsed) = x509_parser::parse_x509_certificate(&authority.certificate).unwrap();
            parsed.subject().to_string()
        };
        assert_eq!(subject(&founded), subject(&renewed));
    }

    #[test]
    fn a_clock_that_no_certificate_can_write_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        // The last second of 9999, and an authority's life before it.
        let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799) - CA_LIFETIME;
        let second = Duration::from_secs(1);
        for clock in [UNIX_EPOCH, UNIX_EPOCH + BACKDATE - second, last + second] {
            assert!(matches!(Authority::load_or_create_at(dir.path(), clock), Err(CertsError::Clock)));
        }
        for clock in [UNIX_EPOCH + BACKDATE, last] {
            let dir = tempfile::tempdir().unwrap();
            let authority = Authority::load_or_create_at(dir.path(), clock).unwrap();
            authority.leaf_at(&["localhost".to_owned()], Duration::from_secs(DAY), clock).unwrap();
        }
    }
}
