//! Signatures of accounts and leaves.

/// Whether `signature` over `statement` is by `key`.
pub(crate) fn verifies(key: &[u8], statement: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (<[u8; 32]>::try_from(key), <[u8; 64]>::try_from(signature)) else {
        return false;
    };
    proto::signature::verifies(&key, statement, &signature)
}
