//! Pieces of the ratchet tree as they lie at the relay: the same content gives the same bytes, whoever seals it.
//!
//! ```text
//! digest = SHA-256(content)                      the secret by which the piece is opened
//! key    = HKDF-SHA256("schat/2 piece", digest, room(32) ‖ group(1) ‖ index(4))
//! piece  = AES-256-GCM(key, nonce = 0, content)
//! ```
//!
//! Message-locked encryption (Bellare, Keelveedhi, Ristenpart, EUROCRYPT 2013). A key is of one content at one place in one
//! room and seals nothing else, so the nonce may be 0. Whoever knows the content can make the piece; whoever does not
//! cannot guess it, since each node that is not blank has a public key in it that went through envelopes alone. Who was
//! removed knows the nodes of then, and can tell which of those were only made blank since. docs/slot.md has the reasons.

use hkdf::Hkdf;
use proto::RoomId;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::cipher::{Cipher, KEY, TAG};

/// HKDF-Extract salt (RFC 5869, 3.1).
const SALT: &[u8] = b"schat/2 piece";

/// Each key seals one content, so one nonce will do.
const NONCE: [u8; 12] = [0; 12];

/// Bytes that sealing adds.
pub const PIECE_OVERHEAD: usize = TAG;

/// Where a piece belongs, so that it opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PiecePlace {
    /// Which group of levels of the tree, from the leaves.
    pub group: u8,
    /// Which of that group, from the left.
    pub index: u32,
}

/// Bytes that are not the piece of this digest at this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the piece is not authentic")]
pub struct PieceError;

/// The digest of a content.
pub fn piece_digest(content: &[u8]) -> [u8; 32] {
    Sha256::digest(content).into()
}

/// Seals a content whose digest this is.
///
/// # Errors
/// [`PieceError`] over GCM's limit of 64 GiB.
pub fn seal_piece(
    room: &RoomId,
    place: PiecePlace,
    digest: &[u8; 32],
    content: &[u8],
) -> Result<Vec<u8>, PieceError> {
    // All of it at once: growing would leave copies of the plaintext behind.
    let mut sealed = Vec::with_capacity(content.len().saturating_add(PIECE_OVERHEAD));
    sealed.extend_from_slice(content);
    let tag = cipher(room, place, digest).seal_its_own(&NONCE, &[], &mut sealed).map_err(|_| PieceError)?;
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

/// The content of a piece.
///
/// # Errors
/// [`PieceError`] when it is another piece, or its content has another digest.
pub fn open_piece(
    room: &RoomId,
    place: PiecePlace,
    digest: &[u8; 32],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, PieceError> {
    let (ciphertext, tag) = sealed.split_last_chunk::<TAG>().ok_or(PieceError)?;
    let mut content = Zeroizing::new(ciphertext.to_vec());
    cipher(room, place, digest).open(&NONCE, &[], &mut content, tag).map_err(|_| PieceError)?;
    // Whoever chose the key without the content could make one piece open to two of them.
    if piece_digest(&content) == *digest { Ok(content) } else { Err(PieceError) }
}

#[expect(
    clippy::expect_used,
    reason = "fails only above 255 × 32 bytes, and a key of zeros is worse than a panic"
)]
fn cipher(room: &RoomId, place: PiecePlace, digest: &[u8; 32]) -> Cipher {
    let mut key = Zeroizing::new([0; KEY]);
    let info: [&[u8]; 3] = [room.as_bytes(), &[place.group], &place.index.to_be_bytes()];
    Hkdf::<Sha256>::new(Some(SALT), digest).expand_multi_info(&info, key.as_mut_slice()).expect("32 bytes");
    Cipher::new(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId([9; 32]);
    const PLACE: PiecePlace = PiecePlace { group: 1, index: 2 };

    fn sealed(content: &[u8]) -> Vec<u8> {
        seal_piece(&ROOM, PLACE, &piece_digest(content), content).unwrap()
    }

    #[test]
    fn piece_opens_at_its_place_in_its_room_by_its_digest_and_not_otherwise() {
        let (digest, piece) = (piece_digest(b"nodes"), sealed(b"nodes"));
        assert_eq!(**open_piece(&ROOM, PLACE, &digest, &piece).unwrap(), *b"nodes");
        for (room, place, digest) in [
            (RoomId([8; 32]), PLACE, digest),
            (ROOM, PiecePlace { group: 0, ..PLACE }, digest),
            (ROOM, PiecePlace { index: 3, ..PLACE }, digest),
            (ROOM, PLACE, piece_digest(b"other")),
        ] {
            assert_eq!(open_piece(&room, place, &digest, &piece).err(), Some(PieceError));
        }
        for at in 0..piece.len() {
            let mut altered = piece.clone();
            altered[at] ^= 1;
            assert_eq!(open_piece(&ROOM, PLACE, &digest, &altered).err(), Some(PieceError), "byte {at}");
            assert_eq!(
                open_piece(&ROOM, PLACE, &digest, &piece[..at]).err(),
                Some(PieceError),
                "cut to {at}"
            );
        }
    }

    #[test]
    fn content_under_a_key_that_is_not_its_own_is_refused() {
        let chosen = piece_digest(b"something else");
        let piece = seal_piece(&ROOM, PLACE, &chosen, b"nodes").unwrap();
        assert_eq!(open_piece(&ROOM, PLACE, &chosen, &piece).err(), Some(PieceError));
    }

    /// docs/slot.md has it.
    #[test]
    fn piece_is_as_the_specification_says() {
        let piece = sealed(b"schat");
        assert_eq!(
            hex::encode(piece_digest(b"schat")),
            "19954817c0b1b46f6c82621708bedf7670d2ce1a422e759ab9a7960bcdc89493"
        );
        assert_eq!(hex::encode(piece), "d64a30f6bb6bec125aa962978fed871d6b278e7a01");
        assert_eq!(sealed(b"schat"), sealed(b"schat"));
    }
}
