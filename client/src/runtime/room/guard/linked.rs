//! Devices of verified people that come one by one into a room. Rooms cannot tell that two leaves are one device, so what rings is one more
//! than there are in any other room, or one that came by a way that no device of theirs made there.

use std::collections::BTreeMap;

use shared::{
    identity::Fingerprint,
    room::{Alarm, Device, Event, GroupView, Member, Person},
};

use super::Look;

/// Who came, until the group is looked at; and by which ways more devices of somebody may come.
#[derive(Default)]
pub(super) struct Linked {
    came: Vec<(Person, Device)>,
    ways: Vec<([u8; 16], Fingerprint)>,
}

impl Linked {
    /// Begins with the group as it is.
    pub(super) fn of(view: &GroupView) -> Self {
        Self { came: Vec::new(), ways: ways(view) }
    }

    /// It is told with the group that it is in.
    pub(super) fn came(&mut self, who: &Person, device: &Device) {
        self.came.push((who.clone(), device.clone()));
    }

    /// The group is this now. Returns the alarms of those who came.
    pub(super) fn settle(&mut self, look: &Look<'_>, view: &GroupView) -> Vec<Event> {
        let came = std::mem::take(&mut self.came);
        let is_alarm = |(_, device): &(Person, Device)| {
            let member = view.members.iter().find(|member| member.device.id == device.id);
            !member.is_some_and(|member| self.is_known(look, view, member))
        };
        came.into_iter().filter(is_alarm).map(alarm).collect()
    }

    /// What is known of the room from here on.
    pub(super) fn take(&mut self, look: &Look<'_>, view: &GroupView) {
        self.ways = ways(view);
        let mut counts = BTreeMap::new();
        for member in &view.members {
            *counts.entry(member.person.fingerprint).or_insert(0) += 1;
        }
        look.people.devices_are(look.room, counts);
    }

    /// No group is shown with those that came: they are told as they are.
    pub(super) fn rest(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.came).into_iter().map(alarm).collect()
    }

    /// As many devices of the person are in another room, and one that is here let it in: nothing was linked for it.
    pub(super) fn is_known(&self, look: &Look<'_>, view: &GroupView, member: &Member) -> bool {
        let who = member.person.fingerprint;
        let here = view.members.iter().filter(|other| other.person.fingerprint == who).count();
        let by_own = member.invite.is_some_and(|invite| self.ways.contains(&(invite, who)));
        by_own && here <= look.people.most_devices_elsewhere(look.room, &who)
    }
}

fn ways(view: &GroupView) -> Vec<([u8; 16], Fingerprint)> {
    let ways = view.invites.iter().filter(|invite| invite.for_device);
    ways.map(|invite| (invite.id, invite.by.fingerprint)).collect()
}

fn alarm((who, device): (Person, Device)) -> Event {
    Event::Alarm(Alarm::DeviceLinked { who, device: device.name })
}
