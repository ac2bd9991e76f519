//! A token: the right to open rooms at a relay that does not let everybody.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::relay::Create;

/// 32 random bytes that a relay's operator hands out. Whoever has them has the right, so they are wiped on
/// drop, `Debug` shows nothing of them, and there is no `Display`: [`Token::to_text`] is for links and for
/// the one moment when the operator sees it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Token([u8; Token::LEN]);

/// The text or the bytes are no token.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token is 43 letters, digits, - and _: copy all of it")]
pub struct TokenError;

impl Token {
    /// Length in bytes: nobody guesses 256 bits.
    pub const LEN: usize = 32;

    /// A token of random bytes, which the caller brings.
    pub fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes: to be hashed, or put into a Create.
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// base64url without padding, 43 characters.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl TryFrom<&[u8]> for Token {
    type Error = TokenError;

    fn try_from(bytes: &[u8]) -> Result<Self, TokenError> {
        bytes.try_into().map(Self).map_err(|_| TokenError)
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new).map_err(|_| TokenError)?;
        bytes.as_slice().try_into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// By hand: the generated one would print the token.
impl fmt::Debug for Create {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Create")
            .field("slot", &self.slot)
            .field("keys", &self.keys)
            .field("token", &!self.token.is_empty())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::{ClientFrame, Join, client_frame::Frame};

    #[test]
    fn tokens_survive_text() {
        let token = Token::new([0xfb; 32]);
        let text = token.to_text();
        assert_eq!(text.len(), 43);
        assert_eq!(text.parse(), Ok(token));
    }

    #[test]
    fn cut_padded_and_altered_tokens_are_refused() {
        let text = Token::new([7; 32]).to_text().to_string();
        for cut in 0..text.len() {
            assert!(text[..cut].parse::<Token>().is_err(), "cut at {cut}");
        }
        for wrong in [format!("{text}="), format!("{text}A"), text.replace('B', "+"), text.replace('B', " ")]
        {
            assert!(wrong.parse::<Token>().is_err(), "{wrong}");
        }
        // The last character carries two bits too many; with them set it would be a second form of the same.
        let second = format!("{}d", &text[..42]);
        assert!(second.parse::<Token>().is_err(), "{second}");
    }

    #[test]
    fn debug_shows_no_token() {
        let token = Token::new([0x5a; 32]);
        let create = Create { token: token.as_bytes().to_vec().into(), ..Create::default() };
        let join = Join { create: Some(create), ..Join::default() };
        let frame = ClientFrame { frame: Some(Frame::Join(join)) };
        for text in [format!("{token:?}"), format!("{frame:?}"), format!("{frame:#?}")] {
            assert!(!text.contains("ZZ") && !text.contains("90") && !text.contains("5a"), "{text}");
        }
        assert!(format!("{frame:?}").contains("token: true"));
    }
}
