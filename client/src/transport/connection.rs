//! A connection to a relay and its streams, whatever carries them.

use std::{net::SocketAddr, time::Duration};

use bytes::{Buf as _, Bytes};
use proto::{CHANNEL_BINDING_LABEL, CHANNEL_BINDING_LEN, CloseCode};
use quinn::{ConnectionError, ReadError, WriteError};
use tunnel::{End, Tunnel};

use super::StreamError;

/// What carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Carrier {
    /// QUIC over UDP.
    Quic,
    /// A WebSocket over TLS over TCP, because UDP does not get through.
    Tcp,
}

impl Carrier {
    /// The name that programs see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quic => "quic",
            Self::Tcp => "tcp",
        }
    }
}

/// A connection whose handshake is complete. Clones share it.
#[derive(Clone, Debug)]
pub enum Connection {
    /// QUIC.
    Quic(quinn::Connection),
    /// The fallback.
    Tcp(TcpConnection),
}

/// What the fallback remembers of the layers below.
#[derive(Clone, Debug)]
pub struct TcpConnection {
    pub(super) tunnel: Tunnel,
    pub(super) binding: [u8; CHANNEL_BINDING_LEN],
    pub(super) remote: SocketAddr,
}

/// How much was said on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Talk {
    /// Packets to the relay, those that only acknowledge included.
    pub sent: u64,
    /// Packets from the relay.
    pub heard: u64,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Ended {
    /// The relay closed it, with a code if this version knows it.
    Told(#[serde(with = "crate::codec::close_code")] Option<CloseCode>),
    /// We closed it.
    Ours,
    /// Nothing was heard for too long.
    Silent,
    /// Anything else.
    Lost,
}

impl Connection {
    /// What carries it.
    pub fn carrier(&self) -> Carrier {
        match self {
            Self::Quic(_) => Carrier::Quic,
            Self::Tcp(_) => Carrier::Tcp,
        }
    }

    /// Where the relay is.
    pub fn remote_address(&self) -> SocketAddr {
        match self {
            Self::Quic(connection) => connection.remote_address(),
            Self::Tcp(connection) => connection.remote,
        }
    }

    /// To the relay and back, where the carrier measures it.
    pub fn round_trip(&self) -> Option<Duration> {
        match self {
            Self::Quic(connection) => Some(connection.rtt()),
            Self::Tcp(_) => None,
        }
    }

    /// What was sent and what was heard, counted up; where the carrier does not look after silence itself.
    pub fn talk(&self) -> Option<Talk> {
        match self {
            Self::Quic(connection) => {
                let stats = connection.stats();
                Some(Talk { sent: stats.udp_tx.datagrams, heard: stats.udp_rx.datagrams })
            }
            Self::Tcp(_) => None,
        }
    }

    /// Ends it with a code.
    pub fn close(&self, code: CloseCode) {
        match self {
            Self::Quic(connection) => connection.close(code.value().into(), b""),
            Self::Tcp(connection) => connection.tunnel.close(code),
        }
    }

    /// Waits for its end.
    pub async fn closed(&self) -> Ended {
        match self {
            Self::Quic(connection) => match connection.closed().await {
                ConnectionError::ApplicationClosed(close) => {
                    Ended::Told(CloseCode::from_value(close.error_code.into_inner()))
                }
                ConnectionError::LocallyClosed => Ended::Ours,
                ConnectionError::TimedOut => Ended::Silent,
                _ => Ended::Lost,
            },
            Self::Tcp(connection) => match connection.tunnel.closed().await {
                End::Peer(code) => Ended::Told(code),
                End::Ours => Ended::Ours,
                End::Silent => Ended::Silent,
                End::Lost => Ended::Lost,
            },
        }
    }

    /// What ties a Join's signature to it: the TLS exporter (RFC 9266 is the idea).
    pub(super) fn binding(&self) -> Option<[u8; CHANNEL_BINDING_LEN]> {
        match self {
            Self::Quic(connection) => {
                let mut binding = [0; CHANNEL_BINDING_LEN];
                connection.export_keying_material(&mut binding, CHANNEL_BINDING_LABEL, b"").ok()?;
                Some(binding)
            }
            Self::Tcp(connection) => Some(connection.binding),
        }
    }

    /// Opens a stream; waits while as many are open as may be.
    pub(super) async fn open(&self) -> Result<(SendHalf, RecvHalf), StreamError> {
        match self {
            Self::Quic(connection) => {
                let (send, recv) = connection.open_bi().await.map_err(|_| StreamError::Lost)?;
                Ok((SendHalf::Quic(send), RecvHalf::Quic(recv)))
            }
            Self::Tcp(connection) => {
                let (send, recv) = connection.tunnel.open().await.map_err(|_| StreamError::Lost)?;
                Ok((SendHalf::Tcp(send), RecvHalf::Tcp(recv)))
            }
        }
    }
}

/// Our sending half of a stream.
pub(super) enum SendHalf {
    Quic(quinn::SendStream),
    Tcp(tunnel::SendHalf),
}

impl SendHalf {
    /// Writes a part. Cancel-safe.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<usize, StreamError> {
        match self {
            Self::Quic(send) => send.write(bytes).await.map_err(|error| lost(&error)),
            Self::Tcp(send) => send.write(bytes).await.map_err(|_| StreamError::Lost),
        }
    }

    /// Writes some of these bytes, which are not copied, and takes them away from them. Cancel-safe.
    pub(super) async fn write_some(&mut self, bytes: &mut Bytes) -> Result<(), StreamError> {
        match self {
            Self::Quic(send) => {
                let written = send.write_chunks(std::slice::from_mut(bytes)).await;
                written.map(|_| ()).map_err(|error| lost(&error))
            }
            Self::Tcp(send) => {
                let written = send.write(bytes).await.map_err(|_| StreamError::Lost)?;
                bytes.advance(written.min(bytes.len()));
                Ok(())
            }
        }
    }

    /// Others go first.
    pub(super) fn lower_priority(&self) {
        match self {
            // Fails only when the stream has ended already. Rooms have 0.
            Self::Quic(send) => drop(send.set_priority(-1)),
            // Has no such thing; what is under way there at once is bounded.
            Self::Tcp(_) => {}
        }
    }

    /// Writes all of it and ends the half. For a goodbye: errors do not matter any more.
    pub(super) async fn finish(&mut self, bytes: &[u8]) {
        match self {
            Self::Quic(send) => {
                let _ = send.write_all(bytes).await;
                let _ = send.finish();
            }
            Self::Tcp(send) => {
                let _ = send.write_all(bytes).await;
                let _ = send.finish().await;
            }
        }
    }
}

