//! The daemon itself: the profile's rooms, and a socket for faces.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::{
    Hub, MAX_FACES,
    place::{self, Listener},
    served::Served,
    session,
};
use crate::{
    reason::{DaemonReason, Reason, SocketFault},
    runtime::{Config, Local, Sink},
    store::OpenProfile,
};

/// Connections beyond the faces: those that are told that there is no room, that stop the daemon or ask how it is.
const SPARE: usize = 8;

/// How long faces may take to leave.
const GOODBYE: Duration = Duration::from_secs(3);

/// When no connection can be taken, it is tried again after so long: files may be short.
const AGAIN: Duration = Duration::from_millis(100);

/// A daemon that runs.
pub struct Daemon {
    served: Arc<Served>,
    listener: Listener,
}

impl Daemon {
    /// Starts the rooms of a profile, and listens. Call [`Daemon::run`].
    ///
    /// # Errors
    /// [`Reason`] when there can be no socket or the profile cannot be read.
    pub async fn start(profile: OpenProfile, config: Config) -> Result<Self, Reason> {
        let listener = place::listen(profile.dir()).map_err(|error| {
            let dir = profile.dir().path().to_owned();
            DaemonReason::Socket { dir, fault: SocketFault::from(&error) }
        })?;
        let hub = Hub::default();
        let local = Local::start(profile, config, Sink::Faces(Arc::new(hub.clone()))).await?;
        Ok(Self { served: Arc::new(Served::new(local, hub)), listener })
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
