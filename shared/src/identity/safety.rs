//! Safety numbers: what two people read to each other to know that nobody stands between them.

use sha2::{Digest, Sha256};

use crate::identity::Fingerprint;

/// Domain separation of a safety number.
const SAFETY_CONTEXT: &[u8] = b"schat/1 safety number";

/// Groups of five digits; 12 of them hold 199 bits.
const GROUPS: usize = 12;

/// Emoji to compare at a glance; 7 of 64 hold 42 bits, so the digits are what counts.
const EMOJI_SHOWN: usize = 7;

/// Easy to name and to tell apart.
const EMOJI: [&str; 64] = [
    "🐶", "🐱", "🦁", "🐴", "🦄", "🐷", "🐘", "🐰", "🐼", "🐓", "🐧", "🐢", "🐟", "🐙", "🦋", "🌷", "🌳",
    "🌵", "🍄", "🌍", "🌙", "☁️", "🔥", "🍌", "🍎", "🍓", "🌽", "🍕", "🎂", "❤️", "😀", "🤖", "🎩", "👓",
    "🔧", "🎅", "👍", "☂️", "⌛", "⏰", "🎁", "💡", "📕", "✏️", "📎", "✂️", "🔒", "🔑", "🔨", "☎️", "🏁",
    "🚂", "🚲", "✈️", "🚀", "🏆", "⚽", "🎸", "🎺", "🔔", "⚓", "🎧", "📁", "📌",
];

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

    /// Seven emoji, for a first look.
    pub fn emoji(&self) -> String {
        let shown: Vec<&str> = self
            .0
            .iter()
            .rev()
            .take(EMOJI_SHOWN)
            .filter_map(|byte| EMOJI.get(usize::from(byte % 64)).copied())
            .collect();
        shown.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_read_the_same_and_strangers_do_not() {
        let [a, b, c] = [1, 2, 3].map(|n| Fingerprint::of(&[n; 32]));
        let number = safety_number(&a, &b);
        assert_eq!(number, safety_number(&b, &a));
        assert_ne!(number.digits(), safety_number(&a, &c).digits());
        assert_eq!(number.digits().split(' ').count(), GROUPS);
        assert!(number.digits().split(' ').all(|group| group.len() == 5));
        assert_eq!(number.emoji().split(' ').count(), EMOJI_SHOWN);
    }
}
