//! Settings that follow a person from device to device: what the devices agreed on last, and what each settings file said when it was
//! looked at last. So what is changed in a file is told apart from what only stands there, and the later of two changes counts.
//!
//! It is a file beside the database, since every program of the profile reads settings, also those that do not open it. Nothing in it is
//! secret, as nothing in a settings file is.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use serde::{Deserialize, Serialize};
use shared::identity::DeviceId;

use super::{Mark, Store, StoreError};

/// The file's name.
const NAME: &str = "followed.json";

/// Settings, at most: some more than there are. More are not taken.
const MOST: usize = 64;

/// Longest name of a setting, in bytes.
pub const MAX_SETTING_NAME: usize = 64;

/// Longest value of a setting, in bytes.
pub const MAX_SETTING: usize = 512;

/// Settings files of one person on one machine, at most; the one that was looked at first is forgotten first.
const FILES: usize = 8;

/// The settings of a person, by name, as TOML writes their values. None: as by default.
pub type Agreed = BTreeMap<String, Option<String>>;

/// What one settings file says.
pub type Said = BTreeMap<String, String>;

/// What the devices agreed on, and what settings files said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    agreed: Agreed,
    /// What other devices said of them since somebody changed them here, by name.
    #[serde(default)]
    words: BTreeMap<String, Words>,
    /// By their paths, the one that was looked at last at the end.
    files: Vec<(String, Said)>,
}

/// What other devices said of a setting: the latest at the end, and of each device one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Words {
    /// Somebody had said something before.
    was_agreed: bool,
    /// What that was.
    before: Option<String>,
    said: Vec<(DeviceId, Option<String>)>,
}

impl Followed {
    /// Of the profile in this directory. What cannot be read is nothing: then files say what holds.
    pub fn in_dir(dir: &Path) -> Self {
        let read = fs::read(dir.join(NAME)).ok();
        read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// What the devices agreed on.
    pub fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// What holds whatever this file says: all that was agreed on since the file was changed.
    pub fn in_force(&self, file: Option<&str>, said: &Said) -> Agreed {
        let before = file.and_then(|file| self.said(file));
        let is_newer = |name: &String| before.is_some_and(|before| before.get(name) != said.get(name));
        let holds =
            self.agreed.iter().filter(|(name, value)| !is_newer(name) && said.get(*name) != value.as_ref());
        holds.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn said(&self, file: &str) -> Option<&Said> {
        self.files.iter().find(|(path, _)| path == file).map(|(_, said)| said)
    }

    /// What is new in this file: it holds from now on. A file that was never looked at says only what nobody has said yet.
    fn look(&mut self, file: &str, said: &Said) -> Agreed {
        let before = self.said(file).cloned();
        let mut new = Agreed::new();
        for (name, value) in said.iter().filter(|(name, _)| !self.agreed.contains_key(*name)) {
            new.insert(name.clone(), Some(value.clone()));
        }
        if let Some(before) = &before {
            for name in before.keys().chain(said.keys()).filter(|name| before.get(*name) != said.get(*name)) {
                new.insert(name.clone(), said.get(name).cloned());
            }
        }
        self.files.retain(|(path, _)| path != file);
        let extra = (self.files.len() + 1).saturating_sub(FILES);
        self.files.drain(..extra);
        self.files.push((file.to_owned(), said.clone()));
        for (name, value) in &new {
            self.agree(name, value.clone());
        }
        new
    }

    /// Another device says so: it holds for as long as the device is ours. True: something has changed.
    fn hear(&mut self, name: &str, value: Option<String>, by: DeviceId) -> bool {
        let before = self.agreed.get(name).cloned();
        let has_changed = before.as_ref() != Some(&value);
        if !has_changed && !self.words.contains_key(name) {
            return false;
        }
        let words = Words { was_agreed: before.is_some(), before: before.flatten(), said: Vec::new() };
        let mut words = self.words.get(name).cloned().unwrap_or(words);
        words.said.retain(|(device, _)| *device != by);
        words.said.push((by, value.clone()));
        if has_changed && !self.agree(name, value) {
            return false;
        }
        self.words.insert(name.to_owned(), words);
        true
    }

    /// What only devices said that are not among these holds no more. Returns what is otherwise by that.
    pub(super) fn forget_words_without(&mut self, there: &[DeviceId]) -> Vec<String> {
        let mut changed = Vec::new();
        for (name, words) in &mut self.words {
            words.said.retain(|(device, _)| there.contains(device));
            let holds = words
                .said
                .last()
                .map(|(_, value)| value.clone())
                .or_else(|| words.was_agreed.then(|| words.before.clone()));
            if self.agreed.get(name) != holds.as_ref() {
                changed.push(name.clone());
            }
            match holds {
                Some(value) => drop(self.agreed.insert(name.clone(), value)),
                None => drop(self.agreed.remove(name)),
            }
        }
        self.words.retain(|_, words| !words.said.is_empty());
        changed
    }

    /// Keeps it in the profile.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub(super) fn keep(&self, store: &Store) -> Result<(), StoreError> {
        Ok(self.save(&store.dir)?)
    }

    /// Somebody here says so, or all devices did. True: something has changed.
    fn agree(&mut self, name: &str, value: Option<String>) -> bool {
        self.words.remove(name);
        let is_known = self.agreed.contains_key(name);
        if self.agreed.get(name) == Some(&value) || (!is_known && self.agreed.len() >= MOST) {
            return false;
        }
        self.agreed.insert(name.to_owned(), value);
        true
    }

    /// Whole, or as it was.
    fn save(&self, dir: &Path) -> io::Result<()> {
        let (place, new) = (dir.join(NAME), dir.join(format!("{NAME}.new")));
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        fs::rename(new, place)
    }
}

impl Store {
    /// Settings that follow the person, as a file says them now. What is new in it is told to the other devices, if there are any.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be kept; then it is new the next time.
    pub fn look_at_settings(&mut self, file: &str, said: &Said) -> Result<(), StoreError> {
        let before = Followed::in_dir(&self.dir);
        let mut now = before.clone();
        let new = now.look(file, said);
        if now == before {
            return Ok(());
        }
        if self.has_devices()? {
            // Before it is kept: what is told twice is as if it were told once.
            for (name, value) in new {
                self.add_unsynced(&Mark::Setting { name, value })?;
            }
        }
        Ok(now.save(&self.dir)?)
    }

