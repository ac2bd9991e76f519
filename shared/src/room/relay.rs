//! The conversation with the relay: joining a room, creating one, answers and refusals.

use proto::{
    PublishId, Token,
    relay::{
        ClientFrame, GetSlot, Join, Joined, Publish, Published, Refused, RelayFrame, client_frame,
        refused::{Code, Limit},
        relay_frame,
    },
};

use super::{
    Alarm, CloseReason, Connection, Engine, Event, Millis, Policy, Problem, Stream, TokenFault, out::Cause,
    state::Phase,
};
use crate::mls::group::GroupError;

/// After a lost race the next attempt waits a random time below this, doubled for each loss up to ten times: eight clients
/// that join at once are in within seconds, and one that nobody lets in asks every minute.
const RACE_JITTER_MS: u64 = 100;

/// Conflicts one after the other after which the relay and the ledger of this device do not differ by a race any more.
const CONFLICTS_AT_ODDS: u32 = 4;

/// When the relay names no time, a refused publish waits this long.
const RETRY_MS: u64 = 5_000;

/// However long the relay asks to wait, it is asked again after an hour, in milliseconds.
const RETRY_MAX_MS: u64 = 3600 * 1000;

impl Engine {
    pub(super) fn connected(
        &mut self,
        binding: &[u8; proto::CHANNEL_BINDING_LEN],
        token: Option<&Token>,
        pin: Option<[u8; 32]>,
    ) -> Result<(), GroupError> {
        let Connection { announced, told, told_out, other_access, .. } = self.link;
        let state = Stream::Asking;
        self.link =
            Connection { state, announced, told, told_out, other_access, pin, ..Connection::default() };
        let invite = self.invite_secret().filter(|_| self.phase() == Phase::Joining);
        let key = invite.map_or_else(|| self.access.clone(), |secret| secret.access_key());
        let mut create = match self.phase() {
            Phase::Creating => self.pending.as_ref().and_then(|pending| pending.create.clone()),
            _ => None,
        };
        // Not stored with the Create: another token may come before it succeeds.
        if let (Some(create), Some(token)) = (&mut create, token) {
            create.token = token.as_bytes().to_vec().into();
            self.link.token_sent = true;
        }
        if let Some(create) = &mut create {
            let mut own = std::mem::take(&mut self.invites.own_invites);
            self.add_cards(&mut create.keys, &mut own, 0)?;
            self.invites.own_invites = own;
        }
        let is_known = self.knows_room();
        self.send(client_frame::Frame::Join(Join {
            room_id: if is_known { self.room.as_bytes().to_vec() } else { Vec::new() }.into(),
            access_key: key.public().as_bytes().to_vec().into(),
            signature: key.sign_join(&self.room, binding).to_vec().into(),
            after: if create.is_some() { 0 } else { self.meta.cursor },
            create,
            wants_access: self.wants_ledger(),
        }));
        Ok(())
    }

    pub(super) fn frame(&mut self, frame: RelayFrame, now: Millis) -> Result<(), GroupError> {
        match frame.frame {
            Some(relay_frame::Frame::Joined(joined)) => self.joined(&joined, now),
            Some(relay_frame::Frame::Deliver(entry)) => self.deliver(&entry, now),
            Some(relay_frame::Frame::Published(published)) => self.published(&published),
            Some(relay_frame::Frame::Refused(refused)) => self.refused(&refused, now),
            Some(relay_frame::Frame::Slot(slot)) if self.phase() == Phase::Joining => {
                self.attempt_join(&slot, now)
            }
            Some(relay_frame::Frame::Slot(slot)) if self.back.out.is_some() => self.reenter(&slot, now),
            Some(relay_frame::Frame::Ephemeral(signal)) => self.signal(&signal, now),
            // An unknown frame is a later version's.
            Some(relay_frame::Frame::Slot(_)) | None => Ok(()),
            // Those of files come on streams of their own.
            Some(
                relay_frame::Frame::BlobHave(_)
                | relay_frame::Frame::BlobPart(_)
                | relay_frame::Frame::BlobDropped(_),
            ) => Ok(()),
        }
    }

