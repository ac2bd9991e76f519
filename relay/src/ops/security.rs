//! The security log: refused joins, limits, floods, what the operator did, certificates. Target `security`.
//!
//! ```text
//! note(what, whose) ─▶ at once, if nothing of the kind was said in the last second
//!                  └─▶ else counted, and said together by the next round
//! ```
//!
//! So a flood costs one line a second for each kind, however many packets it has. Addresses are only kept and said
//! when the operator wants them.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::policy::refusal::Limit;

/// Time in which at most one line of a kind is written: a disk holds a year of it (30 million lines).
pub(crate) const QUIET: Duration = Duration::from_secs(1);

/// Different addresses in one line; of further ones only their events are counted.
const ADDRESSES: usize = 8;

/// Something that an operator may have to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// A key that may not join, a bad signature, or no such room.
    RefusedJoin,
    /// Handshakes above what is normal.
    HandshakeFlood(&'static str),
    /// Another limit, by its label.
    Limit(&'static str),
    /// The operator did this.
    Operator(&'static str),
}

/// Counts, and says what has to be said. As many entries as there are kinds: some dozens, all known when the
/// program is built.
#[derive(Debug, Default)]
pub(crate) struct Security {
    shows_addresses: AtomicBool,
    kinds: Mutex<BTreeMap<Event, Kind>>,
}

/// One kind of event.
#[derive(Debug)]
struct Kind {
    quiet_until: Instant,
    waiting: Batch,
}

/// Events of one kind that have not been said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Batch {
    count: u64,
    addresses: Vec<IpAddr>,
}

impl Security {
    /// Addresses from now on, or none any more.
    pub(crate) fn show_addresses(&self, shown: bool) {
        self.shows_addresses.store(shown, Ordering::Relaxed);
    }

    /// Something happened, perhaps because of whoever is at this address.
    pub(crate) fn note(&self, event: Event, address: Option<IpAddr>) {
        let address = address.filter(|_| self.shows_addresses.load(Ordering::Relaxed));
        if let Some(batch) = self.take(event, address, Instant::now()) {
            say(event, &batch);
        }
    }

    /// The next round: says what waited long enough.
    pub(crate) fn flush(&self) {
        for (event, batch) in self.due(Instant::now()) {
            say(event, &batch);
        }
    }

    /// The last round: says all that waits.
    pub(crate) fn finish(&self) {
        let all: Vec<_> = self
            .kinds()
            .iter_mut()
            .map(|(event, kind)| (*event, std::mem::take(&mut kind.waiting)))
            .collect();
        for (event, batch) in all.into_iter().filter(|(_, batch)| batch.count > 0) {
            say(event, &batch);
        }
    }

    /// What to say at once.
    fn take(&self, event: Event, address: Option<IpAddr>, now: Instant) -> Option<Batch> {
        let mut kinds = self.kinds();
        let kind = kinds.entry(event).or_insert(Kind { quiet_until: now, waiting: Batch::default() });
        kind.waiting.add(address);
        kind.due(now)
    }

    fn due(&self, now: Instant) -> Vec<(Event, Batch)> {
        let mut kinds = self.kinds();
        kinds.iter_mut().filter_map(|(event, kind)| Some((*event, kind.due(now)?))).collect()
    }

    fn kinds(&self) -> MutexGuard<'_, BTreeMap<Event, Kind>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kind {
    fn due(&mut self, now: Instant) -> Option<Batch> {
        if self.waiting.count == 0 || now < self.quiet_until {
            return None;
        }
        self.quiet_until = now + QUIET;
        Some(std::mem::take(&mut self.waiting))
    }
}

impl Batch {
    fn add(&mut self, address: Option<IpAddr>) {
        self.count += 1;
        if let Some(address) = address
            && self.addresses.len() < ADDRESSES
            && !self.addresses.contains(&address)
        {
            self.addresses.push(address);
        }
    }
}

impl From<Limit> for Event {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::HandshakeRate | Limit::RetryAbove | Limit::Handshakes | Limit::HandshakesPerAddress => {
                Self::HandshakeFlood(limit.label())
            }
            _ => Self::Limit(limit.label()),
        }
    }
}

fn say(event: Event, batch: &Batch) {
    let count = batch.count;
    let addresses = batch.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let addresses = (!addresses.is_empty()).then_some(&*addresses);
    match event {
        Event::RefusedJoin => {
            tracing::warn!(target: "security", event = "refused_join", count, addresses, "joins were refused");
        }
        Event::HandshakeFlood(limit) => {
            tracing::warn!(target: "security", event = "handshake_flood", limit, count, addresses, "too many handshakes");
        }
        Event::Limit(limit) => {
            tracing::warn!(target: "security", event = "limit", limit, count, addresses, "somebody ran into a limit");
        }
        Event::Operator(action) => {
            tracing::info!(target: "security", event = "operator", action, count, "the operator did something");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Event = Event::RefusedJoin;
    const OTHER: Event = Event::Limit("rate");

    fn address(last: u8) -> Option<IpAddr> {
        Some([192, 0, 2, last].into())
    }

    #[test]
    fn flood_is_one_line_a_second_with_its_count() {
        let (security, start) = (Security::default(), Instant::now());
        let mut lines = Vec::new();
        for ms in 0..3000 {
            let now = start + Duration::from_millis(ms);
            lines.extend(security.take(ONE, None, now).map(|batch| batch.count));
        }
        lines.extend(security.due(start + 2 * QUIET).into_iter().map(|(_, batch)| batch.count));
        assert_eq!(lines, [1, 1000, 1000]);
        // What came last is said by the next round, though nothing more comes.
        let rest = security.due(start + 3 * QUIET);
        assert_eq!(rest.iter().map(|(_, batch)| batch.count).collect::<Vec<_>>(), [999]);
        assert!(security.due(start + 9 * QUIET).is_empty());
    }

    #[test]
    fn one_kind_does_not_silence_another() {
        let (security, now) = (Security::default(), Instant::now());
        assert!(security.take(ONE, None, now).is_some());
        assert!(security.take(ONE, None, now).is_none());
        assert!(security.take(OTHER, None, now).is_some());
    }

    #[test]
    fn addresses_in_one_line_are_different_and_few() {
        let (security, now) = (Security::default(), Instant::now());
        security.take(ONE, address(0), now);
        for last in (0..100).chain(0..100) {
            assert!(security.take(ONE, address(last), now).is_none());
        }
        let (_, batch) = security.due(now + QUIET).remove(0);
        assert_eq!((batch.count, batch.addresses.len()), (200, ADDRESSES));
    }
}
