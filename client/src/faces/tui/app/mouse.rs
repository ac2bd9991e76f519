//! What the mouse does: the wheel scrolls, a click chooses. Only when the settings let it; else the terminal's own
//! selection has it.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::App;

/// Lines of the screen for one step of the wheel.
const WHEEL: usize = 3;

impl App {
    pub(super) fn mouse(&mut self, event: MouseEvent) {
        match event.kind {
            MouseEventKind::ScrollUp => self.scroll(true, WHEEL),
            MouseEventKind::ScrollDown => self.scroll(false, WHEEL),
            MouseEventKind::Down(MouseButton::Left) => self.click(Position::new(event.column, event.row)),
            _ => {}
        }
    }

    fn click(&mut self, at: Position) {
        if self.overlay.take().is_some() {
            return;
        }
        let row = |top: u16| usize::from(at.y.saturating_sub(top));
        if self.places.rooms.contains(at) {
            let room = self.places.labels.get(row(self.places.rooms.y)).cloned();
            return room.into_iter().for_each(|room| self.go(&room));
        }
        if self.places.messages.contains(at) {
            let id = self.places.lines.get(row(self.places.messages.y)).copied().flatten();
            // A click beside or again: back to typing.
            self.selected = id.filter(|_| self.selected != id);
        }
    }
}
