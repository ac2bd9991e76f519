//! A return is in the log: ours, or somebody else's.

use std::collections::BTreeSet;

use proto::{access::KEYS_PER_CHANGE, relay::Deliver};

use crate::{
    content,
    mls::group::{Applied, GroupError},
    room::{
        Engine, Event, Millis, Problem, person,
        state::{Phase, StepRow},
    },
};

impl Engine {
    /// Our return is in the log.
    pub(in crate::room) fn came_back(&mut self, entry: &Deliver, now: Millis) -> Result<(), GroupError> {
        self.set_pending(None);
        self.link.commit_acked = 0;
        let out = self.back.out.take();
        let own = self.own_key();
        let is_confirmed = self.is_confirmed(&own);
        let other_rules = self.other_rules()?;
        // Who is not there any more was removed while this device was out.
        let gone = self.gone_since(self.books.position)?;
        self.note_all_gone(gone);
        self.begin_trial(out.as_ref(), entry.at_ms)?;
        self.books.untaken = None;
        self.forget_votes();
        (self.books.offer, self.books.joins) = (None, None);
        self.books.confirmed = entry.base;
        let mut joins = StepRow::default();
        joins.extend(entry, self.name_of(entry));
        if !is_confirmed {
            // Whoever drops this drops the join that it stands on: it may be made again.
            joins.added.push(own.to_vec());
        }
        self.books.joins = Some(joins);
        self.books.position = entry.seq;
        self.meta.last_update = now;
        self.forget_keys();
        self.new_epoch()?;
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        self.handover.join_epoch = group.epoch();
        self.handover.unreadable_left = group.members()?.len() as u64;
        self.handover.join_seq = entry.seq;
        let room = group.room()?;
        self.meta.take_room(&room);
        self.settle_again()?;
        self.refuse(Problem::Back { has_missed: true });
        if let Some(problem) = other_rules {
            self.refuse(problem);
        }
        if let Some(view) = self.view() {
            self.out.events.push(Event::Epoch(view));
        }
        debug_assert!(KEYS_PER_CHANGE > 0 && self.phase() == Phase::Member);
        Ok(())
    }

    /// What is not as it was before this device went out: it did not see who changed it, and whether they might.
    fn other_rules(&self) -> Result<Option<Problem>, GroupError> {
        let Some(group) = self.group.as_ref().filter(|group| group.has_base(self.books.position)) else {
            return Ok(None);
        };
        let (was, is) = (group.base(self.books.position)?.room()?, group.room()?);
        let all = |room: &content::Room| room.moderators.iter().cloned().collect::<BTreeSet<_>>();
        let moderators = all(&was) != all(&is);
        let rest = |room: &content::Room| {
            (room.invite_policy, room.seats_per_account, room.disappear_s, room.topic.clone())
        };
        let policy = rest(&was) != rest(&is);
        Ok((moderators || policy).then_some(Problem::OtherRules { moderators, policy }))
    }

    /// Other numbers of epochs, other keys: nothing of before can be told from what is not ours.
    pub(super) fn forget_keys(&mut self) {
        self.meta.epochs.clear();
        self.windows.clear();
        self.peers.clear();
        self.outbox.seal_anew(|_| true);
    }

    /// Somebody's device came back.
    pub(in crate::room) fn returned(&mut self, applied: &Applied) {
        let Some(old) = applied.returned else { return };
        for leaf in [old, applied.leaf] {
            self.peers.remove(&leaf);
        }
        self.out.events.push(Event::DeviceBack(person(&applied.committer)));
    }
}
