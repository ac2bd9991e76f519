//! Whether a relay runs on these data.

use std::path::Path;

use super::Finding;
use crate::admin::{
    client::{self, ClientError},
    status::Status,
};

const CHECK: &str = "relay";

/// Whether a relay runs.
pub(super) enum Running {
    /// It answered.
    Yes(Box<Status>),
    /// Nobody listens.
    No,
    /// Somebody does, and this is what went wrong.
    Unknown(String),
}

/// Asks on the operator's socket.
pub(super) async fn look(data_dir: &Path) -> Running {
    match client::get::<Status>(data_dir, "/v1/status").await {
        Ok(status) => Running::Yes(Box::new(status)),
        Err(ClientError::NotRunning { .. }) => Running::No,
        Err(error) => Running::Unknown(error.to_string()),
    }
}

/// What that means.
pub(super) fn finding(running: &Result<Option<&Status>, String>) -> Finding {
    match running {
        Ok(Some(status)) if status.version != env!("CARGO_PKG_VERSION") => Finding::warn(
            CHECK,
            format!("version {} runs, and this is {}", status.version, env!("CARGO_PKG_VERSION")),
            "restart the relay to use the new version (`systemctl restart schat-relay`)",
        ),
        Ok(Some(status)) => Finding::ok(CHECK, format!("running as process {}", status.pid)),
        Ok(None) => Finding::warn(
            CHECK,
            "no relay is running on this data directory, so some checks are left out",
            "start it (`systemctl start schat-relay`, or `relay`), or name the right one with --data-dir",
        ),
        Err(reason) => Finding::fail(
            CHECK,
            format!("a relay may be running, but does not answer: {reason}"),
            "run this as the relay's user (`sudo -u schat-relay relay doctor`)",
        ),
    }
}
