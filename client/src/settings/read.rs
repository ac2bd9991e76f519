//! The settings file: where it is, and what it says.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Settings, SettingsError, Source,
    error::{WrongValue, nearest},
    known::{KEYS, KNOWN, SECTIONS},
};

/// The file's name.
const NAME: &str = "config.toml";

/// Greatest size of a settings file, in bytes: far over anything that is meant.
const MAX_SIZE: u64 = 1 << 20;

impl Settings {
    /// Where the settings are read from: the file that was named, else `config.toml` in the user's configuration
    /// directory. None: there is no home directory.
    pub fn path(named: Option<&Path>) -> Option<PathBuf> {
        let usual = || relay::home::config_dir("schat").map(|directory| directory.join(NAME));
        named.map(Path::to_owned).or_else(usual)
    }

    /// Reads the settings. Without a file in the usual place all is as by default; a file that was named must exist.
    ///
    /// # Errors
    /// [`SettingsError`] with the place, when anything in the file is not understood: then none of it is taken.
    pub fn load(named: Option<&Path>) -> Result<Self, SettingsError> {
        let Some(path) = Self::path(named) else { return Ok(Self::default()) };
        match text(&path) {
            Ok(Some(text)) => parse(&path, &text),
            Ok(None) => Err(SettingsError::Large { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match named {
                Some(_) => Err(SettingsError::Missing { path }),
                None => Ok(Self::default()),
            },
            // The directory is none, as with XDG_CONFIG_HOME=/dev/null: whoever says so wants no settings.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory && named.is_none() => {
                Ok(Self::default())
            }
            Err(source) => Err(SettingsError::Read { path, source }),
        }
    }
}

/// None: it has more bytes than anybody means.
fn text(path: &Path) -> io::Result<Option<String>> {
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_SIZE + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > MAX_SIZE) {
        return Ok(None);
    }
    Ok(Some(text))
}

/// What a file says.
pub(super) fn parse(path: &Path, text: &str) -> Result<Settings, SettingsError> {
    let file = File { path, text };
    let table = DeTable::parse(text).map_err(|error| SettingsError::Syntax {
        path: path.to_owned(),
        line: file.line(error.span().map_or(0, |span| span.start)),
        message: error.message().trim_end_matches('.').to_owned(),
    })?;
    let mut settings = Settings {
        source: Source { file: Some(path.to_owned()), ..Source::default() },
        ..Settings::default()
    };
    for (name, section) in table.into_inner() {
        let line = file.line(name.span().start);
        let name = name.into_inner();
        let Some(known) = SECTIONS.iter().find(|known| **known == name) else {
            return Err(file.unknown(line, name.into_owned()));
        };
        let DeValue::Table(section) = section.into_inner() else {
            return Err(file.value(line, known, WrongValue::Section));
        };
        for (key, value) in section {
            let line = file.line(key.span().start);
            let name = format!("{known}.{}", key.get_ref());
            file.take(&mut settings, known, &key.into_inner(), (line, value))?;
            settings.source.lines.insert(name, line);
        }
    }
    Ok(settings)
}

/// The file while it is read.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    /// One setting.
    fn take(
        &self,
        settings: &mut Settings,
        section: &str,
        key: &str,
        (line, value): (usize, Spanned<DeValue<'_>>),
    ) -> Result<(), SettingsError> {
        let name = format!("{section}.{key}");
        match KNOWN.iter().find(|known| known.section == section && known.key == key) {
            Some(known) => (known.set)(settings, value)
                .map_err(|error| self.value(line, &name, WrongValue::of(error.message()))),
            None if section == KEYS => {
                let keys = keys(value.get_ref()).ok_or_else(|| self.value(line, &name, WrongValue::Keys))?;
                settings.keys.actions.insert(key.to_owned(), keys);
                Ok(())
            }
            None => Err(self.unknown(line, name)),
        }
    }

    /// The line of a byte, from 1.
    fn line(&self, byte: usize) -> usize {
        self.text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
    }

    fn value(&self, line: usize, name: &str, wrong: WrongValue) -> SettingsError {
        SettingsError::Value { path: self.path.to_owned(), line, name: name.to_owned(), wrong }
    }

    fn unknown(&self, line: usize, name: String) -> SettingsError {
        let nearest = nearest_setting(&name);
        SettingsError::Unknown { path: self.path.to_owned(), line, name, nearest }
    }
}

fn keys(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::String(key) => Some(vec![key.clone().into_owned()]),
        DeValue::Array(keys) => keys.iter().map(|key| key.get_ref().as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// The setting or section that was probably meant. A setting may have been put into another section, or in none.
fn nearest_setting(name: &str) -> Option<String> {
    let (section, key) = name.split_once('.').unwrap_or(("", name));
    let elsewhere = KNOWN.iter().find(|known| known.key == key).map(super::known::KnownSetting::name);
    let here = KNOWN.iter().filter(|known| known.section == section).map(|known| known.key);
    let here = nearest(key, here).map(|key| format!("{section}.{key}"));
    let sections = SECTIONS.iter().copied();
    let of_sections = || nearest(name, sections).map(|section| format!("[{section}]"));
    let of_all = || nearest(key, KNOWN.iter().map(|known| known.key));
    let anywhere =
        || KNOWN.iter().find(|known| Some(known.key) == of_all()).map(super::known::KnownSetting::name);
    here.or(elsewhere).or_else(|| section.is_empty().then(of_sections).flatten()).or_else(anywhere)
}
