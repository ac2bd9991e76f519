//! Where each setting was said.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

use crate::store::Said;

/// Where settings come from: the file and the line of each that it sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The file; none when there was none.
    pub(super) file: Option<PathBuf>,
    /// The name of a setting (`screen.mouse`) and its line, from 1.
    pub(super) lines: BTreeMap<String, usize>,
    /// The names of those that another device of the person said, later than the file.
    pub(super) followed: BTreeSet<String>,
    /// What the file says of those that follow the person.
    pub(super) said: Said,
}

/// Where one setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// Nobody said anything.
    Default,
    /// The file and the line in it, from 1.
    File(&'a Path, usize),
    /// Another device of the person, later than the file here.
    Device,
}

impl Source {
    /// The settings file that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Where the setting of that name (`keys.switcher`) comes from.
    pub fn origin(&self, name: &str) -> Origin<'_> {
        match (&self.file, self.lines.get(name)) {
            _ if self.followed.contains(name) => Origin::Device,
            (Some(file), Some(line)) => Origin::File(file, *line),
            _ => Origin::Default,
        }
    }

    /// What the file says of the settings that follow the person.
    pub fn said(&self) -> &Said {
        &self.said
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Device => f.write_str("device"),
            Self::File(file, line) => write!(f, "{}:{line}", file.display()),
        }
    }
}
