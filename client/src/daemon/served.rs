//! What all sessions of a daemon share.

use std::{sync::Arc, time::Instant};

use tokio::sync::{Notify, Semaphore, watch};

use super::{
    Hub, MAX_FACES,
    wire::{Snapshot, Status},
};
use crate::runtime::Local;

/// What all sessions share.
pub(super) struct Served {
    pub(super) local: Local,
    pub(super) hub: Hub,
    pub(super) faces: Arc<Semaphore>,
    /// Somebody asked it to end.
    pub(super) stop: Notify,
    pub(super) ending: watch::Sender<bool>,
    since: Instant,
}

impl Served {
    pub(super) fn new(local: Local, hub: Hub) -> Self {
        Self {
            local,
            hub,
            faces: Arc::new(Semaphore::new(MAX_FACES)),
            stop: Notify::new(),
            ending: watch::channel(false).0,
            since: Instant::now(),
        }
    }

    pub(super) async fn status(&self) -> Status {
        let rooms = self.local.rooms().into_iter().filter(|room| room.over.is_none()).count();
        Status {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: self.since.elapsed().as_secs(),
            faces: self.hub.count() as u64,
            rooms: rooms as u64,
            // What cannot be read is told to whoever makes one.
            backup: self.local.backup_plan().await.unwrap_or_default(),
        }
    }
}

impl Snapshot {
    pub(super) fn of(local: &Local) -> Self {
        let ((name, me), (status, glyph)) = (local.me(), local.description());
        let rooms = local.rooms();
        let trip = |label: &String| {
            let trip = local.round_trip(label)?;
            Some((label.clone(), u64::try_from(trip.as_millis()).unwrap_or(u64::MAX)))
        };
        Self {
            trips: rooms.iter().filter_map(|room| trip(&room.label)).collect(),
            name,
            me,
            status,
            glyph,
            is_stuck: local.is_stuck(),
            why: local.why(),
            verified: local.verified(),
            rooms,
            forgotten: local.forgotten(),
        }
    }
}
