//! What faces are told.

mod trace;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use shared::{
    invite::link::InviteLink,
    message::timeline::Line,
    room::{self as engine},
};
use tokio::sync::mpsc;

use super::{
    lock,
    mark::{FaceId, unmarked},
    news::LinkNews,
    transfer::Transfer,
};
use crate::{
    reason::Reason,
    store::{Happening, Notice, StoredNotice},
    transport::{Carrier, Trust},
};

/// Something a face may want to show.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "some hundred wait at most, and most are the large ones")]
pub enum Event {
    /// About the connection to a relay.
    Relay {
        /// `HOST:PORT`.
        relay: String,
        /// What happened.
        state: RelayState,
    },
    /// About a room.
    Room {
        /// Its label.
        #[serde(with = "crate::codec::label")]
        room: Arc<str>,
        /// What happened.
        event: RoomEvent,
    },
    /// About devices that are being linked.
    Linking(Box<LinkNews>),
}

impl Event {
    /// The number of the notice that this is, to be given to `seen` of the handle once it was shown.
    pub fn notice(&self) -> Option<i64> {
        match self {
            Self::Room { event: RoomEvent::Notice { ordinal, .. }, .. } => Some(*ordinal),
            _ => None,
        }
    }
}

/// The state of the connection to a relay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum RelayState {
    /// Being dialled.
    Connecting,
    /// Up; once more when it moves to another carrier.
    Connected {
        /// Why its certificate is trusted.
        trust: Trust,
        /// What carries it.
        carrier: Carrier,
    },
    /// Down; tried again after `retry`, or not before somebody decides.
    Lost {
        /// Why.
        reason: Reason,
        /// When it is tried again.
        retry: Option<Duration>,
    },
    /// It was not there, and nobody needs it any more.
    Ended,
}

/// What happened in a room.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum RoomEvent {
    /// From the engine; never its `Invite`, which lacks the relay's address, nor its acts, alarms and errors.
    Engine(engine::Event),
    /// An alarm or problem of the engine. Whoever has shown it says so with `seen` of the handle; else it comes again
    /// at the next start.
    Notice {
        /// Its number in the profile.
        ordinal: i64,
        /// What is told.
        notice: Notice,
        /// It is from an earlier run, which ended before anybody saw it.
        again: bool,
    },
    /// A stored chat line, shown again.
    Past(Line),
    /// Something beside the chat lines that is stored, shown to people again. As it happens it comes as the engine's
    /// event or as a notice.
    PastHappening(Happening),
    /// A chat line is another than before: edited, deleted, with other reactions. Comes instead of the engine's `Act`.
    Changed {
        /// What happened.
        act: engine::Act,
        /// As it is now.
        line: Line,
    },
    /// Chat lines are gone, because their time is over: their sequence numbers.
    Gone(Vec<u64>),
    /// At another device of ours it was read up to there.
    ReadElsewhere(u64),
    /// The room stands otherwise in lists than before: by this face, by another one, or by another device of ours.
    Listed {
        /// Nobody wants to be told of it.
        is_muted: bool,
        /// It stands above the others.
        is_pinned: bool,
    },
    /// At another device of ours this was typed and not sent; nothing any more where it is empty.
    DraftElsewhere(String),
    /// An invite link is ready. Secret.
    Invite {
        /// The whole link.
        #[serde(with = "crate::codec::text")]
        link: InviteLink,
        /// Unix milliseconds, 0 for never.
        expires_ms: u64,
        /// 0 for no limit.
        max_uses: u32,
    },
    /// A file under way has come further, or stands otherwise than before.
    Transfer(Transfer),
    /// The picture of a member was fetched.
    Pictured,
    /// Two people have one name. Told once.
    Namesake(Namesake),
    /// Something on this side failed.
    Failed(Reason),
}

/// Somebody has the name of somebody else who is known here: no sign of anything wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namesake {
    /// Who came with it.
    pub who: engine::Person,
    /// Who had it before.
    pub owner: engine::Person,
    /// That is us.
    pub is_me: bool,
}

/// Who takes the events.
#[derive(Clone)]
pub(crate) enum Sink {
    /// One face in this process. While its channel is full, whoever tells something waits.
    Face(mpsc::Sender<Event>),
    /// The faces of a daemon. Nobody waits for them.
    Faces(Arc<dyn Publish>),
}

/// Whoever has many faces.
pub(crate) trait Publish: Send + Sync {
    /// An event for those whom it is for: `askers` if any of them is there, else all.
    fn publish(&self, askers: &[FaceId], event: Event);
}

/// Where the tasks put events; remembers the last problem for `/why`.
#[derive(Clone)]
pub(super) struct Outlet {
    sink: Sink,
    problem: Arc<Mutex<Option<Reason>>>,
}

impl Outlet {
    /// `problem`: the last one of earlier runs.
    pub(super) fn new(sink: Sink, problem: Option<Reason>) -> Self {
        Self { sink, problem: Arc::new(Mutex::new(problem)) }
    }

    /// Waits while the channel is full. A face that is gone is not waited for.
    pub(super) async fn send(&self, event: Event) {
        self.answer(&[], event).await;
    }

    /// The same, for who asked; for all when that is nobody.
    pub(super) async fn answer(&self, askers: &[FaceId], event: Event) {
        trace::told(&event);
        if let Some(problem) = problem(&event) {
            *lock(&self.problem) = Some(problem);
        }
        match &self.sink {
            Sink::Face(events) => {
                let _ = events.send(unmarked(event)).await;
            }
            Sink::Faces(faces) => faces.publish(askers, event),
        }
    }

    /// What nobody saw before the program ended.
    pub(super) async fn show_again(self, unseen: Vec<StoredNotice>) {
        for StoredNotice { ordinal, room, notice } in unseen {
            let event = RoomEvent::Notice { ordinal, notice, again: true };
            self.send(Event::Room { room: room.into(), event }).await;
        }
    }

    pub(super) fn last_problem(&self) -> Option<Reason> {
        lock(&self.problem).clone()
    }
}

/// The failure that an event tells of, if it does.
fn problem(event: &Event) -> Option<Reason> {
    match event {
        Event::Relay { state: RelayState::Lost { reason, .. }, .. } => Some(reason.clone()),
        Event::Relay { .. } => None,
        Event::Room { event: RoomEvent::Failed(reason), .. } => Some(reason.clone()),
        Event::Room { event: RoomEvent::Engine(event), .. } => match event {
            engine::Event::Closed { reason, .. } => Some(Reason::Closed(reason.clone())),
            _ => None,
        },
        Event::Room { event: RoomEvent::Notice { again: true, .. }, .. } => None,
        // Nothing failed.
        Event::Room { event: RoomEvent::Notice { notice: Notice::Stranger(_), .. }, .. } => None,
        Event::Room { event: RoomEvent::Notice { notice, .. }, .. } => Some(Reason::Notice(notice.clone())),
        Event::Room { .. } | Event::Linking(_) => None,
    }
}
