//! A WebSocket as a stream of bytes, with what yamux cannot say: signs of life, and why it ends.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Sink, Stream, task::AtomicWaker};
use proto::CloseCode;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Notify,
    time::Instant,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        protocol::{CloseFrame, frame::coding},
    },
};

use crate::{
    fragments,
    headers::{GO_AWAY, Headers},
    ledger::Ledger,
    limits::{CLOSE_BASE, GOODBYE_MESSAGES, MESSAGE, Rules},
};

/// What the socket's owner and the tunnel's handles say to each other.
pub(crate) struct Control {
    pub rules: Rules,
    ledger: Mutex<Ledger>,
    state: Mutex<State>,
    /// The task that runs the connection.
    driver: AtomicWaker,
    closes: Notify,
}

#[derive(Debug)]
struct State {
    heard: Instant,
    ping: bool,
    /// Why we end it; the first reason stays.
    closing: Option<CloseCode>,
    /// The other side ended it, and said why or not.
    ended: Option<Option<CloseCode>>,
    /// The other side sent more than it may.
    overran: bool,
}

impl Control {
    pub(crate) fn new(rules: Rules) -> Arc<Self> {
        let state = State { heard: Instant::now(), ping: false, closing: None, ended: None, overran: false };
        Arc::new(Self {
            rules,
            ledger: Mutex::default(),
            state: Mutex::new(state),
            driver: AtomicWaker::new(),
            closes: Notify::new(),
        })
    }

    /// Ends the connection; the other side is told why.
    pub(crate) fn close(&self, code: CloseCode) {
        self.state().closing.get_or_insert(code);
        self.closes.notify_one();
        self.driver.wake();
    }

    /// Resolves once we end it; for the driver alone.
    pub(crate) async fn closes(&self) {
        self.closes.notified().await;
    }

    /// Why we end it, if we do.
    pub(crate) fn closing(&self) -> Option<CloseCode> {
        self.state().closing
    }

    /// Why the other side ended it, if it did.
    pub(crate) fn ended(&self) -> Option<Option<CloseCode>> {
        self.state().ended
    }

    /// Whether the other side sent more than it may.
    pub(crate) fn overran(&self) -> bool {
        self.state().overran
    }

    /// Asks for a sign of life.
    pub(crate) fn ping(&self) {
        self.state().ping = true;
        self.driver.wake();
    }

    /// When the other side was last heard of.
    pub(crate) fn heard(&self) -> Instant {
        self.state().heard
    }

    /// The ledger; never held across an await.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn came(&self, bytes: &[u8]) -> Result<(), CloseCode> {
        if bytes.is_empty() {
            return self.ledger().came_idle();
        }
        let Rules { unread, unread_by_strangers, known, .. } = &self.rules;
        let cap = if known.load(Ordering::Relaxed) { *unread } else { *unread_by_strangers };
        self.ledger().came(bytes, cap, self.rules.yamux_streams())
    }
}

/// The bytes in a WebSocket's binary messages, whose borders mean nothing.
pub(crate) struct Socket<S> {
    messages: WebSocketStream<S>,
    control: Arc<Control>,
    /// Came, and was not taken yet: at most one message.
    inbox: Bytes,
    /// Was written, and is not on its way yet: at most one message.
    outbox: BytesMut,
    /// What yamux writes, to notice when it gives up.
    written: Headers,
    /// The close frame is on its way.
    has_closed: bool,
    /// Messages that came after it.
    late: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(crate) fn new(messages: WebSocketStream<S>, control: Arc<Control>) -> Self {
        let written = Headers::default();
        Self {
            messages,
            control,
            inbox: Bytes::new(),
            outbox: BytesMut::new(),
            written,
            has_closed: false,
            late: 0,
        }
    }

