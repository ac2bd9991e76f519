//! That an account has another key than before: a statement that proves itself.

use super::{
    fingerprint::{Fingerprint, Next},
    signature::verifies,
};
use crate::content;

/// Domain separation.
const CHANGE_CONTEXT: &[u8] = b"schat/2 key change";

/// The account has another key than before, by the word of its recovery key. Says the same wherever it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    pub(super) old_key: [u8; 32],
    pub(super) recovery_key: [u8; 32],
    pub(super) recovery_signature: [u8; 64],
    pub(super) signature: [u8; 64],
}

impl KeyChange {
    /// The account that it was before.
    pub fn old(&self) -> Fingerprint {
        Fingerprint::of(&self.old_key, &Next::of(&self.recovery_key))
    }

    /// Whether this gave the account its present key and recovery key: both keys say so.
    pub(crate) fn gives(&self, account_key: &[u8; 32], next: &Next) -> bool {
        let statement = statement(&self.old(), account_key, next);
        self.old_key != *account_key
            && verifies(&self.recovery_key, &statement, &self.recovery_signature)
            && verifies(account_key, &statement, &self.signature)
    }
}

impl From<&KeyChange> for content::KeyChange {
    fn from(change: &KeyChange) -> Self {
        Self {
            old_key: change.old_key.to_vec().into(),
            recovery_key: change.recovery_key.to_vec().into(),
            recovery_signature: change.recovery_signature.to_vec().into(),
            signature: change.signature.to_vec().into(),
        }
    }
}

/// A change whose parts have their sizes; what it says is not verified.
impl TryFrom<&content::KeyChange> for KeyChange {
    type Error = std::array::TryFromSliceError;

    fn try_from(change: &content::KeyChange) -> Result<Self, Self::Error> {
        Ok(Self {
            old_key: (&*change.old_key).try_into()?,
            recovery_key: (&*change.recovery_key).try_into()?,
            recovery_signature: (&*change.recovery_signature).try_into()?,
            signature: (&*change.signature).try_into()?,
        })
    }
}

/// What both keys sign.
pub(super) fn statement(old: &Fingerprint, account_key: &[u8; 32], next: &Next) -> Vec<u8> {
    [CHANGE_CONTEXT, &old.0, account_key, &next.0].concat()
}
