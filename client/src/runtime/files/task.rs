//! One file under way: tries, waits, and tries again, until it is through or somebody decides.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use proto::{
    BlobId,
    relay::{BlobProof, RelayFrame},
};
use shared::{file::Manifest, room::MessageBody};
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    fault::{Fault, local},
    hold::Held,
    kept::{Download, Job, Kept, Upload},
    source::{Found, Source},
};
use crate::{
    reason::Reason,
    runtime::{
        Local,
        backoff::Backoff,
        link::{LinkState, RelayConnection},
        lock,
        room::Ask,
        transfer::{Steer, Transfer, TransferState, Way},
    },
    store::Vault,
    transport::BlobStream,
};

/// How far it is is stored at most this often: each time costs a write to the disk.
pub(super) const STORE: Duration = Duration::from_secs(1);

/// A relay that says nothing about a file for so long is asked anew.
pub(super) const SILENT: Duration = Duration::from_secs(60);

/// What a transfer shares with whoever looks at it and steers it.
pub(super) struct Shown {
    pub(super) room: Arc<str>,
    pub(super) transfer: Mutex<Transfer>,
    pub(super) steer: watch::Sender<Steer>,
}

pub(super) struct Task {
    pub(super) local: Local,
    pub(super) room: proto::RoomId,
    pub(super) number: i64,
    pub(super) kept: Kept,
    pub(super) shown: Arc<Shown>,
    pub(super) steer: Steering,
    /// None where the room's relay does not run.
    pub(super) link: Option<Arc<RelayConnection>>,
    pub(super) told: Instant,
    /// When it was stored last how far it is.
    pub(super) stored: Instant,
    /// What was sent of the file before is looked at again, before more is.
    pub(super) looks: bool,
    /// Its key was drawn in this run, so that all that was sealed under it is known.
    pub(super) is_new: bool,
    /// The relay had all of it when it was asked last, or may have: it was not asked yet.
    pub(super) was_whole: bool,
    /// The unfinished file, which no other task writes into meanwhile.
    pub(super) held: Option<Arc<Held>>,
}

/// What somebody wants, as the task sees it.
pub(super) struct Steering(pub(super) watch::Receiver<Steer>);

impl Steering {
    /// Waits until it is something else.
    pub(super) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // Whoever steers is gone, and wants nothing else any more.
            std::future::pending::<()>().await;
        }
    }
}

/// What an attempt brought about.
enum Through {
    Offered,
    Fetched(PathBuf),
}

