//! Events to many faces. Nobody waits for a face: one whose queue is full is cut off.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use shared::room as engine;
use tokio::sync::{mpsc, oneshot, watch};

use super::QUEUE;
use crate::runtime::{Event, FaceId, Publish, RelayState, RoomEvent, mark};

/// What was sent for faces that are not there at the moment. More: the oldest go.
const KEPT: usize = 1_024;

/// Where all events of the daemon's rooms go.
#[derive(Clone)]
pub(crate) struct Hub(Arc<Inner>);

struct Inner {
    faces: Mutex<Faces>,
    /// Counts what changes a face's snapshot.
    version: watch::Sender<u64>,
}

#[derive(Default)]
struct Faces {
    /// By the number of their connection: at most [`super::MAX_FACES`].
    attached: BTreeMap<u64, Face>,
    last: u64,
    /// Rooms that we are in, with their logs read: as many as there are rooms.
    joined: BTreeSet<Arc<str>>,
    /// How it stands with each relay: as many as the rooms have.
    relays: BTreeMap<String, RelayState>,
    /// See [`KEPT`].
    kept: VecDeque<(FaceId, Event)>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offered {
    /// No face fits.
    ToNobody,
    /// One fits, and did not get it.
    Unqueued,
    /// One got it.
    Queued,
}

struct Face {
    id: FaceId,
    only: Option<Only>,
    queue: mpsc::Sender<Event>,
    /// Rooms whose past is being read for this face: their messages are on the disk, and are not queued.
    gated: BTreeSet<String>,
    _cut: oneshot::Sender<()>,
}

/// A face that wants one room.
#[derive(Clone, Debug)]
pub(super) struct Only {
    pub(super) room: String,
    pub(super) relay: Option<String>,
}

/// What a face gets of the hub.
pub(super) struct FaceQueue {
    pub(super) number: u64,
    pub(super) events: mpsc::Receiver<Event>,
    /// Ends when the face was too slow.
    pub(super) cut: oneshot::Receiver<()>,
    /// What it has to know of before: relays, then what was sent for it.
    pub(super) first: VecDeque<Event>,
    /// Rooms that it is in.
    pub(super) joined: BTreeSet<Arc<str>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self(Arc::new(Inner { faces: Mutex::default(), version: watch::channel(0).0 }))
    }
}

impl Hub {
    /// Gives a face its queue. Messages of the rooms in `gated` come only after [`Hub::open`].
    pub(super) fn attach(&self, id: FaceId, only: Option<Only>, gated: BTreeSet<String>) -> FaceQueue {
        let (queue, events) = mpsc::channel(QUEUE);
        let (cut, when_cut) = oneshot::channel();
        let mut faces = self.faces();
        faces.last += 1;
        let number = faces.last;
        let relays = faces.relays.iter();
        let relays = relays.map(|(relay, state)| Event::Relay { relay: relay.clone(), state: state.clone() });
        let mut first: VecDeque<Event> = relays.collect();
        let (theirs, others) = std::mem::take(&mut faces.kept).into_iter().partition(|(face, _)| *face == id);
        faces.kept = others;
        first.extend(VecDeque::into_iter(theirs).map(|(_, event)| event));
        first.retain(|event| is_wanted(only.as_ref(), event));
        let joined = faces.joined.clone();
        faces.attached.insert(number, Face { id, only, queue, gated, _cut: cut });
        FaceQueue { number, events, cut: when_cut, first, joined }
    }

    /// The past of a room was read: its messages come from now on.
    pub(super) fn open(&self, number: u64, room: &str) {
        if let Some(face) = self.faces().attached.get_mut(&number) {
            face.gated.remove(room);
        }
    }

    /// The past of a room is being read for a face.
    #[cfg(test)]
    pub(super) fn is_gated(&self, number: u64, room: &str) -> bool {
        self.faces().attached.get(&number).is_some_and(|face| face.gated.contains(room))
    }

    /// A face is gone. `left`: what it did not get; `first`: what it was to be shown before that.
    pub(super) fn detach(
        &self,
        number: u64,
        id: FaceId,
        mut left: mpsc::Receiver<Event>,
        first: VecDeque<Event>,
    ) {
        let mut faces = self.faces();
        faces.attached.remove(&number);
        left.close();
        first.into_iter().filter(is_sent).for_each(|event| faces.keep(id, event));
        while let Ok(event) = left.try_recv() {
            if is_sent(&event) {
                faces.keep(id, event);
            }
        }
    }

    /// What a snapshot tells has changed.
    pub(super) fn touch(&self) {
        self.0.version.send_modify(|version| *version = version.wrapping_add(1));
    }

