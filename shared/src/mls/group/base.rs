//! The base: the group of the last confirmed epoch, kept beside a newer one that the relay may still drop.
//!
//! Its rows are copies of the group's own under `base/…`, written in the same transaction as the commit they
//! precede: after a crash both are there, or neither.

use proto::RoomId;

use super::{Group, GroupError, client, load};

impl Group {
    /// Whether a base is kept.
    pub fn has_base(&self) -> bool {
        self.storage.has_base()
    }

    /// Makes the state that was last kept the base; one that was kept before is replaced. To be called before a
    /// commit is applied and kept.
    pub fn keep_base(&mut self) {
        self.storage.keep_base();
    }

    /// The base is not needed any more: what came after it is confirmed.
    pub fn drop_base(&mut self) {
        self.storage.drop_base();
    }

    /// Returns to the base, which stays the base. Epochs that came after it are forgotten.
    ///
    /// # Errors
    /// [`GroupError::Damaged`] when there is none.
    pub fn to_base(&mut self) -> Result<(), GroupError> {
        if !self.has_base() {
            return Err(GroupError::Damaged);
        }
        self.storage.to_base();
        self.undo()
    }

    /// The base as a group of its own, to look at and to build on; what is done to it stays nowhere.
    ///
    /// # Errors
    /// [`GroupError::Damaged`] when there is none.
    pub fn base(&self) -> Result<Self, GroupError> {
        let id: RoomId = self.mls.group_id().try_into().map_err(|_| GroupError::Damaged)?;
        let (client, storage, psks) = client(&self.random, None);
        storage.restore(self.storage.base_rows());
        let mls = load(&client, &storage, id.as_bytes())?;
        Ok(Self { mls, client, storage, psks, random: self.random.clone() })
    }
}
