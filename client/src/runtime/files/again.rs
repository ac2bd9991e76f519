//! Whoever gives a command once more that was interrupted means the file that is under way, however far that is: it may be
//! on its way to the relay, offered to the room but not in its log yet, or have come through at the very start of this program. So it is
//! with one that is fetched.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use proto::RoomId;
use shared::{
    file::Manifest,
    room::{Event, MessageId},
};
use tokio::time::Instant;

use super::{
    kept::{Download, Job, Stamp, Upload},
    source::{Found, Source},
};
use crate::runtime::{
    Local, lock,
    transfer::{Transfer, TransferState, Way},
};

/// What went on by itself at the start is meant by a command that comes so soon after that.
const SOON: Duration = Duration::from_secs(60);

/// Files that were under way at the start: at most as many as a profile keeps.
#[derive(Default)]
pub(super) struct Resumed(Vec<One>);

struct One {
    number: i64,
    room: RoomId,
    what: Meaning,
    begun: Instant,
    done: Option<Transfer>,
}

/// What a command means.
#[derive(PartialEq, Eq)]
enum Meaning {
    /// This file is sent. One that was written to since is another one.
    Sent(PathBuf, Stamp, u64),
    /// That of this message is fetched to there.
    Fetched(MessageId, PathBuf),
}

impl Resumed {
    /// A file goes on by itself.
    pub(super) fn begin(&mut self, (number, room): (i64, RoomId), job: &Job) {
        let what = match job.clone() {
            Job::Up(Upload { path, stamp, size, .. }) => Meaning::Sent(path, stamp, size),
            Job::Down(Download { message, target, .. }) => Meaning::Fetched(message, target),
        };
        self.0.push(One { number, room, what, begun: Instant::now(), done: None });
    }

    /// A file has ended.
    pub(super) fn end(&mut self, transfer: &Transfer) {
        match transfer.state {
            TransferState::Done(_) => {
                let one = self.0.iter_mut().find(|one| one.number == transfer.number);
                if let Some(one) = one {
                    one.done = Some(transfer.clone());
                }
            }
            _ => self.0.retain(|one| one.number != transfer.number),
        }
    }

    /// Takes one that is through: the next command means another one.
    fn take(&mut self, room: RoomId, what: &Meaning) -> Option<Transfer> {
        self.0.retain(|one| one.begun.elapsed() < SOON);
        let is_it = |one: &One| one.room == room && one.what == *what && one.done.is_some();
        let at = self.0.iter().position(is_it)?;
        self.0.swap_remove(at).done
    }
}

impl Local {
    /// The same file went on by itself at the start, and is through.
    pub(super) fn just_sent(&self, room: RoomId, path: &Path, found: &Found) -> Option<Transfer> {
        let what = Meaning::Sent(path.to_owned(), found.stamp, found.size);
        lock(&self.0.files.resumed).take(room, &what)
    }

    /// That of the same message was fetched to there at the start, and is there.
    pub(super) fn just_fetched(&self, room: RoomId, message: MessageId, target: &Path) -> Option<Transfer> {
        let what = Meaning::Fetched(message, target.to_owned());
        let transfer = lock(&self.0.files.resumed).take(room, &what);
        let is_there = |transfer: &Transfer| match &transfer.state {
            TransferState::Done(place) => place.as_ref().is_some_and(|place| place.is_file()),
            _ => false,
        };
        transfer.filter(is_there)
    }

    /// The same bytes under the same name were offered to the room, and the relay does not have that yet.
    pub(super) async fn is_offered(
        &self,
        room: &str,
        name: &str,
        source: Source,
        size: u64,
    ) -> Option<Transfer> {
        let is_like = |event| match event {
            Event::Queued { file: Some(file), .. } if file.name == name && file.size == size => Some(*file),
            _ => None,
        };
        let queued: Vec<Manifest> = self.queued(room).await.into_iter().filter_map(is_like).collect();
        if queued.is_empty() {
            return None;
        }
        let looking = tokio::task::spawn_blocking(move || {
            let mut source = source;
            queued.into_iter().find(|offered| source.is_offered_as(offered, size).unwrap_or(false))
        });
        let offered = looking.await.ok()??;
        let (way, name) = (Way::Up(offered.id), offered.name);
        Some(Transfer {
            number: 0,
            way,
            name,
            size,
            done: size,
            before: size,
            state: TransferState::Done(None),
        })
    }
}
