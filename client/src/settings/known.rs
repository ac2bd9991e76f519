//! Every setting with a name of its own, in the order of the example: what it is called, what it does, how it is read
//! and shown. The one description that reading, showing and the example share.

use serde::{Deserialize, Serialize};
use toml::{
    Spanned, Value,
    de::{DeValue, Error, ValueDeserializer},
};

use super::Settings;

/// The section whose other names are actions of the full-screen face.
pub(super) const KEYS: &str = "keys";

/// One setting.
pub(super) struct Known {
    pub(super) section: &'static str,
    pub(super) key: &'static str,
    /// What it does, for the example.
    pub(super) help: &'static str,
    /// A value to show where the default is that there is none.
    pub(super) instance: &'static str,
    /// Reads its value.
    pub(super) set: for<'de> fn(&mut Settings, Spanned<DeValue<'de>>) -> Result<(), Error>,
    /// Its value, if it has one.
    pub(super) show: fn(&Settings) -> Option<Value>,
}

impl Known {
    /// `section.key`.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }
}

macro_rules! setting {
    ($section:ident.$key:ident, $help:literal) => {
        setting!($section.$key, $help, "")
    };
    ($section:ident.$key:ident, $help:literal, $instance:literal) => {
        Known {
            section: stringify!($section),
            key: stringify!($key),
            help: $help,
            instance: $instance,
            set: |settings, value| read(value).map(|value| settings.$section.$key = value),
            show: |settings| written(&settings.$section.$key),
        }
    };
}

/// What each section is about, in the order of the example.
pub(super) const SECTIONS: &[(&str, &str)] = &[
    ("screen", "The full-screen face."),
    (
        "theme",
        "Single colours instead of the theme's: a name (black, red, green, yellow, blue, magenta, cyan, white, \
      each also with bright- before it, or default), a number from 0 to 255 of the terminal's table, or \"#rrggbb\".",
    ),
    (
        KEYS,
        "What keys do in the full-screen face: the name of an action and its key, or a list of keys. They replace the \
      default ones; an empty list takes them away. F1 shows actions and keys.",
    ),
    (
        "spelling",
        "Misspelt words of what you type in the full-screen face. A program of your system looks them up: hunspell, or else \
      aspell. It gets the words, one by one; they are not written down, and none leaves this machine.",
    ),
    ("notify", "How you are told while you look elsewhere."),
    ("privacy", "What the members of your rooms learn of what you do. The relay learns none of it."),
    ("history", "What this device keeps."),
    ("files", "Files that you send and fetch."),
    ("lock", "How the passphrase of a locked profile is had; see schat lock."),
];

/// All settings but the actions of `[keys]`.
pub(super) const KNOWN: &[Known] = &[
    setting!(
        screen.mouse,
        "The mouse selects rooms and scrolls. Off, the terminal's own selection works as usual."
    ),
    setting!(
        screen.theme,
        "\"dark\" or \"light\", for such a ground; \"auto\" for the one that the terminal tells of, or for both; or \
      \"plain\" without colours. NO_COLOR makes it plain."
    ),
    setting!(screen.members, "Show who is in the room, where there is room for it."),
    setting!(screen.times, "Times of day: \"24h\" or \"12h\"."),
    setting!(
        screen.pictures,
        "Show pictures that you sent or fetched: \"auto\" as the terminal is known to show them, \"off\", \"blocks\" as coloured halves \
         of cells, or by the protocol that you know it to have: \"kitty\", \"iterm2\" or \"sixel\"."
    ),
    setting!(
        theme.senders,
        "Seven colours for the names of those who speak.",
        "[214, 75, 36, 185, 69, 202, 175]"
    ),
    setting!(theme.mention, "What names you.", "214"),
    setting!(theme.alarm, "Alarms and failures.", "\"bright-red\""),
    setting!(theme.quiet, "Times, day lines and hints.", "\"#8a8a8a\""),
    setting!(theme.selected, "What is selected.", "\"cyan\""),
    setting!(keys.vim, "Modal keys as in vi: Esc leaves the input, i goes back to it."),
    setting!(spelling.check, "Underline them."),
    setting!(
        spelling.dictionary,
        "The dictionaries, instead of that of your system's language.",
        "\"en_GB\""
    ),
    setting!(notify.bell, "Ring the terminal's bell."),
    setting!(
        notify.osc,
        "Ask the terminal for a notification: \"auto\" where it is known to understand it, \"off\", or one of the two \
         ways, \"9\" and \"777\"."
    ),
    setting!(notify.desktop, "Ask the desktop for one, where there is a desktop."),
    setting!(notify.mentions_only, "Only for lines that name you."),
    setting!(notify.text, "Say what was written, not only who and where. Others may see your screen."),
    setting!(privacy.typing, "Say that you are typing."),
    setting!(privacy.seen, "Say what you have read."),
    setting!(history.lines, "Chat lines kept per room, from 100 to 1,000,000; the oldest go first."),
    setting!(
        files.downloads,
        "Where they go that you fetch, instead of the directory Downloads in your own.",
        "\"~/Files\""
    ),
    setting!(
        files.keep_metadata,
        "Send pictures with what they tell besides their pixels: where and when they were taken, and with what."
    ),
    setting!(files.fetch_images, "Fetch pictures of at most 1 MiB by themselves, up to 200 in one run."),
    setting!(
        lock.passphrase_command,
        "A program and its arguments, run without a shell: the first line that it prints is the passphrase. Without it the keyring or you \
         are asked.",
        "[\"secret-tool\", \"lookup\", \"program\", \"schat\"]"
    ),
];

fn read<'de, T: Deserialize<'de>>(value: Spanned<DeValue<'de>>) -> Result<T, Error> {
    T::deserialize(ValueDeserializer::from(value))
}

/// None: it has no value.
fn written(value: &impl Serialize) -> Option<Value> {
    Value::try_from(value).ok()
}