fn lost(error: &WriteError) -> StreamError {
    match error {
        WriteError::Stopped(code) => StreamError::Closed(CloseCode::from_value(code.into_inner())),
        _ => StreamError::Lost,
    }
}

/// Our receiving half of a stream.
pub(super) enum RecvHalf {
    Quic(quinn::RecvStream),
    Tcp(tunnel::RecvHalf),
}

impl RecvHalf {
    /// What has come, at most `max` bytes; `None` at the relay's orderly end. Cancel-safe.
    pub(super) async fn read_chunk(&mut self, max: usize) -> Result<Option<Bytes>, StreamError> {
        match self {
            Self::Quic(recv) => match recv.read_chunk(max, true).await {
                Ok(chunk) => Ok(chunk.map(|chunk| chunk.bytes)),
                Err(ReadError::Reset(code)) => {
                    Err(StreamError::Closed(CloseCode::from_value(code.into_inner())))
                }
                Err(_) => Err(StreamError::Lost),
            },
            Self::Tcp(recv) => recv.read_chunk(max).await.map_err(|_| StreamError::Lost),
        }
    }

    /// Takes nothing more.
    pub(super) fn stop(&mut self) {
        match self {
            // Fails only when it has ended already.
            Self::Quic(recv) => drop(recv.stop(CloseCode::Done.value().into())),
            // Being dropped says it.
            Self::Tcp(_) => {}
        }
    }
}
