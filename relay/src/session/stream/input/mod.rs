//! Frames from a client: bounded in size before they are read, in memory while they are, and in time.

mod large;

use std::{net::IpAddr, sync::Arc, time::Duration};

use proto::{FrameError, FrameReader, MAX_COMMIT_FRAME, PublishId, relay::ClientFrame};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::{
    log::Memory,
    net::transport::RecvHalf,
    policy::{
        limits::{FRAME_TIME, LARGE_FRAME_STALL, MAX_FIRST_FRAME},
        pool::Pool,
    },
};

/// Greatest chunk taken from the transport at once, in bytes.
const CHUNK: usize = 64 << 10;

/// Bytes before each frame.
const LENGTH: usize = 4;

/// The receiving half of a stream.
pub(super) struct Input {
    recv: RecvHalf,
    reader: FrameReader,
    cap: usize,
}

/// Why there is no further frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum InputError {
    /// Over the cap.
    TooLarge,
    /// No protobuf, or an end in the middle of a frame.
    Malformed,
    /// Too slow.
    TimedOut,
    /// There was no memory for a large frame, or others needed it more. Between two frames it was read past, and which publish
    /// it was is known, if it was one.
    NoMemory { id: Option<PublishId> },
    /// The stream or its connection is gone.
    Gone,
}

/// Where the memory for a large frame comes from.
pub(super) struct Budget<'a> {
    /// Frames over this many bytes need some.
    pub above: usize,
    /// How many KiB at first.
    pub step_kib: u32,
    /// Of which pool.
    pub pool: &'a Arc<Pool>,
    /// Whose: see `Peer::payer`.
    pub address: IpAddr,
    /// How long memory is waited for in all.
    pub patience: Duration,
}

/// Where that for a part of a file does; both count KiB.
pub(super) struct FileBudget<'a> {
    /// Frames over this many bytes need some.
    pub above: usize,
    /// The share of the client's address.
    pub share: &'a Semaphore,
    /// The relay's store.
    pub store: &'a Arc<Semaphore>,
}

impl Input {
    pub(super) fn new(recv: RecvHalf) -> Self {
        Self { recv, reader: FrameReader::new(MAX_FIRST_FRAME), cap: MAX_FIRST_FRAME }
    }

    /// The first frame of a stream: soon, and small unless it opens a room. A stranger who stops in the middle of
    /// one holds memory that others wait for, so he has no longer for his next bytes than for his first.
    pub(super) async fn first(
        &mut self,
        soon: Duration,
        budget: &Budget<'_>,
    ) -> Result<(ClientFrame, Memory), InputError> {
        let length = timeout(soon, self.length()).await.map_err(|_| InputError::TimedOut)??;
        let length = length.ok_or(InputError::Gone)?;
        let frame = self.leased(length, budget, soon, soon).await?;
        self.cap(MAX_COMMIT_FRAME);
        Ok(frame)
    }

    /// The next frame with the memory it holds; `None` at the client's orderly end.
    pub(super) async fn next(
        &mut self,
        budget: &Budget<'_>,
    ) -> Result<Option<(ClientFrame, Memory)>, InputError> {
        let Some(length) = self.length().await? else { return Ok(None) };
        match self.leased(length, budget, FRAME_TIME, LARGE_FRAME_STALL).await {
            Err(InputError::NoMemory { .. }) => {
                Err(InputError::NoMemory { id: Box::pin(self.skip()).await? })
            }
            frame => frame.map(Some),
        }
    }

    /// The body of a frame: in `time` if it is small, and at the least rate if it is not, with no longer pause than `stall`.
    async fn leased(
        &mut self,
        length: usize,
        budget: &Budget<'_>,
        time: Duration,
        stall: Duration,
    ) -> Result<(ClientFrame, Memory), InputError> {
        if length <= budget.above {
            return timeout(time, self.held_body(false, Memory::default(), time))
                .await
                .map_err(|_| InputError::TimedOut)?;
        }
        // Apart: who is between two frames does not keep room for it.
        Box::pin(self.large(length, budget, stall)).await
    }

