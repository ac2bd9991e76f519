//! What two people compare, or one with two devices: seven emoji, and digits for whoever cannot see them or a program.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Domain separation of a phrase.
const CONTEXT: &[u8] = b"schat/2 link phrase";

/// Emoji of a phrase: 42 bits. Whoever has one try hits it once in four million million.
const SIGNS: usize = 7;

/// Groups of four digits: 39 bits.
const GROUPS: usize = 3;

/// The list, with a word for each. The order is part of the protocol.
pub const EMOJI: [(&str, &str); 64] = [
    ("🐶", "dog"),
    ("🐱", "cat"),
    ("🦁", "lion"),
    ("🐴", "horse"),
    ("🦄", "unicorn"),
    ("🐷", "pig"),
    ("🐘", "elephant"),
    ("🐰", "rabbit"),
    ("🐼", "panda"),
    ("🐓", "rooster"),
    ("🐧", "penguin"),
    ("🐢", "turtle"),
    ("🐟", "fish"),
    ("🐙", "octopus"),
    ("🦋", "butterfly"),
    ("🐝", "bee"),
    ("🌷", "flower"),
    ("🌳", "tree"),
    ("🌵", "cactus"),
    ("🍄", "mushroom"),
    ("🌏", "globe"),
    ("🌙", "moon"),
    ("🌈", "rainbow"),
    ("🔥", "fire"),
    ("🍌", "banana"),
    ("🍎", "apple"),
    ("🍓", "strawberry"),
    ("🌽", "corn"),
    ("🍕", "pizza"),
    ("🎂", "cake"),
    ("🍦", "ice"),
    ("🥕", "carrot"),
    ("😀", "face"),
    ("🤖", "robot"),
    ("🎩", "hat"),
    ("👓", "glasses"),
    ("🔧", "spanner"),
    ("🎅", "santa"),
    ("👍", "thumb"),
    ("☔", "umbrella"),
    ("⌛", "hourglass"),
    ("⏰", "clock"),
    ("🎁", "gift"),
    ("💡", "bulb"),
    ("📕", "book"),
    ("🔑", "key"),
    ("🔒", "lock"),
    ("🔨", "hammer"),
    ("📞", "telephone"),
    ("🏁", "flag"),
    ("🚂", "train"),
    ("🚲", "bicycle"),
    ("🚀", "rocket"),
    ("🏆", "trophy"),
    ("⚽", "ball"),
    ("🎸", "guitar"),
    ("🎺", "trumpet"),
    ("🔔", "bell"),
    ("⚓", "anchor"),
    ("🎧", "headphones"),
    ("📁", "folder"),
    ("📌", "pin"),
    ("🏠", "house"),
    ("👑", "crown"),
];

/// What both devices show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Phrase {
    /// Numbers in [`EMOJI`].
    signs: [u8; SIGNS],
    /// Each below 10,000.
    groups: [u16; GROUPS],
}

impl Phrase {
    /// Of an epoch's linking secret, the old device's nonce and the new one's.
    pub(super) fn of(secret: &[u8; 32], old: &[u8; 32], new: &[u8; 32]) -> Self {
        let hash: Zeroizing<[u8; 32]> = Zeroizing::new(
            Sha256::new()
                .chain_update(CONTEXT)
                .chain_update(secret)
                .chain_update(old)
                .chain_update(new)
                .finalize()
                .into(),
        );
        let number = |bytes: &[u8]| bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        // 48 bits, of which the first 42 count.
        let bits = number(hash.get(..6).unwrap_or_default());
        let sign = |at: usize| u8::try_from(bits >> (42 - 6 * at) & 63).unwrap_or_default();
        let group = |at: usize| {
            let bytes = hash.get(8 + 4 * at..12 + 4 * at).unwrap_or_default();
            // Of 32 bits modulo 10,000: the bias is below 2^-18.
            u16::try_from(number(bytes) % 10_000).unwrap_or_default()
        };
        Self { signs: std::array::from_fn(sign), groups: std::array::from_fn(group) }
    }

    /// The emoji, each with its word.
    pub fn emoji(&self) -> [(&'static str, &'static str); SIGNS] {
        self.signs.map(|sign| EMOJI.get(usize::from(sign)).copied().unwrap_or(("?", "?")))
    }

    /// `1234 5678 9012`.
    pub fn digits(&self) -> String {
        self.groups.map(|group| format!("{group:04}")).join(" ")
    }

    /// These are its digits, however they are grouped.
    pub fn has_digits(&self, typed: &str) -> bool {
        let plain = |text: &str| text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>();
        plain(typed) == plain(&self.digits())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn phrase(secret: u8, old: u8, new: u8) -> Phrase {
        Phrase::of(&[secret; 32], &[old; 32], &[new; 32])
    }

    #[test]
    fn list_has_no_emoji_and_no_word_twice() {
        assert_eq!(EMOJI.iter().map(|(sign, _)| *sign).collect::<BTreeSet<_>>().len(), EMOJI.len());
        assert_eq!(EMOJI.iter().map(|(_, word)| *word).collect::<BTreeSet<_>>().len(), EMOJI.len());
    }

    #[test]
    fn phrase_changes_with_each_of_what_it_is_of() {
        let all = [phrase(1, 2, 3), phrase(9, 2, 3), phrase(1, 9, 3), phrase(1, 2, 9), phrase(1, 3, 2)];
        let shown: BTreeSet<String> = all.iter().map(Phrase::digits).collect();
        assert_eq!(shown.len(), all.len());
        let shown: BTreeSet<String> = all.iter().map(|phrase| format!("{:?}", phrase.emoji())).collect();
        assert_eq!(shown.len(), all.len());
    }

    #[test]
    fn digits_are_compared_however_they_are_grouped() {
        let phrase = phrase(1, 2, 3);
        let digits = phrase.digits();
        for good in [digits.clone(), digits.replace(' ', ""), digits.replace(' ', "-")] {
            assert!(phrase.has_digits(&good));
        }
        let mut wrong = digits.into_bytes();
        wrong[0] = if wrong[0] == b'1' { b'2' } else { b'1' };
        assert!(!phrase.has_digits(&String::from_utf8(wrong).unwrap()));
        assert!(!phrase.has_digits(""));
    }
}
