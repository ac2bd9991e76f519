//! Moderators, policy, and who may be removed by whom: the same rules as in `mls/rules`, asked before a commit is
//! built, so that none of ours breaks them.

use std::collections::BTreeSet;

use super::{Engine, Problem, Right, access::LEAVES_PER_COMMIT, state::LeaveRow};
use crate::{
    content::{self, room::InvitePolicy},
    identity::{DeviceId, Fingerprint, KeyChange, clean_topic, credential::Holder},
    mls::{
        group::{Group, GroupError},
        leave::MAX_PROOFS,
        rules::{MAX_MODERATORS, MAX_SEATS},
    },
};

impl Engine {
    pub(super) fn is_moderator(&self) -> bool {
        let own = self.own_account();
        let room = self.group.as_ref().and_then(|group| group.room().ok());
        room.is_some_and(|room| moderates(&room, &own))
    }

    /// False, and people are told why, when we are no moderator.
    fn may_moderate(&mut self, what: Right) -> bool {
        if self.is_moderator() {
            return true;
        }
        self.refuse(Problem::NotModerator(what));
        false
    }

    pub(super) fn remove(&mut self, who: &Fingerprint) -> Result<(), GroupError> {
        self.remove_those(who, |_| true)
    }

    /// One device of somebody. What it knew ends with it, as with any removal.
    pub(super) fn remove_device(&mut self, who: &Fingerprint, device: DeviceId) -> Result<(), GroupError> {
        self.remove_those(who, |holder| holder.device() == device)
    }

    /// Devices of somebody, never this one.
    fn remove_those(&mut self, who: &Fingerprint, fits: impl Fn(&Holder) -> bool) -> Result<(), GroupError> {
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let own = group.leaf();
        let leaves: Vec<Vec<u8>> = group
            .members()?
            .into_iter()
            .filter(|(leaf, holder)| holder.fingerprint == *who && *leaf != own && fits(holder))
            .map(|(_, holder)| holder.unique())
            .collect();
        if leaves.is_empty() {
            self.refuse(Problem::NoSuchMember { besides_us: true });
        } else if self.is_ours(who) || self.may_moderate(Right::Remove) {
            leaves.into_iter().for_each(|unique| self.want_removed(unique));
        }
        Ok(())
    }

    /// Makes a member a moderator, or not any more.
    pub(super) fn moderator(&mut self, who: &Fingerprint, is_moderator: bool) -> Result<(), GroupError> {
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let room = group.room()?;
        let is_member = group.members()?.iter().any(|(_, holder)| holder.fingerprint == *who);
        let others = room.moderators.iter().filter(|one| ***one != who.0).count();
        if !self.may_moderate(Right::MakeModerators) {
            return Ok(());
        }
        if !is_member {
            self.refuse(Problem::NoSuchMember { besides_us: false });
        } else if !is_moderator && others == 0 {
            self.refuse(Problem::LastModerator);
        } else if is_moderator && others >= MAX_MODERATORS {
            self.refuse(Problem::TooManyModerators { most: MAX_MODERATORS });
        } else {
            let (to, from) = match is_moderator {
                true => (&mut self.wishes.to_raise, &mut self.wishes.to_lower),
                false => (&mut self.wishes.to_lower, &mut self.wishes.to_raise),
            };
            from.retain(|one| *one != who.0);
            if !to.iter().any(|one| *one == who.0) {
                to.push(who.0.to_vec());
            }
        }
        Ok(())
    }

    pub(super) fn policy(&mut self, moderators_invite: Option<bool>, seats: Option<u32>) {
        if !self.may_moderate(Right::ChangePolicy) {
            return;
        }
        if seats.is_some_and(|seats| !(1..=MAX_SEATS).contains(&seats)) {
            return self.refuse(Problem::BadPolicy { most: MAX_SEATS });
        }
        self.wishes.want_moderators_invite = moderators_invite.or(self.wishes.want_moderators_invite);
        self.wishes.want_seats = seats.or(self.wishes.want_seats);
    }

    pub(super) fn disappear(&mut self, seconds: u32) {
        if self.may_moderate(Right::ChangePolicy) {
            self.wishes.want_disappear = Some(seconds).filter(|seconds| *seconds != self.meta.disappear_s);
        }
    }

    pub(super) fn topic(&mut self, text: &str) {
        if !self.may_moderate(Right::ChangeTopic) {
            return;
        }
        match clean_topic(text) {
            Ok(text) => self.wishes.want_topic = Some(text).filter(|text| *text != self.meta.topic),
            Err(error) => self.refuse(Problem::BadTopic(error)),
        }
    }

