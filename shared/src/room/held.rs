//! A room that the relay's operator has frozen or dropped.
//!
//! The relay alone says so, and nothing proves it: a relay that lies serves nobody, which it could do without a word. What was
//! said here waits, and goes out on the first stream on which the room is not frozen any more: the relay ends the others then.

use super::{CloseReason, Engine, Event, Millis, Problem, Stream, state::Phase};
use crate::identity::clean_words;

/// A relay that says it only when something is published is asked again after a minute, in milliseconds.
const FROZEN_AGAIN_MS: u64 = 60_000;

impl Engine {
    /// What a Join was answered with: the operator's words where the room is frozen.
    pub(super) fn learn_frozen(&mut self, words: Option<&str>) {
        self.link.frozen = words.is_some();
        let was_frozen = std::mem::replace(&mut self.joined_frozen, self.link.frozen);
        match words {
            Some(words) => self.tell_frozen(Problem::Frozen { reason: clean_words(words) }),
            None if was_frozen => self.tell_thawed(),
            None => {}
        }
    }

    /// The same as the answer to a publish, which waits.
    pub(super) fn frozen_meanwhile(&mut self, words: &str, now: Millis) {
        self.link.frozen = true;
        self.tell_frozen(Problem::Frozen { reason: clean_words(words) });
        self.link.not_before = now + FROZEN_AGAIN_MS;
        if self.is_member() {
            self.link.again_at = Some(now + FROZEN_AGAIN_MS);
        }
    }

    /// Nobody is let in, or whoever opens the room opens none here. It is tried again while it is there.
    pub(super) fn frozen_out(&mut self, words: &str) {
        let reason = clean_words(words);
        if self.phase() != Phase::Creating {
            return self.tell_frozen(match self.is_member() {
                true => Problem::Frozen { reason },
                false => Problem::JoinFrozen { reason },
            });
        }
        self.tell_frozen(Problem::OpenerFrozen { reason });
        if !self.is_opened_again() {
            self.close(CloseReason::OpenerFrozen);
        }
    }

    /// The room is gone, and what is here of it stays to be read.
    pub(super) fn dropped(&mut self, words: &str) {
        self.link.state = Stream::Offline;
        if self.is_opened_again() {
            // It was a member's all the time.
            self.set_pending(None);
            self.set_phase(Phase::Member);
        }
        self.close(CloseReason::Dropped { reason: clean_words(words) });
    }

    /// Something was taken, or a Join says that it is. A relay that says one thing to a Join and another to what is published
    /// tells nothing new by the first.
    pub(super) fn tell_thawed(&mut self) {
        if self.told_frozen.take().is_some() {
            self.refuse(Problem::Thawed);
        }
    }

    /// Once, and again when the words are others.
    fn tell_frozen(&mut self, problem: Problem) {
        if self.told_frozen.as_ref() != Some(&problem) {
            self.told_frozen = Some(problem.clone());
            self.out.events.push(Event::Problem(problem));
        }
    }
}
