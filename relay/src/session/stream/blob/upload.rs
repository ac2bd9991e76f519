//! A file is sent: parts are received, written to their places, made durable in steps, and acknowledged.
//!
//! ```text
//! receive ─▶ one part ─▶ write it, and its mark ─▶ 16 MiB or a second ─▶ fdatasync, index ─▶ BlobHave
//! ```
//!
//! The next part is received when the one before is written: of what came whole, a relay that is killed has lost one part.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use proto::{
    blob::{Layout, OpenRequest, Proof},
    relay::{BlobPart, refused::Code},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until, timeout},
};

use super::{
    super::{
        end::StreamEnd,
        input::{FileBudget, Input},
        output::Output,
    },
    Pace, have,
    member::Member,
};
use crate::{
    blobs::{BlobError, Draft, Pen, Row, Transfer, Wanted, payer},
    log::Memory,
    policy::{
        files::{FileLimits, HAND_OVER, PARTS_UNDER_WAY, SYNC_BYTES, SYNC_TIME, UNKEPT_PARTS},
        limits::{LARGE_FRAME, LAST_FRAME_TIME},
    },
    session::{peer::Peer, request::Request, shared::Shared},
};

/// A part that has come.
struct Arrived {
    number: u32,
    bytes: Bytes,
    /// What it holds of the memory for parts.
    memory: Memory,
    /// Given back when it is written: then the next one may come.
    turn: OwnedSemaphorePermit,
}

/// Serves it to the end.
pub(super) async fn run(
    peer: &Peer,
    member: &mut Member<'_>,
    transfer: &Transfer,
    open: &OpenRequest,
    input: &mut Input,
    output: &mut Output,
) -> Result<(), StreamEnd> {
    member.check(true).await?;
    let shared = &peer.shared;
    let &OpenRequest { proof: Proof { room, key, blob, .. }, layout, keep_s, drop_hash } = open;
    let opener = shared.log.opener(room).await.map_err(|_| StreamEnd::of(Code::ShuttingDown))?;
    let opener = opener.map_or_else(|| payer(&room), |opener| opener.bytes());
    let now_ms = shared.clock.now_ms();
    let wanted = Wanted { room, blob, sender: key, opener, layout, keep_s, drop_hash, now_ms };
    // Nobody is superseded by whoever may not send it.
    let number = shared.blobs.claim(wanted.clone()).await?.number;
    let pen = tokio::select! {
        biased;
        () = transfer.gone(number) => return Err(StreamEnd::of(Code::NoBlob)),
        // The one before has put down its pen when this one has it.
        pen = transfer.take_pen(HAND_OVER) => pen,
    };
    let mut pen = pen.ok_or_else(|| StreamEnd::of(Code::Superseded))?;
    let draft = shared.blobs.open_blob(wanted, &pen).await?;
    let (number, is_whole) = (draft.row.number, draft.row.parts.is_whole());
    if transfer.is_gone(number) {
        // Dropped since it was claimed, perhaps before its file was made.
        shared.blobs.discard_file(number).await?;
        return Err(StreamEnd::of(Code::NoBlob));
    }
    output.frame_within(shared.limits().files.stall, have(&draft.row)).await?;
    if is_whole {
        return Ok(());
    }
    let (parts, arrived) = mpsc::channel(1);
    let mut store = Store::new(shared.clone(), draft);
    let received = receive(peer, layout, input, parts);
    let stored = store.run(member, &mut pen, arrived, output);
    tokio::pin!(stored);
    // So that it can be ended before the other half is.
    let mut received = Box::pin(received);
    let mut stopping = shared.stopping.subscribe();
    let end = tokio::select! {
        biased;
        // What is lent by it is no thing to wait with.
        () = async { drop(stopping.wait_for(|stopping| *stopping).await) } => {
            drop(received);
            // Nothing more comes. What came is kept, if the disk is quick enough for a relay that stops.
            let _ = timeout(LAST_FRAME_TIME, stored).await;
            Err(StreamEnd::of(Code::ShuttingDown))
        }
        () = transfer.gone(number) => Err(StreamEnd::of(Code::NoBlob)),
        end = &mut stored => end,
        // What came is kept, whatever came behind it.
        end = &mut received => stored.await.and(end),
    };
    end
}

