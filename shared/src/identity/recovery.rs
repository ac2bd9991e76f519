//! The recovery key: what somebody has who wrote down a phrase, and whoever stole a device has not.
//!
//! An account names the recovery key ahead, by its hash alone, in every credential: `next`. The fingerprint is over both, so
//! whoever verified a person verified the recovery key as well (pre-rotation). When a device is lost or stolen, the account
//! takes another key: a [`KeyChange`] shows the recovery key and is signed by it. The old account key signs nothing of that,
//! so whoever has it alone can make none. `docs/devices.md` has the reasons.

use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use super::{
    account::Identity,
    change::{KeyChange, statement},
    fingerprint::Next,
    phrase,
};
use crate::crypto::random::Random;

/// The recovery key of an account (RFC 8032). No device keeps it once its person has written down the phrase that it
/// comes from.
pub struct RecoveryKey(SigningKey);

impl RecoveryKey {
    /// A fresh one.
    pub fn generate(random: &Random) -> Self {
        Self::from_seed(&Zeroizing::new(random.bytes()))
    }

    /// The one of this seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Its hash, as an account names it.
    pub fn next(&self) -> Next {
        Next::of(&self.0.verifying_key().to_bytes())
    }

    /// Gives the account `old` the key of `new`, which names its own recovery key. None when this is not the recovery key that
    /// `old` named.
    pub fn sign_change(&self, old: &Identity, new: &Identity) -> Option<KeyChange> {
        if old.next() != self.next() {
            return None;
        }
        let statement = statement(&old.fingerprint(), &new.public_key(), &new.next());
        Some(KeyChange {
            old_key: old.public_key(),
            recovery_key: self.0.verifying_key().to_bytes(),
            recovery_signature: self.0.sign(&statement).to_bytes(),
            signature: new.sign(&statement),
        })
    }
}

/// Bytes of a phrase's entropy: twelve words.
pub const ENTROPY_LEN: usize = phrase::ENTROPY;

/// The seed of the recovery key that a phrase gives.
pub fn seed_of(entropy: &[u8; ENTROPY_LEN]) -> Zeroizing<[u8; 32]> {
    phrase::Phrase::from_bytes(entropy).recovery_seed()
}

impl std::fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(secret: u8, recovery: u8) -> Identity {
        Identity::new(&[secret; 32], RecoveryKey::from_seed(&[recovery; 32]).next())
    }

    #[test]
    fn change_by_the_recovery_key_is_believed_and_no_other_is() {
        let (old, new) = (account(1, 2), account(3, 4));
        let change = RecoveryKey::from_seed(&[2; 32]).sign_change(&old, &new).unwrap();
        assert_eq!(change.old(), old.fingerprint());
        assert!(change.gives(&new.public_key(), &new.next()));
        // For nobody else, and for no other recovery key to come.
        assert!(!change.gives(&account(5, 4).public_key(), &new.next()));
        assert!(!change.gives(&new.public_key(), &account(5, 6).next()));
        // Somebody else's recovery key: it makes none, and one that was made by it is of another account.
        assert_eq!(RecoveryKey::from_seed(&[9; 32]).sign_change(&old, &new), None);
        let forged = RecoveryKey::from_seed(&[9; 32]).sign_change(&account(1, 9), &new).unwrap();
        assert_ne!(forged.old(), old.fingerprint());
    }

    #[test]
    fn change_with_any_part_altered_is_not_believed() {
        let (old, new) = (account(1, 2), account(3, 4));
        let good = RecoveryKey::from_seed(&[2; 32]).sign_change(&old, &new).unwrap();
        type Alter = fn(&mut KeyChange);
        let alterations: [(&str, Alter); 4] = [
            ("old key", |change| change.old_key = [7; 32]),
            ("recovery key", |change| change.recovery_key = account(9, 9).public_key()),
            ("recovery signature", |change| change.recovery_signature[0] ^= 1),
            ("signature", |change| change.signature[0] ^= 1),
        ];
        for (what, alter) in alterations {
            let mut change = good.clone();
            alter(&mut change);
            assert!(!change.gives(&new.public_key(), &new.next()), "{what}");
        }
        // Who has the old account key alone signs for itself, by whatever it calls its recovery key.
        let mut stolen = good.clone();
        let statement = statement(&old.fingerprint(), &new.public_key(), &new.next());
        stolen.recovery_signature = old.sign(&statement);
        assert!(!stolen.gives(&new.public_key(), &new.next()));
        stolen.recovery_key = old.public_key();
        assert!(stolen.old() != old.fingerprint());
    }

    /// As `docs/devices.md` has it.
    #[test]
    fn vectors_hold() {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (old, new) = (account(1, 2), account(3, 4));
        let change = RecoveryKey::from_seed(&[2; 32]).sign_change(&old, &new).unwrap();
        let shown = [
            hex(&old.public_key()),
            hex(&old.next().0),
            old.fingerprint().to_string(),
            hex(&new.public_key()),
            hex(&new.next().0),
            new.fingerprint().to_string(),
            hex(&change.recovery_key),
            hex(&change.recovery_signature),
            hex(&change.signature),
        ];
        assert_eq!(shown.join("\n"), VECTORS.trim());
    }

    const VECTORS: &str = "
8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c
1b7b4e88452cc12d8cb40b140c5b6db905d284254d53e25c897f09ba9febaa1b
437e5497a45fdc99425356be71c525d7d6847008438da65362f83fdfb687040f
ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1
52498a4611864c27602515eb86caa5244e5c9db78736f4be7eb56f25be20efcb
6fdc8ece0d1f163af18c257345f31559c5b821c5cc6c29607ae9608968615c04
8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394
bf9715a0364fbf73bcd5bcf1298de9d42969bcd751ab9ae35002b014d4e09b3e1bac8f3533bd5be33b4d1605b5fa07740cc9824c56cd742f963be7157d185108
861ddff9f94c6817e62bea4f7b889c587f519fa80c308bad57847eacb1d58023aa4100165ed57f736d1adb2db94a2ae6c6b1e255d6b2daa242580e345c12210e
";
}
