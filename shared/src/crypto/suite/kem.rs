//! The two KEMs: DHKEM(X25519, HKDF-SHA256) of RFC 9180 §4.1 and X-Wing (draft-connolly-cfrg-xwing-kem).
//!
//! Both refuse an X25519 share of small order (RFC 7748 §6.1, RFC 9180 §7.1.4), in X-Wing as well,
//! whose draft leaves it open: there ML-KEM alone would carry the secret, and nobody honest sends one.

use std::convert::Infallible;

use mls_rs_core::crypto::{HpkePublicKey, HpkeSecretKey};
use rand_core::{TryCryptoRng, TryRng};
use shake::{ExtendableOutput, Shake256, Update, XofReader};
use x_wing::{
    Ciphertext, DecapsulationKeyRejectNonContrib, Decapsulator, Encapsulate, EncapsulationKey, KeyExport,
    TryDecapsulate,
};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize, Zeroizing};

use super::{
    SuiteError,
    hash::Hash,
    labeled::{labeled_expand, labeled_extract},
};
use crate::crypto::random::Random;

/// Octets of an X25519 key or share, of an X-Wing secret key (a seed), and of both KEMs' secrets (`Nsecret`).
const SIZE: usize = 32;

/// "KEM" ‖ the KEM id 0x0020 (RFC 9180 §4.1).
const DHKEM_SUITE_ID: &[u8] = b"KEM\x00\x20";

/// The hash in DHKEM(X25519, HKDF-SHA256), whatever the KDF of the suite around it.
const DHKEM_HASH: Hash = Hash::Sha256;

/// A shared secret.
pub(super) type Secret = Zeroizing<Vec<u8>>;

/// The KEM of a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kem {
    X25519,
    XWing,
}

impl Kem {
    /// The HPKE KEM identifier, RFC 9180 §7.1 and draft-connolly-cfrg-xwing-kem.
    pub(super) const fn id(self) -> u16 {
        match self {
            Self::X25519 => 0x0020,
            Self::XWing => 0x647A,
        }
    }

    /// `DeriveKeyPair(ikm)`. X-Wing hashes `ikm` to its seed directly and knows nothing of DHKEM's
    /// labelled `dkp_prk`.
    pub(super) fn derive(self, ikm: &[u8]) -> Result<(HpkeSecretKey, HpkePublicKey), SuiteError> {
        match self {
            Self::X25519 => {
                let prk = labeled_extract(DHKEM_HASH, DHKEM_SUITE_ID, &[], b"dkp_prk", ikm);
                let secret = labeled_expand(DHKEM_HASH, DHKEM_SUITE_ID, &prk, b"sk", &[], SIZE)?;
                self.pair(&secret)
            }
            Self::XWing => {
                let mut seed = Zeroizing::new([0; SIZE]);
                let mut shake = Shake256::default();
                shake.update(ikm);
                shake.finalize_xof().read(&mut *seed);
                self.pair(&*seed)
            }
        }
    }

    pub(super) fn generate(self, random: &Random) -> Result<(HpkeSecretKey, HpkePublicKey), SuiteError> {
        let mut secret = Zeroizing::new([0; SIZE]);
        random.fill(&mut *secret);
        self.pair(&*secret)
    }

    /// Refuses a public key that does not parse, fails the modulus check of FIPS 203 §7.2, or holds an
    /// X25519 share of small order.
    pub(super) fn validate(self, public: &[u8]) -> Result<(), SuiteError> {
        match self {
            Self::X25519 => x25519_public(public).map(drop),
            Self::XWing => xwing_public(public).map(drop),
        }
    }

    /// A fresh secret for the holder of `public`, and what carries it there.
    pub(super) fn encap(self, random: &Random, public: &[u8]) -> Result<(Secret, Vec<u8>), SuiteError> {
        match self {
            Self::X25519 => {
                let mut ephemeral = Zeroizing::new([0; SIZE]);
                random.fill(&mut *ephemeral);
                let ephemeral = x25519_secret(&*ephemeral)?;
                let enc = PublicKey::from(&ephemeral).to_bytes();
                let secret = dhkem(&ephemeral, public, &enc, public)?;
                Ok((secret, enc.to_vec()))
            }
            Self::XWing => {
                let (enc, mut secret) = xwing_public(public)?.encapsulate_with_rng(&mut Source(random));
                let out = Zeroizing::new(secret.to_vec());
                secret.as_mut_slice().zeroize();
                Ok((out, enc.to_vec()))
            }
        }
    }

