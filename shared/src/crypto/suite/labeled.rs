//! The labelled key derivation that HPKE and its KEMs share (RFC 9180 §4).

use zeroize::Zeroizing;

use super::{SuiteError, hash::Hash};

/// The prefix of every label (RFC 9180 §4).
const VERSION: &[u8] = b"HPKE-v1";

/// `LabeledExtract`, RFC 9180 §4.
pub(super) fn labeled_extract(
    hash: Hash,
    suite_id: &[u8],
    salt: &[u8],
    label: &[u8],
    ikm: &[u8],
) -> Zeroizing<Vec<u8>> {
    hash.extract(salt, &[VERSION, suite_id, label, ikm])
}

/// `LabeledExpand`, RFC 9180 §4, over the concatenation of two `info` parts at most.
pub(super) fn labeled_expand(
    hash: Hash,
    suite_id: &[u8],
    prk: &[u8],
    label: &[u8],
    info: &[&[u8]],
    len: usize,
) -> Result<Zeroizing<Vec<u8>>, SuiteError> {
    let length = u16::try_from(len).map_err(|_| SuiteError::Length)?.to_be_bytes();
    let mut parts = vec![&length, VERSION, suite_id, label];
    parts.extend_from_slice(info);
    hash.expand(prk, &parts, len)
}
