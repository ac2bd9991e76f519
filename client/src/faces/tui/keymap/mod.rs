//! Which key does what: the defaults, and what the settings change of them.

mod actions;
mod group;
mod key;

use std::collections::{BTreeMap, HashMap};

use self::actions::{ACTIONS, Row};
pub(super) use self::{
    actions::{Action, Mode},
    group::Group,
    key::Key,
};
use crate::failure::Failure;

/// Keys and what they do, in each mode.
#[derive(Clone, Debug)]
pub(super) struct Keymap {
    typing: HashMap<Key, Action>,
    selecting: HashMap<Key, Action>,
    help: Vec<Bound>,
}

/// An action with its keys, for the help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    /// What it is for.
    pub group: Group,
    /// Its keys.
    pub keys: String,
    /// What it does.
    pub what: &'static str,
}

/// What is wrong with the keys of the settings.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// No action has that name.
    #[error("There is no action {name} for keys; the nearest is {nearest}.")]
    Action {
        /// What was written.
        name: String,
        /// What may have been meant.
        nearest: &'static str,
    },
    /// No key has that name.
    #[error("{action}: there is no key {key}{nearest}.")]
    Key {
        /// For what.
        action: &'static str,
        /// What was written.
        key: String,
        /// What may have been meant, with words around it.
        nearest: String,
    },
    /// It could not be typed any more.
    #[error("{action}: {key} types a letter; with ctrl or alt it can be a key.")]
    Types {
        /// For what.
        action: &'static str,
        /// The key.
        key: Key,
    },
    /// Two actions want it.
    #[error("{key} would do two things: {first} and {second}.")]
    Twice {
        /// The key.
        key: Key,
        /// One action.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}

impl From<KeymapError> for Failure {
    fn from(error: KeymapError) -> Self {
        let remedy = "Mend [keys] in the settings; schat config says where they are.";
        Self::usage(super::super::sanitize::line(&error.to_string()), remedy)
    }
}

impl Default for Keymap {
    fn default() -> Self {
        // The defaults are in order: a test sees to it.
        Self::new(&BTreeMap::new(), false).unwrap_or_else(|_| Self {
            typing: HashMap::new(),
            selecting: HashMap::new(),
            help: Vec::new(),
        })
    }
}

impl Keymap {
    /// The defaults, with the keys of some actions replaced. `vim`: further keys while a message is chosen.
    ///
    /// # Errors
    /// [`KeymapError`] for the first thing that is wrong.
    pub(super) fn new(changed: &BTreeMap<String, Vec<String>>, vim: bool) -> Result<Self, KeymapError> {
        for name in changed.keys() {
            if !ACTIONS.iter().any(|row| row.name == name) {
                let nearest = nearest(name, ACTIONS.iter().map(|row| row.name)).unwrap_or("help");
                return Err(KeymapError::Action { name: name.clone(), nearest });
            }
        }
        let mut map = Self { typing: HashMap::new(), selecting: HashMap::new(), help: Vec::new() };
        let (own, usual): (Vec<&Row>, Vec<&Row>) =
            ACTIONS.iter().partition(|row| changed.contains_key(row.name));
        let mut bound: HashMap<&str, Vec<Key>> = HashMap::new();
        for row in own {
            let keys: Vec<&str> = changed.get(row.name).into_iter().flatten().map(String::as_str).collect();
            bound.insert(row.name, map.bind(row, &keys, true)?);
        }
        for row in usual {
            let keys: Vec<&str> = row.keys.iter().chain(row.vim.iter().filter(|_| vim)).copied().collect();
            // What the settings took away from a default is theirs.
            bound.insert(row.name, map.bind(row, &keys, false)?);
        }
        map.help = help(&bound);
        Ok(map)
    }

    /// What a key does.
    pub(super) fn action(&self, key: Key, is_selecting: bool) -> Option<Action> {
        if is_selecting { &self.selecting } else { &self.typing }.get(&key).copied()
    }

    /// What works where, for the help.
    pub(super) fn help(&self) -> &[Bound] {
        &self.help
    }

    /// The keys of an action, as they are shown; the first of them where `action` has several.
    pub(super) fn first_key(&self, action: Action, is_selecting: bool) -> Option<String> {
        let row = ACTIONS.iter().find(|row| row.action == action)?;
        let bound = self.help.iter().find(|bound| bound.what == row.what && !bound.what.is_empty())?;
        let key = bound.keys.split(", ").next()?.to_owned();
        Key::parse(&key).and_then(|key| self.action(key, is_selecting)).map(|_| key)
    }

    fn bind(&mut self, row: &Row, keys: &[&str], is_own: bool) -> Result<Vec<Key>, KeymapError> {
        let mut bound = Vec::new();
        for name in keys {
            let key = Key::parse(name).ok_or_else(|| unknown_key(row.name, name))?;
            if row.mode != Mode::Selecting && key.typed().is_some() {
                if is_own {
                    return Err(KeymapError::Types { action: row.name, key });
                }
                // A vim key of an action that works everywhere.
                if self.selecting.insert(key, row.action).is_none() {
                    bound.push(key);
                }
                continue;
            }
            let mut is_free = true;
            let maps = [
                (row.mode != Mode::Selecting).then_some(&mut self.typing),
                (row.mode != Mode::Typing).then_some(&mut self.selecting),
            ];
            for map in maps.into_iter().flatten() {
                match map.get(&key) {
                    Some(other) if *other != row.action && is_own => {
                        let second = ACTIONS.iter().find(|row| row.action == *other);
                        let first = second.map_or("?", |row| row.name);
                        return Err(KeymapError::Twice { key, first, second: row.name });
                    }
                    Some(_) => is_free = false,
                    None => drop(map.insert(key, row.action)),
                }
            }
            if is_free {
                bound.push(key);
            }
        }
        Ok(bound)
    }
}

fn help(bound: &HashMap<&str, Vec<Key>>) -> Vec<Bound> {
    let keys = |row: &Row| bound.get(row.name).cloned().unwrap_or_default();
    let shown = |keys: Vec<Key>| keys.iter().map(Key::to_string).collect::<Vec<_>>().join(", ");
    ACTIONS
        .iter()
        .filter(|row| !row.what.is_empty())
        .filter_map(|row| {
            let mut all = keys(row);
            let text = if row.action == Action::Room(1) {
                let last = ACTIONS.iter().find(|row| row.action == Action::Room(9)).map(keys);
                all.truncate(1);
                format!("{} … {}", shown(all), shown(last.unwrap_or_default()))
            } else if all.is_empty() {
                return None;
            } else {
                shown(all)
            };
            Some(Bound { group: Group::of(row), keys: text, what: row.what })
        })
        .collect()
}

fn unknown_key(action: &'static str, key: &str) -> KeymapError {
    let last = key.rsplit('+').next().unwrap_or(key);
    let nearest = match nearest(&last.to_lowercase(), key::names()) {
        Some(name) => format!("; the nearest is {name}"),
        None => String::new(),
    };
    KeymapError::Key { action, key: key.to_owned(), nearest }
}

/// The most similar of some names.
fn nearest(name: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    // As integers, because similarities are not ordered; a thousandth is close enough.
    names.max_by_key(|other| {
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1000")]
        let similar = (strsim::jaro_winkler(name, other) * 1000.0) as i64;
        similar
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keymap(changed: &[(&str, &[&str])], vim: bool) -> Result<Keymap, KeymapError> {
        let changed = changed.iter().map(|(name, keys)| {
            ((*name).to_owned(), keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>())
        });
        Keymap::new(&changed.collect(), vim)
    }

    fn key(name: &str) -> Key {
        Key::parse(name).unwrap()
    }

    #[test]
    fn defaults_have_no_key_that_does_two_things() {
        for vim in [false, true] {
            let mut seen: HashMap<(bool, Key), &str> = HashMap::new();
            for row in ACTIONS {
                for name in row.keys.iter().chain(row.vim.iter().filter(|_| vim)) {
                    for selecting in [false, true] {
                        let works = match row.mode {
                            Mode::Both => selecting || key(name).typed().is_none(),
                            Mode::Typing => !selecting,
                            Mode::Selecting => selecting,
                        };
                        if works {
                            assert_eq!(
                                seen.insert((selecting, key(name)), row.name),
                                None,
                                "{name} {}",
                                row.name
                            );
                        }
                    }
                }
            }
            let map = keymap(&[], vim).unwrap();
            assert_eq!(map.action(key("ctrl+k"), true), Some(Action::Switch));
            assert_eq!(map.action(key("/"), true), vim.then_some(Action::Search));
            assert_eq!(map.action(key("/"), false), None);
        }
    }

    #[test]
    fn key_of_the_settings_takes_the_place_of_a_default() {
        let map = keymap(&[("search", &["ctrl+f", "ctrl+s"])], false).unwrap();
        assert_eq!(map.action(key("ctrl+f"), false), Some(Action::Search));
        assert_eq!(map.action(key("ctrl+r"), false), None);
        assert_eq!(map.action(key("right"), false), Some(Action::Right));
        let shown: Vec<_> = map.help().iter().filter(|bound| bound.what.starts_with("search")).collect();
        assert_eq!(shown[0].keys, "Ctrl+F, Ctrl+S");
        let right = map.help().iter().find(|bound| bound.what == "the character after").unwrap();
        assert_eq!(right.keys, "Right", "what was taken away is not shown");
    }

    #[test]
    fn unknown_action_or_key_names_the_nearest() {
        let told = |changed: &[(&str, &[&str])]| keymap(changed, false).unwrap_err().to_string();
        assert_eq!(told(&[("replay", &["r"])]), "There is no action replay for keys; the nearest is reply.");
        assert_eq!(
            told(&[("reply", &["ctrl+entre"])]),
            "reply: there is no key ctrl+entre; the nearest is enter."
        );
    }

    #[test]
    fn letter_that_could_not_be_typed_any_more_is_refused() {
        assert!(matches!(keymap(&[("send", &["s"])], false), Err(KeymapError::Types { .. })));
        assert!(keymap(&[("reply", &["s"])], false).is_ok());
    }

    #[test]
    fn key_for_two_actions_is_refused() {
        let wrong = keymap(&[("reply", &["x"]), ("edit", &["x"])], false).unwrap_err();
        assert!(matches!(wrong, KeymapError::Twice { .. }), "{wrong}");
    }
}
