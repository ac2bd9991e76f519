//! QUIC limits of a client, set rather than defaulted. A relay can make us hold at most
//! [`CONNECTION_WINDOW`] bytes that we have not read.

use std::{sync::Arc, time::Duration};

use quinn::{TransportConfig, VarInt};

/// How long a silent connection lives, in milliseconds: long enough for a change of network.
const IDLE_TIMEOUT_MS: u32 = 30_000;

/// How often a quiet connection says something, in seconds: routers forget a UDP binding after 30
/// seconds (RFC 4787, 4.3 asks for two minutes; many do not care), so three tries fit.
const KEEP_ALIVE_S: u64 = 10;

/// What a round trip is thought to take before one was seen, in milliseconds. The first packet is sent again after
/// three times this (RFC 9002, 6.2.2), which by the default of 333 ms is a second: long when a relay restarts or a
/// packet is lost, and on slower ways it costs one packet more.
const INITIAL_RTT_MS: u64 = 100;

/// Unread bytes of one room's stream: a catch-up batch of some hundred envelopes.
const STREAM_WINDOW: u32 = 1 << 20;

/// Unread bytes of one connection: several rooms catch up at once.
const CONNECTION_WINDOW: u32 = 8 << 20;

/// Bytes sent and not yet acknowledged: a commit frame of a big room fits.
const SEND_WINDOW: u64 = 16 << 20;

/// Bytes of datagrams waiting, each way: a second of typing signals; dropped when full.
const DATAGRAM_BUFFER: usize = 64 << 10;

/// The client's transport configuration.
pub(super) fn transport_config() -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config
        // The relay opens no streams towards a client.
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_idle_timeout(Some(VarInt::from_u32(IDLE_TIMEOUT_MS).into()))
        .initial_rtt(Duration::from_millis(INITIAL_RTT_MS))
        .keep_alive_interval(Some(Duration::from_secs(KEEP_ALIVE_S)))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(SEND_WINDOW)
        .datagram_receive_buffer_size(Some(DATAGRAM_BUFFER))
        .datagram_send_buffer_size(DATAGRAM_BUFFER);
    Arc::new(config)
}
