//! Limits of a client's connections, set rather than defaulted. A relay can make us hold at most
//! [`CONNECTION_WINDOW`] bytes that we have not read; over TCP, [`TCP_UNREAD`].

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use quinn::{TransportConfig, VarInt};

/// How long a silent connection lives, in milliseconds: long enough for a change of network.
const IDLE_TIMEOUT_MS: u32 = 30_000;

/// How often a quiet connection says something, in seconds: routers forget a UDP binding after 30
/// seconds (RFC 4787, 4.3 asks for two minutes; many do not care), so three tries fit.
const KEEP_ALIVE_S: u64 = 10;

/// Unread bytes of one room's stream: a catch-up batch of some hundred envelopes.
const STREAM_WINDOW: u32 = 1 << 20;

/// Unread bytes of one connection: several rooms catch up at once.
const CONNECTION_WINDOW: u32 = 8 << 20;

/// Bytes sent and not yet acknowledged: a commit frame of a big room fits.
const SEND_WINDOW: u64 = 16 << 20;

/// Bytes of datagrams waiting, each way: a second of typing signals; dropped when full.
const DATAGRAM_BUFFER: usize = 64 << 10;

/// The round trip to a relay that nothing is known of yet, in milliseconds: what is lost of a handshake is sent again
/// after three of them. The usual 333 would make a relay that was away for a moment away for a second.
const FIRST_RTT_MS: u64 = 100;

/// TCP: streams at once; a profile has no more rooms.
const TCP_STREAMS: usize = 64;

/// TCP: unread bytes of one connection: each stream's window, which yamux does not let be smaller, at its fullest.
const TCP_UNREAD: usize = TCP_STREAMS * (256 << 10) + (1 << 20);

/// The client's QUIC configuration.
pub(super) fn transport_config() -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config
        // The relay opens no streams towards a client.
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_idle_timeout(Some(VarInt::from_u32(IDLE_TIMEOUT_MS).into()))
        .keep_alive_interval(Some(Duration::from_secs(KEEP_ALIVE_S)))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(SEND_WINDOW)
        .initial_rtt(Duration::from_millis(FIRST_RTT_MS))
        .datagram_receive_buffer_size(Some(DATAGRAM_BUFFER))
        .datagram_send_buffer_size(DATAGRAM_BUFFER);
    Arc::new(config)
}

/// The client's end of the fallback. The times are those of QUIC.
pub(super) fn tunnel() -> tunnel::Rules {
    tunnel::Rules {
        streams: TCP_STREAMS,
        unread: TCP_UNREAD,
        unread_by_strangers: TCP_UNREAD,
        known: Arc::new(AtomicBool::new(true)),
        idle: Duration::from_millis(IDLE_TIMEOUT_MS.into()),
        keep_alive: Duration::from_secs(KEEP_ALIVE_S),
    }
}
