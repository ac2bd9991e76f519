//! Commits that are only offered. The relay cannot know whether a commit is valid, so none of one key alone is final:
//! it may be dropped until another member has taken it. Here is what becomes of one: taken, or not, and then dropped by
//! one of ours after a while.

use proto::{access::OFFER_GRACE_MS, relay::Deliver};

use super::{
    Engine, Millis, Stream,
    access::lean,
    kinship::Kinship,
    out::Cause,
    state::{StepRow, UntakenRow},
};
use crate::mls::group::{Applied, GroupError};

/// Who sees the same need waits a random time below this, in milliseconds, so that mostly one member acts.
const ELECTION_MS: u64 = 2_000;

/// Who cannot take a commit waits this much longer than the relay does, at random below it: clocks differ, and one
/// that drops it is enough.
const JITTER_MS: u64 = 10_000;

impl Engine {
    /// A commit was applied, and is not kept yet: what it stood on stays at hand until it is confirmed.
    pub(super) fn took(&mut self, entry: &Deliver, applied: &Applied) -> Result<(), GroupError> {
        let alone = self.voters()? + applied.removed.len() == 1;
        let before = self.books.position;
        self.note_built_on(applied);
        self.enter_taken(entry, alone);
        self.books.position = entry.seq;
        self.books.untaken = None;
        if self.back.trial.is_none() {
            self.back.since.clear();
            self.back.back_too.clear();
            self.back.may_be_bridged = false;
        }
        self.link.began = Some(lean(entry));
        self.link.began_name = self.name_of(entry).0.to_vec();
        let confirmed = self.books.confirmed;
        if self.back.bridge.take_if(|bridge| bridge.at < confirmed).is_none() && self.back.bridge.is_some() {
            // Whoever was first has done it for all.
            self.wishes.want_update = false;
        }
        let bases = self.books.bases(self.back.trial.as_ref().map(|trial| trial.position));
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
        match signed {
            true => self.enter(entry),
            false if entry.base == self.books.position => self.books.stand_on(entry.base),
            false => (),
        }
        if self.is_left_behind() {
            return self.go_out(Cause::Commit(self.books.confirmed));
        }
        let mut row = UntakenRow::default();
        (row.seq, row.authority) = (entry.seq, entry.authority.to_vec());
        (row.step, row.signed) = (self.books.step_name(entry.seq), signed);
        let claims = || (!signed && self.kinship(entry) == Kinship::Member).then(|| entry.key.to_vec());
        let author = self.untaken_offer().map(|offer| offer.author.clone()).or_else(claims);
        row.joins = author.is_none();
        // What stands on a member's offer is dropped with it.
        row.key = author.unwrap_or_else(|| entry.key.to_vec());
        row.until = self.drops_at(row.joins, now);
        let same = |before: &&UntakenRow| (&before.key, before.joins) == (&row.key, row.joins);
        if let Some(before) = self.books.untaken.as_ref().filter(same) {
            // Whoever adds to what nobody can take gains no time by it.
            row.until = row.until.min(before.until);
        }
        row.broken = self.link.broken;
        let own = self.own_key();
        // Whoever locks members out by what nobody can take needs more than half of them to agree.
        let removes = |key: &[u8]| *key == own || self.is_member_key(key);
        let is_anothers = signed && *entry.key != own;
        // So do two who keep to what is not theirs to keep by taking each other's place, each time with the others' time to say
        // that it is good.
        let takes_turns = self.books.untaken.as_ref().is_some_and(|before| {
            let both_offer = before.signed && !before.joins && !row.joins;
            both_offer && before.key != row.key && entry.base == self.books.position
        });
        let locks_out =
            entry.access.as_ref().is_some_and(|change| change.removed.iter().any(|key| removes(key)));
        // So does whoever has an old key and does not let its owner in.
        let by_replaced = self.link.by_replaced && !row.joins;
        if is_anothers && (locks_out || takes_turns || by_replaced) {
            self.want_vote(entry.seq, self.books.step_name(entry.seq));
        }
        self.books.untaken = Some(row);
        self.bridge_lost(entry.base, &entry.key);
    }

    /// What a member offers, as far as this device could not take it.
    fn untaken_offer(&self) -> Option<&StepRow> {
        self.books.offer.as_ref().filter(|offer| offer.tip > self.books.position)
    }

    /// From when on what cannot be taken is dropped.
    fn drops_at(&self, joins: bool, now: Millis) -> Millis {
        let random = &self.profile.random;
        let wait = match joins {
            true => random.below(ELECTION_MS),
            false => OFFER_GRACE_MS + random.below(JITTER_MS),
        };
        now + 1 + wait
    }

    /// A member may answer for joins that this device cannot take: that alone settles nothing, since it may have made them
    /// itself. It is that member's offer now.
    pub(super) fn answered_for(&mut self, now: Millis) {
        let Some(untaken) = self.books.untaken.as_ref().filter(|untaken| untaken.joins) else { return };
        let is_in = |offer: &&StepRow| (offer.first..=offer.tip).contains(&untaken.seq);
        let Some(author) = self.untaken_offer().filter(is_in).map(|offer| offer.author.clone()) else {
            return;
        };
        let until = self.drops_at(false, now);
        if let Some(untaken) = &mut self.books.untaken {
            (untaken.key, untaken.joins, untaken.until) = (author, false, until);
        }
    }

    /// On which commit ours is to be built; none while we must not commit.
    pub(super) fn foundation(&self) -> Option<u64> {
        let blocked = self.back.out.is_some() || self.back.trial.is_some() || !self.is_member();
        match &self.books.untaken {
            _ if blocked => None,
            None => Some(self.books.position),
            Some(_) => {
                let known = self.books.confirmed == self.books.position
                    || self.group.as_ref().is_some_and(|group| group.has_base(self.books.confirmed));
                (known && self.is_confirmed(&self.own_key())).then_some(self.books.confirmed)
            }
        }
    }

    /// From when on we may commit.
    pub(super) fn commits_from(&self) -> Millis {
        self.books.untaken.as_ref().map_or(0, |untaken| untaken.until)
    }

    /// Whoever can drop nothing waits for those who can, or who say that they have taken it. Where neither comes this device is
    /// the one that has to be let back in.
    pub(super) fn give_up_untaken(&mut self, now: Millis) {
        if self.gives_up_at().is_none_or(|at| now < at) {
            return;
        }
        if let Some(seq) = self.books.untaken.as_ref().map(|untaken| untaken.seq) {
            self.go_out(Cause::Commit(seq));
        }
    }

    /// When that is: others are given as long again as they need.
    pub(super) fn gives_up_at(&self) -> Option<Millis> {
        let untaken = self.books.untaken.as_ref().filter(|_| self.link.state == Stream::Live)?;
        let is_idle = self.is_member() && self.back.out.is_none() && self.foundation().is_none();
        // Joins go as soon as a member comes, and so may ours, which a device that is out could not make again. A return on
        // trial is judged by others.
        (is_idle && !untaken.joins && self.back.trial.is_none())
            .then_some(untaken.until.saturating_add(OFFER_GRACE_MS))
    }

    /// Our drop was refused: time goes by before the next one.
    pub(super) fn drop_refused_for_now(&mut self, now: Millis) {
        let jitter = self.profile.random.below(JITTER_MS);
        if let Some(untaken) = &mut self.books.untaken {
            untaken.until = now + OFFER_GRACE_MS + jitter;
        }
    }
}