    /// A device said how something is to be; none: this one. True: it was otherwise.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be kept.
    pub fn agree_on_setting(
        &mut self,
        name: &str,
        value: Option<&str>,
        by: Option<DeviceId>,
    ) -> Result<bool, StoreError> {
        let before = Followed::in_dir(&self.dir);
        let mut followed = before.clone();
        let value = value.map(str::to_owned);
        match by {
            Some(by) => followed.hear(name, value, by),
            None => followed.agree(name, value),
        };
        if followed != before {
            followed.save(&self.dir)?;
        }
        Ok(followed.agreed != before.agreed)
    }

    /// This device becomes one of an account: its settings hold here, and nothing that was agreed on before.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be kept.
    pub fn take_settings(&mut self, agreed: Said) -> Result<(), StoreError> {
        let mut followed = Followed::in_dir(&self.dir);
        followed.words.clear();
        followed.agreed = agreed.into_iter().map(|(name, value)| (name, Some(value))).take(MOST).collect();
        Ok(followed.save(&self.dir)?)
    }

    /// The settings that follow the person.
    pub fn followed(&self) -> Followed {
        Followed::in_dir(&self.dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(rows: &[(&str, &str)]) -> Said {
        rows.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn later_of_a_change_here_and_one_elsewhere_counts() {
        let mut one = Followed::default();
        let first = said(&[("screen.times", "\"12h\"")]);
        assert_eq!(one.look("a", &first).len(), 1);
        assert!(one.in_force(Some("a"), &first).is_empty(), "the file says just that");
        // Elsewhere, later: the file still says what it did.
        assert!(one.agree("screen.times", Some("\"24h\"".to_owned())));
        assert!(!one.agree("screen.times", Some("\"24h\"".to_owned())));
        assert_eq!(one.in_force(Some("a"), &first)["screen.times"].as_deref(), Some("\"24h\""));
        assert!(one.look("a", &first).is_empty(), "what stands there is no change");
        // The line is taken out here, later: as by default again, everywhere.
        assert!(one.in_force(Some("a"), &Said::new()).is_empty());
        assert_eq!(one.look("a", &Said::new())["screen.times"], None);
        assert_eq!(one.agreed["screen.times"], None);
    }

    #[test]
    fn file_that_was_never_looked_at_changes_nothing_that_was_agreed_on() {
        let mut one = Followed::default();
        one.look("a", &said(&[("privacy.seen", "true")]));
        let other = said(&[("privacy.seen", "false"), ("screen.times", "\"12h\"")]);
        assert_eq!(one.in_force(Some("b"), &other)["privacy.seen"].as_deref(), Some("true"));
        assert_eq!(one.look("b", &other).into_keys().collect::<Vec<_>>(), ["screen.times"]);
        for file in 0..2 * FILES {
            one.look(&file.to_string(), &other);
        }
        assert_eq!(one.files.len(), FILES);
        for name in 0..2 * MOST {
            one.agree(&name.to_string(), None);
        }
        assert_eq!(one.agreed.len(), MOST);
    }
}
