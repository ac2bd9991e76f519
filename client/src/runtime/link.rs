//! The connection to one relay, shared by its rooms: dialled, kept, moved and dialled again.

use std::{sync::Arc, time::Duration};

use quinn::Connection;
use shared::random::Random;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, interval, sleep, timeout},
};

use super::{
    backoff::Backoff,
    event::{Event, Outlet, RelayState},
};
use crate::{
    failure::{Exit, Failure},
    store::{StoreError, Vault},
    transport::{DialError, Dialed, Known, Pin, RelayAddress, Transport, Trust, route_to},
};

/// A connection that held for this long was a success: the next failure waits the first time again. In seconds.
const STABLE_S: u64 = 10;

/// How often the route to the relay is looked at, in seconds: a change of network is noticed well before the
/// idle timeout, and looking costs no packet.
const ROUTE_S: u64 = 3;

/// What the rooms of a relay see.
#[derive(Clone, Debug)]
pub(super) enum LinkState {
    /// Not there (yet, or any more).
    Down,
    /// There.
    Up(Connection, Trust),
    /// Not there before somebody decides.
    Refused,
}

/// A relay in use: the connection lives as long as this.
pub(super) struct RelayLink {
    pub(super) state: watch::Receiver<LinkState>,
    nudge: Arc<Notify>,
}

/// What the connection's task needs.
pub(super) struct Dialer {
    pub(super) transport: Transport,
    pub(super) vault: Vault,
    pub(super) outlet: Outlet,
    pub(super) random: Random,
    pub(super) address: RelayAddress,
    pub(super) pin: Option<Pin>,
}

impl RelayLink {
    /// Begins to dial.
    pub(super) fn start(dialer: Dialer) -> Arc<Self> {
        let (sender, state) = watch::channel(LinkState::Down);
        let nudge = Arc::new(Notify::new());
        tokio::spawn(dialer.run(sender, nudge.clone()));
        Arc::new(Self { state, nudge })
    }

    /// Dial again now: somebody waits, or decided.
    pub(super) fn nudge(&self) {
        self.nudge.notify_one();
    }
}

impl Dialer {
    async fn run(self, state: watch::Sender<LinkState>, nudge: Arc<Notify>) {
        let mut backoff = Backoff::default();
        loop {
            self.tell(RelayState::Connecting).await;
            let dialed = tokio::select! {
                dialed = self.dial_within(backoff.patience()) => dialed,
                () = state.closed() => return,
            };
            let wait = match dialed {
                Ok(Dialed { connection, trust }) => {
                    self.tell(RelayState::Connected(trust)).await;
                    state.send_replace(LinkState::Up(connection.clone(), trust));
                    let since = Instant::now();
                    let failure = tokio::select! {
                        failure = self.keep(&connection, trust, &nudge) => failure,
                        () = state.closed() => return connection.close(proto::CloseCode::Done.value().into(), b""),
                    };
                    state.send_replace(LinkState::Down);
                    if since.elapsed() > Duration::from_secs(STABLE_S) {
                        backoff.reset();
                    }
                    backoff.search();
                    let wait = backoff.next(&self.random);
                    self.tell(RelayState::Lost { failure, retry: Some(wait) }).await;
                    Some(wait)
                }
                Err((failure, is_final)) => {
                    let wait = (!is_final).then(|| backoff.next(&self.random));
                    state.send_replace(if is_final { LinkState::Refused } else { LinkState::Down });
                    self.tell(RelayState::Lost { failure, retry: wait }).await;
                    wait
                }
            };
            tokio::select! {
                () = sleep(wait.unwrap_or(Duration::MAX)) => {}
                () = nudge.notified() => {}
                () = state.closed() => return,
            }
        }
    }

    /// Dials, and gives up after a while if one is given.
    async fn dial_within(&self, patience: Option<Duration>) -> Result<Dialed, (Failure, bool)> {
        let Some(patience) = patience else { return self.dial().await };
        timeout(patience, self.dial()).await.unwrap_or_else(|_| {
            let silent = DialError::Silent(self.address.clone());
            Err((Failure::from(&silent), silent.is_final()))
        })
    }

    async fn dial(&self) -> Result<Dialed, (Failure, bool)> {
        let store_failed = |error: StoreError| (Failure::from(error), false);
        let address = self.address.clone();
        let known = self.vault.run(move |store| store.known_relay(&address)).await.map_err(store_failed)?;
        let pin = self.pin.or(known.filter(|known| known.from_link).map(|known| known.pin));
        let known = Known { pin, remembered: known.map(|known| known.pin) };
        let explain = |error: DialError| (Failure::from(&error), error.is_final());
        let dialed = self.transport.dial(&self.address, known).await.map_err(explain)?;
        if let Trust::FirstUse(pin) = dialed.trust {
            // Before anything is said: what is not remembered cannot be noticed when it changes.
            let address = self.address.clone();
            self.vault.run(move |store| store.remember_relay(&address, pin)).await.map_err(store_failed)?;
        }
        Ok(dialed)
    }

    /// Keeps the connection while networks change; returns why it ended.
    async fn keep(&self, connection: &Connection, trust: Trust, nudge: &Notify) -> Failure {
        let remote = connection.remote_address();
        let mut route = route_to(remote).ok();
        let mut look = interval(Duration::from_secs(ROUTE_S));
        loop {
            tokio::select! {
                error = connection.closed() => return lost(&self.address, &error),
                () = nudge.notified() => {
                    // A link to the relay may have come while it was being dialled.
                    if !self.is_still_trusted(trust).await {
                        connection.close(proto::CloseCode::Done.value().into(), b"");
                    }
                }
                _ = look.tick() => {
                    let now = route_to(remote).ok();
                    // While there is no network at all, the old socket is as good as any.
                    if now.is_some() && now != route && self.transport.rebind().is_ok() {
                        route = now;
                    }
                }
            }
        }
    }

    /// No link has said meanwhile that the relay has another pin.
    async fn is_still_trusted(&self, trust: Trust) -> bool {
        let address = self.address.clone();
        let known = self.vault.run(move |store| store.known_relay(&address)).await.ok().flatten();
        let said = known.filter(|known| known.from_link && self.pin.is_none());
        said.is_none_or(|known| trust == Trust::Pinned(known.pin))
    }

    async fn tell(&self, state: RelayState) {
        self.outlet.send(Event::Relay { relay: self.address.to_string(), state }).await;
    }
}

fn lost(relay: &RelayAddress, error: &quinn::ConnectionError) -> Failure {
    let stopping = quinn::VarInt::from(proto::CloseCode::ShuttingDown.value());
    let why = match error {
        quinn::ConnectionError::ApplicationClosed(close) if close.error_code == stopping => "is restarting",
        quinn::ConnectionError::ApplicationClosed(_) => "closed the connection",
        quinn::ConnectionError::LocallyClosed => "is dialled anew, to see whether it has the link's pin",
        quinn::ConnectionError::TimedOut => "does not answer any more",
        _ => "is not reachable any more",
    };
    Failure::new(
        Exit::Network,
        "network",
        format!("The relay {relay} {why}."),
        "It is tried again by itself.",
    )
}