    /// A member said that it leaves, and proved it: one of the others commits the removal. The last moderator is not let
    /// go, whatever it says.
    pub(super) fn let_go(&mut self, unique: Vec<u8>, signature: &[u8]) -> Result<(), GroupError> {
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        let (room, members) = (group.room()?, group.members()?);
        let stays = |holder: &Holder| holder.unique() != unique && keeps_moderated(&room, holder);
        if !members.iter().any(|(_, holder)| stays(holder)) {
            return Ok(());
        }
        if !self.wishes.left.iter().any(|row| row.unique == unique) {
            self.wishes.left.push(LeaveRow { unique: unique.clone(), signature: signature.to_vec() });
        }
        self.want_removed(unique);
        self.elect();
        Ok(())
    }

    pub(super) fn want_removed(&mut self, unique: Vec<u8>) {
        if !self.wishes.to_remove.contains(&unique) {
            self.wishes.to_remove.push(unique);
        }
    }

    /// Whether a commit of ours may take somebody's access away. Until a member has taken our join, the relay lets nobody do that who
    /// only had a link, and would drop the join with the commit.
    pub(super) fn may_take_access(&self) -> bool {
        self.is_confirmed(&self.own_key())
    }

    /// Whether a commit of ours would remove somebody. What is wanted and cannot be done is no reason to make one: it would be
    /// wanted as much after it.
    pub(super) fn wants_removals(&self) -> bool {
        if self.wishes.to_remove.is_empty() || !self.may_take_access() {
            return false;
        }
        let Some(group) = &self.group else { return false };
        let (Ok(room), Ok(members)) = (group.room(), group.members()) else { return false };
        !self.removable(&room, &members).is_empty()
    }

