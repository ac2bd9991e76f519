//! Finding the daemon of a profile, and speaking to it for the first time.

use std::{io, time::Duration};

use tokio::time::timeout;

use super::{
    HELLO, MAX_DOWN, MAX_UP, frame,
    place::{self, Stream},
    wire::{Down, Hello, MAGIC, MAX_HELLO, Status, Up},
};
use crate::{
    reason::{DaemonReason, Reason, SocketFault},
    store::ProfileDir,
};

/// A daemon of our version that has said hello.
pub struct Attachable(pub(super) Stream);

/// The daemon of a profile, if one runs.
///
/// # Errors
/// [`Reason`] when it is of another version, or does not answer.
pub async fn find(dir: &ProfileDir) -> Result<Option<Attachable>, Reason> {
    let Some((stream, theirs)) = hello(dir, false).await? else { return Ok(None) };
    if !theirs.is_ours() {
        return Err(other_version(theirs));
    }
    Ok(Some(Attachable(stream)))
}

/// How long a daemon may take to say goodbye to faces, rooms and relays.
const ENDING: Duration = Duration::from_secs(15);

/// Ends the daemon of a profile, and waits until it has let go of it, of whatever version. Returns whether there was one.
///
/// # Errors
/// [`Reason`] when it does not answer.
pub async fn stop(dir: &ProfileDir) -> Result<bool, Reason> {
    let Some((mut stream, _)) = hello(dir, true).await? else { return Ok(false) };
    // It hangs up at once, and then ends; whoever must know waits until nobody listens.
    let _ = frame::read::<Down>(&mut stream, MAX_DOWN).await;
    let gone = async {
        while matches!(place::reach(dir).await, Ok(Some(_))) || !dir.is_free() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(ENDING, gone).await.map_err(|_| silent()).map(|()| true)
}

/// How the daemon of a profile is, if one runs.
///
/// # Errors
/// [`Reason`] when it is of another version, or does not answer.
pub async fn status(dir: &ProfileDir) -> Result<Option<Status>, Reason> {
    let Some(Attachable(mut stream)) = find(dir).await? else { return Ok(None) };
    let asked = async {
        frame::write(&mut stream, &Up::Status, MAX_UP).await?;
        frame::read::<Down>(&mut stream, MAX_DOWN).await
    };
    match timeout(HELLO, asked).await {
        Ok(Ok(Some(Down::Status(status)))) => Ok(Some(status)),
        _ => Err(silent()),
    }
}

async fn hello(dir: &ProfileDir, stop: bool) -> Result<Option<(Stream, Hello)>, Reason> {
    let broken = |error: io::Error| DaemonReason::Unreachable(SocketFault::from(&error));
    let Some(mut stream) = place::reach(dir).await.map_err(broken)? else { return Ok(None) };
    let greeting = async {
        frame::write(&mut stream, &Hello::ours(stop), MAX_HELLO).await?;
        frame::read::<Hello>(&mut stream, MAX_HELLO).await
    };
    match timeout(HELLO, greeting).await {
        Ok(Ok(Some(theirs))) if theirs.magic == MAGIC => Ok(Some((stream, theirs))),
        // It was ending just now.
        Ok(Ok(None)) => Ok(None),
        Ok(Err(error)) if error.kind() != io::ErrorKind::InvalidData => Ok(None),
        _ => Err(silent()),
    }
}

fn other_version(theirs: Hello) -> Reason {
    let ours = Hello::ours(false).protocol;
    DaemonReason::OtherVersion { program: theirs.program, protocol: theirs.protocol, ours }.into()
}

fn silent() -> Reason {
    DaemonReason::Silent.into()
}
