//! What is wrong with a settings file: the place and the cause, as values.

use std::{fmt, io, path::PathBuf};

/// How alike two names must be for one to be a slip of the other (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.75;

/// What is wrong with a settings file.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Somebody named a file that is not there.
    #[error("no settings file")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("unreadable: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It has more bytes than anybody means.
    #[error("too large")]
    Large {
        /// The file.
        path: PathBuf,
    },
    /// It is not TOML.
    #[error("{line}: not TOML")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A name that is no setting.
    #[error("{line}: unknown {name}")]
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
    #[error("{line}: {name}: {wrong}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The setting with its section.
        name: String,
        /// What is wrong.
        wrong: WrongValue,
    },
}

/// Why a setting does not take a value. Parsers know errors as texts alone, so each of these is one and is read back from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrongValue {
    /// It stands for a section.
    Section,
    /// No key, and no list of keys.
    Keys,
    /// No colour, but this.
    Colour(String),
    /// So many colours, and not as many as there have to be.
    Colours(usize),
    /// No name of a dictionary.
    Dictionary,
    /// No directory.
    Directory,
    /// No program.
    Program,
    /// A number out of these bounds.
    Bounds(u64, u64),
    /// Another type, as the parser says.
    Type(String),
}

impl fmt::Display for WrongValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Section => f.write_str("section"),
            Self::Keys => f.write_str("keys"),
            Self::Colour(text) => write!(f, "colour:{text}"),
            Self::Colours(count) => write!(f, "colours:{count}"),
            Self::Dictionary => f.write_str("dictionary"),
            Self::Directory => f.write_str("directory"),
            Self::Program => f.write_str("program"),
            Self::Bounds(fewest, most) => write!(f, "bounds:{fewest}:{most}"),
            Self::Type(text) => f.write_str(text),
        }
    }
}

impl WrongValue {
    /// Reads back what a parser was told, or takes what it says by itself.
    pub(super) fn of(message: &str) -> Self {
        let numbers = |text: &str| {
            let (fewest, most) = text.split_once(':')?;
            Some(Self::Bounds(fewest.parse().ok()?, most.parse().ok()?))
        };
        let known = match message.split_once(':') {
            None => match message {
                "dictionary" => Some(Self::Dictionary),
                "directory" => Some(Self::Directory),
                "program" => Some(Self::Program),
                _ => None,
            },
            Some(("colour", text)) => Some(Self::Colour(text.to_owned())),
            Some(("colours", count)) => count.parse().ok().map(Self::Colours),
            Some(("bounds", text)) => numbers(text),
            Some(_) => None,
        };
        known.unwrap_or_else(|| Self::Type(message.trim_end().trim_end_matches('.').replace('\n', "; ")))
    }
}

/// The name that is nearest to a word, if it is at least so alike that the one may be a slip of the other.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let alike = names.into_iter().map(|name| (strsim::jaro_winkler(&word, name), name));
    let (score, name) = alike.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (score >= ALIKE).then_some(name)
}
