//! What becomes of what was said: acknowledged, seen in the log, missed by a newcomer, or lost.

use proto::relay::{Deliver, Published};

use super::{Alarm, CloseReason, Engine, Event, Problem, incoming::Incoming, outbox::decode, person};
use crate::{content::content::Body, crypto::aead::Envelope, mls::group::EPOCHS_KEPT};

impl Engine {
    /// The relay has it on disk.
    pub(super) fn acknowledged(&mut self, published: &Published) {
        let Some(item) = self.outbox.find_mut(|item| *item.publish_id == *published.id) else { return };
        item.acked = published.seq;
        let body = decode(&item.said);
        let leave = matches!(body, Some(Body::Leave(_)));
        // Nobody asked for it, so nobody waits for it.
        let is_handed = matches!(body, Some(Body::Past(_)) | None);
        let (counter, token) = (item.counter, item.token.clone());
        if leave && self.wishes.leaving {
            self.close(CloseReason::Left);
            return;
        }
        if !is_handed {
            self.out.events.push(Event::Sent { token, seq: published.seq });
        }
        if published.seq <= self.meta.cursor {
            self.lost_at(counter);
            // Where the log really ends, a new stream says.
            self.out.reopen = true;
        }
    }

    /// Is the entry something we said? Then it is told, and leaves the outbox.
    pub(super) fn check_echo(&mut self, entry: &Deliver, envelope: &Envelope<'_>) -> bool {
        let elsewhere = self
            .outbox
            .values()
            .find(|item| item.acked != 0 && item.acked <= entry.seq && *item.envelope != *entry.envelope);
        if let Some(counter) = elsewhere.map(|item| item.counter) {
            self.lost_at(counter);
        }
        let Some((leaf, epoch)) = self.group.as_ref().map(|group| (group.leaf(), group.epoch())) else {
            return false;
        };
        let Some(item) = self.outbox.find_mut(|item| *item.envelope == *entry.envelope) else {
            return false;
        };
        let (counter, sealed_in, acked) = (item.counter, item.epoch, item.acked != 0);
        let publish_id = item.publish_id.clone();
        if sealed_in.saturating_add(EPOCHS_KEPT) < epoch {
            // The others could not read it any more; they know that by the same count.
            item.envelope.clear();
            item.acked = 0;
        } else if let Some(item) = self.outbox.remove(&counter) {
            self.marks_told(item.marked);
            match decode(&item.said) {
                Some(Body::Leave(_)) => self.close(CloseReason::Left),
                Some(body) => {
                    let is_handed = matches!(body, Body::Past(_));
                    let matters = matches!(body, Body::Text(_) | Body::Edit(_) | Body::Delete(_));
                    self.tell_own(entry, &item.id, body);
                    if matters {
                        self.said_on_trial();
                        self.tell_missed(sealed_in, entry.seq);
                    }
                    if !acked && !is_handed {
                        self.out.events.push(Event::Sent { token: item.token.clone(), seq: entry.seq });
                    }
                }
                None => (),
            }
        }
        let unique = self.unique();
        self.take(leaf, &unique, sealed_in);
        // So that the relay cannot show it twice unnoticed.
        let _ = self.mark((leaf, envelope.session()), envelope.sequence(), sealed_in);
        self.answered(&publish_id);
        true
    }

    fn tell_own(&mut self, entry: &Deliver, id: &[u8], body: Body) {
        let own = self.group.as_ref().and_then(|group| group.member(group.leaf()));
        let Some(own) = own else { return };
        let at = self.clamp(entry.at_ms);
        if let Body::DeviceHere(here) = &body {
            self.device_here(&own, at, here);
            return;
        }
        self.tell(Incoming::new(entry, id, at, &own, true), body);
    }

    /// Says who joined after a line was sealed and before it reached its place: they are above it on everybody's
    /// screen, and only here is it known that they cannot read it.
    fn tell_missed(&mut self, sealed_in: u64, seq: u64) {
        let later = self.meta.epochs.iter().filter(|row| row.epoch > sealed_in && !row.joined.is_empty());
        let joined: Vec<&[u8]> = later.map(|row| &*row.joined).collect();
        if joined.is_empty() {
            return;
        }
        let members = self.group.as_ref().and_then(|group| group.members().ok()).unwrap_or_default();
        let still = members.iter().map(|(_, who)| who).filter(|who| joined.contains(&&*who.unique()));
        let who: Vec<String> = still.map(|who| person(who).name).collect();
        if !who.is_empty() {
            self.refuse(Problem::MissedByNewcomer { entry: self.told_as(seq), who });
        }
    }

    /// The relay said that it has something, and then showed something else in its place.
    pub(super) fn lost_at(&mut self, counter: u64) {
        self.alarm(Alarm::MessageNotShown);
        if let Some(item) = self.outbox.get_mut(&counter) {
            // Sealed anew, or the relay would answer the same publish id with the same position for ever.
            // Whoever did get the first one refuses the second by its counter.
            item.envelope.clear();
            item.acked = 0;
        }
    }

    /// Whatever the relay answers to this publish later changes nothing.
    pub(super) fn answered(&mut self, publish_id: &[u8]) {
        if self.link.in_flight.as_deref() == Some(publish_id) {
            self.link.in_flight = None;
            self.link.conflicts = 0;
        }
    }
}
