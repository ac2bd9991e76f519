//! The slot: the sealed GroupInfo that lets an invited stranger join while everybody is asleep.
//!
//! The GroupInfo is sealed under the slot key of its epoch, an MLS exporter secret that every member of that epoch
//! has and nobody else; the slot key goes to each live invite by its public KEM key. So whoever was removed opens no
//! later slot, with the relay's help or without: there is no secret left that they know. An invite costs a slot
//! 1.5 KB, not another copy of the tree.
//!
//! The tree lies beside it in pieces ([`super::pieces`]), of which a commit sends those that it changed.

use prost::Message;
use proto::{RoomId, join_pieces, slot_hash, split_pieces};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    content,
    crypto::aead::{Envelope, EnvelopeSecret, OpeningKey, Origin, Scope, SealingKey},
    crypto::random::Random,
    crypto::suite::{KemKey, SuiteError},
    invite::{
        InviteSecret,
        pieces::{Cut, PiecesError, Tree, open_tree},
        wrap_secret,
    },
};

/// A slot's key: 32 secret bytes of one epoch.
pub type SlotKey = Zeroizing<[u8; 32]>;

/// Why a slot cannot be opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SlotError {
    /// Not a slot.
    #[error("the relay's copy of the room's state is damaged")]
    Damaged,
    /// No wrap for this invite: it was revoked, or the room moved on without it.
    #[error("the invite is no longer live")]
    NotInvited,
}

