//! A face's events: what was before, then what comes, with nothing missing and nothing twice.
//!
//! A message is on the disk before it is told. So:
//!
//! 1. The face gets its queue; messages of all rooms are *gated*: not queued, because they are on the disk.
//! 2. The past of each room is read from the disk to its end, as fast as the face takes it.
//! 3. Room by room, the gate is opened, and what came since the last page is read. Whatever was told before the gate
//!    opened was on the disk before, and is read here; whatever is told later is queued. What is both is in the queue
//!    with a sequence number that was shown, and is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use shared::{
    message::timeline::Line,
    room::{self as engine, MessageId},
};
use tokio::sync::{Semaphore, mpsc};

use super::{
    Hub,
    hub::FaceQueue,
    wire::{Begin, Down},
};
use crate::{
    reason::Reason,
    runtime::{Event, FaceId, Local, Past, RoomEvent, mark},
    store::{Cursor, Item, RoomLogItem, StoredNotice},
};

/// Stored lines that are read at once.
const PAGE: u32 = 100;

/// What feeds one face.
pub(super) struct Feed<'a> {
    pub(super) local: &'a Local,
    pub(super) hub: &'a Hub,
    pub(super) face: FaceId,
    pub(super) out: mpsc::Sender<Down>,
    /// Events that the face can still take.
    pub(super) credit: Arc<Semaphore>,
    pub(super) only: Option<String>,
}

/// The face is gone.
pub(super) struct FaceGone;

/// Where a room's events begin.
struct Start {
    room: Arc<str>,
    /// After this sequence number.
    after: u64,
    /// What is after this is new to the face.
    fresh: u64,
    /// Up to here, people are shown what happened beside the lines as well; what comes later is told as it happens.
    happened: Option<u64>,
}

/// What was shown, and must not be shown again.
#[derive(Default)]
struct Shown {
    notices: BTreeSet<i64>,
    /// Alarms among the notices, by room: the history has them as well.
    alarms: Vec<(Arc<str>, RoomLogItem)>,
    queued: BTreeSet<MessageId>,
    lines: BTreeMap<Arc<str>, u64>,
}

