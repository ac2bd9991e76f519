//! The rooms of a profile that a daemon runs: what a face asks goes there, what happens comes from there.

mod attachment;
mod reattach;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::{
    identity::Fingerprint,
    identity::safety::{SafetyNumber, safety_number},
    room::{GroupView, Person},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{
    Attachable,
    wire::{Attach, Begin, Snapshot},
};
use crate::{
    ask::{self, Asked, Request},
    reason::{DaemonReason, Reason},
    runtime::{Event, FaceId, Past, RoomStatus},
    store::ProfileDir,
    text::names::meant,
    transport::RelayAddress,
};
use reattach::Keeper;

/// Requests that wait for the daemon. Full: whoever asks waits.
const CALLS: usize = 32;

/// Events that wait for a face, as at a runtime of its own.
const EVENTS: usize = 256;

/// How a face attaches.
pub struct Options {
    /// What of the past is shown.
    pub past: Past,
    /// This room only.
    pub only: Option<String>,
    /// For rooms that this face names without a relay.
    pub relay: Option<RelayAddress>,
    /// How long a daemon that is gone is waited for; for ever without.
    pub patience: Option<Duration>,
    /// How long a request waits for a daemon that is gone.
    pub hold: Duration,
}

/// A runtime elsewhere.
pub(crate) struct Remote {
    known: Arc<DaemonState>,
    calls: mpsc::Sender<Call>,
    only: Option<String>,
    relay: Option<RelayAddress>,
    /// Whose safety number was shown in this run.
    compared: Mutex<BTreeSet<Fingerprint>>,
    task: JoinHandle<()>,
}

/// What is known of the daemon without asking.
struct DaemonState {
    snapshot: Mutex<Snapshot>,
    /// Why it is given up.
    lost: Mutex<Option<Reason>>,
}

/// A question, and where its answer goes.
struct Call {
    request: Asked,
    reply: oneshot::Sender<Result<Vec<u8>, Reason>>,
}

impl Remote {
    /// Attaches to a daemon.
    ///
    /// # Errors
    /// [`Reason`] when it refuses, or ends.
    pub(crate) async fn attach(
        dir: ProfileDir,
        daemon: Attachable,
        face: u64,
        options: Options,
    ) -> Result<(Self, mpsc::Receiver<Event>), Reason> {
        let Options { past, only, relay, patience, hold } = options;
        let attach =
            Attach { face: FaceId(face), begin: Begin::Past(past), is_behind: false, only: only.clone() };
        let (link, (snapshot, rooms)) = attachment::Attachment::open(daemon, &attach).await?;
        let known = Arc::new(DaemonState { snapshot: Mutex::new(snapshot), lost: Mutex::default() });
        let (calls, asked) = mpsc::channel(CALLS);
        let (events, receiver) = mpsc::channel(EVENTS);
        let keeper = Keeper::new(dir, attach, known.clone(), asked, events, patience, hold);
        let task = tokio::spawn(keeper.run(link, rooms));
        Ok((Self { known, calls, only, relay, compared: Mutex::default(), task }, receiver))
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask<R: Request>(&self, request: R) -> Result<R::Answer, Reason> {
        let (reply, answer) = oneshot::channel();
        let gone = || self.lost().unwrap_or_else(gone);
        self.calls.send(Call { request: request.into(), reply }).await.map_err(|_| gone())?;
        let bytes = answer.await.map_err(|_| gone())??;
        ask::read::<R>(&bytes).unwrap_or_else(|| Err(garbled()))
    }

    /// The relay for a room that is named without one.
    pub(crate) fn relay(&self, named: Option<RelayAddress>) -> Option<RelayAddress> {
        named.or_else(|| self.relay.clone())
    }

    pub(crate) fn rooms(&self) -> Vec<RoomStatus> {
        let rooms = self.snapshot().rooms.clone();
        let Some(only) = &self.only else { return rooms };
        let meant = self.room(only).map(|room| room.label);
        rooms.into_iter().filter(|room| Some(&room.label) == meant.as_ref()).collect()
    }

    pub(crate) fn room(&self, label: &str) -> Option<RoomStatus> {
        let snapshot = self.snapshot();
        let rooms = || snapshot.rooms.iter().chain(&snapshot.forgotten);
        let meant = meant(rooms().map(|room| room.label.as_str()), label)?;
        rooms().find(|room| room.label == meant).cloned()
    }

    pub(crate) fn view(&self, label: &str) -> Option<Arc<GroupView>> {
        self.room(label)?.view
    }

    pub(crate) fn me(&self) -> (String, Fingerprint) {
        let snapshot = self.snapshot();
        (snapshot.name.clone(), snapshot.me)
    }

    pub(crate) fn description(&self) -> (String, String) {
        let snapshot = self.snapshot();
        (snapshot.status.clone(), snapshot.glyph.clone())
    }

    pub(crate) fn is_verified(&self, who: &Fingerprint) -> bool {
        // By fingerprint, as the people are kept.
        self.snapshot().verified.binary_search(who).is_ok()
    }

    pub(crate) fn round_trip(&self, room: &str) -> Option<Duration> {
        let snapshot = self.snapshot();
        let trip = snapshot.trips.iter().find(|(label, _)| label == room)?;
        Some(Duration::from_millis(trip.1))
    }

    pub(crate) fn is_stuck(&self) -> bool {
        self.snapshot().is_stuck
    }

    pub(crate) fn why(&self) -> Option<Reason> {
        self.lost().or_else(|| self.snapshot().why.clone())
    }

    /// Why the daemon was given up, if it was.
    pub(crate) fn lost(&self) -> Option<Reason> {
        lock(&self.known.lost).clone()
    }

    pub(crate) fn compare(&self, who: &Fingerprint) -> SafetyNumber {
        lock(&self.compared).insert(*who);
        safety_number(&self.snapshot().me, who)
    }

    pub(crate) fn has_compared(&self, person: &Person) -> bool {
        lock(&self.compared).contains(&person.fingerprint)
    }

    /// Detaches.
    pub(crate) fn detach(&self) {
        self.task.abort();
    }

    fn snapshot(&self) -> MutexGuard<'_, Snapshot> {
        lock(&self.known.snapshot)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.detach();
    }
}

fn gone() -> Reason {
    DaemonReason::Gone { is_unsure: false }.into()
}

fn garbled() -> Reason {
    DaemonReason::Garbled.into()
}

/// A panic elsewhere leaves these small states whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
