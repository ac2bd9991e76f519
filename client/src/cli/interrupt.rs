//! Somebody asks the program to end.

use std::time::Duration;

use crate::failure::Exit;

/// How long a command gets to end after Ctrl-C, in seconds: longer than a daemon takes to say goodbye.
const GRACE_S: u64 = 20;

/// Resolves when somebody asks the program to end: Ctrl-C, and on Unix SIGTERM and SIGHUP, so that the terminal is
/// given back and the rooms say goodbye.
pub(super) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut terminate), Ok(mut hang_up)) =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// Ends the program, unless it ends by itself before that.
pub(super) async fn end_after_grace() {
    tokio::time::sleep(Duration::from_secs(GRACE_S)).await;
    std::process::exit(Exit::Interrupted as i32);
}
