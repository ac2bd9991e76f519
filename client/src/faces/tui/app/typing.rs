//! What is typed: kept as the room's draft, told to the others if they may know, and given back when it was refused.

use shared::room::TYPING_EVERY_MS;

use super::{App, Compose, Effect};
use crate::faces::unread::Unread;

/// How long somebody is shown as typing after they said so, in milliseconds.
const SHOWN_MS: u64 = 2 * TYPING_EVERY_MS;

/// How often we say how far we have read, in milliseconds: it is an entry in the log of everybody, and counts as a
/// message to the relay.
const SEEN_MS: u64 = 10_000;

/// How often it is kept how far somebody has read, in milliseconds: each time costs a write to the disk.
const READ_MS: u64 = 1_000;

/// A pause in typing after which the draft is kept, in milliseconds.
const PAUSE_MS: u64 = 1_000;

impl App {
    /// What could not be done stands in the input again, unless something else does by now. The next letter takes its
    /// place, any other key goes on with it; the up arrow has it either way.
    pub(crate) fn put_back(&mut self, text: String) {
        if self.editor.text().is_empty() {
            self.editor.give_back(text);
        }
    }

    /// The time, Unix milliseconds. Whoever was typing long ago is not any more.
    pub(crate) fn set_now(&mut self, now: u64) {
        self.now = now;
        self.pressed_at.get_or_insert(now);
        for pane in &mut self.panes {
            pane.typing.retain(|(_, until)| *until > now);
        }
        if let Some(pane) = self.shown_mut()
            && pane.entries().any(|entry| entry.is_over(now))
        {
            // The runtime forgets them as well, a little later.
            pane.rows.retain(|row| row.entry().is_none_or(|entry| !entry.is_over(now)));
        }
        if self.unsaved.is_some_and(|since| since + PAUSE_MS <= now) {
            self.keep_draft();
        }
    }

    /// When to say the time again although nothing happened. None: the program may sleep.
    pub(crate) fn next_wake(&self) -> Option<u64> {
        let pane = self.shown();
        let typing = pane.into_iter().flat_map(|pane| pane.typing.iter().map(|(_, until)| *until));
        let going = pane.into_iter().flat_map(|pane| pane.entries().filter_map(|entry| entry.disappears));
        let pause = self.unsaved.map(|since| since + PAUSE_MS);
        let seen = self.read().map(|(_, at)| at);
        let read = self.unkept().map(|_| self.keep_read_at).filter(|at| *at > self.now);
        typing
            .chain(going.filter(|at| *at > self.now))
            .chain(pause)
            .chain(seen)
            .chain(read)
            .chain(self.next_gauge())
            .min()
    }

    /// What is typed is kept with its room. While a message is edited, what was typed before it is.
    pub(crate) fn keep_draft(&mut self) {
        if self.unsaved.take().is_none() {
            return;
        }
        let text = match &self.compose {
            Compose::Edit { before, .. } => before.clone(),
            _ => self.editor.text().to_owned(),
        };
        let Some(pane) = self.shown_mut() else { return };
        pane.draft.clone_from(&text);
        let room = pane.label.clone();
        self.effects.push(Effect::Draft { room, text });
    }

    /// What was kept of a room at the last start.
    pub(crate) fn set_draft(&mut self, room: &str, text: String) {
        if self.current() == Some(room) && self.editor.text().is_empty() {
            self.editor.load(text.clone());
        }
        self.pane(room).draft = text;
    }

    /// What was typed at another device. What stands in the input here, and is another thing, stays: it is told when it is kept.
    pub(crate) fn typed_elsewhere(&mut self, room: &str, text: String) {
        let is_shown = self.current() == Some(room) && matches!(self.compose, Compose::New);
        let kept = self.pane(room).draft.clone();
        let is_untouched = self.unsaved.is_none() && self.editor.text() == kept;
        if is_shown && is_untouched {
            self.editor.load(text.clone());
        }
        self.pane(room).draft = text;
    }

    /// Something was typed or deleted.
    pub(super) fn edited(&mut self) {
        self.unsaved = Some(self.now);
        self.tell_typing();
    }

    pub(super) fn until(&self) -> u64 {
        self.now + SHOWN_MS
    }

    fn tell_typing(&mut self) {
        let text = self.editor.text();
        let is_message = !text.is_empty() && (!text.starts_with('/') || text.starts_with("//"));
        let Some(room) = self.current.clone().filter(|_| self.settings.privacy.typing) else { return };
        match (is_message, self.told_typing) {
            (true, told) if told.is_none_or(|told| told + TYPING_EVERY_MS <= self.now) => {
                self.told_typing = Some(self.now);
                self.effects.push(Effect::Typing { room, stopped: false });
            }
            (false, Some(_)) => {
                self.told_typing = None;
                self.effects.push(Effect::Typing { room, stopped: true });
            }
            _ => {}
        }
    }

    /// A message says it as well.
    pub(super) fn has_sent(&mut self) {
        self.told_typing = None;
        self.unsaved = Some(self.now);
        self.keep_draft();
    }

    /// Others may know how far we have read: when we look at the end, and not for each line.
    pub(crate) fn tell_seen(&mut self) {
        let (now, Some((seq, at))) = (self.now, self.read()) else { return };
        let Some(pane) = self.shown_mut().filter(|_| at <= now) else { return };
        (pane.told_seen, pane.tell_seen_at) = (seq, now + SEEN_MS);
        let room = pane.label.clone();
        self.effects.push(Effect::Seen { room, seq });
    }

    /// What was not read in a room when the program started.
    pub(crate) fn set_unread(&mut self, room: &str, unread: &Unread) {
        let pane = self.pane(room);
        (pane.unread, pane.mentions) = (unread.count, unread.mentions);
        pane.latest = pane.latest.max(unread.upto);
        pane.fresh_after = (unread.count > 0).then_some(unread.after);
    }

    /// Keeps how far the current room was read, unless that was done a moment ago.
    pub(crate) fn tell_read(&mut self) {
        if self.keep_read_at <= self.now {
            self.keep_read();
        }
    }

    /// Keeps how far the current room was read.
    pub(crate) fn keep_read(&mut self) {
        let Some((room, seq)) = self.unkept() else { return };
        self.pane(&room).read = seq;
        self.keep_read_at = self.now + READ_MS;
        self.effects.push(Effect::Read { room, seq });
    }

    /// What was looked at in the current room and is not kept as read.
    fn unkept(&self) -> Option<(String, u64)> {
        let pane = self.shown().filter(|pane| self.is_looking() && pane.read_upto() > pane.read)?;
        Some((pane.label.clone(), pane.read_upto()))
    }

    /// What was read and not told yet, and when it may be told.
    fn read(&self) -> Option<(u64, u64)> {
        let may = self.settings.privacy.seen && self.is_looking() && self.overlay.is_none();
        let pane = self.shown().filter(|pane| may && pane.scroll == 0 && !pane.is_behind)?;
        let newest = pane.entries().rev().find(|entry| !entry.mine)?.seq?;
        (newest > pane.told_seen).then_some((newest, pane.tell_seen_at))
    }
}
