//! What was said before: shown at the start, and handed to newcomers where the room's policy shares it.

use shared::room::{Command, Input};

use super::{PAGE, Room};
use crate::{
    runtime::{Past, RoomEvent},
    store::{Item, RoomLogItem},
};

impl Room {
    pub(super) async fn show_past(&mut self) {
        let room = self.record.id;
        let mut after = self.record.acked;
        loop {
            let past = self.past;
            let page = self.vault.run(move |store| match past {
                Past::Nothing => Ok(Vec::new()),
                Past::Last(limit) => store.past_before(room, u64::MAX, limit),
                // Programs are told of messages again, and of nothing else.
                Past::Unacknowledged => {
                    Ok(store.history(room, after, PAGE)?.into_iter().map(Item::Line).collect())
                }
            });
            let page = match page.await {
                Ok(page) => page,
                Err(error) => return self.show(RoomEvent::Failed(error.into())).await,
            };
            if page.is_empty() {
                return;
            }
            for item in page {
                match item {
                    Item::Line(line) => {
                        after = line.message.seq;
                        self.show(RoomEvent::Past(line)).await;
                    }
                    Item::Happening(happening) if self.is_shown_as_unseen(&happening.what) => {}
                    Item::Happening(happening) => self.show(RoomEvent::PastHappening(happening)).await,
                }
            }
            if self.past != Past::Unacknowledged {
                return;
            }
        }
    }

    pub(super) fn queued(&self) -> Vec<shared::room::Event> {
        self.engine.as_ref().map(shared::room::Engine::queued).unwrap_or_default()
    }

    /// Says so once for each.
    fn is_shown_as_unseen(&mut self, what: &RoomLogItem) -> bool {
        let place = self.unseen.iter().position(|unseen| unseen == what);
        place.map(|place| self.unseen.swap_remove(place)).is_some()
    }

    /// What was said and is not in the log yet.
    pub(super) async fn show_queued(&mut self) {
        for event in self.queued() {
            self.show(RoomEvent::Engine(event)).await;
        }
    }

    /// Gives the engine the lines that a newcomer is to have. Deleted ones stay deleted, and what was handed to us
    /// is not handed on: nobody vouches for it twice.
    pub(super) async fn hand_over(&mut self, joiner: Vec<u8>, before: u64, lines: u32) {
        let room = self.record.id;
        let lines = match self.vault.run(move |store| store.history_before(room, before, lines)).await {
            Ok(lines) => lines,
            Err(error) => return self.show(RoomEvent::Failed(error.into())).await,
        };
        let lines = lines.into_iter().filter(|line| !line.deleted && line.handed_by.is_none()).collect();
        // What cannot be stored was told already, and is asked for again.
        self.follow_ups.push(Input::Command(Command::HandOver { joiner, lines }));
    }
}
