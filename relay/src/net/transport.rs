//! What a connection and its streams are to the rest of the relay, whatever carries them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use proto::CloseCode;
use quinn::VarInt;
use tunnel::Tunnel;
#[cfg(feature = "program")]
use web_transport_quinn::Session;

use crate::policy::{files::TRANSFER_WINDOW, limits::Limits};

/// QUIC's priority of a file's stream; rooms have 0, and a greater one goes first.
const TRANSFER_PRIORITY: i32 = -1;

/// A connection of a client; its handshake is complete.
pub(crate) enum Connection {
    /// QUIC over UDP.
    Quic(quinn::Connection),
    /// A WebSocket over TLS over TCP.
    Tcp(Guest),
    /// A page's session over QUIC.
    #[cfg(feature = "program")]
    Web(Box<Session>),
}

/// What the fallback needs of a client that was let in.
pub(crate) struct Guest {
    /// What carries it, for the log.
    carrier: &'static str,
    tunnel: Tunnel,
    known: Arc<AtomicBool>,
}

/// The relay's sending half of a stream.
pub(crate) enum SendHalf {
    /// A QUIC stream.
    Quic(quinn::SendStream),
    /// A stream in a WebSocket.
    Tcp(tunnel::SendHalf),
    /// A page's stream over QUIC.
    #[cfg(feature = "program")]
    Web(web_transport_quinn::SendStream),
}

/// The relay's receiving half of a stream.
pub(crate) enum RecvHalf {
    /// A QUIC stream.
    Quic(quinn::RecvStream),
    /// A stream in a WebSocket.
    Tcp(tunnel::RecvHalf),
    /// A page's stream over QUIC.
    #[cfg(feature = "program")]
    Web(web_transport_quinn::RecvStream),
}

/// The stream or its connection is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamGone;

impl Connection {
    /// What carries it, for the log.
    pub(crate) fn carrier(&self) -> &'static str {
        match self {
            Self::Quic(_) => "quic",
            Self::Tcp(guest) => guest.carrier,
            #[cfg(feature = "program")]
            Self::Web(_) => "webtransport",
        }
    }

    /// The next stream that the client opens; `None` when the connection is gone. Cancel-safe.
    pub(crate) async fn accept(&self) -> Option<(SendHalf, RecvHalf)> {
        match self {
            Self::Quic(connection) => {
                let (send, recv) = connection.accept_bi().await.ok()?;
                Some((SendHalf::Quic(send), RecvHalf::Quic(recv)))
            }
            Self::Tcp(guest) => {
                let (send, recv) = guest.tunnel().accept().await?;
                Some((SendHalf::Tcp(send), RecvHalf::Tcp(recv)))
            }
            #[cfg(feature = "program")]
            Self::Web(session) => {
                let (send, recv) = session.accept_bi().await.ok()?;
                Some((SendHalf::Web(send), RecvHalf::Web(recv)))
            }
        }
    }

    /// Returns when it is gone. Cancel-safe.
    pub(crate) async fn closed(&self) {
        match self {
            Self::Quic(connection) => drop(connection.closed().await),
            Self::Tcp(guest) => drop(guest.tunnel().closed().await),
            #[cfg(feature = "program")]
            Self::Web(session) => drop(session.closed().await),
        }
    }

    /// It has joined a room: it gets the windows that a member may have. Before, it had what a stranger gets.
    pub(crate) fn welcome(&self, limits: &Limits) {
        if let Self::Tcp(guest) = self {
            guest.welcome();
        }
        if let Some(connection) = self.quic() {
            connection.set_receive_window(VarInt::from_u32(limits.connection_window));
        }
    }

    /// It may have so many streams at once. Over TCP the tunnel has its own bound.
    pub(crate) fn grant(&self, streams: u32) {
        if let Some(connection) = self.quic() {
            // A page's session is a stream itself.
            let all = if matches!(self, Self::Quic(_)) { streams } else { streams.saturating_add(1) };
            connection.set_max_concurrent_bi_streams(VarInt::from_u32(all));
        }
    }

    /// So many transfers are on their way: what is held of them, both ways, comes on top of what there is for rooms, so
    /// that no room waits for a window that a file has filled. Over TCP each stream has a window of its own and no more.
    pub(crate) fn make_room(&self, limits: &Limits, transfers: u32) {
        if let Some(connection) = self.quic() {
            let more = transfers.saturating_mul(limits.stream_window);
            let window = limits.connection_window.saturating_add(more).min(u32::MAX >> 2);
            connection.set_receive_window(VarInt::from_u32(window));
            let more = u64::from(transfers) * u64::from(TRANSFER_WINDOW);
            connection.set_send_window(u64::from(limits.send_window) + more);
        }
    }

    /// Ends all streams at once and says why.
    pub(crate) fn close(&self, code: CloseCode) {
        match self {
            Self::Quic(connection) => connection.close(code.value().into(), b""),
            Self::Tcp(guest) => guest.tunnel().close(code),
            #[cfg(feature = "program")]
            Self::Web(session) => session.close(code.value(), b""),
        }
    }

    /// The connection below, where it is of QUIC.
    fn quic(&self) -> Option<&quinn::Connection> {
        match self {
            Self::Quic(connection) => Some(connection),
            Self::Tcp(_) => None,
            #[cfg(feature = "program")]
            Self::Web(session) => Some(session),
        }
    }
}