    fn joined(&mut self, joined: &Joined, now: Millis) -> Result<(), GroupError> {
        if self.link.state != Stream::Asking {
            return Ok(());
        }
        self.link.relay_ms = joined.now_ms;
        match self.phase() {
            Phase::Joining if !self.knows_room() => return self.read_card(joined),
            Phase::Joining => {
                let Some(slot) = &joined.slot else {
                    self.refuse(Problem::NoRoomState);
                    return Ok(());
                };
                return self.attempt_join(slot, now);
            }
            Phase::Creating if self.is_opened_again() && *joined.generation == *self.meta.generation => {
                // The room that it knows is there after all. This stream began at 0; the next one goes on.
                self.set_pending(None);
                self.set_phase(Phase::Member);
                (self.link.state, self.out.reopen) = (Stream::Offline, true);
                return Ok(());
            }
            Phase::Creating => {
                if self.is_opened_again() {
                    self.forget_log();
                }
                if let Some(create) = self.pending.as_ref().and_then(|pending| pending.create.clone()) {
                    self.open_ledger(&create);
                }
                // Its log is a new one, whatever was there before.
                self.meta.generation.clear();
                self.set_pending(None);
                self.set_phase(Phase::Member);
            }
            Phase::Confirming | Phase::Member | Phase::Closed => (),
        }
        if self.is_restored(joined) || self.has_leapt_too_far(joined) {
            self.link.state = Stream::Offline;
            return Ok(());
        }
        if joined.suspended_by != 0 {
            self.link.state = Stream::Offline;
            self.suspended(joined, now);
            return Ok(());
        }
        self.learn_frozen(joined.frozen.as_ref().map(|frozen| &*frozen.words));
        self.learn_ledger(joined);
        self.learn_confirmed(joined.confirmed);
        if !self.back.rereads {
            self.settle_books(now);
        }
        self.link.ack_election = true;
        self.link.state = Stream::CatchingUp;
        self.link.head = joined.head;
        self.link.start = self.meta.cursor;
        self.check_bounds(joined);
        self.maybe_caught_up();
        Ok(())
    }

    /// Did the relay lose what we have seen, or drop what we have not?
    fn check_bounds(&mut self, joined: &Joined) {
        let cursor = self.meta.cursor;
        if joined.head < cursor || joined.last_commit < self.meta.last_commit {
            self.alarm(Alarm::LogShorter { head: joined.head, read: cursor });
        }
        self.link.ends_early = joined.head < cursor;
        self.tell_led_astray();
        let untaken = self.books.untaken.as_ref().map_or(0, |untaken| untaken.seq);
        let newest = self.books.newest().max(untaken);
        let unseen = joined.last_commit <= cursor && joined.last_commit > newest;
        self.link.unseen = if unseen { joined.last_commit } else { 0 };
        let lost = joined.oldest.saturating_sub(1).saturating_sub(cursor);
        if lost > 0 && joined.head > cursor {
            self.alarm(Alarm::EntriesExpired { missing: lost });
            if joined.last_commit > self.meta.last_commit {
                self.go_out(Cause::Away);
            }
            self.leap(joined.oldest);
        }
        let lost: Vec<u64> = self
            .outbox
            .values()
            .filter(|item| item.acked > joined.head || (item.acked != 0 && item.acked <= self.meta.cursor))
            .map(|item| item.counter)
            .collect();
        lost.into_iter().for_each(|counter| self.lost_at(counter));
    }

    /// The relay has it on disk. A joiner reads on as a member; a commit counts once its entry comes.
    fn published(&mut self, published: &Published) -> Result<(), GroupError> {
        if self.link.in_flight.as_deref() != Some(&*published.id) {
            return Ok(());
        }
        self.link.in_flight = None;
        self.tell_thawed();
        self.link.conflicts = 0;
        self.link.all_pieces = false;
        if self.phase() == Phase::Confirming {
            self.out.reopen = true;
            return Ok(());
        }
        if self.ballot_answered(&published.id) {
            return Ok(());
        }
        match self.pending.as_ref().is_some_and(|pending| *pending.publish_id == *published.id) {
            // Read past already, and it was something else.
            true if published.seq <= self.meta.cursor => self.commit_not_shown(),
            true => self.link.commit_acked = published.seq.max(1),
            false => self.acknowledged(published),
        }
        Ok(())
    }

    fn refused(&mut self, refused: &Refused, now: Millis) -> Result<(), GroupError> {
        if refused.id.is_empty() {
            return self.refused_join(refused, now);
        }
        if self.link.in_flight.as_deref() != Some(&*refused.id) {
            return Ok(());
        }
        self.link.in_flight = None;
        let again = [Code::RateLimited, Code::NoSpace, Code::ShuttingDown, Code::Superseded, Code::Frozen];
        if !again.contains(&refused.code()) && self.ballot_answered(&refused.id) {
            return Ok(());
        }
        match refused.code() {
            Code::Conflict => self.lost_race(refused, now)?,
            Code::MissingPieces => self.lacks_pieces(now)?,
            Code::RateLimited => {
                self.link.not_before = now + refused.retry_after_ms.clamp(1, RETRY_MAX_MS);
                self.tell_limit(refused, now);
            }
            Code::NoSpace => {
                self.link.not_before = now + RETRY_MS;
                self.tell_limit(refused, now);
            }
            Code::TooLarge if self.phase() == Phase::Confirming => self.close(CloseReason::RoomFull),
            Code::ShuttingDown | Code::Superseded => self.link.not_before = now + RETRY_MS,
            Code::NotAllowed if self.phase() == Phase::Confirming => self.close(CloseReason::InviteOver),
            Code::NotAllowed if self.join_was_dropped() => (),
            Code::NotAllowed => self.locked_out(),
            Code::Frozen => self.frozen_meanwhile(&refused.words, now),
            Code::Dropped => self.dropped(&refused.words),
            Code::TooLarge
            | Code::Malformed
            | Code::Unspecified
            | Code::TokenRequired
            | Code::TokenSpent
            | Code::NoBlob => {
                self.link.not_before = now + RETRY_MS;
                if refused.limit() != Limit::Unspecified {
                    self.tell_limit(refused, now);
                }
                self.drop_refused(&refused.id, refused.code() == Code::Malformed);
            }
        }
        Ok(())
    }

