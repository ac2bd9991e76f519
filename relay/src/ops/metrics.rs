//! What is counted, for the operator: numbers only, never a room, a key or an address.

use std::net::IpAddr;

#[cfg(feature = "program")]
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text::encode_registry},
    registry::Registry,
};

use crate::ops::{
    count::{Counter, Family, Gauge},
    security::{Event, Security},
};
pub use crate::policy::refusal::Limit;

/// One relay's numbers. Cheap to count: each is one atomic.
#[derive(Debug)]
pub struct Metrics {
    /// What of it an operator may have to know by name.
    pub(crate) security: Security,
    /// Joins refused because of the key, the signature or the room.
    pub refused_joins: Counter,
    /// Open connections.
    pub connections: Gauge,
    /// Joined streams.
    pub streams: Gauge,
    /// Handshakes in progress.
    pub handshakes: Gauge,
    /// Connections accepted.
    pub accepted: Counter,
    /// Entries delivered.
    pub delivered: Counter,
    /// Bytes of envelopes delivered.
    pub bytes_out: Counter,
    /// Files that are being sent or fetched.
    pub transfers: Gauge,
    /// Bytes of files received.
    pub file_bytes_in: Counter,
    /// Bytes of files sent.
    pub file_bytes_out: Counter,
    limits: Family<LimitLabel, Counter>,
    carried: Family<CarrierLabel, Gauge>,
    blocked: Family<WindowLabel, Counter>,
}

/// A window that clients may find full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// Bytes of one stream.
    Stream,
    /// Bytes of one connection.
    Connection,
    /// Bytes of one connection over TCP, which is closed for it: nobody waits there.
    Tcp,
}

impl Window {
    const ALL: [Self; 3] = [Self::Stream, Self::Connection, Self::Tcp];
}

#[cfg(feature = "program")]
impl EncodeLabelValue for Window {
    /// The name of the setting that moves it, with underscores; `tcp` has none.
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        let name = match self {
            Self::Stream => "stream_window_kib",
            Self::Connection => "connection_window_kib",
            Self::Tcp => "tcp",
        };
        EncodeLabelValue::encode(&name, encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "program", derive(EncodeLabelSet))]
struct WindowLabel {
    window: Window,
}

/// What carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// QUIC over UDP.
    Quic,
    /// The fallback over TCP.
    Tcp,
    /// A page in a browser, over TCP.
    WebSocket,
    /// A page in a browser, over QUIC.
    WebTransport,
}

impl Carrier {
    const ALL: [Self; 4] = [Self::Quic, Self::Tcp, Self::WebSocket, Self::WebTransport];

    /// Its label in the metrics and in the log.
    pub fn label(self) -> &'static str {
        match self {
            Self::Quic => "quic",
            Self::Tcp => "tcp",
            Self::WebSocket => "websocket",
            Self::WebTransport => "webtransport",
        }
    }
}

#[cfg(feature = "program")]
impl EncodeLabelValue for Carrier {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        EncodeLabelValue::encode(&self.label(), encoder)
    }
}

/// A connection that counts until this is dropped.
pub(crate) struct Carried(Gauge);

impl Drop for Carried {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "program", derive(EncodeLabelSet))]
struct CarrierLabel {
    carrier: Carrier,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "program", derive(EncodeLabelSet))]
struct LimitLabel {
    limit: Limit,
}

impl Default for Metrics {
    fn default() -> Self {
        let limits = Family::<LimitLabel, Counter>::default();
        // Each is a series from the start, so that a first hit is an increase.
        for limit in Limit::ALL {
            drop(limits.get_or_create(&LimitLabel { limit }));
        }
        let carried = Family::<CarrierLabel, Gauge>::default();
        for carrier in Carrier::ALL {
            drop(carried.get_or_create(&CarrierLabel { carrier }));
        }
        let blocked = Family::<WindowLabel, Counter>::default();
        for window in Window::ALL {
            drop(blocked.get_or_create(&WindowLabel { window }));
        }
        Self {
            security: Security::default(),
            refused_joins: Counter::default(),
            connections: Gauge::default(),
            streams: Gauge::default(),
            handshakes: Gauge::default(),
            accepted: Counter::default(),
            delivered: Counter::default(),
            bytes_out: Counter::default(),
            transfers: Gauge::default(),
            file_bytes_in: Counter::default(),
            file_bytes_out: Counter::default(),
            limits,
            carried,
            blocked,
        }
    }
}

