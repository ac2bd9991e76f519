//! What a person or a program is told when something fails: the cause, the remedy and the exit code.

use std::{borrow::Cow, process::ExitCode};

use serde::{Deserialize, Serialize};

/// How the program ends; the numbers are documented and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Exit {
    /// Nothing failed.
    Ok = 0,
    /// Something on this machine failed: the disk, the profile.
    Local = 1,
    /// The command line, or a command, makes no sense.
    Usage = 2,
    /// The relay cannot be reached.
    Network = 3,
    /// The relay or the room said no.
    Refused = 4,
    /// No such room, file or member.
    NotFound = 5,
    /// A certificate, a link or a proof does not hold.
    Verification = 6,
    /// Stopped by Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(u8::from(exit))
    }
}

impl From<Exit> for u8 {
    fn from(exit: Exit) -> Self {
        exit as Self
    }
}

/// A failure for people (message and remedy) and for programs (code and exit code). Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct Failure {
    /// Stable name, for programs.
    pub code: Cow<'static, str>,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
    /// How a command that cannot go on ends.
    pub exit: Exit,
}

impl Failure {
    /// A failure with its remedy.
    pub fn new(
        exit: Exit,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { code: code.into(), message: message.into(), remedy: remedy.into(), exit }
    }

    /// The command makes no sense.
    pub fn usage(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message, remedy)
    }

    /// Something that was named does not exist.
    pub fn not_found(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, "not_found", message, remedy)
    }
}

/// The exit code that belongs to an error code of the engine.
pub fn exit_of(code: &str) -> Exit {
    match code {
        "not_found" | "unknown_member" | "no_such_member" => Exit::NotFound,
        "usage" | "too_long" | "bad_name" => Exit::Usage,
        "verification" | "certificate" | "first_use" | "fork" | "rollback" | "relay_restored"
        | "led_astray" => Exit::Verification,
        "network" | "clock" => Exit::Network,
        "storage" => Exit::Local,
        _ => Exit::Refused,
    }
}
