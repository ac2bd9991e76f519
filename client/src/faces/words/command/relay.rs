//! Of relays and of the daemon: `host`, `daemon`, the first sight of a relay, and what is needed to connect.

use std::{fmt::Display, net::SocketAddr};

use crate::{
    faces::words::address,
    failure::{Exit, Failure},
    transport::{AddressError, CaFileError, TransportError},
};

/// A relay was not to run in a process of somebody else.
pub fn daemon_runs_none() -> Failure {
    Failure::new(
        Exit::Local,
        "in_use",
        "A daemon has this profile, and runs no relay.",
        "End it (schat daemon stop), then: schat host. Or give this one another --profile.",
    )
}

/// Behind what [`listens`], on a machine without a way out.
pub const NO_WAY_OUT: &str = " This machine has no way to the internet: the link works on this machine only. See schat host --advertise.";

/// Where our own relay is.
pub fn listens(address: SocketAddr, has_tcp: bool, advertise: impl Display, warning: &str) -> String {
    let ports = if has_tcp { "UDP and TCP" } else { "UDP only" };
    format!("The relay listens on {address} ({ports}); links say {advertise}.{warning}")
}

/// Where it was to listen is no address for others.
pub fn no_address(error: AddressError) -> Failure {
    Failure::usage(address(error), "Choose another --listen.")
}

/// There is a daemon already.
pub fn daemon_is_there() -> Failure {
    Failure::new(
        Exit::Local,
        "in_use",
        "A daemon has this profile already.",
        "Use it: every schat command does. Or end it: schat daemon stop",
    )
}

/// There is no daemon.
pub fn no_daemon() -> Failure {
    Failure::not_found("No daemon has this profile.", "Start one: schat daemon")
}

/// The daemon takes programs from now on.
pub const DAEMON_READY: &str = "the daemon is ready.";

/// It takes none any more.
pub const DAEMON_ENDED: &str = "the daemon has ended.";

/// How the daemon is.
pub fn daemon_status(version: &str, pid: u32, uptime: &str, faces: &str, rooms: &str) -> String {
    format!("schat {version} runs as process {pid} for {uptime}, with {faces} attached and {rooms}.")
}

/// An option that the daemon would have to be given.
pub fn not_heeded(option: &str) -> String {
    format!("{option} is not heeded: a daemon has this profile. Give it to schat daemon.")
}

/// A relay that nobody knows, before somebody is asked.
pub fn stranger(relay: impl Display, pin: impl Display) -> [String; 3] {
    [
        format!("The relay {relay} is seen for the first time, and nobody vouches for its certificate."),
        format!("Its fingerprint: {pin}"),
        "Compare it with what the relay's operator says: somebody between you and the relay has another one."
            .to_owned(),
    ]
}

/// On what ground a relay is trusted that is seen for the first time.
pub fn trusted(ground: impl Display) -> String {
    format!("The relay is {ground}.")
}

/// The question.
pub const TRUST: &str = "Trust this relay from now on? (yes/no) ";

/// It was answered otherwise.
pub const YES_OR_NO: &str = "Please type yes or no.";

/// It was answered by no.
pub fn not_trusted(relay: impl Display) -> Failure {
    Failure::new(
        Exit::Verification,
        "first_use",
        format!("The relay {relay} is not trusted; nothing was sent there and nothing is remembered."),
        "Ask its operator for a link, which carries the fingerprint: schat LINK",
    )
}

/// What is wrong with the file of a token, which `variable` names.
pub fn token(variable: &str, what: impl Display, remedy: &str) -> Failure {
    Failure::usage(format!("{variable}: {what}."), remedy)
}

/// Remedies for it: there is no such file, it holds none, and there is no relay for it.
pub const TOKEN_FILE: &str = "Name a file that holds the token.";
/// See [`TOKEN_FILE`].
pub const TOKEN_NEW: &str = "Ask the relay's operator for a new one.";
/// See [`TOKEN_FILE`].
pub const TOKEN_RELAY: (&str, &str) =
    ("there is no relay to use the token at", "Name one with --relay HOST:PORT.");

/// The file of an authority is of no use.
pub fn authority(error: &CaFileError) -> Failure {
    let (exit, message) = match error {
        CaFileError::Read(error) => {
            (Exit::NotFound, format!("the file given with --ca cannot be read: {error}"))
        }
        CaFileError::Empty => {
            (Exit::Usage, "the file given with --ca holds no certificate in PEM form".to_owned())
        }
    };
    Failure::new(exit, "ca_file", message, "Name a PEM file with the relay's certificate authority.")
}

/// Nothing can be sent from here.
pub fn no_network(error: &TransportError) -> Failure {
    let remedy = "Check the limits and the firewall of this machine.";
    Failure::new(Exit::Network, "network", format!("no UDP socket could be opened: {}", error.0), remedy)
}
