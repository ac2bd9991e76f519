//! A connection, for whoever opens and accepts streams on it.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use proto::{CloseCode, NONCE_LEN};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Mutex, Semaphore, mpsc, oneshot, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};

use crate::{
    driver::{Driver, Halves, Wanted},
    end::End,
    fragments::Counted,
    handshake::{self, HandshakeError},
    limits::{Rules, web_socket},
    socket::{Control, Socket},
    stream::StreamGone,
};

/// A connection. Clones share it; the last one dropped ends it without a word.
#[derive(Clone)]
pub struct Tunnel(Arc<Inner>);

struct Inner {
    control: Arc<Control>,
    places: Arc<Semaphore>,
    inbound: Mutex<mpsc::Receiver<Halves>>,
    wanted: mpsc::Sender<Wanted>,
    end: watch::Receiver<Option<End>>,
    driver: JoinHandle<()>,
}

impl Tunnel {
    /// The relay's end, on what an HTTP server upgraded after [`crate::answer`]. Inside a tokio runtime.
    pub async fn server<S>(upgraded: S, rules: Rules) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let counted = Counted::new(upgraded);
        let socket = WebSocketStream::from_raw_socket(counted, Role::Server, Some(web_socket())).await;
        Self::start(socket, rules, yamux::Mode::Server)
    }

    /// The same to a page, which hears a number first ([`crate::answer_page`]).
    pub async fn server_to_page<S>(upgraded: S, nonce: [u8; NONCE_LEN], rules: Rules) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let counted = Counted::new(upgraded);
        let mut socket = WebSocketStream::from_raw_socket(counted, Role::Server, Some(web_socket())).await;
        // One that takes nothing is as good as gone, and the driver finds it so.
        let first = socket.send(Message::Binary(Bytes::copy_from_slice(&nonce)));
        drop(timeout(rules.idle, first).await);
        Self::start(socket, rules, yamux::Mode::Server)
    }

    /// A page's end, for tests and for whoever looks whether pages are served: with the relay's number.
    ///
    /// # Errors
    /// [`HandshakeError`] when the other side does not speak this, or not to pages of this origin.
    pub async fn page<S>(
        secured: S,
        host: &str,
        origin: &str,
        rules: Rules,
    ) -> Result<(Self, [u8; NONCE_LEN]), HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut socket = handshake::ask_as_page(secured, host, origin).await?;
        let Some(Ok(Message::Binary(first))) = socket.next().await else {
            return Err(HandshakeError::Protocol);
        };
        let nonce = (&*first).try_into().map_err(|_| HandshakeError::Protocol)?;
        Ok((Self::start(socket, rules, yamux::Mode::Client), nonce))
    }

    /// A client's end, on a TLS connection to a relay that calls itself `host` (with its port).
    ///
    /// # Errors
    /// [`HandshakeError`] when the other side does not speak this.
    pub async fn client<S>(secured: S, host: &str, rules: Rules) -> Result<Self, HandshakeError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let socket = handshake::ask(secured, host).await?;
        Ok(Self::start(socket, rules, yamux::Mode::Client))
    }

    pub(crate) fn start<S>(socket: WebSocketStream<S>, rules: Rules, mode: yamux::Mode) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let config = rules.yamux();
        let (inbound, streams) = mpsc::channel(rules.streams.max(1));
        // Each request holds a place, so they are as few.
        let (wanted, requests) = mpsc::channel(rules.streams.max(1));
        let places = Arc::new(Semaphore::new(rules.streams));
        let control = Control::new(rules);
        let yamux = yamux::Connection::new(Socket::new(socket, control.clone()), config, mode);
        let (ended, end) = watch::channel(None);
        let driver =
            Driver { yamux, control: control.clone(), places: places.clone(), inbound, wanted: requests };
        let driver = tokio::spawn(async move {
            let how = driver.run().await;
            ended.send_replace(Some(how));
        });
        Self(Arc::new(Inner { control, places, inbound: Mutex::new(streams), wanted, end, driver }))
    }

    /// The next stream that the other side opens; `None` when the connection is gone. Cancel-safe.
    pub async fn accept(&self) -> Option<Halves> {
        self.0.inbound.lock().await.recv().await
    }

    /// Opens a stream. Waits while as many are open as may be. The other side learns of it by what is
    /// written first.
    ///
    /// # Errors
    /// [`StreamGone`] when the connection is.
    pub async fn open(&self) -> Result<Halves, StreamGone> {
        let mut end = self.0.end.clone();
        let place = tokio::select! {
            place = self.0.places.clone().acquire_owned() => place.map_err(|_| StreamGone)?,
            _ = end.wait_for(Option::is_some) => return Err(StreamGone),
        };
        let (reply, halves) = oneshot::channel();
        self.0.wanted.send(Wanted { place, reply }).await.map_err(|_| StreamGone)?;
        halves.await.map_err(|_| StreamGone)
    }

    /// Ends the connection and all its streams. The other side hears why, if it listens.
    pub fn close(&self, code: CloseCode) {
        self.0.control.close(code);
    }

    /// Whether it ended because the other side sent more than the [`Rules`] let it: unread bytes, streams, a frame's length.
    pub fn overran(&self) -> bool {
        self.0.control.overran()
    }

    /// Waits for the end.
    pub async fn closed(&self) -> End {
        let mut end = self.0.end.clone();
        let end = end.wait_for(Option::is_some).await;
        end.ok().and_then(|end| *end).unwrap_or(End::Lost)
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tunnel")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
