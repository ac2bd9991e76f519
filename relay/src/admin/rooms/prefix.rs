//! Room ids as people type them: hexadecimal, and only as much as is needed.

use std::fmt::Write;

use hyper::StatusCode;
use proto::RoomId;

use crate::admin::Fault;

/// The beginning of a room's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prefix(String);

/// What is no beginning of an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a room's id is up to 64 of the characters 0-9 and a-f; `relay rooms` shows them")]
pub struct PrefixError;

/// An id in full.
pub fn hex(id: &RoomId) -> String {
    let mut text = String::with_capacity(2 * RoomId::LEN);
    for byte in id.as_bytes() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl Prefix {
    pub(super) fn parse(text: &str) -> Result<Self, PrefixError> {
        let text = text.to_ascii_lowercase();
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex && (1..=2 * RoomId::LEN).contains(&text.len()) { Ok(Self(text)) } else { Err(PrefixError) }
    }

    pub(super) fn fits(&self, id: &RoomId) -> bool {
        hex(id).starts_with(&self.0)
    }

    /// The id just before the first one that may fit; `None` when that is the first of all.
    pub(super) fn before(&self) -> Option<RoomId> {
        let mut id = bytes(&format!("{:0<64}", self.0))?;
        for byte in id.iter_mut().rev() {
            let (less, borrows) = byte.overflowing_sub(1);
            *byte = less;
            if !borrows {
                return Some(RoomId(id));
            }
        }
        None
    }
}

/// An id in full.
pub(super) fn parse_id(text: &str) -> Result<RoomId, Fault> {
    bytes(text).map(RoomId).ok_or_else(|| PrefixError.into())
}

impl From<PrefixError> for Fault {
    fn from(error: PrefixError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.to_string())
    }
}

fn bytes(text: &str) -> Option<[u8; RoomId::LEN]> {
    if text.len() != 2 * RoomId::LEN || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; RoomId::LEN];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_just_before_a_prefix_is_found_across_borrows() {
        let before = |text: &str| Prefix::parse(text).unwrap().before().map(|id| hex(&id));
        assert_eq!(before("0"), None);
        assert_eq!(before("1").unwrap(), format!("0{}", "f".repeat(63)));
        assert_eq!(before("ABC").unwrap(), format!("abb{}", "f".repeat(61)));
        let full = format!("{}5", "a".repeat(63));
        assert_eq!(before(&full).unwrap(), format!("{}4", "a".repeat(63)));
    }

    #[test]
    fn what_is_no_hexadecimal_is_no_prefix() {
        for text in ["", "xyz", "../..", "+1", &"a".repeat(65), "ä"] {
            assert_eq!(Prefix::parse(text), Err(PrefixError), "{text}");
        }
    }

    #[test]
    fn prefix_fits_its_own_ids_alone() {
        let id = RoomId([0xab; 32]);
        assert!(Prefix::parse("ABA").unwrap().fits(&id));
        assert!(!Prefix::parse("abc").unwrap().fits(&id));
    }
}
