//! Files, beside the rooms: each has a task and a stream of its own, and none of them makes a chat line wait.

mod again;
mod avatar;
mod begin;
mod dropping;
mod fault;
mod fetch;
mod get;
mod hold;
mod kept;
mod left;
mod media;
mod picture;
mod place;
mod preview;
mod progress;
mod resume;
mod seal;
mod send;
mod source;
mod tail;
mod target;
mod task;

mod download;
mod upload;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
};

use proto::RoomId;
use serde::{Deserialize, Serialize};
use shared::room::MessageId;
use tokio::{
    sync::{Notify, Semaphore, watch},
    task::JoinHandle,
    time::Instant,
};

pub(crate) use self::left::remove_parts;
use self::{
    hold::Holds,
    kept::{Job, Kept},
    task::{Shown, Steering, Task},
};
use super::{
    FaceId, Local,
    avatar::{Entered, Quiet, channel as avatar_channel, run as tell_of_avatar},
    ending::Ending,
    lock,
    transfer::{Steer, Transfer, Way},
    unasked::Unasked,
};
use crate::{
    reason::{FileReason, Reason, RoomReason},
    store::{Store, StoreError},
    text::names::label,
};

/// Files that are sent and fetched at the same time: more of them make none faster, and each takes some 10 MiB.
const AT_ONCE: usize = 2;

/// Pictures of people that are sent and fetched at the same time.
const QUIET_AT_ONCE: usize = 2;

/// Pictures of people that are on their way at once, or were and did not come; more are not asked for in this run.
const QUIET: usize = 10_000;

/// A file to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Where it is, from the root.
    pub path: PathBuf,
    /// What is said with it; may be nothing.
    pub text: String,
    /// What it answers.
    pub reply_to: Option<MessageId>,
    /// What a picture tells besides its pixels goes along.
    pub keeps_metadata: bool,
    /// How long a voice message is, in milliseconds; 0 for any other file.
    pub duration_ms: u32,
    /// Comes back when the room has it.
    pub token: String,
}

/// A file to be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The message that it came with.
    pub message: MessageId,
    /// Where it is to be, from the root: there and nowhere else, or in that directory. Else in that for downloads.
    pub output: Option<PathBuf>,
}

/// Files under way in a profile that nobody runs, oldest first, with their rooms. What ended with its command is none of them.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub(crate) fn stored_transfers(store: &Store) -> Result<Vec<(RoomId, Transfer)>, StoreError> {
    let kept: Vec<(RoomId, i64, Kept)> = store.transfers()?;
    let kept = kept.into_iter().filter(|(.., kept)| !kept.is_passing());
    Ok(kept.map(|(room, number, kept)| (room, kept.shown(number))).collect())
}

/// Files under way.
pub(super) struct Files {
    running: Arc<Mutex<BTreeMap<i64, Running>>>,
    /// Held from the look at what is under way until another one is, so that nothing is begun twice.
    beginning: tokio::sync::Mutex<()>,
    holds: Holds,
    turns: Arc<Semaphore>,
    drops: Arc<Notify>,
    dropper: Mutex<Option<JoinHandle<()>>>,
    fetcher: Mutex<Option<JoinHandle<()>>>,
    /// What was under way at the start and has been sent since, for a while: see [`again`].
    resumed: Mutex<again::Resumed>,
    /// Small pictures that are fetched by themselves, where somebody wants that.
    unasked: OnceLock<Unasked>,
    /// Told of rooms that were entered.
    entered: OnceLock<Entered>,
    herald: Mutex<Option<JoinHandle<()>>>,
    /// Pictures of people that are brought or fetched, or could not be in this run: by room and name.
    quiet: Mutex<BTreeSet<(RoomId, Quiet)>>,
    quiet_turns: Arc<Semaphore>,
    /// Held from the look at which picture of us there is until a room is told of it, so that no older one is told last.
    own_picture: tokio::sync::Mutex<()>,
    /// Numbers of these count down from 0, those of the store up.
    last_quiet: AtomicI64,
}

