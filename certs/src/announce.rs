//! Leaves for browsers, which know a certificate by its hash alone, and the authority's word for these hashes: so a page
//! that holds a pin needs no X.509.

use std::time::{Duration, SystemTime};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use rcgen::PublicKeyData as _;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{Authority, CertsError, ServerCertificate, authority::DAY};

/// How long a leaf for browsers lives: they take no certificate by its hash that lives over 14 days, and an hour of that is
/// before it is shown.
pub const BROWSER_LEAF_LIFETIME: Duration = Duration::from_secs(13 * DAY);

/// Domain separation. What the authority signs elsewhere is X.509, which begins with another byte.
const CONTEXT: &[u8] = b"schat/2 leaves";

/// A leaf as browsers know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrowserLeaf {
    /// SHA-256 of the certificate.
    pub sha256: [u8; 32],
    /// Its first moment, in seconds since 1970.
    pub not_before: u64,
    /// Its last moment.
    pub not_after: u64,
}

/// Which leaves are the relay's, in its authority's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// When it was said, in seconds since 1970.
    pub issued: u64,
    /// What is shown now, and what will be.
    pub leaves: Vec<BrowserLeaf>,
    /// The authority's SubjectPublicKeyInfo, in DER: its hash is the pin.
    pub authority: Vec<u8>,
    /// ECDSA on P-256 with SHA-256, r ‖ s, as browsers check it.
    pub signature: Vec<u8>,
}

impl BrowserLeaf {
    /// Of a certificate.
    ///
    /// # Errors
    /// [`CertsError::Malformed`] if it has none.
    pub fn of(certificate: &ServerCertificate) -> Result<Self, CertsError> {
        let leaf = certificate.chain.first().ok_or(CertsError::Malformed)?;
        let (not_before, not_after) = (certificate.not_before_unix, certificate.not_after_unix);
        Ok(Self { sha256: leaf_hash(leaf), not_before, not_after })
    }
}

/// By what a browser knows a certificate.
pub fn leaf_hash(leaf: &CertificateDer<'_>) -> [u8; 32] {
    Sha256::digest(leaf).into()
}

impl Authority {
    /// A leaf for browsers, whose life begins then.
    ///
    /// # Errors
    /// As [`Authority::leaf_for`].
    pub fn browser_leaf(
        &self,
        names: &[String],
        begins: SystemTime,
    ) -> Result<ServerCertificate, CertsError> {
        self.leaf_at(names, BROWSER_LEAF_LIFETIME, begins)
    }

    /// Says that these leaves are the relay's.
    ///
    /// # Errors
    /// [`CertsError`] if there is no signature.
    pub fn announce(&self, issued: u64, leaves: Vec<BrowserLeaf>) -> Result<Announcement, CertsError> {
        let der = Zeroizing::new(self.key.serialize_der());
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der);
        let key = key.map_err(|_| CertsError::Malformed)?;
        let signature = key.sign(&SystemRandom::new(), &statement(issued, &leaves));
        let signature = signature.map_err(|_| CertsError::Malformed)?.as_ref().to_vec();
        Ok(Announcement { issued, leaves, authority: self.key.subject_public_key_info(), signature })
    }
}

/// What is signed: the context ‖ issued ‖ hash, first and last moment of each leaf.
fn statement(issued: u64, leaves: &[BrowserLeaf]) -> Vec<u8> {
    let mut bytes = [CONTEXT, &issued.to_be_bytes()].concat();
    for leaf in leaves {
        bytes.extend(leaf.sha256);
        bytes.extend(leaf.not_before.to_be_bytes());
        bytes.extend(leaf.not_after.to_be_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;
    use crate::Pin;

    fn is_genuine(said: &Announcement) -> bool {
        // The point is what the SubjectPublicKeyInfo ends with.
        let point = &said.authority[said.authority.len() - 65..];
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        key.verify(&statement(said.issued, &said.leaves), &said.signature).is_ok()
    }

    #[test]
    fn whoever_holds_the_pin_checks_the_leaves_and_no_other_leaf_passes() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::load_or_create(dir.path()).unwrap();
        let names = ["localhost".to_owned()];
        let leaf = authority.browser_leaf(&names, SystemTime::now()).unwrap();
        let leaf = BrowserLeaf::of(&leaf).unwrap();
        let other = BrowserLeaf { sha256: [7; 32], ..leaf };
        let said = authority.announce(1_700_000_000, vec![leaf, other]).unwrap();
        assert!(is_genuine(&said) && said.signature.len() == 64);
        assert_eq!(Pin::from(<[u8; 32]>::from(Sha256::digest(&said.authority))), authority.pin());
        for changed in [
            Announcement { issued: 1, ..said.clone() },
            Announcement { leaves: vec![leaf], ..said.clone() },
            Announcement { leaves: vec![other, leaf], ..said.clone() },
            Announcement { leaves: vec![leaf, BrowserLeaf { sha256: [8; 32], ..leaf }], ..said.clone() },
            Announcement {
                leaves: vec![BrowserLeaf { not_after: leaf.not_after + 1, ..leaf }, other],
                ..said
            },
        ] {
            assert!(!is_genuine(&changed), "{changed:?}");
        }
    }

    #[test]
    fn leaf_lives_no_longer_than_browsers_let_it() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::load_or_create(dir.path()).unwrap();
        let later = SystemTime::now() + Duration::from_secs(6 * DAY);
        let leaf = authority.browser_leaf(&["localhost".to_owned()], later).unwrap();
        let (first, last) = crate::validity_unix(&leaf.chain[0]).unwrap();
        assert!(last - first <= 14 * DAY, "{}", last - first);
        assert_eq!((first, last), (leaf.not_before_unix, leaf.not_after_unix));
    }
}
