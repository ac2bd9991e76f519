//! A key and its name: `ctrl+k`, `alt+enter`, `pgup`, `+`.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Names of keys that are no letters, as people write them; the first of several is the one that is shown.
const NAMED: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("return", KeyCode::Enter),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("esc", KeyCode::Esc),
    ("escape", KeyCode::Esc),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("del", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pageup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("pagedown", KeyCode::PageDown),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
];

/// Greatest number of a function key; terminals know no more.
const FUNCTION_KEYS: u8 = 24;

/// A key as a keymap knows it. Shift is part of a letter and of nothing else: terminals differ in what they tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

impl Key {
    /// The key that was pressed.
    pub fn pressed(event: KeyEvent) -> Self {
        Self {
            code: event.code,
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
            alt: event.modifiers.contains(KeyModifiers::ALT),
        }
        .normal()
    }

    /// Reads a name. None for something that is no key.
    pub fn parse(name: &str) -> Option<Self> {
        let (mut ctrl, mut alt, mut rest) = (false, false, name);
        while let Some((modifier, key)) = rest.split_once('+').filter(|(_, key)| !key.is_empty()) {
            match modifier.to_lowercase().as_str() {
                "ctrl" | "control" => ctrl = true,
                "alt" | "meta" => alt = true,
                _ => return None,
            }
            rest = key;
        }
        Some(Self { code: code(rest)?, ctrl, alt }.normal())
    }

    /// The text that it types, if it does.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// Control sends the same for both cases of a letter; with Alt they shall not differ either.
    fn normal(mut self) -> Self {
        if let (KeyCode::Char(c), true) = (self.code, self.ctrl || self.alt) {
            // Terminals send one byte for the three of them (0x1f), which is read as Ctrl+7.
            let is_underline = self.ctrl && matches!(c, '7' | '/' | '_');
            self.code = KeyCode::Char(if is_underline { '_' } else { c.to_ascii_lowercase() });
        }
        self
    }
}

/// The names of all keys but letters, for what was meant by an unknown one.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NAMED.iter().map(|(name, _)| *name)
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl+")?;
        }
        if self.alt {
            f.write_str("Alt+")?;
        }
        let has_modifier = self.ctrl || self.alt;
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(c) if has_modifier => write!(f, "{}", c.to_uppercase()),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(number) => write!(f, "F{number}"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            code => {
                let name = NAMED.iter().find(|(_, named)| *named == code).map_or("?", |(name, _)| name);
                let mut chars = name.chars();
                let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
                write!(f, "{first}{}", chars.as_str())
            }
        }
    }
}

fn code(name: &str) -> Option<KeyCode> {
    let mut chars = name.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return (!c.is_control()).then_some(KeyCode::Char(c));
    }
    let lower = name.to_lowercase();
    if let Some((_, code)) = NAMED.iter().find(|(named, _)| *named == lower) {
        return Some(*code);
    }
    let number: u8 = lower.strip_prefix('f')?.parse().ok()?;
    (1..=FUNCTION_KEYS).contains(&number).then_some(KeyCode::F(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_a_key_is_read_as_it_is_shown() {
        for name in
            ["ctrl+k", "Alt+Enter", "F1", "PgUp", "+", "G", "alt+a", "esc", "ctrl+alt+x", "space", "ctrl++"]
        {
            let key = Key::parse(name).unwrap();
            assert_eq!(Key::parse(&key.to_string()), Some(key), "{name} is shown as {key}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for name in ["", "kk", "hyper+k", "f0", "f25", "ctrl+", "ctrl+enterr", "\u{1b}"] {
            assert_eq!(Key::parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn letters_keep_their_case_but_not_with_control_or_alt() {
        assert_ne!(Key::parse("g"), Key::parse("G"));
        assert_eq!(Key::parse("ctrl+K"), Key::parse("ctrl+k"));
        assert_eq!(Key::parse("alt+A"), Key::parse("alt+a"));
        assert_eq!(Key::parse("ctrl+/"), Key::parse("ctrl+_"));
        assert_ne!(Key::parse("alt+/"), Key::parse("alt+_"));
    }
}