    /// The secret that `enc` carries to the holder of `secret`.
    pub(super) fn decap(self, enc: &[u8], secret: &[u8], public: &[u8]) -> Result<Secret, SuiteError> {
        match self {
            Self::X25519 => dhkem(&x25519_secret(secret)?, enc, enc, public),
            Self::XWing => {
                let enc = Ciphertext::try_from(enc).map_err(|_| SuiteError::Length)?;
                let mut secret =
                    xwing_secret(secret)?.try_decapsulate(&enc).map_err(|_| SuiteError::SharedSecret)?;
                let out = Zeroizing::new(secret.to_vec());
                secret.as_mut_slice().zeroize();
                Ok(out)
            }
        }
    }

    pub(super) fn pair(self, secret: &[u8]) -> Result<(HpkeSecretKey, HpkePublicKey), SuiteError> {
        let public = match self {
            Self::X25519 => PublicKey::from(&x25519_secret(secret)?).to_bytes().to_vec(),
            Self::XWing => xwing_secret(secret)?.encapsulation_key().to_bytes().to_vec(),
        };
        Ok((secret.to_vec().into(), public.into()))
    }
}

/// X25519 that refuses an all-zero result.
pub(super) fn x25519(secret: &StaticSecret, share: &[u8]) -> Result<Secret, SuiteError> {
    let share: [u8; SIZE] = share.try_into().map_err(|_| SuiteError::PublicKey)?;
    let shared = secret.diffie_hellman(&PublicKey::from(share));
    if !shared.was_contributory() {
        return Err(SuiteError::SharedSecret);
    }
    Ok(Zeroizing::new(shared.as_bytes().to_vec()))
}

/// `ExtractAndExpand(DH(secret, share), enc ‖ pkR)`, RFC 9180 §4.1.
fn dhkem(secret: &StaticSecret, share: &[u8], enc: &[u8], recipient: &[u8]) -> Result<Secret, SuiteError> {
    let dh = x25519(secret, share)?;
    let prk = labeled_extract(DHKEM_HASH, DHKEM_SUITE_ID, &[], b"eae_prk", &dh);
    let context = [enc, recipient];
    labeled_expand(DHKEM_HASH, DHKEM_SUITE_ID, &prk, b"shared_secret", &context, SIZE)
}

fn x25519_secret(bytes: &[u8]) -> Result<StaticSecret, SuiteError> {
    let bytes: [u8; SIZE] = bytes.try_into().map_err(|_| SuiteError::Length)?;
    Ok(StaticSecret::from(bytes))
}

/// A share of small order gives zero with every clamped scalar, any other share with none, so one
/// fixed scalar tells them apart. Non-canonical shares are fine (RFC 7748 §5).
fn x25519_public(bytes: &[u8]) -> Result<(), SuiteError> {
    x25519(&StaticSecret::from([1; SIZE]), bytes).map(drop).map_err(|_| SuiteError::PublicKey)
}

fn xwing_secret(seed: &[u8]) -> Result<DecapsulationKeyRejectNonContrib, SuiteError> {
    let seed: [u8; SIZE] = seed.try_into().map_err(|_| SuiteError::Length)?;
    Ok(seed.into())
}

fn xwing_public(bytes: &[u8]) -> Result<EncapsulationKey, SuiteError> {
    let key = EncapsulationKey::try_from(bytes).map_err(|_| SuiteError::PublicKey)?;
    let (_, share) = bytes.split_last_chunk::<SIZE>().ok_or(SuiteError::PublicKey)?;
    x25519_public(share)?;
    Ok(key)
}

/// The injected source in the shape the KEM crates ask for.
struct Source<'a>(&'a Random);

impl TryRng for Source<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.0.bytes()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.0.bytes()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(out);
        Ok(())
    }
}

impl TryCryptoRng for Source<'_> {}
