//! What the screen shows, and nothing else: no terminal, no runtime, no clock.

mod complete;
mod entry;
mod events;
mod keys;
mod mouse;
mod overlay;
mod pages;
mod pane;
mod search;
mod select;
mod typing;
mod welcome;

use std::{collections::VecDeque, time::Duration};

use jiff::tz::TimeZone;
use ratatui::layout::Rect;
use shared::{engine::MessageId, identity::Fingerprint};

pub use self::{
    entry::Entry,
    overlay::Overlay,
    pages::Wanted,
    pane::{Kind, Pane, Row},
    search::{Hit, Search},
    select::{Compose, SIGNS},
    welcome::{CHOICES, Choice},
};
use super::{draw, editor::Editor, keymap::Keymap, theme::Theme};
use crate::{
    runtime::RoomStatus,
    settings::{Settings, Times},
    transport::Carrier,
};

/// Notes kept while there is no room to show them in; the oldest go first.
const NOTES: usize = 200;

/// What the keyboard asks others to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A line was typed.
    Line(String),
    /// Something about a message of this room.
    Tell { room: String, what: Telling },
    /// Text for the clipboard.
    Copy(String),
    /// What is typed in a room, to be kept.
    Draft { room: String, text: String },
    /// Messages are wanted.
    Fetch(Wanted),
    /// Search: in one room or all.
    Find { number: u64, room: Option<String>, text: String },
    /// Something of the list for new people.
    Begin(Choice),
    /// Others may know that we type, or stopped.
    Typing { room: String, stopped: bool },
    /// Others may know that we have read up to there.
    Seen { room: String, seq: u64 },
    /// Draw everything anew.
    Redraw,
    /// The end.
    Quit,
}

/// What is done to, or said about, a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Telling {
    Reply { to: MessageId, text: String },
    Edit { target: MessageId, text: String },
    Delete { target: MessageId },
    React { target: MessageId, sign: String, withdrawn: bool },
}

/// How the connection to the relay is.
#[derive(Clone, Debug, Default)]
pub enum Link {
    /// Nothing was dialled.
    #[default]
    None,
    Connecting(String),
    Up(String, Carrier),
    /// Why, as it is shown.
    Down(String),
}

/// Where things are on the screen, for the mouse.
#[derive(Clone, Debug, Default)]
pub struct Places {
    pub rooms: Rect,
    /// The rooms from the top.
    pub labels: Vec<String>,
    pub messages: Rect,
    /// The messages that the rows from the top belong to.
    pub lines: Vec<Option<MessageId>>,
}

/// The state of the face.
#[derive(Debug)]
pub struct App {
    pub(super) theme: Theme,
    pub(super) zone: TimeZone,
    pub(super) keys: Keymap,
    pub(super) settings: Settings,
    pub(super) panes: Vec<Pane>,
    pub(super) editor: Editor,
    pub(super) overlay: Option<Overlay>,
    pub(super) with_members: bool,
    pub(super) link: Link,
    /// To the relay and back, when it was measured last.
    pub(super) round_trip: Option<Duration>,
    /// A failure or alarm that is shown until a key is pressed.
    pub(super) alert: Option<String>,
    /// Said while there was no room.
    pub(super) notes: VecDeque<Row>,
    /// Cells and rows of the messages when they were drawn last.
    pub(super) extent: (usize, usize),
    /// The top of what is here was on the screen.
    pub(super) at_top: bool,
    /// What is here does not fill the screen.
    pub(super) is_short: bool,
    /// The message that is chosen; then keys mean other things.
    pub(super) selected: Option<MessageId>,
    /// What Enter does with what is typed.
    pub(super) compose: Compose,
    /// Which of [`CHOICES`] is chosen.
    pub(super) choice: usize,
    pub(super) places: Places,
    /// Unix milliseconds, as whoever has a clock said last.
    pub(super) now: u64,
    /// What the last search found, for going from one to the next.
    pub(super) hits: (Vec<Hit>, usize),
    me: (String, Fingerprint),
    current: Option<String>,
    is_focused: bool,
    /// What others are to do.
    effects: Vec<Effect>,
    /// What somebody who looks elsewhere should know.
    news: Vec<News>,
    /// Since when what is typed differs from the kept draft.
    unsaved: Option<u64>,
    /// When we last said that we type.
    told_typing: Option<u64>,
    searches: u64,
}

