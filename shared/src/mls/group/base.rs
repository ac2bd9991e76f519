//! Bases: the groups of epochs that the relay may still return to, kept beside a newer one.
//!
//! A base is named by the log position of the commit that began its epoch. Its rows are copies of the group's own
//! under `base/…`, written in the same transaction as the commit they precede: after a crash both are there, or
//! neither.

use proto::RoomId;

use super::{Group, GroupError, client, load};

impl Group {
    /// Whether a base of that position is kept.
    pub fn has_base(&self, position: u64) -> bool {
        self.storage.has_base(position)
    }

    /// Makes the state that was last kept a base. To be called before a commit is applied and kept.
    pub fn keep_base(&mut self, position: u64) {
        self.storage.keep_base(position);
    }

    /// Forgets all bases but these.
    pub fn keep_bases(&mut self, positions: &[u64]) {
        self.storage.keep_bases(positions);
    }

    /// Returns to a base, which stays one. Epochs that came after it are forgotten.
    ///
    /// # Errors
    /// [`GroupError::Damaged`] when there is none.
    pub fn to_base(&mut self, position: u64) -> Result<(), GroupError> {
        if !self.has_base(position) {
            return Err(GroupError::Damaged);
        }
        self.storage.to_base(position);
        self.undo()
    }

    /// A base as a group of its own, to look at and to build on; what is done to it stays nowhere.
    ///
    /// # Errors
    /// [`GroupError::Damaged`] when there is none.
    pub fn base(&self, position: u64) -> Result<Self, GroupError> {
        let id: RoomId = self.mls.group_id().try_into().map_err(|_| GroupError::Damaged)?;
        let parts = client(&id, &self.random, None);
        parts.storage.restore(self.storage.base_rows(position));
        let mls = load(&parts.client, &parts.storage, id.as_bytes())?;
        Ok(Self::of(mls, parts, &self.random))
    }

    /// Takes the place of `old`, which becomes a base: for a device that enters anew and may have to try again.
    pub fn succeed(&mut self, old: &Self, position: u64) {
        self.storage.succeed(&old.storage, position);
    }
}
