//! Access keys and changes of them, parsed once.

use bytes::Bytes;

use super::{KEYS_PER_CHANGE, MAX_CARD};
use crate::{
    PublicKey,
    relay::{self, access_key::Kind},
};

/// What an access key is good for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Grant {
    /// Read and append.
    Member,
    /// Read the slot and the card; publish join commits.
    Invite {
        /// Unix milliseconds by the relay's clock, 0 for never.
        expires_ms: u64,
        /// Join commits it may publish, 0 for no limit.
        max_uses: u32,
        /// What a holder of the link is shown; opaque.
        card: Bytes,
    },
}

/// A key and its grant, as a client sent it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessKey {
    /// The Ed25519 public key.
    pub key: PublicKey,
    /// What it may do.
    pub grant: Grant,
}

/// What a commit does to a room's access keys: no key twice, bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Change {
    /// New keys.
    pub added: Vec<AccessKey>,
    /// Keys that lose access.
    pub removed: Vec<PublicKey>,
}

/// The bytes are not a valid key or change.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid access key or change of access keys")]
pub struct Malformed;

impl Grant {
    /// Whether it is a member's.
    pub fn is_member(&self) -> bool {
        matches!(self, Self::Member)
    }
}

impl Change {
    /// Whether no key comes or goes.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }

    /// Whether it is all that a join may do.
    pub fn is_one_new_member(&self) -> bool {
        matches!(self.added.as_slice(), [AccessKey { grant: Grant::Member, .. }]) && self.removed.is_empty()
    }
}

impl TryFrom<&relay::AccessKey> for AccessKey {
    type Error = Malformed;

    fn try_from(key: &relay::AccessKey) -> Result<Self, Malformed> {
        let grant = match key.kind() {
            Kind::Member if key.card.is_empty() => Grant::Member,
            Kind::Invite if key.card.len() <= MAX_CARD => Grant::Invite {
                expires_ms: key.expires_ms,
                max_uses: key.max_uses,
                // A copy: a slice would hold the whole frame in memory.
                card: Bytes::copy_from_slice(&key.card),
            },
            Kind::Member | Kind::Invite | Kind::Unspecified => return Err(Malformed),
        };
        Ok(Self { key: PublicKey::try_from(&*key.key).map_err(|_| Malformed)?, grant })
    }
}

impl TryFrom<&relay::AccessChange> for Change {
    type Error = Malformed;

    fn try_from(change: &relay::AccessChange) -> Result<Self, Malformed> {
        let added = distinct_keys(&change.added)?;
        if change.removed.len() > KEYS_PER_CHANGE {
            return Err(Malformed);
        }
        let removed: Vec<_> = change
            .removed
            .iter()
            .map(|key| PublicKey::try_from(&**key))
            .collect::<Result<_, _>>()
            .map_err(|_| Malformed)?;
        let all: Vec<_> = added.iter().map(|added| added.key).chain(removed.iter().copied()).collect();
        if has_duplicates(all) { Err(Malformed) } else { Ok(Self { added, removed }) }
    }
}

impl From<&AccessKey> for relay::AccessKey {
    fn from(key: &AccessKey) -> Self {
        let bytes = key.key.0.to_vec().into();
        match &key.grant {
            Grant::Member => Self { key: bytes, kind: Kind::Member.into(), ..Self::default() },
            Grant::Invite { expires_ms, max_uses, card } => Self {
                key: bytes,
                kind: Kind::Invite.into(),
                expires_ms: *expires_ms,
                max_uses: *max_uses,
                card: card.clone(),
            },
        }
    }
}

impl From<&Change> for relay::AccessChange {
    fn from(change: &Change) -> Self {
        Self {
            added: change.added.iter().map(Into::into).collect(),
            removed: change.removed.iter().map(|key| key.0.to_vec().into()).collect(),
        }
    }
}

/// Parses a list in which no key may stand twice.
///
/// # Errors
/// [`Malformed`], also when there are more than [`KEYS_PER_CHANGE`].
pub fn distinct_keys(keys: &[relay::AccessKey]) -> Result<Vec<AccessKey>, Malformed> {
    if keys.len() > KEYS_PER_CHANGE {
        return Err(Malformed);
    }
    let keys: Vec<_> = keys.iter().map(AccessKey::try_from).collect::<Result<_, _>>()?;
    if has_duplicates(keys.iter().map(|key| key.key).collect()) { Err(Malformed) } else { Ok(keys) }
}

fn has_duplicates(mut keys: Vec<PublicKey>) -> bool {
    let all = keys.len();
    keys.sort_unstable();
    keys.dedup();
    keys.len() != all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(byte: u8) -> AccessKey {
        AccessKey { key: PublicKey([byte; 32]), grant: Grant::Member }
    }

    fn invite(byte: u8) -> AccessKey {
        let grant = Grant::Invite { expires_ms: 0, max_uses: 0, card: Bytes::new() };
        AccessKey { key: PublicKey([byte; 32]), grant }
    }

    #[test]
    fn key_named_twice_is_malformed() {
        for change in [
            Change { added: vec![member(1), invite(1)], removed: vec![] },
            Change { added: vec![member(1)], removed: vec![PublicKey([1; 32])] },
            Change { added: vec![], removed: vec![PublicKey([1; 32]); 2] },
        ] {
            assert_eq!(Change::try_from(&relay::AccessChange::from(&change)), Err(Malformed));
        }
    }

    #[test]
    fn key_of_no_kind_is_malformed() {
        for kind in [0, 77] {
            let key = relay::AccessKey { kind, ..(&member(1)).into() };
            assert_eq!(AccessKey::try_from(&key), Err(Malformed));
        }
    }

    #[test]
    fn card_that_is_too_large_or_a_members_is_malformed() {
        let card = |length: usize| Bytes::from(vec![0; length]);
        let key = relay::AccessKey { card: card(MAX_CARD + 1), ..(&invite(1)).into() };
        assert_eq!(AccessKey::try_from(&key), Err(Malformed));
        let key = relay::AccessKey { card: card(1), ..(&member(1)).into() };
        assert_eq!(AccessKey::try_from(&key), Err(Malformed));
        let key = relay::AccessKey { card: card(MAX_CARD), ..(&invite(1)).into() };
        assert!(AccessKey::try_from(&key).is_ok());
    }

    #[test]
    fn more_keys_than_one_change_may_have_are_malformed() {
        let key = |n: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&n.to_be_bytes());
            key.to_vec().into()
        };
        let removed = (0..=KEYS_PER_CHANGE).map(key).collect();
        let change = relay::AccessChange { removed, ..Default::default() };
        assert_eq!(Change::try_from(&change), Err(Malformed));
    }
}