impl Guest {
    /// `known` is what the tunnel's bounds go by.
    pub(crate) fn new(carrier: &'static str, tunnel: Tunnel, known: Arc<AtomicBool>) -> Self {
        Self { carrier, tunnel, known }
    }

    /// The connection itself.
    pub(crate) fn tunnel(&self) -> &Tunnel {
        &self.tunnel
    }

    /// It has joined a room: more of what it sends may wait to be read.
    pub(crate) fn welcome(&self) {
        self.known.store(true, Ordering::Relaxed);
    }
}

impl SendHalf {
    /// Waits until all of it is taken. Dropped half-way, a part is.
    pub(crate) async fn write_all(&mut self, bytes: &[u8]) -> Result<(), StreamGone> {
        match self {
            Self::Quic(send) => send.write_all(bytes).await.map_err(|_| StreamGone),
            Self::Tcp(send) => send.write_all(bytes).await.map_err(|_| StreamGone),
            #[cfg(feature = "program")]
            Self::Web(send) => send.write_all(bytes).await.map_err(|_| StreamGone),
        }
    }

    /// The same without copying where the transport can share: over QUIC the bytes are held until the client has them.
    pub(crate) async fn write_chunk(&mut self, bytes: Bytes) -> Result<(), StreamGone> {
        match self {
            Self::Quic(send) => send.write_chunk(bytes).await.map_err(|_| StreamGone),
            Self::Tcp(send) => send.write_all(&bytes).await.map_err(|_| StreamGone),
            #[cfg(feature = "program")]
            Self::Web(send) => send.write_chunk(bytes).await.map_err(|_| StreamGone),
        }
    }

    /// Ends the half in order.
    pub(crate) async fn finish(&mut self) -> Result<(), StreamGone> {
        match self {
            Self::Quic(send) => send.finish().map_err(|_| StreamGone),
            Self::Tcp(send) => send.finish().await.map_err(|_| StreamGone),
            #[cfg(feature = "program")]
            Self::Web(send) => send.finish().map_err(|_| StreamGone),
        }
    }

    /// Waits until the client has all that was written before the end. Over TCP nothing tells but its own end,
    /// and what it still sends is thrown away.
    pub(crate) async fn taken(&mut self) -> Result<(), StreamGone> {
        match self {
            Self::Quic(send) => send.stopped().await.map(|_| ()).map_err(|_| StreamGone),
            Self::Tcp(send) => {
                send.ended().await;
                Ok(())
            }
            #[cfg(feature = "program")]
            Self::Web(send) => send.stopped().await.map(|_| ()).map_err(|_| StreamGone),
        }
    }

    /// From now on what other streams have to say goes first. Over TCP streams take turns, a small frame each.
    pub(crate) fn yield_to_rooms(&mut self) {
        match self {
            // Fails only when it has ended already.
            Self::Quic(send) => drop(send.set_priority(TRANSFER_PRIORITY)),
            Self::Tcp(_) => {}
            #[cfg(feature = "program")]
            Self::Web(send) => drop(send.set_priority(TRANSFER_PRIORITY)),
        }
    }

    /// Breaks the half off. Does nothing when it has ended already.
    pub(crate) fn reset(&mut self, code: CloseCode) {
        match self {
            // Fails only when it has ended already.
            Self::Quic(send) => drop(send.reset(code.value().into())),
            // Being dropped is all there is.
            Self::Tcp(_) => {}
            #[cfg(feature = "program")]
            Self::Web(send) => drop(send.reset(code.value())),
        }
    }
}

impl RecvHalf {
    /// What has come, at most `max` bytes; `None` at the client's orderly end. Cancel-safe.
    pub(crate) async fn read_chunk(&mut self, max: usize) -> Result<Option<Bytes>, StreamGone> {
        match self {
            Self::Quic(recv) => {
                let chunk = recv.read_chunk(max, true).await.map_err(|_| StreamGone)?;
                Ok(chunk.map(|chunk| chunk.bytes))
            }
            Self::Tcp(recv) => recv.read_chunk(max).await.map_err(|_| StreamGone),
            #[cfg(feature = "program")]
            Self::Web(recv) => {
                let chunk = recv.read_chunk(max, true).await.map_err(|_| StreamGone)?;
                Ok(chunk.map(|chunk| chunk.bytes))
            }
        }
    }

    /// Takes nothing more. Does nothing when the half has ended already.
    pub(crate) fn stop(&mut self, code: CloseCode) {
        match self {
            // Fails only when it has ended already.
            Self::Quic(recv) => drop(recv.stop(code.value().into())),
            Self::Tcp(_) => {}
            #[cfg(feature = "program")]
            // Firefox throws away what has come for the page, once it is told this. Being dropped says it as well, behind the
            // last frame.
            Self::Web(_) => {}
        }
    }
}
