//! Saying things: what is said waits in the outbox until it was seen in the log.
//!
//! It is sealed when its turn comes, stored as final ciphertext, sent, and after a crash sent again byte
//! for byte. Only when the group moved on further than members can read back is it sealed anew, with the
//! same id and counter: everybody knows by the same count that the first ciphertext was unreadable.

use prost::Message as _;
use proto::relay::Publish;

use super::{
    Engine, Event, MessageBody, Millis, Problem, Stream,
    commit::UPDATE_MS,
    state::{Outgoing, Phase},
};
use crate::{
    content::{self, content::Body},
    file::Manifest,
    mls::group::{EPOCHS_KEPT, GroupError, Kind},
};

/// Most things said and not yet seen in the log; beyond that a Send is refused.
pub const MAX_OUTBOX: usize = 1_000;

/// A commit that could not even be built is tried again after a minute, in milliseconds.
const UPDATE_RETRY_MS: u64 = 60_000;

impl Engine {
    pub(super) fn say(&mut self, token: String, said: MessageBody) {
        if let Err(error) = said.check() {
            return self.refuse(Problem::Said(error));
        }
        if self.outbox.len() >= MAX_OUTBOX {
            return self.refuse(Problem::OutboxFull);
        }
        self.enqueue(token, said.into_body());
        if let Some(event) = self.outbox.values().next_back().and_then(queued) {
            self.out.events.push(event);
        }
    }

    /// Our chat lines that are not in the log yet, oldest first, as events for a face that begins.
    pub fn queued(&self) -> Vec<Event> {
        self.outbox.values().filter_map(queued).collect()
    }

    pub(super) fn leave(&mut self) {
        let signature = self.signer().sign_leave(self.room.as_bytes()).unwrap_or([0; 64]);
        self.wishes.leaving = true;
        self.enqueue(String::new(), Body::Leave(content::Leave { signature: signature.to_vec().into() }));
    }

    pub(super) fn enqueue(&mut self, token: String, body: Body) {
        self.enqueue_encoded(token, encode(body));
    }

    /// What has no words: its place in the log, and what it acknowledges, is all there is to it.
    fn enqueue_nothing(&mut self) {
        self.enqueue_encoded(String::new(), Vec::new());
    }

    fn enqueue_encoded(&mut self, token: String, said: Vec<u8>) {
        let mut item = Outgoing::default();
        item.counter = self.meta.next_counter;
        item.token = token;
        item.id = self.profile.random.bytes::<16>().to_vec();
        item.said = said;
        self.meta.next_counter += 1;
        self.outbox.insert(item.counter, item);
    }

    /// Our own leaf said something that we do not know. If that was us, before a backup was put back, then it
    /// used our next counter, and perhaps our next message key: what we say goes one up, and only after a
    /// commit of ours has brought fresh keys.
    pub(super) fn skip_counter(&mut self) {
        self.meta.next_counter += 1;
        self.wishes.want_update = true;
        // What is sealed already keeps its number: it may be in the log.
        self.outbox.skip_counter();
    }

    /// Sends the next thing, if nothing is under way.
    pub(super) fn pump(&mut self, now: Millis) -> Result<(), GroupError> {
        self.cap_waits(now);
        let ready = self.link.state == Stream::Live && self.phase() == Phase::Member;
        if !ready || self.link.frozen || self.is_waiting() || now < self.link.not_before {
            return Ok(());
        }
        if let Some(vote) = self.vote() {
            self.publish(vote);
            return Ok(());
        }
        if self.back.out.is_some() {
            return self.find_back(now);
        }
        if let Some(pending) = &self.pending {
            let expected = pending.part.as_ref().map(|part| part.expected_last_commit);
            if expected.is_some() && expected == self.foundation() {
                self.publish_pending();
                return Ok(());
            }
            self.set_pending(None);
        }
        if self.answer_due(now)? {
            return Ok(());
        }
        if !self.wants_commit(now) {
            if self.ack_due(now) {
                self.enqueue_nothing();
            }
            return self.send_next(now);
        }
        let done = self.commit(now);
        if done.is_err() {
            // What cannot be committed must not silence what can be said.
            self.link.commit_not_before = now + UPDATE_RETRY_MS;
            if let Some(group) = &mut self.group {
                group.undo()?;
            }
            self.send_next(now)?;
        }
        done
    }

