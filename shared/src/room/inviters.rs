//! Who made which invite, so that people can be told by whose somebody came.

use super::{Engine, Person, state::InviterRow};
use crate::{identity::Fingerprint, mls::group::GroupError};

impl Engine {
    /// Who made the invite by which this member came. None when it came by none, or by one that was made before we
    /// were here.
    pub fn invited_by(&self, who: &Fingerprint) -> Option<Person> {
        let id = self.group.as_ref()?.invite_of(who)?;
        let row = self.meta.inviters.iter().find(|row| row.invite_id == id)?;
        let fingerprint = Fingerprint(row.maker.as_slice().try_into().ok()?);
        Some(Person { name: row.name.clone(), fingerprint })
    }

    /// Invites that are new in the group are of whoever committed; of those that were there before, nobody knows.
    pub(super) fn note_inviters(&mut self, committer: Option<&Person>) -> Result<(), GroupError> {
        let Some(group) = &self.group else { return Ok(()) };
        let live = group.room()?.invites;
        let before = self.meta.inviters.len();
        self.meta.inviters.retain(|row| live.iter().any(|invite| *invite.id == row.invite_id));
        self.dirty.meta |= self.meta.inviters.len() != before;
        for invite in live {
            if self.meta.inviters.iter().any(|row| row.invite_id == *invite.id) {
                continue;
            }
            let mut row = InviterRow { invite_id: invite.id.to_vec(), ..InviterRow::default() };
            if let Some(Person { name, fingerprint }) = committer {
                (row.maker, row.name) = (fingerprint.0.to_vec(), name.clone());
            }
            self.meta.inviters.push(row);
            self.dirty.meta = true;
        }
        Ok(())
    }
}
