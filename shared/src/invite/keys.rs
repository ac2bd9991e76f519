//! Invites: one secret, from which everything that lets a stranger in is derived.
//!
//! `S` is 20 random bytes, carried by the link (or derived from the name, for an open room). HKDF-SHA256
//! (RFC 5869) with `S` as input keying material gives the parts, each under its own info string. The group
//! lists the public halves alone: a member can neither use nor re-create somebody else's link, and whoever
//! is removed takes none with them.

use ed25519_dalek::{Signer, SigningKey};
use hkdf::Hkdf;
use proto::{PublicKey, RoomId};
use sha2::Sha256;
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    crypto::aead::EnvelopeSecret,
    crypto::random::Random,
    crypto::suite::{KemKey, SuiteError},
    identity::names::fold,
};

/// Salt of every derivation here.
const SALT: &[u8] = b"schat/2 invite";

/// How many invites may be live in a room: more is a sign of a mistake, and each costs 1.5 KB in the group's
/// state and in every slot.
pub const MAX_INVITES: usize = 16;

/// How long an invite lives unless told otherwise: a week, in milliseconds.
pub const INVITE_LIFETIME_MS: u64 = 7 * 24 * 3600 * 1000;

/// How many devices one invite lets in unless told otherwise: a link that got into the wrong hands is a small harm.
pub const INVITE_USES: u32 = 20;

/// Bytes of a link's secret: 160 bits, against a search by whoever has the slot or the card.
pub const SECRET_LEN: usize = 20;

/// The secret of an invite.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct InviteSecret([u8; SECRET_LEN]);

impl InviteSecret {
    /// A fresh secret.
    pub fn generate(random: &Random) -> Self {
        Self(random.bytes())
    }

    /// The secret with these bytes.
    pub fn from_bytes(bytes: [u8; SECRET_LEN]) -> Self {
        Self(bytes)
    }

    /// The secret of the open room `name`, however that is written (see [`fold`]): whoever knows the name knows it.
    pub fn of_open_room(name: &str) -> Self {
        let full = derive(fold(name).as_bytes(), b"open room secret");
        Self(full.first_chunk().copied().unwrap_or_default())
    }

    /// The bytes, for a link.
    pub fn as_bytes(&self) -> &[u8; SECRET_LEN] {
        &self.0
    }

    /// Names the invite; public inside the group.
    pub fn id(&self) -> [u8; 16] {
        derive(&self.0, b"id").first_chunk().copied().unwrap_or_default()
    }

    /// Signs Join statements at the relay.
    pub fn access_key(&self) -> AccessSecret {
        AccessSecret::from_bytes(&derive(&self.0, b"access key"))
    }

    /// Signs the leaf of whoever comes by this invite.
    pub fn join_key(&self) -> JoinKey {
        JoinKey(SigningKey::from_bytes(&derive(&self.0, b"joining key")))
    }

    /// Opens this invite's wrap in the slot.
    ///
    /// # Errors
    /// Never in practice: any 32 bytes are a seed.
    pub fn kem_key(&self) -> Result<KemKey, SuiteError> {
        KemKey::from_seed(&derive(&self.0, b"kem key"))
    }

    /// Seals the card.
    pub fn card_secret(&self) -> EnvelopeSecret {
        EnvelopeSecret::new(*derive(&self.0, b"card key"))
    }
}

impl std::fmt::Debug for InviteSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InviteSecret")
    }
}

/// What seals the envelope of a join commit: every member of the epoch that it ends, and every holder of a live
/// invite, has it.
pub fn join_secret(slot_key: &[u8; 32]) -> EnvelopeSecret {
    EnvelopeSecret::new(*derive(slot_key, b"join"))
}

/// What seals a slot's key for one invite: what X-Wing carried, bound to its ciphertext and to the invite's key.
pub(super) fn wrap_secret(shared: &[u8], ciphertext_and_key: &[u8; 32]) -> EnvelopeSecret {
    EnvelopeSecret::new(*derive(shared, &[&b"slot wrap"[..], ciphertext_and_key].concat()))
}

