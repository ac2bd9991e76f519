//! A person's picture: what is needed to get it. It proves nothing of who somebody is.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// Largest picture of a person, in bytes: whoever is in the room fetches it by itself.
pub const MAX_AVATAR: u32 = 64 << 10;

/// Bytes of what stands in a credential: id, key, the hash of its parts and its size.
const LENGTH: usize = 16 + 32 + 32 + 4;

/// Where the picture is, as its owner says. It is no bigger than [`MAX_AVATAR`].
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Avatar {
    /// What the relay calls it.
    pub id: [u8; 16],
    /// Opens it.
    pub key: [u8; 32],
    /// Of the list of its parts.
    pub parts: [u8; 32],
    /// Bytes of it, at least one.
    pub size: u32,
}

impl Avatar {
    /// As it stands in a credential.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.id[..], &self.key, &self.parts, &self.size.to_be_bytes()].concat()
    }

    /// What stands in a credential. None: it is none, or too large.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; LENGTH] = bytes.try_into().ok()?;
        let (id, rest) = bytes.split_first_chunk()?;
        let (key, rest) = rest.split_first_chunk()?;
        let (parts, rest) = rest.split_first_chunk()?;
        let size = u32::from_be_bytes(rest.try_into().ok()?);
        let is_allowed = (1..=MAX_AVATAR).contains(&size);
        is_allowed.then_some(Self { id: *id, key: *key, parts: *parts, size })
    }
}

impl fmt::Debug for Avatar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Avatar").field("size", &self.size).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn avatar_comes_back_from_its_bytes_and_nothing_else_is_one() {
        let avatar = Avatar { id: [1; 16], key: [2; 32], parts: [3; 32], size: MAX_AVATAR };
        let bytes = avatar.to_bytes();
        assert_eq!(Avatar::from_bytes(&bytes), Some(avatar.clone()));
        assert_eq!(Avatar::from_bytes(&bytes[1..]), None);
        assert_eq!(Avatar::from_bytes(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(Avatar::from_bytes(b""), None);
        for size in [0, MAX_AVATAR + 1, u32::MAX] {
            let wrong = Avatar { size, ..avatar.clone() };
            assert_eq!(Avatar::from_bytes(&wrong.to_bytes()), None);
        }
        assert!(!format!("{avatar:?}").contains('2'));
    }
}
