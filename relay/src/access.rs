//! Access keys: what each kind may do. Decisions only; the time is an argument.

use proto::{
    PublicKey,
    relay::{self, access_key::Kind},
};

use crate::{limits::KEYS_PER_CHANGE, request::Commit};

/// What an access key is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Read and append.
    Member,
    /// Read the slot; publish one commit that adds exactly one member key.
    Invite {
        /// Unix milliseconds by the relay's clock, 0 for never.
        expires_ms: u64,
        /// Join commits it may publish, 0 for no limit.
        max_uses: u32,
    },
}

/// A key and its grant, as a client sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// The Ed25519 public key.
    pub key: PublicKey,
    /// What it may do.
    pub grant: Grant,
}

/// A key's access to a room, as the relay keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// What the key may do.
    pub grant: Grant,
    /// Join commits already published with it.
    pub uses: u32,
}

/// What a commit does to a room's access keys: no key twice, bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

impl Access {
    /// Whether the key is a member's.
    pub fn is_member(&self) -> bool {
        self.grant == Grant::Member
    }

    /// Whether the key may join the room and, if it is an invite, read the slot.
    pub fn may_join(&self, now_ms: u64) -> bool {
        match self.grant {
            Grant::Member => true,
            Grant::Invite { expires_ms, max_uses } => {
                (expires_ms == 0 || now_ms < expires_ms) && (max_uses == 0 || self.uses < max_uses)
            }
        }
    }

    /// Whether the key may publish an envelope with this commit part.
    pub fn may_publish(&self, commit: Option<&Commit>, now_ms: u64) -> bool {
        match self.grant {
            Grant::Member => true,
            Grant::Invite { .. } => {
                self.may_join(now_ms) && commit.is_some_and(|commit| commit.change.is_one_new_member())
            }
        }
    }
}

impl Change {
    fn is_one_new_member(&self) -> bool {
        matches!(self.added.as_slice(), [AccessKey { grant: Grant::Member, .. }]) && self.removed.is_empty()
    }
}

impl TryFrom<&relay::AccessKey> for AccessKey {
    type Error = Malformed;

    fn try_from(key: &relay::AccessKey) -> Result<Self, Malformed> {
        let grant = match key.kind() {
            Kind::Member => Grant::Member,
            Kind::Invite => Grant::Invite { expires_ms: key.expires_ms, max_uses: key.max_uses },
            Kind::Unspecified => return Err(Malformed),
        };
        Ok(Self { key: PublicKey::try_from(&*key.key).map_err(|_| Malformed)?, grant })
    }
}

impl TryFrom<&relay::AccessChange> for Change {
    type Error = Malformed;

    fn try_from(change: &relay::AccessChange) -> Result<Self, Malformed> {
        let added = distinct_keys(&change.added)?;
        let removed: Vec<_> = change
            .removed
            .iter()
            .map(|key| PublicKey::try_from(&**key))
            .collect::<Result<_, _>>()
            .map_err(|_| Malformed)?;
        let all: Vec<_> = added.iter().map(|added| added.key).chain(removed.iter().copied()).collect();
        if removed.len() > KEYS_PER_CHANGE || has_duplicates(all) {
            return Err(Malformed);
        }
        Ok(Self { added, removed })
    }
}

impl From<&AccessKey> for relay::AccessKey {
    fn from(key: &AccessKey) -> Self {
        let (kind, expires_ms, max_uses) = match key.grant {
            Grant::Member => (Kind::Member, 0, 0),
            Grant::Invite { expires_ms, max_uses } => (Kind::Invite, expires_ms, max_uses),
        };
        Self { key: key.key.0.to_vec().into(), kind: kind.into(), expires_ms, max_uses, ..Self::default() }
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
pub(crate) fn distinct_keys(keys: &[relay::AccessKey]) -> Result<Vec<AccessKey>, Malformed> {
    if keys.len() > KEYS_PER_CHANGE {
        return Err(Malformed);
    }
    let keys: Vec<_> = keys.iter().map(AccessKey::try_from).collect::<Result<_, _>>()?;
    if has_duplicates(keys.iter().map(|key| key.key).collect()) {
        return Err(Malformed);
    }
    Ok(keys)
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
        AccessKey { key: PublicKey([byte; 32]), grant: Grant::Invite { expires_ms: 0, max_uses: 0 } }
    }

    fn commit(added: Vec<AccessKey>, removed: Vec<PublicKey>) -> Commit {
        Commit { expected: 0, slot: bytes::Bytes::new(), change: Change { added, removed } }
    }

    #[test]
    fn invite_publishes_nothing_but_one_new_member() {
        let access = Access { grant: invite(1).grant, uses: 0 };
        assert!(access.may_publish(Some(&commit(vec![member(2)], vec![])), 0));
        assert!(!access.may_publish(None, 0), "no commit");
        assert!(!access.may_publish(Some(&commit(vec![], vec![])), 0), "nobody added");
        assert!(!access.may_publish(Some(&commit(vec![member(2), member(3)], vec![])), 0), "two added");
        assert!(!access.may_publish(Some(&commit(vec![invite(2)], vec![])), 0), "an invite added");
        assert!(
            !access.may_publish(Some(&commit(vec![member(2)], vec![PublicKey([3; 32])])), 0),
            "one removed"
        );
    }

    #[test]
    fn expired_or_used_up_invite_is_nothing() {
        let grant = Grant::Invite { expires_ms: 100, max_uses: 2 };
        assert!(Access { grant, uses: 1 }.may_join(99));
        assert!(!Access { grant, uses: 1 }.may_join(100));
        assert!(!Access { grant, uses: 2 }.may_join(99));
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
        let key = relay::AccessKey { kind: 0, ..(&member(1)).into() };
        assert_eq!(AccessKey::try_from(&key), Err(Malformed));
        let key = relay::AccessKey { kind: 77, ..(&member(1)).into() };
        assert_eq!(AccessKey::try_from(&key), Err(Malformed));
    }
}
