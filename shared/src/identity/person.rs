//! A person as a room shows one.

use super::Fingerprint;

/// Who said or did something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Person {
    /// Display name, chosen by the person; control characters are already refused.
    pub name: String,
    /// The account key's fingerprint: this tells people apart.
    pub fingerprint: Fingerprint,
}
