//! When a connection's next stream is taken: how many streams may be about to join at once, and what refused joins cost.
//!
//! ```text
//! accept ─▶ Joining ─▶ joined: the next ones may come
//!                  └─▶ refused: its address owes more, and the connection waits
//! ```

use std::time::Instant;

use crate::policy::limits::{JOINS_AT_ONCE, STRANGER_JOINS_AT_ONCE};

/// What a connection's streams have come to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct JoinGate {
    /// Streams that have neither joined nor been refused nor ended.
    pub joining: usize,
    /// Since one was refused.
    pub not_before: Option<Instant>,
}

/// When the next stream is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Now,
    At(Instant),
    /// When one of those before it has joined, or has not.
    Later,
}

impl JoinGate {
    /// `has_joined`: a stream of the connection has joined, now or before.
    pub(crate) fn next(&self, has_joined: bool, now: Instant) -> Turn {
        let most =
            if has_joined && self.not_before.is_none() { JOINS_AT_ONCE } else { STRANGER_JOINS_AT_ONCE };
        match self.not_before {
            _ if self.joining >= most => Turn::Later,
            Some(instant) if instant > now => Turn::At(instant),
            _ => Turn::Now,
        }
    }

    /// One was refused, and its address owes until then. Two that are judged side by side may say so in either order.
    pub(crate) fn refused(&mut self, until: Instant) {
        self.not_before = self.not_before.max(Some(until));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn strangers_and_the_refused_come_by_few_and_others_by_more() {
        let now = Instant::now();
        let mut gate = JoinGate::default();
        assert_eq!(gate.next(false, now), Turn::Now);
        gate.joining = STRANGER_JOINS_AT_ONCE;
        assert_eq!(gate.next(false, now), Turn::Later);
        assert_eq!(gate.next(true, now), Turn::Now);
        gate.joining = JOINS_AT_ONCE;
        assert_eq!(gate.next(true, now), Turn::Later);
        gate = JoinGate { joining: STRANGER_JOINS_AT_ONCE, not_before: Some(now) };
        assert_eq!(gate.next(true, now), Turn::Later);
        let soon = now + Duration::from_secs(1);
        gate = JoinGate { joining: 0, not_before: Some(soon) };
        assert_eq!(gate.next(true, now), Turn::At(soon));
        assert_eq!(gate.next(true, soon), Turn::Now);
    }

    #[test]
    fn of_two_refusals_the_longer_wait_counts_whichever_is_told_last() {
        let now = Instant::now();
        let [sooner, later] = [1, 2].map(|seconds| now + Duration::from_secs(seconds));
        for order in [[sooner, later], [later, sooner]] {
            let mut gate = JoinGate::default();
            order.into_iter().for_each(|until| gate.refused(until));
            assert_eq!(gate.next(false, now), Turn::At(later));
        }
    }
}
