//! A backup while the relay runs: `relay backup`.

use std::{
    io::{self, Write},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::{runtime::Handle, sync::mpsc, time::timeout};

use super::{Admin, Reply, Request};
use crate::{backup, clock::unix_ms};

/// Pieces on their way to the command; when so many wait, reading the log waits as well. A quarter of a MiB each.
const QUEUE: usize = 4;

/// Time for the command to take one piece. Longer, and the space that the log's old pages take would grow for
/// somebody who has gone.
const STALL: Duration = Duration::from_secs(60);

/// `GET /v1/backup`, or `/v1/backup?files=1` with files of rooms: the backup's bytes as they are made. One that fails half-way
/// has no end.
pub(super) fn stream(admin: &Admin, request: &Request) -> Reply {
    let shelf = request.query("files").map(|_| admin.shared.blobs.shelf());
    let (pieces, waiting) = mpsc::channel(QUEUE);
    let (backend, data_dir) = (admin.backend.clone(), admin.data_dir.clone());
    tokio::task::spawn_blocking(move || {
        let pipe = Pipe { pieces: pieces.clone(), runtime: Handle::current() };
        match backup::write_with(shelf.as_ref(), &*backend, &data_dir, unix_ms(), pipe) {
            Ok(summary) => tracing::info!(rooms = summary.rooms, entries = summary.entries, "backed up"),
            Err(error) => {
                tracing::warn!(%error, "a backup failed");
                // Nobody listens any more, or they learn it from the missing end.
                let _ = pieces.try_send(Err(io::Error::other(error)));
            }
        }
    });
    let pieces = stream::unfold(waiting, |mut waiting: mpsc::Receiver<io::Result<Bytes>>| async {
        let piece = waiting.recv().await?;
        Some((piece.map(Frame::data), waiting))
    });
    Reply::stream("application/octet-stream", BodyExt::boxed(StreamBody::new(pieces)))
}

/// A blocking writer into a queue.
struct Pipe {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Bytes::copy_from_slice(bytes);
        match self.runtime.block_on(timeout(STALL, self.pieces.send(Ok(piece)))) {
            Ok(Ok(())) => Ok(bytes.len()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
