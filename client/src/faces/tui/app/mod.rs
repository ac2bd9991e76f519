//! What the screen shows, and nothing else: no terminal, no runtime, no clock.

mod about;
mod complete;
mod effect;
mod events;
mod files;
mod help;
mod keys;
mod mouse;
mod open;
mod overlay;
mod pages;
mod pane;
mod pictures;
mod row;
mod search;
mod select;
mod shown_line;
mod typing;
mod unread;
mod welcome;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use jiff::tz::TimeZone;
use shared::{identity::Fingerprint, room::MessageId};

pub(super) use self::{
    about::Here,
    effect::{Effect, News, Places, RelayStatus, Telling},
    help::Help,
    open::Open,
    overlay::{Details, Overlay, ShownLink},
    pages::Wanted,
    pane::Pane,
    row::{Kind, Row},
    search::{Hit, Search},
    select::{Compose, REACTIONS},
    shown_line::{Attached, ShownLine},
    welcome::{CHOICES, Choice},
};
use super::{editor::Editor, keymap::Keymap, pictures::Gallery, spell::Spelling, theme::Theme};
use crate::{
    runtime::RoomStatus,
    settings::{Settings, Times},
    store::Over,
};

/// Notes kept while there is no room to show them in; the oldest go first.
const NOTES: usize = 200;

/// Somebody pressed a key so many milliseconds ago at most: they look, whatever the terminal says or does not say.
const LOOKING_MS: u64 = 10_000;

/// What the terminal said of where somebody looks. Many say nothing: tmux, unless it was told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Focus {
    Unknown,
    Here,
    Away,
}

/// The state of the face.
#[derive(Debug)]
pub(super) struct App {
    pub(super) theme: Theme,
    pub(super) zone: TimeZone,
    pub(super) keys: Keymap,
    pub(super) settings: Settings,
    pub(super) panes: Vec<Pane>,
    pub(super) editor: Editor,
    pub(super) spelling: Spelling,
    pub(super) overlay: Option<Overlay>,
    pub(super) gallery: Gallery,
    pub(super) with_members: bool,
    /// Of each relay, the one that was heard of last at the end.
    pub(super) links: Vec<(String, RelayStatus)>,
    /// Why there is no connection was said, and it is not asked for again before there is one.
    pub(super) told_why: bool,
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
    focus: Focus,
    /// When a key was pressed last, Unix milliseconds; the start counts as one.
    pressed_at: Option<u64>,
    /// What others are to do.
    effects: Vec<Effect>,
    /// What somebody who looks elsewhere should know.
    news: Vec<News>,
    /// Since when what is typed differs from the kept draft.
    unsaved: Option<u64>,
    /// When we last said that we type.
    told_typing: Option<u64>,
    /// When it may be kept again how far somebody has read.
    keep_read_at: u64,
    searches: u64,
    /// Files whose bytes go, by number.
    moving: BTreeMap<i64, files::Moving>,
}

impl App {
    /// Nothing to show yet.
    pub(super) fn new(settings: Settings, keys: Keymap, zone: TimeZone) -> Self {
        Self {
            theme: Theme::new(settings.screen.theme, &settings.theme),
            zone,
            keys,
            panes: Vec::new(),
            editor: Editor::default(),
            spelling: Spelling::default(),
            overlay: None,
            gallery: Gallery::default(),
            with_members: settings.screen.members,
            settings,
            links: Vec::new(),
            told_why: false,
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
            focus: Focus::Unknown,
            pressed_at: None,
            effects: Vec::new(),
            news: Vec::new(),
            unsaved: None,
            told_typing: None,
            keep_read_at: 0,
            searches: 0,
            moving: BTreeMap::new(),
        }
    }

    /// Words of what is typed that are to be looked up now.
    pub(super) fn words_to_look_up(&mut self) -> Vec<String> {
        self.spelling.ask(self.editor.text(), self.editor.before().len())
    }

    /// Who we are; the name makes a mention.
    pub(super) fn set_me(&mut self, me: (String, Fingerprint)) {
        self.me = me;
    }

    /// The rooms of the profile.
    pub(super) fn show_rooms(&mut self, rooms: &[RoomStatus]) {
        for status in rooms {
            // What was left is shown where somebody goes there.
            if status.is_left() && self.panes.iter().all(|pane| pane.label != status.label) {
                continue;
            }
            let pane = self.pane(&status.label);
            pane.view.clone_from(&status.view);
            pane.over.clone_from(&status.over);
            (pane.is_muted, pane.is_pinned) = (status.is_muted, status.is_pinned);
        }
    }

