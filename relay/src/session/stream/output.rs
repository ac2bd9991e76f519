//! Frames to a client. How slow it reads is its own affair, unless it holds memory that others wait for.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use proto::{
    CloseCode, RoomId,
    blob::part_header,
    encode_frame,
    relay::{Refused, RelayFrame, refused::Limit as WireLimit, relay_frame::Frame},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit},
    time::timeout,
};

use super::end::StreamEnd;
use crate::{
    net::transport::{self, SendHalf},
    policy::{
        limits::{LARGE_FRAME, LARGE_FRAME_STALL, LAST_FRAME_TIME, frame_time},
        pool::Lease,
        refusal::Limit,
    },
    session::{peer::Peer, router::Refusal, shared::Shared},
};

/// Bytes handed to the transport at once.
const CHUNK: usize = 64 << 10;

/// The same where pace is counted: at the least rate one goes each second, and a look at the pace sees several.
const PACE_CHUNK: usize = 16 << 10;

/// A large frame is in memory twice while it is encoded.
const COPIES: usize = 2;

/// The sending half of a stream.
pub(super) struct Output {
    send: SendHalf,
    shared: Arc<Shared>,
    /// Whose: see `Peer::payer`.
    address: IpAddr,
    /// Where its noes are counted.
    room: Option<RoomId>,
    /// The memory of a large frame that is on its way.
    lease: Option<Lease>,
    /// A frame was begun and not finished: nothing can follow it.
    torn: bool,
    /// Its end is said.
    is_handed_over: bool,
}

/// Why nothing more can be sent.
#[derive(Debug)]
pub(super) enum SendStopped {
    /// The stream or its connection is closed.
    Closed,
    /// Too slow with a large frame.
    Stalled,
}

/// Leave to hold one part of a file.
pub(super) struct Reservation<'a> {
    share: SemaphorePermit<'a>,
    _memory: OwnedSemaphorePermit,
}

impl<'a> Reservation<'a> {
    /// Waits for leave to hold so many bytes: first of a client's share, then of what all have.
    pub(super) async fn of(
        share: &'a Semaphore,
        all: &Arc<Semaphore>,
        bytes: usize,
    ) -> Result<Self, SendStopped> {
        let kib = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX);
        let share = share.acquire_many(kib).await.map_err(|_| SendStopped::Closed)?;
        let memory = all.clone().acquire_many_owned(kib).await.map_err(|_| SendStopped::Closed)?;
        Ok(Self { share, _memory: memory })
    }

    /// Gives back what it has of what all have, and keeps the client's share.
    pub(super) fn share(self) -> SemaphorePermit<'a> {
        self.share
    }
}

impl Output {
    pub(super) fn new(send: SendHalf, peer: &Peer) -> Self {
        Self {
            send,
            shared: peer.shared.clone(),
            address: peer.payer,
            room: None,
            lease: None,
            torn: false,
            is_handed_over: false,
        }
    }

    /// Waits for leave to hold a frame of so many bytes.
    pub(super) async fn reserve(&self, bytes: usize) -> Lease {
        let kib = u32::try_from((bytes * COPIES).div_ceil(1 << 10)).unwrap_or(u32::MAX);
        self.shared.outgoing.take(self.address, kib).await
    }

    /// What the frames that follow hold, until it is given back.
    pub(super) fn hold(&mut self, lease: Option<Lease>) {
        self.lease = lease;
    }

    /// Sends one frame. Dropped half-way, the stream can only be reset.
    pub(super) fn frame(&mut self, frame: Frame) -> impl Future<Output = Result<(), SendStopped>> {
        // Before anything is waited for: else each idle stream would have room for a frame in parts.
        self.bytes(encode_frame(&RelayFrame { frame: Some(frame) }))
    }

    async fn bytes(&mut self, bytes: Vec<u8>) -> Result<(), SendStopped> {
        self.torn = true;
        if bytes.len() <= LARGE_FRAME {
            // It takes as long as it likes, and so it holds nothing that others wait for.
            self.lease = None;
            self.send.write_all(&bytes).await?;
        } else {
            let sent = timeout(frame_time(bytes.len()), self.large(&bytes))
                .await
                .unwrap_or(Err(SendStopped::Stalled));
            if matches!(sent, Err(SendStopped::Stalled)) {
                self.lease = None;
                self.shared.metrics.limited_at(Limit::SlowFrame, self.address);
            }
            sent?;
        }
        self.torn = false;
        Ok(())
    }

    /// A large frame: until it is there, or too slow, or others need its memory and it is the slowest.
    async fn large(&mut self, bytes: &[u8]) -> Result<(), SendStopped> {
        let (send, lease) = (&mut self.send, self.lease.as_ref());
        let write = async {
            for chunk in bytes.chunks(PACE_CHUNK) {
                let written = timeout(LARGE_FRAME_STALL, send.write_all(chunk)).await;
                written.map_err(|_| SendStopped::Stalled)??;
                if let Some(lease) = lease {
                    lease.moved(chunk.len());
                }
            }
            Ok(())
        };
        match lease {
            Some(lease) => tokio::select! {
                biased;
                written = write => written,
                () = lease.evicted() => Err(SendStopped::Stalled),
            },
            None => write.await,
        }
    }