struct Running {
    room: RoomId,
    /// Of a file that is sent: where it is. Of one that is fetched: where it is to be.
    path: Option<PathBuf>,
    /// The face of a daemon whose end is its end.
    asker: Option<FaceId>,
    shown: Arc<Shown>,
    task: Option<JoinHandle<()>>,
}

impl Default for Files {
    fn default() -> Self {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Self {
            running: Arc::default(),
            beginning: tokio::sync::Mutex::default(),
            holds: Holds::default(),
            turns,
            drops: Arc::default(),
            dropper: Mutex::default(),
            fetcher: Mutex::default(),
            resumed: Mutex::default(),
            unasked: OnceLock::new(),
            entered: OnceLock::new(),
            herald: Mutex::default(),
            quiet: Mutex::default(),
            quiet_turns: Arc::new(Semaphore::new(QUIET_AT_ONCE)),
            own_picture: tokio::sync::Mutex::default(),
            last_quiet: AtomicI64::new(0),
        }
    }
}

impl Files {
    fn turns(&self) -> Arc<Semaphore> {
        self.turns.clone()
    }

    /// Apart from those, so that pictures of people make no file wait.
    fn quiet_turns(&self) -> Arc<Semaphore> {
        self.quiet_turns.clone()
    }

    /// Nobody changes our picture, or tells a room of it, meanwhile.
    pub(super) async fn own_picture(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.own_picture.lock().await
    }

    /// Where rooms put what is fetched by itself, if anything is.
    pub(super) fn unasked(&self) -> Option<Unasked> {
        self.unasked.get().cloned()
    }

    /// Where rooms say that they were entered.
    pub(super) fn entered(&self) -> Option<Entered> {
        self.entered.get().cloned()
    }

    /// What is under way, for rooms that end.
    pub(super) fn under_way(&self) -> Ending {
        Arc::new(left::UnderWay(self.running.clone()))
    }

    /// Unfinished files that tasks have.
    fn holds(&self) -> Holds {
        self.holds.clone()
    }

    fn quiet_number(&self) -> i64 {
        self.last_quiet.fetch_sub(1, Ordering::Relaxed).saturating_sub(1)
    }

    /// False: the picture of a person is on its way already, or cannot be had in this run.
    pub(super) fn begin_quietly(&self, room: RoomId, picture: Quiet) -> bool {
        let mut quiet = lock(&self.quiet);
        quiet.len() < QUIET && quiet.insert((room, picture))
    }

    fn end_quietly(&self, room: RoomId, picture: Quiet) {
        lock(&self.quiet).remove(&(room, picture));
    }

    /// Told when something at a relay is to be dropped.
    pub(super) fn drops(&self) -> Arc<Notify> {
        self.drops.clone()
    }

    /// Something at a relay is to be dropped.
    pub(super) fn drop_soon(&self) {
        self.drops.notify_one();
    }

    /// One has ended.
    fn ended(&self, transfer: &Transfer) {
        // Before it is gone from the others, so that it is found in one place or the other.
        lock(&self.resumed).end(transfer);
        lock(&self.running).remove(&transfer.number);
    }

    /// One of which nobody was told has ended.
    fn forget(&self, number: i64) {
        lock(&self.running).remove(&number);
    }

    /// Ends all tasks; what was under way goes on at the next start.
    pub(super) async fn stop(&self) {
        let helpers = [lock(&self.dropper).take(), lock(&self.fetcher).take(), lock(&self.herald).take()];
        let running = std::mem::take(&mut *lock(&self.running));
        for task in
            running.into_values().filter_map(|running| running.task).chain(helpers.into_iter().flatten())
        {
            task.abort();
            // They hold on to the profile until they have really ended.
            let _ = task.await;
        }
    }
}

impl Local {
    /// Begins with what is done for all rooms; before there are any.
    pub(super) fn help_files(&self) {
        let dropper = tokio::spawn(dropping::run(Arc::downgrade(&self.0), self.0.files.drops.clone()));
        *lock(&self.0.files.dropper) = Some(dropper);
        let (entered, rooms) = avatar_channel();
        let herald = tokio::spawn(tell_of_avatar(Arc::downgrade(&self.0), rooms));
        *lock(&self.0.files.herald) = Some(herald);
        // Only once, at the start.
        let _ = self.0.files.entered.set(entered);
        if self.0.config.fetches_images {
            let (unasked, came) = Unasked::new();
            let fetcher = tokio::spawn(fetch::run(Arc::downgrade(&self.0), came));
            *lock(&self.0.files.fetcher) = Some(fetcher);
            // Only once, at the start.
            let _ = self.0.files.unasked.set(unasked);
        }
    }

