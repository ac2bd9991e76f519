//! How the relay is: what `relay status` shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Admin, Answer, Reply, health};
use crate::{clock::ClockStatus, log::capacity::Capacity, net::web::Served, ops::metrics::Limit};

/// Version of [`Status`] in JSON: raised when a field changes its meaning or goes, not when one comes.
pub const VERSION: u32 = 1;

/// A relay in numbers. Of rooms only counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// [`VERSION`].
    pub v: u32,
    /// The relay's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// When it started, Unix milliseconds.
    pub started_ms: u64,
    /// Seconds since.
    pub uptime_s: u64,
    /// Where it listens.
    pub addresses: Vec<String>,
    /// Where /healthz, /readyz and /metrics are.
    pub admin_address: Option<String>,
    /// It takes messages: the database is open, there is space, and it is not stopping.
    pub ready: bool,
    /// Why it takes none, a sentence each.
    #[serde(default)]
    pub not_ready: Vec<String>,
    /// What clients pin.
    pub pin: String,
    /// One link per address.
    pub links: Vec<String>,
    /// The data directory.
    pub data_dir: String,
    /// The certificate's last moment, Unix seconds.
    pub certificate_not_after: u64,
    /// It is stopping.
    pub stopping: bool,
    /// Members online, all rooms together.
    pub online: u64,
    /// Rooms.
    pub rooms: u64,
    /// Rooms that the operator froze.
    #[serde(default)]
    pub frozen_rooms: u64,
    /// Openers that the operator froze.
    #[serde(default)]
    pub frozen_openers: u64,
    /// Rooms that the operator dropped, and that nobody opens again for now.
    #[serde(default)]
    pub dropped_rooms: u64,
    /// Entries that are kept.
    pub entries: u64,
    /// Bytes of these entries.
    pub entry_bytes: u64,
    /// Bytes of slots and their pieces; 0 from a relay that does not count them.
    #[serde(default)]
    pub slot_bytes: u64,
    /// Bytes of access keys; 0 from a relay that does not count them.
    #[serde(default)]
    pub key_bytes: u64,
    /// Files that members sent.
    #[serde(default)]
    pub files: u64,
    /// What these count, in bytes: what has not come yet is reserved.
    #[serde(default)]
    pub file_bytes: u64,
    /// Files that are on their way now.
    #[serde(default)]
    pub transfers: u64,
    /// Size of the database's file, in bytes.
    pub database_bytes: u64,
    /// Free bytes on its file system; `None` when the system does not say.
    pub free_bytes: Option<u64>,
    /// What has to be free of it for messages to be taken; `None` from a relay that does not say.
    #[serde(default)]
    pub reserve_bytes: Option<u64>,
    /// How much space there is, as `/readyz` and `relay doctor` tell it; `None` where that is not known.
    #[serde(default)]
    pub capacity: Option<Capacity>,
    /// The name in its links, if it was given one.
    #[serde(default)]
    pub host: Option<String>,
    /// Whether clients that UDP does not reach are to come by TCP; `None` from a relay that does not say.
    #[serde(default)]
    pub tcp: Option<bool>,
    /// Whether its certificate is ordered from a public authority; `None` from a relay that does not say.
    #[serde(default)]
    pub orders: Option<bool>,
    /// What browsers get; `None` from a relay that does not say.
    #[serde(default)]
    pub browsers: Option<Served>,
    /// The most connections at once; `None` from a relay that does not say.
    #[serde(default)]
    pub max_connections: Option<u64>,
    /// Open connections.
    pub connections: i64,
    /// How often somebody ran into which limit since the start; only those that somebody ran into.
    pub limited: BTreeMap<String, u64>,
    /// Its clock; `None` from a relay that has none of its own.
    #[serde(default)]
    pub clock: Option<ClockStatus>,
}

/// `GET /v1/status`.
pub(super) async fn answer(admin: &Admin) -> Answer {
    let overview = admin.backend.overview().await?;
    let metrics = &admin.shared.metrics;
    let hit = Limit::ALL.into_iter().map(|limit| (limit, metrics.times_limited(limit)));
    let hit = hit.filter(|(_, times)| *times > 0);
    let health::Readiness { reasons: not_ready, capacity } = health::readiness(admin).await;
    let (limits, files) = (admin.shared.limits(), admin.shared.blobs.totals());
    Reply::json(&Status {
        v: VERSION,
        version: env!("CARGO_PKG_VERSION").into(),
        pid: std::process::id(),
        started_ms: admin.started_ms,
        uptime_s: admin.started.elapsed().as_secs(),
        addresses: admin.addresses.iter().map(ToString::to_string).collect(),
        admin_address: admin.watching.map(|address| address.to_string()),
        ready: not_ready.is_empty(),
        not_ready,
        pin: admin.pin.to_string(),
        links: admin.links.clone(),
        data_dir: admin.data_dir.display().to_string(),
        certificate_not_after: admin.certificate.not_after_unix(),
        stopping: *admin.shared.stopping.borrow() && !admin.shared.is_drained(),
        online: admin.shared.router().online() as u64,
        rooms: overview.rooms,
        frozen_rooms: overview.frozen,
        frozen_openers: overview.frozen_openers,
        dropped_rooms: overview.dropped,
        entries: overview.entries,
        entry_bytes: overview.bytes,
        slot_bytes: overview.slot_bytes,
        key_bytes: overview.key_bytes,
        files: files.files,
        file_bytes: files.bytes,
        transfers: u64::try_from(metrics.transfers.get()).unwrap_or(0),
        database_bytes: overview.file_bytes,
        free_bytes: admin.free_bytes(),
        reserve_bytes: Some(limits.free_space_reserve),
        capacity,
        host: admin.host.clone(),
        tcp: Some(admin.tcp),
        orders: Some(admin.orders),
        browsers: Some(admin.browsers),
        max_connections: u64::try_from(limits.connections).ok(),
        connections: metrics.connections.get(),
        limited: hit.map(|(limit, times)| (limit.label().to_owned(), times)).collect(),
        clock: Some(admin.shared.clock.status()),
    })
}
