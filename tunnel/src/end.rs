//! How a connection ends.

use proto::CloseCode;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The other side ended it, with a code if it gave one.
    Peer(Option<CloseCode>),
    /// We ended it, or the other side broke the rules.
    Ours,
    /// Nothing was heard for too long.
    Silent,
    /// TCP or TLS broke.
    Lost,
}
