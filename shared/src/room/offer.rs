//! Commits that are only offered. The relay cannot know whether a commit is valid, so none of one key alone is final:
//! it may be dropped until another member has taken it. Here is what becomes of one: taken, or not, and then dropped by
//! one of ours after a while.

use proto::{access::OFFER_GRACE_MS, relay::Deliver};

use super::{Engine, Millis, Stream, access::lean, books::Kinship, out::Cause, state::UntakenRow};
use crate::mls::group::{Applied, GroupError};

/// Who sees the same need waits a random time below this, in milliseconds, so that mostly one member acts.
const ELECTION_MS: u64 = 2_000;

/// Who cannot take a commit waits this much longer than the relay does, at random below it: clocks differ, and one
/// that drops it is enough.
const JITTER_MS: u64 = 10_000;

impl Engine {
    /// What the relay takes it for, of a commit that cannot be opened.
    fn kinship(&self, entry: &Deliver) -> Kinship {
        let is_member = self.group.as_ref().is_some_and(|group| group.leaf_of_key(&entry.key).is_some());
        let adds = entry.access.as_ref().is_some_and(|change| change.added.len() == 1);
        match is_member || !adds {
            // By whoever asked to be let in: what it stands on was handed to it, so it vouches for nothing.
            true if self.meta.asking.iter().any(|key| *key == *entry.key) => Kinship::Return,
            true => Kinship::Member,
            false => Kinship::Join,
        }
    }

    /// A commit was applied, and is not kept yet: what it stood on stays at hand until it is confirmed.
    pub(super) fn took(&mut self, entry: &Deliver, applied: &Applied) -> Result<(), GroupError> {
        let kinship = match (&applied.joined, applied.returned) {
            (Some(_), _) => Kinship::Join,
            (_, Some(_)) => Kinship::Return,
            _ => Kinship::Member,
        };
        let alone = self.voters()? + applied.removed.len() == 1;
        let before = self.meta.position;
        self.meta.commit(entry, self.name_of(entry), kinship, alone && kinship == Kinship::Member);
        self.meta.position = entry.seq;
        self.meta.untaken = None;
        self.meta.asking.retain(|key| *key != *entry.key);
        if self.meta.trial.is_none() {
            self.meta.since.clear();
            self.meta.may_be_bridged = false;
        }
        self.link.began = Some(lean(entry));
        self.link.began_name = self.name_of(entry).0.to_vec();
        let confirmed = self.meta.confirmed;
        if self.meta.bridge.take_if(|bridge| bridge.at != confirmed).is_none() && self.meta.bridge.is_some() {
            // Whoever was first has done it for all.
            self.meta.want_update = false;
        }
        let bases = self.meta.bases();
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        if bases.contains(&before) {
            group.keep_base(before);
        }
        group.keep_bases(&bases);
        self.link.ack_election = true;
        Ok(())
    }

