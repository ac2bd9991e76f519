//! One stream: a Join, then a room's log down and publishes up.

mod downstream;
mod end;
mod input;
mod join;
mod output;
mod session;
mod upstream;

use proto::{CloseCode, relay::refused::Code};

use self::{end::StreamEnd, input::Input, output::Output};
use crate::{
    net::transport::{RecvHalf, SendHalf},
    policy::refusal::Limit,
    session::{join_gate::Joining, peer::Peer, router::Refusal},
};

/// How a stream ended, for the connection that counts refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It never joined.
    Refused,
    /// It had joined.
    Joined,
    /// It was not let in because of what the relay can take, which says nothing against the client.
    Over,
}

/// Refuses a stream without reading it.
pub(crate) async fn refuse(peer: &Peer, send: SendHalf, recv: RecvHalf, limit: Limit) -> Outcome {
    Input::new(recv).stop(CloseCode::TooMany);
    Output::new(send, peer).end(Refusal::over(limit).into()).await;
    Outcome::Over
}

/// Serves one stream to its end.
pub(crate) async fn serve(peer: &Peer, send: SendHalf, recv: RecvHalf, joining: Joining) -> Outcome {
    let output = Output::new(send, peer);
    let mut input = Input::new(recv);
    let mut stopping = peer.shared.stopping.subscribe();
    let admitted = tokio::select! {
        biased;
        _ = stopping.wait_for(|stopping| *stopping) => Err(StreamEnd::of(Code::ShuttingDown)),
        admitted = join::join(peer, &mut input) => admitted,
    };
    match admitted {
        Ok(admitted) => {
            drop(joining);
            session::run(peer, admitted, input, output).await;
            Outcome::Joined
        }
        Err(end) => {
            if end.code == CloseCode::NotAllowed {
                peer.shared.metrics.refused_join(peer.payer);
            }
            if end.code == CloseCode::TimedOut {
                peer.shared.metrics.limited_at(Limit::JoinTime, peer.payer);
            }
            let outcome = outcome(&end);
            match outcome {
                Outcome::Refused => joining.refused(),
                Outcome::Over | Outcome::Joined => drop(joining),
            }
            input.stop(end.code);
            output.end(end).await;
            outcome
        }
    }
}

/// Somebody who opens rooms at a bad time guesses nothing.
fn outcome(end: &StreamEnd) -> Outcome {
    match &end.refusal {
        Some(Refusal { limit: Some(Limit::Rooms | Limit::FreeSpace | Limit::Disk), .. })
        | Some(Refusal { code: Code::ShuttingDown | Code::Frozen, .. }) => Outcome::Over,
        _ => Outcome::Refused,
    }
}
