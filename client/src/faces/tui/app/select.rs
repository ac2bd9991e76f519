//! A message is chosen: what can be done to it, and what is then typed.

use shared::room::MessageId;

use super::{App, Effect, Overlay, ShownLine, Telling, overlay::Reactions};
use crate::faces::{
    quote::quoted,
    tui::{editor::Editor, keymap::Action},
    words,
};

/// Reactions to choose from; others can be typed.
pub(crate) const REACTIONS: [&str; 8] = ["👍", "❤", "😂", "🎉", "😮", "😢", "🙏", "👀"];

/// What Enter does with what is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Compose {
    /// Sends it.
    #[default]
    New,
    /// Sends it as an answer.
    Reply {
        /// To this message.
        to: MessageId,
        /// How that is said, safe for a terminal.
        shown: String,
    },
    /// Puts it in the place of a message's text.
    Edit {
        /// Of this message.
        target: MessageId,
        /// What was typed before.
        before: String,
    },
}

impl App {
    /// A key while a message is chosen. False: it is none of these.
    pub(super) fn select_key(&mut self, action: Action) -> bool {
        match action {
            Action::SelectOlder => self.step(true),
            Action::SelectNewer => self.step(false),
            Action::First => {
                self.selected = self.shown().and_then(|pane| pane.entries().next()).map(|entry| entry.id);
            }
            Action::Last => {
                self.go_to_end();
                self.selected = self.last();
            }
            Action::PageUp | Action::PageDown => {
                let (up, page) = (action == Action::PageUp, self.page());
                self.scroll(up, page);
                (0..page / 2).for_each(|_| self.step(up));
            }
            Action::Back => self.selected = None,
            Action::Reply => self.begin_reply(),
            Action::Quote => self.begin_quote(),
            Action::Open => self.begin_open(),
            Action::Edit => self.begin_edit(),
            Action::Delete => {
                if let Some(target) = self.own("delete") {
                    self.overlay = Some(Overlay::Delete(target));
                }
            }
            Action::React => {
                if let Some(target) = self.living() {
                    self.overlay =
                        Some(Overlay::Reactions(Reactions { target, text: Editor::default(), at: 0 }));
                }
            }
            Action::Copy => {
                let text = self.chosen().map(|entry| entry.text.clone());
                self.effects.extend(text.map(Effect::Copy));
            }
            Action::Details => self.begin_about(),
            Action::Fetch => self.begin_fetch(),
            Action::NextFound => self.next_hit(true),
            Action::PreviousFound => self.next_hit(false),
            _ => return false,
        }
        true
    }

    /// Chooses the last message, if there is one.
    pub(super) fn select(&mut self) {
        match self.compose {
            Compose::New => self.selected = self.last(),
            _ => self.leave_compose(),
        }
    }

    /// The message that is chosen.
    pub(crate) fn chosen(&self) -> Option<&ShownLine> {
        self.shown()?.entry(self.selected.as_ref()?)
    }

    /// What is typed is a message of its own again.
    pub(super) fn leave_compose(&mut self) {
        if let Compose::Edit { before, .. } = std::mem::take(&mut self.compose) {
            self.editor.load(before);
        }
    }

    /// What Enter does with a text, when it is not simply sent.
    pub(super) fn composed(&mut self, text: String) -> Option<Telling> {
        match std::mem::take(&mut self.compose) {
            Compose::New => None,
            Compose::Reply { to, .. } => Some(Telling::Reply { to, text }),
            Compose::Edit { target, before } => {
                self.editor.load(before);
                Some(Telling::Edit { target, text })
            }
        }
    }

    /// Puts a reaction under a message, or takes it away.
    pub(super) fn react(&mut self, target: MessageId, emoji: String) {
        let mine = self.me.1;
        let Some(pane) = self.shown() else { return };
        let withdrawn = pane.entry(&target).is_some_and(|entry| entry.has_reaction(&emoji, &mine));
        self.tell_of(Telling::React { target, emoji, withdrawn });
    }

    pub(super) fn tell_of(&mut self, what: Telling) {
        if let Some(room) = self.current.clone() {
            self.effects.push(Effect::Tell { room, what });
        }
    }

    fn begin_reply(&mut self) {
        let Some(to) = self.living() else { return };
        let Some(entry) = self.chosen() else { return };
        let shown = format!("{}: {}", entry.name, entry.first_words());
        (self.compose, self.selected) = (Compose::Reply { to, shown }, None);
    }

    /// A reply that begins with what was said, above whatever is typed already.
    fn begin_quote(&mut self) {
        let Some(quote) = self.living().and_then(|_| self.chosen()).map(|entry| quoted(entry.whole())) else {
            return;
        };
        self.begin_reply();
        let text = format!("{quote}{}", self.editor.text());
        self.editor.load(text);
        self.edited();
    }

    /// The same with the last message of somebody else.
    pub(super) fn quote_last(&mut self) {
        let others = self.shown().into_iter().flat_map(|pane| pane.entries().rev());
        let last = others.into_iter().find(|entry| !entry.mine && !entry.deleted && entry.seq.is_some());
        match last.map(|entry| entry.id) {
            Some(id) => {
                self.leave_compose();
                self.selected = Some(id);
                self.begin_quote();
            }
            None => self.alert = Some("Nobody else has said anything here.".to_owned()),
        }
    }

    fn begin_edit(&mut self) {
        let Some(target) = self.own("edit") else { return };
        let Some(entry) = self.chosen() else { return };
        if !entry.is_verbatim {
            let why = "That message holds characters that are not shown here, and an edit would lose them: say it anew, then \
                       delete it.";
            self.alert = Some(why.to_owned());
            return;
        }
        let text = entry.text.clone();
        self.keep_draft();
        let before = self.editor.text().to_owned();
        self.editor.load(text);
        (self.compose, self.selected) = (Compose::Edit { target, before }, None);
    }

    /// The chosen message, if it is in the log and was not taken back.
    pub(super) fn living(&mut self) -> Option<MessageId> {
        let entry = self.chosen()?;
        let (id, why) = match entry {
            ShownLine { deleted: true, .. } => (None, "That message was deleted."),
            ShownLine { seq: None, .. } => (None, words::ON_ITS_WAY),
            entry => (Some(entry.id), ""),
        };
        if id.is_none() {
            self.alert = Some(why.to_owned());
        }
        id
    }

    /// The chosen message, if it is ours.
    fn own(&mut self, what: &str) -> Option<MessageId> {
        let id = self.living()?;
        if self.chosen()?.mine {
            return Some(id);
        }
        self.alert = Some(format!("Only who wrote a message can {what} it."));
        None
    }

    fn step(&mut self, older: bool) {
        let Some(pane) = self.shown() else { return };
        let ids: Vec<MessageId> = pane.entries().map(|entry| entry.id).collect();
        let at = self.selected.and_then(|id| ids.iter().rposition(|other| *other == id));
        let next = match at {
            Some(at) if older => at.saturating_sub(1),
            Some(at) => at + 1,
            None => ids.len().saturating_sub(1),
        };
        // Beyond the last one is the input.
        self.selected = ids.get(next).copied();
        if self.selected.is_none() {
            self.go_to_end();
        }
    }

    fn last(&self) -> Option<MessageId> {
        self.shown().and_then(|pane| pane.entries().next_back()).map(|entry| entry.id)
    }
}
