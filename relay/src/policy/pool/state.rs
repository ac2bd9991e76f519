//! Who holds how much, and who waits. No task, and the time is an argument.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::Arc,
    time::Instant,
};

use tokio::sync::Notify;

use super::{Terms, pace::Pace};
use crate::policy::network::{HOUSEHOLDS, network};

/// All of a pool.
#[derive(Debug)]
pub(super) struct State {
    pub(super) terms: Terms,
    pub(super) free: u32,
    pub(super) holders: HashMap<u64, Holder>,
    /// Those who wait, by address, in order.
    pub(super) waiting: HashMap<IpAddr, VecDeque<u64>>,
    /// What is held, by address, and by network.
    pub(super) held: HashMap<IpAddr, u32>,
    pub(super) networks: HashMap<IpAddr, u32>,
    next: u64,
    /// When somebody looked last who has to give up what he holds.
    pub(super) looked: Option<Instant>,
}

/// Somebody who holds some, or waits for it.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) address: IpAddr,
    pub(super) held: u32,
    pub(super) wants: u32,
    pub(super) pace: Pace,
    /// Since when it holds some; while it holds none, since it came.
    pub(super) since: Instant,
    /// It waits for the relay now, and not the relay for it.
    pub(super) settled: bool,
    pub(super) evicted: bool,
    pub(super) wake: Arc<Notify>,
}

/// How it stands with somebody who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Waits,
    Holds,
    Evicted,
}

/// Among whom there is too little.
#[derive(Clone, Copy, Debug)]
pub(super) enum Among {
    Address(IpAddr),
    Network(IpAddr),
    All,
}

impl State {
    pub(super) fn new(terms: Terms) -> Self {
        Self {
            terms,
            free: terms.kib,
            holders: HashMap::new(),
            waiting: HashMap::new(),
            held: HashMap::new(),
            networks: HashMap::new(),
            next: 0,
            looked: None,
        }
    }

    /// Somebody who holds nothing yet.
    pub(super) fn enter(&mut self, address: IpAddr, now: Instant) -> (u64, Arc<Notify>) {
        self.next += 1;
        let wake = Arc::new(Notify::new());
        let (pace, wants) = (Pace::new(now), 0);
        let (held, since, settled, evicted) = (0, now, false, false);
        let holder = Holder { address, held, wants, pace, since, settled, evicted, wake };
        let wake = holder.wake.clone();
        self.holders.insert(self.next, holder);
        (self.next, wake)
    }

    /// Asks for so many KiB more. Whoever holds some goes before those of its address who hold none.
    pub(super) fn ask(&mut self, id: u64, kib: u32, now: Instant) {
        let Some(holder) = self.holders.get_mut(&id) else { return };
        holder.wants = kib.min(self.terms.share_kib.saturating_sub(holder.held));
        if holder.wants == 0 {
            return;
        }
        let queue = self.waiting.entry(holder.address).or_default();
        if holder.held > 0 {
            queue.push_front(id);
        } else {
            queue.push_back(id);
        }
        self.grant(now);
    }

    pub(super) fn standing(&self, id: u64) -> Standing {
        match self.holders.get(&id) {
            Some(Holder { evicted: true, .. }) | None => Standing::Evicted,
            Some(holder) if holder.wants > 0 => Standing::Waits,
            Some(_) => Standing::Holds,
        }
    }

    pub(super) fn held(&self, id: u64) -> u32 {
        self.holders.get(&id).map_or(0, |holder| holder.held)
    }

    /// So many bytes of what is held for somebody came or went.
    pub(super) fn moved(&mut self, id: u64, bytes: usize) {
        if let Some(holder) = self.holders.get_mut(&id) {
            holder.pace.add(bytes);
        }
    }

    /// Its peer has done its part.
    pub(super) fn settle(&mut self, id: u64) {
        if let Some(holder) = self.holders.get_mut(&id) {
            holder.settled = true;
        }
    }

    /// It gives back all.
    pub(super) fn leave(&mut self, id: u64, now: Instant) {
        let Some(holder) = self.holders.remove(&id) else { return };
        if let Some(queue) = self.waiting.get_mut(&holder.address).filter(|_| holder.wants > 0) {
            queue.retain(|waiter| *waiter != id);
            if queue.is_empty() {
                self.waiting.remove(&holder.address);
            }
        }
        self.free += holder.held;
        less(&mut self.held, holder.address, holder.held);
        less(&mut self.networks, network(holder.address), holder.held);
        self.grant(now);
    }

    /// Whom a free KiB would go to first: of whoever may have more, the one who has least.
    pub(super) fn turn(&self) -> Option<(u64, u32)> {
        let fronts = self.waiting.iter().filter_map(|(address, queue)| {
            let id = *queue.front()?;
            let wants = self.holders.get(&id)?.wants;
            let (own, of_network) = (of(&self.held, *address), of(&self.networks, network(*address)));
            self.among(*address, wants).is_none().then_some(((of_network, own, id), wants))
        });
        fronts.min().map(|((.., id), wants)| (id, wants))
    }

    /// What of the waiter's own there is too little of.
    pub(super) fn among(&self, address: IpAddr, wants: u32) -> Option<Among> {
        let site = network(address);
        if of(&self.held, address) + wants > self.terms.share_kib {
            return Some(Among::Address(address));
        }
        (of(&self.networks, site) + wants > self.terms.network_kib()).then_some(Among::Network(site))
    }

    fn grant(&mut self, now: Instant) {
        while let Some((id, wants)) = self.turn()
            && wants <= self.free
            && let Some(holder) = self.holders.get_mut(&id)
        {
            let address = holder.address;
            if holder.held == 0 {
                holder.since = now;
            }
            holder.held += wants;
            holder.wants = 0;
            holder.pace = Pace::new(now);
            holder.wake.notify_one();
            self.free -= wants;
            *self.held.entry(address).or_default() += wants;
            *self.networks.entry(network(address)).or_default() += wants;
            if let Some(queue) = self.waiting.get_mut(&address) {
                queue.pop_front();
                if queue.is_empty() {
                    self.waiting.remove(&address);
                }
            }
        }
    }

    #[cfg(test)]
    pub(super) fn free(&self) -> u32 {
        self.free
    }

    #[cfg(test)]
    pub(super) fn is_clean(&self) -> bool {
        self.holders.is_empty() && self.waiting.is_empty() && self.held.is_empty() && self.networks.is_empty()
    }
}

impl Terms {
    /// What all addresses of one network may hold.
    pub(super) fn network_kib(&self) -> u32 {
        self.share_kib.saturating_mul(HOUSEHOLDS).min(self.kib)
    }
}

pub(super) fn of(counts: &HashMap<IpAddr, u32>, key: IpAddr) -> u32 {
    counts.get(&key).copied().unwrap_or(0)
}

fn less(counts: &mut HashMap<IpAddr, u32>, key: IpAddr, kib: u32) {
    if let Some(count) = counts.get_mut(&key) {
        *count = count.saturating_sub(kib);
        if *count == 0 {
            counts.remove(&key);
        }
    }
}
