//! What the screen shows, and nothing else: no terminal, no runtime, no clock.

mod complete;
mod events;
mod keys;
mod pane;

use std::collections::VecDeque;

use jiff::tz::TimeZone;

pub use self::{
    keys::KEYS,
    pane::{Kind, Pane, Row},
};
use super::{editor::Editor, theme::Theme, wrap};
use crate::runtime::RoomStatus;

/// Notes kept while there is no room to show them in; the oldest go first.
const NOTES: usize = 200;

/// What the keyboard asks others to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A line was typed.
    Line(String),
    /// Text for the clipboard.
    Copy(String),
    /// Draw everything anew.
    Redraw,
    /// The end.
    Quit,
}

/// What lies over the rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// All keys and commands; scrolled by so many lines.
    Help(usize),
    /// Go to a room: what was typed to find it, and which of those found is chosen.
    Switcher(String, usize),
    /// An invite link, to be copied.
    Link(String),
}

/// The state of the face.
#[derive(Debug)]
pub struct App {
    pub(super) theme: Theme,
    pub(super) zone: TimeZone,
    pub(super) panes: Vec<Pane>,
    pub(super) editor: Editor,
    pub(super) overlay: Option<Overlay>,
    pub(super) with_members: bool,
    /// What the connections to relays are doing.
    pub(super) link: String,
    /// A failure or alarm that is shown until a key is pressed.
    pub(super) alert: Option<String>,
    /// Said while there was no room.
    pub(super) notes: VecDeque<Row>,
    /// Cells and rows of the messages when they were drawn last.
    pub(super) extent: (usize, usize),
    /// The top of what is here was on the screen.
    pub(super) at_top: bool,
    me: String,
    current: Option<String>,
    is_focused: bool,
    bell: bool,
}

impl App {
    /// Nothing to show yet.
    pub fn new(theme: Theme, zone: TimeZone) -> Self {
        Self {
            theme,
            zone,
            panes: Vec::new(),
            editor: Editor::default(),
            overlay: None,
            with_members: true,
            link: "Not connected".to_owned(),
            alert: None,
            notes: VecDeque::new(),
            extent: (80, 20),
            at_top: false,
            me: String::new(),
            current: None,
            is_focused: true,
            bell: false,
        }
    }

    /// What we are called; it makes a mention.
    pub fn set_me(&mut self, name: String) {
        self.me = name;
    }

    /// The rooms of the profile.
    pub fn show_rooms(&mut self, rooms: &[RoomStatus]) {
        for status in rooms {
            let pane = self.pane(&status.label);
            pane.view.clone_from(&status.view);
            pane.over.clone_from(&status.over);
        }
    }

    /// The room that lines go to.
    pub fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// Lines go to this room from now on.
    pub fn go(&mut self, room: &str) {
        let pane = self.pane(room);
        (pane.unread, pane.mentions) = (0, 0);
        self.current = Some(room.to_owned());
    }

    /// The pane of the current room.
    pub fn shown(&self) -> Option<&Pane> {
        let current = self.current.as_deref()?;
        self.panes.iter().find(|pane| pane.label == current)
    }

    fn shown_mut(&mut self) -> Option<&mut Pane> {
        let current = self.current.as_deref()?;
        self.panes.iter_mut().find(|pane| pane.label == current)
    }

    /// Rooms by activity, the latest first.
    pub fn by_activity(&self) -> Vec<&Pane> {
        let mut panes: Vec<&Pane> = self.panes.iter().collect();
        panes.sort_by(|a, b| b.last_at.cmp(&a.last_at).then_with(|| a.label.cmp(&b.label)));
        panes
    }

    /// Says something in the current room, for this person only.
    pub fn note(&mut self, text: String) {
        self.put(Row::Note { kind: Kind::Info, text });
    }

    /// Says what went wrong; it stays until a key is pressed.
    pub fn alert(&mut self, text: String) {
        self.alert = Some(text.clone());
        self.put(Row::Note { kind: Kind::Alarm, text });
    }

    /// What could not be done stands in the input again, unless something else does by now.
    pub fn put_back(&mut self, text: String) {
        if self.editor.text().is_empty() {
            self.editor.set(text);
        }
    }

    /// Whether somebody looks at the end of what is here and there may be more.
    pub fn wants_older(&self) -> bool {
        self.at_top && self.shown().is_some_and(|pane| !pane.is_whole && pane.scroll > 0)
    }

    /// The room and the sequence number before which more is wanted.
    pub fn older_from(&self) -> Option<(String, u64)> {
        self.shown().map(|pane| (pane.label.clone(), pane.oldest().unwrap_or(u64::MAX)))
    }

    /// Whether to ring, once.
    pub fn take_bell(&mut self) -> bool {
        std::mem::take(&mut self.bell)
    }

    fn put(&mut self, row: Row) {
        let extent = self.extent;
        match self.shown_mut() {
            Some(pane) => pane.push(row, extent),
            None => {
                self.notes.push_back(row);
                let surplus = self.notes.len().saturating_sub(NOTES);
                self.notes.drain(..surplus);
            }
        }
    }

    fn pane(&mut self, label: &str) -> &mut Pane {
        let at = match self.panes.iter().position(|pane| pane.label == label) {
            Some(at) => at,
            None => {
                self.panes.push(Pane::new(label));
                self.panes.len() - 1
            }
        };
        #[expect(clippy::indexing_slicing, reason = "just found or made")]
        &mut self.panes[at]
    }
}

/// Rows that text takes at a width.
fn height(text: &str, width: usize) -> usize {
    text.split('\n').map(|line| wrap::wrap(line, width).len()).sum()
}
