//! The phrase: twelve words of the English list of BIP-39, which are 128 random bits and a checksum. What seals backups and
//! what the recovery key is made of come from it, each by a label of its own.

use std::fmt;

use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::crypto::random::Random;

/// Words of a phrase.
pub const WORDS: usize = 12;

/// Bytes of what it says.
pub const ENTROPY: usize = 16;

/// Bits that a word says: the list has 2,048.
const BITS: usize = 11;

/// Bits of the checksum: the first of the SHA-256 of what the phrase says.
const CHECKSUM: usize = WORDS * BITS - 8 * ENTROPY;

/// The list as it is published, in the order of the alphabet, one word a line.
const LIST: &str = include_str!("phrase_words.txt");

/// HKDF-Extract salt (RFC 5869, 3.1).
const SALT: &[u8] = b"schat/2 phrase";

/// Longest text that is looked at for a phrase, in bytes: twelve of the longest words and their spaces have 107.
const MAX_TEXT: usize = 512;

/// Text that is no phrase. Says which word, and never what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhraseError {
    /// Another number of words.
    #[error("{0} words, of {WORDS}")]
    Count(usize),
    /// A word that is not in the list: which, from 1.
    #[error("word {0} is not in the list")]
    Unknown(usize),
    /// All words are in the list, and the checksum does not fit: one is another, or two are exchanged.
    #[error("the checksum does not fit")]
    Checksum,
}

/// What twelve words say. Wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Phrase(Zeroizing<[u8; ENTROPY]>);

impl Phrase {
    /// Draws one.
    pub fn draw(random: &Random) -> Self {
        Self(Zeroizing::new(random.bytes()))
    }

    /// The one that says these bytes.
    pub fn from_bytes(entropy: &[u8; ENTROPY]) -> Self {
        Self(Zeroizing::new(*entropy))
    }

    /// What it says, for storage.
    pub fn as_bytes(&self) -> &[u8; ENTROPY] {
        &self.0
    }

    /// The phrase of these words, in whatever case, with whatever white space between.
    ///
    /// # Errors
    /// [`PhraseError`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, PhraseError> {
        let text = text.get(..MAX_TEXT).unwrap_or(text);
        let count = text.split_whitespace().count();
        if count != WORDS {
            return Err(PhraseError::Count(count));
        }
        let mut bits: u128 = 0;
        let mut checksum = 0;
        for (index, word) in text.split_whitespace().enumerate() {
            let word = Zeroizing::new(word.to_lowercase());
            let place = LIST.lines().position(|listed| listed == *word);
            let number = place.ok_or(PhraseError::Unknown(index.saturating_add(1)))? as u128;
            // The last word's low bits are the checksum.
            let kept = if index + 1 == WORDS { BITS - CHECKSUM } else { BITS };
            bits = bits << kept | number >> (BITS - kept);
            checksum = number & ((1 << CHECKSUM) - 1);
        }
        let phrase = Self::from_bytes(&bits.to_be_bytes());
        if phrase.checksum() != checksum {
            return Err(PhraseError::Checksum);
        }
        Ok(phrase)
    }

    /// Its words.
    pub fn words(&self) -> Vec<&'static str> {
        let bits = u128::from_be_bytes(*self.0);
        let number = |index: usize| match (8 * ENTROPY).checked_sub(BITS * (index + 1)) {
            Some(below) => bits >> below,
            None => bits << CHECKSUM | self.checksum(),
        };
        (0..WORDS)
            .filter_map(|index| LIST.lines().nth((number(index) & ((1 << BITS) - 1)) as usize))
            .collect()
    }

    fn checksum(&self) -> u128 {
        let digest: [u8; 32] = Sha256::digest(*self.0).into();
        u128::from(digest[0] >> (8 - CHECKSUM))
    }

    /// What seals backups. Devices keep it.
    pub fn backup_key(&self) -> Zeroizing<[u8; 32]> {
        self.derive(b"backup key")
    }

    /// The seed of the recovery key. No device keeps it once the phrase is written down.
    pub fn recovery_seed(&self) -> Zeroizing<[u8; 32]> {
        self.derive(b"recovery key")
    }

    fn derive(&self, label: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        // 32 bytes are far below HKDF's limit of 255 blocks, so this cannot fail.
        let _ = Hkdf::<Sha256>::new(Some(SALT), &*self.0).expand(label, &mut *out);
        out
    }
}

impl fmt::Debug for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phrase(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_standards_test_vectors() {
        for (entropy, words) in [
            ([0x00; 16], format!("{} about", ["abandon"; 11].join(" "))),
            (
                [0x7f; 16],
                "legal winner thank year wave sausage worth useful legal winner thank yellow".into(),
            ),
            (
                [0x80; 16],
                "letter advice cage absurd amount doctor acoustic avoid letter advice cage above".into(),
            ),
            ([0xff; 16], format!("{} wrong", ["zoo"; 11].join(" "))),
        ] {
            let phrase = Phrase::from_bytes(&entropy);
            assert_eq!(phrase.words().join(" "), words);
            assert_eq!(Phrase::parse(&words).unwrap(), phrase);
        }
        // The list itself, as it is published: one word a line.
        let digest: String = Sha256::digest(LIST).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
    }

    #[test]
    fn keys_are_those_of_another_program() {
        let hex = |bytes: &[u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let phrase = Phrase::from_bytes(&[0x7f; 16]);
        let backup = "77aec8c7ad83abea44fe79e4559e5e942ee1b005e436ce961b99812e70075cfb";
        let recovery = "59cc992e8cd205bda702aa1d4ff345a18ba65b13909694cb45fa83d48aa1c5da";
        assert_eq!(
            (hex(&phrase.backup_key()), hex(&phrase.recovery_seed())),
            (backup.into(), recovery.into())
        );
    }

    #[test]
    fn case_and_white_space_do_not_matter_and_a_slip_is_told_by_its_place() {
        let phrase = Phrase::from_bytes(&[0x7f; 16]);
        let words = phrase.words();
        assert_eq!(Phrase::parse(&format!("\n  {}\t", words.join("  ").to_uppercase())), Ok(phrase));
        let with = |at: usize, word: &'static str| {
            let mut words = words.clone();
            words[at] = word;
            Phrase::parse(&words.join(" "))
        };
        assert_eq!(with(4, "wavee"), Err(PhraseError::Unknown(5)));
        assert_eq!(with(4, "zoo"), Err(PhraseError::Checksum));
        assert_eq!(Phrase::parse(&words[..11].join(" ")), Err(PhraseError::Count(11)));
        assert_eq!(Phrase::parse(""), Err(PhraseError::Count(0)));
        for nonsense in ["é ".repeat(300), "a".repeat(9_999), "\u{fe0f} ".repeat(12)] {
            assert!(Phrase::parse(&nonsense).is_err());
        }
    }

    #[test]
    fn keys_of_one_phrase_differ_and_debug_shows_nothing() {
        let (one, other) = (Phrase::from_bytes(&[0x7f; 16]), Phrase::from_bytes(&[0x80; 16]));
        assert_ne!(one.backup_key(), one.recovery_seed());
        assert_ne!(one.backup_key(), other.backup_key());
        assert_eq!(format!("{one:?}"), "Phrase(..)");
    }
}
