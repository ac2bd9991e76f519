//! The input: several lines of text, edited with the keys of readline, and what was typed before.

use unicode_segmentation::UnicodeSegmentation;

use super::keymap::Action;

/// Lines remembered for the up arrow; the oldest go first.
const HISTORY: usize = 100;

/// Greatest input, in bytes: the greatest message and a command before it. More is not taken.
const MAX: usize = shared::room::MAX_TEXT + 64;

/// Steps that can be undone; the oldest go first.
const STEPS: usize = 200;

/// What all of them take, in bytes: some of the longest inputs.
const UNDONE: usize = 1 << 20;

/// Text with a cursor between two grapheme clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Editor {
    text: String,
    /// Byte offset; always a boundary of grapheme clusters.
    cursor: usize,
    history: Vec<String>,
    /// Where in the history the text comes from, and what was being typed before.
    recalled: Option<(usize, String)>,
    killed: String,
    /// Where the cursor was, and how long the text, after the last word or line was deleted: what is deleted next there
    /// belongs to it.
    killed_at: Option<(usize, usize)>,
    /// The text and its cursor as they were before each step.
    undo: Vec<(String, usize)>,
    /// What is being done letter by letter, and where the cursor was then: more of it is the same step.
    run: Option<(Run, usize)>,
    /// The text was taken and refused: what is typed next takes its place.
    is_refused: bool,
}

/// Where an edit reaches to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// One cluster back.
    Left,
    /// One cluster on.
    Right,
    /// The beginning of the word.
    WordLeft,
    /// The end of the word.
    WordRight,
    /// The beginning of the line.
    Home,
    /// The end of the line.
    End,
}

/// What is done letter by letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Typed,
    Deleted,
}

