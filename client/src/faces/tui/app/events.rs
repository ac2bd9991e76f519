//! What the runtime tells, as it changes the screen.

use std::sync::Arc;

use shared::{
    message::timeline::Line,
    room::{self as engine, Message},
};

use super::{App, Kind, News, Overlay, RelayStatus, Row, ShownLine, ShownLink};
use crate::{
    faces::{
        pending::Pending,
        sanitize,
        words::{self, Among},
    },
    runtime::{Event, LinkNews, RelayState, RoomEvent, is_of_own_devices},
    store::{Happening, Over, RoomLogItem, people_of},
};

/// News that wait to be told; more at once are only counted by whoever reads them.
const NEWS: usize = 16;

impl App {
    /// Takes an event in. `pending` learns what was sent and which rooms were entered.
    pub(crate) fn event(&mut self, event: Event, pending: &Pending) {
        match event {
            Event::Relay { relay, state } => self.relay(sanitize::line(&relay), state),
            Event::Room { room, event } if self.is_unlisted(&room) => self.of_unlisted(&room, event),
            Event::Room { room, event } => self.room(&room, event, pending),
            Event::Linking(news) => self.linking(&news),
        }
    }

    /// Nobody is shown this room, so it has no place in the list.
    fn is_unlisted(&self, room: &str) -> bool {
        is_of_own_devices(room) && self.panes.iter().all(|pane| pane.label != room)
    }

    /// What somebody has to know of it stands in the room that is open.
    fn of_unlisted(&mut self, room: &str, event: RoomEvent) {
        match event {
            RoomEvent::Notice { notice, again, .. } => {
                let text = words::notice(room, &notice, again, Among::default());
                match notice.kind() {
                    Some(_) => self.alert(text),
                    None => self.note(text),
                }
            }
            RoomEvent::Failed(reason) => self.alert(words::reason(&reason)),
            _ => {}
        }
    }

    fn linking(&mut self, news: &LinkNews) {
        if let LinkNews::Code { link, code, is_new, .. } = news {
            let told = format!("{} {}.", words::link_told(*is_new), words::link_short(code));
            self.overlay = Some(Overlay::Link(ShownLink { link: link.to_string(), told, is_device: true }));
            return self.note(words::LINK_WAITS.to_owned());
        }
        // What follows is to be seen, and the code is used.
        let is_device = |overlay: &Overlay| matches!(overlay, Overlay::Link(link) | Overlay::Code(link) if link.is_device);
        self.overlay = self.overlay.take().filter(|overlay| !is_device(overlay));
        words::linking(news, true).into_iter().for_each(|line| self.note(line));
    }

    fn relay(&mut self, relay: String, state: RelayState) {
        // Heard of last, or of no more interest.
        self.links.retain(|(of, _)| *of != relay);
        match state {
            RelayState::Ended => {}
            RelayState::Connecting => self.links.push((relay.clone(), RelayStatus::Connecting(relay))),
            RelayState::Connected { trust, carrier } => {
                self.told_why = false;
                self.note(words::connected(&relay, trust, carrier));
                self.links.push((relay.clone(), RelayStatus::Up(relay, carrier)));
            }
            RelayState::Lost { reason, retry } => {
                let again = retry.map(|retry| format!("; again in {:.0} s", retry.as_secs_f32().ceil()));
                let down = format!("No connection to {relay}{}", again.unwrap_or_default());
                self.links.push((relay, RelayStatus::Down(down)));
                match reason.code() {
                    "certificate" => {
                        self.alert(format!("ALARM (certificate): {}", words::reason(&reason)));
                    }
                    // What only a person can mend; it is tried again and again, and said once.
                    "clock" | "first_use" if !self.told_why => {
                        self.told_why = true;
                        self.note(words::reason(&reason));
                    }
                    _ => {}
                }
            }
        }
    }

