//! Where the relay listens, and where its data is.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use crate::net::{listen::Fallback, networks::Network};

/// Where it listens, and who it is to its clients.
#[derive(Clone, Debug, Args)]
pub struct Listen {
    /// Address to listen on, repeatable.
    ///
    /// 0.0.0.0 and [::] both mean IPv4 and IPv6. Port 0 takes any free one.
    #[arg(long, env = "RELAY_LISTEN", value_delimiter = ',', default_value = "[::]:443")]
    pub listen: Vec<SocketAddr>,
    /// Also listen on TCP at the same port, for clients that UDP does not reach [default: where it is free].
    ///
    /// Some networks let no UDP through, and with it no QUIC. Clients then use a WebSocket over TLS at the same port
    /// number. Unset, a TCP port that another program has is a warning; with `true`, it is an error.
    #[arg(long, hide_short_help = true, env = "RELAY_TCP", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub tcp: Option<bool>,
    /// Proxy in front of the relay, an address or a network, repeatable.
    ///
    /// From there, and from nowhere else, a header of the PROXY protocol, version 2, is taken for who the client is, over TCP
    /// and over UDP: limits count by address. A connection from there that has none is refused.
    #[arg(long, hide_short_help = true, env = "RELAY_PROXY", value_name = "NETWORK", value_delimiter = ',')]
    pub proxy: Vec<Network>,
    /// Directory for the log and the identity.
    ///
    /// [default: the user's data directory]
    #[arg(long, env = "RELAY_DATA_DIR", value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
    /// Name or address to put in links [default: guessed].
    #[arg(long, env = "RELAY_HOST", value_name = "HOST", value_parser = host)]
    pub host: Option<String>,
}

/// A name or address alone: the port is that of --listen.
fn host(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    match certs::parse_name(bare) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("give a host name or an IP address, without a scheme and without a port".to_owned()),
    }
}

impl Listen {
    /// The way for clients that UDP does not reach.
    pub(super) fn fallback(&self) -> Fallback {
        match self.tcp {
            Some(true) => Fallback::Required,
            Some(false) => Fallback::Off,
            None => Fallback::WhereFree,
        }
    }
}
