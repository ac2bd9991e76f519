//! The command line of the program `relay`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Parser;
use serde::Serialize;

use crate::{
    identity::Tls,
    limits::{Limits, Rate, Retention},
    relay::{Config, Relay},
};

/// The blind relay of schat: orders, keeps and forwards sealed messages that it cannot read.
///
/// Starts without any configuration: it makes itself an identity, and prints where it listens and a link
/// to share. Exit codes: 0 ended on request, 2 usage, 3 network, 4 data directory, 5 certificate, 1 anything
/// else.
#[derive(Debug, Parser)]
#[command(name = "relay", version)]
pub struct Cli {
    /// Address to listen on, repeatable; 0.0.0.0 and [::] both mean IPv4 and IPv6.
    #[arg(long, env = "SCHAT_RELAY_LISTEN", value_delimiter = ',', default_value = "[::]:443")]
    pub listen: Vec<SocketAddr>,
    /// Directory for the log and the identity [default: the user's data directory].
    #[arg(long, env = "SCHAT_RELAY_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Certificate chain (PEM, leaf first) instead of the relay's own.
    #[arg(long, requires = "key", value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// Private key (PEM) of --cert.
    #[arg(long, requires = "cert", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Name or address to put in links [default: guessed].
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Print one line of JSON per event on stdout instead of text.
    #[arg(long)]
    pub json: bool,
    /// Days that an entry is kept.
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub keep_days: u32,
    /// Entries kept per room.
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub keep_entries: u64,
    /// Mebibytes kept per room.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    pub keep_mib: u64,
    /// Free mebibytes on the disk below which nothing is appended.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u64).range(0..=1 << 30))]
    pub reserve_mib: u64,
    /// Messages a minute that each member may send.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
}

impl Cli {
    /// What it asks for.
    pub fn config(self) -> Config {
        let defaults = Limits::default();
        let retention = Retention {
            age: Duration::from_secs(u64::from(self.keep_days) * 24 * 3600),
            entries: self.keep_entries,
            bytes: self.keep_mib << 20,
        };
        let publish = Rate::per_minute(self.rate, self.rate);
        let free_space_reserve = self.reserve_mib << 20;
        let tls = match (self.cert, self.key) {
            (Some(cert), Some(key)) => Tls::Files { cert, key },
            _ => Tls::Own,
        };
        Config {
            listen: self.listen,
            data_dir: self.data_dir,
            tls,
            host: self.host,
            limits: Limits { publish, retention, free_space_reserve, ..defaults },
        }
    }
}

/// What the program says on stdout once it serves.
pub fn greeting(relay: &Relay, json: bool) -> String {
    let lines = relay.addresses().iter().map(|address| {
        let (pin, link) = (relay.pin().to_string(), relay.link(*address));
        let address = address.to_string();
        match json {
            true => {
                let event = Listening { v: 1, event: "listening", address, pin, link };
                serde_json::to_string(&event).unwrap_or_default()
            }
            false => format!("Listening  {address}\nPin        {pin}\nLink       {link}"),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[derive(Serialize)]
struct Listening {
    v: u32,
    event: &'static str,
    address: String,
    pin: String,
    link: String,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults_are_those_of_the_library() {
        let (ours, library) = (Cli::parse_from(["relay"]).config(), Config::default());
        assert_eq!(format!("{ours:?}"), format!("{library:?}"));
    }

    #[test]
    fn certificate_without_key_is_a_usage_error() {
        assert!(Cli::try_parse_from(["relay", "--cert", "a.pem"]).is_err());
        assert!(Cli::try_parse_from(["relay", "--key", "a.pem"]).is_err());
    }
}