    fn room(&mut self, room: &str, event: RoomEvent, pending: &Pending) {
        match event {
            RoomEvent::Past(line) => {
                let entry = self.entry(room, line);
                self.push(room, Row::Message(Box::new(entry)));
            }
            RoomEvent::PastHappening(happening) => {
                // It may have come with a page from the disk before.
                if !self.pane(room).has_happened(&happening) {
                    let row = self.happening(room, &happening);
                    self.push(room, row);
                }
            }
            RoomEvent::Changed { line, .. } => {
                let entry = self.entry(room, line);
                self.pane(room).change(entry);
            }
            RoomEvent::DraftElsewhere(text) => self.typed_elsewhere(room, text),
            RoomEvent::ReadElsewhere(seq) => self.pane(room).read_elsewhere(seq),
            RoomEvent::Listed { is_muted, is_pinned } => {
                // One that was left is not on the screen, and does not come back by that.
                let pane = self.panes.iter_mut().find(|pane| pane.label == room);
                pane.into_iter().for_each(|pane| (pane.is_muted, pane.is_pinned) = (is_muted, is_pinned));
            }
            RoomEvent::Gone(seqs) => self.pane(room).forget(&seqs),
            RoomEvent::Invite { link, .. } => self.overlay = Some(Overlay::Link(link.to_string().into())),
            RoomEvent::Namesake(namesake) => {
                let text = words::namesake(&namesake, self.pane(room).view.as_deref());
                self.tell(room, Kind::Info, text);
            }
            RoomEvent::Pictured => self.gallery.look_again(),
            RoomEvent::Transfer(transfer) => self.transfer(room, transfer, pending),
            RoomEvent::Failed(reason) => self.tell(room, Kind::Alarm, words::reason(&reason)),
            RoomEvent::Notice { notice, again, .. } => {
                if let (Some(code), false) = (notice.code().filter(|_| !notice.is_loud()), again) {
                    pending.refused(code);
                }
                let kind = match notice.kind() {
                    Some(_) => Kind::Alarm,
                    None if notice.is_loud() => Kind::Loud,
                    None => Kind::Info,
                };
                let text = words::notice(room, &notice, again, self.pane(room).view.as_deref());
                if kind == Kind::Alarm {
                    self.alert = Some(text.clone());
                }
                if kind != Kind::Info {
                    self.report(News {
                        room: room.to_owned(),
                        who: None,
                        text: text.clone(),
                        mentions: true,
                    });
                }
                // In the history it stands as well, with fewer words.
                self.push(room, Row::Note { kind, text, stored: RoomLogItem::of_notice(notice) });
            }
            RoomEvent::Engine(event) => self.engine(room, event, pending),
        }
    }

    fn engine(&mut self, room: &str, event: engine::Event, pending: &Pending) {
        // Whoever changes that is told at once, and not once more for each room.
        if matches!(&event, engine::Event::ProfileChanged { who, .. } | engine::Event::NewPicture { who, .. } if who.fingerprint == self.me.1)
        {
            return;
        }
        let view = self.pane(room).view.clone();
        let name = |one| words::who(one, view.as_deref());
        if let Some(what) = RoomLogItem::of(&event).filter(|what| !what.is_loud()) {
            let row = self.happened(room, &what);
            return self.push(room, row);
        }
        match event {
            engine::Event::Joined(view) => {
                let lines = words::joined(room, &view);
                let key = self.me.1;
                let pane = self.pane(room);
                pane.regroup(view, key);
                (pane.over, pane.catching_up) = (None, None);
                pane.has_begun = true;
                if self.is_looking() && self.current() == Some(room) {
                    self.look();
                }
                if self.current.is_none() {
                    self.go(room);
                }
                lines.into_iter().for_each(|line| self.tell(room, Kind::Info, line));
                pending.joined(room);
            }
            engine::Event::Epoch(view) => {
                let key = self.me.1;
                self.pane(room).regroup(view, key);
            }
            engine::Event::Heard { leaf } => {
                self.pane(room).view.iter_mut().for_each(|view| Arc::make_mut(view).hear(leaf));
            }
            engine::Event::Message(message) => self.message(room, message),
            engine::Event::Queued { id, text, reply_to, file, .. } => {
                let entry = ShownLine::waiting(room, id, self.now, &text, reply_to, file, &self.me);
                self.push(room, Row::Message(Box::new(entry)));
            }
            engine::Event::Handed { by, .. } => {
                let text = format!("{} handed over what was said before.", name(&by));
                // They are on the disk, before what is here.
                self.pane(room).is_whole = false;
                self.tell(room, Kind::Info, text);
            }
            engine::Event::Seen { mine: true, seq, .. } => {
                let pane = self.pane(room);
                pane.told_seen = pane.told_seen.max(seq);
            }
            engine::Event::Seen { who, seq, .. } => self.pane(room).has_read(&who.fingerprint, seq),
            engine::Event::Typing { who, stopped } => {
                let until = (!stopped).then(|| self.until());
                self.pane(room).types(&who, until);
            }
            // The runtime answers the one, and tells the other with what it changed.
            engine::Event::HandOver { .. }
            | engine::Event::Act(_)
            | engine::Event::Device { .. }
            | engine::Event::DeviceHere { .. }
            | engine::Event::DeviceInvite { .. } => {}
            engine::Event::Sent { .. } => pending.done(),
            engine::Event::Invited { room: name, by } => {
                self.tell(room, Kind::Info, words::invited(&name, &by));
            }
            engine::Event::CatchingUp { done, total } => {
                self.pane(room).catching_up = (done < total).then_some((done, total));
            }
            engine::Event::Closed { reason, .. } => {
                let over = Over::from(&reason);
                let reason = sanitize::line(&words::closed(&reason));
                self.tell(room, Kind::Alarm, format!("This room is over: {reason}"));
                self.pane(room).over = Some(over);
                pending.joined(room);
            }
            // Said above.
            engine::Event::MemberJoined { .. }
            | engine::Event::DeviceBack(_)
            | engine::Event::DeviceJoined { .. }
            | engine::Event::DeviceLeft { .. }
            | engine::Event::KeyChanged { .. }
            | engine::Event::MemberLeft { .. }
            | engine::Event::ProfileChanged { .. }
            | engine::Event::NewPicture { .. }
            | engine::Event::Disappearing { .. }
            | engine::Event::Topic { .. }
            | engine::Event::Lost { .. } => {}
            engine::Event::Accepted => self.tell(room, Kind::Info, words::ACCEPTED.to_owned()),
            // The runtime makes notices of these, and puts the address into the link.
            engine::Event::Alarm(_)
            | engine::Event::Problem(_)
            | engine::Event::Stranger(_)
            | engine::Event::Invite { .. } => {}
        }
    }

