//! A slot in pieces: what both sides count, name and cut alike. `docs/slot.md` has the construction.
//!
//! A piece is opaque here. Its name is the SHA-256 of its bytes, so whoever keeps pieces can check them, and nobody
//! can put others in their place.

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// A piece's name: SHA-256 of its sealed bytes.
pub type PieceName = [u8; 32];

/// Most pieces of one slot: a tree of 8,192 leaves has 2,731.
pub const MAX_PIECES: usize = 4096;

/// Greatest piece, in bytes: four leaves and three parents of a post-quantum tree take at most 14 KiB.
pub const MAX_PIECE: usize = 32 << 10;

/// Greatest slot with all its pieces, in bytes: what is left of a commit frame once its envelope is taken off.
pub const MAX_SLOT: usize = 8 << 20;

/// Bytes before each piece: its length, big-endian.
const LENGTH: usize = 4;

/// Bytes that are no list of pieces, or of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a list of pieces")]
pub struct BadPieces;

/// The name of a sealed piece.
pub fn piece_name(sealed: &[u8]) -> PieceName {
    Sha256::digest(sealed).into()
}

/// What a commit's signature covers of its slot: SHA-256 of `SHA-256(sealed) ‖ names`, and so every byte of every piece.
pub fn slot_hash(sealed: &[u8], names: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(Sha256::digest(sealed)).chain_update(names).finalize().into()
}

/// Pieces one after the other, each behind its length(4). One field and not a repeated one: a frame of many empty fields
/// would take sixteen times its size in memory.
pub fn join_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&u32::try_from(piece.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(piece);
    }
    out
}

/// The pieces in a list, without copying them.
///
/// # Errors
/// [`BadPieces`] for more than [`MAX_PIECES`], for one that is empty or over [`MAX_PIECE`] bytes, and for what is no list.
pub fn split_pieces(list: &Bytes) -> Result<Vec<Bytes>, BadPieces> {
    let (mut rest, mut pieces) = (list.clone(), Vec::new());
    while !rest.is_empty() {
        let length = rest.split_to_checked(LENGTH).ok_or(BadPieces)?;
        let length = length.first_chunk().map_or(0, |length| u32::from_be_bytes(*length)) as usize;
        if length == 0 || length > MAX_PIECE || pieces.len() >= MAX_PIECES {
            return Err(BadPieces);
        }
        pieces.push(rest.split_to_checked(length).ok_or(BadPieces)?);
    }
    Ok(pieces)
}

/// The names in a list of 32 bytes each.
///
/// # Errors
/// [`BadPieces`] for more than [`MAX_PIECES`], a name that comes twice, and what is no list.
pub fn split_names(list: &[u8]) -> Result<Vec<PieceName>, BadPieces> {
    let (names, []) = list.as_chunks() else { return Err(BadPieces) };
    let distinct: std::collections::BTreeSet<&PieceName> = names.iter().take(MAX_PIECES + 1).collect();
    if names.len() > MAX_PIECES || distinct.len() != names.len() {
        return Err(BadPieces);
    }
    Ok(names.to_vec())
}

trait SplitTo {
    fn split_to_checked(&mut self, at: usize) -> Option<Bytes>;
}

impl SplitTo for Bytes {
    fn split_to_checked(&mut self, at: usize) -> Option<Bytes> {
        (at <= self.len()).then(|| self.split_to(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back_and_what_is_no_list_is_refused() {
        let pieces = [&b"a"[..], &[7; MAX_PIECE]];
        let list = Bytes::from(join_pieces(pieces));
        assert_eq!(split_pieces(&list).unwrap(), pieces);
        assert_eq!(split_pieces(&Bytes::new()).unwrap(), Vec::<Bytes>::new());
        let many = vec![&b"x"[..]; MAX_PIECES];
        assert_eq!(split_pieces(&join_pieces(many.clone()).into()).unwrap().len(), MAX_PIECES);
        for (wrong, list) in [
            ("cut", list.slice(..list.len() - 1)),
            ("cut in a length", list.slice(..3)),
            ("an empty piece", Bytes::from_static(&[0; 4])),
            ("too large a piece", join_pieces([&[7; MAX_PIECE + 1][..]]).into()),
            ("too many", join_pieces(many.into_iter().chain([&b"x"[..]])).into()),
        ] {
            assert_eq!(split_pieces(&list), Err(BadPieces), "{wrong}");
        }
    }

    #[test]
    fn names_are_whole_distinct_and_not_too_many() {
        let names: Vec<PieceName> = (0..=MAX_PIECES).map(|n| piece_name(&n.to_be_bytes())).collect();
        let list = names.concat();
        assert_eq!(split_names(&list[..MAX_PIECES * 32]).unwrap(), names[..MAX_PIECES]);
        assert_eq!(split_names(&[]).unwrap(), Vec::<PieceName>::new());
        for (wrong, list) in
            [("too many", &list[..]), ("cut", &list[..31]), ("twice", &[&list[..64], &list[..32]].concat())]
        {
            assert_eq!(split_names(list), Err(BadPieces), "{wrong}");
        }
    }

    #[test]
    fn the_slots_hash_covers_what_is_sealed_and_every_name() {
        let hash = slot_hash(b"sealed", &[1; 64]);
        assert_ne!(hash, slot_hash(b"sealed", &[1; 32]));
        assert_ne!(hash, slot_hash(b"other", &[1; 64]));
        assert_ne!(slot_hash(b"", b"ab"), slot_hash(b"a", b"b"));
    }
}
