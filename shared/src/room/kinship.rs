//! What the relay takes a commit for. It cannot look inside, so whose key published it, who signed it and what it does to
//! keys decide: never what MLS says. Here by the relay's own predicates, so that the two cannot differ.

use proto::{
    PublicKey,
    access::{Change, Commit, CommitParts, Ed25519},
    relay::Deliver,
};

use super::Engine;

/// What kind of commit it is to the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kinship {
    Member,
    Join,
    Return,
}

/// A commit part, as the log shows it; none where that is no commit which a relay takes. The log does not say what it
/// was published instead of.
pub(super) fn part_of(entry: &Deliver) -> Option<(PublicKey, Commit)> {
    let change = Change::try_from(entry.access.as_ref().filter(|_| entry.is_commit)?).ok()?;
    let slot = (&*entry.slot_hash).try_into().ok()?;
    let commit = Commit {
        expected: entry.base,
        instead_of: 0,
        parts: CommitParts::of(&entry.envelope, slot, &change),
        change,
        authority: PublicKey::try_from(&*entry.authority).ok()?,
        signature: (&*entry.signature).try_into().ok()?,
    };
    Some((PublicKey::try_from(&*entry.key).ok()?, commit))
}

impl Engine {
    /// What the relay takes a commit for. A key that nobody knows is no member's.
    pub(super) fn kinship(&self, entry: &Deliver) -> Kinship {
        let returns = |(key, commit): (PublicKey, Commit)| commit.is_return(&Ed25519, &self.room, &key);
        match self.is_of_member(&entry.key) {
            false => Kinship::Join,
            true if part_of(entry).is_some_and(returns) => Kinship::Return,
            true => Kinship::Member,
        }
    }

    /// Whether it is a join or a return by the look of it, which everybody sees alike: whoever joins, whoever could not take
    /// it, and whoever is out.
    pub(super) fn enters(&self, entry: &Deliver) -> bool {
        part_of(entry).is_some_and(|(key, commit)| commit.enters(&Ed25519, &self.room, &key))
    }

    /// Whether it is a member's key, which may itself be only offered.
    fn is_of_member(&self, key: &[u8]) -> bool {
        match (self.ledger.now(), PublicKey::try_from(key)) {
            (Some(state), Ok(key)) => state.row(&key).is_some_and(|row| row.grant.is_member()),
            _ => self.is_member_key(key),
        }
    }
}
