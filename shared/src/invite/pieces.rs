//! A ratchet tree cut into pieces, of which a commit changes few: those on one path from a leaf to the root.
//!
//! Levels are grouped: the lowest three together, then two at a time. A piece is what hangs together in one group: at most
//! seven nodes below, three above. It holds the digests of the pieces right below it, then its nodes; so who has the
//! digest of the topmost piece opens all, and each piece changes whenever one below it does, as parent hashes do anyway.

use std::collections::{BTreeMap, BTreeSet};

use proto::{MAX_PIECE, MAX_PIECES, PieceName, RoomId, piece_name};

use crate::crypto::aead::piece::{PIECE_OVERHEAD, PiecePlace, open_piece, piece_digest, seal_piece};

/// Pieces are padded to multiples of this, in bytes, so that their sizes do not tell the lengths of names.
const STEP: usize = 1024;

/// Greatest tree that is looked at, in nodes: more than [`MAX_PIECES`] hold.
const MAX_NODES: usize = 1 << 15;

/// Pieces right below one that is not of the lowest group.
const BELOW: u32 = 4;

type Digest = [u8; 32];

/// A tree that cannot be cut, or pieces that are no tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pieces of the room's tree do not fit together")]
pub struct PiecesError;

/// Nodes of a ratchet tree as RFC 9420, 12.4.3.3 lists them, each encoded; a blank one is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(pub Vec<Vec<u8>>);

/// A tree in pieces, in the slot's order.
#[derive(Debug)]
pub struct Cut(Vec<(PiecePlace, Digest, Vec<u8>)>);

/// Its pieces, sealed.
#[derive(Debug, Default)]
pub struct SealedPieces {
    /// All names.
    pub names: Vec<PieceName>,
    /// The pieces that were asked for, in the order of their names.
    pub pieces: Vec<Vec<u8>>,
}

impl Cut {
    /// Cuts a tree.
    ///
    /// # Errors
    /// [`PiecesError`] for a tree without nodes, and for one over a limit.
    pub fn of(tree: &Tree) -> Result<Self, PiecesError> {
        let mut digests: BTreeMap<PiecePlace, Digest> = BTreeMap::new();
        let mut cut = Vec::new();
        for (place, nodes) in layout(tree.0.len())? {
            let mut content: Vec<u8> =
                below(place).filter_map(|place| digests.get(&place)).flatten().copied().collect();
            for node in nodes.iter().map(|node| tree.0.get(*node).map_or(&[][..], Vec::as_slice)) {
                let length = u16::try_from(node.len()).map_err(|_| PiecesError)?;
                content.extend_from_slice(&length.to_be_bytes());
                content.extend_from_slice(node);
            }
            content.resize(content.len().checked_next_multiple_of(STEP).ok_or(PiecesError)?, 0);
            if content.len().saturating_add(PIECE_OVERHEAD) > MAX_PIECE {
                return Err(PiecesError);
            }
            let digest = piece_digest(&content);
            digests.insert(place, digest);
            cut.push((place, digest, content));
        }
        Ok(Self(cut))
    }

    /// What opens the topmost piece.
    pub fn root(&self) -> Digest {
        self.0.last().map_or([0; 32], |(_, digest, _)| *digest)
    }

    /// Seals the pieces; those that are in `known` as well are only named.
    ///
    /// # Errors
    /// [`PiecesError`] never in practice: pieces are far below GCM's limit.
    pub fn seal(&self, room: &RoomId, known: Option<&Self>) -> Result<SealedPieces, PiecesError> {
        let known: BTreeSet<(PiecePlace, Digest)> =
            known.iter().flat_map(|known| &known.0).map(|(place, digest, _)| (*place, *digest)).collect();
        let mut sealed = SealedPieces::default();
        for (place, digest, content) in &self.0 {
            let piece = seal_piece(room, *place, digest, content).map_err(|_| PiecesError)?;
            sealed.names.push(piece_name(&piece));
            if !known.contains(&(*place, *digest)) {
                sealed.pieces.push(piece);
            }
        }
        Ok(sealed)
    }
}

