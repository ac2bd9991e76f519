//! Everything about a message that is chosen, and about its file.

use std::path::PathBuf;

use super::{App, Attached, Effect, ShownLine, overlay::MESSAGE};
use crate::faces::{markup, sanitize, tui::times, words};

/// People behind a reaction whose names the details have; more are only counted.
const NAMED: usize = 32;

/// Digits of an id that `/get` and `schat file get` need.
const DIGITS: usize = 8;

/// Where a file is on this device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Here {
    /// It was neither sent from here nor fetched.
    No,
    /// As it was sent or fetched.
    At(PathBuf),
    /// It was there, and is gone, or another one now.
    Was(PathBuf),
}

impl App {
    /// Shows what is known of the chosen message; where its file is has to be looked up first.
    pub(super) fn begin_about(&mut self) {
        let Some(entry) = self.chosen() else { return };
        match (&entry.file, self.current.clone()) {
            (Some(file), Some(room)) if !entry.deleted => {
                self.effects.push(Effect::About { room, id: entry.id, file: file.key });
            }
            _ => self.details(MESSAGE, self.about(entry, None)),
        }
    }

    /// It was looked up.
    pub(crate) fn about_file(&mut self, id: &shared::room::MessageId, place: &Here) {
        let lines = self.shown().and_then(|pane| pane.entry(id)).map(|entry| self.about(entry, Some(place)));
        lines.into_iter().for_each(|lines| self.details(MESSAGE, lines));
    }

    /// A file comes with the chosen message.
    pub(in super::super) fn has_file(&self) -> bool {
        self.chosen().is_some_and(|entry| entry.file.is_some() && !entry.deleted)
    }

    /// Fetches the file of the chosen message.
    pub(super) fn begin_fetch(&mut self) {
        let Some(id) = self.living() else { return };
        match self.current.clone().filter(|_| self.has_file()) {
            Some(room) => self.effects.push(Effect::Get { room, id }),
            None => self.alert = Some("No file comes with that message.".to_owned()),
        }
    }

    fn about(&self, entry: &ShownLine, place: Option<&Here>) -> Vec<String> {
        let at = |at: u64| times::moment(at, &self.zone);
        let mut lines = vec![
            format!("From:         {}{}", entry.name, if entry.mine { " (you)" } else { "" }),
            format!("Fingerprint:  {}", entry.who),
            format!("When:         {}", at(entry.at)),
            format!(
                "In the log:   {}",
                entry.seq.map_or("not yet".to_owned(), |seq| format!("number {seq}"))
            ),
        ];
        if let Some(by) = &entry.handed_by {
            lines.push(format!("Handed over:  by {by}; nothing proves who wrote it"));
        }
        if entry.edited {
            lines.push("Edited:       by its author".to_owned());
        }
        if let Some(when) = entry.disappears {
            lines.push(format!("Disappears:   {}", at(when)));
        }
        if entry.mine && entry.seq.is_some() {
            let readers = self.shown().map_or(0, |pane| pane.readers(entry));
            lines.push(format!("Read by:      {readers} who say so"));
        }
        let view = self.shown().and_then(|pane| pane.view.as_deref());
        for reaction in &entry.reactions {
            let people = reaction.people.iter().take(NAMED);
            let names: Vec<_> = people.map(|who| words::name(who, view)).collect();
            let more = reaction.people.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            lines.push(format!("{}  {}{more}", reaction.shown, names.join(", ")));
        }
        if let Some(file) = entry.file.as_deref().filter(|_| !entry.deleted) {
            lines.extend(about_file(file, entry, place));
        }
        for (link, host) in markup::targets(&entry.text) {
            lines.push(format!("Link:         {link}"));
            lines.push(format!("  goes to     {host}"));
        }
        lines.push(String::new());
        lines.extend(entry.text.split('\n').map(str::to_owned));
        lines
    }
}

fn about_file(file: &Attached, entry: &ShownLine, place: Option<&Here>) -> Vec<String> {
    let id = hex::encode(entry.id);
    let digits = id.get(..DIGITS).unwrap_or_default();
    let path = |path: &PathBuf| sanitize::line(&path.display().to_string());
    let here = match place {
        None | Some(Here::No) => format!("not on this device; f or /get {digits} fetches it"),
        Some(Here::At(place)) => path(place),
        Some(Here::Was(place)) => format!(
            "it was {}, and is gone from there or another one now; f or /get {digits} fetches it",
            path(place)
        ),
    };
    let kind = match file.media_type.as_str() {
        "" => "not told by the sender".to_owned(),
        told => format!("{told}, as its sender says"),
    };
    let exactly = match file.size {
        0..1_000 => words::counted(file.size, "byte"),
        size => format!("{} ({size} bytes)", words::bytes(size)),
    };
    vec![
        format!("File:         {}", file.name),
        format!("Size:         {exactly}"),
        format!("Type:         {kind}"),
        format!("Id:           {id}"),
        format!("Where:        {here}"),
    ]
}
