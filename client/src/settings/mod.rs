//! The person's settings: `config.toml` in the user's configuration directory, or the file that `SCHAT_CONFIG` names.
//!
//! ```text
//!  file ──▶ read (spans) ──▶ known (one table: name, parser) ──▶ Settings ──▶ runtime, faces
//!                       follow (what other devices said) ──┘  └──▶ show; the example (in `faces/words/settings/`)
//! ```
//!
//! Nothing in it is secret, and nothing is written to it. What a profile remembers (name, relay) is not here.

mod colour;
mod error;
mod follow;
mod known;
mod read;
mod show;
mod source;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::store::MAX_HISTORY;

pub use self::{
    colour::Colour,
    error::{SettingsError, WrongValue, nearest},
    follow::{as_toml, named, with},
    show::{carried, json, only_carried},
    source::{Origin, Source},
};

pub(crate) use self::{
    known::{KEYS, KNOWN, SECTIONS},
    show::{rows, written, written_key},
};

/// What the person wants. Passed by value to whoever starts a runtime or a face.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The full-screen face.
    pub screen: Screen,
    /// Single colours that differ from the theme's.
    pub theme: Colours,
    /// What keys do.
    pub keys: Keys,
    /// Whether what is typed is looked up in a dictionary.
    pub spelling: Spelling,
    /// How somebody who looks elsewhere is told.
    pub notify: Notify,
    /// What others learn of what I do.
    pub privacy: Privacy,
    /// What is kept.
    pub history: History,
    /// Files that are sent and fetched.
    pub files: Files,
    /// What goes to the person's other devices.
    pub devices: Devices,
    /// How a locked profile is opened.
    pub lock: Lock,
    /// Where each of these was said.
    pub source: Source,
}

/// `[screen]`: the full-screen face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// The mouse selects and scrolls; off, the terminal's own selection works.
    pub mouse: bool,
    /// The colours to begin with.
    pub theme: ThemeName,
    /// The pane of members is shown where there is room.
    pub members: bool,
    /// How times of day are written.
    pub times: Times,
    /// How pictures are shown.
    pub pictures: Pictures,
}

/// How pictures are shown under their lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pictures {
    /// As the terminal is known to show them, or else as blocks.
    #[default]
    Auto,
    /// Not at all.
    Off,
    /// As coloured halves of cells, which any terminal with enough colours has.
    Blocks,
    /// By kitty's protocol.
    Kitty,
    /// By iTerm2's protocol.
    Iterm2,
    /// As Sixel graphics.
    Sixel,
}

/// A built-in set of colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeName {
    /// For the background that the terminal tells of, or for any.
    #[default]
    Auto,
    /// For a dark background.
    Dark,
    /// For a light background.
    Light,
    /// No colours: words, bold and reverse say it all, as with `NO_COLOR`.
    Plain,
}

/// How times of day are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Times {
    /// `15:04`.
    #[default]
    #[serde(rename = "24h")]
    Hours24,
    /// `3:04 pm`.
    #[serde(rename = "12h")]
    Hours12,
}

/// `[theme]`: colours that replace the theme's; what is `None` is the theme's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Colours {
    /// Names of those who speak, chosen by fingerprint.
    pub senders: Option<Senders>,
    /// Lines and rooms that name me.
    pub mention: Option<Colour>,
    /// Alarms and failures.
    pub alarm: Option<Colour>,
    /// Times, day lines, hints.
    pub quiet: Option<Colour>,
    /// What is selected.
    pub selected: Option<Colour>,
}

/// Seven colours, no more and no fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Colour>", into = "Vec<Colour>")]
pub struct Senders(pub [Colour; 7]);

impl TryFrom<Vec<Colour>> for Senders {
    type Error = WrongValue;

    fn try_from(colours: Vec<Colour>) -> Result<Self, WrongValue> {
        let count = colours.len();
        colours.try_into().map(Self).map_err(|_| WrongValue::Colours(count))
    }
}

impl From<Senders> for Vec<Colour> {
    fn from(senders: Senders) -> Self {
        senders.0.to_vec()
    }
}

/// `[keys]`: what keys do. The full-screen face knows the actions and the keys, and refuses others at its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Modal keys as in vi.
    pub vim: bool,
    /// From the name of an action to the keys that do it, as written; they replace the default ones. An empty list:
    /// no key does it. At most as many as a settings file has room for.
    pub actions: BTreeMap<String, Vec<String>>,
}

/// `[spelling]`: misspelt words of what is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spelling {
    /// They are underlined.
    pub check: bool,
    /// By these dictionaries, and not that of the system's language.
    pub dictionary: Option<Dictionary>,
}

/// Names of dictionaries, as the programs that have them take them: `en_GB`, or `en_GB,de_DE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Dictionary(String);

impl Dictionary {
    /// The names.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Dictionary {
    type Error = WrongValue;

    fn try_from(names: String) -> Result<Self, Self::Error> {
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphanumeric())
                && name.len() <= 64
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        };
        match names.split(',').all(is_name) {
            true => Ok(Self(names)),
            false => Err(WrongValue::Dictionary),
        }
    }
}

