//! What all streams of one relay share.

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use tokio::sync::{Semaphore, watch};

use crate::{
    blobs::Blobs,
    clock::Clock,
    log::Log,
    net::admission::Door,
    ops::metrics::Metrics,
    policy::{
        limits::{
            INCOMING_BUDGET_KIB, Limits, OPENING_BUDGET_KIB, OUTGOING_BUDGET_KIB, REFUSED_JOINS_PER_ADDRESS,
        },
        quota::Quota,
    },
    session::router::Router,
};

/// One relay's state.
pub(crate) struct Shared {
    pub log: Arc<dyn Log>,
    /// Files of members.
    pub blobs: Arc<Blobs>,
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
    /// Memory for parts of files on their way in, in KiB.
    pub files_in: Arc<Semaphore>,
    /// The same on their way out.
    pub files_out: Arc<Semaphore>,
    /// What both of these began with.
    files_kib: u32,
    file_requests: Mutex<Quota<IpAddr>>,
    file_traffic: Mutex<Quota<IpAddr>>,
    /// True once the relay stops, and once it is drained.
    pub stopping: watch::Sender<bool>,
    /// It serves nobody any more until it is started anew, but answers its operator.
    drained: AtomicBool,
}

/// How the router's commands reach a stream.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    /// Set once, when a newer stream of the same key takes its place.
    pub superseded: Arc<watch::Sender<bool>>,
}

impl Shared {
    pub(crate) fn new(log: Arc<dyn Log>, blobs: Arc<Blobs>, clock: Arc<Clock>, limits: &Limits) -> Self {
        let metrics = Arc::<Metrics>::default();
        Self {
            log,
            blobs,
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
            files_in: Arc::new(Semaphore::new(limits.files.memory_kib as usize)),
            files_out: Arc::new(Semaphore::new(limits.files.memory_kib as usize)),
            files_kib: limits.files.memory_kib,
            file_requests: Mutex::new(Quota::new(limits.files.requests)),
            file_traffic: Mutex::new(Quota::new(limits.files.traffic)),
            stopping: watch::Sender::new(false),
            drained: AtomicBool::new(false),
        }
    }

    /// Takes no more connections, and tells everybody to come again. What was accepted reaches the disk, and its
    /// acknowledgement the client.
    pub(crate) fn drain(&self) {
        self.drained.store(true, Relaxed);
        self.stopping.send_replace(true);
    }

    /// Whether it was told to.
    pub(crate) fn is_drained(&self) -> bool {
        self.drained.load(Relaxed)
    }

    /// The router; never held across an await.
    pub(crate) fn router(&self) -> MutexGuard<'_, Router<Handle>> {
        self.router.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The limits in force.
    pub(crate) fn limits(&self) -> Arc<Limits> {
        self.limits.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Other limits from now on; the log has its own copy.
    pub(crate) fn reload(&self, limits: Limits) {
        self.router().reload(&limits);
        self.create_quota().set_rate(limits.create);
        self.bad_tokens().set_rate(limits.bad_tokens);
        self.file_requests().set_rate(limits.files.requests);
        self.file_traffic().set_rate(limits.files.traffic);
        self.blobs.reload(&limits);
        self.door.reload(&limits);
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(limits);
    }

    /// Who has opened how many rooms; never held across an await.
    pub(crate) fn create_quota(&self) -> MutexGuard<'_, Quota<IpAddr>> {
        self.create.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory that parts of files hold now, both ways, in bytes.
    pub(crate) fn files_in_memory(&self) -> u64 {
        let free = self.files_in.available_permits() + self.files_out.available_permits();
        (2 * u64::from(self.files_kib)).saturating_sub(free as u64) << 10
    }

    /// Who asked for files how often; never held across an await.
    pub(crate) fn file_requests(&self) -> MutexGuard<'_, Quota<IpAddr>> {
        self.file_requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who sent and fetched how many KiB of files; never held across an await.
    pub(crate) fn file_traffic(&self) -> MutexGuard<'_, Quota<IpAddr>> {
        self.file_traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose tokens were refused how often; never held across an await.
    pub(crate) fn bad_tokens(&self) -> MutexGuard<'_, Quota<IpAddr>> {
        self.bad_tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whose joins were refused how often; never held across an await.
    pub(crate) fn refused(&self) -> MutexGuard<'_, Quota<IpAddr>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
