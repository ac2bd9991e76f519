//! What keys do: those of readline in the input, those of chat programs around it.

use crossterm::event::{Event, KeyCode, KeyEventKind};

use super::{
    super::{
        editor::Editor,
        keymap::{Action, Key},
    },
    App, Effect, Focus, Overlay,
};
use crate::faces::{action, lines::without_blank_lines};

impl App {
    /// Takes a key, the mouse, a paste or a change of focus in; says what others are to do.
    pub(crate) fn input(&mut self, event: Event) -> Vec<Effect> {
        if matches!(event, Event::Key(_) | Event::Mouse(_) | Event::Paste(_)) {
            self.pressed();
        }
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                let event_code = key.code;
                self.alert = None;
                if self.keys.action(Key::pressed(key), false) == Some(Action::Suspend) {
                    // Whatever is open stays so.
                    self.act(Action::Suspend);
                    return self.take_effects();
                }
                match self.overlay.take() {
                    Some(overlay) if self.keys.action(Key::pressed(key), false) == Some(Action::Help) => {
                        match overlay {
                            Overlay::Help(help) => self.close_help(help),
                            overlay => self.help("", Some(overlay)),
                        }
                    }
                    Some(Overlay::Link(_) | Overlay::Code(_)) if self.types_on(Key::pressed(key)) => {
                        self.key(Key::pressed(key));
                    }
                    Some(overlay) => {
                        let key = Key::pressed(key);
                        self.overlay_key(overlay, key, plain_code(key, event_code));
                    }
                    None => self.key(Key::pressed(key)),
                }
            }
            Event::Mouse(event) => self.mouse(event),
            Event::Paste(text) => self.paste(&text),
            Event::FocusGained => {
                self.focus = Focus::Here;
                self.look();
            }
            Event::FocusLost => self.focus = Focus::Away,
            _ => {}
        }
        self.take_effects()
    }

    /// A key while a link is shown that begins a text: without its first letter a command would be said to all.
    fn types_on(&self, key: Key) -> bool {
        let typed = key.typed().filter(|c| !c.is_whitespace() && !matches!(c, 'c' | 'q' | '?'));
        typed.is_some() && self.selected.is_none()
    }

    fn key(&mut self, key: Key) {
        if self.selected.is_some() && self.chosen().is_none() {
            // It scrolled out of what is kept, or was replaced.
            self.selected = None;
        }
        let is_selecting = self.selected.is_some();
        let action = self.keys.action(key, is_selecting);
        if !is_selecting && self.is_new() && self.editor.text().is_empty() && self.welcome_key(key, action) {
            return;
        }
        match action {
            Some(action) if is_selecting && self.select_key(action) => {}
            Some(action) => self.act(action),
            None if is_selecting => {}
            None => key.typed().into_iter().for_each(|c| self.type_text(c.encode_utf8(&mut [0; 4]))),
        }
    }

    fn act(&mut self, action: Action) {
        let before = self.editor.text().len();
        match action {
            Action::Send => return self.enter(),
            Action::ClearOrQuit | Action::DeleteOrQuit if self.editor.text().is_empty() => {
                return self.effects.push(Effect::Quit);
            }
            Action::ClearOrQuit => self.editor.clear(),
            Action::Redraw => self.effects.push(Effect::Redraw),
            Action::Suspend => self.effects.push(Effect::Suspend),
            Action::Switch => self.overlay = Some(Overlay::Switcher(Editor::default(), 0)),
            Action::Help | Action::HelpHere => self.help("", None),
            Action::Search => self.search(""),
            Action::Select => self.select(),
            Action::About if self.current.is_some() => self.effects.push(Effect::Line("/info".to_owned())),
            Action::Members => self.with_members = !self.with_members,
            Action::Room(place) => {
                let panes = self.by_activity();
                let room = panes.get(usize::from(place).saturating_sub(1)).map(|pane| pane.label.clone());
                return room.into_iter().for_each(|room| self.go(&room));
            }
            Action::Activity => return self.go_to_activity(),
            Action::Unread => return self.go_to_unread(),
            Action::QuoteLast => return self.quote_last(),
            Action::PageUp => self.scroll(true, self.page()),
            Action::PageDown => self.scroll(false, self.page()),
            Action::Complete => self.complete(),
            Action::NewLine => return self.type_text("\n"),
            action => self.edit(action),
        }
        if self.editor.text().len() != before {
            self.edited();
        }
    }

    fn edit(&mut self, action: Action) {
        match action {
            Action::Older => self.editor.up(),
            Action::Newer => self.editor.down(),
            // The others are not for the input.
            action => drop(self.editor.edit(action)),
        }
    }

    /// A key in a field over the rooms: those of the input edit it.
    pub(super) fn edit_field(&self, field: &mut Editor, key: Key) {
        match self.keys.action(key, false) {
            Some(action) => drop(field.edit(action)),
            None => key.typed().into_iter().for_each(|c| field.insert_line(c.encode_utf8(&mut [0; 4]))),
        }
    }

    fn welcome_key(&mut self, key: Key, action: Option<Action>) -> bool {
        match (action, key.typed().and_then(|c| c.to_digit(10))) {
            _ if key.typed() == Some('?') => self.help("", None),
            (Some(Action::Older), _) => self.choose(false),
            (Some(Action::Newer), _) => self.choose(true),
            (Some(Action::Send), _) => self.begin(self.choice),
            (_, Some(digit @ 1..=3)) => self.begin(usize::try_from(digit).unwrap_or(1) - 1),
            _ => return false,
        }
        true
    }

    fn enter(&mut self) {
        self.go_to_end();
        let text = self.editor.take();
        let trimmed = text.trim();
        let is_action = action::of(trimmed).is_some();
        // An indented slash is text.
        let is_slashed = text.starts_with('/');
        let is_command = is_slashed && !trimmed.starts_with("//") && !is_action;
        match trimmed {
            "" => {}
            "/help" if is_slashed => self.help("", None),
            "/search" if is_slashed => self.search(""),
            _ if is_command => match trimmed.split_once(' ') {
                Some(("/search", wanted)) => self.search(wanted.trim()),
                Some(("/help", wanted)) => self.help(wanted.trim(), None),
                _ => self.effects.push(Effect::Line(text)),
            },
            _ => {
                let said = match trimmed.strip_prefix('/') {
                    // Two slashes begin a message with a slash.
                    Some(said) if is_slashed && !is_action => said.to_owned(),
                    _ => without_blank_lines(&text).to_owned(),
                };
                match self.composed(said) {
                    Some(what) => self.tell_of(what),
                    None => self.effects.push(Effect::Line(text)),
                }
            }
        }
        self.has_sent();
    }

    fn paste(&mut self, text: &str) {
        self.alert = None;
        match &mut self.overlay {
            Some(Overlay::Search(search)) => {
                let mut search = search.clone();
                search.text.insert_line(text.trim_end_matches(['\r', '\n']));
                self.ask(search);
            }
            None | Some(Overlay::Link(_) | Overlay::Code(_)) => {
                (self.overlay, self.selected) = (None, None);
                self.type_text(text);
            }
            Some(_) => {}
        }
    }

    fn type_text(&mut self, text: &str) {
        if self.editor.insert(text) {
            self.edited();
        } else {
            self.alert = Some("That is too long for one message. Send it in parts.".to_owned());
        }
    }

    pub(super) fn go_to_activity(&mut self) {
        let next = self.by_activity().into_iter().filter(|pane| pane.unread > 0);
        // Rooms where somebody names us come first.
        let next = next.max_by_key(|pane| (pane.mentions > 0, pane.last_at)).map(|pane| pane.label.clone());
        next.into_iter().for_each(|room| self.go(&room));
    }
}

/// The key for a list or a field, where readline's up and down are arrows.
fn plain_code(key: Key, code: KeyCode) -> KeyCode {
    let is = |name| Key::parse(name) == Some(key);
    match code {
        _ if is("ctrl+p") => KeyCode::Up,
        _ if is("ctrl+n") => KeyCode::Down,
        _ if is("ctrl+c") || is("ctrl+g") => KeyCode::Esc,
        KeyCode::Char(_) if key.typed().is_none() => KeyCode::Null,
        code => code,
    }
}
