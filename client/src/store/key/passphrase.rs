//! A passphrase, however it came.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// Fewest characters of a new one. Who has the file can guess as fast as they can pay for, so fewer are as good as
/// none; five or six random words are good.
pub const FEWEST: usize = 8;

/// Most bytes of one: far over anything that is meant.
pub const MAX_PASSPHRASE: usize = 1_024;

/// A passphrase, in Unicode's normal form C (RFC 8265, 4.2.2), so that it opens from another keyboard as well. Wiped on drop;
/// has no `Debug`.
pub struct Passphrase(Zeroizing<String>);

/// Why a text is no passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    /// There is nothing.
    #[error("empty passphrase")]
    Empty,
    /// More than [`MAX_PASSPHRASE`] bytes.
    #[error("passphrase too long")]
    TooLong,
    /// A new one of fewer than [`FEWEST`] characters.
    #[error("passphrase too short")]
    TooShort,
}

impl Passphrase {
    /// One that is to open something.
    ///
    /// # Errors
    /// [`PassphraseError`] when it is empty or too long.
    pub fn given(text: &str) -> Result<Self, PassphraseError> {
        match text.len() {
            0 => return Err(PassphraseError::Empty),
            1..=MAX_PASSPHRASE => {}
            _ => return Err(PassphraseError::TooLong),
        }
        // The normal form has at most three times as many bytes (UAX #15, 13), so nothing is copied while it grows.
        let mut normal = Zeroizing::new(String::with_capacity(3 * text.len()));
        normal.extend(text.nfc());
        Ok(Self(normal))
    }

    /// A new one.
    ///
    /// # Errors
    /// [`PassphraseError`] when it is too short as well.
    pub fn chosen(text: &str) -> Result<Self, PassphraseError> {
        let passphrase = Self::given(text)?;
        if passphrase.0.chars().count() < FEWEST {
            return Err(PassphraseError::TooShort);
        }
        Ok(passphrase)
    }

    /// Both are the same.
    pub fn is(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }

    /// A copy of its text, for a place that keeps passphrases.
    pub fn to_text(&self) -> Zeroizing<String> {
        self.0.clone()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_text_in_another_form_is_the_same_and_another_is_not() {
        let one = Passphrase::given("Grüße aus Köln").unwrap();
        assert!(one.is(&Passphrase::given("Gru\u{308}ße aus Ko\u{308}ln").unwrap()));
        assert!(!one.is(&Passphrase::given("Grusse aus Koln").unwrap()));
    }

    #[test]
    fn empty_short_and_endless_ones_are_refused() {
        assert_eq!(Passphrase::given("").err(), Some(PassphraseError::Empty));
        assert_eq!(Passphrase::chosen("").err(), Some(PassphraseError::Empty));
        assert_eq!(Passphrase::chosen("1234567").err(), Some(PassphraseError::TooShort));
        // Seven characters, and more bytes than that.
        assert_eq!(Passphrase::chosen("üüüüüüü").err(), Some(PassphraseError::TooShort));
        assert!(Passphrase::chosen("12345678").is_ok() && Passphrase::given("1").is_ok());
        assert_eq!(Passphrase::given(&"x".repeat(MAX_PASSPHRASE + 1)).err(), Some(PassphraseError::TooLong));
        assert!(Passphrase::given(&"x".repeat(MAX_PASSPHRASE)).is_ok());
    }
}
