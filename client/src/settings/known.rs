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

/// One setting.
pub(crate) struct KnownSetting {
    pub(crate) section: &'static str,
    pub(crate) key: &'static str,
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
    ($section:ident.$key:ident) => {
        setting!($section.$key, "")
    };
    ($section:ident.$key:ident, $instance:literal) => {
        KnownSetting {
            section: stringify!($section),
            key: stringify!($key),
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
    setting!(screen.mouse),
    setting!(screen.theme),
    setting!(screen.members),
    setting!(screen.times),
    setting!(screen.pictures),
    setting!(theme.senders, "[214, 75, 36, 185, 69, 202, 175]"),
    setting!(theme.mention, "214"),
    setting!(theme.alarm, "\"bright-red\""),
    setting!(theme.quiet, "\"#8a8a8a\""),
    setting!(theme.selected, "\"cyan\""),
    setting!(keys.vim),
    setting!(spelling.check),
    setting!(spelling.dictionary, "\"en_GB\""),
    setting!(notify.bell),
    setting!(notify.osc),
    setting!(notify.desktop),
    setting!(notify.mentions_only),
    setting!(notify.text),
    setting!(privacy.typing),
    setting!(privacy.seen),
    setting!(history.lines),
    setting!(files.downloads, "\"~/Files\""),
    setting!(files.keep_metadata),
    setting!(files.fetch_images),
    setting!(devices.drafts),
    setting!(lock.passphrase_command, "[\"secret-tool\", \"lookup\", \"program\", \"schat\"]"),
];

fn read<'de, T: Deserialize<'de>>(value: Spanned<DeValue<'de>>) -> Result<T, Error> {
    T::deserialize(ValueDeserializer::from(value))
}

/// None: it has no value.
fn written(value: &impl Serialize) -> Option<Value> {
    Value::try_from(value).ok()
}
