//! What is logged at which level.

use tracing_subscriber::EnvFilter;

/// Libraries say at their lower levels what this relay does not: addresses, names, sizes of packets. The one that
/// sends packets names their destination even in a warning; those that read what strangers send complain of every
/// packet and frame that makes no sense, and a flood of these must not fill the disk or crowd out what the operator did.
const LIBRARIES: &str = "warn,quinn_udp=off,quinn_proto=error,yamux=off,hyper=error,rustls=off,web_transport_quinn=off,web_transport_proto=off";

/// Whose lines the level is about: the crates of this program, and the security log.
const OWN: [&str; 4] = ["relay", "certs", "proto", "security"];

/// A level that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no log level; use off, error, warn, info, debug, trace, or a filter such as `info,security=warn`"
)]
pub struct LevelError(String);

/// A word is the level of the relay itself; anything else is a filter by modules, for everything.
///
/// # Errors
/// [`LevelError`] if it is neither.
pub fn parse(level: &str) -> Result<EnvFilter, LevelError> {
    let error = || LevelError(level.to_owned());
    let level = level.trim().to_ascii_lowercase();
    let directives = match &*level {
        "off" => level,
        "error" | "warn" | "info" | "debug" | "trace" => {
            let own = OWN.map(|name| format!("{name}={level}")).join(",");
            format!("{LIBRARIES},{own}")
        }
        filter if filter.contains(['=', ',']) => level,
        _ => return Err(error()),
    };
    EnvFilter::try_new(directives).map_err(|_| error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_level_is_refused() {
        for text in ["", "loud", "relay=loud", "3"] {
            assert!(parse(text).is_err(), "{text}");
        }
        for text in ["off", "INFO", "trace", "info,security=warn", "relay=debug"] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn no_level_makes_libraries_speak_of_single_packets() {
        for level in ["error", "warn", "info", "debug", "trace"] {
            let filter = parse(level).unwrap().to_string();
            for silent in
                ["quinn_udp=off", "quinn_proto=error", "yamux=off", "rustls=off", "web_transport_quinn=off"]
            {
                assert!(filter.contains(silent), "{filter}");
            }
        }
    }
}
