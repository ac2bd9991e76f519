//! What keys do: those of readline in the input, those of chat programs around it.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{super::editor::To, App, Effect, Overlay};

/// The keys, for the help.
pub const KEYS: &[(&str, &str)] = &[
    ("Enter", "send"),
    ("Alt+Enter", "new line"),
    ("Up, Down", "what was typed before; in several lines, the lines"),
    ("Tab", "complete a command, a room or a name"),
    ("Ctrl+K", "go to a room by its name"),
    ("Alt+1 … Alt+9", "go to a room by its place"),
    ("Alt+A", "go to the next room with something new"),
    ("PgUp, PgDn", "read what was said before"),
    ("F2", "show or hide the members"),
    ("Ctrl+A E B F W U Y", "move and delete, as in a shell; also Alt+B F D"),
    ("Ctrl+L", "draw the screen anew"),
    ("F1", "this page; any key closes it"),
    ("Ctrl+D, Ctrl+C", "leave, when nothing is typed"),
];

impl App {
    /// Takes a key, a paste or a change of focus in.
    pub fn input(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                self.alert = None;
                self.key(key)
            }
            Event::Paste(text) => {
                self.type_text(&text);
                Vec::new()
            }
            Event::FocusGained => {
                self.is_focused = true;
                if let Some(pane) = self.shown_mut() {
                    (pane.unread, pane.mentions) = (0, 0);
                }
                Vec::new()
            }
            Event::FocusLost => {
                self.is_focused = false;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        if let Some(overlay) = self.overlay.take() {
            return self.overlay_key(overlay, key);
        }
        let (ctrl, alt) =
            (key.modifiers.contains(KeyModifiers::CONTROL), key.modifiers.contains(KeyModifiers::ALT));
        match (key.code, ctrl, alt) {
            (KeyCode::Enter, _, true) => self.type_text("\n"),
            (KeyCode::Enter, ..) => return self.enter(),
            (KeyCode::Char('c' | 'd'), true, _) if self.editor.text().is_empty() => {
                return vec![Effect::Quit];
            }
            (KeyCode::Char('c'), true, _) => self.editor.set(String::new()),
            (KeyCode::Char('l'), true, _) => return vec![Effect::Redraw],
            (KeyCode::Char('k'), true, _) => self.overlay = Some(Overlay::Switcher(String::new(), 0)),
            (KeyCode::F(1), ..) => self.overlay = Some(Overlay::Help(0)),
            (KeyCode::F(2), ..) => self.with_members = !self.with_members,
            (KeyCode::Char(digit @ '1'..='9'), _, true) => {
                let place = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok()).unwrap_or(1) - 1;
                let room = self.by_activity().get(place).map(|pane| pane.label.clone());
                room.into_iter().for_each(|room| self.go(&room));
            }
            (KeyCode::Char('a'), _, true) => self.go_to_activity(),
            (KeyCode::PageUp, ..) => self.scroll(true),
            (KeyCode::PageDown, ..) => self.scroll(false),
            (KeyCode::Tab, ..) => self.complete(),
            _ => self.edit(key.code, ctrl, alt),
        }
        Vec::new()
    }

    fn edit(&mut self, code: KeyCode, ctrl: bool, alt: bool) {
        let editor = &mut self.editor;
        match (code, ctrl, alt) {
            (KeyCode::Left, true, _) | (KeyCode::Left | KeyCode::Char('b'), _, true) => {
                editor.go(To::WordLeft);
            }
            (KeyCode::Right, true, _) | (KeyCode::Right | KeyCode::Char('f'), _, true) => {
                editor.go(To::WordRight);
            }
            (KeyCode::Left, ..) | (KeyCode::Char('b'), true, _) => editor.go(To::Left),
            (KeyCode::Right, ..) | (KeyCode::Char('f'), true, _) => editor.go(To::Right),
            (KeyCode::Home, ..) | (KeyCode::Char('a'), true, _) => editor.go(To::Home),
            (KeyCode::End, ..) | (KeyCode::Char('e'), true, _) => editor.go(To::End),
            (KeyCode::Backspace, _, true) | (KeyCode::Char('w'), true, _) => editor.delete(To::WordLeft),
            (KeyCode::Backspace, ..) | (KeyCode::Char('h'), true, _) => editor.delete(To::Left),
            (KeyCode::Delete, ..) | (KeyCode::Char('d'), true, _) => editor.delete(To::Right),
            (KeyCode::Char('d'), _, true) => editor.delete(To::WordRight),
            (KeyCode::Char('u'), true, _) => editor.delete(To::Home),
            (KeyCode::Char('y'), true, _) => editor.yank(),
            (KeyCode::Up, ..) | (KeyCode::Char('p'), true, _) => editor.older(),
            (KeyCode::Down, ..) | (KeyCode::Char('n'), true, _) => editor.newer(),
            (KeyCode::Char(c), false, false) => self.type_text(c.encode_utf8(&mut [0; 4])),
            _ => {}
        }
    }

    fn overlay_key(&mut self, overlay: Overlay, key: KeyEvent) -> Vec<Effect> {
        match (overlay, key.code) {
            (Overlay::Link(link), KeyCode::Char('c')) => {
                let effects = vec![Effect::Copy(link.clone())];
                self.overlay = Some(Overlay::Link(link));
                return effects;
            }
            (Overlay::Help(scroll), KeyCode::Down | KeyCode::PageDown) => {
                self.overlay = Some(Overlay::Help(scroll + 1));
            }
            (Overlay::Help(scroll), KeyCode::Up | KeyCode::PageUp) => {
                self.overlay = Some(Overlay::Help(scroll.saturating_sub(1)));
            }
            (Overlay::Switcher(text, at), code) => self.switch(text, at, code),
            // Any other key closes it.
            (Overlay::Link(_) | Overlay::Help(_), _) => {}
        }
        Vec::new()
    }

    fn switch(&mut self, mut text: String, at: usize, code: KeyCode) {
        let found = self.found(&text);
        match code {
            KeyCode::Esc => return,
            KeyCode::Enter => return found.get(at).into_iter().for_each(|room| self.go(room)),
            KeyCode::Up => return self.overlay = Some(Overlay::Switcher(text, at.saturating_sub(1))),
            KeyCode::Down => {
                let at = (at + 1).min(found.len().saturating_sub(1));
                return self.overlay = Some(Overlay::Switcher(text, at));
            }
            KeyCode::Backspace => drop(text.pop()),
            KeyCode::Char(c) => text.push(c),
            _ => {}
        }
        self.overlay = Some(Overlay::Switcher(text, 0));
    }

    /// Labels that contain what was typed, by activity.
    pub fn found(&self, text: &str) -> Vec<String> {
        let text = text.to_lowercase();
        let fits = |label: &String| label.to_lowercase().contains(&text);
        self.by_activity().into_iter().map(|pane| pane.label.clone()).filter(fits).collect()
    }

    fn enter(&mut self) -> Vec<Effect> {
        if let Some(pane) = self.shown_mut() {
            pane.scroll = 0;
        }
        match self.editor.take() {
            text if text.trim().is_empty() => Vec::new(),
            text if text.trim() == "/help" => {
                self.overlay = Some(Overlay::Help(0));
                Vec::new()
            }
            text => vec![Effect::Line(text)],
        }
    }

    fn type_text(&mut self, text: &str) {
        if !self.editor.insert(text) {
            self.alert = Some("That is too long for one message. Send it in parts.".to_owned());
        }
    }

    fn go_to_activity(&mut self) {
        let next = self.by_activity().into_iter().filter(|pane| pane.unread > 0);
        // Rooms where somebody names us come first.
        let next = next.max_by_key(|pane| (pane.mentions > 0, pane.last_at)).map(|pane| pane.label.clone());
        next.into_iter().for_each(|room| self.go(&room));
    }

    fn scroll(&mut self, up: bool) {
        let page = self.extent.1.saturating_sub(1).max(1);
        if let Some(pane) = self.shown_mut() {
            pane.scroll = if up { pane.scroll + page } else { pane.scroll.saturating_sub(page) };
        }
    }
}
