//! Every setting with a name of its own, in the order of the example: what it is called, how it is read and shown. What it does
//! is said in `faces/words/settings/about.rs`.

use serde::{Deserialize, Serialize};
use toml::{
    Spanned, Value,
    de::{DeValue, Error, ValueDeserializer},
};

use super::Settings;

/// The section whose other names are actions of the full-screen face.
pub(crate) const KEYS: &str = "keys";

/// How far a setting goes with its person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It is of one machine: a path, a program, what its terminal can do, how much is kept there.
    Machine,
    /// Into backups: whoever comes back to a machine finds its looks and keys.
    Backup,
    /// To each of the person's devices, and so into backups: what others learn of them, and how they like things.
    Devices,
}

/// One setting.
pub(crate) struct KnownSetting {
    pub(crate) section: &'static str,
    pub(crate) key: &'static str,
    pub(crate) reach: Reach,
    /// A value to show where the default is that there is none.
    pub(crate) instance: &'static str,
    /// Reads its value.
    pub(crate) set: for<'de> fn(&mut Settings, Spanned<DeValue<'de>>) -> Result<(), Error>,
    /// Its value, if it has one.
    pub(crate) show: fn(&Settings) -> Option<Value>,
}

impl KnownSetting {
    /// `section.key`.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }
}

macro_rules! setting {
    ($reach:ident $section:ident.$key:ident) => {
        setting!($reach $section.$key, "")
    };
    ($reach:ident $section:ident.$key:ident, $instance:literal) => {
        KnownSetting {
            section: stringify!($section),
            key: stringify!($key),
            reach: Reach::$reach,
            instance: $instance,
            set: |settings, value| read(value).map(|value| settings.$section.$key = value),
            show: |settings| written(&settings.$section.$key),
        }
    };
}

/// The sections, in the order of the example.
pub(crate) const SECTIONS: &[&str] =
    &["screen", "theme", KEYS, "spelling", "notify", "privacy", "history", "files", "devices", "lock"];

/// All settings but the actions of `[keys]`.
pub(crate) const KNOWN: &[KnownSetting] = &[
    setting!(Machine screen.mouse),
    setting!(Backup screen.theme),
    setting!(Devices screen.members),
    setting!(Devices screen.times),
    setting!(Machine screen.pictures),
    setting!(Backup theme.senders, "[214, 75, 36, 185, 69, 202, 175]"),
    setting!(Backup theme.mention, "214"),
    setting!(Backup theme.alarm, "\"bright-red\""),
    setting!(Backup theme.quiet, "\"#8a8a8a\""),
    setting!(Backup theme.selected, "\"cyan\""),
    setting!(Devices keys.vim),
    setting!(Backup spelling.check),
    setting!(Machine spelling.dictionary, "\"en_GB\""),
    setting!(Machine notify.bell),
    setting!(Machine notify.osc),
    setting!(Machine notify.desktop),
    setting!(Devices notify.mentions_only),
    setting!(Backup notify.text),
    setting!(Devices privacy.typing),
    setting!(Devices privacy.seen),
    setting!(Machine history.lines),
    setting!(Machine files.downloads, "\"~/Files\""),
    setting!(Devices files.keep_metadata),
    setting!(Devices files.fetch_images),
    setting!(Devices devices.drafts),
    setting!(Machine lock.passphrase_command, "[\"secret-tool\", \"lookup\", \"program\", \"schat\"]"),
];

/// How far the setting of this name goes; what this version does not know, nowhere.
pub(crate) fn reach(section: &str, key: &str) -> Reach {
    let found = KNOWN.iter().find(|known| (known.section, known.key) == (section, key));
    match found {
        Some(known) => known.reach,
        // What a key does is called as the face calls it.
        None if section == KEYS => Reach::Backup,
        None => Reach::Machine,
    }
}

fn read<'de, T: Deserialize<'de>>(value: Spanned<DeValue<'de>>) -> Result<T, Error> {
    T::deserialize(ValueDeserializer::from(value))
}

/// None: it has no value.
fn written(value: &impl Serialize) -> Option<Value> {
    Value::try_from(value).ok()
}
