//! Words that are not in the dictionary, as they are typed.
//!
//! The system's own program looks them up (`hunspell` or `aspell`, in their pipe mode): it runs beside this one, gets one
//! word after the other, and nothing that was typed leaves the machine or is written down. What it said is remembered, so
//! that drawing asks nobody. Whoever types never waits for it, and where it is missing, or breaks, nothing is underlined.

mod program;
mod words;

use std::collections::BTreeMap;

pub(super) use program::Speller;
pub(super) use words::words;

/// Words whose spelling is remembered; with more the oldest answer is worth nothing, and all are asked for anew.
const KNOWN: usize = 4_096;

/// Words asked for at once.
pub(super) const AT_ONCE: usize = 64;

/// Longest text that is looked at, in bytes: longer ones are pasted, and not for reading.
const MAX_TEXT: usize = 4_096;

/// What is known of words.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    /// Whether somebody looks words up at all.
    is_on: bool,
    /// Words that were asked for, and no answer came yet: at most [`AT_ONCE`].
    waits: usize,
    /// Whether each is in the dictionary.
    known: BTreeMap<String, bool>,
}

impl Spelling {
    /// Somebody looks words up from now on, or nobody any more.
    pub(super) fn set(&mut self, is_on: bool) {
        self.is_on = is_on;
    }

    /// Where the misspelt words of a text are: byte offsets of beginning and end.
    pub(super) fn wrong(&self, text: &str, cursor: usize) -> Vec<(usize, usize)> {
        let is_wrong = |word: &&str| self.known.get(*word) == Some(&false);
        self.of(text, cursor)
            .filter(|(_, word)| is_wrong(word))
            .map(|(at, word)| (at, at + word.len()))
            .collect()
    }

    /// Words of a text that nobody was asked for yet, at most [`AT_ONCE`]: to be asked for now. None before the answers
    /// to those of before.
    pub(super) fn ask(&mut self, text: &str, cursor: usize) -> Vec<String> {
        let mut wanted: Vec<String> = Vec::new();
        if self.waits > 0 {
            return wanted;
        }
        for (_, word) in self.of(text, cursor) {
            if wanted.len() >= AT_ONCE {
                break;
            }
            if !self.known.contains_key(word) && !wanted.iter().any(|other| other == word) {
                wanted.push(word.to_owned());
            }
        }
        self.waits = wanted.len();
        wanted
    }

    /// What the dictionary says of a word.
    pub(super) fn learn(&mut self, word: String, is_good: bool) {
        self.waits = self.waits.saturating_sub(1);
        if self.known.len() >= KNOWN {
            self.known.clear();
        }
        self.known.insert(word, is_good);
    }

    fn of<'a>(&self, text: &'a str, cursor: usize) -> impl Iterator<Item = (usize, &'a str)> + use<'a> {
        let text = if self.is_on && text.len() <= MAX_TEXT { text } else { "" };
        words(text, cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelling(words: &[(&str, bool)]) -> Spelling {
        let mut spelling = Spelling::default();
        spelling.set(true);
        words.iter().for_each(|(word, good)| spelling.learn((*word).to_owned(), *good));
        spelling
    }

    #[test]
    fn each_word_is_asked_for_once_and_what_is_wrong_has_a_place() {
        let mut spelling = spelling(&[("soup", true), ("eigth", false)]);
        let text = "soup at eigth, eigth at at";
        assert_eq!(spelling.wrong(text, 0), [(8, 13), (15, 20)]);
        assert_eq!(spelling.ask(text, 0), ["at"]);
        assert!(spelling.ask("more words", 0).is_empty(), "one question at a time");
        spelling.learn("at".to_owned(), true);
        assert_eq!(spelling.ask("more words at", 0), ["more", "words"]);
    }

    #[test]
    fn nothing_is_asked_while_it_is_off_or_the_text_is_too_long() {
        let mut spelling = spelling(&[("eigth", false)]);
        let long = format!("{} eigth", "word ".repeat(1_000));
        assert!(spelling.ask(&long, 0).is_empty() && spelling.wrong(&long, 0).is_empty());
        let many: String =
            (0..200).map(|n| format!("w{} ", ["a", "b", "c", "d"][n % 4].repeat(n / 4 + 1))).collect();
        let asked = spelling.ask(many.get(..4_000).unwrap(), 0);
        assert_eq!(asked.len(), AT_ONCE);
        asked.into_iter().for_each(|word| spelling.learn(word, true));
        spelling.set(false);
        assert!(spelling.ask("what eigth", 0).is_empty() && spelling.wrong("eigth", 0).is_empty());
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let mut spelling = spelling(&[]);
        for n in 0..3 * KNOWN {
            spelling.learn(format!("word{n}"), true);
        }
        assert!(spelling.known.len() <= KNOWN);
    }
}
