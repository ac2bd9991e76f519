//! What faces are told.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use shared::{
    engine::{self, AlarmKind, Message},
    link::InviteLink,
};
use tokio::sync::mpsc;

use super::lock;
use crate::{
    failure::{Exit, Failure, exit_of},
    transport::Trust,
};

/// Something a face may want to show.
#[derive(Clone, Debug)]
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
        room: Arc<str>,
        /// What happened.
        event: RoomEvent,
    },
}

/// The state of the connection to a relay.
#[derive(Clone, Debug)]
pub enum RelayState {
    /// Being dialled.
    Connecting,
    /// Up.
    Connected(Trust),
    /// Down; tried again after `retry`, or not before somebody decides.
    Lost {
        /// Why.
        failure: Failure,
        /// When it is tried again.
        retry: Option<Duration>,
    },
}

/// What happened in a room.
#[derive(Clone, Debug)]
pub enum RoomEvent {
    /// From the engine; never its `Invite`, which lacks the relay's address.
    Engine(engine::Event),
    /// A stored chat line, shown again.
    Past(Message),
    /// An invite link is ready. Secret.
    Invite {
        /// The whole link.
        link: InviteLink,
        /// Unix milliseconds, 0 for never.
        expires_ms: u64,
        /// 0 for no limit.
        max_uses: u32,
    },
    /// Something on this side failed.
    Failed(Failure),
}

/// Where the tasks put events; remembers the last problem for `/why`.
#[derive(Clone)]
pub(super) struct Outlet {
    events: mpsc::Sender<Event>,
    problem: Arc<Mutex<Option<Failure>>>,
}

impl Outlet {
    pub(super) fn new(events: mpsc::Sender<Event>) -> Self {
        Self { events, problem: Arc::default() }
    }

    /// Waits while the channel is full. A face that is gone is not waited for.
    pub(super) async fn send(&self, event: Event) {
        if let Some(problem) = problem(&event) {
            *lock(&self.problem) = Some(problem);
        }
        let _ = self.events.send(event).await;
    }

    pub(super) fn last_problem(&self) -> Option<Failure> {
        lock(&self.problem).clone()
    }
}

/// The failure that an event tells of, if it does.
fn problem(event: &Event) -> Option<Failure> {
    match event {
        Event::Relay { state: RelayState::Lost { failure, .. }, .. } => Some(failure.clone()),
        Event::Relay { .. } => None,
        Event::Room { event: RoomEvent::Failed(failure), .. } => Some(failure.clone()),
        Event::Room { event: RoomEvent::Engine(event), .. } => match event {
            engine::Event::Alarm { kind, text } => Some(alarm(*kind, text)),
            engine::Event::Error { code, message, remedy } => {
                Some(Failure::new(exit_of(code), code, message, remedy))
            }
            engine::Event::Closed { reason, .. } => {
                Some(Failure::new(Exit::Refused, "closed", reason, "Ask a member for a new invite."))
            }
            _ => None,
        },
        Event::Room { event: RoomEvent::Past(_) | RoomEvent::Invite { .. }, .. } => None,
    }
}

fn alarm(kind: AlarmKind, text: &str) -> Failure {
    Failure::new(Exit::Verification, kind.name(), text, remedy_of(kind))
}

/// What somebody can do about an alarm.
pub fn remedy_of(kind: AlarmKind) -> &'static str {
    match kind {
        AlarmKind::Replay => {
            "It was refused. If it goes on, ask who runs the relay, or move the room to another one."
        }
        AlarmKind::Gap => "Ask the others, over another channel, what was said; ask who runs the relay.",
        AlarmKind::Fork => {
            "Compare the authenticator (/members) with the others over another channel; if it differs, leave this relay."
        }
        AlarmKind::Rollback => "If you restored a backup, that is why. Otherwise ask who runs the relay.",
        AlarmKind::Certificate => "Do not go on before who runs the relay has confirmed the change.",
        AlarmKind::Access => "The next commit repairs it. If it goes on, ask who runs the relay.",
    }
}
