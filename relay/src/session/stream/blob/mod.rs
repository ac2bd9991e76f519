//! A file's stream: who asks is proved as for a Join, and then it is sent, fetched or dropped.

mod download;
mod member;
mod upload;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use proto::{
    CloseCode,
    blob::{DropRequest, GetRequest, MAX_BLOB_FRAME, OpenRequest, Proof},
    relay::{BlobDropped, BlobHave, refused::Code, relay_frame::Frame},
};

use self::member::Member;
use super::{end::StreamEnd, input::Input, output::Output};
use crate::{
    blobs::{BlobError, Row, Transfer, Unwanted},
    policy::{limits::LAST_FRAME_TIME, refusal::Limit},
    session::{peer::Peer, router::Refusal, shared::Shared, streams::StreamPermit},
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

/// Whoever asked may.
pub(super) struct Begun<'a> {
    member: Member<'a>,
    work: Work<'a>,
}

/// What there is to do.
enum Work<'a> {
    Send(OpenRequest, Transferring<'a>),
    Fetch(GetRequest, Transferring<'a>),
    /// It carries nothing, and takes no place from what does.
    Drop(DropRequest),
}

/// A transfer, and its place on the connection.
struct Transferring<'a> {
    transfer: Transfer,
    _place: StreamPermit<'a>,
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

impl Work<'_> {
    fn proof(&self) -> &Proof {
        match self {
            Self::Send(open, _) => &open.proof,
            Self::Fetch(get, _) => &get.proof,
            Self::Drop(drop) => &drop.proof,
        }
    }
}

/// Proves who asks, and finds a place for what is to be carried.
pub(super) async fn begin<'a>(peer: &'a Peer, asked: Asked) -> Result<Begun<'a>, StreamEnd> {
    let shared = &peer.shared;
    peer.refund_join();
    let allowed = shared.file_requests().take(peer.payer, Instant::now());
    allowed.map_err(|over| Refusal::over(Limit::FileRequests).after(&over))?;
    let proof = asked.proof();
    let member = Member::admit(peer, proof).await?;
    let work = match asked {
        Asked::Open(open) => Work::Send(open, transferring(peer, &member)?),
        Asked::Get(get) => Work::Fetch(get, transferring(peer, &member)?),
        Asked::Drop(drop) => Work::Drop(drop),
    };
    peer.has_joined();
    Ok(Begun { member, work })
}

fn transferring<'a>(peer: &'a Peer, member: &Member<'_>) -> Result<Transferring<'a>, StreamEnd> {
    let place = peer.transfer().ok_or_else(|| Refusal::over(Limit::TransfersPerConnection))?;
    let (shared, Proof { room, blob, key, .. }) = (&peer.shared, member.proof());
    let transfer = shared.blobs.transfers.begin(*room, *blob, *key, &shared.limits().files);
    Ok(Transferring { transfer: transfer.map_err(Refusal::over)?, _place: place })
}

/// Serves a file's stream to its end.
pub(super) async fn run(peer: &Peer, begun: Begun<'_>, input: &mut Input, output: &mut Output) {
    let Begun { mut member, work } = begun;
    output.enter(work.proof().room);
    output.yield_to_rooms();
    input.cap(MAX_BLOB_FRAME);
    let counted = (!matches!(work, Work::Drop(_))).then(|| Counted::new(&peer.shared));
    let mut stopping = peer.shared.stopping.subscribe();
    let serve = async {
        match &work {
            Work::Send(open, Transferring { transfer, .. }) => {
                upload::run(peer, &mut member, transfer, open, input, output).await
            }
            Work::Fetch(get, Transferring { transfer, .. }) => {
                download::run(peer, &mut member, transfer, get, output).await
            }
            Work::Drop(drop) => discard(peer, &mut member, drop, output).await,
        }
    };
    // Who sends is told by the upload itself, which keeps what came.
    let sends = matches!(work, Work::Send(..));
    let end = tokio::select! {
        biased;
        _ = stopping.wait_for(|stopping| *stopping), if !sends => Err(StreamEnd::of(Code::ShuttingDown)),
        end = serve => end,
    };
    drop(counted);
    let end = end.err().unwrap_or_else(StreamEnd::done);
    if end.code == CloseCode::TimedOut {
        peer.shared.metrics.limited_at(Limit::TransferStall, peer.payer);
    }
    input.stop(end.code);
    // Its end is not a transfer any more: who is told why has time to hear it.
    drop(work);
    // A slow line hears it later than a relay may take to stop.
    let is_stopping = *stopping.borrow();
    let time = if is_stopping { LAST_FRAME_TIME } else { peer.shared.limits().files.stall };
    output.end_within(time, end).await;
}

/// A transfer in the metrics, however it ends.
struct Counted<'a>(&'a Shared);

impl<'a> Counted<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.metrics.transfers.inc();
        Self(shared)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.metrics.transfers.dec();
    }
}

/// Deletes a blob.
async fn discard(
    peer: &Peer,
    member: &mut Member<'_>,
    drop: &DropRequest,
    output: &mut Output,
) -> Result<(), StreamEnd> {
    member.check(true).await?;
    let DropRequest { proof: Proof { room, key, blob, .. }, shown } = drop;
    let unwanted = Unwanted { room: *room, blob: *blob, by: *key, shown: *shown };
    peer.shared.blobs.discard(unwanted).await?;
    let stall = peer.shared.limits().files.stall;
    Ok(output.frame_within(stall, Frame::BlobDropped(BlobDropped {})).await?)
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

/// How fast one file goes: as its address may send and fetch.
struct Pace<'a> {
    peer: &'a Peer,
    /// It was said that it has to wait. Who goes at the pace of a limit waits for each part, and that is one thing to be told.
    is_told: AtomicBool,
}

impl<'a> Pace<'a> {
    fn new(peer: &'a Peer) -> Self {
        Self { peer, is_told: AtomicBool::new(false) }
    }

    /// Waits until so many bytes more may go.
    async fn take(&self, bytes: usize) {
        let Peer { shared, payer, .. } = self.peer;
        let kib = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX);
        loop {
            let taken = shared.file_traffic().take_many(*payer, kib, Instant::now());
            let Err(over) = taken else { return };
            if !self.is_told.swap(true, Ordering::Relaxed) {
                shared.metrics.limited_at(Limit::FileTraffic, *payer);
            }
            tokio::time::sleep(over.retry_after).await;
        }
    }
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
