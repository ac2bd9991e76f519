//! The slot: the sealed GroupInfo that lets an invited stranger join while everybody is asleep.
//!
//! The GroupInfo is sealed under the slot key of its epoch, an MLS exporter secret that every member of that epoch
//! has and nobody else; the slot key goes to each live invite by its public KEM key. So whoever was removed opens no
//! later slot, with the relay's help or without: there is no secret left that they know. An invite costs a slot
//! 1.5 KB, not another copy of the tree.

use prost::Message;
use proto::RoomId;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    content,
    crypto::aead::{Envelope, EnvelopeSecret, OpeningKey, Origin, Scope, SealingKey},
    crypto::random::Random,
    crypto::suite::{KemKey, SuiteError},
    invite::{InviteSecret, wrap_secret},
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
}

/// Seals `group_info` under `slot_key`, the key of the epoch that it is of, for every live invite.
///
/// # Errors
/// [`SealSlotError::Seal`] when the group outgrew an envelope.
pub fn seal(
    room: &RoomId,
    invites: &[content::Invite],
    (slot_key, group_info): (&[u8; 32], &[u8]),
    random: &Random,
) -> Result<Vec<u8>, SealSlotError> {
    let secret = EnvelopeSecret::new(*slot_key);
    let sealed = SealingKey::fresh(&secret, &scope(room), random).seal_slot(group_info)?;
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
    Ok(content::SealedSlot { wraps, group_info: sealed.into() }.encode_to_vec())
}

/// The slot key and the GroupInfo in a slot.
///
/// # Errors
/// [`SlotError`] says whether the slot is damaged or the invite is dead.
pub fn open(
    room: &RoomId,
    invite: &InviteSecret,
    slot: &[u8],
) -> Result<(SlotKey, Zeroizing<Vec<u8>>), SlotError> {
    let damaged = |_: SuiteError| SlotError::Damaged;
    let slot = content::SealedSlot::decode(slot).map_err(|_| SlotError::Damaged)?;
    let id = invite.id();
    let wrap = slot.wraps.iter().find(|wrap| *wrap.invite_id == id).ok_or(SlotError::NotInvited)?;
    let key = invite.kem_key().map_err(damaged)?;
    let shared = key.decapsulate(&wrap.ciphertext).map_err(damaged)?;
    let secret = wrap_secret(&shared, &bound(&wrap.ciphertext, key.public()));
    let wrapped = Envelope::parse(&wrap.envelope).map_err(|_| SlotError::Damaged)?;
    let slot_key = open_one(&secret, room, &wrapped)?;
    let slot_key: SlotKey = Zeroizing::new(slot_key.as_slice().try_into().map_err(|_| SlotError::Damaged)?);
    let group_info = open_with(room, &slot_key, &slot.group_info)?;
    Ok((slot_key, group_info))
}

/// The GroupInfo in a slot, for whoever has the slot key already.
///
/// # Errors
/// [`SlotError::Damaged`] when it is another epoch's.
pub fn open_as_member(
    room: &RoomId,
    slot_key: &[u8; 32],
    slot: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SlotError> {
    let slot = content::SealedSlot::decode(slot).map_err(|_| SlotError::Damaged)?;
    open_with(room, slot_key, &slot.group_info)
}

fn open_with(room: &RoomId, slot_key: &[u8; 32], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SlotError> {
    let sealed = Envelope::parse_slot(sealed).map_err(|_| SlotError::Damaged)?;
    open_one(&EnvelopeSecret::new(*slot_key), room, &sealed)
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
        let (room, maker, key) = (RoomId([9; 32]), Identity::from_bytes(&[1; 32]), [5; 32]);
        let invites = [&a, &b].map(|secret| list(secret, &room, (0, 0), &maker).unwrap());
        let slot = seal(&room, &invites, (&key, b"group info"), &random).unwrap();
        for secret in [&a, &b] {
            let (slot_key, info) = open(&room, secret, &slot).unwrap();
            assert_eq!((*slot_key, &**info), (key, &b"group info"[..]));
        }
        assert_eq!(**open_as_member(&room, &key, &slot).unwrap(), *b"group info");
        assert_eq!(open_as_member(&room, &[6; 32], &slot), Err(SlotError::Damaged));
        assert_eq!(open(&room, &dead, &slot), Err(SlotError::NotInvited));
        assert_eq!(open(&RoomId([8; 32]), &a, &slot), Err(SlotError::Damaged));
        for i in (0..slot.len()).step_by(7) {
            let mut altered = slot.clone();
            altered[i] ^= 1;
            assert!(open(&room, &a, &altered).is_err() || open(&room, &b, &altered).is_err(), "byte {i}");
        }
    }

    #[test]
    fn what_the_group_lists_of_an_invite_opens_no_slot() {
        let random = Random::new(ChaCha20Rng::seed_from_u64(2));
        let (room, maker) = (RoomId([9; 32]), Identity::from_bytes(&[1; 32]));
        let invite = list(&InviteSecret::from_bytes([1; 20]), &room, (0, 0), &maker).unwrap();
        let slot = seal(&room, std::slice::from_ref(&invite), (&[5; 32], b"group info"), &random).unwrap();
        let wrap = &content::SealedSlot::decode(&*slot).unwrap().wraps[0];
        let envelope = Envelope::parse(&wrap.envelope).unwrap();
        // Everything that a member, or whoever was one, can put in the place of what the KEM carries.
        for known in [&invite.kem_key, &invite.join_key, &invite.access_key, &invite.id, &wrap.ciphertext] {
            let secret = wrap_secret(known, &bound(&wrap.ciphertext, &invite.kem_key));
            assert_eq!(open_one(&secret, &room, &envelope), Err(SlotError::Damaged));
        }
    }
}