    /// The same where a client that says nothing for so long is given up, and one whose frame takes longer than `time`.
    /// Waiting for memory takes none of it: those who have it have no longer.
    pub(super) async fn next_within(
        &mut self,
        idle: Duration,
        time: Duration,
        budget: &FileBudget<'_>,
    ) -> Result<Option<(ClientFrame, Memory)>, InputError> {
        let length = timeout(idle, self.length()).await.map_err(|_| InputError::TimedOut)??;
        let Some(length) = length else { return Ok(None) };
        let held = self.hold(length, budget).await?;
        let (share, memory) = held.unzip();
        let body = timeout(time, self.held_body(share.is_some(), memory.unwrap_or_default(), idle)).await;
        drop(share);
        body.map_err(|_| InputError::TimedOut)?.map(Some)
    }

    /// From now on no frame is over so many bytes. Between two frames.
    pub(super) fn cap(&mut self, cap: usize) {
        self.cap = cap;
        self.reader = FrameReader::new(cap);
    }

    /// Stops the client's half with a code, if it is still open.
    pub(super) fn stop(&mut self, code: proto::CloseCode) {
        self.recv.stop(code);
    }

    /// Waits for a frame to announce itself; `None` at the end of the stream.
    async fn length(&mut self) -> Result<Option<usize>, InputError> {
        // Between frames the reader is empty, so what it wants now is the length, and after that the body.
        let mut missing = self.reader.wanted()?;
        let whole = missing;
        while missing > 0 {
            match self.fill(missing).await? {
                0 if missing == whole => return Ok(None),
                0 => return Err(InputError::Malformed),
                got => missing -= got,
            }
        }
        Ok(Some(self.reader.wanted()?))
    }

    /// Waits for leave to hold a frame, if it is a large one.
    async fn hold<'b>(
        &mut self,
        length: usize,
        budget: &FileBudget<'b>,
    ) -> Result<Option<(SemaphorePermit<'b>, Memory)>, InputError> {
        if length <= budget.above {
            return Ok(None);
        }
        let kib = kib(length);
        let share = budget.share.acquire_many(kib).await.map_err(|_| InputError::Gone)?;
        let permit = budget.store.clone().acquire_many_owned(kib).await;
        self.reader.reserve();
        Ok(Some((share, permit.map_err(|_| InputError::Gone)?.into())))
    }

    /// The body of a frame whose memory is there, if it is a large one.
    async fn held_body(
        &mut self,
        large: bool,
        memory: Memory,
        stall: Duration,
    ) -> Result<(ClientFrame, Memory), InputError> {
        loop {
            if large && let Some(frame) = self.reader.take_frame::<ClientFrame>()? {
                // The buffer, which grew with the frame, is the frame's.
                self.reader = FrameReader::new(self.cap);
                return Ok((frame, memory));
            }
            if !large && let Some(frame) = self.reader.next_frame::<ClientFrame>()? {
                return Ok((frame, memory));
            }
            let wanted = self.reader.wanted()?;
            let stall = if large { stall } else { FRAME_TIME };
            if timeout(stall, self.fill(wanted)).await.map_err(|_| InputError::TimedOut)?? == 0 {
                return Err(InputError::Malformed);
            }
        }
    }

    /// Adds some bytes and says how many, 0 at the end. Never takes more than the frame wants, so nothing
    /// of the next frame is ever in the buffer.
    async fn fill(&mut self, wanted: usize) -> Result<usize, InputError> {
        let chunk = self.recv.read_chunk(wanted.min(CHUNK)).await.map_err(|_| InputError::Gone)?;
        let Some(chunk) = chunk else { return Ok(0) };
        self.reader.push(&chunk);
        Ok(chunk.len())
    }
}

fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX)
}

impl From<FrameError> for InputError {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::TooLong { .. } => Self::TooLarge,
            FrameError::Malformed => Self::Malformed,
        }
    }
}