impl Feed<'_> {
    /// Feeds the face until it is gone, or is cut off.
    pub(super) async fn run(
        &self,
        begin: &Begin,
        rooms: &[String],
        queue: &mut FaceQueue,
    ) -> Result<(), FaceGone> {
        let mut starts = Vec::new();
        for room in rooms {
            match self.start(begin, room).await {
                Ok(start) => starts.push(start),
                Err(reason) => {
                    self.hub.open(queue.number, room);
                    self.fail(room, reason).await?;
                }
            }
        }
        let from = starts.iter().map(|start| (start.room.to_string(), start.after)).collect();
        self.out.send(Down::From(from)).await.map_err(|_| FaceGone)?;
        // One by one: what the face does not get is kept for it.
        while let Some(event) = queue.first.front() {
            self.show(event.clone()).await?;
            queue.first.pop_front();
        }
        let mut shown = Shown::default();
        self.notices(&mut shown).await?;
        for start in &mut starts {
            while self.page(start, &shown.alarms).await? == PAGE as usize {}
            start.happened = None;
        }
        for start in &mut starts {
            self.hub.open(queue.number, &start.room);
            while self.page(start, &[]).await? == PAGE as usize {}
            shown.lines.insert(start.room.clone(), start.after);
            self.queued(&start.room, &mut shown).await?;
            if queue.joined.contains(&start.room)
                && let Ok(Some(view)) = self.local.room(&start.room).map(|room| room.view)
            {
                self.tell(&start.room, RoomEvent::Engine(engine::Event::Joined(Arc::unwrap_or_clone(view))))
                    .await?;
            }
        }
        loop {
            // First the right to show one, so that no event is taken out of the queue and then lost.
            let permit = self.credit.acquire().await.map_err(|_| FaceGone)?;
            let place = self.out.reserve().await.map_err(|_| FaceGone)?;
            let Some(event) = queue.events.recv().await else { return Ok(()) };
            if shown.has(&event) {
                continue;
            }
            permit.forget();
            place.send(Down::Event(Box::new(event)));
        }
    }

    async fn start(&self, begin: &Begin, room: &str) -> Result<Start, Reason> {
        let last = |lines: Vec<Line>| lines.last().map_or(0, |line| line.message.seq);
        let newest = last(self.local.history_before(room, u64::MAX, 1).await?);
        let (after, fresh) = match begin {
            Begin::After(rooms) => {
                let known = rooms.iter().find(|(label, _)| label == room);
                let after = known.map_or(0, |(_, seq)| *seq);
                (after, after)
            }
            Begin::Past(Past::Nothing) => (newest, newest),
            Begin::Past(Past::Last(limit)) => {
                let page = self.local.history_before(room, newest.saturating_add(1), *limit).await?;
                (page.first().map_or(newest, |line| line.message.seq.saturating_sub(1)), newest)
            }
            Begin::Past(Past::Unacknowledged) => (self.local.acked(room, &Cursor::default()).await?, newest),
        };
        let happened = match begin {
            Begin::Past(Past::Last(_)) => {
                let last = self.local.past_before(room, u64::MAX, 1).await?;
                last.iter().filter_map(Item::seq).max()
            }
            _ => None,
        };
        Ok(Start { room: room.into(), after, fresh, happened })
    }

    /// Alarms and errors that nobody has seen.
    async fn notices(&self, shown: &mut Shown) -> Result<(), FaceGone> {
        // What cannot be read is told by the room that needs it; it comes again at the next time.
        let unseen = self.local.unseen(self.only.clone()).await.unwrap_or_default();
        for StoredNotice { ordinal, room, notice } in unseen {
            shown.notices.insert(ordinal);
            let room: Arc<str> = room.into();
            shown.alarms.extend(RoomLogItem::of_notice(notice.clone()).map(|alarm| (room.clone(), alarm)));
            self.tell(&room, RoomEvent::Notice { ordinal, notice, again: true }).await?;
        }
        Ok(())
    }

    /// Shows the next lines of a room, and what happened among them but `alarms`, which were shown. Returns how many
    /// lines there were.
    async fn page(&self, start: &mut Start, alarms: &[(Arc<str>, RoomLogItem)]) -> Result<usize, FaceGone> {
        let items = match start.happened {
            Some(_) => self.local.past_after(&start.room, start.after, PAGE).await,
            None => {
                let lines = self.local.history(&start.room, start.after, PAGE).await;
                lines.map(|lines| lines.into_iter().map(Item::Line).collect())
            }
        };
        let items = match items {
            Ok(items) => items,
            Err(reason) => {
                self.fail(&start.room, reason).await?;
                return Ok(0);
            }
        };
        let mut count = 0;
        for item in items {
            let event = match item {
                Item::Line(line) => {
                    (start.after, count) = (line.message.seq, count + 1);
                    let is_plain = line == Line::from(line.message.clone());
                    match line {
                        Line { message, .. } if is_plain && message.seq > start.fresh => {
                            RoomEvent::Engine(engine::Event::Message(message))
                        }
                        line => RoomEvent::Past(line),
                    }
                }
                Item::Happening(happening) => {
                    let is_later = happening.seq > start.happened;
                    let is_shown =
                        alarms.iter().any(|(room, what)| (room, what) == (&start.room, &happening.what));
                    if is_later || is_shown {
                        continue;
                    }
                    RoomEvent::PastHappening(happening)
                }
            };
            self.tell(&start.room, event).await?;
        }
        Ok(count)
    }

    async fn queued(&self, room: &Arc<str>, shown: &mut Shown) -> Result<(), FaceGone> {
        for event in self.local.queued(room).await {
            if let engine::Event::Queued { id, .. } = &event {
                shown.queued.insert(*id);
            }
            let mut event = Event::Room { room: room.clone(), event: RoomEvent::Engine(event) };
            if mark::take(&mut event).is_some_and(|face| face != self.face) {
                mark::without_token(&mut event);
            }
            self.show(event).await?;
        }
        Ok(())
    }

    async fn fail(&self, room: &str, reason: Reason) -> Result<(), FaceGone> {
        self.tell(&room.into(), RoomEvent::Failed(reason)).await
    }

    async fn tell(&self, room: &Arc<str>, event: RoomEvent) -> Result<(), FaceGone> {
        self.show(Event::Room { room: room.clone(), event }).await
    }

    async fn show(&self, event: Event) -> Result<(), FaceGone> {
        self.credit.acquire().await.map_err(|_| FaceGone)?.forget();
        self.out.send(Down::Event(Box::new(event))).await.map_err(|_| FaceGone)
    }
}

impl Shown {
    fn has(&self, event: &Event) -> bool {
        let Event::Room { room, event } = event else { return false };
        match event {
            RoomEvent::Engine(engine::Event::Message(message)) => {
                self.lines.get(room).is_some_and(|last| message.seq <= *last)
            }
            RoomEvent::Engine(engine::Event::Queued { id, .. }) => self.queued.contains(id),
            RoomEvent::Notice { ordinal, .. } => self.notices.contains(ordinal),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
