//! One stream, by its first frame: a Join, then a room's log down and publishes up; or a file.

mod blob;
mod downstream;
mod end;
mod input;
mod join;
mod output;
mod session;
mod upstream;

use proto::{CloseCode, relay::refused::Code};
use tracing::debug;

use self::{end::StreamEnd, input::Input, join::Admitted, output::Output};
use crate::{
    net::transport::{RecvHalf, SendHalf},
    policy::refusal::Limit,
    session::{joining::Joining, peer::Peer, request::Request, router::Refusal, streams::StreamPermit},
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

/// What a stream turned out to be.
enum Begun<'a> {
    /// A room's.
    Room(Box<Admitted>, StreamPermit<'a>),
    /// A file's.
    Blob(Box<blob::Begun<'a>>),
}

/// Serves one stream to its end.
pub(crate) async fn serve(peer: &Peer, send: SendHalf, recv: RecvHalf, joining: Joining) -> Outcome {
    let (mut input, mut output) = (Input::new(recv), Output::new(send, peer));
    let mut stopping = peer.shared.stopping.subscribe();
    let begun = tokio::select! {
        biased;
        _ = stopping.wait_for(|stopping| *stopping) => Err(StreamEnd::of(Code::ShuttingDown)),
        // Apart: what it takes is given back when it is over, and a member stays for days.
        begun = Box::pin(begin(peer, &mut input)) => begun,
    };
    match begun {
        Ok(Begun::Room(admitted, _place)) => {
            drop(joining);
            debug!("joined a room");
            session::run(peer, admitted, &mut input, &mut output).await;
            Outcome::Joined
        }
        Ok(Begun::Blob(begun)) => {
            drop(joining);
            debug!("carries a file");
            // Apart: it takes more than a room's stream does.
            Box::pin(blob::run(peer, *begun, &mut input, &mut output)).await;
            Outcome::Joined
        }
        Err(end) => {
            debug!(code = ?end.code, "not let in");
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

fn file(begun: blob::Begun<'_>) -> Begun<'_> {
    Begun::Blob(Box::new(begun))
}

/// Reads the first frame, and judges it by its kind.
async fn begin<'a>(peer: &'a Peer, input: &mut Input) -> Result<Begun<'a>, StreamEnd> {
    let (request, _memory) = join::first(peer, input).await?;
    match request {
        Request::Join(join) => {
            let place = peer.room().ok_or_else(|| Refusal::over(Limit::RoomsPerConnection))?;
            Ok(Begun::Room(Box::new(join::join(peer, join).await?), place))
        }
        Request::BlobOpen(open) => blob::begin(peer, blob::Asked::Open(open)).await.map(file),
        Request::BlobGet(get) => blob::begin(peer, blob::Asked::Get(get)).await.map(file),
        Request::BlobDrop(drop) => blob::begin(peer, blob::Asked::Drop(drop)).await.map(file),
        Request::Publish(_) | Request::Ephemeral(_) | Request::GetSlot { .. } | Request::BlobPart(_) => {
            Err(StreamEnd::of(Code::Malformed))
        }
    }
}

/// Somebody who opens rooms at a bad time guesses nothing.
fn outcome(end: &StreamEnd) -> Outcome {
    match &end.refusal {
        Some(Refusal {
            limit:
                Some(
                    Limit::Rooms
                    | Limit::RoomsPerConnection
                    | Limit::FreeSpace
                    | Limit::Disk
                    | Limit::FileRequests
                    | Limit::TransfersPerConnection
                    | Limit::TransfersPerRoom
                    | Limit::TransfersPerMember
                    | Limit::SlowFrame,
                ),
            ..
        })
        | Some(Refusal { code: Code::ShuttingDown | Code::Frozen, .. }) => Outcome::Over,
        _ => Outcome::Refused,
    }
}