    /// An answer or an entry is on its way, and comes first. What was acknowledged is waited for until it
    /// is seen in the log: only its place there tells whether the others could still read it.
    fn is_waiting(&self) -> bool {
        self.link.in_flight.is_some()
            || self.link.commit_acked != 0
            || self.meta.cursor < self.link.winner
            || self.link.ends_early
            || self.outbox.values().any(|item| item.acked != 0)
    }

    /// Something was said and need not wait.
    fn may_send(&self) -> bool {
        !self.outbox.is_empty() && self.back.out.is_none() && !self.is_haunted()
    }

    fn send_next(&mut self, now: Millis) -> Result<(), GroupError> {
        if self.is_haunted() {
            return Ok(());
        }
        let Some(item) = self.outbox.values().next() else { return Ok(()) };
        // What somebody could read who is not a member any more is sealed anew as well.
        let stale = !item.envelope.is_empty()
            && (item.epoch.saturating_add(EPOCHS_KEPT) < self.newest_epoch()
                || item.epoch < self.meta.removal_epoch);
        if item.envelope.is_empty() || stale {
            let generation = self.group.as_mut().map_or(Ok(0), crate::mls::group::Group::next_generation)?;
            if !self.may_say(generation) {
                // A commit of ours brings a fresh ratchet.
                self.wishes.want_update = true;
                return Ok(());
            }
            self.seal(now)?;
        }
        let Some(item) = self.outbox.values().next() else { return Ok(()) };
        let publish = Publish {
            id: item.publish_id.clone().into(),
            envelope: item.envelope.clone().into(),
            ack: self.ack(),
            ..Publish::default()
        };
        self.publish(publish);
        Ok(())
    }

    /// Seals the first in the queue.
    fn seal(&mut self, now: Millis) -> Result<(), GroupError> {
        let (view, marked, read) = (self.own_view(), self.newest_mark(), self.meta.cursor);
        let (session, next) = self.session;
        let (Some(group), Some(item)) = (&mut self.group, self.outbox.find_mut(|_| true)) else {
            return Ok(());
        };
        let mut body = decode(&item.said);
        if let Some(Body::Text(text)) = &mut body
            && text.disappear_s != self.meta.disappear_s
        {
            text.disappear_s = self.meta.disappear_s;
            item.said = encode(Body::Text(text.clone()));
        }
        let said = content::Content {
            id: item.id.clone().into(),
            counter: item.counter,
            view: Some(view),
            sent_ms: now,
            body,
        };
        let message = group.seal(Kind::Content, (session, next), &said.encode_to_vec())?;
        group.keep()?;
        let (epoch, mut key) =
            self.keyring.sealing(group.leaf(), session, next).ok_or(GroupError::Damaged)?;
        let own = super::own::mark(&self.own.leaf_secret, &self.room, session, next);
        let sealed = Self::sealed_private(message, own.to_vec());
        item.envelope = key.seal(&sealed).map_err(|_| GroupError::Unexpected)?;
        item.publish_id = self.profile.random.bytes::<16>().to_vec();
        (item.epoch, item.marked, item.read) = (epoch, marked, read);
        self.session.1 = key.next_sequence();
        Ok(())
    }

