//! What is wrong with the settings: the source, the cause and the remedy.

use std::{io, path::PathBuf};

use crate::config::settings::Conflict;

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line or a variable; clap prints it (help and version come this way, too).
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// The file cannot be read.
    #[error("cannot read {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("{} is not valid TOML: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// A key that is no setting.
    #[error("{}: there is no setting `{key}`{}; `relay config` lists them all", path.display(), did_you_mean(nearest.as_deref()))]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The setting whose name is nearest.
        nearest: Option<String>,
    },
    /// A value of the wrong shape.
    #[error("{}: `{key}` must be {wanted}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// A value that its setting does not take.
    #[error("{}: {message}", file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A value and a file with the value.
    #[error("{variable} and {variable}_FILE are both set; unset one of them")]
    Twice {
        /// The variable.
        variable: String,
    },
    /// The file that a variable names cannot be read.
    #[error("cannot read the file {} that {variable} names: {source}", path.display())]
    VariableFile {
        /// The variable.
        variable: String,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A secret where other users of the machine see it.
    #[error(
        "`--{name}` is a secret, and other users of this machine can see command lines; \
         put it in a file and name that with RELAY_{}_FILE", name.replace('-', "_").to_uppercase()
    )]
    SecretOnCommandLine {
        /// The setting.
        name: String,
    },
    /// A secret in a file that every user of the machine can read.
    #[error(
        "{} holds the secret `{name}`, and every user of this machine can read it; `chmod o-r` it, or put the \
         secret into a file of its own and name that with RELAY_{}_FILE",
        path.display(), name.replace('-', "_").to_uppercase()
    )]
    SecretInPublicFile {
        /// The setting.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// A variable that is nearly one.
    #[error("there is no variable {variable}; did you mean {nearest}? `relay config` lists all settings")]
    UnknownVariable {
        /// What is set.
        variable: String,
        /// The variable whose name is nearest.
        nearest: String,
    },
    /// Two settings do not fit together.
    #[error(transparent)]
    Conflict(#[from] Conflict),
}

impl ConfigError {
    /// Whether it is the settings file that makes no sense.
    pub fn is_of_the_file(&self) -> bool {
        match self {
            Self::Read { .. }
            | Self::Syntax { .. }
            | Self::UnknownKey { .. }
            | Self::Shape { .. }
            | Self::Value { .. } => true,
            Self::SecretInPublicFile { .. } | Self::Conflict(_) => true,
            Self::Usage(_)
            | Self::Twice { .. }
            | Self::VariableFile { .. }
            | Self::SecretOnCommandLine { .. }
            | Self::UnknownVariable { .. } => false,
        }
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!("; did you mean `{nearest}`?")).unwrap_or_default()
}
