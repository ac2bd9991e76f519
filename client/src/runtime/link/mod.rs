//! The connection to one relay, shared by its rooms: dialled, kept, moved and dialled again.

mod upkeep;

use std::{sync::Arc, time::Duration};

use proto::CloseCode;
use shared::crypto::random::Random;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};
use tracing::{Instrument as _, info_span};

use self::upkeep::Kept;
use super::{
    backoff::Backoff,
    event::{Event, Outlet, RelayState},
};
use crate::{
    log,
    reason::Reason,
    store::{KnownRelay, StoreError, Vault},
    transport::{Connection, DialError, Dialed, ExpectedRelay, Pin, RelayAddress, Transport, Trust},
};

/// A connection that held for this long was a success: the next failure waits the first time again. In seconds.
const STABLE_S: u64 = 10;

/// Time for the rooms to leave a connection after they were shown a better one, in seconds: a stream's goodbye takes
/// one at most.
const MOVE_S: u64 = 3;

/// Time for a goodbye to leave, in milliseconds.
const GOODBYE_MS: u64 = 500;

/// What the rooms of a relay see.
#[derive(Clone, Debug)]
pub(super) enum LinkState {
    /// Not there (yet, or any more).
    Down,
    /// There. Once more with another connection: rooms move to that one.
    Up(Connection, Trust),
    /// Not there before somebody decides.
    Refused,
}

/// A relay in use: the connection lives as long as this.
pub(super) struct RelayConnection {
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

impl RelayConnection {
    /// Begins to dial.
    pub(super) fn start(dialer: Dialer) -> Arc<Self> {
        let (sender, state) = watch::channel(LinkState::Down);
        let nudge = Arc::new(Notify::new());
        // In the log a relay is a number.
        let span = info_span!("relay", n = log::number());
        tokio::spawn(dialer.run(sender, nudge.clone()).instrument(span));
        Arc::new(Self { state, nudge })
    }

    /// Dial again now: somebody waits, or decided.
    pub(super) fn nudge(&self) {
        self.nudge.notify_one();
    }
}

/// Why there is no connection, and whether somebody must decide first.
pub(super) type Refusal = (Reason, bool);

impl Dialer {
    async fn run(self, state: watch::Sender<LinkState>, nudge: Arc<Notify>) {
        let mut backoff = Backoff::default();
        loop {
            self.tell(RelayState::Connecting).await;
            let dialed = tokio::select! {
                dialed = self.dial_within(backoff.search_time()) => dialed,
                () = state.closed() => return self.tell(RelayState::Ended).await,
            };
            let (reason, is_final) = match dialed {
                Ok(dialed) => match self.use_up(dialed, &state, &nudge, &mut backoff).await {
                    Some(refusal) => refusal,
                    None => return,
                },
                Err(refusal) => refusal,
            };
            state.send_replace(if is_final { LinkState::Refused } else { LinkState::Down });
            let wait = (!is_final).then(|| backoff.next(&self.random));
            self.tell(RelayState::Lost { reason, retry: wait }).await;
            tokio::select! {
                () = sleep(wait.unwrap_or(Duration::MAX)) => {}
                () = nudge.notified() => {}
                () = state.closed() => return self.tell(RelayState::Ended).await,
            }
        }
    }

    /// Shows a connection to the rooms, and better ones as they come, to the end. `None`: nobody needs it any more.
    async fn use_up(
        &self,
        mut dialed: Dialed,
        state: &watch::Sender<LinkState>,
        nudge: &Notify,
        backoff: &mut Backoff,
    ) -> Option<Refusal> {
        loop {
            let Dialed { connection, trust, .. } = &dialed;
            let carrier = connection.carrier();
            self.tell(RelayState::Connected { trust: *trust, carrier }).await;
            state.send_replace(LinkState::Up(connection.clone(), *trust));
            let since = Instant::now();
            let kept = tokio::select! {
                kept = self.keep(connection, *trust, nudge) => kept,
                () = state.closed() => {
                    connection.close(CloseCode::Done);
                    // Who does not hear it notices by itself.
                    let _ = timeout(Duration::from_millis(GOODBYE_MS), connection.closed()).await;
                    return None;
                }
            };
            if since.elapsed() > Duration::from_secs(STABLE_S) {
                backoff.reset();
            }
            match kept {
                Kept::Better(better) => {
                    let old = std::mem::replace(&mut dialed, better).connection;
                    tokio::spawn(async move {
                        sleep(Duration::from_secs(MOVE_S)).await;
                        old.close(CloseCode::Done);
                        let _ = timeout(Duration::from_millis(GOODBYE_MS), old.closed()).await;
                    });
                }
                Kept::Ended { reason, is_brief } => {
                    backoff.search();
                    if is_brief {
                        backoff.forgive();
                    }
                    return Some((reason, false));
                }
                Kept::Refused(reason) => {
                    connection.close(CloseCode::Done);
                    return Some((reason, true));
                }
            }
        }
    }

    /// Dials, and gives up after a while if one is given.
    async fn dial_within(&self, time: Option<Duration>) -> Result<Dialed, Refusal> {
        let Some(time) = time else { return self.dial().await };
        let silent = || Err(explain(&DialError::Silent(self.address.clone())));
        timeout(time, self.dial()).await.unwrap_or_else(|_| silent())
    }

    async fn dial(&self) -> Result<Dialed, Refusal> {
        let known = self.known().await?;
        let dialed = self.transport.dial(&self.address, known).await;
        let dialed = dialed.map_err(|error| explain(&error))?;
        self.remember(&dialed).await?;
        Ok(dialed)
    }

    /// What is known of the relay now.
    async fn known(&self) -> Result<ExpectedRelay, Refusal> {
        if let Some(pin) = self.pin {
            return Ok(ExpectedRelay::Pinned(pin));
        }
        let address = self.address.clone();
        let known = self.vault.run(move |store| store.known_relay(&address)).await.map_err(store_failed)?;
        Ok(known.map_or(ExpectedRelay::Nothing, ExpectedRelay::from))
    }

    /// Before anything is said: what is not remembered cannot be noticed when it changes.
    async fn remember(&self, dialed: &Dialed) -> Result<(), Refusal> {
        let seen = match dialed.trust {
            Trust::FirstUse(pin) => KnownRelay::FirstUse(pin),
            Trust::WebPki | Trust::CaFile => KnownRelay::Authorities(dialed.own),
            Trust::Pinned(_) | Trust::Remembered(_) => return Ok(()),
        };
        let address = self.address.clone();
        self.vault.run(move |store| store.remember_relay(&address, seen)).await.map_err(store_failed)
    }

    async fn tell(&self, state: RelayState) {
        self.outlet.send(Event::Relay { relay: self.address.to_string(), state }).await;
    }
}

pub(super) fn explain(error: &DialError) -> Refusal {
    (Reason::from(error), error.is_final())
}

fn store_failed(error: StoreError) -> Refusal {
    (Reason::from(error), false)
}
