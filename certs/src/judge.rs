//! What somebody who holds a pin, or only looks, makes of a chain.

use rustls::{
    client::verify_server_name,
    pki_types::{CertificateDer, UnixTime},
    server::ParsedCertificate,
};

use crate::{CertsError, Pin, name::parse_name, pin_of, x509::Parsed};

/// Whether a client that pins this private authority accepts the chain (leaf first) today: the authority is in it,
/// and signed the leaf, or a voucher for the leaf's key ([`Authority::vouch`](crate::Authority::vouch)).
pub fn is_vouched_by(chain: &[CertificateDer<'_>], pin: Pin) -> bool {
    let Some(key) = chain.first().and_then(|leaf| pin_of(leaf).ok()) else { return false };
    let authority = chain.iter().find(|certificate| {
        pin_of(certificate).is_ok_and(|found| found == pin) && crate::is_self_signed(certificate)
    });
    let Some(authority) = authority.and_then(Parsed::of) else { return false };
    let now = UnixTime::now().as_secs();
    let is_signed = |certificate: &CertificateDer<'_>| {
        Parsed::of(certificate).is_some_and(|parsed| {
            let (first, last) = parsed.validity_unix();
            (first..=last).contains(&now) && parsed.is_signed_by(&authority)
        })
    };
    let for_our_key = chain.iter().filter(|certificate| pin_of(certificate).is_ok_and(|found| found == key));
    authority.is_ca() && for_our_key.into_iter().any(is_signed)
}

/// Whether a certificate is for this name or address, as a browser looks at it. Nothing else of it is checked.
pub fn is_for(certificate: &CertificateDer<'_>, name: &str) -> bool {
    let Ok(name) = parse_name(name) else { return false };
    ParsedCertificate::try_from(certificate).is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
}

/// The first and the last moment of a certificate, in seconds since 1970.
///
/// # Errors
/// [`CertsError::Malformed`].
pub fn validity_unix(certificate: &CertificateDer<'_>) -> Result<(u64, u64), CertsError> {
    Parsed::of(certificate).map(|parsed| parsed.validity_unix()).ok_or(CertsError::Malformed)
}

/// The last moment of a certificate, in seconds since 1970.
///
/// # Errors
/// [`CertsError::Malformed`].
pub fn not_after_unix(certificate: &CertificateDer<'_>) -> Result<u64, CertsError> {
    validity_unix(certificate).map(|(_, last)| last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Authority, LEAF_LIFETIME};

    #[test]
    fn pin_vouches_for_its_own_leaves_and_vouchers_and_for_nothing_else() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ours = Authority::load_or_create(a.path()).unwrap();
        let other = Authority::load_or_create(b.path()).unwrap();
        let names = ["localhost".to_owned()];
        assert!(is_vouched_by(&ours.leaf(&names).unwrap().chain, ours.pin()));
        let theirs = other.leaf(&names).unwrap();
        assert!(!is_vouched_by(&theirs.chain, ours.pin()));
        let vouched = ours.vouch(theirs, &names, LEAF_LIFETIME).unwrap().chain;
        assert!(is_vouched_by(&vouched, ours.pin()));
        // The authority beside a leaf that it did not sign is nothing.
        let beside =
            vec![other.leaf(&names).unwrap().chain[0].clone(), vouched[2].clone(), vouched[3].clone()];
        assert!(!is_vouched_by(&beside, ours.pin()));
        assert!(!is_vouched_by(&[], ours.pin()));
        // Nor is one that has expired.
        let long_ago = std::time::SystemTime::now() - 2 * LEAF_LIFETIME;
        let expired = ours.leaf_at(&names, LEAF_LIFETIME, long_ago).unwrap();
        assert!(!is_vouched_by(&expired.chain, ours.pin()));
    }

    #[test]
    fn a_leaf_is_for_its_own_names_and_addresses_alone() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::load_or_create(dir.path()).unwrap();
        let names = ["chat.example.org", "127.0.0.1", "::1"].map(str::to_owned);
        let leaf = authority.leaf(&names).unwrap().chain.swap_remove(0);
        for (name, wanted) in [
            ("chat.example.org", true),
            ("CHAT.example.org", true),
            ("127.0.0.1", true),
            ("::1", true),
            ("0:0::1", true),
            ("other.example.org", false),
            ("chat.example.org.evil.example", false),
            ("example.org", false),
            ("127.0.0.2", false),
            ("127.0.0.1:443", false),
            ("[::1]", false),
            ("", false),
            ("a b", false),
        ] {
            assert_eq!(is_for(&leaf, name), wanted, "{name}");
        }
        assert!(!is_for(&CertificateDer::from(b"nonsense".to_vec()), "chat.example.org"));
    }
}
