//! Tokens: who may open rooms where not everybody may. Decisions only; the time is an argument.
//!
//! The relay keeps SHA-256 of a token and finds it by that. A token is 32 random bytes, so the hash needs no
//! salt and no slow function: there is nothing to guess. The search by hash may take longer for one hash than
//! for another, but that tells something of hashes only, and nobody can make tokens to fit a hash: so it is
//! no oracle for tokens, and no comparison in constant time is needed.

use std::fmt;

use aws_lc_rs::{digest, rand};
use proto::Token;

/// Longest label, in characters: a line of a list.
pub const MAX_LABEL: usize = 48;

/// Digits of the hash that lists show and commands take: 40 bits tell a few thousand tokens apart.
const ID_DIGITS: usize = 10;

/// Fewest digits that a command takes for a token: fewer are a slip of the hand.
const LEAST_DIGITS: usize = 4;

/// Who may open rooms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
pub enum Admission {
    /// Whoever can reach the relay.
    #[default]
    Open,
    /// Whoever has a token.
    Token,
}

/// By what right somebody opens a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// None is needed.
    Anybody,
    /// One is needed, and this was shown.
    Token(Option<TokenHash>),
}

/// SHA-256 of a token: all that the relay keeps of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenHash(pub [u8; 32]);

/// A token as the relay keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// Which one.
    pub hash: TokenHash,
    /// What the operator calls it.
    pub label: String,
    /// When it was made, Unix milliseconds.
    pub created_ms: u64,
    /// What it is good for.
    pub allowance: Allowance,
    /// Rooms opened with it that still exist.
    pub rooms: u32,
    /// Rooms ever opened with it.
    pub uses: u32,
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Rooms that may exist at once by it, 0 for no limit.
    pub rooms: u32,
    /// Rooms that may be opened with it over its life, 0 for no limit.
    pub uses: u32,
    /// Unix milliseconds from which it opens nothing, 0 for never.
    pub expires_ms: u64,
}

/// Why a token opens no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRight {
    /// None was shown, or it is unknown, revoked or expired: nobody outside learns which.
    #[error("a token is needed")]
    Required,
    /// As many rooms exist by it as may at once.
    #[error("the token has all its rooms")]
    Rooms,
    /// It has opened as many rooms as it may over its life.
    #[error("the token is used up")]
    Uses,
}

/// A text that names no token: fewer than four digits, or others than those of base 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token is named by the first digits of its id, at least {LEAST_DIGITS}: see `relay token list`")]
pub struct BadId;

/// The beginning of a token's hash in digits, as operators name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenId(String);

impl TokenHash {
    /// Of a token.
    pub fn of(token: &Token) -> Self {
        let hash = digest::digest(&digest::SHA256, token.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(hash.as_ref());
        Self(bytes)
    }

    /// What lists show.
    pub fn id(&self) -> String {
        self.digits().chars().take(ID_DIGITS).collect()
    }

    fn digits(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TokenRecord {
    /// A fresh token and what is kept of it.
    ///
    /// # Errors
    /// [`rand`]'s when the system gives no randomness.
    pub fn generate(
        label: String,
        allowance: Allowance,
        now_ms: u64,
    ) -> Result<(Token, Self), aws_lc_rs::error::Unspecified> {
        let mut bytes = zeroize::Zeroizing::new([0; Token::LEN]);
        rand::fill(bytes.as_mut_slice())?;
        let token = Token::new(*bytes);
        let hash = TokenHash::of(&token);
        Ok((token, Self { hash, label, created_ms: now_ms, allowance, rooms: 0, uses: 0 }))
    }

    /// Whether its time is over.
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.allowance.expires_ms != 0 && now_ms >= self.allowance.expires_ms
    }

    /// Whether it opens one more room.
    ///
    /// # Errors
    /// [`NoRight`]: the greatest obstacle, since the others would remain when the lesser one is gone.
    pub fn may_open(&self, now_ms: u64) -> Result<(), NoRight> {
        let Allowance { rooms, uses, .. } = self.allowance;
        if self.is_expired(now_ms) {
            return Err(NoRight::Required);
        }
        if uses != 0 && self.uses >= uses {
            return Err(NoRight::Uses);
        }
        if rooms != 0 && self.rooms >= rooms {
            return Err(NoRight::Rooms);
        }
        Ok(())
    }
}

impl TokenId {
    /// Whether it is this token's.
    pub fn fits(&self, hash: &TokenHash) -> bool {
        hash.digits().starts_with(&self.0)
    }
}

impl std::str::FromStr for TokenId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let good = (LEAST_DIGITS..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_hexdigit());
        if good { Ok(Self(text.to_ascii_lowercase())) } else { Err(BadId) }
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({}..)", self.digits().get(..4).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(rooms: u32, uses: u32) -> TokenRecord {
        let allowance = Allowance { rooms: 2, uses: 3, expires_ms: 100 };
        let hash = TokenHash([0xab; 32]);
        TokenRecord { hash, label: String::new(), created_ms: 0, allowance, rooms, uses }
    }

    #[test]
    fn token_opens_no_room_beyond_its_allowance() {
        assert_eq!(record(1, 2).may_open(99), Ok(()));
        assert_eq!(record(2, 2).may_open(99), Err(NoRight::Rooms));
        assert_eq!(record(1, 3).may_open(99), Err(NoRight::Uses));
        assert_eq!(record(2, 3).may_open(99), Err(NoRight::Uses), "a dropped room would not help");
        assert_eq!(
            record(0, 0).may_open(100),
            Err(NoRight::Required),
            "expired, which nobody outside learns"
        );
        assert_eq!(record(2, 3).may_open(100), Err(NoRight::Required));
        let free = Allowance { rooms: 0, uses: 0, expires_ms: 0 };
        assert_eq!(TokenRecord { allowance: free, ..record(1000, 1000) }.may_open(u64::MAX), Ok(()));
    }

    #[test]
    fn hash_is_not_the_token_and_no_two_are_alike() {
        let allowance = record(0, 0).allowance;
        let (one, kept) = TokenRecord::generate("a".into(), allowance, 7).unwrap();
        let (other, also) = TokenRecord::generate("a".into(), allowance, 7).unwrap();
        assert_ne!(&kept.hash.0, one.as_bytes());
        assert_eq!(kept.hash, TokenHash::of(&one));
        assert!(one != other && kept.hash != also.hash);
        assert_ne!(TokenHash::of(&Token::new(kept.hash.0)), kept.hash, "the hash is no token");
    }

    #[test]
    fn sha256_is_the_published_one() {
        // FIPS 180-4 by another implementation: sha256 of 32 zero bytes.
        let expected = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
        assert_eq!(TokenHash::of(&Token::new([0; 32])).digits(), expected);
    }

    #[test]
    fn id_of_too_few_or_other_digits_names_no_token() {
        for wrong in ["", "abc", "xyz1", "ab cd", "é123", &"a".repeat(65)] {
            assert_eq!(wrong.parse::<TokenId>(), Err(BadId), "{wrong}");
        }
        let hash = record(0, 0).hash;
        assert!("ABAB".parse::<TokenId>().unwrap().fits(&hash));
        assert!(hash.id().parse::<TokenId>().unwrap().fits(&hash));
        assert!(!"abac".parse::<TokenId>().unwrap().fits(&hash));
    }

    #[test]
    fn debug_names_no_hash() {
        assert_eq!(format!("{:?}", TokenHash([0xab; 32])), "TokenHash(abab..)");
    }
}
