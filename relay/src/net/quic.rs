//! QUIC settings and the endpoint they make. Nothing is left at quinn's defaults that bounds memory.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    sync::Arc,
};

#[cfg(feature = "program")]
use quinn::BloomTokenLog;
use quinn::{
    IdleTimeout, Runtime as _, ServerConfig, TransportConfig, ValidationTokenConfig, VarInt,
    crypto::rustls::QuicServerConfig,
};
use socket2::{Socket, Type};

#[cfg(feature = "program")]
use crate::net::proxy::Unwrapping;
#[cfg(feature = "program")]
use crate::policy::limits::{TOKEN_LOG, TOKENS};
use crate::{
    net::{networks::Networks, reset::ResetKey, segments::Segmenting, socket},
    policy::limits::{
        BROWSER_DATAGRAMS, BROWSER_STREAMS, IDLE_TIMEOUT, INCOMING_BUFFER, INCOMING_BUFFER_TOTAL, KEEP_ALIVE,
        Limits, MAX_INCOMING, SPARE_STREAMS, STRANGER_STREAMS, STRANGER_WINDOW,
    },
};

/// The server's side of every connection.
pub(crate) fn server_config(crypto: QuicServerConfig, limits: &Limits, browsers: bool) -> ServerConfig {
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config
        .transport_config(transport(limits, browsers))
        // A phone that changes from one network to another keeps its rooms (RFC 9000, 9).
        .migration(true)
        .validation_token_config(tokens())
        .max_incoming(MAX_INCOMING)
        .incoming_buffer_size(INCOMING_BUFFER)
        .incoming_buffer_size_total(INCOMING_BUFFER_TOTAL);
    config
}

/// With these a client that was here lately proves its address without a round trip. Which of them were used has
/// to be remembered; a log that is full is only less sure that one was not.
fn tokens() -> ValidationTokenConfig {
    let mut tokens = ValidationTokenConfig::default();
    #[cfg(feature = "program")]
    tokens.log(Arc::new(BloomTokenLog::new_expected_items(TOKEN_LOG, TOKENS)));
    // Where it is not remembered which were used, none are given out: who has to prove an address pays a round trip.
    #[cfg(not(feature = "program"))]
    tokens.sent(0);
    tokens
}

/// What a connection may hold as long as it has joined no room; see `Connection::welcome` for the rest. Browsers want more
/// than programs use, and who is one shows only when this is said already.
pub(crate) fn transport(limits: &Limits, browsers: bool) -> Arc<TransportConfig> {
    let mut transport = TransportConfig::default();
    let window = limits.connection_window.min(STRANGER_WINDOW);
    let streams = limits.rooms_per_connection.saturating_add(SPARE_STREAMS).min(STRANGER_STREAMS);
    // Ephemeral signals travel as frames; nothing reads datagrams, so none are offered unless it is asked for.
    let datagrams = limits.datagram_buffer.max(if browsers { BROWSER_DATAGRAMS } else { 0 }) as usize;
    let (datagrams, one_way) =
        ((datagrams > 0).then_some(datagrams), if browsers { BROWSER_STREAMS } else { 0 });
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(streams))
        .max_concurrent_uni_streams(VarInt::from_u32(one_way))
        .stream_receive_window(VarInt::from_u32(limits.stream_window))
        .receive_window(VarInt::from_u32(window))
        .send_window(limits.send_window.into())
        .datagram_receive_buffer_size(datagrams)
        .datagram_send_buffer_size(limits.datagram_buffer as usize)
        .max_idle_timeout(IdleTimeout::try_from(IDLE_TIMEOUT).ok())
        .keep_alive_interval(Some(KEEP_ALIVE));
    Arc::new(transport)
}

/// An endpoint on this socket; clients may be behind these proxies.
pub(crate) fn endpoint(
    socket: UdpSocket,
    proxies: &Networks,
    reset: &ResetKey,
    config: ServerConfig,
) -> io::Result<quinn::Endpoint> {
    let runtime = Arc::new(quinn::TokioRuntime);
    let socket: Arc<dyn quinn::AsyncUdpSocket> = Arc::new(Segmenting::new(runtime.wrap_udp_socket(socket)?));
    #[cfg(feature = "program")]
    let socket = match proxies.is_empty() {
        true => socket,
        false => Arc::new(Unwrapping::new(socket, proxies.clone())),
    };
    // There can be none.
    #[cfg(not(feature = "program"))]
    let _ = proxies;
    quinn::Endpoint::new_with_abstract_socket(reset.endpoint_config(), Some(config), socket, runtime)
}

/// A socket as the relay's own, for whoever wants to know what it would get.
pub(crate) fn probe(address: SocketAddr) -> io::Result<Socket> {
    socket::bind(address, Type::DGRAM)
}
