//! What the runtime tells, as it changes the screen.

use shared::{
    engine::{self, Message},
    timeline::Line,
};

use super::{App, Kind, Overlay, Row};
use crate::{
    faces::{pending::Pending, sanitize, words},
    runtime::{Event, RelayState, RoomEvent},
    store::Notice,
};

impl App {
    /// Takes an event in. `pending` learns what was sent and which rooms were entered.
    pub fn event(&mut self, event: Event, pending: &Pending) {
        match event {
            Event::Relay { relay, state } => self.relay(&sanitize::line(&relay), state),
            Event::Room { room, event } => self.room(&room, event, pending),
        }
    }

    /// Messages from the disk, before what is here.
    pub fn add_older(&mut self, room: &str, lines: Vec<Line>) {
        let me = self.me.clone();
        self.at_top = false;
        self.pane(room).add_older(lines, &me);
    }

    fn relay(&mut self, relay: &str, state: RelayState) {
        match state {
            RelayState::Connecting => self.link = format!("Connecting to {relay}"),
            RelayState::Connected { trust, carrier } => {
                self.link = format!("{relay} by {}", carrier.name());
                self.note(words::connected(relay, trust, carrier));
            }
            RelayState::Lost { failure, retry } => {
                self.link = match retry {
                    Some(retry) => {
                        format!("No connection to {relay}; again in {:.0} s", retry.as_secs_f32().ceil())
                    }
                    None => format!("No connection to {relay}"),
                };
                if failure.code == "certificate" {
                    self.alert(format!("ALARM (certificate): {}", words::failure(&failure)));
                }
            }
        }
    }

    fn room(&mut self, room: &str, event: RoomEvent, pending: &Pending) {
        match event {
            RoomEvent::Past(line) => {
                let (extent, me) = (self.extent, self.me.clone());
                let pane = self.pane(room);
                let row = pane.row(&line, &me);
                pane.push(row, extent);
            }
            RoomEvent::Changed { act, line } => {
                let view = self.pane(room).view.clone();
                let (me, text) = (self.me.clone(), words::changed(&act, &line, view.as_ref()));
                self.pane(room).change(&line, &me);
                self.tell(room, Kind::Info, text);
            }
            RoomEvent::Gone(seqs) => self.pane(room).forget(&seqs),
            RoomEvent::Invite { link, .. } => self.overlay = Some(Overlay::Link(link.to_string())),
            RoomEvent::Failed(failure) => self.tell(room, Kind::Alarm, words::failure(&failure)),
            RoomEvent::Notice { notice, again, .. } => {
                if let (Notice::Error { code, .. }, false) = (&notice, again) {
                    pending.refused(code);
                }
                let kind = if matches!(notice, Notice::Alarm { .. }) { Kind::Alarm } else { Kind::Info };
                let text = words::notice(room, &notice, again);
                if kind == Kind::Alarm {
                    self.alert = Some(text.clone());
                    self.bell |= !self.is_focused;
                }
                self.tell(room, kind, text);
            }
            RoomEvent::Engine(event) => self.engine(room, event, pending),
        }
    }

    fn engine(&mut self, room: &str, event: engine::Event, pending: &Pending) {
        let view = self.pane(room).view.clone();
        let name = |who| words::name(who, view.as_ref());
        match event {
            engine::Event::Joined(view) => {
                let lines = words::joined(room, &view);
                let pane = self.pane(room);
                (pane.view, pane.over, pane.catching_up) = (Some(view), None, None);
                if self.current.is_none() {
                    self.go(room);
                }
                lines.into_iter().for_each(|line| self.tell(room, Kind::Info, line));
                pending.joined(room);
            }
            engine::Event::Epoch(view) => self.pane(room).view = Some(view),
            engine::Event::MemberJoined(who) => {
                self.tell(room, Kind::Info, format!("{} joined.", name(&who)));
            }
            engine::Event::MemberLeft { who, by } if who.fingerprint == by.fingerprint => {
                self.tell(room, Kind::Info, format!("{} left.", name(&who)));
            }
            engine::Event::MemberLeft { who, by } => {
                self.tell(room, Kind::Info, format!("{} was removed by {}.", name(&who), name(&by)));
            }
            engine::Event::Message(message) => self.message(room, message),
            engine::Event::Handed { by, lines } => {
                let (text, me) =
                    (format!("{} handed over what was said before.", name(&by)), self.me.clone());
                self.pane(room).insert(lines, &me);
                self.tell(room, Kind::Info, text);
            }
            engine::Event::ProfileChanged { who, was } => {
                let text = words::profile_changed(&who, &was, view.as_ref());
                self.tell(room, Kind::Info, text);
            }
            engine::Event::Disappearing { by, seconds } => {
                let text = words::disappearing(&by, seconds, view.as_ref());
                self.tell(room, Kind::Info, text);
            }
            engine::Event::Typing { .. } | engine::Event::Seen { .. } | engine::Event::Queued { .. } => {}
            // The runtime answers the one, and tells the other with what it changed.
            engine::Event::HandOver { .. } | engine::Event::Act(_) => {}
            engine::Event::Sent { .. } => pending.done(),
            engine::Event::CatchingUp { done, total } => {
                self.pane(room).catching_up = (done < total).then_some((done, total));
            }
            engine::Event::Closed { reason, .. } => {
                let reason = sanitize::line(&reason);
                self.tell(room, Kind::Alarm, format!("This room is over: {reason}"));
                self.pane(room).over = Some(reason);
                pending.joined(room);
            }
            // The runtime makes notices of these, and puts the address into the link.
            engine::Event::Alarm { .. } | engine::Event::Error { .. } | engine::Event::Invite { .. } => {}
        }
    }

    fn message(&mut self, room: &str, message: Message) {
        let is_looked_at = self.is_focused && self.current() == Some(room);
        let (extent, me, mine) = (self.extent, self.me.clone(), message.mine);
        let pane = self.pane(room);
        let row = pane.row(&message.into(), &me);
        let mentions = matches!(row, Row::Message { mentions: true, .. });
        if !mine && !is_looked_at {
            pane.unread += 1;
            pane.mentions += usize::from(mentions);
        }
        pane.push(row, extent);
        self.bell |= mentions && !self.is_focused;
    }

    fn tell(&mut self, room: &str, kind: Kind, text: String) {
        let extent = self.extent;
        self.pane(room).push(Row::Note { kind, text }, extent);
    }
}