/// The room id of the open room `name`, however that is written: see [`fold`].
pub fn open_room_id(name: &str) -> RoomId {
    RoomId(*derive(fold(name).as_bytes(), b"open room id"))
}

/// One spelling of a name for all keyboards; what is large stays large.
pub fn nfc(name: &str) -> String {
    name.nfc().collect()
}

/// An invite's joining key (Ed25519, RFC 8032): signs the leaves of those who come by it and nothing else.
pub struct JoinKey(SigningKey);

impl JoinKey {
    /// What the group knows.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Signs a leaf that joins: see [`super::join_statement`].
    pub fn sign(&self, statement: &[u8]) -> [u8; 64] {
        self.0.sign(statement).to_bytes()
    }
}

impl std::fmt::Debug for JoinKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JoinKey")
    }
}

/// A room access key's secret half (Ed25519, RFC 8032): signs statements to the relay and nothing else.
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

    /// Proves possession, for one file of this room and this connection.
    pub fn sign_blob(
        &self,
        room: &RoomId,
        blob: &proto::BlobId,
        binding: &[u8; proto::CHANNEL_BINDING_LEN],
    ) -> [u8; 64] {
        self.sign_statement(&proto::blob::blob_statement(room, blob, binding))
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
        let parts = |n: u8| {
            let secret = InviteSecret::from_bytes([n; SECRET_LEN]);
            let kem = secret.kem_key().unwrap().public().to_vec();
            let card = secret.card_secret().expose().to_vec();
            let join = secret.join_key().public().to_vec();
            vec![secret.id().to_vec(), secret.access_key().public().as_bytes().to_vec(), join, kem, card]
        };
        let all = [parts(1), parts(2)].concat();
        assert_eq!(parts(1), parts(1));
        for (i, part) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|other| other != part));
        }
    }

    #[test]
    fn open_rooms_follow_from_their_name_alone_however_it_was_typed() {
        assert_eq!(open_room_id("lobby"), open_room_id("lobby"));
        assert_ne!(open_room_id("lobby"), open_room_id("lobbi"));
        assert_eq!(open_room_id("caf\u{e9}"), open_room_id("cafe\u{301}"));
        assert_eq!(InviteSecret::of_open_room("caf\u{e9}"), InviteSecret::of_open_room("cafe\u{301}"));
        assert_ne!(InviteSecret::of_open_room("lobby").as_bytes()[..], open_room_id("lobby").0[..SECRET_LEN]);
    }

    /// docs/protocol.md has these values.
    #[test]
    fn derivations_are_those_of_the_specification() {
        use sha2::Digest;
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let secret = InviteSecret::from_bytes(std::array::from_fn(|i| u8::try_from(i).unwrap()));
        let found = [
            hex(&secret.id()),
            hex(secret.access_key().public().as_bytes()),
            hex(&secret.join_key().public()),
            hex(&Sha256::digest(secret.kem_key().unwrap().public())),
            hex(secret.card_secret().expose()),
            hex(wrap_secret(&[7; 32], &[8; 32]).expose()),
            hex(join_secret(&[9; 32]).expose()),
        ];
        let specified = include_str!("../../../docs/protocol.md");
        let missing: Vec<_> = found.iter().filter(|value| !specified.contains(value.as_str())).collect();
        assert!(missing.is_empty(), "not in docs/protocol.md: {missing:#?}");
    }

    #[test]
    fn debug_shows_no_secret() {
        let secret = InviteSecret::from_bytes([2; SECRET_LEN]);
        assert_eq!(format!("{secret:?} {:?}", secret.join_key()), "InviteSecret JoinKey");
    }

    #[test]
    fn open_room_is_one_however_its_name_is_written() {
        for (one, other) in [
            ("caf\u{e9}", "cafe\u{301}"),
            ("\u{d55c}\u{ae00}", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"),
            ("my\u{a0}room", "my room"),
            ("Lobby", "lobby"),
            ("ｌｏｂｂｙ", "lobby"),
        ] {
            assert_eq!(open_room_id(one), open_room_id(other), "{one} {other}");
            assert!(InviteSecret::of_open_room(one) == InviteSecret::of_open_room(other), "{one} {other}");
        }
    }
}