    /// Fills the inbox; false at the end.
    fn poll_inbox(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        while self.inbox.is_empty() {
            if self.control.closing().is_some() {
                return self.poll_goodbye(cx).map(|()| false);
            }
            let message = ready!(Pin::new(&mut self.messages).poll_next(cx));
            self.control.state().heard = Instant::now();
            let code = match message {
                Some(Ok(Message::Binary(bytes))) => match self.control.came(&bytes) {
                    Ok(()) => {
                        self.inbox = bytes;
                        continue;
                    }
                    Err(code) => {
                        self.control.state().overran = true;
                        code
                    }
                },
                // Pongs are sent by the library.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => match self.control.ledger().came_idle() {
                    Ok(()) => continue,
                    Err(code) => {
                        self.control.state().overran = true;
                        code
                    }
                },
                Some(Ok(Message::Close(frame))) => {
                    self.control.state().ended = Some(frame.and_then(|frame| code_of(frame.code)));
                    // The answer is queued by the library; whoever closes does not need it to know.
                    let _ = Pin::new(&mut self.messages).poll_flush(cx);
                    return Poll::Ready(false);
                }
                Some(Ok(Message::Text(_) | Message::Frame(_)) | Err(Error::Protocol(_) | Error::Utf8(_))) => {
                    CloseCode::Malformed
                }
                Some(Err(Error::Capacity(_))) => CloseCode::TooLarge,
                Some(Err(Error::Io(error))) if fragments::is_too_many(&error) => {
                    self.control.state().overran = true;
                    CloseCode::TooMany
                }
                Some(Err(_)) | None => return Poll::Ready(false),
            };
            self.control.close(code);
        }
        Poll::Ready(true)
    }

    /// Says why, and waits until the other side has answered or is gone. What it still sends is thrown away, for a while.
    fn poll_goodbye(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.has_closed {
            if ready!(Pin::new(&mut self.messages).poll_ready(cx)).is_err() {
                return Poll::Ready(());
            }
            let code = self.control.closing().unwrap_or(CloseCode::Done);
            let code = coding::CloseCode::from(number_of(code));
            let frame = Message::Close(Some(CloseFrame { code, reason: "".into() }));
            self.has_closed = true;
            if Pin::new(&mut self.messages).start_send(frame).is_err() {
                return Poll::Ready(());
            }
        }
        if ready!(Pin::new(&mut self.messages).poll_flush(cx)).is_err() {
            return Poll::Ready(());
        }
        while let Some(Ok(message)) = ready!(Pin::new(&mut self.messages).poll_next(cx)) {
            self.late += 1;
            if message.is_close() || self.late > GOODBYE_MESSAGES {
                break;
            }
        }
        Poll::Ready(())
    }

    /// Yamux answers what breaks its rules by a frame that ends the connection, and then goes on reading. It is ended
    /// here, so that nobody can have one such answer after another.
    fn watch(&mut self, mut bytes: &[u8]) {
        while let Some(header) = self.written.next(&mut bytes) {
            if header.kind == GO_AWAY && header.length != 0 {
                self.control.close(CloseCode::Malformed);
            }
        }
    }

    fn poll_ping(&mut self, cx: &mut Context<'_>) {
        // While the last message is still on its way, the other side has enough to answer.
        if self.control.state().ping && Pin::new(&mut self.messages).poll_ready(cx).is_ready() {
            self.control.state().ping = false;
            // An error comes up at the next use.
            let _ = Pin::new(&mut self.messages).start_send(Message::Ping(Bytes::new()));
            let _ = Pin::new(&mut self.messages).poll_flush(cx);
        }
    }

    fn poll_outbox(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.messages).poll_ready(cx)).map_err(io::Error::other)?;
        let message = Message::Binary(self.outbox.split().freeze());
        Poll::Ready(Pin::new(&mut self.messages).start_send(message).map_err(io::Error::other))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> futures_util::AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.control.driver.register(cx.waker());
        self.poll_ping(cx);
        if !ready!(self.poll_inbox(cx)) {
            return Poll::Ready(Ok(0));
        }
        let count = self.inbox.len().min(buffer.len());
        self.inbox.copy_to_slice(buffer.get_mut(..count).unwrap_or_default());
        Poll::Ready(Ok(count))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> futures_util::AsyncWrite for Socket<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.control.driver.register(cx.waker());
        if self.control.closing().is_some() {
            // Sends the goodbye although yamux may not come to reading any more.
            ready!(self.poll_goodbye(cx));
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.outbox.len() >= MESSAGE {
            ready!(self.poll_outbox(cx))?;
        }
        let count = bytes.len().min(MESSAGE - self.outbox.len().min(MESSAGE));
        let taken = bytes.get(..count).unwrap_or_default();
        self.outbox.extend_from_slice(taken);
        self.watch(taken);
        self.control.ledger().sent(count);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.outbox.is_empty() {
            ready!(self.poll_outbox(cx))?;
        }
        Pin::new(&mut self.messages).poll_flush(cx).map_err(io::Error::other)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

fn number_of(code: CloseCode) -> u16 {
    CLOSE_BASE.saturating_add(u16::try_from(code.value()).unwrap_or_default())
}

fn code_of(code: coding::CloseCode) -> Option<CloseCode> {
    u16::from(code).checked_sub(CLOSE_BASE).and_then(|code| CloseCode::from_value(code.into()))
}