    /// Tells of each change of what a snapshot tells.
    pub(super) fn version(&self) -> watch::Receiver<u64> {
        self.0.version.subscribe()
    }

    /// Faces that are attached.
    pub(super) fn count(&self) -> usize {
        self.faces().attached.len()
    }

    /// Puts an event into the queues of those whom it is for: `askers` if any of them is here, else all.
    pub(crate) fn publish(&self, askers: &[FaceId], mut event: Event) {
        let mut faces = self.faces();
        faces.learn(&event);
        if is_news(&event) {
            self.touch();
        }
        let owner = mark::take(&mut event);
        if let Some(owner) = owner.filter(|_| is_sent(&event)) {
            if faces.offer(&event, |face| face.id == owner) != Offered::Queued {
                faces.keep(owner, event);
            }
            return;
        }
        if faces.offer(&event, |face| askers.contains(&face.id)) != Offered::ToNobody {
            return;
        }
        match owner {
            None => drop(faces.offer(&event, |_| true)),
            Some(owner) => {
                faces.offer(&event, |face| face.id == owner);
                mark::without_token(&mut event);
                faces.offer(&event, |face| face.id != owner);
            }
        }
    }

    fn faces(&self) -> MutexGuard<'_, Faces> {
        // A panic elsewhere leaves whole entries.
        self.0.faces.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Publish for Hub {
    fn publish(&self, askers: &[FaceId], event: Event) {
        Self::publish(self, askers, event);
    }
}

impl Faces {
    /// Queues an event for each face that fits and wants it.
    fn offer(&mut self, event: &Event, fits: impl Fn(&Face) -> bool) -> Offered {
        let mut offered = Offered::ToNobody;
        self.attached.retain(|_, face| {
            if !fits(face) {
                return true;
            }
            if offered == Offered::ToNobody {
                offered = Offered::Unqueued;
            }
            if face.is_gated(event) || !is_wanted(face.only.as_ref(), event) {
                return true;
            }
            // Full, or its session has ended: it is cut off.
            let is_queued = face.queue.try_send(event.clone()).is_ok();
            if is_queued {
                offered = Offered::Queued;
            }
            is_queued
        });
        offered
    }

    fn learn(&mut self, event: &Event) {
        match event {
            Event::Relay { relay, state: RelayState::Ended } => {
                self.relays.remove(relay);
            }
            Event::Relay { relay, state } => {
                self.relays.insert(relay.clone(), state.clone());
            }
            Event::Room { room, event: RoomEvent::Engine(engine::Event::Joined(_)) } => {
                self.joined.insert(room.clone());
            }
            Event::Room { room, event: RoomEvent::Engine(engine::Event::Closed { .. }) } => {
                self.joined.remove(room);
            }
            Event::Room { .. } | Event::Linking(_) => {}
        }
    }

    fn keep(&mut self, face: FaceId, event: Event) {
        if self.kept.len() >= KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((face, event));
    }
}

impl Face {
    fn is_gated(&self, event: &Event) -> bool {
        match event {
            Event::Room { room, event: RoomEvent::Engine(engine::Event::Message(_)) } => {
                self.gated.contains(&**room)
            }
            _ => false,
        }
    }
}

fn is_wanted(only: Option<&Only>, event: &Event) -> bool {
    match (only, event) {
        (None, _) => true,
        (Some(only), Event::Room { room, .. }) => **room == *only.room,
        (Some(only), Event::Relay { relay, .. }) => only.relay.as_ref() == Some(relay),
        (Some(_), Event::Linking(_)) => false,
    }
}

fn is_sent(event: &Event) -> bool {
    matches!(event, Event::Room { event: RoomEvent::Engine(engine::Event::Sent { .. }), .. })
}

/// It may change what a snapshot tells.
fn is_news(event: &Event) -> bool {
    use shared::room::Event as E;
    match event {
        Event::Relay { .. } => true,
        Event::Linking(_) => false,
        Event::Room { event, .. } => match event {
            RoomEvent::Engine(event) => matches!(
                event,
                E::Joined(_)
                    | E::Epoch(_)
                    | E::MemberJoined { .. }
                    | E::MemberLeft { .. }
                    | E::ProfileChanged { .. }
                    | E::NewPicture { .. }
                    | E::Disappearing { .. }
                    | E::Topic { .. }
                    | E::Closed { .. }
                    | E::Heard { .. }
            ),
            RoomEvent::Notice { .. } | RoomEvent::Failed(_) | RoomEvent::Listed { .. } => true,
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests;
