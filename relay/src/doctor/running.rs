//! Whether a relay runs on these data.

use std::path::Path;

use super::Finding;
use crate::{
    admin::{
        client::{self, ClientError},
        status::Status,
    },
    net::listen::Fallback,
    relay::Config,
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

/// These settings, but where the running relay says its own: it may have been started with others.
pub(super) fn settings(mut config: Config, status: &Status) -> Config {
    let addresses = status.addresses.iter().filter_map(|address| address.parse().ok());
    config.listen = addresses.collect();
    if let Some(reserve) = status.reserve_bytes {
        config.limits.free_space_reserve = reserve;
        // One that tells its reserve tells whether it has a name.
        config.host = status.host.clone();
    }
    if let Some(tcp) = status.tcp {
        config.fallback = if tcp { Fallback::Required } else { Fallback::Off };
    }
    let connections = status.max_connections.and_then(|most| usize::try_from(most).ok());
    config.limits.connections = connections.unwrap_or(config.limits.connections);
    config
}

fn why(status: &Status) -> String {
    if status.not_ready.is_empty() { "its log says why".into() } else { status.not_ready.join("; ") }
}

/// What that means.
pub(super) fn finding(running: &Result<Option<&Status>, String>) -> Finding {
    match running {
        Ok(Some(status)) if status.version != env!("CARGO_PKG_VERSION") => Finding::warn(
            CHECK,
            format!("version {} runs, and this is {}", status.version, env!("CARGO_PKG_VERSION")),
            "restart the relay to use the new version (`systemctl restart schat-relay`)",
        ),
        Ok(Some(status)) if !status.ready && !status.stopping => Finding::fail(
            CHECK,
            format!("running as process {}, but taking no messages: {}", status.pid, why(status)),
            "mend that; it goes on by itself then, and `relay status` says so",
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
