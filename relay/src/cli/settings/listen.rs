//! Where the relay listens, and where its data is.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

/// Where it listens, and who it is to its clients.
#[derive(Clone, Debug, Args)]
pub struct Listen {
    /// Address to listen on, repeatable; 0.0.0.0 and [::] both mean IPv4 and IPv6.
    #[arg(long, env = "RELAY_LISTEN", value_delimiter = ',', default_value = "[::]:443")]
    pub listen: Vec<SocketAddr>,
    /// Directory for the log and the identity [default: the user's data directory].
    #[arg(long, env = "RELAY_DATA_DIR", value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// Name or address to put in links [default: guessed].
    #[arg(long, env = "RELAY_HOST", value_name = "HOST")]
    pub host: Option<String>,
}
