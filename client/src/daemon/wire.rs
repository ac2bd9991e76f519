//! What faces and the daemon say to each other.

use serde::{Deserialize, Serialize};
use shared::identity::Fingerprint;

use crate::{
    ask::Asked,
    reason::Reason,
    runtime::{Event, FaceId, Past, RoomStatus},
    store::BackupPlan,
};

/// Number of what is said after the first frames. Both sides must also be of one version.
pub(super) const PROTOCOL: u32 = 7;

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
    Ask(u64, Asked),
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
    /// To the question of that number, as [`crate::ask`] writes it.
    Answer(u64, Vec<u8>),
    /// To `Status`.
    Status(Status),
    /// Nothing more comes.
    Bye(Reason),
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
    pub(super) why: Option<Reason>,
    pub(super) verified: Vec<Fingerprint>,
    pub(super) rooms: Vec<RoomStatus>,
    /// Rooms of this run of which nothing is kept; they are not listed.
    pub(super) forgotten: Vec<RoomStatus>,
    /// The way to a room's relay and back, in milliseconds.
    pub(super) trips: Vec<(String, u64)>,
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
    /// The backups that it makes by itself, or made. None: nobody ever asked for them.
    pub backup: Option<BackupPlan>,
}
