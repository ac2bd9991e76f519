//! The wire between a client and the relay: `schat.relay.v2`, its framing, ids and close codes.
//!
//! Pure functions over bytes; no sockets. The schemas in `relay/v2/relay.proto` are the specification.

pub mod access;
pub mod blob;
mod code;
mod framing;
#[cfg(feature = "fuzzing")]
pub mod fuzz;
mod id;
mod join;
mod pieces;
pub mod signature;
mod token;
mod web;

pub use code::CloseCode;
pub use framing::{
    FrameError, FrameReader, MAX_COMMIT_FRAME, MAX_ENVELOPE, MAX_FRAME, MAX_WORDS, encode_frame,
};
pub use id::{BlobId, IdError, PublicKey, PublishId, RoomId};
pub use join::{CHANNEL_BINDING_LABEL, CHANNEL_BINDING_LEN, join_statement};
pub use pieces::{
    BadPieces, MAX_PIECE, MAX_PIECES, MAX_SLOT, PieceName, join_pieces, piece_name, slot_hash, split_names,
    split_pieces,
};
pub use prost::Message;
pub use token::{Token, TokenError};
pub use web::{NONCE_LEN, web_socket_binding, web_transport_binding};

/// ALPN protocol name (RFC 7301) of version 2 over raw QUIC.
pub const ALPN: &[u8] = b"schat/2";

/// The port a relay listens on unless told otherwise: UDP 443 passes most firewalls.
pub const DEFAULT_PORT: u16 = 443;

/// `schat.relay.v2`, generated from `relay/v2/relay.proto`; the comments there are the specification.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod relay {
    include!(concat!(env!("OUT_DIR"), "/schat.relay.v2.rs"));
}
