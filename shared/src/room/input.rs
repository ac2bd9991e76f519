//! What goes into the engine.

use proto::relay::RelayFrame;

use super::Command;

/// Something happened, or somebody wants something.
// Handed over one at a time and never kept, so a box would only cost an allocation for each frame.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub enum Input {
    /// A fresh stream to the relay is open; `binding` is the connection's TLS exporter value
    /// (label [`proto::CHANNEL_BINDING_LABEL`], empty context).
    Connected {
        /// 32 bytes that tie the Join signature to this connection.
        binding: [u8; proto::CHANNEL_BINDING_LEN],
        /// The right to open rooms at this relay, if we have one; sent only when the room is to be opened.
        token: Option<proto::Token>,
        /// SHA-256 of the SubjectPublicKeyInfo of the relay's own authority, by which the connection was verified; none
        /// when WebPKI vouched for the relay. It stands in the cards of invites.
        pin: Option<[u8; 32]>,
    },
    /// The relay said something on the current stream.
    Frame(RelayFrame),
    /// The current stream ended.
    Disconnected,
    /// A person or a program asks for something.
    Command(Command),
    /// The time came that [`super::Output::wake_at`] named.
    Tick,
}
