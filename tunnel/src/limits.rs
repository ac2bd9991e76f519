//! Every bound of a tunnel: its unit, its value and the reason for it.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// A close frame's code is this and the close code: the range that RFC 6455 (7.4.2) leaves to applications.
pub const CLOSE_BASE: u16 = 4000;

/// What one tunnel may hold, and when it is given up.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Streams at once. What the peer opens beyond is broken off at once; what we open waits.
    pub streams: usize,
    /// Bytes that came and were not read, all streams together. Over it the connection is closed
    /// (`TOO_MANY`): reading on is the only way to the peer's permissions to send, so waiting could be for ever.
    pub unread: usize,
    /// The same as long as `known` is false.
    pub unread_by_strangers: usize,
    /// Whether the peer has proved who it is.
    pub known: Arc<AtomicBool>,
    /// A peer that was not heard of for this long is gone.
    pub idle: Duration,
    /// A sign of life is asked for this often.
    pub keep_alive: Duration,
}

/// What yamux lets each stream's peer send unread, in bytes: the specification's own figure.
pub(crate) const STREAM_WINDOW: usize = yamux::DEFAULT_CREDIT as usize;

/// Streams over [`Rules::streams`] that yamux counts, before it is taken for an attack: those that the other
/// side has ended and we have not cleared yet.
const STREAMS_ENDING: usize = 128;

/// Frames that carry nothing, at once: pings, windows, and what is for streams that are not there. An honest end has a few for
/// each stream, and a window for every 128 KiB that it is sent ([`WINDOW_BYTES`]). Over it: `TOO_MANY`.
pub(crate) const IDLE_FRAMES: u64 = 2048;

/// The same each second: what a relay reads meanwhile is a thousandth of a processor.
pub(crate) const IDLE_FRAMES_PER_SECOND: u64 = 128;

/// Bytes of a piece of a WebSocket message below which it counts as one of those: whoever has to cut messages cuts larger pieces.
pub(crate) const FRAGMENT: u64 = 64;

/// Bytes that we send for which the other side may open a window once more.
pub(crate) const WINDOW_BYTES: u64 = 32 << 10;

/// What an unread frame costs beside its bytes. Without it, frames of one byte would be cheap to send and
/// dear to keep.
pub(crate) const FRAME_OVERHEAD: usize = 64;

/// Payload of a frame that we send, in bytes. Yamux queues a dozen for each stream: with 64 streams that is
/// 1.5 MiB for a peer that reads nothing.
const FRAME: usize = 2 << 10;

/// Greatest message that we send, in bytes: some frames share one while the network is slow.
pub(crate) const MESSAGE: usize = 16 << 10;

/// Greatest message that is received, in bytes. Over it: `TOO_LARGE`.
const MAX_MESSAGE: usize = 64 << 10;

/// Buffer for receiving, in bytes, for as long as the connection lives.
const READ_BUFFER: usize = 4 << 10;

/// Buffer for sending, in bytes: our message and an answer to a ping. More never waits there.
const MAX_WRITE_BUFFER: usize = 2 * MESSAGE;

/// Messages that are thrown away while the other side has not heard yet why we close: what an honest one has under way. Who goes on
/// is cut off.
pub(crate) const GOODBYE_MESSAGES: usize = 256;

/// Time for the other side to hear why we close.
pub(crate) const GOODBYE: Duration = Duration::from_millis(400);

/// The bounds of the WebSocket.
pub(crate) fn web_socket() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BUFFER)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
}

impl Rules {
    /// Streams that yamux knows at most.
    pub(crate) fn yamux_streams(&self) -> usize {
        self.streams.saturating_add(STREAMS_ENDING)
    }

    /// The bounds of yamux. Windows never grow: the total is what the streams begin with.
    pub(crate) fn yamux(&self) -> yamux::Config {
        let mut config = yamux::Config::default();
        // In an order in which its own check holds at each step.
        config
            .set_max_connection_receive_window(None)
            .set_max_num_streams(self.yamux_streams())
            .set_max_connection_receive_window(Some(self.yamux_streams().saturating_mul(STREAM_WINDOW)))
            .set_split_send_size(FRAME);
        config
    }
}