    fn refused_join(&mut self, refused: &Refused, now: Millis) -> Result<(), GroupError> {
        let (code, phase) = (refused.code(), self.phase());
        self.link.state = Stream::Offline;
        match (code, phase) {
            (Code::NotAllowed, Phase::Joining) if self.meta.open => {
                let Some(row) = &mut self.meta.link else { return Err(GroupError::Damaged) };
                if std::mem::replace(&mut row.create, true) {
                    self.close(CloseReason::NameTaken);
                    return Ok(());
                }
                self.group = None;
                self.build_room(Policy::default(), None, now).map_err(|_| GroupError::Unexpected)?;
                self.out.reopen = true;
            }
            (Code::NotAllowed, Phase::Joining) if self.handover.join_seq > 0 => {
                // It was in once, and its join was not confirmed yet.
                self.set_phase(Phase::Closed);
                let reason = CloseReason::RemovedOrNotTaken;
                self.out.events.push(Event::Closed { reason, was_member: true });
            }
            (Code::NotAllowed, Phase::Joining) => self.close(CloseReason::InviteDead),
            // The join commit never got in, or it did and we were removed since; the invite tells which.
            (Code::NotAllowed, Phase::Confirming) => {
                self.set_phase(Phase::Joining);
                self.out.reopen = true;
            }
            (Code::NotAllowed, _) if self.join_was_dropped() => (),
            (Code::NotAllowed, Phase::Member) if self.is_alone() => self.open_again()?,
            (Code::NotAllowed, _) if self.tries_other_access() => (),
            (Code::NotAllowed, _) => self.locked_out(),
            (Code::Conflict, Phase::Creating) if self.is_opened_again() => self.is_still_there(),
            (Code::Conflict, Phase::Creating) if self.meta.open => {
                // Somebody opened the room a moment before us.
                self.set_pending(None);
                self.invites.own_invites.clear();
                self.meta.epochs.clear();
                self.set_phase(Phase::Joining);
                self.out.reopen = true;
            }
            (Code::TokenRequired | Code::TokenSpent, Phase::Creating) => self.no_right(code),
            // That may be a copy of this device: the key that both have is on its way out, and the owner does not give way to it.
            (Code::Superseded, _) if self.shares_access_key() => (),
            (Code::Superseded, _) => {
                let reason = CloseReason::Superseded;
                self.out.events.push(Event::Closed { reason, was_member: true });
            }
            (Code::Frozen, _) => self.frozen_out(&refused.words),
            (Code::Dropped, _) => self.dropped(&refused.words),
            (Code::RateLimited | Code::NoSpace, _) => self.tell_limit(refused, now),
            (Code::TooLarge, _) if refused.limit() != Limit::Unspecified => self.tell_limit(refused, now),
            (Code::ShuttingDown, _) => (),
            (code, _) => self.refuse(Problem::RoomRefused { code: code.as_str_name().to_owned() }),
        }
        Ok(())
    }

    /// The relay lets only those open rooms who have a token. A room that exists nowhere yet ends here.
    fn no_right(&mut self, code: Code) {
        let fault = match (code, self.link.token_sent) {
            (Code::TokenSpent, _) => TokenFault::Spent,
            (_, true) => TokenFault::Refused,
            (_, false) => TokenFault::Missing,
        };
        self.refuse(Problem::Token(fault));
        // One that was there before is kept here until there is a token.
        if !self.is_opened_again() {
            self.close(CloseReason::NoToken);
        }
    }

    /// The state stays: a relay that lies, or that lost its data, must not make us forget a room.
    pub(super) fn locked_out(&mut self) {
        self.link.state = Stream::Offline;
        self.out.events.push(Event::Closed { reason: CloseReason::LockedOut, was_member: true });
    }