/// The tree of so many nodes in all its sealed pieces.
///
/// # Errors
/// [`PiecesError`] when one is missing, is in another's place or is not what its digest says.
pub fn open_tree<P: AsRef<[u8]>>(
    room: &RoomId,
    nodes: usize,
    root: &Digest,
    pieces: &[P],
) -> Result<Tree, PiecesError> {
    let layout = layout(nodes)?;
    if layout.len() != pieces.len() {
        return Err(PiecesError);
    }
    let mut digests: BTreeMap<PiecePlace, Digest> = BTreeMap::new();
    let mut tree = vec![Vec::new(); nodes];
    // From the top: each piece has the digests of those below it.
    for (at, ((place, inside), piece)) in layout.iter().zip(pieces).rev().enumerate() {
        let digest = if at == 0 { *root } else { *digests.get(place).ok_or(PiecesError)? };
        let content = open_piece(room, *place, &digest, piece.as_ref()).map_err(|_| PiecesError)?;
        let mut rest = content.as_slice();
        for place in below(*place).filter(|place| layout.contains_key(place)) {
            digests.insert(place, *take(&mut rest)?);
        }
        for node in inside {
            let length = usize::from(u16::from_be_bytes(*take(&mut rest)?));
            let (bytes, more) = rest.split_at_checked(length).ok_or(PiecesError)?;
            rest = more;
            if let Some(node) = tree.get_mut(*node) {
                bytes.clone_into(node);
            }
        }
        // Padding and nothing else.
        if rest.iter().any(|byte| *byte != 0) {
            return Err(PiecesError);
        }
    }
    Ok(Tree(tree))
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Result<&'a [u8; N], PiecesError> {
    let (taken, rest) = bytes.split_first_chunk().ok_or(PiecesError)?;
    *bytes = rest;
    Ok(taken)
}

/// Which nodes are in which piece, in the slot's order: from the leaves up, from left to right. The last is the topmost.
fn layout(nodes: usize) -> Result<BTreeMap<PiecePlace, Vec<usize>>, PiecesError> {
    if nodes == 0 || nodes > MAX_NODES {
        return Err(PiecesError);
    }
    let mut layout: BTreeMap<PiecePlace, Vec<usize>> = BTreeMap::new();
    // The list ends with the last leaf that is not blank, so the root is the greatest 2ⁿ − 1 in it.
    let top = group_of(nodes.checked_ilog2().ok_or(PiecesError)?);
    for node in 0..nodes {
        let place = place_of(node)?;
        layout.entry(place).or_default().push(node);
        // What is above may have no node in the list, and is there all the same.
        let mut above = place;
        while above.group < top {
            above = PiecePlace { group: above.group.saturating_add(1), index: above.index / BELOW };
            layout.entry(above).or_default();
        }
    }
    if layout.len() > MAX_PIECES { Err(PiecesError) } else { Ok(layout) }
}

/// Levels count from 0 at the leaves.
fn group_of(level: u32) -> u8 {
    u8::try_from(level.saturating_sub(1) / 2).unwrap_or(u8::MAX)
}

/// A node's level is the number of ones at the end of its index (RFC 9420, appendix C).
fn place_of(node: usize) -> Result<PiecePlace, PiecesError> {
    let group = group_of(node.trailing_ones());
    let highest = u32::from(group).saturating_mul(2).saturating_add(2);
    let index = node.checked_shr(highest.saturating_add(1)).unwrap_or(0);
    Ok(PiecePlace { group, index: u32::try_from(index).map_err(|_| PiecesError)? })
}