/// Something happened that somebody who looks elsewhere may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    pub room: String,
    /// Who said something; none for an alarm.
    pub who: Option<String>,
    pub text: String,
    pub mentions: bool,
}

impl App {
    /// Nothing to show yet.
    pub fn new(settings: Settings, keys: Keymap, zone: TimeZone) -> Self {
        Self {
            theme: Theme::new(settings.screen.theme, &settings.theme),
            zone,
            keys,
            panes: Vec::new(),
            editor: Editor::default(),
            overlay: None,
            with_members: settings.screen.members,
            settings,
            link: Link::None,
            round_trip: None,
            alert: None,
            notes: VecDeque::new(),
            extent: (80, 20),
            at_top: false,
            is_short: false,
            selected: None,
            compose: Compose::New,
            choice: 0,
            places: Places::default(),
            now: 0,
            hits: (Vec::new(), 0),
            me: (String::new(), Fingerprint([0; 32])),
            current: None,
            is_focused: true,
            effects: Vec::new(),
            news: Vec::new(),
            unsaved: None,
            told_typing: None,
            searches: 0,
        }
    }

    /// Who we are; the name makes a mention.
    pub fn set_me(&mut self, me: (String, Fingerprint)) {
        self.me = me;
    }

    /// The rooms of the profile.
    pub fn show_rooms(&mut self, rooms: &[RoomStatus]) {
        for status in rooms {
            let pane = self.pane(&status.label);
            pane.view.clone_from(&status.view);
            pane.over.clone_from(&status.over);
            pane.is_muted = status.is_muted;
        }
    }

    /// Who of the current room was verified.
    pub fn set_verified(&mut self, is_verified: impl Fn(&Fingerprint) -> bool) {
        let Some(pane) = self.shown_mut() else { return };
        let members = pane.view.iter().flat_map(|view| view.members.iter().filter(|member| !member.me));
        let who = members.map(|member| member.person.fingerprint).filter(|who| is_verified(who));
        pane.verified = who.map(|who| who.0).collect();
    }

    /// The room that lines go to.
    pub fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// Lines go to this room from now on. What was typed stays with the other room.
    pub fn go(&mut self, room: &str) {
        if self.current() == Some(room) {
            return self.look();
        }
        self.leave_compose();
        self.keep_draft();
        self.selected = None;
        let draft = self.pane(room).draft.clone();
        // What was typed before there was any room is meant for this one.
        if self.current.replace(room.to_owned()).is_some() || self.editor.text().is_empty() {
            self.editor.load(draft);
        }
        self.look();
    }

    /// The current room is looked at.
    fn look(&mut self) {
        if let Some(pane) = self.shown_mut() {
            (pane.unread, pane.mentions) = (0, 0);
        }
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

    /// What others are to do, once.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// What happened behind somebody's back, once.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// What we are called, for mentions.
    pub(super) fn my_name(&self) -> &str {
        &self.me.0
    }

    /// How hours are written.
    pub(super) fn times(&self) -> Times {
        self.settings.screen.times
    }

    fn put(&mut self, row: Row) {
        match self.current.clone() {
            Some(room) => self.push(&room, row),
            None => {
                self.notes.push_back(row);
                let surplus = self.notes.len().saturating_sub(NOTES);
                self.notes.drain(..surplus);
            }
        }
    }

    fn push(&mut self, room: &str, row: Row) {
        // Only who has scrolled up needs to know.
        let is_moved = self.pane(room).scroll > 0;
        let height = if is_moved { draw::height(&row, self, self.extent.0) } else { 0 };
        self.pane(room).push(row, height);
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