    fn message(&mut self, room: &str, message: Message) {
        let is_here = self.is_looking() && self.current() == Some(room);
        let from = message.from.clone();
        let entry = self.entry(room, message.into());
        let pane = self.pane(room);
        pane.types(&from, None);
        if entry.mine {
            pane.arrived(&entry.id);
            // Whoever answers has seen what was new.
            (pane.fresh_after, pane.seeks_fresh) = (None, false);
        } else if entry.seq.is_none_or(|seq| seq > pane.read_there) {
            let is_looked_at = is_here && pane.has_begun;
            // What was here at the start was counted then.
            if !is_looked_at && entry.seq.is_some_and(|seq| seq > pane.latest) {
                // What is fetched at the start goes on where the disk ended.
                if pane.unread == 0 && (pane.has_begun || pane.fresh_after.is_none()) {
                    (pane.fresh_after, pane.seeks_fresh) = (Some(pane.latest), !pane.has_begun);
                }
                pane.unread += 1;
                pane.mentions += usize::from(entry.mentions);
            }
            let (who, text) = (Some(entry.name.clone()), entry.first_words());
            self.report(News { room: room.to_owned(), who, text, mentions: entry.mentions });
        }
        self.push(room, Row::Message(Box::new(entry)));
    }

    fn entry(&mut self, room: &str, line: Line) -> ShownLine {
        let (me, key) = self.me.clone();
        let pane = self.pane(room);
        pane.name(&people_of(&line), key);
        ShownLine::new(room, line, pane.among(key), &me)
    }

    /// Keeps what somebody who looks elsewhere may want to know.
    fn report(&mut self, news: News) {
        let is_quiet = news.who.is_some() && {
            let pane = self.pane(&news.room);
            // What was said while we were away is not news.
            pane.is_muted || pane.catching_up.is_some()
        };
        if !self.is_looking() && !is_quiet && self.news.len() < NEWS {
            self.news.push(news);
        }
    }

    fn happening(&mut self, room: &str, happening: &Happening) -> Row {
        self.happened(room, &happening.what)
    }

    fn happened(&mut self, room: &str, what: &RoomLogItem) -> Row {
        let key = self.me.1;
        let pane = self.pane(room);
        pane.follow(what.change(), key);
        pane.name(&what.people(), key);
        Row::happening(what, pane.among(key))
    }

    pub(super) fn tell(&mut self, room: &str, kind: Kind, text: String) {
        self.push(room, Row::Note { kind, text, stored: None });
    }
}
