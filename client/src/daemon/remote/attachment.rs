//! One connection to a daemon: a task that reads, one that writes, and one that hands events on.

use tokio::{
    io::{AsyncWriteExt, ReadHalf},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use zeroize::Zeroizing;

use super::{garbled, gone};
use crate::{
    daemon::{
        Attachable, HELLO, MAX_DOWN, MAX_UP, frame,
        place::Stream,
        wire::{Attach, Down, Snapshot, Up},
    },
    reason::{DaemonReason, Reason},
};

/// Frames that wait to be written, or to be looked at.
const FRAMES: usize = 32;

/// A connection that was attached.
pub(super) struct Attachment {
    /// What the daemon says; ends with the connection.
    pub(super) down: mpsc::Receiver<Down>,
    pub(super) up: Writer,
    reader: JoinHandle<()>,
}

/// The daemon's state, and where the events of each room begin.
pub(super) type First = (Snapshot, Vec<(String, u64)>);

/// Writes frames.
#[derive(Clone)]
pub(super) struct Writer(mpsc::Sender<Zeroizing<Vec<u8>>>);

impl Attachment {
    /// Attaches, and waits for what a face has to know first; with it comes where the events of each room begin. What
    /// happens after this is among them.
    pub(super) async fn open(daemon: Attachable, attach: &Attach) -> Result<(Self, First), Reason> {
        let (read, mut write) = tokio::io::split(daemon.0);
        let frame = frame::encode(&Up::Attach(attach.clone()), MAX_UP).map_err(|_| too_long())?;
        write.write_all(&frame).await.map_err(|_| gone())?;
        let (sender, mut down) = mpsc::channel(FRAMES);
        let reader = tokio::spawn(read_frames(read, sender));
        let first = timeout(HELLO, first(&mut down)).await.unwrap_or_else(|_| Err(gone()))?;
        let (sender, mut frames) = mpsc::channel::<Zeroizing<Vec<u8>>>(FRAMES);
        tokio::spawn(async move {
            while let Some(frame) = frames.recv().await {
                if write.write_all(&frame).await.is_err() {
                    return;
                }
            }
            let _ = write.shutdown().await;
        });
        Ok((Self { down, up: Writer(sender), reader }, first))
    }
}

async fn first(down: &mut mpsc::Receiver<Down>) -> Result<First, Reason> {
    let mut snapshot = None;
    loop {
        match (down.recv().await, snapshot.take()) {
            (Some(Down::Snapshot(newer)), _) => snapshot = Some(*newer),
            (Some(Down::From(rooms)), Some(snapshot)) => return Ok((snapshot, rooms)),
            (Some(Down::Bye(reason)), _) => return Err(reason),
            (None, _) => return Err(gone()),
            _ => return Err(garbled()),
        }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Writer {
    /// Queues a frame; waits while many wait. What is lost with the connection is noticed there.
    pub(super) async fn send(&self, up: &Up) -> Result<(), Reason> {
        let frame = frame::encode(up, MAX_UP).map_err(|_| too_long())?;
        self.0.send(frame).await.map_err(|_| gone())
    }

    /// The same, if there is room.
    pub(super) fn try_send(&self, up: &Up) {
        if let Ok(frame) = frame::encode(up, MAX_UP) {
            // The daemon does more than it has to.
            let _ = self.0.try_send(frame);
        }
    }
}

async fn read_frames(mut read: ReadHalf<Stream>, down: mpsc::Sender<Down>) {
    while let Ok(Some(frame)) = frame::read(&mut read, MAX_DOWN).await {
        if down.send(frame).await.is_err() {
            return;
        }
    }
}

fn too_long() -> Reason {
    DaemonReason::LongQuestion.into()
}
