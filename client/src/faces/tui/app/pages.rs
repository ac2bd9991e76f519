//! Pages of the history: what is wanted, and what comes.

use shared::{identity::Fingerprint, room::MessageId};

use super::{App, Effect, Row, ShownLine};
use crate::store::Item;

/// Messages that are to be fetched from the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A page before this sequence number.
    Older { room: String, before: u64 },
    /// A page after this one.
    Newer { room: String, after: u64 },
    /// A page around this one, which becomes the chosen one.
    Around { room: String, seq: u64 },
    /// A page around this one; the first message behind it becomes the chosen one.
    Unread { room: String, after: u64 },
    /// The last page.
    Latest { room: String },
}

impl Wanted {
    fn room(&self) -> String {
        match self {
            Self::Older { room, .. }
            | Self::Newer { room, .. }
            | Self::Around { room, .. }
            | Self::Unread { room, .. }
            | Self::Latest { room } => room.clone(),
        }
    }
}

impl App {
    /// Accounts that others took the place of, `(was, now)`; what is wanted may not tell of them.
    pub(crate) fn take_changes(&mut self, wanted: &Wanted, changes: Vec<(Fingerprint, Fingerprint)>) {
        let key = self.me.1;
        self.pane(&wanted.room()).follow(changes, key);
    }

    /// What should be here, as somebody looks at the end of what is.
    pub(crate) fn wants(&self) -> Option<Wanted> {
        let pane = self.shown()?;
        let room = pane.label.clone();
        let before = pane.oldest().filter(|_| pane.seeks_fresh && self.selected.is_none());
        if let Some(before) = before.filter(|_| !pane.is_whole && !pane.is_behind && pane.is_above_fresh()) {
            return Some(Wanted::Older { room, before });
        }
        if pane.is_behind && pane.scroll == 0 {
            return Some(Wanted::Newer { room, after: pane.newest().unwrap_or(0) });
        }
        let is_top =
            self.at_top && !pane.is_whole && (pane.scroll > 0 || self.is_short || self.is_first_selected());
        is_top.then(|| Wanted::Older { room, before: pane.oldest().unwrap_or(u64::MAX) })
    }

    /// What was wanted.
    pub(crate) fn take_page(&mut self, wanted: &Wanted, items: Vec<Item>) {
        let room = wanted.room();
        let (me, key) = self.me.clone();
        let pane = self.pane(&room);
        pane.follow(items.iter().filter_map(Item::change), key);
        pane.name(&items.iter().flat_map(Item::people).collect::<Vec<_>>(), key);
        let among = pane.among(key);
        let row = |item| match item {
            Item::Line(line) => Row::Message(Box::new(ShownLine::new(&room, line, among, &me))),
            Item::Happening(happening) => Row::happening(&happening.what, among),
        };
        let rows: Vec<Row> = items.into_iter().map(row).collect();
        match wanted {
            Wanted::Older { .. } => {
                pane.add_older(rows);
                // So much was not read that it is not here at once.
                pane.seeks_fresh &= !pane.is_behind;
                self.at_top = false;
            }
            Wanted::Newer { .. } => pane.add_newer(rows),
            Wanted::Latest { .. } => pane.replace(rows, false),
            Wanted::Around { seq, .. } => {
                let mut entries = rows.iter().filter_map(Row::entry);
                let id = entries.find(|entry| entry.seq == Some(*seq)).map(|entry| entry.id);
                pane.replace(rows, true);
                self.selected = id;
            }
            Wanted::Unread { after, .. } => {
                let mut entries = rows.iter().filter_map(Row::entry);
                let id = entries.find(|entry| entry.seq > Some(*after)).map(|entry| entry.id);
                pane.replace(rows, true);
                self.selected = id;
            }
        }
    }

    /// Goes to a message, and fetches it if it is not here.
    pub(super) fn jump(&mut self, room: &str, seq: u64) {
        self.go(room);
        let here = self.shown().and_then(|pane| pane.entries().find(|entry| entry.seq == Some(seq)));
        match here.map(|entry| entry.id) {
            Some(id) => self.selected = Some(id),
            None => {
                let room = room.to_owned();
                self.effects.push(Effect::Fetch(Wanted::Around { room, seq }));
            }
        }
    }

    /// Goes to the end of the room.
    pub(super) fn go_to_end(&mut self) {
        let Some(pane) = self.shown_mut() else { return };
        pane.scroll = 0;
        if pane.is_behind {
            let room = pane.label.clone();
            self.effects.push(Effect::Fetch(Wanted::Latest { room }));
        }
    }

    /// Lines of the screen up or down.
    pub(in super::super) fn scroll(&mut self, up: bool, lines: usize) {
        if let Some(pane) = self.shown_mut() {
            pane.scroll = if up { pane.scroll + lines } else { pane.scroll.saturating_sub(lines) };
        }
    }

    /// A screen less a line.
    pub(super) fn page(&self) -> usize {
        self.extent.1.saturating_sub(1).max(1)
    }

    fn is_first_selected(&self) -> bool {
        let first: Option<MessageId> =
            self.shown().and_then(|pane| pane.entries().next()).map(|entry| entry.id);
        self.selected.is_some() && self.selected == first
    }
}