impl Task {
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let wanted = *self.steer.0.borrow_and_update();
            if !self.is_kept().await {
                self.remove_parts().await;
                return self.end(TransferState::Cancelled(Some(super::fault::room_left()))).await;
            }
            match wanted {
                Steer::Run => {}
                Steer::Pause => {
                    // What stopped it is still why it does not go on.
                    let why = self.kept.stopped.clone();
                    self.pause(true, why.clone()).await;
                    self.tell(why.map_or(TransferState::Paused, TransferState::Stopped)).await;
                    self.steer.changed().await;
                    continue;
                }
                Steer::Cancel => return self.cancel(None).await,
            }
            self.pause(false, None).await;
            let before = lock(&self.shown.transfer).done;
            match self.attempt().await {
                Ok(Through::Offered) => {
                    return self.end(TransferState::Done(None)).await;
                }
                Ok(Through::Fetched(path)) => {
                    let number = self.number;
                    // Kept, it would be fetched once more.
                    let _ = self.vault().run(move |store| store.end_transfer(number)).await;
                    self.remember_fetched(&path).await;
                    return self.end(TransferState::Done(Some(path))).await;
                }
                Err(Fault::Steered) => self.looks = true,
                Err(Fault::Changed) => {
                    self.begin_anew().await;
                    // A file that somebody writes to all the time changes all the time.
                    self.rest(&mut backoff).await;
                }
                Err(Fault::Lost) => {
                    if lock(&self.shown.transfer).done > before {
                        backoff.reset();
                    }
                    self.tell(TransferState::Waiting(None)).await;
                    self.rest(&mut backoff).await;
                }
                Err(Fault::Later(reason, after_ms)) => {
                    self.tell(TransferState::Waiting(Some(*reason))).await;
                    self.wait(Duration::from_millis(after_ms)).await;
                }
                Err(Fault::Final(reason)) if self.is_unasked() => {
                    // Nobody asked, so nobody has to decide what becomes of it.
                    return self.cancel(Some(*reason)).await;
                }
                Err(Fault::Final(reason)) => {
                    self.looks = true;
                    self.pause(true, Some((*reason).clone())).await;
                    // So that the wish to go on is seen as one.
                    self.shown.steer.send_if_modified(|steer| {
                        let runs = *steer == Steer::Run;
                        *steer = if runs { Steer::Pause } else { *steer };
                        runs
                    });
                    self.steer.0.borrow_and_update();
                    self.tell(TransferState::Stopped(*reason)).await;
                    self.steer.changed().await;
                }
            }
        }
    }

    /// Whether it is still to be done. Whoever leaves a room gives up what was under way there, and what its parts were sealed
    /// to is forgotten: nothing is sealed under its key any more.
    async fn is_kept(&self) -> bool {
        let number = self.number;
        // What cannot be read is there.
        self.vault().run(move |store| store.has_transfer(number)).await.unwrap_or(true)
    }

    pub(super) fn vault(&self) -> Vault {
        self.local.0.vault.clone()
    }

    fn is_unasked(&self) -> bool {
        matches!(&self.kept.job, Job::Down(Download { is_unasked: true, .. }))
    }

    async fn attempt(&mut self) -> Result<Through, Fault> {
        // Before its turn, too: whoever waits for another one keeps nobody from going on.
        self.hold().await?;
        // Before its turn: who waits for one relay keeps nobody from another.
        self.connection().await?;
        let files = self.local.0.files.turns();
        let waits = files.available_permits() == 0;
        if waits {
            self.tell(TransferState::Waiting(None)).await;
        }
        let _turn = tokio::select! {
            turn = files.acquire_owned() => turn.map_err(|_| Fault::Lost)?,
            () = self.steer.changed() => return Err(Fault::Steered),
        };
        self.tell(TransferState::Running).await;
        match self.kept.job.clone() {
            Job::Up(up) => {
                let source = self.source(&up).await?;
                let watch = source.watch().map_err(|error| local(&up.path, &error))?;
                let manifest = self.upload(&up, source).await?;
                if !watch.is_as_before(up.stamp) {
                    // Its beginning may be the former's, and its end the newer one's.
                    return Err(Fault::Changed);
                }
                self.moved_all().await;
                self.offer(up, manifest).await.map(|()| Through::Offered)
            }
            Job::Down(down) => self.download(&down).await.map(Through::Fetched),
        }
    }

    /// Opens what is sent, if it is what it was.
    async fn source(&self, up: &Upload) -> Result<Source, Fault> {
        let (path, keeps) = (up.path.clone(), up.keeps_metadata);
        let opened = tokio::task::spawn_blocking(move || Source::open(&path, keeps)).await;
        let Found { source, stamp, size } =
            opened.map_err(|_| Fault::Lost)?.map_err(|error| local(&up.path, &error))?;
        if stamp == up.stamp && size == up.size { Ok(source) } else { Err(Fault::Changed) }
    }

    /// Under another key, and another name at the relay: what is there under the old ones is dropped. But not where that is whole: in
    /// a profile that was brought back from an older copy it may be the file of a message that the room has, and time ends it.
    async fn begin_anew(&mut self) {
        let mut kept = self.kept.clone();
        let Job::Up(up) = &mut kept.job else { return };
        let (path, keeps) = (up.path.clone(), up.keeps_metadata);
        let opened = tokio::task::spawn_blocking(move || Source::open(&path, keeps)).await;
        // What cannot be opened is said by the next attempt.
        let Ok(Ok(found)) = opened else { return };
        let random = lock(&self.local.0.profile).engine.random.clone();
        let before = (!self.was_whole).then_some(BlobId(up.blob));
        let is_changed = (up.stamp, up.size) != (found.stamp, found.size);
        let why = super::fault::begins_anew(is_changed);
        up.begin_anew(found.stamp, found.size, &random);
        let (way, size) = (Way::Up(up.blob), found.size);
        kept.done = 0;
        let (stored, place) = (kept.clone(), (self.room, self.number));
        // What is not stored is tried again: nothing is sealed under a key that only memory has.
        if self.vault().run(move |store| store.restart_transfer(place, before, &stored)).await.is_err() {
            return;
        }
        self.kept = kept;
        (self.is_new, self.was_whole) = (true, false);
        {
            let mut transfer = lock(&self.shown.transfer);
            (transfer.way, transfer.size, transfer.done, transfer.before) = (way, size, 0, 0);
        }
        self.tell(TransferState::Waiting(Some(why))).await;
        self.local.0.files.drop_soon();
    }

    /// The file is there: the room is told, and in the same step the transfer is over.
    async fn offer(&mut self, up: Upload, manifest: Manifest) -> Result<(), Fault> {
        let Upload { text, reply_to, token, .. } = up;
        let said = MessageBody::Text { text, reply_to, file: Some(Box::new(manifest)) };
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Offer { number: self.number, token, said, reply };
        let asks = self.local.asks_of(self.room).ok_or(Fault::Lost)?;
        asks.send(ask).await.map_err(|_| Fault::Lost)?;
        match answer.await.map_err(|_| Fault::Lost)? {
            Ok(()) => Ok(()),
            Err(reason) => Err(Fault::later(reason, SILENT.as_secs() * 1_000)),
        }
    }

    /// A stream for a file, and the proof that we may have it.
    pub(super) async fn stream(&mut self, blob: [u8; 16]) -> Result<(BlobStream, BlobProof), Fault> {
        let connection = self.connection().await?;
        let opened = tokio::select! {
            opened = timeout(SILENT, BlobStream::open(&connection)) => opened,
            () = self.steer.changed() => return Err(Fault::Steered),
        };
        let stream = opened.map_err(|_| Fault::Lost)??;
        let proof = prove(&self.local, self.room, blob, stream.binding()).await;
        Ok((stream, proof.ok_or(Fault::Lost)?))
    }

    /// The relay's connection, once it is there.
    pub(super) async fn connection(&mut self) -> Result<crate::transport::Connection, Fault> {
        let Some(link) = self.link.clone() else { return Err(Fault::last(super::fault::no_relay())) };
        let mut state = link.state.clone();
        loop {
            let now = state.borrow_and_update().clone();
            if let LinkState::Up(connection, _) = now {
                return Ok(connection);
            }
            tokio::select! {
                changed = state.changed() => changed.map_err(|_| Fault::Lost)?,
                () = self.steer.changed() => return Err(Fault::Steered),
            }
        }
    }

    /// The relay's next word.
    pub(super) async fn next(&mut self, stream: &mut BlobStream) -> Result<RelayFrame, Fault> {
        let next = self.meanwhile(timeout(SILENT, stream.next())).await?;
        next.map_err(|_| Fault::Lost)??.ok_or(Fault::Lost)
    }

    /// Waits for the relay. Somebody may want something else in the meantime, and how far it is is stored.
    pub(super) async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Fault> {
        tokio::pin!(work);
        loop {
            let is_behind = self.number >= 0 && self.kept.done != lock(&self.shown.transfer).done;
            tokio::select! {
                done = &mut work => return Ok(done),
                () = self.steer.changed() => return Err(Fault::Steered),
                () = sleep_until(self.stored + STORE), if is_behind => self.store().await,
            }
        }
    }

    /// `why`: nobody wished it.
    async fn cancel(mut self, why: Option<Reason>) {
        let (room, number) = (self.room, self.number);
        let done = match &self.kept.job {
            Job::Up(up) => {
                let blob = BlobId(up.blob);
                self.vault().run(move |store| store.give_up_transfer(room, number, blob)).await
            }
            Job::Down(_) => {
                self.remove_parts().await;
                self.vault().run(move |store| store.end_transfer(number)).await
            }
        };
        // What cannot be stored goes on at the next start.
        drop(done);
        self.local.0.files.drop_soon();
        self.end(TransferState::Cancelled(why)).await;
    }

    async fn end(&mut self, state: TransferState) {
        {
            let mut transfer = lock(&self.shown.transfer).clone();
            transfer.state = state.clone();
            self.local.0.files.ended(&transfer);
        }
        if matches!(state, TransferState::Done(_)) {
            let mut transfer = lock(&self.shown.transfer);
            transfer.done = transfer.size;
        }
        self.tell(state).await;
    }

    /// Waits before the next try, longer each time.
    pub(super) async fn rest(&mut self, backoff: &mut Backoff) {
        let random = lock(&self.local.0.profile).engine.random.clone();
        self.wait(backoff.next(&random)).await;
    }

    /// Waits a while, or until somebody wants something else.
    pub(super) async fn wait(&mut self, time: Duration) {
        tokio::select! {
            () = sleep(time) => {}
            () = self.steer.changed() => self.steer.0.mark_changed(),
        }
    }
}

/// Asks the room to sign for a file on a connection. None: we are not in, or the room is over.
pub(super) async fn prove(
    local: &Local,
    room: proto::RoomId,
    blob: [u8; 16],
    binding: [u8; proto::CHANNEL_BINDING_LEN],
) -> Option<BlobProof> {
    let (reply, answer) = oneshot::channel();
    let asks = local.asks_of(room)?;
    asks.send(Ask::Prove(BlobId(blob), binding, reply)).await.ok()?;
    answer.await.ok()?
}
