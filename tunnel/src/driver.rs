//! The task that runs a connection: yamux does nothing by itself.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Semaphore, mpsc, oneshot},
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    end::End,
    limits::GOODBYE,
    socket::{Control, Socket},
    stream::{RecvHalf, SendHalf, halves},
};

/// A stream's two halves.
pub(crate) type Halves = (SendHalf, RecvHalf);

/// Somebody who wants a stream opened; the place for it is taken already.
pub(crate) struct Wanted {
    pub place: tokio::sync::OwnedSemaphorePermit,
    pub reply: oneshot::Sender<Halves>,
}

pub(crate) struct Driver<S> {
    pub yamux: yamux::Connection<Socket<S>>,
    pub control: Arc<Control>,
    pub places: Arc<Semaphore>,
    /// Streams that the other side opened; as many as there are places.
    pub inbound: mpsc::Sender<Halves>,
    pub wanted: mpsc::Receiver<Wanted>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    /// Runs the connection to its end.
    pub(crate) async fn run(mut self) -> End {
        let control = self.control.clone();
        let mut look = interval(control.rules.keep_alive.min(control.rules.idle / 3));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let goodbye = async {
            control.closes().await;
            sleep(GOODBYE).await;
        };
        tokio::pin!(goodbye);
        loop {
            tokio::select! {
                () = poll_fn(|cx| self.pump(cx)) => break,
                () = &mut goodbye => break,
                _ = look.tick() => {
                    if control.heard().elapsed() >= control.rules.idle {
                        return End::Silent;
                    }
                    control.ping();
                }
            }
        }
        match (control.ended(), control.closing()) {
            (Some(code), _) => End::Peer(code),
            (None, Some(_)) => End::Ours,
            (None, None) => End::Lost,
        }
    }

    /// Does all that can be done now; ready when the connection is over.
    fn pump(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.yamux.poll_next_inbound(cx) {
                Poll::Ready(Some(Ok(stream))) => {
                    let id = stream.id().val();
                    match self.places.clone().try_acquire_owned() {
                        // Full or closed: nobody takes streams here. Dropped, it is broken off.
                        Ok(place) => {
                            drop(self.inbound.try_send(halves(stream, self.control.clone(), place)));
                        }
                        Err(_) => self.control.ledger().dropped(id),
                    }
                    continue;
                }
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            let Poll::Ready(Some(Wanted { place, reply })) = self.wanted.poll_recv(cx) else {
                return Poll::Pending;
            };
            match self.yamux.poll_new_outbound(cx) {
                Poll::Ready(Ok(stream)) => {
                    self.control.ledger().opened(stream.id().val());
                    // Whoever wanted it may be gone.
                    let _ = reply.send(halves(stream, self.control.clone(), place));
                }
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                // Too many that the other side has not acknowledged: whoever wanted it tries again.
                Poll::Pending => {}
            }
        }
    }
}
