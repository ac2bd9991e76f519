//! How the relay is watched.

use std::net::SocketAddr;

use clap::Args;

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
    /// Loopback address for /healthz, /readyz and /metrics, as 127.0.0.1:9464 [default: off].
    ///
    /// For monitoring on this machine. It is neither encrypted nor guarded by a password, so other addresses are
    /// refused; from elsewhere go through an SSH tunnel or a reverse proxy. Names no room and no address. The socket
    /// in the data directory tells the same without it.
    #[arg(long, hide_short_help = true, env = "RELAY_ADMIN_LISTEN", value_name = "ADDRESS")]
    pub admin_listen: Option<SocketAddr>,
}
