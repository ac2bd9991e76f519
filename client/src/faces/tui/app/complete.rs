//! What Tab completes: commands, rooms, names and paths.

use super::App;
use crate::{
    faces::{lines::COMMANDS, tui::paths, words},
    text::loose::loose,
};

/// Commands that take the path of a file.
const PATHS: [&str; 3] = ["/file", "/voice", "/avatar"];

impl App {
    /// Completes the word before the cursor: all of it when one thing fits, else what all that fit begin with, and
    /// says which they are.
    pub(super) fn complete(&mut self) {
        let before = self.editor.before();
        let of_file = PATHS
            .iter()
            .find(|command| before.strip_prefix(**command).is_some_and(|rest| rest.starts_with(' ')));
        let start = match of_file {
            // A path may have spaces.
            Some(command) => command.len() + 1,
            None => before.rfind(char::is_whitespace).map_or(0, |at| {
                at + before.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
            }),
        };
        let word = before.get(start..).unwrap_or_default().to_owned();
        let (found, end) = self.candidates(before, start, &word);
        match found.as_slice() {
            [] => {}
            [one] => self.editor.replace_from(start, &format!("{one}{end}")),
            several => {
                let common = common(several);
                if common.len() > word.len() {
                    self.editor.replace_from(start, &common);
                }
                self.note(
                    several
                        .iter()
                        .map(|one| crate::faces::sanitize::line(one))
                        .collect::<Vec<_>>()
                        .join("  "),
                );
            }
        }
    }

    /// What could stand there, and what follows it.
    fn candidates(&self, before: &str, start: usize, word: &str) -> (Vec<String>, &'static str) {
        let fits = |text: &String| loose(text).starts_with(&loose(word));
        let names = || {
            let view = self.shown().and_then(|pane| pane.view.as_deref());
            let members = view.into_iter().flat_map(shared::room::GroupView::others);
            members.map(|member| words::name(&member.person, view)).filter(fits).collect::<Vec<_>>()
        };
        if start == 0 && word.starts_with('/') {
            let commands =
                COMMANDS.iter().filter_map(|(usage, _)| usage.split(' ').next().map(str::to_owned));
            let mut found: Vec<String> = commands.filter(fits).collect();
            // One of several usages.
            found.dedup();
            return (found, " ");
        }
        if let Some(name) = word.strip_prefix('@') {
            let view = self.shown().and_then(|pane| pane.view.as_deref());
            let members = view.into_iter().flat_map(shared::room::GroupView::others);
            let all = members.map(|member| words::name(&member.person, view));
            let fits = |text: &String| loose(text).starts_with(&loose(name));
            return (all.filter(fits).map(|name| format!("@{name}")).collect(), " ");
        }
        match before.split_whitespace().next() {
            Some(command) if PATHS.contains(&command) => (paths::fitting(word), ""),
            Some("/join") => (self.panes.iter().map(|pane| pane.label.clone()).filter(fits).collect(), ""),
            Some("/kick" | "/verify" | "/unverify" | "/moderator") => (names(), ""),
            _ if word.is_empty() => (Vec::new(), ""),
            _ => (names(), if start == 0 { ": " } else { " " }),
        }
    }
}

/// What all begin with.
fn common(texts: &[String]) -> String {
    let Some((first, rest)) = texts.split_first() else { return String::new() };
    let length = first
        .char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .take_while(|end| rest.iter().all(|text| text.get(..*end) == first.get(..*end)))
        .last()
        .unwrap_or(0);
    first.get(..length).unwrap_or_default().to_owned()
}
