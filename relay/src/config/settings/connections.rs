//! Who may come in, and what a connection may hold.

use std::time::Duration;

use clap::{Args, value_parser};

use crate::policy::limits::{Limits, Rate};

/// Greatest window, in KiB: memory that one client can make the relay hold.
const MAX_WINDOW_KIB: i64 = 64 << 10;

/// Who may come in, and what a connection may hold.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connections")]
pub struct Connections {
    /// Connections in all.
    ///
    /// Each may cost 2 MiB at worst. Over it, new ones are refused, and who is in stays in.
    #[arg(long, env = "RELAY_MAX_CONNECTIONS", value_name = "N", default_value_t = 4096, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub max_connections: u32,
    /// Connections of one address (IPv6: one /64).
    ///
    /// So that one household cannot take all places. A whole office behind one address needs as many as it has
    /// people with devices.
    #[arg(long, hide_short_help = true, env = "RELAY_MAX_CONNECTIONS_PER_ADDRESS", value_name = "N", default_value_t = 128, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub max_connections_per_address: u32,
    /// New connections a second above which addresses must prove themselves.
    ///
    /// Packets can carry a false sender. Above this rate the relay answers with a Retry: an honest client loses
    /// one round trip, one that lies about its address gets nowhere. It matters only when --retry-above lets
    /// anybody in without.
    #[arg(long, hide_short_help = true, env = "RELAY_HANDSHAKES_PER_SECOND", value_name = "N", default_value_t = 50, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub handshakes_per_second: u32,
    /// New connections a minute of one address that has proved itself.
    ///
    /// A handshake costs the relay about a millisecond of one processor. Over it, the address is refused until a
    /// place is earned again.
    #[arg(long, hide_short_help = true, env = "RELAY_HANDSHAKES_PER_ADDRESS", value_name = "N", default_value_t = 300, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub handshakes_per_address: u32,
    /// Handshakes in progress above which addresses must prove themselves.
    ///
    /// 0 asks everybody, always: then nobody can have the relay send more to a stranger than he was sent himself. It
    /// costs a client one round trip when it comes for the first time in two weeks, after the relay was started, or
    /// from another address. With a number, so many handshakes may be in progress, and so many begin a second as
    /// --handshakes-per-second says, before it is asked.
    #[arg(long, hide_short_help = true, env = "RELAY_RETRY_ABOVE", value_name = "N", default_value_t = 0, value_parser = value_parser!(u32).range(0..=1_000_000))]
    pub retry_above: u32,
    /// Handshakes in progress above which new ones are refused.
    ///
    /// The hard bound on memory for strangers. One address gets a quarter of them, so that no one can hold them all.
    #[arg(long, hide_short_help = true, env = "RELAY_MAX_HANDSHAKES", value_name = "N", default_value_t = 512, value_parser = value_parser!(u32).range(4..=1_000_000))]
    pub max_handshakes: u32,
    /// Seconds for a handshake, and again for a Join.
    ///
    /// Who says nothing for twice as long is shown out. Ten seconds are several round trips around the world, with
    /// losses.
    #[arg(long, hide_short_help = true, env = "RELAY_JOIN_SECONDS", value_name = "S", default_value_t = 10, value_parser = value_parser!(u32).range(1..=600))]
    pub join_seconds: u32,
    /// Rooms at once on one connection.
    ///
    /// Each is one stream. Over it, further rooms are refused and tried again when others are left.
    #[arg(long, hide_short_help = true, env = "RELAY_ROOMS_PER_CONNECTION", value_name = "N", default_value_t = 64, value_parser = value_parser!(u32).range(1..=65_536))]
    pub rooms_per_connection: u32,
    /// Joins a minute on one connection.
    ///
    /// A join costs a signature check and a look at the disk. Over it the connection is closed; so it is after 32
    /// joins that were refused.
    #[arg(long, hide_short_help = true, env = "RELAY_JOINS_PER_CONNECTION", value_name = "N", default_value_t = 240, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub joins_per_connection: u32,
    /// Kibibytes received and not yet read, per room.
    ///
    /// QUIC's stream window: the client waits when it is full. 512 KiB let 12 MiB through in 3 s at 100 ms
    /// round trip; less saves memory and slows large commits down.
    #[arg(long, hide_short_help = true, env = "RELAY_STREAM_WINDOW_KIB", value_name = "KIB", default_value_t = 512, value_parser = value_parser!(u32).range(16..=MAX_WINDOW_KIB))]
    pub stream_window_kib: u32,
    /// Kibibytes received and not yet read, per connection.
    ///
    /// QUIC's connection window. A connection that has joined no room gets at most 256 KiB of it.
    #[arg(long, hide_short_help = true, env = "RELAY_CONNECTION_WINDOW_KIB", value_name = "KIB", default_value_t = 1024, value_parser = value_parser!(u32).range(16..=MAX_WINDOW_KIB))]
    pub connection_window_kib: u32,
    /// Kibibytes sent and not yet acknowledged, per connection.
    ///
    /// What a reader that falls silent can make the relay hold. 1 MiB is 10 MiB a second at 100 ms round trip.
    #[arg(long, hide_short_help = true, env = "RELAY_SEND_WINDOW_KIB", value_name = "KIB", default_value_t = 1024, value_parser = value_parser!(u32).range(16..=MAX_WINDOW_KIB))]
    pub send_window_kib: u32,
    /// Kibibytes of datagrams waiting, each way, per connection.
    ///
    /// The protocol carries its signals in streams and reads no datagrams: any would only wait here until newer
    /// ones push them out. So none are offered, which is 0.
    #[arg(long, hide_short_help = true, env = "RELAY_DATAGRAM_BUFFER_KIB", value_name = "KIB", default_value_t = 0, value_parser = value_parser!(u32).range(0..=1024))]
    pub datagram_buffer_kib: u32,
}

impl Connections {
    pub(super) fn apply(&self, limits: &mut Limits) {
        limits.connections = self.max_connections as usize;
        limits.connections_per_address = self.max_connections_per_address as usize;
        limits.handshakes = Rate::per_second(self.handshakes_per_second);
        limits.handshakes_per_address =
            Rate::per_minute(self.handshakes_per_address, self.handshakes_per_address);
        limits.retry_above = self.retry_above as usize;
        limits.max_handshakes = self.max_handshakes as usize;
        limits.join_time = Duration::from_secs(self.join_seconds.into());
        limits.rooms_per_connection = self.rooms_per_connection;
        limits.joins_per_connection = Rate::per_minute(self.joins_per_connection, self.joins_per_connection);
        limits.stream_window = self.stream_window_kib << 10;
        limits.connection_window = self.connection_window_kib << 10;
        limits.send_window = self.send_window_kib << 10;
        limits.datagram_buffer = self.datagram_buffer_kib << 10;
    }
}