fn below(place: PiecePlace) -> impl Iterator<Item = PiecePlace> {
    let group = place.group.checked_sub(1);
    let first = place.index.saturating_mul(BELOW);
    group.into_iter().flat_map(move |group| {
        (first..first.saturating_add(BELOW)).map(move |index| PiecePlace { group, index })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId([9; 32]);

    /// Like a tree of so many leaves: fresh bytes in each node, some of them blank.
    fn tree(leaves: usize, generation: u8) -> Tree {
        let node = |node: usize| match node % 2 {
            // As large as they are in a room of the suite 0x004E.
            0 => [&[generation; 1574][..], &node.to_be_bytes()].concat(),
            _ if node.is_multiple_of(3) => Vec::new(),
            _ => [&[generation; 1261][..], &node.to_be_bytes()].concat(),
        };
        Tree((0..leaves * 2 - 1).map(node).collect())
    }

    /// As a commit by that leaf leaves it.
    fn committed(tree: &Tree, leaf: usize, generation: u8) -> Tree {
        let (mut changed, mut level, width) = (tree.clone(), 0, tree.0.len());
        loop {
            let node = ((leaf * 2) >> (level + 1) << (level + 1)) + (1 << level) - 1;
            match changed.0.get_mut(node) {
                Some(bytes) if level == 0 => *bytes = [&[generation; 1574][..], &node.to_be_bytes()].concat(),
                Some(bytes) => *bytes = [&[generation; 1261][..], &node.to_be_bytes()].concat(),
                None if node > 2 * width => return changed,
                None => (),
            }
            level += 1;
        }
    }

    fn opened(cut: &Cut, nodes: usize, pieces: &[Vec<u8>]) -> Result<Tree, PiecesError> {
        open_tree(&ROOM, nodes, &cut.root(), pieces)
    }

    #[test]
    fn trees_of_all_sizes_come_back_from_their_pieces() {
        for leaves in (1..150).chain([255, 256, 257, 511, 512, 513, 1000]) {
            let tree = tree(leaves, 1);
            let cut = Cut::of(&tree).unwrap();
            let sealed = cut.seal(&ROOM, None).unwrap();
            assert_eq!(sealed.names.len(), sealed.pieces.len());
            assert!(sealed.pieces.iter().all(|piece| piece.len() % STEP == PIECE_OVERHEAD));
            assert_eq!(opened(&cut, tree.0.len(), &sealed.pieces).as_ref(), Ok(&tree), "{leaves} leaves");
        }
    }

    #[test]
    fn commit_changes_the_pieces_of_one_path_and_no_other() {
        for (leaves, leaf) in [(2, 1), (10, 3), (100, 99), (1000, 0), (1000, 517), (1000, 999)] {
            let before = tree(leaves, 1);
            let (old, new) = (Cut::of(&before).unwrap(), Cut::of(&committed(&before, leaf, 2)).unwrap());
            let sealed = new.seal(&ROOM, Some(&old)).unwrap();
            let groups = usize::from(new.0.last().unwrap().0.group) + 1;
            assert_eq!(sealed.pieces.len(), groups, "{leaves} leaves");
            let all = new.seal(&ROOM, None).unwrap();
            assert_eq!(sealed.names, all.names);
            let known = old.seal(&ROOM, None).unwrap().names;
            let missing = all.names.iter().filter(|name| !known.contains(name)).count();
            assert_eq!(missing, groups, "what is not sent has the name that it had");
        }
    }

    #[test]
    fn commit_of_a_thousand_members_brings_few_bytes() {
        let full = Tree(
            tree(1000, 1)
                .0
                .into_iter()
                .map(|node| if node.is_empty() { vec![1; 1269] } else { node })
                .collect(),
        );
        let (old, new) = (Cut::of(&full).unwrap(), Cut::of(&committed(&full, 517, 2)).unwrap());
        let sealed = new.seal(&ROOM, Some(&old)).unwrap();
        let pieces: usize = sealed.pieces.iter().map(|piece| piece.len() + 4).sum();
        // docs/slot.md has them.
        assert_eq!((sealed.names.len() * 32, pieces), (10_688, 26_724));
        let whole: usize = new.seal(&ROOM, None).unwrap().pieces.iter().map(Vec::len).sum();
        assert!(whole > 2_852_728, "{whole}: the whole tree");
    }

    #[test]
    fn pieces_that_are_swapped_missing_or_of_another_commit_are_refused() {
        let before = tree(40, 1);
        let (old, new) = (Cut::of(&before).unwrap(), Cut::of(&committed(&before, 7, 2)).unwrap());
        let (stale, good) = (old.seal(&ROOM, None).unwrap().pieces, new.seal(&ROOM, None).unwrap().pieces);
        let nodes = before.0.len();
        assert!(opened(&new, nodes, &good).is_ok());
        assert_eq!(opened(&new, nodes, &stale).err(), Some(PiecesError));
        for at in 0..good.len() {
            let mut wrong = good.clone();
            wrong.swap(at, (at + 1) % good.len());
            assert_eq!(opened(&new, nodes, &wrong).err(), Some(PiecesError), "swapped at {at}");
            let mut wrong = good.clone();
            wrong.remove(at);
            assert_eq!(opened(&new, nodes, &wrong).err(), Some(PiecesError), "without {at}");
            if good[at] != stale[at] {
                let mut wrong = good.clone();
                wrong[at].clone_from(&stale[at]);
                assert_eq!(opened(&new, nodes, &wrong).err(), Some(PiecesError), "an old one at {at}");
            }
        }
        for wrong in [0, nodes - 2, nodes + 2, MAX_NODES + 1, usize::MAX] {
            assert_eq!(opened(&new, wrong, &good).err(), Some(PiecesError), "{wrong} nodes");
        }
    }

    #[test]
    fn no_tree_and_trees_over_the_limits_are_refused() {
        for tree in [Tree::default(), Tree(vec![vec![1; MAX_PIECE]]), Tree(vec![Vec::new(); MAX_NODES + 1])] {
            assert_eq!(Cut::of(&tree).err(), Some(PiecesError));
        }
        let greatest = Tree(vec![Vec::new(); 2 * 8192 - 1]);
        assert_eq!(Cut::of(&greatest).unwrap().0.len(), 2731);
    }
}
