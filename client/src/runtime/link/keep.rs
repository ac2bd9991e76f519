//! A connection while it lasts: networks change, pins are learnt, and what runs over TCP looks for QUIC.

use std::time::Duration;

use proto::CloseCode;
use tokio::{
    sync::Notify,
    time::{Instant, interval, sleep_until},
};

use super::{Dialer, Refusal};
use crate::{
    failure::{Exit, Failure},
    transport::{Carrier, Connection, Dialed, Ended, Known, RelayAddress, Trust, route_to, told},
};

/// How often the route to the relay is looked at, in seconds: a change of network is noticed well before the
/// idle timeout, and looking costs no packet.
const ROUTE_S: u64 = 3;

/// Over TCP, QUIC is tried again after this long, in seconds, and then ever more seldom: most networks that drop UDP
/// do so for good, some only for as long as a relay is being started.
const FIRST_LOOK_S: u64 = 10;

/// The longest time between two such tries, in seconds.
const LONGEST_LOOK_S: u64 = 300;

/// How a connection's time ended.
pub(super) enum Kept {
    /// There is a better one.
    Better(Dialed),
    /// It is gone.
    Ended {
        failure: Failure,
        /// The relay is likely to be back in a moment.
        is_brief: bool,
    },
    /// Nothing goes on before somebody decides.
    Refused(Failure),
}

impl Dialer {
    /// Keeps the connection while networks change; returns how that ended.
    pub(super) async fn keep(&self, connection: &Connection, trust: Trust, nudge: &Notify) -> Kept {
        let remote = connection.remote_address();
        let is_quic = connection.carrier() == Carrier::Quic;
        let mut route = route_to(remote).ok();
        let mut look = interval(Duration::from_secs(ROUTE_S));
        let mut pause = Duration::from_secs(FIRST_LOOK_S);
        let mut try_quic = Instant::now() + pause;
        loop {
            tokio::select! {
                ended = connection.closed() => return over(&self.address, ended),
                () = nudge.notified() => {
                    // A link to the relay may have come while it was being dialled.
                    if !self.is_still_trusted(trust).await {
                        connection.close(CloseCode::Done);
                    }
                }
                _ = look.tick() => {
                    let now = route_to(remote).ok();
                    // While there is no network at all, the old socket is as good as any.
                    if now.is_none() || now == route {
                        continue;
                    }
                    if is_quic {
                        if self.transport.rebind().is_ok() {
                            route = now;
                        }
                    } else {
                        // TCP does not move, and in this network UDP may get through.
                        connection.close(CloseCode::Done);
                    }
                }
                () = sleep_until(try_quic), if !is_quic => {
                    match self.dial_quic(connection).await {
                        Ok(Some(better)) => return Kept::Better(better),
                        Err((failure, true)) => return Kept::Refused(failure),
                        Ok(None) | Err(_) => {}
                    }
                    pause = (pause * 2).min(Duration::from_secs(LONGEST_LOOK_S));
                    // Not all clients of a network at once.
                    let late = self.random.below(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX) / 4);
                    try_quic = Instant::now() + pause + Duration::from_millis(late);
                }
            }
        }
    }

    /// QUIC, if it works before the connection over TCP ends.
    async fn dial_quic(&self, connection: &Connection) -> Result<Option<Dialed>, Refusal> {
        let known = self.known().await?;
        let dialed = tokio::select! {
            dialed = self.transport.dial_quic(&self.address, known) => dialed,
            _ = connection.closed() => return Ok(None),
        };
        let dialed = dialed.map_err(|error| super::explain(&error))?;
        self.remember(&dialed).await?;
        Ok(Some(dialed))
    }

    /// No link has said meanwhile that the relay has another pin.
    async fn is_still_trusted(&self, trust: Trust) -> bool {
        match self.known().await {
            Ok(Known::Pinned(pin)) => self.pin.is_some() || trust == Trust::Pinned(pin),
            Ok(_) | Err(_) => true,
        }
    }
}

fn over(relay: &RelayAddress, ended: Ended) -> Kept {
    let again = "It is tried again by itself.";
    let ((why, remedy), is_brief) = match ended {
        Ended::Told(code) => (told(code), code == Some(CloseCode::ShuttingDown)),
        Ended::Ours => (("is dialled anew: the network or its link's pin has changed", again), true),
        Ended::Silent => (("does not answer any more", again), false),
        Ended::Lost => (("is not reachable any more", again), true),
    };
    let message = format!("The relay {relay} {why}.");
    let failure = Failure::new(Exit::Network, "network", message, remedy);
    Kept::Ended { failure, is_brief }
}
