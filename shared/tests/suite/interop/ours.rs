//! The room's own group, as the engine drives it: every rule of `mls::rules` is on.

use shared::{
    content,
    crypto::aead::Session,
    invite::InviteSecret,
    mls::group::{Claim, Group, Kind, Plan},
};

use super::{
    member::{Change, Member, Secrets, Slot},
    person::{NOW, Person, ROOM},
};

pub(super) struct Ours {
    person: Person,
    group: Group,
    said: u64,
}

impl Ours {
    pub(super) fn found(person: Person, room: &content::Room) -> Self {
        let suite = (person.suite, &person.random);
        let signer = (&person.signer, person.identity());
        let (group, _) = Group::create(suite, signer, &ROOM, room, &person.founding_leaf()).unwrap();
        Self { person, group, said: 0 }
    }

    pub(super) fn join(person: Person, (info, tree): &Slot, invite: &InviteSecret) -> (Self, Vec<u8>) {
        let suite = (person.suite, &person.random);
        let signer = (&person.signer, person.identity());
        let by = (invite, &person.access.public());
        let (group, prepared) = Group::join(suite, signer, &ROOM, (info, tree), by, NOW).unwrap();
        (Self { person, group, said: 0 }, prepared.message)
    }
}

impl Member for Ours {
    fn is_ours(&self) -> bool {
        true
    }

    fn leaf(&self) -> u32 {
        self.group.leaf()
    }

    fn slot(&self) -> Slot {
        (self.group.group_info().unwrap(), self.group.tree().unwrap())
    }

    fn secrets(&self) -> Secrets {
        Secrets {
            epoch: self.group.epoch(),
            authenticator: self.group.authenticator().unwrap(),
            envelope: self.group.envelope_secret().unwrap().to_vec(),
            slot: self.group.slot_key().unwrap().to_vec(),
            authority: self.group.authority().unwrap().public(),
        }
    }

    fn room(&self) -> content::Room {
        self.group.room().unwrap()
    }

    fn come_back(&mut self, (info, tree): &Slot) -> Vec<u8> {
        let Person { suite, random, signer, .. } = &self.person;
        let old = (self.group.leaf(), &self.group.own_leaf().unwrap());
        let signer = (signer, self.person.identity());
        let (group, prepared) = Group::rejoin((*suite, random), signer, &ROOM, (info, tree), old).unwrap();
        self.group = group;
        prepared.message
    }

    fn commit(&mut self, remove: Option<u32>) -> Vec<u8> {
        let remove = remove.into_iter().collect();
        let plan = Plan { remove, note: self.person.note(), ..Plan::default() };
        let prepared = self.group.prepare(plan).unwrap();
        self.group.apply(&prepared.secrets).unwrap();
        self.group.keep().unwrap();
        prepared.message
    }

    fn take(&mut self, commit: &[u8]) -> Change {
        let applied = self.group.process(commit, NOW).unwrap();
        self.group.keep().unwrap();
        let entered = (applied.joined.is_some() || applied.returned.is_some()).then_some(applied.leaf);
        let removed = applied.returned.or(applied.removed.first().map(|(leaf, _)| *leaf));
        Change { entered, removed }
    }

    fn say(&mut self, line: &[u8]) -> Vec<u8> {
        self.said += 1;
        let message = self.group.seal(Kind::Content, (Session([5; 8]), self.said), line).unwrap();
        self.group.keep().unwrap();
        message
    }

    fn hear(&mut self, message: &[u8]) -> (u32, Vec<u8>) {
        let place = Claim::of(message).unwrap().place;
        let (leaf, line) = self.group.open(message, NOW, &place).unwrap();
        self.group.keep().unwrap();
        (leaf, line.to_vec())
    }
}
