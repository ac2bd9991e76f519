//! Hash, HMAC (RFC 2104) and HKDF (RFC 5869) of a suite.

use hkdf::{GenericHkdfExtract, Hkdf, HmacImpl};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha384};
use zeroize::{Zeroize, Zeroizing};

use super::SuiteError;

/// The most blocks HKDF-Expand can make: its counter is one octet (RFC 5869 §2.3).
const MAX_BLOCKS: usize = 255;

/// The hash function of a suite, which also decides HMAC and HKDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
}

impl Hash {
    /// `Nh` in octets.
    pub(super) const fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    /// The HPKE KDF identifier, RFC 9180 §7.2.
    pub(super) const fn kdf_id(self) -> u16 {
        match self {
            Self::Sha256 => 0x0001,
            Self::Sha384 => 0x0002,
        }
    }

    pub(super) fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(data).to_vec(),
            Self::Sha384 => Sha384::digest(data).to_vec(),
        }
    }

    pub(super) fn mac(self, key: &[u8], data: &[u8]) -> Result<Vec<u8>, SuiteError> {
        match self {
            Self::Sha256 => mac::<Hmac<Sha256>>(key, data),
            Self::Sha384 => mac::<Hmac<Sha384>>(key, data),
        }
    }

    /// HKDF-Extract over the concatenation of `ikm`, which is never copied into one buffer.
    pub(super) fn extract(self, salt: &[u8], ikm: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Sha256 => extract::<Hmac<Sha256>>(salt, ikm),
            Self::Sha384 => extract::<Hmac<Sha384>>(salt, ikm),
        }
    }

    /// HKDF-Expand over the concatenation of `info`. The length is checked before anything is allocated.
    pub(super) fn expand(
        self,
        prk: &[u8],
        info: &[&[u8]],
        len: usize,
    ) -> Result<Zeroizing<Vec<u8>>, SuiteError> {
        if len > MAX_BLOCKS * self.size() {
            return Err(SuiteError::Length);
        }
        let mut okm = Zeroizing::new(vec![0; len]);
        match self {
            Self::Sha256 => Hkdf::<Sha256>::from_prk(prk)
                .map_err(|_| SuiteError::Length)?
                .expand_multi_info(info, &mut okm),
            Self::Sha384 => Hkdf::<Sha384>::from_prk(prk)
                .map_err(|_| SuiteError::Length)?
                .expand_multi_info(info, &mut okm),
        }
        .map_err(|_| SuiteError::Length)?;
        Ok(okm)
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Result<Vec<u8>, SuiteError> {
    let mut mac = <M as KeyInit>::new_from_slice(key).map_err(|_| SuiteError::Length)?;
    mac.update(data);
    Ok(mac.finalize().into_bytes().to_vec())
}

fn extract<H: HmacImpl>(salt: &[u8], ikm: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut context = GenericHkdfExtract::<H>::new(Some(salt));
    for part in ikm {
        context.input_ikm(part);
    }
    let (mut prk, _) = context.finalize();
    let out = Zeroizing::new(prk.to_vec());
    prk.as_mut_slice().zeroize();
    out
}
