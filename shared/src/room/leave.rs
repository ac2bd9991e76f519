//! Leaving: with this device, or as a person with all of them.

use super::{Engine, Problem, roles::keeps_moderated};
use crate::mls::group::GroupError;

impl Engine {
    /// Whether we may leave, with this device or with `all` of ours: the others must not be without a moderator, and the room
    /// of our own devices is not left. People are told why not.
    pub(super) fn may_leave(&mut self, all: bool) -> Result<bool, GroupError> {
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let (room, members, own) = (group.room()?, group.members()?, group.leaf());
        if room.own_devices {
            self.refuse(Problem::OwnDevicesStay);
            return Ok(false);
        }
        let goes = |leaf: u32, who| leaf == own || (all && self.is_ours(who));
        let stay: Vec<_> =
            members.iter().filter(|(leaf, holder)| !goes(*leaf, &holder.fingerprint)).collect();
        let remains = stay.iter().any(|(_, holder)| keeps_moderated(&room, holder));
        if stay.is_empty() || remains {
            return Ok(true);
        }
        self.refuse(Problem::LastModeratorStays);
        Ok(false)
    }

    /// Our other devices go first, by a commit of ours; this one says that it leaves once they are out.
    pub(super) fn leave_all(&mut self) -> Result<(), GroupError> {
        if self.may_leave(true)? {
            self.wishes.leaving_all = true;
            self.go_on_leaving()?;
        }
        Ok(())
    }

    /// The next step of that, if it was begun.
    pub(super) fn go_on_leaving(&mut self) -> Result<(), GroupError> {
        if !self.wishes.leaving_all || !self.is_member() {
            return Ok(());
        }
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let own = group.leaf();
        let members = group.members()?;
        let ours = members.iter().filter(|(leaf, who)| *leaf != own && self.is_ours(&who.fingerprint));
        let ours: Vec<_> = ours.map(|(_, holder)| holder.unique()).collect();
        if !ours.is_empty() {
            ours.into_iter().for_each(|unique| self.want_removed(unique));
            return Ok(());
        }
        self.wishes.leaving_all = false;
        if self.may_leave(true)? {
            self.leave();
        }
        Ok(())
    }
}
