//! Many signatures checked together, before each of them is asked about: that takes less time.
//!
//! Whoever is about to ask runs through it once with every answer taken for yes, on a copy that is thrown away: the
//! questions are collected. If all the signatures together are good, each of them is, by the rule that
//! [`proto::signature`] names, and they are answered from memory; if not, nothing is known, and each is checked when it
//! is asked about. So no answer depends on whether somebody looked ahead.

use std::{collections::HashSet, convert::Infallible};

use ed25519_zebra::{
    Signature, VerificationKeyBytes,
    batch::{Item, Verifier},
};
use rand_core::{TryCryptoRng, TryRng};
use sha2::{Digest, Sha256};

/// Signatures that are checked together at most, of 200 bytes each; the gain grows no further.
pub(super) const MAX_TOGETHER: usize = 256;

/// Key, signature and message as one.
type Id = [u8; 32];

/// What is asked, and what is known.
#[derive(Default)]
pub(super) struct Ahead {
    /// Questions, while they are collected.
    asked: Option<Vec<(Id, Item)>>,
    /// The last batch, if it was good. No secrets.
    good: HashSet<Id>,
}

impl Ahead {
    /// Forgets what is known, and collects.
    pub(super) fn begin(&mut self) {
        *self = Self { asked: Some(Vec::new()), good: HashSet::new() };
    }

    /// Ends the collecting, and checks what was collected if `is_whole`.
    pub(super) fn end(&mut self, is_whole: bool) {
        let asked = self.asked.take().unwrap_or_default();
        // One alone is as soon checked when it is asked about.
        if is_whole && asked.len() > 1 && are_good(&asked) {
            self.good = asked.into_iter().map(|(id, _)| id).collect();
        }
    }

    /// Whether this needs no check now: it is one of a good batch, or the question is collected.
    pub(super) fn spares(&mut self, key: &[u8; 32], signature: &[u8; 64], message: &[u8]) -> bool {
        if self.asked.is_none() && self.good.is_empty() {
            return false;
        }
        let id = Sha256::new().chain_update(key).chain_update(signature).chain_update(message).finalize();
        let Some(asked) = &mut self.asked else { return self.good.contains(&*id) };
        if asked.len() < MAX_TOGETHER {
            let signature = Signature::from_bytes(signature);
            asked.push((id.into(), Item::from((VerificationKeyBytes::from(*key), signature, message))));
        }
        true
    }
}

fn are_good(asked: &[(Id, Item)]) -> bool {
    let (mut batch, mut seed) = (Verifier::new(), Sha256::new_with_prefix(b"schat/2 batch"));
    for (id, item) in asked {
        seed.update(id);
        batch.queue(item.clone());
    }
    batch.verify(Factors { seed: seed.finalize().into(), next: 0 }).is_ok()
}

/// The random factors of a batch, which nobody may know while choosing its signatures: from a hash of all of them, as in
/// any proof made non-interactive. So looking ahead uses up no randomness, and a replay is the same with and without.
struct Factors {
    seed: [u8; 32],
    next: u64,
}

impl TryRng for Factors {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        rand_core::utils::next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            let block =
                Sha256::new().chain_update(self.seed).chain_update(self.next.to_be_bytes()).finalize();
            chunk.iter_mut().zip(block).for_each(|(to, from)| *to = from);
            self.next += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Factors {}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    fn signed(n: u8) -> ([u8; 32], [u8; 64], Vec<u8>) {
        let (key, message) = (SigningKey::from_bytes(&[n % 3; 32]), vec![n; 40]);
        (key.verifying_key().to_bytes(), key.sign(&message).to_bytes(), message)
    }

    fn look(all: &[([u8; 32], [u8; 64], Vec<u8>)]) -> Ahead {
        let mut ahead = Ahead::default();
        ahead.begin();
        assert!(all.iter().all(|(key, signature, message)| ahead.spares(key, signature, message)));
        ahead.end(true);
        ahead
    }

    #[test]
    fn good_batch_is_known_and_nothing_else_is() {
        let all: Vec<_> = (0..20).map(signed).collect();
        let mut ahead = look(&all);
        for (key, signature, message) in &all {
            assert!(ahead.spares(key, signature, message));
        }
        let (key, signature, message) = &all[0];
        assert!(!ahead.spares(&all[1].0, signature, message));
        assert!(!ahead.spares(key, &all[1].1, message));
        assert!(!ahead.spares(key, signature, b"another"));
        ahead.begin();
        ahead.end(true);
        assert!(!ahead.spares(key, signature, message));
    }

    #[test]
    fn of_a_batch_with_one_bad_signature_nothing_is_known() {
        type Change = fn(&mut ([u8; 32], [u8; 64], Vec<u8>));
        let changes: [Change; 4] = [
            |one| one.0 = signed(1).0,
            |one| one.1[0] ^= 1,
            // S + ℓ, the second number that fits.
            |one| {
                let order: [u8; 32] = [
                    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
                    0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
                ];
                let mut carry = 0_u16;
                for (digit, of_order) in one.1[32..].iter_mut().zip(order) {
                    carry += u16::from(*digit) + u16::from(of_order);
                    *digit = carry.to_le_bytes()[0];
                    carry >>= 8;
                }
            },
            |one| one.2[0] ^= 1,
        ];
        for change in changes {
            let mut all: Vec<_> = (0..20).map(signed).collect();
            change(&mut all[9]);
            let mut ahead = look(&all);
            assert!(!all.iter().any(|(key, signature, message)| ahead.spares(key, signature, message)));
        }
    }

    #[test]
    fn what_was_collected_in_part_is_not_known() {
        let (mut ahead, all) = (Ahead::default(), [signed(1), signed(2)]);
        ahead.begin();
        assert!(all.iter().all(|(key, signature, message)| ahead.spares(key, signature, message)));
        ahead.end(false);
        assert!(!all.iter().any(|(key, signature, message)| ahead.spares(key, signature, message)));
    }

    #[test]
    fn collecting_is_bounded() {
        let all: Vec<_> = (0..300_u16).map(|n| signed(n.to_le_bytes()[0])).collect();
        let mut ahead = Ahead::default();
        ahead.begin();
        assert!(all.iter().all(|(key, signature, message)| ahead.spares(key, signature, message)));
        assert_eq!(ahead.asked.as_ref().map(Vec::len), Some(MAX_TOGETHER));
    }
}
