//! Safety numbers: what two people read to each other to know that nobody stands between them.
//!
//! Digits and nothing shorter. Somebody in the middle shows each side a key of their own, and needs two keys that give both
//! sides the same picture: of `n` bits that is a collision, found after 2^(n/2) keys a side. Seven of 64 emoji hold 42 bits, so
//! two million keys, a minute and a half of one core; 199 bits in emoji would be 34 of them, of which people look at the first
//! ones.

use sha2::{Digest, Sha256};

use crate::identity::Fingerprint;

/// Domain separation of a safety number.
const SAFETY_CONTEXT: &[u8] = b"schat/1 safety number";

/// Groups of five digits; 12 of them hold 199 bits, so somebody in the middle has to try 2^99 keys a side.
const GROUPS: usize = 12;

/// The same for both people, whoever computes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetyNumber([u8; 32], [u8; 32]);

/// The safety number of two accounts; the order does not matter.
pub fn safety_number(a: &Fingerprint, b: &Fingerprint) -> SafetyNumber {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    let hash = |part: u8| -> [u8; 32] {
        Sha256::new()
            .chain_update(SAFETY_CONTEXT)
            .chain_update([part])
            .chain_update(low.0)
            .chain_update(high.0)
            .finalize()
            .into()
    };
    SafetyNumber(hash(0), hash(1))
}

impl SafetyNumber {
    /// 60 digits in groups of five.
    pub fn digits(&self) -> String {
        let bytes: Vec<u8> = [self.0, self.1].concat();
        // Five bytes modulo 100,000: the bias is below 2^-23.
        let groups: Vec<String> = bytes
            .chunks_exact(5)
            .take(GROUPS)
            .map(|chunk| chunk.iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte)) % 100_000)
            .map(|group| format!("{group:05}"))
            .collect();
        groups.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_read_the_same_and_strangers_do_not() {
        let [a, b, c] = [1, 2, 3].map(|n| Fingerprint([n; 32]));
        let number = safety_number(&a, &b);
        assert_eq!(number, safety_number(&b, &a));
        assert_ne!(number.digits(), safety_number(&a, &c).digits());
        assert_eq!(number.digits().split(' ').count(), GROUPS);
        assert!(number.digits().split(' ').all(|group| group.len() == 5));
    }
}
