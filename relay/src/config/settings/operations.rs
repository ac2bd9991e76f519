//! How the relay is watched.

use std::net::SocketAddr;

use clap::Args;

use crate::{
    net::networks::Network,
    ops::logging::{self, Format, LevelError},
};

/// How it is watched.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Operations")]
pub struct Operations {
    /// Print lines of JSON on stdout instead of text.
    #[arg(
        long,
        env = "RELAY_JSON",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true"
    )]
    pub json: bool,
    /// Log as text or as JSON, on stderr.
    #[arg(
        long,
        hide_short_help = true,
        env = "RELAY_LOG",
        value_name = "FORMAT",
        value_enum,
        default_value = "text"
    )]
    pub log: Format,
    /// What is logged: off, error, warn, info, debug, trace, or a filter by modules.
    ///
    /// A word is about the relay itself; the libraries under it are heard from `warn` on. A filter, as
    /// `info,security=warn`, is about everything, and below `info` libraries name addresses. The environment
    /// variable SCHAT_LOG beats it. The security log (refused joins, limits, floods, what the operator did) has the
    /// target `security`.
    #[arg(long, hide_short_help = true, env = "RELAY_LOG_LEVEL", value_name = "LEVEL", default_value = "info", value_parser = level)]
    pub log_level: String,
    /// Write clients' addresses into the security log.
    ///
    /// Off, because a log of who came when is what a blind relay should not have. On, a tool such as fail2ban can
    /// act on it; of IPv6 the /64 is written. No other line ever has an address.
    #[arg(
        long,
        hide_short_help = true,
        env = "RELAY_LOG_ADDRESSES",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true"
    )]
    pub log_addresses: bool,
    /// Address for /healthz, /readyz and /metrics, as 127.0.0.1:9464 [default: off].
    ///
    /// For monitoring. It is neither encrypted nor guarded by a password: on another address than loopback it answers only
    /// those whom --admin-from names. Names no room and no address. The socket in the data directory tells the same
    /// without it.
    #[arg(long, hide_short_help = true, env = "RELAY_ADMIN_LISTEN", value_name = "ADDRESS")]
    pub admin_listen: Option<SocketAddr>,
    /// Who may ask there from another machine, an address or a network, repeatable.
    ///
    /// Programs of this machine always may. What they are told crosses the network in the clear.
    #[arg(
        long,
        hide_short_help = true,
        env = "RELAY_ADMIN_FROM",
        value_name = "NETWORK",
        value_delimiter = ','
    )]
    pub admin_from: Vec<Network>,
}

/// Looked at here so that a wrong one is an error of the settings.
fn level(text: &str) -> Result<String, LevelError> {
    logging::parse(text).map(|_| text.to_owned())
}
