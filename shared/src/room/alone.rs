//! A room that the relay does not have any more, and in which nobody else is: it is opened there again, as it is.
//!
//! Relays drop rooms in which nobody but their founder ever was. Nobody can be shut out by opening one again: as far as this
//! device has read it is the only member, and whoever joins removes nobody before a member has taken the join. So a relay that
//! answers falsely gets a room without the joins that it hid, which it could have hidden anyway.

use proto::relay::{Create, Slot};

use super::{
    Engine,
    state::{Back, Books, Pending, Phase},
};
use crate::{invite::slot, mls::group::GroupError};

impl Engine {
    /// Whether this device is the only one in the room, by its own log.
    pub(super) fn is_alone(&self) -> bool {
        let is_one = self.group.as_ref().is_some_and(|group| group.size() == 1);
        let is_settled =
            self.back.out.is_none() && self.back.restored.is_none() && self.back.bridge.is_none();
        // What an open room is called, others may have opened by now: they find each other by its name.
        let comes_in = !self.meta.open || self.meta.link.is_some();
        is_one && is_settled && comes_in && self.is_member() && !self.wishes.leaving
    }

    /// Whether the room that is being created was at the relay before.
    pub(super) fn is_opened_again(&self) -> bool {
        self.phase() == Phase::Creating && !self.meta.generation.is_empty()
    }

    /// Opens the room where its group stands. Its log begins anew; what was said stays on this device.
    pub(super) fn open_again(&mut self) -> Result<(), GroupError> {
        self.give_up_return()?;
        let Some(group) = &mut self.group else { return Err(GroupError::Damaged) };
        let room = group.room()?;
        let inside = (&*group.slot_key()?, &*group.group_info()?, &group.tree()?);
        let sealed = slot::seal(&self.room, &room.invites, inside, None, &self.profile.random);
        let slot::Slot { sealed, pieces, .. } = sealed.map_err(|_| GroupError::Unexpected)?;
        let keys = group.access_keys()?.into_values().collect();
        let authority = group.authority()?.public().to_vec().into();
        let mut pending = Pending::default();
        let slot = Some(Slot { last_commit: 0, sealed: sealed.into(), pieces: pieces.into() });
        pending.create = Some(Create { slot, keys, authority, ..Create::default() });
        self.set_pending(Some(pending));
        self.set_phase(Phase::Creating);
        self.out.reopen = true;
        Ok(())
    }

    /// The room is there and does not want us: this device was put out, and is where it was.
    pub(super) fn is_still_there(&mut self) {
        self.set_pending(None);
        self.set_phase(Phase::Member);
        self.locked_out();
    }

    /// The log that was read is gone: the group stands at the beginning of another.
    pub(super) fn forget_log(&mut self) {
        if let Some(group) = &mut self.group {
            group.keep_bases(&[]);
        }
        self.ledger.close();
        let read = self.read_or_acked();
        self.outbox.forget_acks();
        self.hashes.cut(0);
        // Whom this device saw removed stays out.
        let gone = std::mem::take(&mut self.books.gone);
        (self.books, self.back) = (Books { gone, ..Books::default() }, Back::default());
        self.meta.cursor = 0;
        self.count_on_from(read);
        self.tell_lost(1);
        let meta = &mut self.meta;
        (meta.last_commit, meta.last_at) = (0, 0);
        meta.marks.clear();
        (meta.leapt_from, meta.landed, meta.sealed_beyond) = (None, None, None);
        meta.running_hash = vec![0; 32];
        let present = meta.epochs.last().map(|row| row.epoch);
        for row in &mut meta.epochs {
            // Another commit will have the number of those before.
            row.seq = if Some(row.epoch) == present { 0 } else { u64::MAX };
        }
    }
}
