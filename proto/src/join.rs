//! What a Join signs: possession of the access key, for this room, on this connection only.

use crate::RoomId;

/// Domain separation of the Join signature.
const JOIN_CONTEXT: &[u8] = b"schat/2 join";

/// TLS exporter label (RFC 8446, 7.5; RFC 9266 for the idea) of the channel binding; empty context.
pub const CHANNEL_BINDING_LABEL: &[u8] = b"EXPORTER-schat/2 join";

/// Length of the channel binding, in bytes.
pub const CHANNEL_BINDING_LEN: usize = 32;

/// The bytes that the access key signs: `"schat/2 join" ‖ room id ‖ channel binding`.
pub fn join_statement(room: &RoomId, binding: &[u8; CHANNEL_BINDING_LEN]) -> Vec<u8> {
    [JOIN_CONTEXT, room.as_bytes(), binding].concat()
}
