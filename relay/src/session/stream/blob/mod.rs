//! A file's stream: who asks is proved as for a Join, and then it is sent, fetched or dropped.

mod download;
mod member;
mod upload;

use std::{sync::Arc, time::Instant};

use proto::{
    blob::{DropRequest, GetRequest, MAX_BLOB_FRAME, OpenRequest, Proof},
    relay::{BlobDropped, BlobHave, refused::Code, relay_frame::Frame},
};

use self::member::Member;
use super::{end::StreamEnd, input::Input, output::Output};
use crate::{
    blobs::{BlobError, Row, Transfer, Unwanted},
    policy::{files::HAND_OVER, refusal::Limit},
    session::{peer::Peer, router::Refusal, streams::Place},
};

/// What a stream is for.
pub(super) enum Asked {
    /// A file is sent.
    Open(OpenRequest),
    /// It is fetched.
    Get(GetRequest),
    /// It is deleted.
    Drop(DropRequest),
}

/// A transfer that may go on.
pub(super) struct Begun<'a> {
    asked: Asked,
    member: Member<'a>,
    transfer: Transfer,
    _place: Place<'a>,
}

impl Asked {
    fn proof(&self) -> &Proof {
        match self {
            Self::Open(open) => &open.proof,
            Self::Get(get) => &get.proof,
            Self::Drop(drop) => &drop.proof,
        }
    }
}

/// Proves who asks, and finds a place for the transfer.
pub(super) async fn begin<'a>(peer: &'a Peer, asked: Asked) -> Result<Begun<'a>, StreamEnd> {
    let shared = &peer.shared;
    peer.refund_join();
    let allowed = shared.file_requests().take(peer.payer, Instant::now());
    allowed.map_err(|over| Refusal::over(Limit::FileRequests).after(&over))?;
    let proof = asked.proof();
    let member = Member::admit(peer, proof).await?;
    let place = peer.transfer().ok_or_else(|| Refusal::over(Limit::TransfersPerConnection))?;
    let most = shared.limits().files.transfers_per_room;
    let transfer = shared.blobs.transfers.begin(proof.room, proof.blob, most);
    let transfer = transfer.ok_or_else(|| Refusal::over(Limit::TransfersPerRoom))?;
    peer.has_joined();
    Ok(Begun { asked, member, transfer, _place: place })
}

/// Serves a file's stream to its end.
pub(super) async fn run(peer: &Peer, begun: Begun<'_>, mut input: Input, mut output: Output) {
    let Begun { asked, mut member, mut transfer, _place } = begun;
    output.enter(asked.proof().room);
    output.yield_to_rooms();
    input.cap(MAX_BLOB_FRAME);
    let gauge = &peer.shared.metrics.transfers;
    gauge.inc();
    let mut stopping = peer.shared.stopping.subscribe();
    let end = match asked {
        Asked::Open(open) => {
            // The one before has put down its pen when this one has it.
            let pen = transfer.take_pen(HAND_OVER).await;
            let (receive, store) = (&mut input, &mut output);
            let work = async {
                let pen = pen.ok_or_else(|| StreamEnd::of(Code::Superseded))?;
                upload::run(peer, &mut member, pen, open, receive, store).await
            };
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => Err(StreamEnd::of(Code::ShuttingDown)),
                () = transfer.gone() => Err(StreamEnd::of(Code::NoBlob)),
                end = work => end,
            }
        }
        Asked::Get(get) => tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => Err(StreamEnd::of(Code::ShuttingDown)),
            () = transfer.gone() => Err(StreamEnd::of(Code::NoBlob)),
            end = download::run(peer, &mut member, &get, &mut output) => end,
        },
        Asked::Drop(drop) => discard(peer, &mut member, drop, &mut output).await,
    };
    gauge.dec();
    let end = end.err().unwrap_or_else(StreamEnd::done);
    input.stop(end.code);
    // Its end is not a transfer any more: who is told why has time to hear it.
    drop(transfer);
    output.end(end).await;
}

/// Deletes a blob.
async fn discard(
    peer: &Peer,
    member: &mut Member<'_>,
    drop: DropRequest,
    output: &mut Output,
) -> Result<(), StreamEnd> {
    member.check(true).await?;
    let DropRequest { proof: Proof { room, key, blob, .. }, shown } = drop;
    peer.shared.blobs.discard(Unwanted { room, blob, by: key, shown }).await?;
    Ok(output.frame(Frame::BlobDropped(BlobDropped {})).await?)
}

/// What the relay has of a blob.
fn have(row: &Row) -> Frame {
    Frame::BlobHave(BlobHave {
        size: row.layout.size(),
        parts: row.parts.to_bytes(),
        whole: row.parts.is_whole(),
        expires_ms: row.expires_ms,
    })
}

/// Waits until an address may send or fetch so many bytes more.
async fn pace(peer: &Peer, bytes: usize) {
    let kib = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX);
    let mut waited = false;
    loop {
        let taken = peer.shared.file_traffic().take_many(peer.payer, kib, Instant::now());
        let Err(over) = taken else { return };
        if !std::mem::replace(&mut waited, true) {
            peer.shared.metrics.limited_at(Limit::FileTraffic, peer.payer);
        }
        tokio::time::sleep(over.retry_after).await;
    }
}

/// Leave to hold parts of so many bytes.
async fn reserve<'a>(
    peer: &'a Peer,
    bytes: usize,
) -> Result<(tokio::sync::SemaphorePermit<'a>, tokio::sync::OwnedSemaphorePermit), StreamEnd> {
    let kib = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX);
    let share = peer.share.files_out.acquire_many(kib).await.map_err(|_| StreamEnd::done())?;
    let memory = Arc::clone(&peer.shared.files_out).acquire_many_owned(kib).await;
    Ok((share, memory.map_err(|_| StreamEnd::done())?))
}

impl From<BlobError> for StreamEnd {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::NoBlob => Self::of(Code::NoBlob),
            BlobError::Conflict => Self::of(Code::Conflict),
            BlobError::NotAllowed => Self::of(Code::NotAllowed),
            BlobError::Over(limit, retry_after) => Refusal { retry_after, ..Refusal::over(limit) }.into(),
            BlobError::Damaged => Refusal::over(Limit::Damaged).into(),
            BlobError::Unavailable => Self::of(Code::ShuttingDown),
        }
    }
}
