//! Where each setting was said.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

/// Where settings come from: the file and the line of each that it sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The file; none when there was none.
    pub(super) file: Option<PathBuf>,
    /// The name of a setting (`screen.mouse`) and its line, from 1.
    pub(super) lines: BTreeMap<String, usize>,
}

/// Where one setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// Nobody said anything.
    Default,
    /// The file and the line in it, from 1.
    File(&'a Path, usize),
}

impl Source {
    /// The settings file that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Where the setting of that name (`keys.switcher`) comes from.
    pub fn origin(&self, name: &str) -> Origin<'_> {
        match (&self.file, self.lines.get(name)) {
            (Some(file), Some(line)) => Origin::File(file, *line),
            _ => Origin::Default,
        }
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(file, line) => write!(f, "{}:{line}", file.display()),
        }
    }
}
