//! Fixed-size identifiers, parsed once at the edge.

use std::fmt;

/// Bytes of the wrong length where an identifier was expected.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected {expected} bytes, found {found}")]
pub struct IdError {
    /// The length of this kind of identifier, in bytes.
    pub expected: usize,
    /// What was there.
    pub found: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $length]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $length;

            /// The bytes.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = IdError;

            fn try_from(bytes: &[u8]) -> Result<Self, IdError> {
                let error = IdError { expected: $length, found: bytes.len() };
                bytes.try_into().map(Self).map_err(|_| error)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                // Two bytes tell identifiers apart in a test's output and name none in a log.
                write!(f, concat!(stringify!($name), "({:02x}{:02x}..)"), self.0[0], self.0[1])
            }
        }
    };
}

id!(
    /// A room at the relay: 32 random-looking bytes.
    RoomId, 32
);
id!(
    /// An Ed25519 public key (RFC 8032): a member's or an invite's access key.
    PublicKey, 32
);
id!(
    /// A client's name for one publish; the same id again is the same publish.
    PublishId, 16
);
id!(
    /// A file at the relay, within its room: random, drawn by whoever sends it.
    BlobId, 16
);