impl Metrics {
    /// Somebody ran into a limit.
    pub fn limited(&self, limit: Limit) {
        self.hit(limit, None);
    }

    /// Somebody at this address ran into a limit.
    pub fn limited_at(&self, limit: Limit, address: IpAddr) {
        self.hit(limit, Some(address));
    }

    fn hit(&self, limit: Limit, address: Option<IpAddr>) {
        self.security.note(limit.into(), address);
        self.limits.get_or_create(&LimitLabel { limit }).inc();
    }

    /// Somebody at this address may not join.
    pub(crate) fn refused_join(&self, address: IpAddr) {
        self.security.note(Event::RefusedJoin, Some(address));
        self.refused_joins.inc();
    }

    /// A connection has finished its handshake; it counts until the answer is dropped.
    pub(crate) fn carried(&self, carrier: Carrier) -> Carried {
        let gauge = self.carried.get_or_create(&CarrierLabel { carrier }).clone();
        gauge.inc();
        Carried(gauge)
    }

    /// How many connections something carries now.
    pub fn carries(&self, carrier: Carrier) -> i64 {
        self.carried.get_or_create(&CarrierLabel { carrier }).get()
    }

    /// A client found a window full so many times.
    pub(crate) fn blocked(&self, window: Window, times: u64) {
        self.blocked.get_or_create(&WindowLabel { window }).inc_by(times);
    }

    /// How often clients found a window full, over all connections that have ended.
    pub fn times_blocked(&self, window: Window) -> u64 {
        self.blocked.get_or_create(&WindowLabel { window }).get()
    }

    /// How often somebody ran into a limit.
    pub fn times_limited(&self, limit: Limit) -> u64 {
        self.limits.get_or_create(&LimitLabel { limit }).get()
    }

    /// These numbers in the OpenMetrics text format, without its end.
    #[cfg(feature = "program")]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode_registry(&mut text, &self.registry());
        text
    }

    #[cfg(feature = "program")]
    fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix("schat_relay");
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register("streams", "Joined streams", self.streams.clone());
        registry.register("handshakes", "Handshakes in progress", self.handshakes.clone());
        registry.register("connections_accepted", "Connections accepted", self.accepted.clone());
        registry.register("delivered", "Entries delivered to members", self.delivered.clone());
        registry.register("delivered_bytes", "Bytes of envelopes delivered", self.bytes_out.clone());
        registry.register("transfers", "Files that are being sent or fetched", self.transfers.clone());
        registry.register("file_received_bytes", "Bytes of files received", self.file_bytes_in.clone());
        registry.register("file_sent_bytes", "Bytes of files sent", self.file_bytes_out.clone());
        registry.register("limited", "Requests refused because of a limit", self.limits.clone());
        registry.register(
            "refused_joins",
            "Joins refused: no such room, or not with this key",
            self.refused_joins.clone(),
        );
        registry.register(
            "carried",
            "Open connections after their handshake, by what carries them",
            self.carried.clone(),
        );
        registry.register(
            "blocked",
            "Times that a client had more to send than a window let it, counted when its connection ends",
            self.blocked.clone(),
        );
        registry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_counted_apart() {
        let metrics = Metrics::default();
        metrics.limited(Limit::Rooms);
        metrics.limited(Limit::Rooms);
        metrics.limited(Limit::Disk);
        assert_eq!((metrics.times_limited(Limit::Rooms), metrics.times_limited(Limit::Disk)), (2, 1));
        assert!(
            metrics.text().contains("schat_relay_limited_total{limit=\"rooms_per_address\"} 2"),
            "{}",
            metrics.text()
        );
    }
}
