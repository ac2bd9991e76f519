//! What is wrong with a settings file: the place, the cause and the remedy.

use std::{io, path::PathBuf};

use crate::failure::{Exit, Failure};

/// How alike two names must be for one to be a slip of the other (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.75;

/// What is wrong with a settings file.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Somebody named a file that is not there.
    #[error("There is no settings file {}.", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("The settings file {} cannot be read: {source}.", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is not TOML.
    #[error("{}:{line}: this is not TOML: {message}.", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A name that is no setting.
    #[error("{}:{line}: there is no setting `{name}`.", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The name with its section.
        name: String,
        /// The setting whose name is nearest.
        nearest: Option<String>,
    },
    /// A value that its setting does not take.
    #[error("{}:{line}: `{name}`: {message}.", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The setting with its section.
        name: String,
        /// What is wrong.
        message: String,
    },
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        let (exit, remedy) = match &error {
            SettingsError::Missing { .. } => (
                Exit::NotFound,
                "Name another with SCHAT_CONFIG or --config, or make it: `schat config --example`."
                    .to_owned(),
            ),
            SettingsError::Read { .. } => (Exit::Usage, "Check the file and its permissions.".to_owned()),
            SettingsError::Syntax { .. } => {
                (Exit::Usage, "Mend that line; `schat config --example` shows how it is written.".to_owned())
            }
            SettingsError::Unknown { nearest: Some(nearest), .. } => {
                (Exit::Usage, format!("Did you mean `{nearest}`? `schat config --example` shows them all."))
            }
            SettingsError::Unknown { nearest: None, .. } => {
                (Exit::Usage, "`schat config --example` shows them all.".to_owned())
            }
            SettingsError::Value { .. } => {
                (Exit::Usage, "`schat config --example` shows what it takes.".to_owned())
            }
        };
        Self::new(exit, "config", error.to_string(), remedy)
    }
}

/// The name that is nearest to a word, if it is at least so alike that the one may be a slip of the other.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let alike = names.into_iter().map(|name| (strsim::jaro_winkler(&word, name), name));
    let (score, name) = alike.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (score >= ALIKE).then_some(name)
}
