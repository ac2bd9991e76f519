//! A leaf of a room, as this device has seen it.

use shared::{
    identity::DeviceId,
    room::{GroupView, Member, Person},
};

/// A leaf, as it was seen.
pub(super) struct Seen {
    pub(super) person: Person,
    /// None of whoever has just joined, until the group is looked at.
    pub(super) device: Option<DeviceId>,
}

impl Seen {
    pub(super) fn all(view: &GroupView) -> Vec<Self> {
        let seen = |member: &Member| Self { person: member.person.clone(), device: Some(member.device.id) };
        view.members.iter().map(seen).collect()
    }

    /// Whether that is a device of the same person, whose account may have another key by now.
    pub(super) fn is_person(&self, member: &Member) -> bool {
        let account = self.person.fingerprint;
        member.person.fingerprint == account || member.replaces == Some(account)
    }

    /// Whether it is that device. One who has just joined has one that nobody named.
    pub(super) fn is_device(&mut self, member: &Member) -> bool {
        self.is_person(member) && *self.device.get_or_insert(member.device.id) == member.device.id
    }
}