/// Why a slot cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealSlotError {
    /// The group outgrew an envelope.
    #[error(transparent)]
    Seal(#[from] crate::crypto::aead::SealError),
    /// A listed invite's KEM key is none, which the rules have already ruled out.
    #[error(transparent)]
    Kem(#[from] SuiteError),
    /// The group's tree is none, or outgrew its pieces.
    #[error(transparent)]
    Pieces(#[from] PiecesError),
}

/// What lets somebody into an epoch.
#[derive(Debug, PartialEq, Eq)]
pub struct Entrance {
    /// MLSMessage with the GroupInfo, without its tree.
    pub group_info: Zeroizing<Vec<u8>>,
    /// The tree.
    pub tree: Tree,
}

/// A slot as it goes to the relay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// All but the tree, sealed.
    pub sealed: Vec<u8>,
    /// Names of all pieces, 32 bytes each.
    pub names: Vec<u8>,
    /// Pieces that the relay may not have, as they are sent.
    pub pieces: Vec<u8>,
}

impl Slot {
    /// What a commit's signature covers of it.
    pub fn hash(&self) -> [u8; 32] {
        slot_hash(&self.sealed, &self.names)
    }
}

/// Seals GroupInfo and tree under `slot_key`, the key of the epoch that they are of, for every live invite. Pieces that
/// `known`, the tree of a slot that the relay keeps, has as well are only named.
///
/// # Errors
/// [`SealSlotError`] when the group outgrew an envelope or its pieces.
pub fn seal(
    room: &RoomId,
    invites: &[content::Invite],
    (slot_key, group_info, tree): (&[u8; 32], &[u8], &Tree),
    known: Option<&Tree>,
    random: &Random,
) -> Result<Slot, SealSlotError> {
    let cut = Cut::of(tree)?;
    let pieces = cut.seal(room, known.map(Cut::of).transpose()?.as_ref())?;
    let state = content::GroupState {
        group_info: group_info.to_vec().into(),
        nodes: u32::try_from(tree.0.len()).map_err(|_| PiecesError)?,
        root: cut.root().to_vec().into(),
    };
    let secret = EnvelopeSecret::new(*slot_key);
    let sealed =
        SealingKey::fresh(&secret, &scope(room), random).seal(&Zeroizing::new(state.encode_to_vec()))?;
    let wraps = invites
        .iter()
        .map(|invite| {
            let (shared, ciphertext) = KemKey::encapsulate(random, &invite.kem_key)?;
            let secret = wrap_secret(&shared, &bound(&ciphertext, &invite.kem_key));
            let envelope = SealingKey::fresh(&secret, &scope(room), random).seal(slot_key)?;
            let invite_id = invite.id.clone();
            Ok(content::Wrap { invite_id, ciphertext: ciphertext.into(), envelope: envelope.into() })
        })
        .collect::<Result<_, SealSlotError>>()?;
    Ok(Slot {
        sealed: content::SealedSlot { wraps, group_info: sealed.into() }.encode_to_vec(),
        names: pieces.names.concat(),
        pieces: join_pieces(pieces.pieces.iter().map(Vec::as_slice)),
    })
}

/// The slot key, and what lets somebody in.
///
/// # Errors
/// [`SlotError`] says whether the slot is damaged or the invite is dead.
pub fn open(
    room: &RoomId,
    invite: &InviteSecret,
    found: &proto::relay::Slot,
) -> Result<(SlotKey, Entrance), SlotError> {
    let damaged = |_: SuiteError| SlotError::Damaged;
    let slot = content::SealedSlot::decode(&*found.sealed).map_err(|_| SlotError::Damaged)?;
    let id = invite.id();
    let wrap = slot.wraps.iter().find(|wrap| *wrap.invite_id == id).ok_or(SlotError::NotInvited)?;
    let key = invite.kem_key().map_err(damaged)?;
    let shared = key.decapsulate(&wrap.ciphertext).map_err(damaged)?;
    let secret = wrap_secret(&shared, &bound(&wrap.ciphertext, key.public()));
    let wrapped = Envelope::parse(&wrap.envelope).map_err(|_| SlotError::Damaged)?;
    let slot_key = open_one(&secret, room, &wrapped)?;
    let slot_key: SlotKey = Zeroizing::new(slot_key.as_slice().try_into().map_err(|_| SlotError::Damaged)?);
    let entrance = open_with(room, &slot_key, &slot.group_info, found)?;
    Ok((slot_key, entrance))
}

/// What lets somebody in, for whoever has the slot key already.
///
/// # Errors
/// [`SlotError::Damaged`] when it is another epoch's.
pub fn open_as_member(
    room: &RoomId,
    slot_key: &[u8; 32],
    found: &proto::relay::Slot,
) -> Result<Entrance, SlotError> {
    let slot = content::SealedSlot::decode(&*found.sealed).map_err(|_| SlotError::Damaged)?;
    open_with(room, slot_key, &slot.group_info, found)
}

fn open_with(
    room: &RoomId,
    slot_key: &[u8; 32],
    sealed: &[u8],
    found: &proto::relay::Slot,
) -> Result<Entrance, SlotError> {
    let sealed = Envelope::parse(sealed).map_err(|_| SlotError::Damaged)?;
    let state = open_one(&EnvelopeSecret::new(*slot_key), room, &sealed)?;
    let state = content::GroupState::decode(state.as_slice()).map_err(|_| SlotError::Damaged)?;
    let root = (&*state.root).try_into().map_err(|_| SlotError::Damaged)?;
    let pieces = split_pieces(&found.pieces).map_err(|_| SlotError::Damaged)?;
    let nodes = usize::try_from(state.nodes).map_err(|_| SlotError::Damaged)?;
    let tree = open_tree(room, nodes, root, &pieces).map_err(|_| SlotError::Damaged)?;
    Ok(Entrance { group_info: Zeroizing::new(state.group_info.to_vec()), tree })
}

fn open_one(
    secret: &EnvelopeSecret,
    room: &RoomId,
    envelope: &Envelope<'_>,
) -> Result<Zeroizing<Vec<u8>>, SlotError> {
    OpeningKey::new(secret, &scope(room), envelope.session()).open(envelope).map_err(|_| SlotError::Damaged)
}

/// Both have fixed lengths, so no two pairs share an encoding.
fn bound(ciphertext: &[u8], kem_key: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(ciphertext).chain_update(kem_key).finalize().into()
}

fn scope(room: &RoomId) -> Scope {
    Scope { room: *room, epoch: 0, origin: Origin::Slot }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{identity::Identity, invite::list};
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    #[test]
    fn only_live_invites_open_it() {
        let random = Random::new(ChaCha20Rng::seed_from_u64(1));
        let [a, b, dead] = [1, 2, 3].map(|n| InviteSecret::from_bytes([n; 20]));
        let (room, maker, key) = (RoomId([9; 32]), Identity::without_recovery(&[1; 32]), [5; 32]);
        let invites = [&a, &b].map(|secret| list(secret, &room, (0, 0), &maker).unwrap());
        let slot = found(&seal(&room, &invites, (&key, b"group info", &tree()), None, &random).unwrap());
        let inside = || Entrance { group_info: Zeroizing::new(b"group info".to_vec()), tree: tree() };
        for secret in [&a, &b] {
            let (slot_key, entrance) = open(&room, secret, &slot).unwrap();
            assert_eq!((*slot_key, entrance), (key, inside()));
        }
        assert_eq!(open_as_member(&room, &key, &slot), Ok(inside()));
        assert_eq!(open_as_member(&room, &[6; 32], &slot), Err(SlotError::Damaged));
        assert_eq!(open(&room, &dead, &slot), Err(SlotError::NotInvited));
        assert_eq!(open(&RoomId([8; 32]), &a, &slot), Err(SlotError::Damaged));
        for i in (0..slot.sealed.len()).step_by(7) {
            let mut altered = slot.sealed.to_vec();
            altered[i] ^= 1;
            let altered = proto::relay::Slot { sealed: altered.into(), ..slot.clone() };
            assert!(open(&room, &a, &altered).is_err() || open(&room, &b, &altered).is_err(), "byte {i}");
        }
        for i in (0..slot.pieces.len()).step_by(7) {
            let mut altered = slot.pieces.to_vec();
            altered[i] ^= 1;
            let altered = proto::relay::Slot { pieces: altered.into(), ..slot.clone() };
            assert_eq!(open(&room, &a, &altered), Err(SlotError::Damaged), "byte {i} of the pieces");
        }
    }

    fn tree() -> Tree {
        Tree(vec![b"one leaf".to_vec(), b"a parent".to_vec(), b"another leaf".to_vec()])
    }

    /// As the relay hands it out.
    fn found(slot: &Slot) -> proto::relay::Slot {
        let (sealed, pieces) = (slot.sealed.clone().into(), slot.pieces.clone().into());
        proto::relay::Slot { last_commit: 0, sealed, pieces }
    }

    #[test]
    fn what_the_group_lists_of_an_invite_opens_no_slot() {
        let random = Random::new(ChaCha20Rng::seed_from_u64(2));
        let (room, maker) = (RoomId([9; 32]), Identity::without_recovery(&[1; 32]));
        let invite = list(&InviteSecret::from_bytes([1; 20]), &room, (0, 0), &maker).unwrap();
        let state = (&[5; 32], &b"group info"[..], &tree());
        let slot = seal(&room, std::slice::from_ref(&invite), state, None, &random).unwrap();
        let wrap = &content::SealedSlot::decode(&*slot.sealed).unwrap().wraps[0];
        let envelope = Envelope::parse(&wrap.envelope).unwrap();
        // Everything that a member, or whoever was one, can put in the place of what the KEM carries.
        for known in [&invite.kem_key, &invite.join_key, &invite.access_key, &invite.id, &wrap.ciphertext] {
            let secret = wrap_secret(known, &bound(&wrap.ciphertext, &invite.kem_key));
            assert_eq!(open_one(&secret, &room, &envelope), Err(SlotError::Damaged));
        }
    }
}
