//! Why a file does not go on.

use std::{io, path::Path};

use proto::relay::{Refused, refused::Code};

use crate::{
    reason::{FileReason, Forgery, Lie, Reason, RelayReason},
    store::StoreError,
    transport::StreamError,
};

/// How an attempt ended that did not bring a file through.
pub(super) enum Fault {
    /// Somebody wants something else of it.
    Steered,
    /// The file is another one: begin anew.
    Changed,
    /// The connection, or the room's place on it, is gone: go on when it is there again.
    Lost,
    /// Go on by itself after a while.
    Later(Reason, u64),
    /// It does not go on by itself.
    Final(Reason),
}

impl From<StreamError> for Fault {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Malformed(_) => Self::Final(dishonest(Lie::NoFrame)),
            StreamError::Closed(_) | StreamError::Lost | StreamError::Stuck => Self::Lost,
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Later(error.into(), DISK_MS)
    }
}

/// A full disk is looked at again after so many milliseconds.
const DISK_MS: u64 = 30_000;

/// A relay that is busy is asked again after so many milliseconds, where it names no time.
const BUSY_MS: u64 = 10_000;

/// Nothing but a fault or a lie of the relay's explains it.
pub(super) fn dishonest(lie: Lie) -> Reason {
    FileReason::Dishonest(lie).into()
}

/// The sender's own doing.
pub(super) fn false_file(forgery: Forgery) -> Reason {
    FileReason::Forged(forgery).into()
}

/// A file here could not be read or written.
pub(super) fn local(path: &Path, error: &io::Error) -> Fault {
    let path = path.to_owned();
    let reason = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FileReason::DiskFull(path),
        io::ErrorKind::NotFound => FileReason::Missing(path),
        _ => FileReason::Unusable(path, error.into()),
    };
    Fault::Final(reason.into())
}

/// What the relay refused, as what to do about it.
pub(super) fn refused(refused: &Refused) -> Fault {
    let wait = match refused.retry_after_ms {
        0 => BUSY_MS,
        after => after,
    };
    let bound = refused.limit().into();
    let reason = match refused.code() {
        Code::RateLimited => return Fault::Later(FileReason::Busy(bound).into(), wait),
        Code::ShuttingDown | Code::Superseded => return Fault::Lost,
        Code::NoSpace => FileReason::NoSpace(bound),
        Code::TooLarge => FileReason::LargeThere(bound),
        Code::NoBlob => FileReason::NotThere,
        Code::Frozen => FileReason::Frozen,
        Code::NotAllowed => FileReason::NotAllowed,
        _ => FileReason::Refused,
    };
    Fault::Final(reason.into())
}

/// More than there can be.
pub(super) fn too_large(name: &str) -> Reason {
    FileReason::TooLarge(name.to_owned()).into()
}

/// Nothing is overwritten.
pub(super) fn name_taken(place: &Path) -> Reason {
    FileReason::Exists(place.to_owned()).into()
}

/// There is nobody to ask.
pub(super) fn no_relay() -> Reason {
    RelayReason::OwnIsDown.into()
}

/// Nobody said where files go.
pub(super) fn no_downloads() -> Reason {
    FileReason::NoDownloads.into()
}

/// A file that is to be sent. There is no transfer yet that could go on.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Reason {
    let path = path.to_owned();
    let reason = match error.kind() {
        io::ErrorKind::NotFound => FileReason::NoSource(path),
        _ => FileReason::Unsendable(path, error.into()),
    };
    reason.into()
}

/// All of it is sent once more. `is_changed`: by its size or its time; else only the relay knows it otherwise.
pub(super) fn begins_anew(is_changed: bool) -> Reason {
    FileReason::Anew { is_changed }.into()
}

/// The relay has less than it said that it had.
pub(super) fn lost_there() -> Reason {
    FileReason::LostThere.into()
}

/// Of what was fetched some is gone.
pub(super) fn lost_here() -> Reason {
    FileReason::LostHere.into()
}

/// Whoever leaves a room gives up what was under way there.
pub(super) fn room_left() -> Reason {
    FileReason::RoomLeft.into()
}

/// It was fetched for a command, and that has ended.
pub(super) fn asker_gone() -> Reason {
    FileReason::AskerGone.into()
}
