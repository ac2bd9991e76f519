//! What was said and is not on the relay's disk yet, and which rooms are being joined, so that the end of the input does
//! not cut it off.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use shared::room::{Command, MessageBody};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use super::words;
use crate::{
    failure::{Exit, Failure, exit_of},
    handle::Runtime,
    runtime::{Outgoing, Transfer, TransferState},
};

/// How long the end waits for the relay, in seconds. What is not sent then is sent at the next start.
const PATIENCE_S: u64 = 10;

/// A way to the relay and back: whoever quits sees no line flash for it.
const AT_ONCE: Duration = Duration::from_millis(200);

/// A part of a face that ends with the face: what comes while everything is being closed is not told any more.
pub(super) struct Part(pub(super) JoinHandle<Exit>);

impl Drop for Part {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Counts messages and joins under way. Clones share the count.
#[derive(Clone)]
pub struct Pending {
    count: watch::Sender<usize>,
    /// Labels of rooms being joined: at most as many as a profile has rooms.
    joins: Arc<Mutex<BTreeSet<String>>>,
    /// Numbers of files that are sent: at most as many as a profile takes.
    files: Arc<Mutex<BTreeSet<i64>>>,
    refusal: Arc<OnceLock<Exit>>,
    /// What the line before was to do that is asked for twice.
    doubtful: Arc<Mutex<Option<String>>>,
    /// Nobody is there to be asked.
    is_script: bool,
}

impl Default for Pending {
    fn default() -> Self {
        Self {
            count: watch::channel(0).0,
            joins: Arc::default(),
            files: Arc::default(),
            refusal: Arc::default(),
            doubtful: Arc::default(),
            is_script: false,
        }
    }
}

impl Pending {
    /// Of a face that has a person, who can be asked, or none.
    pub(super) fn of(has_person: bool) -> Self {
        Self { is_script: !has_person, ..Self::default() }
    }

    /// A line was read, which may be to leave a room or to forget one. Whether somebody is sure of that: the line before was to
    /// do the same, or nobody is there to be asked.
    pub(super) fn is_sure(&self, what: Option<String>) -> bool {
        let mut doubtful = self.doubtful.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = *doubtful == what;
        *doubtful = what;
        self.is_script || is_same
    }

    /// A room is being joined, unless we are in already.
    pub fn join(&self, runtime: &Runtime, label: &str) {
        let mut joins = self.joins();
        let waits = |room: crate::runtime::RoomStatus| room.view.is_none() && room.over.is_none();
        if runtime.room(label).is_ok_and(waits) && joins.insert(label.to_owned()) {
            self.add();
        }
    }

    /// We are in that room, or never will be.
    pub fn joined(&self, label: &str) {
        if self.joins().remove(label) {
            self.done();
        }
    }

    fn joins(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.joins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says something in a room. What can never be sent is refused here, where the asker is still known.
    ///
    /// # Errors
    /// [`Failure`] when it was not taken.
    pub async fn say(
        &self,
        runtime: &Runtime,
        room: &str,
        token: String,
        said: MessageBody,
    ) -> Result<(), Failure> {
        runtime.room(room)?;
        said.check()?;
        self.add();
        let told = runtime.tell(room, Command::Say { token, body: said }).await;
        if told.is_err() {
            self.done();
        }
        Ok(told?)
    }

    /// The room refused something. If it was a message, it is not waited for.
    pub fn refused(&self, code: &str) {
        if matches!(code, "not_joined" | "outbox_full") {
            self.failed(exit_of(code));
            self.done();
        }
    }

    /// Something that was asked for was not taken, or cannot be done.
    pub fn failed(&self, exit: Exit) {
        // The first counts.
        let _ = self.refusal.set(exit);
    }

    /// Why the first thing that failed did.
    pub fn refusal(&self) -> Option<Exit> {
        self.refusal.get().copied()
    }

    /// Sends a file. It is waited for as a message is.
    ///
    /// # Errors
    /// [`Failure`] when it was not taken.
    pub async fn send_file(
        &self,
        runtime: &Runtime,
        room: &str,
        file: Outgoing,
    ) -> Result<Transfer, Failure> {
        self.add();
        let sent = runtime.send_file(room, file).await;
        match &sent {
            Ok(transfer) => drop(self.files().insert(transfer.number)),
            Err(_) => self.done(),
        }
        Ok(sent?)
    }

    /// A file of ours that does not go on is not waited for.
    pub fn transfer(&self, transfer: &Transfer) {
        let is_over = matches!(transfer.state, TransferState::Stopped(_) | TransferState::Cancelled(_));
        if is_over && self.files().remove(&transfer.number) {
            if let Some(reason) = transfer.state.reason() {
                self.failed(reason.exit());
            }
            self.done();
        }
    }

    fn files(&self) -> MutexGuard<'_, BTreeSet<i64>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more was taken.
    fn add(&self) {
        self.count.send_modify(|count| *count = count.saturating_add(1));
    }

    /// One arrived. Those of an earlier start do not count.
    pub fn done(&self) {
        self.count.send_modify(|count| *count = count.saturating_sub(1));
    }

    /// The same for somebody at the keyboard: not without a connection, and `tell` gets a line that says so unless it is
    /// done at once.
    pub(super) async fn leave(&self, runtime: &Runtime, tell: impl FnOnce(&str)) -> bool {
        let settle = self.settle();
        tokio::pin!(settle);
        let patience = if runtime.is_connected() { AT_ONCE } else { Duration::ZERO };
        if timeout(patience, &mut settle).await.is_ok() {
            return true;
        }
        if patience.is_zero() {
            return false;
        }
        let (all, joins) = (*self.count.borrow(), self.joins().len());
        tell(&words::waiting(PATIENCE_S, all.saturating_sub(joins), joins));
        settle.await
    }

    /// Waits until all arrived. False: some did not in time.
    pub async fn settle(&self) -> bool {
        let mut count = self.count.subscribe();
        let all = count.wait_for(|count| *count == 0);
        timeout(Duration::from_secs(PATIENCE_S), all).await.is_ok()
    }
}