    /// The leaves that are wanted out and that we may remove, each with its own word where it gave one.
    fn removable<'a>(
        &'a self,
        room: &content::Room,
        members: &'a [(u32, Holder)],
    ) -> Vec<(u32, &'a Holder, Option<&'a LeaveRow>)> {
        let own_leaf = self.group.as_ref().map(Group::leaf);
        let own = self.own_account();
        let is_moderator = moderates(room, &own);
        // Of an account that nothing here links to that of our leaf, the room lets us remove nobody.
        let is_ours =
            |who: &Holder| who.fingerprint == own || (!self.is_unlinked() && self.is_ours(&who.fingerprint));
        let is_replaced = |who: &Holder| members.iter().any(|(_, one)| one.replaces == Some(who.fingerprint));
        let mut stay: BTreeSet<u32> = members.iter().map(|(leaf, _)| *leaf).collect();
        let mut removable = Vec::new();
        for (leaf, holder) in members.iter().filter(|(leaf, _)| Some(*leaf) != own_leaf) {
            let unique = holder.unique();
            if !self.wishes.to_remove.contains(&unique) {
                continue;
            }
            let proof = self.wishes.left.iter().find(|row| row.unique == unique);
            let may = is_moderator || is_ours(holder) || proof.is_some() || is_replaced(holder);
            let is_moderated =
                |(at, one): &(u32, Holder)| at != leaf && stay.contains(at) && keeps_moderated(room, one);
            if may && members.iter().any(is_moderated) {
                stay.remove(leaf);
                removable.push((*leaf, holder, proof));
            }
        }
        removable
    }

    /// The leaves that our next commit removes, and the proofs that it needs for that. What we may not remove, or what
    /// is gone already, is not wanted any more.
    pub(super) fn plan_removals(
        &mut self,
        room: &content::Room,
        members: &[(u32, Holder)],
    ) -> (Vec<u32>, content::CommitNote) {
        if !self.may_take_access() {
            // They stay wanted.
            return (Vec::new(), content::CommitNote::default());
        }
        let removable = self.removable(room, members);
        let wanted: Vec<Vec<u8>> = removable.iter().map(|(_, holder, _)| holder.unique()).collect();
        let (mut leaves, mut proofs) = (Vec::new(), Vec::new());
        // The rest comes with the next one.
        for (leaf, _, proof) in removable {
            if leaves.len() >= LEAVES_PER_COMMIT {
                break;
            }
            if let Some(row) = proof {
                if proofs.len() >= MAX_PROOFS {
                    continue;
                }
                proofs.push(content::LeaveProof { leaf, signature: row.signature.clone().into() });
            }
            leaves.push(leaf);
        }
        if self.wishes.to_remove != wanted {
            self.wishes.to_remove = wanted;
        }
        (leaves, content::CommitNote { leaves: proofs, ..content::CommitNote::default() })
    }

    /// The moderators who stay, or whoever took the place of one: by the same rule as `mls/rules/roles`.
    fn plan_heirs(&self, room: &mut content::Room, members: &[(u32, Holder)], removed: &[u32]) {
        let own = self.group.as_ref().map(Group::leaf);
        let changed = self.wants_account().then(|| self.profile.identity.as_ref());
        let stay: Vec<_> = members
            .iter()
            .filter(|(leaf, _)| !removed.contains(leaf))
            .map(|(leaf, holder)| match changed.filter(|_| Some(*leaf) == own) {
                Some(ours) => (ours.fingerprint(), ours.change().map(KeyChange::old)),
                None => (holder.fingerprint, holder.replaces),
            })
            .collect();
        let mut moderators: Vec<bytes::Bytes> = Vec::new();
        for one in &room.moderators {
            let is_in = stay.iter().any(|(account, _)| **one == account.0);
            let heir = || stay.iter().find(|(_, old)| old.is_some_and(|old| **one == old.0));
            let now = match is_in {
                true => Some(one.clone()),
                false => heir().map(|(account, _)| account.0.to_vec().into()),
            };
            moderators.extend(now.filter(|now| !moderators.contains(now)));
        }
        room.moderators = moderators;
    }

    /// The room's roles and policy after our next commit.
    pub(super) fn plan_roles(
        &mut self,
        room: &mut content::Room,
        members: &[(u32, Holder)],
        removed: &[u32],
    ) {
        let stays = |one: &[u8]| {
            let mut stay = members.iter().filter(|(leaf, _)| !removed.contains(leaf));
            stay.any(|(_, holder)| holder.fingerprint.0 == *one)
        };
        self.plan_heirs(room, members, removed);
        if !self.is_moderator() {
            return;
        }
        for one in self.wishes.to_raise.iter().filter(|one| stays(one)) {
            if room.moderators.len() < MAX_MODERATORS && !room.moderators.iter().any(|other| **other == **one)
            {
                room.moderators.push(one.clone().into());
            }
        }
        let mut lowered = room.moderators.clone();
        lowered.retain(|one| !self.wishes.to_lower.iter().any(|other| **other == **one));
        if !lowered.is_empty() {
            room.moderators = lowered;
        }
        // What cannot be done is not wanted for ever.
        self.wishes.to_raise.retain(|one| room.moderators.iter().any(|other| **other == **one));
        self.wishes.to_lower.retain(|one| !room.moderators.iter().any(|other| **other == **one));
        room.disappear_s = self.wishes.want_disappear.unwrap_or(room.disappear_s);
        if let Some(topic) = &self.wishes.want_topic {
            room.topic.clone_from(topic);
        }
        room.seats_per_account = self.wishes.want_seats.unwrap_or(room.seats_per_account);
        match self.wishes.want_moderators_invite {
            Some(true) => room.set_invite_policy(InvitePolicy::Moderators),
            Some(false) => room.set_invite_policy(InvitePolicy::Everybody),
            None => (),
        }
    }

    /// A new epoch: what is as we want it is not wanted any more, and nothing of it once we are no moderator.
    pub(super) fn note_roles(&mut self) -> Result<(), GroupError> {
        let Some(group) = &self.group else { return Ok(()) };
        let room = group.room()?;
        if !self.is_moderator() {
            self.forget_roles();
            return Ok(());
        }
        let is_one = |one: &Vec<u8>| room.moderators.iter().any(|other| **other == **one);
        self.wishes.to_raise.retain(|one| !is_one(one));
        self.wishes.to_lower.retain(is_one);
        let moderators_invite = room.invite_policy() == InvitePolicy::Moderators;
        self.wishes.want_seats = self.wishes.want_seats.filter(|seats| *seats != room.seats_per_account);
        self.wishes.want_moderators_invite =
            self.wishes.want_moderators_invite.filter(|want| *want != moderators_invite);
        Ok(())
    }

    /// We may not want it, or the relay does not take it.
    pub(super) fn forget_roles(&mut self) {
        self.wishes.to_raise.clear();
        self.wishes.to_lower.clear();
        (self.wishes.want_seats, self.wishes.want_moderators_invite) = (None, None);
        (self.wishes.want_disappear, self.wishes.want_topic) = (None, None);
    }

    pub(super) fn wants_roles(&self) -> bool {
        let meta = &self.meta;
        !(self.wishes.to_raise.is_empty() && self.wishes.to_lower.is_empty())
            || self.wishes.want_seats.is_some()
            || self.wishes.want_moderators_invite.is_some()
            || self.wishes.want_disappear.is_some_and(|seconds| seconds != meta.disappear_s)
            || self.wishes.want_topic.as_ref().is_some_and(|topic| *topic != meta.topic)
    }
}

/// Whether the room has a moderator as long as this leaf stays: its account moderates, or comes into the place of one that does
/// once that has no leaf any more.
pub(super) fn keeps_moderated(room: &content::Room, holder: &Holder) -> bool {
    moderates(room, &holder.fingerprint) || holder.replaces.is_some_and(|old| moderates(room, &old))
}

pub(super) fn moderates(room: &content::Room, who: &Fingerprint) -> bool {
    room.moderators.iter().any(|one| **one == who.0[..])
}
