//! Who has to give up what he holds while others wait: whoever costs the others most.
//!
//! Few addresses that hold nearly all, and get on well enough, keep more from others than a telephone that is slow with one
//! frame. So the addresses that hold most go first, and whoever holds little and gets on at all stays.

use std::{
    cmp::Reverse,
    time::{Duration, Instant},
};

use super::state::{Among, Holder, State, of};
use crate::policy::{
    limits::{HOLD_PART, HOLD_TIME},
    network::network,
};

/// Time between two looks at who is to give up his: a waiter waits a few of them at most.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// Whom it costs the others most to leave what he holds comes first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Costly {
    /// It waits for more itself: only where nobody gets on goes one of them, the youngest, or all would wait for each other.
    is_last_resort: bool,
    of_network: Reverse<u32>,
    of_address: Reverse<u32>,
    /// It comes at the least rate, at least.
    is_fast: bool,
    /// KiB that it holds, for so many seconds.
    cost: Reverse<u64>,
    rate: u64,
    id: Reverse<u64>,
}

impl State {
    /// Somebody has waited for a while: of those among whom there is too little, as many give up theirs as it takes.
    pub(super) fn look(&mut self, now: Instant) {
        if self.looked.is_some_and(|looked| now < looked + LOOK) {
            return;
        }
        self.looked = Some(now);
        let costly = self.costly(now);
        let mut short: Vec<_> = self
            .waiting
            .iter()
            .filter_map(|(address, queue)| {
                let wants = self.holders.get(queue.front()?)?.wants;
                let among = self.among(*address, wants)?;
                let (held, most) = match among {
                    Among::Address(address) => (of(&self.held, address), self.terms.share_kib),
                    Among::Network(site) => (of(&self.networks, site), self.terms.network_kib()),
                    Among::All => (self.terms.kib - self.free, self.terms.kib),
                };
                Some((among, (held + wants).saturating_sub(most)))
            })
            .collect();
        if let Some((_, wants)) = self.turn() {
            short.push((Among::All, wants.saturating_sub(self.free)));
        }
        for (among, missing) in short {
            self.evict(among, missing, &costly);
        }
    }

    /// Those who may have to give up what they hold, in the order in which they do.
    fn costly(&mut self, now: Instant) -> Vec<Costly> {
        let much = self.terms.share_kib / HOLD_PART;
        let (held, networks) = (&self.held, &self.networks);
        let active = self.holders.iter_mut().filter(|(_, holder)| holder.held > 0 && !holder.settled);
        let mut costly: Vec<_> = active
            .filter_map(|(id, holder)| {
                let seconds = now.saturating_duration_since(holder.since).as_secs();
                let of_address = of(held, holder.address);
                let holds_long = of_address > much && seconds >= HOLD_TIME.as_secs();
                // Who waits for memory cannot get on.
                let waits = holder.wants > 0;
                let slow = if waits { None } else { holder.pace.slow(now) };
                let is_last_resort = waits && !holds_long;
                // Of those the youngest, whatever it holds.
                let of_last = |number| if is_last_resort { 0 } else { number };
                (holds_long || waits || slow.is_some()).then(|| Costly {
                    is_last_resort,
                    of_network: Reverse(of_last(of(networks, network(holder.address)))),
                    of_address: Reverse(of_last(of_address)),
                    is_fast: slow.is_none(),
                    cost: Reverse(u64::from(of_last(holder.held)).saturating_mul(seconds)),
                    rate: slow.unwrap_or(0),
                    id: Reverse(*id),
                })
            })
            .collect();
        costly.sort_unstable();
        costly
    }

    fn evict(&mut self, among: Among, missing: u32, costly: &[Costly]) {
        let is_among = |holder: &Holder| match among {
            Among::Address(address) => holder.address == address,
            Among::Network(site) => network(holder.address) == site,
            Among::All => true,
        };
        let all = || self.holders.values().filter(|holder| is_among(holder));
        // They are on their way out.
        let mut coming: u32 = all().filter(|holder| holder.evicted).map(|holder| holder.held).sum();
        let somebody_gets_on =
            all().any(|holder| holder.held > 0 && (holder.settled || holder.wants == 0) && !holder.evicted);
        for Costly { id: Reverse(id), is_last_resort, .. } in costly {
            if coming >= missing {
                return;
            }
            let Some(holder) = self.holders.get_mut(id) else { continue };
            if !is_among(holder) || holder.evicted || (*is_last_resort && somebody_gets_on) {
                continue;
            }
            holder.evicted = true;
            coming += holder.held;
            holder.wake.notify_one();
        }
    }
}
