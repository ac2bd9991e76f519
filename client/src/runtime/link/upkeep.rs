//! A connection while it lasts: networks change, pins are learnt, and what runs over TCP looks for QUIC.

use std::time::Duration;

use proto::CloseCode;
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{Dialer, Refusal};
use crate::{
    reason::{Reason, RelayReason},
    transport::{Carrier, Connection, Dialed, Ended, ExpectedRelay, RelayAddress, Talk, Trust, route_to},
};

/// How often the route to the relay is looked at, in seconds: a change of network is noticed well before the
/// idle timeout, and looking costs no packet.
const ROUTE_S: u64 = 3;

/// How often it is looked at whether the relay answers, in seconds: QUIC sends again what got no answer, at first several times a
/// second.
const LOOK_S: u64 = 1;

/// After so many looks in vain another connection is tried beside this one. The connection itself takes 30 s to be sure that
/// it is dead, and a network that lets no UDP through any more stays so.
const SILENT_LOOKS: u32 = 3;

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
        reason: Reason,
        /// The relay is likely to be back in a moment.
        is_brief: bool,
    },
    /// Nothing goes on before somebody decides.
    Refused(Reason),
}

/// Whether the relay answers, looked at every [`LOOK_S`].
#[derive(Debug, Default)]
struct Silence {
    last: Option<Talk>,
    /// Looks since something was asked again after the relay was heard last.
    looks: u32,
    /// Looks of those in which packets went out: the first may have been a mere acknowledgement, further ones ask.
    sent: u32,
    /// Another connection was tried since then: once is enough.
    tried: bool,
}

impl Silence {
    /// Takes in a look; true once for each silence that is too long.
    fn is_too_long(&mut self, now: Talk) -> bool {
        let last = self.last.replace(now).unwrap_or(now);
        if now.heard != last.heard {
            *self = Self { last: self.last, ..Self::default() };
            return false;
        }
        self.sent += u32::from(now.sent != last.sent);
        self.looks += u32::from(self.sent >= 2);
        let is_long = self.looks >= SILENT_LOOKS && !self.tried;
        self.tried |= is_long;
        is_long
    }
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
        let mut pulse = interval(Duration::from_secs(LOOK_S));
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silence = Silence::default();
        loop {
            tokio::select! {
                ended = connection.closed() => return over(&self.address, ended),
                () = nudge.notified() => {
                    // A link to the relay may have come while it was being dialled.
                    if !self.is_still_trusted(trust).await {
                        connection.close(CloseCode::Done);
                    }
                }
                _ = pulse.tick(), if is_quic => {
                    if connection.talk().is_some_and(|talk| silence.is_too_long(talk)) {
                        match self.dial_beside(connection, true).await {
                            Ok(Some(better)) => return Kept::Better(better),
                            Err((reason, true)) => return Kept::Refused(reason),
                            // The connection has its own time to come back in, or to end.
                            Ok(None) | Err(_) => {}
                        }
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
                    match self.dial_beside(connection, false).await {
                        Ok(Some(better)) => return Kept::Better(better),
                        Err((reason, true)) => return Kept::Refused(reason),
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

    /// A connection that works before this one ends: by QUIC, or `by_any` carrier.
    async fn dial_beside(&self, connection: &Connection, by_any: bool) -> Result<Option<Dialed>, Refusal> {
        let known = self.known().await?;
        let dial = async {
            match by_any {
                true => self.transport.dial(&self.address, known).await,
                false => self.transport.dial_quic(&self.address, known).await,
            }
        };
        let dialed = tokio::select! {
            dialed = dial => dialed,
            _ = connection.closed() => return Ok(None),
        };
        let dialed = dialed.map_err(|error| super::explain(&error))?;
        self.remember(&dialed).await?;
        Ok(Some(dialed))
    }

    /// No link has said meanwhile that the relay has another pin.
    async fn is_still_trusted(&self, trust: Trust) -> bool {
        match self.known().await {
            Ok(ExpectedRelay::Pinned(pin)) => self.pin.is_some() || trust == Trust::Pinned(pin),
            Ok(_) | Err(_) => true,
        }
    }
}

fn over(relay: &RelayAddress, how: Ended) -> Kept {
    let is_brief = match how {
        Ended::Told(code) => code == Some(CloseCode::ShuttingDown),
        Ended::Ours | Ended::Lost => true,
        Ended::Silent => false,
    };
    let reason = RelayReason::Ended { relay: relay.clone(), how }.into();
    Kept::Ended { reason, is_brief }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_from_a_quiet_room_and_from_a_slow_answer() {
        let mut silence = Silence::default();
        let mut look = |sent, heard| silence.is_too_long(Talk { sent, heard });
        // Nobody says anything.
        assert!((0..9).all(|_| !look(5, 9)));
        // The last word was an acknowledgement of ours, and nobody says anything.
        assert!(!look(6, 10) && !look(7, 10) && (0..9).all(|_| !look(7, 10)));
        // Asked, asked again, and answered late.
        assert!(!look(8, 10) && !look(9, 10) && !look(9, 11));
        // Asked, and again, in vain: once.
        assert!(!look(10, 11) && !look(11, 11) && !look(12, 11));
        assert!(look(12, 11));
        assert!((13..19).all(|sent| !look(sent, 11)));
        // Heard, and silent anew.
        assert!(!look(20, 12) && !look(21, 12) && !look(22, 12) && !look(22, 12));
        assert!(look(23, 12));
    }
}