    /// Rooms that are not there any more go from the screen.
    pub(super) fn forget_others(&mut self, rooms: &[RoomStatus]) {
        self.panes.retain(|pane| rooms.iter().any(|room| room.label == pane.label));
        if self.shown().is_none() {
            self.current = None;
            let next = self.by_activity().first().map(|pane| pane.label.clone());
            next.into_iter().for_each(|room| self.go(&room));
        }
    }

    /// Who of the current room was verified.
    pub(super) fn set_verified(&mut self, is_verified: impl Fn(&Fingerprint) -> bool) {
        let Some(pane) = self.shown_mut() else { return };
        let members = pane.view.iter().flat_map(|view| view.others());
        let who = members.map(|member| member.person.fingerprint).filter(|who| is_verified(who));
        pane.verified = who.map(|who| who.0).collect();
    }

    /// The room that lines go to.
    pub(super) fn current(&self) -> Option<&str> {
        self.current.as_deref()
    }

    /// Lines go to this room from now on. What was typed stays with the other room.
    pub(super) fn go(&mut self, room: &str) {
        if self.current() == Some(room) {
            return self.look();
        }
        self.leave_compose();
        self.keep_draft();
        self.keep_read();
        self.leave_fresh();
        self.selected = None;
        let draft = self.pane(room).draft.clone();
        // What was typed before there was any room is meant for this one.
        if self.current.replace(room.to_owned()).is_some() || self.editor.text().is_empty() {
            self.editor.load(draft);
        }
        self.shown_mut().into_iter().for_each(|pane| pane.seeks_fresh = pane.fresh_after.is_some());
        self.look();
    }

    /// Somebody looks at the screen. Where the terminal does not say so, whoever pressed a key a moment ago does.
    fn is_looking(&self) -> bool {
        match self.focus {
            Focus::Here => true,
            Focus::Away => false,
            Focus::Unknown => self.pressed_at.is_some_and(|at| self.now <= at.saturating_add(LOOKING_MS)),
        }
    }

    /// A key was pressed, or the mouse: somebody is there.
    fn pressed(&mut self) {
        self.pressed_at = Some(self.now);
        self.shown_mut().into_iter().for_each(|pane| pane.seeks_fresh = false);
        if self.focus == Focus::Unknown {
            self.look();
        }
    }

    /// The current room is looked at.
    fn look(&mut self) {
        if let Some(pane) = self.shown_mut() {
            (pane.unread, pane.mentions) = (0, 0);
        }
    }

    /// The pane of the current room.
    pub(super) fn shown(&self) -> Option<&Pane> {
        let current = self.current.as_deref()?;
        self.panes.iter().find(|pane| pane.label == current)
    }

    fn shown_mut(&mut self) -> Option<&mut Pane> {
        let current = self.current.as_deref()?;
        self.panes.iter_mut().find(|pane| pane.label == current)
    }

    /// The pane of the current room, to be filled by tests.
    #[cfg(test)]
    pub(super) fn shown_pane(&mut self) -> &mut Pane {
        self.shown_mut().expect("a room is shown")
    }

    /// Pinned rooms by name, where they stay while this device is in them; then the others by activity, the latest first.
    pub(super) fn by_activity(&self) -> Vec<&Pane> {
        let mut panes: Vec<&Pane> = self.panes.iter().collect();
        // One that was left has lost its place.
        let is_pinned = |pane: &Pane| pane.is_pinned && pane.over != Some(Over::Left);
        let at = |pane: &Pane| if is_pinned(pane) { u64::MAX } else { pane.last_at };
        panes.sort_by(|a, b| {
            let by_pin = is_pinned(b).cmp(&is_pinned(a));
            by_pin.then_with(|| at(b).cmp(&at(a))).then_with(|| a.label.cmp(&b.label))
        });
        panes
    }

    /// Says something in the current room, for this person only.
    pub(super) fn note(&mut self, text: String) {
        self.put(Row::Note { kind: Kind::Info, text, stored: None });
    }

    /// Says what went wrong; it stays until a key is pressed.
    pub(super) fn alert(&mut self, text: String) {
        self.alert = Some(text.clone());
        self.put(Row::Note { kind: Kind::Alarm, text, stored: None });
    }

    /// What others are to do, once.
    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// What happened behind somebody's back, once.
    pub(super) fn take_news(&mut self) -> Vec<News> {
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
        self.pane(room).push(row);
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
