//! The daemon itself: the profile's rooms, and a socket for faces.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, Semaphore, watch},
    time::{sleep, timeout},
};

use super::{
    Hub, MAX_FACES,
    place::{self, Listener},
    session,
    wire::{Snapshot, Status},
};
use crate::{
    failure::{Exit, Failure},
    runtime::{Config, Local, Sink},
    store::OpenProfile,
};

/// Connections beyond the faces: those that are told that there is no room, that stop the daemon or ask how it is.
const SPARE: usize = 8;

/// How long faces may take to leave.
const GOODBYE: Duration = Duration::from_secs(3);

/// When no connection can be taken, it is tried again after so long: files may be short.
const AGAIN: Duration = Duration::from_millis(100);

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

/// A daemon that runs.
pub struct Daemon {
    served: Arc<Served>,
    listener: Listener,
}

impl Daemon {
    /// Starts the rooms of a profile, and listens. Call [`Daemon::run`].
    ///
    /// # Errors
    /// [`Failure`] when there can be no socket or the profile cannot be read.
    pub async fn start(profile: OpenProfile, config: Config) -> Result<Self, Failure> {
        let listener = place::listen(profile.dir()).map_err(|error| {
            let message = format!("The daemon cannot listen in {}: {error}.", profile.dir().path().display());
            Failure::new(Exit::Local, "socket", message, "Check the profile's directory.")
        })?;
        let hub = Hub::default();
        let local = Local::start(profile, config, Sink::Faces(Arc::new(hub.clone()))).await?;
        let served = Served {
            local,
            hub,
            faces: Arc::new(Semaphore::new(MAX_FACES)),
            stop: Notify::new(),
            ending: watch::channel(false).0,
            since: Instant::now(),
        };
        Ok(Self { served: Arc::new(served), listener })
    }

    /// Serves faces until somebody asks it to stop, or `signal` resolves; then says goodbye to faces and relays.
    pub async fn run(self, signal: impl Future<Output = ()>) {
        let Self { served, listener } = self;
        let connections = Arc::new(Semaphore::new(MAX_FACES + SPARE));
        tokio::select! {
            () = accept(&listener, &served, &connections) => {}
            () = served.stop.notified() => {}
            () = signal => {}
        }
        drop(listener);
        served.ending.send_replace(true);
        let all = u32::try_from(MAX_FACES + SPARE).unwrap_or(u32::MAX);
        let _ = timeout(GOODBYE, connections.acquire_many(all)).await;
        served.local.clone().shutdown().await;
    }
}

async fn accept(listener: &Listener, served: &Arc<Served>, connections: &Arc<Semaphore>) {
    // Never closed.
    while let Ok(place) = connections.clone().acquire_owned().await {
        match listener.accept().await {
            Ok(stream) => {
                let served = served.clone();
                tokio::spawn(async move {
                    session::serve(stream, served).await;
                    drop(place);
                });
            }
            Err(_) => sleep(AGAIN).await,
        }
    }
}

impl Served {
    pub(super) fn status(&self) -> Status {
        let rooms = self.local.rooms().into_iter().filter(|room| room.over.is_none()).count();
        Status {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_s: self.since.elapsed().as_secs(),
            faces: self.hub.count() as u64,
            rooms: rooms as u64,
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
