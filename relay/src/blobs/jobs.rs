//! Work for the thread that changes the index, and where its answer goes.

use proto::{
    BlobId, PublicKey, RoomId,
    blob::{DropHash, Layout},
};
use tokio::sync::oneshot;

use super::{
    error::BlobError,
    row::{OpenerBytes, Row},
};

/// A blob that somebody wants to send.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub room: RoomId,
    pub blob: BlobId,
    pub sender: PublicKey,
    pub opener: OpenerBytes,
    pub layout: Layout,
    /// Seconds for which it is wanted.
    pub keep_s: Option<u64>,
    pub drop_hash: Option<DropHash>,
    /// Unix milliseconds.
    pub now_ms: u64,
}

/// Parts that are on disk by now.
#[derive(Debug)]
pub(super) struct Added {
    pub room: RoomId,
    pub blob: BlobId,
    /// Of its file.
    pub number: u64,
    /// Each with its sum.
    pub parts: Vec<(u32, u32)>,
    pub now_ms: u64,
}

/// A blob that somebody wants to be gone.
#[derive(Clone, Debug)]
pub(crate) struct Unwanted {
    pub room: RoomId,
    pub blob: BlobId,
    /// Who says so.
    pub by: PublicKey,
    /// What was shown.
    pub shown: Option<DropHash>,
}

/// Work for the thread, each with where its answer goes.
pub(super) enum Job {
    Open(Box<Wanted>, oneshot::Sender<Result<Row, BlobError>>),
    Add(Added, oneshot::Sender<Result<Row, BlobError>>),
    Drop(Unwanted, oneshot::Sender<Result<(), BlobError>>),
    /// Rooms that are no more. Answers whether there is more to do.
    DropRooms(Vec<RoomId>, oneshot::Sender<bool>),
    /// What is over its time, at this one (Unix milliseconds), and with `true` what is over its bounds. Answers whether there is
    /// more to do.
    Purge(u64, bool, oneshot::Sender<bool>),
}

/// The answer to a job. Waits for the transaction.
pub(super) enum Settled {
    Row(Result<Row, BlobError>),
    Done(Result<(), BlobError>),
    More(bool),
}

impl Job {
    /// Says what came of it.
    pub(super) fn answer(self, settled: Settled) {
        // Nobody waits when the connection is gone.
        match (self, settled) {
            (Self::Open(_, answer) | Self::Add(_, answer), Settled::Row(row)) => drop(answer.send(row)),
            (Self::Drop(_, answer), Settled::Done(done)) => drop(answer.send(done)),
            (Self::DropRooms(_, answer) | Self::Purge(_, _, answer), Settled::More(more)) => {
                let _ = answer.send(more);
            }
            (job, _) => job.fail(BlobError::Unavailable),
        }
    }

    /// Says why nothing came of it.
    pub(super) fn fail(self, why: BlobError) {
        match self {
            Self::Open(_, answer) | Self::Add(_, answer) => drop(answer.send(Err(why))),
            Self::Drop(_, answer) => drop(answer.send(Err(why))),
            Self::DropRooms(_, answer) | Self::Purge(_, _, answer) => {
                let _ = answer.send(false);
            }
        }
    }
}
