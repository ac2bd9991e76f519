//! Who may come in: connections and handshakes, in all and by address.
//!
//! ```text
//! knock ─▶ Enter (a permit, given back on drop) | Prove (come again, reachable) | Refuse
//! ```
//!
//! Decisions only, the time and the address are arguments: whatever carries a connection passes the same door.
//! An address that has not proved itself may be somebody else's name. So it is never *refused* for what it did
//! before; it is asked for proof (QUIC: a Retry, RFC 9000, 8.1.2), which costs an honest client one round
//! trip and a spoofing one everything. As installed everybody is asked.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::Semaphore;

use crate::{
    ops::metrics::Metrics,
    policy::{
        addresses::AddressQuota,
        limits::{HANDSHAKE_SHARE, Limits, SITE_HANDSHAKE_SHARE},
        network::{HOUSEHOLDS, household, network},
        quota::Bucket,
        refusal::Limit,
    },
};

/// Counts what is open.
pub(crate) struct Door {
    inside: Mutex<Inside>,
    metrics: Arc<Metrics>,
}

/// Memory for files of one address, in KiB.
pub(crate) struct Share {
    /// For parts of files on their way in.
    pub files_in: Semaphore,
    /// And out.
    pub files_out: Semaphore,
}

/// What to do with somebody who wants to come in.
pub(crate) enum Verdict {
    /// Let in.
    Enter(Permit),
    /// Its address must prove itself first.
    Prove,
    /// Not now.
    Refuse,
}

/// Why somebody is not let in as he is.
enum No {
    /// Everybody has to prove his address here, so it is no incident and not counted.
    AsAlways,
    /// A limit is reached, and proof would help.
    Unproven(Limit),
    /// A limit is reached.
    Over(Limit),
}

/// Leave to be connected, from before the handshake until it is dropped.
pub(crate) struct Permit {
    door: Arc<Door>,
    /// Who pays for what it does: see [`household`].
    pub address: IpAddr,
    /// What the connections of its address share.
    pub share: Arc<Share>,
    shaking: bool,
}

struct Inside {
    connections: usize,
    handshakes: usize,
    /// Handshakes of addresses that have not proved themselves.
    unproven: Bucket,
    /// Handshakes of addresses that have.
    proven: AddressQuota,
    /// One for each address that has a connection, so no more than there are connections.
    addresses: HashMap<IpAddr, Household>,
    /// What is open, by IPv6 network.
    sites: HashMap<IpAddr, Site>,
    /// Memory for parts of files that each of them gets, in KiB, each way.
    files_kib: u32,
}

/// What one network has open.
#[derive(Clone, Copy, Default)]
struct Site {
    connections: usize,
    handshakes: usize,
}

/// What one address has open.
struct Household {
    connections: usize,
    handshakes: usize,
    share: Arc<Share>,
}

impl Door {
    /// Nobody is in.
    pub(crate) fn new(metrics: Arc<Metrics>, limits: &Limits) -> Arc<Self> {
        let inside = Inside {
            connections: 0,
            handshakes: 0,
            unproven: Bucket::default(),
            proven: AddressQuota::new(limits.handshakes_per_address),
            addresses: HashMap::new(),
            sites: HashMap::new(),
            files_kib: limits.files.share_kib(),
        };
        Arc::new(Self { inside: inside.into(), metrics })
    }

    /// Somebody wants to come in. `is_proven`: packets to its address were seen to arrive there.
    pub(crate) fn knock(
        self: &Arc<Self>,
        limits: &Limits,
        address: IpAddr,
        is_proven: bool,
        now: Instant,
    ) -> Verdict {
        self.knock_below(limits.max_handshakes, limits, address, is_proven, now)
    }

    /// The same for a way in that may hold only so many handshakes in progress: what costs a stranger less than
    /// the usual way must not shut the usual way.
    pub(crate) fn knock_below(
        self: &Arc<Self>,
        most: usize,
        limits: &Limits,
        address: IpAddr,
        is_proven: bool,
        now: Instant,
    ) -> Verdict {
        let address = household(address);
        let verdict = self.inside().judge(limits, most, address, is_proven, now);
        match verdict {
            Ok(share) => {
                self.metrics.connections.inc();
                self.metrics.handshakes.inc();
                Verdict::Enter(Permit { door: self.clone(), address, share, shaking: true })
            }
            Err(No::AsAlways) => Verdict::Prove,
            Err(No::Unproven(limit)) => {
                self.metrics.limited_at(limit, address);
                Verdict::Prove
            }
            Err(No::Over(limit)) => {
                self.metrics.limited_at(limit, address);
                Verdict::Refuse
            }
        }
    }

