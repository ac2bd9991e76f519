//! The account: one Ed25519 key that stands for a person, and the hash of the key that may replace it.

use std::fmt;

use ed25519_dalek::{Signer, SigningKey};
use prost::Message as _;
use zeroize::Zeroizing;

use super::{
    change::KeyChange,
    fingerprint::{Fingerprint, Next},
};
use crate::{canonical, content, crypto::random::Random};

/// Bytes that an account takes in storage, at most: so that its secret is never copied by a buffer that grows.
const STORED_MOST: usize = 512;

/// A person's account: its key (RFC 8032), which certifies the leaf keys of devices and signs invites and their cards, and
/// the hash of the recovery key that may give it another one.
pub struct Identity {
    key: SigningKey,
    next: Next,
    change: Option<KeyChange>,
}

impl Identity {
    /// A fresh account, which this recovery key may give another key.
    pub fn generate(random: &Random, next: Next) -> Self {
        Self::new(&Zeroizing::new(random.bytes()), next)
    }

    /// The account whose secret key `secret` is.
    pub fn new(secret: &[u8; 32], next: Next) -> Self {
        Self { key: SigningKey::from_bytes(secret), next, change: None }
    }

    /// The account of a key that nothing replaces.
    pub fn without_recovery(secret: &[u8; 32]) -> Self {
        Self::new(secret, Next::NONE)
    }

    /// The same as what another account became. None when the change did not make it this one.
    pub fn with_change(self, change: KeyChange) -> Option<Self> {
        let is_ours = change.gives(&self.public_key(), &self.next);
        is_ours.then_some(Self { change: Some(change), ..self })
    }

    /// All of it, for storage: secret.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(STORED_MOST));
        bytes.extend_from_slice(&*Zeroizing::new(self.key.to_bytes()));
        bytes.extend_from_slice(&self.next.0);
        if let Some(change) = &self.change {
            bytes.extend(content::KeyChange::from(change).encode_to_vec());
        }
        bytes
    }

    /// What [`Identity::to_bytes`] gave. None for anything else.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (secret, rest) = bytes.split_first_chunk()?;
        let (next, rest) = rest.split_first_chunk()?;
        let account = Self::new(secret, Next(*next));
        if rest.is_empty() {
            return Some(account);
        }
        let change: content::KeyChange = canonical::decode(rest)?;
        account.with_change(KeyChange::try_from(&change).ok()?)
    }

    /// The account's public key.
    pub fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// Who may give it another key.
    pub fn next(&self) -> Next {
        self.next
    }

    /// How it got its present key, if it had another one.
    pub fn change(&self) -> Option<&KeyChange> {
        self.change.as_ref()
    }

    /// What people compare.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.public_key(), &self.next)
    }

    pub(crate) fn sign(&self, statement: &[u8]) -> [u8; 64] {
        self.key.sign(statement).to_bytes()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.fingerprint().short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::recovery::RecoveryKey;

    #[test]
    fn account_comes_back_from_storage_and_no_other_bytes_are_one() {
        let recovery = RecoveryKey::from_seed(&[2; 32]);
        let old = Identity::new(&[1; 32], recovery.next());
        let new = Identity::new(&[3; 32], RecoveryKey::from_seed(&[4; 32]).next());
        let change = recovery.sign_change(&old, &new).unwrap();
        assert!(Identity::new(&[5; 32], new.next()).with_change(change.clone()).is_none(), "somebody else's");
        let new = new.with_change(change).unwrap();
        for account in [&old, &new] {
            let bytes = account.to_bytes();
            assert!(bytes.len() <= STORED_MOST);
            let read = Identity::read(&bytes).unwrap();
            assert_eq!((read.fingerprint(), read.change()), (account.fingerprint(), account.change()));
            for wrong in [&bytes[..63], &bytes[..bytes.len() - 1], &[&bytes[..], &[0]].concat()] {
                assert!(Identity::read(wrong).is_none());
            }
        }
        let mut other = new.to_bytes();
        other[0] ^= 1;
        assert!(Identity::read(&other).is_none(), "the change is another account's");
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", Identity::without_recovery(&[7; 32]));
        assert!(!shown.contains("0707") && shown.len() < 40, "{shown}");
    }
}