/// Reads parts, one at a time, and hands them over. `Ok` at the client's orderly end.
async fn receive(
    peer: &Peer,
    layout: Layout,
    input: &mut Input,
    parts: mpsc::Sender<Arrived>,
) -> Result<(), StreamEnd> {
    let shared = &peer.shared;
    let budget = FileBudget { above: LARGE_FRAME, share: &peer.share.files_in, store: &shared.files_in };
    let turns = Arc::new(Semaphore::new(PARTS_UNDER_WAY));
    let (pace, mut owed) = (Pace::new(peer), 0);
    loop {
        let turn = turns.clone().acquire_owned().await.map_err(|_| StreamEnd::done())?;
        // Before there is memory for the next one: who waits for his turn keeps no memory from others.
        pace.take(owed).await;
        let FileLimits { stall, part_time, .. } = shared.limits().files;
        let (frame, memory) = match input.next_within(stall, part_time, &budget).await {
            Ok(Some(next)) => next,
            Ok(None) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let Ok(Request::BlobPart(BlobPart { number, bytes })) = Request::try_from(frame) else {
            return Err(StreamEnd::of(Code::Malformed));
        };
        if layout.length(number) != Some(bytes.len()) {
            return Err(StreamEnd::of(Code::Malformed));
        }
        owed = bytes.len();
        shared.metrics.file_bytes_in.inc_by(bytes.len() as u64);
        tracing::trace!("a part of a file came");
        if parts.send(Arrived { number, bytes, memory, turn }).await.is_err() {
            // The other half has ended, and says why.
            return std::future::pending().await;
        }
    }
}

/// What is on its way to the disk.
struct Store {
    shared: Arc<Shared>,
    draft: Arc<Draft>,
    /// As it is on disk.
    row: Row,
    /// Parts that have come and are not on disk for good.
    pending: HashSet<u32>,
    writes: JoinSet<Result<(u32, u32, u64), BlobError>>,
    /// Parts that were written, with their sums.
    written: Vec<(u32, u32)>,
    /// Bytes of these.
    bytes: u64,
    /// When they are made durable at the latest.
    due: Instant,
    /// At most one.
    syncs: JoinSet<Result<Row, BlobError>>,
}

impl Store {
    fn new(shared: Arc<Shared>, draft: Draft) -> Self {
        Self {
            shared,
            row: draft.row.clone(),
            draft: Arc::new(draft),
            pending: HashSet::new(),
            writes: JoinSet::new(),
            written: Vec::new(),
            bytes: 0,
            due: Instant::now(),
            syncs: JoinSet::new(),
        }
    }

    /// Until it is whole, or nothing more comes. Nothing is on its way to the file when this returns.
    async fn run(
        &mut self,
        member: &mut Member<'_>,
        pen: &mut Pen,
        mut arrived: mpsc::Receiver<Arrived>,
        output: &mut Output,
    ) -> Result<(), StreamEnd> {
        let end = self.work(member, pen, &mut arrived, output).await;
        // What was written is kept, whatever came between: who comes again does not send it once more.
        while let Some(written) = self.writes.join_next().await {
            // Why it ended is said already.
            let _ = self.wrote(written);
        }
        while let Some(row) = self.syncs.join_next().await {
            let _ = self.kept(row);
        }
        if !self.written.is_empty() {
            self.keep();
            while self.syncs.join_next().await.is_some() {}
        }
        end
    }

    async fn work(
        &mut self,
        member: &mut Member<'_>,
        pen: &mut Pen,
        arrived: &mut mpsc::Receiver<Arrived>,
        output: &mut Output,
    ) -> Result<(), StreamEnd> {
        let mut is_over = false;
        loop {
            if self.is_to_be_kept(is_over) {
                self.keep();
            }
            if is_over && self.pending.is_empty() {
                return Ok(());
            }
            tokio::select! {
                biased;
                () = pen.superseded() => {
                    // What came whole is written, so that the newer sender need not send it.
                    if let Ok(part) = arrived.try_recv() {
                        self.take(part).await?;
                    }
                    return Err(StreamEnd::of(Code::Superseded));
                }
                () = member.changed() => member.check(true).await?,
                Some(written) = self.writes.join_next() => self.wrote(written)?,
                Some(row) = self.syncs.join_next() => {
                    self.kept(row)?;
                    output.frame_within(self.shared.limits().files.stall, have(&self.row)).await?;
                    if self.row.parts.is_whole() {
                        return Ok(());
                    }
                }
                part = arrived.recv(), if !is_over && self.pending.len() < UNKEPT_PARTS => match part {
                    Some(part) => self.take(part).await?,
                    None => is_over = true,
                },
                () = sleep_until(self.due), if !self.written.is_empty() && self.syncs.is_empty() => self.keep(),
            }
        }
    }

    /// One part has come.
    async fn take(&mut self, part: Arrived) -> Result<(), StreamEnd> {
        let Arrived { number, bytes, memory, turn } = part;
        if self.row.parts.has(number) || self.pending.contains(&number) {
            // It may be on its way to the file itself.
            while let Some(written) = self.writes.join_next().await {
                self.wrote(written)?;
            }
            return match self.shared.blobs.is_same(&self.draft, number, bytes).await? {
                true => Ok(()),
                false => Err(StreamEnd::of(Code::Conflict)),
            };
        }
        self.pending.insert(number);
        let (shared, draft) = (self.shared.clone(), self.draft.clone());
        self.writes.spawn(async move {
            let length = bytes.len() as u64;
            let sum = shared.blobs.write(&draft, number, bytes).await;
            drop((memory, turn));
            Ok((number, sum?, length))
        });
        Ok(())
    }

    fn wrote(
        &mut self,
        written: Result<Result<(u32, u32, u64), BlobError>, JoinError>,
    ) -> Result<(), StreamEnd> {
        let (number, sum, length) = written.unwrap_or(Err(BlobError::Unavailable))?;
        if self.written.is_empty() {
            self.due = Instant::now() + SYNC_TIME;
        }
        self.written.push((number, sum));
        self.bytes += length;
        Ok(())
    }

    /// Whether what was written is to be made durable without waiting for more.
    fn is_to_be_kept(&self, is_over: bool) -> bool {
        let all = self.row.parts.count() as usize + self.pending.len() == self.row.layout.parts() as usize;
        let nothing_comes = (is_over || all) && self.writes.is_empty();
        // Of a file of which nothing was kept what a crash leaves goes soon, with its row: the first part waits for no others.
        let is_first = self.row.parts.count() == 0;
        let is_due = is_first || self.bytes >= SYNC_BYTES || nothing_comes;
        self.syncs.is_empty() && !self.written.is_empty() && is_due
    }

    fn keep(&mut self) {
        let (shared, draft) = (self.shared.clone(), self.draft.clone());
        let (parts, now_ms) = (std::mem::take(&mut self.written), self.shared.clock.now_ms());
        self.bytes = 0;
        self.syncs.spawn(async move { shared.blobs.keep(&draft, parts, now_ms).await });
    }

    fn kept(&mut self, row: Result<Result<Row, BlobError>, JoinError>) -> Result<(), StreamEnd> {
        self.row = row.unwrap_or(Err(BlobError::Unavailable))?;
        let row = &self.row;
        self.pending.retain(|number| !row.parts.has(*number));
        Ok(())
    }
}
