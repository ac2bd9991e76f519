//! What all streams of one relay share.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use tokio::sync::{Semaphore, watch};

use crate::{
    clock::Clock,
    log::Backend,
    net::admission::{Door, Place},
    ops::metrics::Metrics,
    policy::{
        limits::{
            ADDRESS_BUDGET_KIB, INCOMING_BUDGET_KIB, Limits, OPENING_BUDGET_KIB, OPENING_SHARE_KIB,
            OUTGOING_BUDGET_KIB, REFUSED_JOINS_PER_ADDRESS,
        },
        quota::Quota,
    },
    session::{join_gate::Turns, router::Router},
};

/// One relay's state.
pub(crate) struct Shared {
    pub backend: Arc<dyn Backend>,
    /// The time that entries get, and that invites and tokens expire by.
    pub clock: Arc<Clock>,
    pub metrics: Arc<Metrics>,
    router: Mutex<Router<Handle>>,
    create: Mutex<Quota<IpAddr>>,
    bad_tokens: Mutex<Quota<IpAddr>>,
    refused: Mutex<Quota<IpAddr>>,
    limits: RwLock<Arc<Limits>>,
    /// Who is in, and who may come in.
    pub door: Arc<Door>,
    /// Memory for frames of members and guests, in KiB.
    pub incoming: Arc<Semaphore>,
    /// Memory for frames of strangers, in KiB.
    pub opening: Arc<Semaphore>,
    /// Memory for frames on their way out, in KiB.
    pub outgoing: Arc<Semaphore>,
    /// True once the relay stops, and once it is drained.
    pub stopping: watch::Sender<bool>,
    /// It serves nobody any more until it is started anew, but answers its operator.
    drained: AtomicBool,
}

/// How the router's commands reach a stream.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    /// Set once, when a newer stream takes the seat.
    pub superseded: Arc<watch::Sender<bool>>,
}

/// Memory for large frames of one address, in KiB.
pub(crate) struct Share {
    pub incoming: Semaphore,
    pub outgoing: Semaphore,
    /// For frames that open rooms: less, because whoever sends them has proved nothing yet.
    pub opening: Semaphore,
}

impl Default for Share {
    fn default() -> Self {
        let semaphore = || Semaphore::new(ADDRESS_BUDGET_KIB as usize);
        Self {
            incoming: semaphore(),
            outgoing: semaphore(),
            opening: Semaphore::new(OPENING_SHARE_KIB as usize),
        }
    }
}

/// What streams of one connection share.
pub(crate) struct Peer {
    pub shared: Arc<Shared>,
    /// Who pays for new rooms.
    pub payer: IpAddr,
    /// The TLS exporter value that a Join signs.
    pub binding: [u8; proto::CHANNEL_BINDING_LEN],
    /// What its address may hold.
    pub share: Arc<Share>,
    /// True once a stream of this connection has joined a room.
    pub joined: watch::Sender<bool>,
    /// When its next stream is taken.
    pub turns: watch::Sender<Turns>,
}

impl Shared {
    pub fn new(backend: Arc<dyn Backend>, clock: Arc<Clock>, limits: &Limits) -> Self {
        let metrics = Arc::<Metrics>::default();
        Self {
            backend,
            clock,
            limits: RwLock::new(Arc::new(limits.clone())),
            door: Door::new(metrics.clone(), limits),
            metrics,
            router: Mutex::new(Router::new(limits)),
            create: Mutex::new(Quota::new(limits.create)),
            bad_tokens: Mutex::new(Quota::new(limits.bad_tokens)),
            refused: Mutex::new(Quota::new(REFUSED_JOINS_PER_ADDRESS)),
            incoming: Arc::new(Semaphore::new(INCOMING_BUDGET_KIB as usize)),
            opening: Arc::new(Semaphore::new(OPENING_BUDGET_KIB as usize)),
            outgoing: Arc::new(Semaphore::new(OUTGOING_BUDGET_KIB as usize)),
            stopping: watch::Sender::new(false),
            drained: AtomicBool::new(false),
        }
    }

    /// Takes no more connections, and tells everybody to come again. What was accepted reaches the disk, and its
    /// acknowledgement the client.
    pub fn drain(&self) {
        self.drained.store(true, Relaxed);
        self.stopping.send_replace(true);
    }

    /// Whether it was told to.
    pub fn is_drained(&self) -> bool {
        self.drained.load(Relaxed)
    }

    /// The router; never held across an await.
    pub fn router(&self) -> MutexGuard<'_, Router<Handle>> {
        self.router.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The limits in force.
    pub fn limits(&self) -> Arc<Limits> {
        self.limits.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Other limits from now on; the backend has its own copy.
    pub fn reload(&self, limits: Limits) {
        self.router().reload(&limits);
        self.create_quota().set_rate(limits.create);
        self.bad_tokens().set_rate(limits.bad_tokens);
        self.door.reload(&limits);
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(limits);
    }

    /// Who has opened how many rooms; never held across an await.
    pub fn create_quota(&self) -> MutexGuard<'_, Quota<IpAddr>> {
        self.create.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose tokens were refused how often; never held across an await.
    pub fn bad_tokens(&self) -> MutexGuard<'_, Quota<IpAddr>> {
        self.bad_tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose joins were refused how often; never held across an await.
    pub fn refused(&self) -> MutexGuard<'_, Quota<IpAddr>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peer {
    /// Nothing is joined yet.
    pub fn new(shared: Arc<Shared>, place: &Place, binding: [u8; proto::CHANNEL_BINDING_LEN]) -> Self {
        let (payer, share) = (place.address, place.share.clone());
        let (joined, turns) = (watch::Sender::new(false), watch::Sender::default());
        Self { shared, payer, binding, share, joined, turns }
    }
}

/// The address that quotas count: IPv4 as it is, of IPv6 the /64 that one customer gets.
pub(crate) fn payer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_household_is_one_payer() {
        let payer = |text: &str| payer(text.parse().unwrap());
        assert_eq!(payer("2001:db8:1:2::1"), payer("2001:db8:1:2:ffff::9"));
        assert_ne!(payer("2001:db8:1:2::1"), payer("2001:db8:1:3::1"));
        assert_eq!(payer("::ffff:192.0.2.1"), payer("192.0.2.1"));
        assert_ne!(payer("192.0.2.1"), payer("192.0.2.2"));
    }
}
