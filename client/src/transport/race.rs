//! QUIC first, TCP where UDP is blocked: who may start when, and who wins.
//!
//! ```text
//! 0 ms            300 ms                              TCP is there
//! QUIC ───────────┬───────────────────────────────────┬── 300 ms ──▶ TCP it is
//!                 └ TCP: connect, TLS, WebSocket ─────┘ QUIC, once more
//! ```
//!
//! QUIC wins whenever it completes, and its refusal of a certificate ends the race. What TCP refuses only loses: the
//! relay may have the port for UDP alone, and a web server the one for TCP.

use std::{future::Future, time::Duration};

use tokio::{
    pin, select,
    time::{sleep, timeout},
};

use super::{DialError, Dialed};

/// Head start of QUIC, in milliseconds: two round trips across an ocean, as many as a relay takes that sees this client
/// for the first time.
const HEAD_START_MS: u64 = 300;

/// What QUIC gets once TCP is there, in milliseconds. A relay that has just been started again may have missed its
/// first packets, and those that follow come ever more slowly.
const LAST_CALL_MS: u64 = 300;

/// Races the two.
pub(super) async fn both<Q, T>(quic: impl Fn() -> Q, tcp: impl Fn() -> T) -> Result<Dialed, DialError>
where
    Q: Future<Output = Result<Dialed, DialError>>,
    T: Future<Output = Result<Dialed, DialError>>,
{
    let first = quic();
    pin!(first);
    // Without an answer, or with one that does not settle it, TCP joins in.
    let mut failed = match timeout(Duration::from_millis(HEAD_START_MS), &mut first).await {
        Ok(Ok(dialed)) => return Ok(dialed),
        Ok(Err(error)) if error.is_final() => return Err(error),
        Ok(Err(error)) => Some(error),
        Err(_) => None,
    };
    let other = tcp();
    pin!(other);
    let fallback = loop {
        select! {
            biased;
            done = &mut first, if failed.is_none() => match done {
                Ok(dialed) => return Ok(dialed),
                Err(error) if error.is_final() => return Err(error),
                Err(error) => failed = Some(error),
            },
            done = &mut other => match done {
                Ok(dialed) => break dialed,
                Err(error) => return match failed {
                    Some(quic) => Err(worse(quic, error)),
                    None => first.await.map_err(|quic| worse(quic, error)),
                },
            },
        }
    };
    let again = quic();
    pin!(again);
    let mut last_call = true;
    let end = sleep(Duration::from_millis(LAST_CALL_MS));
    pin!(end);
    loop {
        select! {
            biased;
            done = &mut first, if failed.is_none() => match done {
                Ok(dialed) => return Ok(dialed),
                Err(error) if error.is_final() => return Err(error),
                Err(error) => failed = Some(error),
            },
            done = &mut again, if last_call => match done {
                Ok(dialed) => return Ok(dialed),
                Err(error) if error.is_final() => return Err(error),
                Err(_) => last_call = false,
            },
            () = &mut end => return Ok(fallback),
        }
    }
}

/// The error that says more.
fn worse(quic: DialError, tcp: DialError) -> DialError {
    if tcp.weight() > quic.weight() { tcp } else { quic }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;
    use crate::transport::{Refusal, RelayAddress};

    fn address() -> RelayAddress {
        "relay.example:443".parse().unwrap()
    }

    #[tokio::test]
    async fn certificate_that_quic_refuses_ends_the_race() {
        let refused = || DialError::Certificate { address: address(), refusal: Refusal::Pin };
        let error = both(|| ready(Err(refused())), pending).await.unwrap_err();
        assert!(error.is_final());
        let late = || async {
            sleep(Duration::from_millis(HEAD_START_MS + 50)).await;
            Err(refused())
        };
        assert!(both(late, pending).await.unwrap_err().is_final());
    }

    #[tokio::test]
    async fn web_server_on_the_tcp_port_is_not_final_and_does_not_end_the_race() {
        let elsewhere = || DialError::Elsewhere { address: address(), refusal: Refusal::Pin };
        let quic = || async {
            sleep(Duration::from_millis(HEAD_START_MS + 50)).await;
            Err(DialError::Refused(address()))
        };
        let error = both(quic, || ready(Err(elsewhere()))).await.unwrap_err();
        assert!(matches!(error, DialError::Elsewhere { .. }) && !error.is_final(), "{error:?}");
    }
}
