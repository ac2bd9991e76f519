//! Of the log that a user can send.

use crate::{
    failure::{Exit, Failure},
    log::LogError,
};

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        let (exit, message, remedy) = match &error {
            LogError::Io(path, why) => (
                Exit::Local,
                format!("The log {} cannot be written: {why}.", path.display()),
                "Name another file with --log.",
            ),
            LogError::NoFile(path) => (
                Exit::Usage,
                format!(
                    "The log {} is no file that a log can be added to; nothing was written to it.",
                    path.display()
                ),
                NEW,
            ),
            LogError::NoLog(path) => (
                Exit::Usage,
                format!(
                    "The log {} is not empty and no log of schat; nothing was written to it.",
                    path.display()
                ),
                NEW,
            ),
        };
        Self::new(exit, "log", message, remedy)
    }
}

const NEW: &str = "Name a new file with --log, or a log of schat.";

/// Something is missing in it.
pub fn incomplete(why: &str) -> String {
    format!(
        "The log is not complete: it could not be written ({why}). Make room, or name another file with --log."
    )
}