    /// Too large or malformed for the relay: for good. With a word for a commit it may be that word, where the relay has another
    /// commit there than it showed: then what was said goes without one.
    pub(super) fn drop_refused(&mut self, publish_id: &[u8], malformed: bool) {
        if std::mem::take(&mut self.link.has_ack) && malformed {
            self.link.no_acks = true;
            return;
        }
        if self.pending.as_ref().is_some_and(|pending| *pending.publish_id == *publish_id) {
            if self.brings_access_key() && !std::mem::replace(&mut self.link.keeps_access_key, true) {
                // The room may be full: the change of the account must not be held up by what others added.
                self.set_pending(None);
                return;
            }
            let _ = self.give_up_return();
            self.set_pending(None);
            self.invites.want_invites.clear();
            self.invites.to_revoke.clear();
            self.forget_roles();
            self.wishes.want_update = false;
            self.wishes.to_remove.clear();
            self.link.no_commits = true;
            self.refuse(Problem::ChangeRefused);
            return;
        }
        if let Some(item) = self.outbox.find_mut(|item| *item.publish_id == *publish_id) {
            item.said.clear();
            item.envelope.clear();
            self.refuse(Problem::MessageRefused);
        }
    }

    pub(super) fn wake_at(&self, now: Millis) -> Option<Millis> {
        let link = &self.link;
        // Where nothing is sent there is nothing to wake for.
        let state = if link.frozen && self.is_member() { Stream::CatchingUp } else { link.state };
        let waits = match (self.phase(), state) {
            (Phase::Joining | Phase::Confirming, Stream::Asking) => {
                link.in_flight.is_none() && link.not_before > 0
            }
            (Phase::Member, Stream::Live) => {
                !self.is_waiting() && (self.books.vote != 0 || self.has_intent() || self.may_send())
            }
            _ => false,
        };
        let mut times = Vec::new();
        if waits {
            let only_commits = !self.may_send() && self.books.vote == 0;
            let commit = link.commit_not_before.max(self.commits_from());
            let commit = if self.has_intent() && only_commits { commit } else { 0 };
            times.push(link.not_before.max(commit).max(now + 1));
        }
        if (self.phase(), state) == (Phase::Member, Stream::Live) && !self.is_waiting() {
            let ack = (self.owes_ack() && self.outbox.is_empty()).then_some(link.ack_at);
            let out = self.back.out.as_ref().map(|out| out.not_before);
            let commit = self.has_intent().then(|| link.commit_not_before.max(self.commits_from()));
            let others = [ack, out, commit, self.answer_wake(), self.gives_up_at()].into_iter().flatten();
            times.extend(others.map(|at| at.max(link.not_before).max(now + 1)));
        }
        if let Some(first) = times.into_iter().min() {
            return Some(first);
        }
        // Where nothing can be committed there is nothing to wake for: that ends by an entry, or on another stream.
        let live = state == Stream::Live && self.may_commit() && !self.is_waiting();
        let soonest = link.not_before.max(now + 1);
        let update = live.then(|| (self.meta.last_update + UPDATE_MS).max(soonest));
        let ends = live.then_some(self.invites.invite_ends).filter(|at| *at != 0).map(|at| at.max(soonest));
        let again = link.again_at.map(|at| at.max(now + 1));
        update
            .into_iter()
            .chain(ends)
            .chain(again)
            .chain(self.hand_over_wake().map(|at| at.max(now + 1)))
            .min()
    }
}

fn encode(body: Body) -> Vec<u8> {
    content::Content { body: Some(body), ..content::Content::default() }.encode_to_vec()
}

pub(super) fn decode(said: &[u8]) -> Option<Body> {
    content::Content::decode(said).ok()?.body
}

pub(super) fn queued(item: &Outgoing) -> Option<Event> {
    let Some(Body::Text(text)) = decode(&item.said) else { return None };
    Some(Event::Queued {
        token: item.token.clone(),
        id: item.id.as_slice().try_into().ok()?,
        text: text.body,
        reply_to: (&*text.reply_to).try_into().ok(),
        file: text.file.and_then(|file| Manifest::read(&file).ok()).map(Box::new),
    })
}
