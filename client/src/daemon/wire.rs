//! What faces and the daemon say to each other.

use serde::{Deserialize, Serialize};
use shared::{
    identity::Fingerprint,
    room::{Command, MessageId, Person, Policy},
};

use crate::{
    failure::Failure,
    runtime::{Event, FaceId, Past, RoomStatus},
    store::{Cursor, Query},
    transport::RelayAddress,
};

/// Number of what is said after the first frames. Both sides must also be of one version.
pub(super) const PROTOCOL: u32 = 4;

/// What a daemon's first frame begins with; whatever else listens on a socket says something else.
pub(super) const MAGIC: &str = "schat daemon";

/// Longest first frame, in bytes.
pub(super) const MAX_HELLO: usize = 256;

/// The first frame both ways. Its form never changes, so that any two versions can tell that they are two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) magic: String,
    pub(super) protocol: u32,
    /// Version of the program.
    pub(super) program: String,
    /// From a face: end. So a daemon of any version can be stopped.
    pub(super) stop: bool,
}

impl Hello {
    pub(super) fn ours(stop: bool) -> Self {
        Self {
            magic: MAGIC.to_owned(),
            protocol: PROTOCOL,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            stop,
        }
    }

    /// The other side is of our version.
    pub(super) fn is_ours(&self) -> bool {
        let ours = Self::ours(false);
        (&self.magic, self.protocol, &self.program) == (&ours.magic, ours.protocol, &ours.program)
    }
}

/// From a face.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Up {
    /// First: events are wanted.
    Attach(Attach),
    /// Instead of it: how is the daemon?
    Status,
    /// Do something, and answer by this number.
    Ask(u64, Request),
    /// The answer is not wanted any more.
    Drop(u64),
    /// So many events more were taken.
    Took(u32),
}

/// From the daemon.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Down {
    /// What a face has to know without asking. The first comes before everything else, further ones when it changes:
    /// before the event or the answer that tells of the change.
    Snapshot(Box<Snapshot>),
    /// Where this face's events begin, room by room: before the first of them.
    From(Vec<(String, u64)>),
    /// Something happened. Costs one of the events that the face has not taken.
    Event(Box<Event>),
    /// To the request of that number: a `Result` of what was asked for or a `Failure`.
    Answer(u64, Vec<u8>),
    /// To `Status`.
    Status(Status),
    /// Nothing more comes.
    Bye(Failure),
}

/// How a face wants its events.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Attach {
    pub(super) face: FaceId,
    pub(super) begin: Begin,
    /// It has not taken all that came before, and says when it has: no events until then.
    pub(super) is_behind: bool,
    /// This room only.
    pub(super) only: Option<String>,
}

/// Where the events begin.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Begin {
    /// As at a start.
    Past(Past),
    /// After these sequence numbers: the face was here before. Rooms that are not named are new to it.
    After(Vec<(String, u64)>),
}

/// What faces read without waiting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) name: String,
    pub(super) me: Fingerprint,
    pub(super) status: String,
    pub(super) glyph: String,
    pub(super) is_stuck: bool,
    pub(super) why: Option<Failure>,
    pub(super) verified: Vec<Fingerprint>,
    pub(super) rooms: Vec<RoomStatus>,
    /// Rooms of this run of which nothing is kept; they are not listed.
    pub(super) forgotten: Vec<RoomStatus>,
    /// The way to a room's relay and back, in milliseconds.
    pub(super) trips: Vec<(String, u64)>,
}

/// What is asked of the daemon; each is a method of the runtime. Labels name rooms.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    Tell(String, Command),
    Rename(String),
    Describe(String, String),
    Ack(String, Cursor, u64),
    Acked(String, Cursor),
    Seen(i64),
    /// An invite link, as text.
    Join(String),
    Open(String, Option<RelayAddress>),
    Create(String, Option<RelayAddress>, Policy),
    /// A relay's link, as text.
    UseRelay(String),
    /// The relay for rooms that are named without one, from the next start on.
    LastRelay(RelayAddress),
    Mute(String, bool),
    Pin(String, bool),
    People,
    Person(Fingerprint),
    Mark(Person, bool),
    History(String, u64, u32),
    HistoryBefore(String, u64, u32),
    PastAfter(String, u64, u32),
    PastBefore(String, u64, u32),
    Line(String, MessageId),
    Search(Option<String>, Query, u64),
    Draft(String),
    SetDraft(String, String),
    Queued(String),
}

impl Request {
    /// Done twice it is as if done once.
    pub(super) fn repeats(&self) -> bool {
        !matches!(self, Self::Tell(..) | Self::Open(..) | Self::Create(..) | Self::Join(_))
    }

    /// It may change what a [`Snapshot`] tells.
    pub(super) fn changes(&self) -> bool {
        matches!(
            self,
            Self::Rename(_)
                | Self::Describe(..)
                | Self::Join(_)
                | Self::Open(..)
                | Self::Create(..)
                | Self::UseRelay(_)
                | Self::Mute(..)
                | Self::Pin(..)
                | Self::Mark(..)
        )
    }
}

/// How a daemon is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Its process.
    pub pid: u32,
    /// Version of the program.
    pub version: String,
    /// Since its start.
    pub uptime_s: u64,
    /// Faces that are attached.
    pub faces: u64,
    /// Rooms that are not over.
    pub rooms: u64,
}