    /// The same to a client that is given up after so long.
    pub(super) async fn frame_within(&mut self, time: Duration, frame: Frame) -> Result<(), SendStopped> {
        timeout(time, self.frame(frame)).await.map_err(|_| SendStopped::Stalled)?
    }

    /// Sends frames that many share. Few enough bytes that a client may take as long as it likes.
    pub(super) async fn shared(&mut self, frames: Bytes) -> Result<(), SendStopped> {
        self.torn = true;
        self.send.write_chunk(frames).await?;
        self.torn = false;
        Ok(())
    }

    /// Sends one part of a file, which is not copied: in so much time, and no longer than `stall` without progress.
    pub(super) async fn part(
        &mut self,
        number: u32,
        bytes: Bytes,
        time: Duration,
        stall: Duration,
    ) -> Result<(), SendStopped> {
        timeout(time, self.chunks(number, bytes, stall)).await.map_err(|_| SendStopped::Stalled)?
    }

    async fn chunks(&mut self, number: u32, mut bytes: Bytes, stall: Duration) -> Result<(), SendStopped> {
        self.torn = true;
        self.write_within(stall, part_header(number, bytes.len())).await?;
        while !bytes.is_empty() {
            let chunk = bytes.split_to(CHUNK.min(bytes.len()));
            self.write_within(stall, chunk).await?;
        }
        self.torn = false;
        Ok(())
    }

    async fn write_within(&mut self, stall: Duration, chunk: Bytes) -> Result<(), SendStopped> {
        let written = timeout(stall, self.send.write_chunk(chunk)).await;
        Ok(written.map_err(|_| SendStopped::Stalled)??)
    }

    /// From now on rooms go first.
    pub(super) fn yield_to_rooms(&mut self) {
        self.send.yield_to_rooms();
    }

    /// From now on it is of this room.
    pub(super) fn enter(&mut self, room: RoomId) {
        self.room = Some(room);
    }

    /// Says no. Each no for a limit is counted here, and nowhere else.
    pub(super) fn refuse(&mut self, refusal: Refusal) -> impl Future<Output = Result<(), SendStopped>> {
        if let Some(limit) = refusal.limit {
            self.shared.metrics.limited_at(limit, self.address);
        }
        if let Some(room) = &self.room {
            self.shared.router().count_no(room);
        }
        self.frame(refused(refusal))
    }

    /// Whether the last frame was left half-sent.
    pub(super) fn is_torn(&self) -> bool {
        self.torn
    }

    /// Nothing follows: waits until the client has all of it, for so long.
    pub(super) async fn hand_over(&mut self, time: Duration) -> Result<(), SendStopped> {
        self.is_handed_over = true;
        let all = async {
            self.send.finish().await?;
            self.send.taken().await
        };
        Ok(timeout(time, all).await.map_err(|_| SendStopped::Stalled)??)
    }

    /// Says why, if there is something to say, and ends the stream.
    pub(super) async fn end(&mut self, end: StreamEnd) {
        self.end_within(LAST_FRAME_TIME, end).await;
    }

    /// The same where the client has so long to hear it.
    pub(super) async fn end_within(&mut self, time: Duration, end: StreamEnd) {
        let code = end.code;
        if !matches!(timeout(time, self.say(end)).await, Ok(Ok(()))) {
            self.send.reset(code);
        }
    }

    async fn say(&mut self, end: StreamEnd) -> Result<(), SendStopped> {
        if self.torn {
            return Err(SendStopped::Closed);
        }
        if self.is_handed_over {
            return if end.code == CloseCode::Done { Ok(()) } else { Err(SendStopped::Closed) };
        }
        match end {
            StreamEnd { refusal: Some(refusal), .. } => self.refuse(refusal).await?,
            StreamEnd { code: CloseCode::Done, .. } => {}
            StreamEnd { .. } => return Err(SendStopped::Closed),
        }
        self.send.finish().await?;
        // Until the client has it all: closing the connection would throw away what is on its way.
        Ok(self.send.taken().await?)
    }
}

impl From<transport::StreamGone> for SendStopped {
    fn from(transport::StreamGone: transport::StreamGone) -> Self {
        Self::Closed
    }
}

/// A no as a frame.
fn refused(refusal: Refusal) -> Frame {
    Frame::Refused(Refused {
        id: refusal.id,
        code: refusal.code.into(),
        retry_after_ms: u64::try_from(refusal.retry_after.as_millis()).unwrap_or(u64::MAX),
        last_commit: refusal.last_commit,
        confirmed: refusal.confirmed,
        limit: refusal.limit.map_or(WireLimit::Unspecified, Limit::wire).into(),
        words: refusal.words.into(),
    })
}

impl From<SendStopped> for StreamEnd {
    fn from(gone: SendStopped) -> Self {
        match gone {
            SendStopped::Closed => Self::done(),
            SendStopped::Stalled => Self { refusal: None, code: CloseCode::TimedOut },
        }
    }
}
