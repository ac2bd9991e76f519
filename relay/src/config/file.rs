//! The settings file: TOML, one key per setting, nothing else.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::{ConfigError, KnownSetting};

/// The file's name.
pub(super) const NAME: &str = "relay.toml";

/// Where a packaged relay keeps it.
#[cfg(unix)]
const SYSTEM: &str = "/etc/schat-relay";

/// Greatest size of a settings file or of a file with one value, in bytes: far over anything that is meant.
const MAX_SIZE: u64 = 1 << 20;

/// How alike two names must be for one to be a slip of the other (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.75;

/// The first settings file there is.
pub(super) fn default() -> Option<PathBuf> {
    let user = crate::home::config_dir("schat-relay").map(|directory| directory.join(NAME));
    #[cfg(unix)]
    let system = Some(Path::new(SYSTEM).join(NAME));
    #[cfg(not(unix))]
    let system = None;
    user.into_iter().chain(system).find(|path| path.exists())
}

/// What a settings file says, by name.
pub(super) fn read(
    path: &Path,
    known: &[KnownSetting],
) -> Result<BTreeMap<String, Vec<String>>, ConfigError> {
    let text = read_text(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
        path: path.to_owned(),
        message: error.to_string().trim_end().to_owned(),
    })?;
    let mut said = BTreeMap::new();
    for (key, value) in table {
        let Some(setting) = known.iter().find(|known| known.name == key) else {
            let nearest = nearest(&key, known, ALIKE);
            return Err(ConfigError::UnknownKey { path: path.to_owned(), key, nearest });
        };
        let shape = |wanted| ConfigError::Shape { path: path.to_owned(), key: key.clone(), wanted };
        let values = match (value, setting.is_list) {
            (Value::Array(values), true) => values
                .into_iter()
                .map(scalar)
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| shape("a list of strings"))?,
            (value, true) => vec![scalar(value).ok_or_else(|| shape("a string or a list of strings"))?],
            (value, false) => vec![scalar(value).ok_or_else(|| shape("one value"))?],
        };
        said.insert(key, values);
    }
    Ok(said)
}

/// Whether every user of the machine can read a file.
pub(super) fn is_public(path: &Path) -> bool {
    #[cfg(unix)]
    return fs::metadata(path)
        .is_ok_and(|file| std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o004 != 0);
    #[cfg(not(unix))]
    return false;
}

/// One value that stands alone in a file, as secrets do.
pub(super) fn read_value(path: &Path) -> io::Result<String> {
    Ok(read_text(path)?.trim_end_matches(['\r', '\n']).to_owned())
}

fn read_text(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > MAX_SIZE {
        return Err(io::Error::other("the file is too large to be meant"));
    }
    fs::read_to_string(path)
}

fn scalar(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(yes) => Some(yes.to_string()),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

/// The setting whose name is nearest, if it is at least so alike (Jaro-Winkler, 0 to 1).
pub(super) fn nearest(key: &str, known: &[KnownSetting], alike_enough: f64) -> Option<String> {
    let key = key.replace('_', "-");
    let alike = known.iter().map(|known| (strsim::jaro_winkler(&key, &known.name), &known.name));
    let (score, name) = alike.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (score >= alike_enough).then(|| name.clone())
}
