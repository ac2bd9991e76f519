//! One stream: a Join, then a room's log down and publishes up.

mod downstream;
mod input;
mod join;
mod output;
mod session;
mod upstream;

use proto::relay::refused::Code;
use quinn::{RecvStream, SendStream};

use self::{
    input::{Input, InputError},
    output::{Output, close_code},
};
use crate::{router::Refusal, shared::Peer};

/// How a stream ended, for the connection that counts refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It never joined.
    Refused,
    /// It had joined.
    Joined,
}

/// Serves one stream to its end.
pub(crate) async fn serve(peer: &Peer, send: SendStream, recv: RecvStream) -> Outcome {
    let output = Output::new(send, peer.shared.outgoing.clone());
    let mut input = Input::new(recv);
    let mut stopping = peer.shared.stopping.subscribe();
    let admitted = tokio::select! {
        biased;
        _ = stopping.wait_for(|stopping| *stopping) => Err(Some(Refusal::of(Code::ShuttingDown))),
        admitted = join::join(peer, &mut input) => admitted,
    };
    match admitted {
        Ok(admitted) => {
            session::run(peer, admitted, input, output).await;
            Outcome::Joined
        }
        Err(refusal) => {
            if let Some(refusal) = &refusal {
                input.stop(close_code(refusal));
            }
            output.end(refusal).await;
            Outcome::Refused
        }
    }
}

/// What a client whose input broke off is told.
fn refusal(error: InputError) -> Option<Refusal> {
    match error {
        InputError::TooLarge => Some(Refusal::of(Code::TooLarge)),
        InputError::Malformed => Some(Refusal::of(Code::Malformed)),
        InputError::TimedOut | InputError::Gone => None,
    }
}
