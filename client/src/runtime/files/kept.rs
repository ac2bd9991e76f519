//! What is stored of a file under way: enough to go on after a restart, wherever it ended.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shared::{
    crypto::random::Random,
    file::{BlobId, FileKey, Manifest},
    room::MessageId,
};

use super::target::Target;
use crate::{
    reason::Reason,
    runtime::transfer::{Transfer, TransferState, Way},
};

/// A transfer as it is stored.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    /// It does not go on by itself.
    pub(super) paused: bool,
    /// Why, where nobody wished that.
    #[serde(default)]
    pub(super) stopped: Option<Reason>,
    /// Bytes that were there when that was stored last: a second before the end at most.
    #[serde(default)]
    pub(super) done: u64,
    pub(super) job: Job,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Job {
    Up(Upload),
    Down(Download),
}

/// A file on its way to a room.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Upload {
    /// Where it is, from the root.
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
    /// Bytes that are sent: fewer than the file has, where something was taken out.
    pub(super) size: u64,
    pub(super) name: String,
    pub(super) media_type: String,
    /// What a picture tells besides its pixels goes along.
    pub(super) keeps_metadata: bool,
    pub(super) duration_ms: u32,
    /// Drawn anew, with the key, whenever the file is another than before.
    pub(super) blob: BlobId,
    pub(super) key: FileKey,
    /// What is said with it.
    pub(super) text: String,
    pub(super) reply_to: Option<MessageId>,
    /// What the asker knows it by.
    pub(super) token: String,
}

/// By which it is noticed that a file is another one now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub(super) size: u64,
    /// Unix time in nanoseconds; 0 where the system does not know.
    pub(super) modified_ns: u64,
}

impl Stamp {
    /// The system knows when the file was written last: so the same stamp means the same file.
    pub(super) fn tells(&self) -> bool {
        self.modified_ns != 0
    }
}

/// A file on its way from a room.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Download {
    pub(super) message: MessageId,
    pub(super) file: Manifest,
    /// Where it is to be, from the root.
    pub(super) target: PathBuf,
    /// There and nowhere else; otherwise a number is added to a name that is taken.
    pub(super) is_exact: bool,
    /// Nobody asked for it: it is taken for the picture that it says it is, and for nothing else.
    #[serde(default)]
    pub(super) is_unasked: bool,
    /// It is fetched for the command that asked, and ends with it.
    #[serde(default)]
    pub(super) is_passing: bool,
    /// The files that its parts come into were made for it, and are no others.
    #[serde(default = "began")]
    pub(super) has_begun: bool,
    /// All of it is there, and this is the name that it gets or has.
    #[serde(default)]
    pub(super) named: Option<PathBuf>,
}

/// Of what an earlier version stored nothing says otherwise.
fn began() -> bool {
    true
}

impl Download {
    /// What is there of it goes.
    pub(super) fn remove_parts(&self) {
        if self.has_begun {
            Target::remove(&self.target, &self.file.parts);
        }
    }
}

impl Upload {
    /// The file is another one: nothing of it may be sealed under the key that the former was sealed with.
    pub(super) fn begin_anew(&mut self, stamp: Stamp, size: u64, random: &Random) {
        (self.blob, self.key) = (random.bytes(), FileKey::draw(random));
        (self.stamp, self.size) = (stamp, size);
    }
}

impl Kept {
    /// One that begins.
    pub(super) fn new(job: Job) -> Self {
        Self { paused: false, stopped: None, done: 0, job }
    }

    /// It does not outlive who asked for it.
    pub(super) fn is_passing(&self) -> bool {
        matches!(&self.job, Job::Down(Download { is_passing: true, .. }))
    }

    /// As faces show it, while nobody has looked how far it is now.
    pub(super) fn shown(&self, number: i64) -> Transfer {
        let (way, name, size) = match &self.job {
            Job::Up(up) => (Way::Up(up.blob), up.name.clone(), up.size),
            Job::Down(down) => (Way::Down(down.message), down.file.name.clone(), down.file.size),
        };
        let state = match (&self.stopped, self.paused) {
            (Some(why), true) => TransferState::Stopped(why.clone()),
            (None, true) => TransferState::Paused,
            (_, false) => TransferState::Waiting(None),
        };
        let done = self.done.min(size);
        Transfer { number, way, name, size, done, before: done, state }
    }
}
