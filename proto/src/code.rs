//! QUIC application close codes (RFC 9000, 20.2): why a connection or a stream ended.

/// Why a connection or a stream was closed. Sent as the QUIC application error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum CloseCode {
    /// Nothing is wrong.
    Done = 0,
    /// The relay stops; reconnect soon.
    ShuttingDown = 1,
    /// The peer broke the protocol.
    Malformed = 2,
    /// A frame over its cap.
    TooLarge = 3,
    /// No frame arrived in time.
    TimedOut = 4,
    /// A quota of the connection or of its address.
    TooMany = 5,
    /// The same access key joined again on a newer stream.
    Superseded = 6,
    /// The access key lost its access.
    NotAllowed = 7,
    /// Too many joins of the connection were refused: it looks like guessing.
    RefusedJoins = 8,
}

impl CloseCode {
    /// The code as QUIC carries it.
    pub fn value(self) -> u32 {
        self as u32
    }

    /// The code that a peer sent, if this version knows it.
    pub fn from_value(value: u64) -> Option<Self> {
        [
            Self::Done,
            Self::ShuttingDown,
            Self::Malformed,
            Self::TooLarge,
            Self::TimedOut,
            Self::TooMany,
            Self::Superseded,
            Self::NotAllowed,
            Self::RefusedJoins,
        ]
        .into_iter()
        .find(|code| u64::from(code.value()) == value)
    }
}
