//! Members whom this device saw removed. Whoever lets it back in hands it a group, and one that follows another log may have
//! such a member in it.

use super::Engine;
use crate::mls::group::{Applied, Group, GroupError};

/// So many are remembered, the last ones.
const MAX_GONE: usize = 64;

impl Engine {
    /// Who went and who came with a commit that was taken.
    pub(super) fn note_gone(&mut self, applied: &Applied) {
        let gone = &mut self.books.gone;
        if let Some(joined) = &applied.joined {
            gone.retain(|unique| *unique != joined.unique());
        }
        self.note_all_gone(applied.removed.iter().map(|(_, who)| who.unique()).collect());
    }

    /// These are members no more.
    pub(super) fn note_all_gone(&mut self, who: Vec<Vec<u8>>) {
        let gone = &mut self.books.gone;
        gone.extend(who);
        gone.drain(..gone.len().saturating_sub(MAX_GONE));
    }

    /// The group went back: who is in it is not gone.
    pub(super) fn settle_gone(&mut self) -> Result<(), GroupError> {
        let Some(group) = self.group.as_ref().filter(|_| !self.books.gone.is_empty()) else { return Ok(()) };
        let members = group.members()?;
        self.books.gone.retain(|unique| members.iter().all(|(_, holder)| holder.unique() != *unique));
        Ok(())
    }

    /// Whether somebody is in that group who is not a member, as the ledger says where it is open. One that the relay
    /// handed over is not believed against what this device saw itself.
    pub(super) fn has_gone(&self, group: &Group) -> Result<bool, GroupError> {
        let own = self.own_key();
        let keys = group.member_keys()?;
        if keys.iter().any(|key| *key != own && self.ledger.has_removed(key)) {
            return Ok(true);
        }
        let gone = |unique: Vec<u8>| !self.ledger.is_own() && self.books.gone.contains(&unique);
        Ok(group.members()?.into_iter().any(|(_, holder)| gone(holder.unique())))
    }
}
