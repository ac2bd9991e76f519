//! Invites: one secret, from which everything that lets a stranger in is derived.
//!
//! `S` is 32 random bytes, carried by the link (or derived from the name, for an open room). HKDF-SHA256
//! (RFC 5869) with `S` as input keying material gives the parts, each under its own info string; the
//! group state lists the parts but not `S`, so a member cannot re-create somebody else's link.

use ed25519_dalek::{Signer, SigningKey};
use hkdf::Hkdf;
use proto::{PublicKey, RoomId, relay::AccessKey, relay::access_key::Kind};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{content, crypto::aead::EnvelopeSecret, crypto::random::Random};

/// Salt of every derivation here.
const SALT: &[u8] = b"schat/1 invite";

/// How many invites may be live in a room: more is a sign of a mistake, and each costs 300 bytes in
/// every slot.
pub const MAX_INVITES: usize = 16;

/// How long an invite lives unless told otherwise: a week, in milliseconds.
pub const INVITE_LIFETIME_MS: u64 = 7 * 24 * 3600 * 1000;

/// How many people one invite lets in unless told otherwise.
pub const INVITE_USES: u32 = 100;

/// The secret of an invite.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct InviteSecret([u8; 32]);

impl InviteSecret {
    /// A fresh secret.
    pub fn generate(random: &Random) -> Self {
        Self(random.bytes())
    }

    /// The secret with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret of the open room `name`: whoever knows the name knows it.
    pub fn of_open_room(name: &str) -> Self {
        Self(*derive(name.as_bytes(), b"open room secret"))
    }

    /// The bytes, for a link.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Names the invite; public inside the group.
    pub fn id(&self) -> [u8; 16] {
        let full = derive(&self.0, b"id");
        let mut id = [0; 16];
        id.iter_mut().zip(full.iter()).for_each(|(to, from)| *to = *from);
        id
    }

    /// What opens this invite's wrap in the slot and seals the join envelope: see [`wrap_secret`] and
    /// [`join_secret`].
    pub fn seal_key(&self) -> Zeroizing<[u8; 32]> {
        derive(&self.0, b"seal key")
    }

    /// The external PSK (RFC 9420, 8.4) that the join commit must prove.
    pub fn psk(&self) -> Zeroizing<[u8; 32]> {
        derive(&self.0, b"external psk")
    }

    /// Signs Join statements at the relay.
    pub fn access_key(&self) -> AccessSecret {
        AccessSecret::from_bytes(&derive(&self.0, b"access key"))
    }

    /// What the group state lists.
    pub fn to_content(&self, expires_ms: u64, max_uses: u32) -> content::Invite {
        content::Invite {
            id: self.id().to_vec().into(),
            seal_key: self.seal_key().to_vec().into(),
            psk: self.psk().to_vec().into(),
            access_key: self.access_key().public().as_bytes().to_vec().into(),
            expires_ms,
            max_uses,
        }
    }
}

impl std::fmt::Debug for InviteSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InviteSecret")
    }
}

/// What seals an invite's wrap in the slot.
pub fn wrap_secret(seal_key: &[u8]) -> EnvelopeSecret {
    EnvelopeSecret::new(*derive(seal_key, b"slot wrap"))
}

/// What seals the envelope of a join commit.
pub fn join_secret(seal_key: &[u8]) -> EnvelopeSecret {
    EnvelopeSecret::new(*derive(seal_key, b"join envelope"))
}

/// The room id of the open room `name`.
pub fn open_room_id(name: &str) -> RoomId {
    RoomId(*derive(name.as_bytes(), b"open room id"))
}

/// The invite's access key as the relay is told of it.
pub fn access_key_of(invite: &content::Invite) -> AccessKey {
    AccessKey {
        key: invite.access_key.clone(),
        kind: Kind::Invite.into(),
        expires_ms: invite.expires_ms,
        max_uses: invite.max_uses,
        ..AccessKey::default()
    }
}

/// A room access key's secret half (Ed25519, RFC 8032): signs Join statements and nothing else.
#[derive(Clone)]
pub struct AccessSecret(SigningKey);

impl AccessSecret {
    /// A fresh member key: random, so that no key links two rooms.
    pub fn generate(random: &Random) -> Self {
        Self::from_bytes(&Zeroizing::new(random.bytes()))
    }

    /// The key with this secret.
    pub fn from_bytes(secret: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(secret))
    }

    /// The secret, for storage.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// What the relay knows.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// Proves possession, for this room and this connection.
    pub fn sign_join(&self, room: &RoomId, binding: &[u8; proto::CHANNEL_BINDING_LEN]) -> [u8; 64] {
        self.sign_statement(&proto::join_statement(room, binding))
    }

    /// Signs a join's or a return's commit, or a vote.
    pub(crate) fn sign_statement(&self, statement: &[u8]) -> [u8; 64] {
        self.0.sign(statement).to_bytes()
    }
}

impl std::fmt::Debug for AccessSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccessSecret({:?})", self.public())
    }
}

fn derive(secret: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0; 32]);
    // 32 bytes are far below HKDF's limit of 255 blocks, so this cannot fail.
    let _ = Hkdf::<Sha256>::new(Some(SALT), secret).expand(info, out.as_mut());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_differ_and_are_stable() {
        let secret = InviteSecret::from_bytes([1; 32]);
        let invite = secret.to_content(5, 6);
        let parts = [&invite.seal_key, &invite.psk, &invite.access_key];
        for (i, part) in parts.iter().enumerate() {
            assert_eq!(part.len(), 32);
            assert!(parts.iter().skip(i + 1).all(|other| other != part));
        }
        assert_eq!(invite, InviteSecret::from_bytes([1; 32]).to_content(5, 6));
        assert_ne!(invite.id, InviteSecret::from_bytes([2; 32]).to_content(5, 6).id);
    }

    #[test]
    fn open_rooms_follow_from_their_name_alone() {
        assert_eq!(open_room_id("lobby"), open_room_id("lobby"));
        assert_ne!(open_room_id("lobby"), open_room_id("Lobby"));
        assert_ne!(InviteSecret::of_open_room("lobby").as_bytes(), &open_room_id("lobby").0);
    }
}