impl From<Dictionary> for String {
    fn from(dictionary: Dictionary) -> Self {
        dictionary.0
    }
}

/// `[files]`: files that are sent and fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Where they go that are fetched, and not into the usual directory of the system.
    pub downloads: Option<Directory>,
    /// What pictures tell besides their pixels goes along.
    pub keep_metadata: bool,
    /// Small pictures are fetched by themselves.
    pub fetch_images: bool,
}

/// A directory, from the root or from the user's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Directory(String);

impl Directory {
    /// From the root.
    pub fn path(&self) -> Option<PathBuf> {
        match self.0.strip_prefix("~/") {
            Some(rest) => relay::home::own_dir().map(|home| home.join(rest)),
            None => Some(PathBuf::from(&self.0)),
        }
    }
}

impl TryFrom<String> for Directory {
    type Error = WrongValue;

    fn try_from(path: String) -> Result<Self, Self::Error> {
        match path.starts_with("~/") || Path::new(&path).is_absolute() {
            true => Ok(Self(path)),
            false => Err(WrongValue::Directory),
        }
    }
}

impl From<Directory> for String {
    fn from(directory: Directory) -> Self {
        directory.0
    }
}

impl Files {
    /// Where files go that are fetched. None: nobody knows.
    pub fn downloads(&self) -> Option<PathBuf> {
        match &self.downloads {
            Some(directory) => directory.path(),
            None => relay::home::own_dir().map(|home| home.join("Downloads")),
        }
    }
}

/// `[notify]`: how somebody who looks elsewhere is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notify {
    /// Ring the terminal's bell.
    pub bell: bool,
    /// Ask the terminal to show a notification.
    pub osc: Osc,
    /// Ask the desktop to show one, where there is a desktop.
    pub desktop: bool,
    /// Only for lines that name me.
    pub mentions_only: bool,
    /// Say in it what was written, not only who and where.
    pub text: bool,
}

/// The escape sequence that asks a terminal for a notification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Osc {
    /// None.
    #[serde(rename = "off")]
    Off,
    /// The one that this terminal is known to understand, if any.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// OSC 9: iTerm2, Windows Terminal, kitty, foot, WezTerm.
    #[serde(rename = "9")]
    Nine,
    /// OSC 777: urxvt, foot, Ghostty, WezTerm.
    #[serde(rename = "777")]
    SevenSevenSeven,
}

/// `[privacy]`: what the members of a room learn of what I do. The relay learns nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Privacy {
    /// Say that I am typing.
    pub typing: bool,
    /// Say what I have read.
    pub seen: bool,
}

/// `[history]`: what is kept on this device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Chat lines kept per room; the oldest go first.
    pub lines: Lines,
}

/// `[devices]`: what goes to the person's other devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// What was typed and not sent.
    pub drafts: bool,
}

/// `[lock]`: how a locked profile is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// What prints the passphrase.
    pub passphrase_command: Option<Program>,
}

/// A program and its arguments, as they are: no shell reads them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Program {
    /// Its name or path.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl TryFrom<Vec<String>> for Program {
    type Error = WrongValue;

    fn try_from(words: Vec<String>) -> Result<Self, Self::Error> {
        let mut words = words.into_iter();
        match words.next().filter(|name| !name.is_empty()) {
            Some(name) => Ok(Self { name, arguments: words.collect() }),
            None => Err(WrongValue::Program),
        }
    }
}

impl From<Program> for Vec<String> {
    fn from(program: Program) -> Self {
        [vec![program.name], program.arguments].concat()
    }
}

/// How many chat lines a room keeps on this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Lines(u64);

impl Lines {
    /// A few screens: what a face shows at its start comes from there.
    const FEWEST: u64 = 100;

    /// A few hundred megabytes of usual lines, per room.
    const MOST: u64 = 1_000_000;

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl TryFrom<u64> for Lines {
    type Error = WrongValue;

    fn try_from(lines: u64) -> Result<Self, WrongValue> {
        match lines {
            Self::FEWEST..=Self::MOST => Ok(Self(lines)),
            _ => Err(WrongValue::Bounds(Self::FEWEST, Self::MOST)),
        }
    }
}

impl From<Lines> for u64 {
    fn from(lines: Lines) -> Self {
        lines.0
    }
}

impl Default for Lines {
    fn default() -> Self {
        Self(MAX_HISTORY)
    }
}

impl Default for Screen {
    fn default() -> Self {
        Self {
            mouse: true,
            theme: ThemeName::Auto,
            members: true,
            times: Times::Hours24,
            pictures: Pictures::Auto,
        }
    }
}

impl Default for Notify {
    fn default() -> Self {
        Self { bell: true, osc: Osc::Auto, desktop: true, mentions_only: false, text: false }
    }
}

impl Default for Privacy {
    /// Typing is over in a moment; what was read is kept by others, so that one is asked for.
    fn default() -> Self {
        Self { typing: true, seen: false }
    }
}

#[cfg(test)]
mod tests;