    /// A commit that this device cannot take: nothing is committed here until it is clear whether the others can.
    /// `signed`: it is of somebody who may make one. Any other belongs to no step: the relay could make it a part of
    /// somebody's, and so have it dropped or undone.
    pub(super) fn cannot_take(&mut self, entry: &Deliver, signed: bool, now: Millis) {
        let kinship = self.kinship(entry);
        let joins = kinship != Kinship::Member;
        let name = self.name_of(entry);
        match signed {
            true => self.meta.commit(entry, name, kinship, false),
            false if entry.base == self.meta.position => self.meta.stand_on(entry.base),
            false => (),
        }
        let random = &self.profile.random;
        let wait = match joins {
            true => random.below(ELECTION_MS),
            false => OFFER_GRACE_MS + random.below(JITTER_MS),
        };
        let mut row = UntakenRow::default();
        (row.seq, row.joins, row.until) = (entry.seq, joins, now + 1 + wait);
        (row.key, row.authority) = (entry.key.to_vec(), entry.authority.to_vec());
        (row.name, row.signed) = (name.0.to_vec(), signed);
        if let Some(before) = self.meta.untaken.as_ref().filter(|before| before.key == row.key) {
            // Whoever adds to what nobody can take gains no time by it.
            row.until = row.until.min(before.until);
        }
        if let Some(before) = self.meta.untaken.as_ref().filter(|before| joins && !before.joins) {
            // What stands on a member's offer is dropped with it, and its author's word for it is none.
            (row.key, row.joins, row.until) = (before.key.clone(), false, before.until);
        }
        row.broken = self.link.broken;
        let own = self.own_key();
        // Whoever locks members out by what nobody can take needs more than half of them to agree.
        let removes = |key: &[u8]| *key == own || self.is_member_key(key);
        let is_anothers = signed && *entry.key != own;
        if is_anothers
            && entry.access.as_ref().is_some_and(|change| change.removed.iter().any(|key| removes(key)))
        {
            (self.meta.vote, self.meta.vote_step) = (entry.seq, self.meta.step_name(entry.seq));
        }
        self.meta.untaken = Some(row);
        self.bridge_lost(entry.base, &entry.key);
    }

    /// A commit on one that this device could not take: whose author is another, has taken it.
    pub(super) fn beyond(&mut self, entry: &Deliver, signed: bool, now: Millis) {
        let Some(untaken) = self.meta.untaken.clone() else { return };
        let kinship = self.kinship(entry);
        let counts = kinship == Kinship::Member && self.meta.is_confirmed(&entry.key);
        if counts && *entry.key != untaken.key {
            self.go_out(Cause::Commit(untaken.seq));
            if signed {
                self.meta.commit(entry, self.name_of(entry), kinship, false);
            }
            return;
        }
        self.cannot_take(entry, signed, now);
    }

    /// On which commit ours is to be built; none while we must not commit.
    pub(super) fn foundation(&self) -> Option<u64> {
        let meta = &self.meta;
        let blocked = meta.out.is_some() || meta.trial.is_some() || !self.is_member();
        match &meta.untaken {
            _ if blocked => None,
            None => Some(meta.position),
            Some(_) => {
                let known = meta.confirmed == meta.position
                    || self.group.as_ref().is_some_and(|group| group.has_base(meta.confirmed));
                (known && meta.is_confirmed(&self.own_key())).then_some(meta.confirmed)
            }
        }
    }

    /// From when on we may commit.
    pub(super) fn commits_from(&self) -> Millis {
        self.meta.untaken.as_ref().map_or(0, |untaken| untaken.until)
    }

    /// Whoever can drop nothing waits for those who can, or who say that they have taken it. Where neither comes this device is
    /// the one that has to be let back in.
    pub(super) fn give_up_untaken(&mut self, now: Millis) {
        if self.gives_up_at().is_none_or(|at| now < at) {
            return;
        }
        if let Some(seq) = self.meta.untaken.as_ref().map(|untaken| untaken.seq) {
            self.go_out(Cause::Commit(seq));
        }
    }

    /// When that is: others are given as long again as they need.
    pub(super) fn gives_up_at(&self) -> Option<Millis> {
        let untaken = self.meta.untaken.as_ref().filter(|_| self.link.state == Stream::Live)?;
        let meta = &self.meta;
        let is_idle = self.is_member() && meta.out.is_none() && self.foundation().is_none();
        // Joins go as soon as a member comes, and so may ours, which a device that is out could not make again. A return on
        // trial is judged by others.
        (is_idle && !untaken.joins && meta.trial.is_none())
            .then_some(untaken.until.saturating_add(OFFER_GRACE_MS))
    }

    /// Our drop was refused: time goes by before the next one.
    pub(super) fn drop_refused_for_now(&mut self, now: Millis) {
        let jitter = self.profile.random.below(JITTER_MS);
        if let Some(untaken) = &mut self.meta.untaken {
            untaken.until = now + OFFER_GRACE_MS + jitter;
        }
    }
}