impl Editor {
    /// Nothing stands there.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// All of it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What is before the cursor.
    pub(super) fn before(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    fn after(&self) -> &str {
        self.text.get(self.cursor..).unwrap_or_default()
    }

    /// A field that begins with a text, the cursor behind it.
    pub(super) fn of(text: &str) -> Self {
        Self { text: text.to_owned(), cursor: text.len(), ..Self::default() }
    }

    /// Does within a line what a key asks for. False: it is nothing of that kind.
    pub(super) fn edit(&mut self, action: Action) -> bool {
        match action {
            Action::Left => self.go(To::Left),
            Action::Right => self.go(To::Right),
            Action::WordLeft => self.go(To::WordLeft),
            Action::WordRight => self.go(To::WordRight),
            Action::LineStart => self.go(To::Home),
            Action::LineEnd => self.go(To::End),
            Action::DeleteLeft => self.delete(To::Left),
            Action::DeleteRight | Action::DeleteOrQuit => self.delete(To::Right),
            Action::DeleteWordLeft => self.delete(To::WordLeft),
            Action::DeleteWordRight => self.delete(To::WordRight),
            Action::DeleteToStart => self.delete(To::Home),
            Action::BringBack => self.yank(),
            Action::Undo => self.undo(),
            _ => return false,
        }
        true
    }

    /// Types into a field of one line.
    pub(super) fn insert_line(&mut self, text: &str) {
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.insert(&line);
    }

    /// Types text; control characters but line breaks and tabs are dropped. False: there is no room for it.
    pub(super) fn insert(&mut self, text: &str) -> bool {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
        if std::mem::take(&mut self.is_refused) {
            // The history has it.
            self.load(String::new());
        }
        if self.text.len() + text.len() > MAX {
            return false;
        }
        let is_letter = text.graphemes(true).nth(1).is_none();
        // A word is a step, with the space before it.
        let goes_on = is_letter && !text.starts_with(char::is_whitespace);
        self.begin(goes_on.then_some(Run::Typed));
        self.text.insert_str(self.cursor, &text);
        self.cursor += text.len();
        self.run = is_letter.then_some((Run::Typed, self.cursor));
        true
    }

    /// Moves the cursor.
    pub(super) fn go(&mut self, to: To) {
        self.is_refused = false;
        self.killed_at = None;
        self.run = None;
        self.cursor = self.reach(to);
    }

    /// Deletes from the cursor. What is more than one character can be brought back by [`Self::yank`].
    pub(super) fn delete(&mut self, to: To) {
        self.is_refused = false;
        let reach = self.reach(to);
        let (start, end) = (reach.min(self.cursor), reach.max(self.cursor));
        let is_backwards = reach < self.cursor;
        let goes_on = self.killed_at == Some((self.cursor, self.text.len()));
        if start == end {
            return;
        }
        let is_letter = matches!(to, To::Left | To::Right);
        self.begin(is_letter.then_some(Run::Deleted));
        let gone: String = self.text.drain(start..end).collect();
        self.cursor = start;
        self.run = is_letter.then_some((Run::Deleted, self.cursor));
        if !is_letter {
            self.killed = match (goes_on, is_backwards) {
                (false, _) => gone,
                (true, true) => gone + &self.killed,
                (true, false) => std::mem::take(&mut self.killed) + &gone,
            };
            self.killed_at = Some((self.cursor, self.text.len()));
        }
    }

    /// Brings back what was deleted last.
    pub(super) fn yank(&mut self) {
        self.is_refused = false;
        self.killed_at = None;
        let killed = self.killed.clone();
        self.insert(&killed);
    }

    /// Empties it; that can be undone.
    pub(super) fn clear(&mut self) {
        if !self.text.is_empty() {
            self.begin(None);
        }
        self.run = None;
        self.recalled = None;
        self.set(String::new());
    }

    /// Takes the last step back.
    pub(super) fn undo(&mut self) {
        (self.run, self.killed_at, self.is_refused) = (None, None, false);
        if let Some((text, cursor)) = self.undo.pop() {
            (self.text, self.cursor) = (text, cursor);
        }
    }

    /// A step begins, unless it goes on where the last one was.
    fn begin(&mut self, run: Option<Run>) {
        if run.is_some() && self.run == run.map(|run| (run, self.cursor)) {
            return;
        }
        self.undo.push((self.text.clone(), self.cursor));
        let mut bytes: usize = self.undo.iter().map(|(text, _)| text.len()).sum();
        while self.undo.len() > STEPS || bytes > UNDONE {
            bytes -= self.undo.remove(0).0.len();
        }
    }

    /// Replaces the bytes from `start` to the cursor.
    pub(super) fn replace_from(&mut self, start: usize, with: &str) {
        self.is_refused = false;
        if self.text.is_char_boundary(start) && start <= self.cursor {
            self.begin(None);
            self.run = None;
            self.text.replace_range(start..self.cursor, with);
            self.cursor = start + with.len();
        }
    }

    /// Puts other text there, with the cursor behind it.
    pub(super) fn load(&mut self, text: String) {
        self.recalled = None;
        self.undo.clear();
        self.run = None;
        self.set(text);
    }

    /// Puts a text there that was taken before and refused.
    pub(super) fn give_back(&mut self, text: String) {
        self.load(text);
        self.is_refused = true;
    }

    /// What stands there was refused, and nobody has touched it since.
    pub(super) fn is_refused(&self) -> bool {
        self.is_refused
    }

    fn set(&mut self, text: String) {
        self.is_refused = false;
        self.cursor = text.len();
        self.text = text;
    }

    /// Takes the text out and remembers it.
    pub(super) fn take(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        self.load(String::new());
        if !text.trim().is_empty() && self.history.last() != Some(&text) {
            self.history.push(text.clone());
            let surplus = self.history.len().saturating_sub(HISTORY);
            self.history.drain(..surplus);
        }
        text
    }

    /// The line above; from the first one, what was typed before this.
    pub(super) fn up(&mut self) {
        let start = self.reach(To::Home);
        let Some(end) = start.checked_sub(1) else { return self.older() };
        let column = self.before().get(start..).map_or(0, |text| text.graphemes(true).count());
        self.cursor = end;
        self.cursor = self.reach(To::Home);
        self.move_on(column, end);
    }

    /// The line below; from the last one, what was typed after this.
    pub(super) fn down(&mut self) {
        let (start, end) = (self.reach(To::Home), self.reach(To::End));
        if end == self.text.len() {
            return self.newer();
        }
        let column = self.before().get(start..).map_or(0, |text| text.graphemes(true).count());
        self.cursor = end + 1;
        let limit = self.reach(To::End);
        self.move_on(column, limit);
    }

    fn move_on(&mut self, clusters: usize, limit: usize) {
        self.is_refused = false;
        let line = self.text.get(self.cursor..limit).unwrap_or_default();
        self.cursor += line.graphemes(true).take(clusters).map(str::len).sum::<usize>();
    }

    /// What was typed before this.
    fn older(&mut self) {
        let at = self.recalled.as_ref().map_or(self.history.len(), |(at, _)| *at);
        let Some(line) = at.checked_sub(1).and_then(|at| self.history.get(at)).cloned() else { return };
        let draft = match self.recalled.take() {
            Some((_, draft)) => draft,
            None => self.text.clone(),
        };
        self.recalled = Some((at - 1, draft));
        self.set(line);
    }

    /// Back towards what was being typed.
    fn newer(&mut self) {
        let Some((at, draft)) = self.recalled.take() else { return };
        match self.history.get(at + 1).cloned() {
            Some(line) => {
                self.recalled = Some((at + 1, draft));
                self.set(line);
            }
            None => self.set(draft),
        }
    }

    fn reach(&self, to: To) -> usize {
        let (before, after) = (self.before(), self.after());
        match to {
            To::Left => self.cursor - before.graphemes(true).next_back().map_or(0, str::len),
            To::Right => self.cursor + after.graphemes(true).next().map_or(0, str::len),
            To::WordLeft => {
                let words = before.split_word_bound_indices().rev();
                words.into_iter().find(|(_, word)| is_word(word)).map_or(0, |(at, _)| at)
            }
            To::WordRight => {
                let mut words = after.split_word_bound_indices();
                let end =
                    words.find(|(_, word)| is_word(word)).map_or(after.len(), |(at, word)| at + word.len());
                self.cursor + end
            }
            To::Home => before.rfind('\n').map_or(0, |at| at + 1),
            To::End => self.cursor + after.find('\n').unwrap_or(after.len()),
        }
    }
}

fn is_word(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests;