    fn lost_race(&mut self, refused: &Refused, now: Millis) -> Result<(), GroupError> {
        let read = refused.last_commit <= self.meta.cursor && self.is_member();
        let part = self.pending.as_ref().and_then(|pending| pending.part.as_ref());
        let base = part.map(|part| part.expected_last_commit);
        // What stood on what is not the newest any more lost a race, and says nothing of where the relay goes.
        let is_current = base.is_some() && base == self.foundation();
        if read && is_current && self.link.conflicts >= CONFLICTS_AT_ODDS && self.back.out.is_none() {
            // No race of an entry that is under way: the relay goes another way than this device.
            if self.ledger.confirmed().is_some_and(|ours| ours != refused.confirmed) {
                self.ledger.close();
            }
            // Nor does it wait for one that this device has read and only cannot take.
            let untaken = self.books.untaken.as_ref().map(|untaken| untaken.seq);
            let newest = refused.last_commit;
            let knows = newest == self.books.position || untaken == Some(newest);
            if base.is_some_and(|base| base != newest && (base != refused.confirmed || !knows)) {
                self.go_out(Cause::Commit(refused.last_commit));
            }
        }
        self.learn_confirmed(refused.confirmed);
        let drops = self.books.untaken.is_some();
        if drops && read {
            self.drop_refused_for_now(now);
        }
        // A conflict is only where somebody else's commit came after the one that was named.
        let groundless = base.is_some_and(|base| refused.last_commit <= base);
        let other = self.meta.last_commit != 0 && refused.last_commit != self.meta.last_commit;
        if read && !drops && self.back.out.is_none() && (groundless || other) {
            self.link.no_commits = true;
            self.alarm(Alarm::OtherLastCommit { named: refused.last_commit, read: self.meta.last_commit });
        }
        self.link.winner = refused.last_commit;
        // Something newer is there, which may be of use.
        self.link.confirmed_slot = false;
        let ceiling = RACE_JITTER_MS << self.link.conflicts.min(10);
        self.link.conflicts += 1;
        self.link.not_before = now + 1 + self.profile.random.below(ceiling);
        self.abandon_pending()
    }

    /// The relay has not all that we thought it had: whoever committed before put something else there, or it went back
    /// to a state without a slot. The commit is built anew, with all of it.
    fn lacks_pieces(&mut self, now: Millis) -> Result<(), GroupError> {
        // Said again of all pieces it is no reason to send them again at once.
        let again = std::mem::replace(&mut self.link.all_pieces, true);
        self.link.not_before = if again { now + RETRY_MS } else { now };
        self.link.conflicts += 1;
        self.abandon_pending()
    }

    /// What was built is of no use any more.
    fn abandon_pending(&mut self) -> Result<(), GroupError> {
        self.give_up_return()?;
        self.set_pending(None);
        if self.phase() == Phase::Confirming {
            self.group = None;
            self.set_phase(Phase::Joining);
        }
        Ok(())
    }

    /// For a joiner to whom the newest slot is of no use. False when that was done already.
    pub(super) fn ask_confirmed_slot(&mut self) -> bool {
        if std::mem::replace(&mut self.link.confirmed_slot, true) {
            return false;
        }
        self.send(client_frame::Frame::GetSlot(GetSlot { confirmed: true }));
        true
    }

    pub(super) fn tick(&mut self, now: Millis) -> Result<(), GroupError> {
        self.give_up_untaken(now);
        if self.link.again_at.take_if(|at| now >= *at).is_some() {
            self.out.reopen = true;
        }
        let waiting =
            self.phase() == Phase::Joining && self.link.state == Stream::Asking && self.link.conflicts > 0;
        if waiting && self.pending.is_none() && now >= self.link.not_before {
            self.send(client_frame::Frame::GetSlot(GetSlot { confirmed: self.link.confirmed_slot }));
            // One question at a time: asked again only if no answer comes.
            self.link.not_before = now + RETRY_MS;
        }
        let resend = self.phase() == Phase::Confirming && self.link.state == Stream::Asking;
        if resend && self.link.in_flight.is_none() && now >= self.link.not_before {
            self.publish_pending();
        }
        Ok(())
    }

    /// Sends the pending commit; its bytes never change.
    pub(super) fn publish_pending(&mut self) {
        let Some(pending) = &self.pending else { return };
        let publish = Publish {
            id: pending.publish_id.clone().into(),
            envelope: pending.envelope.clone().into(),
            commit: pending.part.clone(),
            ..Publish::default()
        };
        self.publish(publish);
    }

    pub(super) fn publish(&mut self, publish: Publish) {
        self.link.has_ack = publish.ack.is_some();
        debug_assert_eq!(publish.id.len(), PublishId::LEN);
        self.link.in_flight = Some(publish.id.to_vec());
        self.send(client_frame::Frame::Publish(publish));
    }

    fn send(&mut self, frame: client_frame::Frame) {
        self.out.frames.push(ClientFrame { frame: Some(frame) });
    }
}