    /// Other rates from now on.
    pub(crate) fn reload(&self, limits: &Limits) {
        self.inside().proven.set_rate(limits.handshakes_per_address);
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// Counts it in, or says what is in the way.
    fn judge(
        &mut self,
        limits: &Limits,
        most: usize,
        address: IpAddr,
        is_proven: bool,
        now: Instant,
    ) -> Result<Arc<Share>, No> {
        let (open, shaking) = match self.addresses.get(&address) {
            Some(household) => (household.connections, household.handshakes),
            None => (0, 0),
        };
        if is_proven {
            self.proven.take(address, now).map_err(|_| No::Over(Limit::HandshakesPerAddress))?;
        } else {
            if limits.retry_above == 0 {
                return Err(No::AsAlways);
            }
            if self.handshakes >= limits.retry_above {
                return Err(No::Unproven(Limit::RetryAbove));
            }
            // Half of an address' share is only for who is really there.
            if open > 0 && 2 * open >= limits.connections_per_address {
                return Err(No::Unproven(Limit::RetryAbove));
            }
            self.unproven.take(limits.handshakes, now).map_err(|_| No::Unproven(Limit::HandshakeRate))?;
        }
        if self.connections >= limits.connections {
            return Err(No::Over(Limit::Connections));
        }
        let site = self.sites.get(&network(address)).copied().unwrap_or_default();
        let most_of_site = limits.connections_per_address.saturating_mul(HOUSEHOLDS as usize);
        if open >= limits.connections_per_address || site.connections >= most_of_site {
            return Err(No::Over(Limit::ConnectionsPerAddress));
        }
        let share = limits.max_handshakes.div_ceil(HANDSHAKE_SHARE);
        let share_of_site = limits.max_handshakes.div_ceil(SITE_HANDSHAKE_SHARE);
        if self.handshakes >= most || shaking >= share || site.handshakes >= share_of_site {
            return Err(No::Over(Limit::Handshakes));
        }
        self.connections += 1;
        self.handshakes += 1;
        if address.is_ipv6() {
            let site = self.sites.entry(network(address)).or_default();
            site.connections += 1;
            site.handshakes += 1;
        }
        let household = self.addresses.entry(address).or_insert_with(|| Household::new(self.files_kib));
        household.connections += 1;
        household.handshakes += 1;
        Ok(household.share.clone())
    }

    fn end_handshake(&mut self, address: IpAddr) {
        self.handshakes -= 1;
        if let Some(site) = self.sites.get_mut(&network(address)) {
            site.handshakes -= 1;
        }
        if let Some(household) = self.addresses.get_mut(&address) {
            household.handshakes -= 1;
        }
    }

    fn leave(&mut self, address: IpAddr) {
        self.connections -= 1;
        if let Some(site) = self.sites.get_mut(&network(address)) {
            site.connections -= 1;
            if site.connections == 0 {
                self.sites.remove(&network(address));
            }
        }
        if let Some(household) = self.addresses.get_mut(&address) {
            household.connections -= 1;
            if household.connections == 0 {
                self.addresses.remove(&address);
            }
        }
    }
}

impl Household {
    fn new(files_kib: u32) -> Self {
        Self { connections: 0, handshakes: 0, share: Share::new(files_kib).into() }
    }
}

impl Share {
    /// `files_kib`: memory for parts of files, each way.
    fn new(files_kib: u32) -> Self {
        Self { files_in: Semaphore::new(files_kib as usize), files_out: Semaphore::new(files_kib as usize) }
    }
}

impl Permit {
    /// The handshake is over.
    pub(crate) fn settle(&mut self) {
        if std::mem::take(&mut self.shaking) {
            self.door.inside().end_handshake(self.address);
            self.door.metrics.handshakes.dec();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.settle();
        self.door.inside().leave(self.address);
        self.door.metrics.connections.dec();
    }
}

#[cfg(test)]
mod tests;
