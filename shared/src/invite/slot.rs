//! The slot: the sealed GroupInfo that lets an invited stranger join while everybody is asleep.
//!
//! The GroupInfo is sealed once under a fresh key; that key is wrapped for each live invite. So the slot
//! of a large room grows by 300 bytes for each invite, not by another copy of the tree.

use prost::Message;
use proto::RoomId;
use zeroize::Zeroizing;

use crate::{
    content,
    crypto::aead::{Envelope, EnvelopeSecret, OpeningKey, Origin, Scope, SealError, SealingKey, Session},
    crypto::random::Random,
    invite::{InviteSecret, wrap_secret},
};

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

/// Seals `group_info` for every live invite.
///
/// # Errors
/// [`SealError::TooLarge`] when the group outgrew an envelope.
pub fn seal(
    room: &RoomId,
    invites: &[content::Invite],
    (key, group_info): (&[u8; 32], &[u8]),
    random: &Random,
) -> Result<Vec<u8>, SealError> {
    let secret = EnvelopeSecret::new(*key);
    let sealed = SealingKey::new(&secret, &scope(room), Session::random(random)).seal_slot(group_info)?;
    let wraps = invites
        .iter()
        .map(|invite| {
            let envelope = seal_one(&wrap_secret(&invite.seal_key), room, key.as_ref(), random)?;
            Ok(content::Wrap { invite_id: invite.id.clone(), envelope: envelope.into() })
        })
        .collect::<Result<_, SealError>>()?;
    Ok(content::SealedSlot { wraps, group_info: sealed.into() }.encode_to_vec())
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
    let sealed = Envelope::parse_slot(&slot.group_info).map_err(|_| SlotError::Damaged)?;
    open_one(&EnvelopeSecret::new(*slot_key), room, &sealed)
}

/// The GroupInfo in a slot.
///
/// # Errors
/// [`SlotError`] says whether the slot is damaged or the invite is dead.
pub fn open(room: &RoomId, invite: &InviteSecret, slot: &[u8]) -> Result<Zeroizing<Vec<u8>>, SlotError> {
    let slot = content::SealedSlot::decode(slot).map_err(|_| SlotError::Damaged)?;
    let id = invite.id();
    let wrap = slot.wraps.iter().find(|wrap| *wrap.invite_id == id).ok_or(SlotError::NotInvited)?;
    let wrap = Envelope::parse(&wrap.envelope).map_err(|_| SlotError::Damaged)?;
    let key = open_one(&wrap_secret(invite.seal_key().as_ref()), room, &wrap)?;
    let key: [u8; 32] = key.as_slice().try_into().map_err(|_| SlotError::Damaged)?;
    let sealed = Envelope::parse_slot(&slot.group_info).map_err(|_| SlotError::Damaged)?;
    open_one(&EnvelopeSecret::new(key), room, &sealed)
}

// The wrapped key is fresh for each slot and the session random, so no (key, nonce) pair comes twice.
fn seal_one(
    secret: &EnvelopeSecret,
    room: &RoomId,
    plain: &[u8],
    random: &Random,
) -> Result<Vec<u8>, SealError> {
    SealingKey::new(secret, &scope(room), Session::random(random)).seal(plain)
}

fn open_one(
    secret: &EnvelopeSecret,
    room: &RoomId,
    envelope: &Envelope<'_>,
) -> Result<Zeroizing<Vec<u8>>, SlotError> {
    OpeningKey::new(secret, &scope(room), envelope.session()).open(envelope).map_err(|_| SlotError::Damaged)
}

fn scope(room: &RoomId) -> Scope {
    Scope { room: *room, epoch: 0, origin: Origin::Slot }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    #[test]
    fn only_live_invites_open_it() {
        let random = Random::new(ChaCha20Rng::seed_from_u64(1));
        let [a, b, dead] = [1, 2, 3].map(|n| InviteSecret::from_bytes([n; 32]));
        let room = RoomId([9; 32]);
        let invites = [&a, &b].map(|secret| secret.to_content(0, 0));
        let slot = seal(&room, &invites, (&[6; 32], b"group info"), &random).unwrap();
        for secret in [&a, &b] {
            assert_eq!(*open(&room, secret, &slot).unwrap(), b"group info");
        }
        assert_eq!(open(&room, &dead, &slot), Err(SlotError::NotInvited));
        assert_eq!(open(&RoomId([8; 32]), &a, &slot), Err(SlotError::Damaged));
        for i in 0..slot.len() {
            let mut altered = slot.clone();
            altered[i] ^= 1;
            assert!(open(&room, &a, &altered).is_err() || open(&room, &b, &altered).is_err(), "byte {i}");
        }
    }
}
