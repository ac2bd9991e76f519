//! What a group looks like to people and programs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Millis, Person};
use crate::identity::{Avatar, DeviceId, Fingerprint};

/// One leaf of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Member {
    /// Who.
    pub person: Person,
    /// Leaf index in the MLS tree.
    pub leaf: u32,
    /// This is us.
    pub me: bool,
    /// It has said or changed something since we came, so it is in the same branch of the room as we are. Of others
    /// only the tree says that they are in.
    #[cfg_attr(feature = "serde", serde(default))]
    pub heard: bool,
    /// What the person says of themselves; may be empty.
    pub status: String,
    /// A small sign for the person; may be empty.
    pub glyph: String,
    /// A picture of the person, where it can be had. It proves nothing.
    pub avatar: Option<Avatar>,
    /// May remove others, revoke their invites, make moderators and change the policy.
    pub is_moderator: bool,
    /// Which device it is.
    pub device: Device,
    /// When it joined, Unix milliseconds by the log's time, where this device saw it; 0 where not.
    pub since: Millis,
    /// The account that the person had before its key was replaced, by the word of its recovery key.
    pub replaces: Option<Fingerprint>,
    /// The invite that this device came by; none for who made the room.
    pub invite: Option<[u8; 16]>,
}

/// A device of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Device {
    /// Names it in this room.
    pub id: DeviceId,
    /// What its owner calls it.
    pub name: String,
}

/// A person in the room, with all devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present<'a> {
    /// The first of their devices, in leaf order: it shows the person.
    pub first: &'a Member,
    /// All of them, the first one too.
    pub devices: Vec<&'a Member>,
    /// That is us.
    pub is_me: bool,
}

/// A live invite, as every member sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Invited {
    /// Names it.
    pub id: [u8; 16],
    /// Who made it, and whose signature is on it.
    pub by: Person,
    /// This device has its link.
    pub ours: bool,
    /// Only another device of whoever made it comes by it.
    pub for_device: bool,
    /// Unix milliseconds, 0 for never.
    pub expires_ms: Millis,
    /// 0 for no limit.
    pub max_uses: u32,
    /// How many came by it and are still in.
    pub used: u32,
}

/// The state of the group, the same for every member at the same epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GroupView {
    /// What people call the room.
    pub room: String,
    /// Whoever knows the name can join.
    pub open: bool,
    /// MLS epoch.
    pub epoch: u64,
    /// Epoch authenticator (RFC 9420, 8.7).
    pub authenticator: Vec<u8>,
    /// Members in leaf order.
    pub members: Vec<Member>,
    /// What it is about; may be empty.
    pub topic: String,
    /// Chat lines go so many seconds after they were said; 0 for never.
    pub disappear_s: u32,
    /// Chat lines of before that a newcomer is handed; 0 for none.
    pub past_lines: u32,
    /// The live invites; none for an open room.
    pub invites: Vec<Invited>,
    /// Only moderators may invite.
    pub moderators_invite: bool,
    /// Devices that one person may have in the room.
    pub seats: u32,
    /// Nobody but this person's devices is in it, or comes in.
    pub own_devices: bool,
}

impl Present<'_> {
    /// One of the devices has said or changed something since we came.
    pub fn is_heard(&self) -> bool {
        self.devices.iter().any(|device| device.heard)
    }
}

impl GroupView {
    /// Everybody in the room, once each, in the order of their first leaves.
    pub fn people(&self) -> Vec<Present<'_>> {
        let mut people: Vec<Present<'_>> = Vec::new();
        let mut places = BTreeMap::new();
        for member in &self.members {
            let place = *places.entry(member.person.fingerprint).or_insert(people.len());
            match people.get_mut(place) {
                Some(present) => present.devices.push(member),
                None => people.push(Present { first: member, devices: vec![member], is_me: false }),
            }
        }
        for present in &mut people {
            present.is_me = present.devices.iter().any(|member| member.me);
        }
        people
    }

    /// It is this device, or another one of this account: as that is in the room, or as it was before its key was replaced there.
    pub fn is_ours(&self, member: &Member) -> bool {
        let account = member.person.fingerprint;
        let me = self.members.iter().find(|member| member.me);
        me.is_some_and(|me| me.person.fingerprint == account || me.replaces == Some(account))
    }

    /// Everybody but us, once each.
    pub fn others(&self) -> impl Iterator<Item = &Member> {
        self.people().into_iter().filter(|present| !present.is_me).map(|present| present.first)
    }

    /// How many people there are.
    pub fn count(&self) -> usize {
        let people: BTreeSet<_> = self.members.iter().map(|member| member.person.fingerprint).collect();
        people.len()
    }

    /// The member at a leaf has said something.
    pub fn hear(&mut self, leaf: u32) {
        self.members.iter_mut().filter(|member| member.leaf == leaf).for_each(|member| member.heard = true);
    }
}
