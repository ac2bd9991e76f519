//! What an envelope's key is derived from, and the derivation.

use std::fmt;

use hkdf::Hkdf;
use proto::RoomId;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::cipher::{Cipher, KEY};
use crate::crypto::random::Random;

/// HKDF-Extract salt (RFC 5869, 3.1): a constant of this protocol, so that the same secret used
/// elsewhere gives unrelated keys.
const SALT: &[u8] = b"schat/2 envelope";
/// Domain separation of the AES key.
const KEY_LABEL: &[u8] = b"schat/2 envelope key";
/// Domain separation of the sender's tag.
const SENDER_LABEL: &[u8] = b"schat/2 envelope sender";

/// 32 secret bytes from which envelope keys are derived: an MLS exporter secret (RFC 9420, 8.5), or
/// what a join or an answer to a call for help is sealed with. Wiped on drop.
pub struct EnvelopeSecret {
    secret: Zeroizing<[u8; 32]>,
    /// HKDF-Extract of it, kept because a receiver derives many tags and keys from one secret.
    prk: Zeroizing<[u8; 32]>,
}

impl EnvelopeSecret {
    /// Takes 32 uniformly random secret bytes; a passphrase is not that.
    pub fn new(secret: [u8; 32]) -> Self {
        let secret = Zeroizing::new(secret);
        let (prk, _) = Hkdf::<Sha256>::extract(Some(SALT), secret.as_slice());
        Self { secret, prk: Zeroizing::new(prk.into()) }
    }

    /// The bytes it was made of, to be stored sealed or given to members; never to be logged.
    pub fn expose(&self) -> &[u8; 32] {
        &self.secret
    }

    pub(super) fn cipher(&self, scope: &Scope, session: Session) -> Cipher {
        let mut key = Zeroizing::new([0; KEY]);
        self.expand(KEY_LABEL, scope, session.as_bytes(), key.as_mut_slice());
        Cipher::new(&key)
    }

    /// HKDF-Expand (RFC 5869, 2.3) with `info = len(label) ‖ label ‖ room ‖ epoch ‖ origin ‖ session`, the last one
    /// for keys only; what follows the label has one length for each label, so no two inputs share an encoding.
    #[expect(
        clippy::expect_used,
        reason = "fails only above 255 × 32 bytes, and a key of zeros is worse than a panic"
    )]
    fn expand(&self, label: &[u8], scope: &Scope, session: &[u8], out: &mut [u8]) {
        #[cfg(test)]
        DERIVED.set(DERIVED.get() + 1);
        let info: [&[u8]; 6] = [
            &[u8::try_from(label.len()).unwrap_or(u8::MAX)],
            label,
            scope.room.as_bytes(),
            &scope.epoch.to_be_bytes(),
            &scope.origin.encode(),
            session,
        ];
        Hkdf::<Sha256>::from_prk(self.prk.as_slice())
            .expect("a PRK of one hash length")
            .expand_multi_info(&info, out)
            .expect("at most 32 bytes");
    }
}

#[cfg(test)]
thread_local! {
    /// Keys and tags that this thread derived, for tests that hold an attack against what it costs.
    pub(crate) static DERIVED: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

impl fmt::Debug for EnvelopeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnvelopeSecret(..)")
    }
}

/// 8 random bytes that a sender draws at each start of the process and never stores: so a restored
/// backup, which would count the same sequence numbers again, counts them under other keys.
///
/// Two of n sessions of one sender in one epoch are equal with a chance of n² / 2⁶⁵.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Session(pub [u8; 8]);

impl Session {
    /// Draws a session.
    pub fn random(random: &Random) -> Self {
        Self(random.bytes())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Who seals. Each kind has its own tag in the encoding, so no leaf index can stand for an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// A member, by leaf index in the MLS tree.
    Leaf(u32),
    /// Somebody who joins by an invite and has no leaf yet.
    Invite,
    /// A member who fills the slot: the GroupInfo, and its key wrapped for each invite.
    Slot,
}

impl Origin {
    /// Kind (1) ‖ leaf index (4, big-endian).
    fn encode(self) -> [u8; 5] {
        let (kind, leaf) = match self {
            Self::Leaf(leaf) => (0, leaf),
            Self::Invite => (1, 0),
            Self::Slot => (2, 0),
        };
        let [a, b, c, d] = leaf.to_be_bytes();
        [kind, a, b, c, d]
    }
}

/// Where an envelope belongs; all of it is bound into the key and the sender's tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The room; also in the associated data.
    pub room: RoomId,
    /// MLS epoch whose exporter secret it is; 0 for [`Origin::Invite`] and [`Origin::Slot`], whose
    /// secrets outlive epochs or are fresh.
    pub epoch: u64,
    /// Who seals.
    pub origin: Origin,
}

/// 8 bytes that stand for a sender in one epoch, to those who hold the epoch's secret; to all others they are random.
///
/// A receiver derives the tags of all senders once per epoch and looks an envelope's up. It is a way to the key and
/// no evidence: each member can derive each sender's. Two of the 17,000 tags of a thousand members and all epochs that
/// are kept are alike with a chance of 2⁻³⁶; of such two senders the later one is not understood in that epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SenderTag(pub [u8; 8]);

impl SenderTag {
    /// The tag of whoever seals in `scope`, in whatever session.
    pub fn derive(secret: &EnvelopeSecret, scope: &Scope) -> Self {
        let mut tag = [0; 8];
        secret.expand(SENDER_LABEL, scope, &[], &mut tag);
        Self(tag)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaf_with_the_greatest_index_is_not_an_invite() {
        let all = [Origin::Leaf(0), Origin::Leaf(1), Origin::Leaf(u32::MAX), Origin::Invite, Origin::Slot];
        for (i, a) in all.iter().enumerate() {
            for b in &all[i + 1..] {
                assert_ne!(a.encode(), b.encode());
            }
        }
    }

    #[test]
    fn tag_of_another_room_epoch_origin_or_secret_is_another() {
        let secret = EnvelopeSecret::new([1; 32]);
        let scope = Scope { room: RoomId([7; 32]), epoch: 3, origin: Origin::Leaf(5) };
        let own = SenderTag::derive(&secret, &scope);
        for other in [
            Scope { room: RoomId([8; 32]), ..scope },
            Scope { epoch: 4, ..scope },
            Scope { origin: Origin::Leaf(6), ..scope },
            Scope { origin: Origin::Invite, ..scope },
            Scope { origin: Origin::Slot, ..scope },
        ] {
            assert_ne!(SenderTag::derive(&secret, &other), own, "{other:?}");
        }
        assert_ne!(SenderTag::derive(&EnvelopeSecret::new([2; 32]), &scope), own);
    }

    #[test]
    fn debug_shows_no_secret() {
        let secret = EnvelopeSecret::new([0xab; 32]);
        assert_eq!(format!("{secret:?}"), "EnvelopeSecret(..)");
    }
}
