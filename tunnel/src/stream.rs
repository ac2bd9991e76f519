//! One stream's halves.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::ready,
};

use bytes::Bytes;
use futures_util::{AsyncWrite, Stream};
use tokio::sync::OwnedSemaphorePermit;

use crate::socket::Control;

/// The stream or its connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream is gone")]
pub struct StreamGone;

/// The sending half of a stream. A stream whose halves are dropped before the end is broken off.
pub struct SendHalf(Arc<Shared>);

/// The receiving half of a stream.
pub struct RecvHalf {
    shared: Arc<Shared>,
    /// The rest of one frame, and how long that was.
    frame: Bytes,
    length: usize,
}

struct Shared {
    stream: Mutex<yamux::Stream>,
    id: u32,
    control: Arc<Control>,
    /// Our half has ended in order.
    has_ended: AtomicBool,
    /// Its place among the streams that may be open.
    _place: OwnedSemaphorePermit,
}

impl SendHalf {
    /// Takes what fits of the bytes, at least one. Cancel-safe.
    ///
    /// # Errors
    /// [`StreamGone`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<usize, StreamGone> {
        poll_fn(|cx| Pin::new(&mut *self.0.stream()).poll_write(cx, bytes)).await.map_err(|_| StreamGone)
    }

    /// Takes all of the bytes. Dropped half-way, a part is taken.
    ///
    /// # Errors
    /// [`StreamGone`].
    pub async fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), StreamGone> {
        while !bytes.is_empty() {
            let written = self.write(bytes).await?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    /// Ends the half in order.
    ///
    /// # Errors
    /// [`StreamGone`].
    pub async fn finish(&mut self) -> Result<(), StreamGone> {
        poll_fn(|cx| Pin::new(&mut *self.0.stream()).poll_close(cx)).await.map_err(|_| StreamGone)?;
        self.0.has_ended.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Waits until the other side has ended its half as well. What it sends until then is thrown away, so the
    /// receiving half is of no use afterwards.
    pub async fn ended(&mut self) {
        while let Some(frame) = self.0.frame().await {
            self.0.control.ledger().read(self.0.id, frame.as_ref().len());
        }
    }
}

impl RecvHalf {
    /// What has come, at most `max` bytes; `None` at the other side's orderly end. Cancel-safe.
    ///
    /// # Errors
    /// [`StreamGone`].
    pub async fn read_chunk(&mut self, max: usize) -> Result<Option<Bytes>, StreamGone> {
        while self.frame.is_empty() {
            let Some(frame) = self.shared.frame().await else {
                return if self.shared.is_broken() { Err(StreamGone) } else { Ok(None) };
            };
            self.length = frame.as_ref().len();
            self.frame = Bytes::from_owner(frame);
        }
        let chunk = self.frame.split_to(max.min(self.frame.len()));
        if self.frame.is_empty() {
            self.shared.control.ledger().read(self.shared.id, self.length);
        }
        Ok(Some(chunk))
    }
}

/// Both halves of a stream. It is in the ledger already.
pub(crate) fn halves(
    stream: yamux::Stream,
    control: Arc<Control>,
    place: OwnedSemaphorePermit,
) -> (SendHalf, RecvHalf) {
    let id = stream.id().val();
    let shared =
        Arc::new(Shared { stream: stream.into(), id, control, has_ended: false.into(), _place: place });
    (SendHalf(shared.clone()), RecvHalf { shared, frame: Bytes::new(), length: 0 })
}

impl Shared {
    fn stream(&self) -> MutexGuard<'_, yamux::Stream> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The payload of the next frame; `None` at the end, of whatever kind.
    async fn frame(&self) -> Option<yamux::Packet> {
        poll_fn(|cx| {
            let frame = ready!(Pin::new(&mut *self.stream()).poll_next(cx));
            frame.and_then(Result::ok).into()
        })
        .await
    }

    /// Broken off, or the connection is gone. Once our half has ended, yamux does not tell that from an end in
    /// order any more.
    fn is_broken(&self) -> bool {
        self.stream().is_closed() && !self.has_ended.load(Ordering::Relaxed)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.control.ledger().dropped(self.id);
    }
}