    /// Files under way, of one room or of all, oldest first, with the labels of their rooms.
    pub(crate) fn files(&self, room: Option<&str>) -> Vec<(String, Transfer)> {
        let room = room.map(label);
        let running = lock(&self.0.files.running);
        let of = |running: &&Running| room.as_deref().is_none_or(|room| *running.shown.room == *room);
        let shown = running.range(1..).map(|(_, running)| running).filter(of).map(|running| &running.shown);
        shown.map(|shown| (shown.room.to_string(), lock(&shown.transfer).clone())).collect()
    }

    /// A room that is not over: from one that is, nothing comes, and nothing goes there.
    fn running_room(&self, room: &str) -> Result<RoomId, Reason> {
        let status = self.room(room)?;
        match status.over {
            None => Ok(status.id),
            Some(_) => Err(RoomReason::Over { room: status.label, why: None }.into()),
        }
    }

    /// Lets a file go on, wait or end.
    ///
    /// # Errors
    /// [`Reason`] when none of that number is under way.
    pub(crate) fn steer_file(&self, number: i64, steer: Steer) -> Result<(), Reason> {
        let running = lock(&self.0.files.running);
        let running = running.get(&number).filter(|_| number > 0).ok_or(FileReason::Unknown(number))?;
        running.shown.steer.send_replace(steer);
        Ok(())
    }

    async fn add_file(
        &self,
        room: &str,
        id: RoomId,
        kept: Kept,
        asker: Option<FaceId>,
    ) -> Result<Transfer, Reason> {
        let stored = kept.clone();
        let number = self.0.vault.run(move |store| store.add_transfer(id, &stored)).await?;
        Ok(self.start_file(&label(room), (id, number), kept, asker, true))
    }

    fn start_file(
        &self,
        room: &str,
        (id, number): (RoomId, i64),
        kept: Kept,
        asker: Option<FaceId>,
        is_new: bool,
    ) -> Transfer {
        let transfer = kept.shown(number);
        let wanted = if kept.paused { Steer::Pause } else { Steer::Run };
        let (steer, steering) = watch::channel(wanted);
        let shown = Arc::new(Shown { room: room.into(), transfer: Mutex::new(transfer.clone()), steer });
        let path = match &kept.job {
            Job::Up(up) => Some(up.path.clone()),
            Job::Down(down) => Some(down.target.clone()),
        };
        let task = Task {
            local: self.clone(),
            room: id,
            number,
            kept,
            shown: shown.clone(),
            steer: Steering(steering),
            link: self.link_of(room),
            told: Instant::now(),
            stored: Instant::now(),
            looks: true,
            is_new,
            was_whole: !is_new,
            held: None,
        };
        let mut running = lock(&self.0.files.running);
        running.insert(number, Running { room: id, path, asker, shown, task: None });
        // Under the lock, so that it is not forgotten before it is known.
        let task = tokio::spawn(task.run());
        if let Some(running) = running.get_mut(&number) {
            running.task = Some(task);
        }
        transfer
    }

    fn is_fetched(&self, room: RoomId, message: MessageId, target: &Path) -> Option<Transfer> {
        self.again(room, target, |way| *way == Way::Down(message))
    }

    fn again(&self, room: RoomId, path: &Path, is: impl Fn(&Way) -> bool) -> Option<Transfer> {
        let running = lock(&self.0.files.running);
        let same = |running: &&Running| running.room == room && running.path.as_deref() == Some(path);
        let found = running.values().filter(same).find(|running| is(&lock(&running.shown.transfer).way))?;
        found.shown.steer.send_replace(Steer::Run);
        Some(lock(&found.shown.transfer).clone())
    }
}
