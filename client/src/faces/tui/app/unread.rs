//! Where somebody stopped reading: a line is drawn there, and a key goes there.

use super::{App, Effect, Pane, Row, Wanted};

impl App {
    /// Goes to the first message of this room that was not read; with none, to a room that has one.
    pub(super) fn go_to_unread(&mut self) {
        if self.shown().is_none_or(|pane| pane.fresh_after.is_none()) {
            self.go_to_activity();
        }
        let Some((room, after)) = self.shown().and_then(|pane| Some((pane.label.clone(), pane.fresh_after?)))
        else {
            self.alert = Some("There is nothing here that you have not read.".to_owned());
            return;
        };
        let place = self.shown().and_then(|pane| (0..pane.rows.len()).find(|at| pane.begins_unread(*at)));
        let here = place.and_then(|at| self.shown()?.rows.get(at)?.entry());
        match here.map(|entry| entry.id) {
            Some(id) => self.selected = Some(id),
            None => self.effects.push(Effect::Fetch(Wanted::Unread { room, after })),
        }
    }

    /// The room is left: what was new in it is so no more, unless nobody has looked.
    pub(super) fn leave_fresh(&mut self) {
        if let Some(pane) = self.shown_mut().filter(|pane| pane.unread == 0) {
            pane.fresh_after = None;
        }
    }
}

impl Pane {
    /// All messages here were not read, and there may be more of them above.
    pub(super) fn is_above_fresh(&self) -> bool {
        self.fresh_after.zip(self.oldest()).is_some_and(|(after, oldest)| after > 0 && oldest > after)
    }

    /// How far it was read, as somebody looks at it: as far as it was on the screen.
    pub(super) fn read_upto(&self) -> u64 {
        let is_at_end = self.scroll == 0 && !self.seeks_fresh && !self.is_behind;
        if is_at_end { self.latest } else { self.shown_upto.min(self.latest) }
    }

    /// The row is the first message that was not read. Not known before all that was read before it, or the message
    /// there, is here.
    pub(crate) fn begins_unread(&self, at: usize) -> bool {
        let (Some(after), Some(seq)) =
            (self.fresh_after, self.rows.get(at).and_then(Row::entry).and_then(|entry| entry.seq))
        else {
            return false;
        };
        let before = self.rows.iter().take(at).rev().find_map(|row| row.entry()?.seq);
        seq > after && before.map_or(self.is_whole || after == 0, |before| before <= after)
    }
}
