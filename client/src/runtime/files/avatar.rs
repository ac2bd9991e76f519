//! Pictures of people at the relay: ours is brought to a room, those of members are fetched. Nobody is told how it goes.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use proto::{BlobId, RoomId};
use shared::{
    file::{FileKey, Manifest},
    identity::Avatar,
    room::Command,
};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, timeout},
};
use zeroize::Zeroizing;

use super::{
    Running,
    fault::{Fault, false_file},
    kept::{Download, Job, Kept, Stamp, Upload},
    source::Source,
    task::{Shown, Steering, Task},
};
use crate::{
    reason::Forgery,
    runtime::{Event, Local, RoomEvent, avatar::Quiet, backoff::Backoff, lock, transfer::Steer},
    store::PictureKey,
};

/// A picture of at most 64 KiB takes no longer.
const FETCHING: Duration = Duration::from_secs(60);

impl Local {
    /// Brings our picture to a room, and says so there once the relay has it.
    pub(in crate::runtime) fn start_avatar(
        &self,
        label: &str,
        room: RoomId,
        name: [u8; 16],
        bytes: Zeroizing<Vec<u8>>,
    ) {
        let random = lock(&self.0.profile).engine.random.clone();
        let size = bytes.len() as u64;
        let up = Upload {
            path: Default::default(),
            stamp: Stamp { size, modified_ns: 0 },
            size,
            name: String::new(),
            media_type: String::new(),
            keeps_metadata: true,
            duration_ms: 0,
            blob: random.bytes(),
            key: FileKey::draw(&random),
            text: String::new(),
            reply_to: None,
            token: String::new(),
        };
        self.start_quietly(label, room, Job::Up(up), |task| task.bring(name, bytes));
    }

    /// Fetches the picture of a member.
    pub(in crate::runtime) fn start_fetching_avatar(&self, label: &str, room: RoomId, avatar: &Avatar) {
        let file = Manifest::of_avatar(avatar);
        let down = Download {
            message: [0; 16],
            file,
            target: Default::default(),
            is_exact: true,
            is_unasked: false,
            is_passing: false,
            has_begun: false,
            named: None,
        };
        let picture = PictureKey::of_avatar(avatar);
        self.start_quietly(label, room, Job::Down(down), move |task| task.fetch_avatar(picture));
    }

    /// A file of which nothing is stored and nobody is told.
    fn start_quietly<F>(&self, label: &str, room: RoomId, job: Job, work: impl FnOnce(Task) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let number = self.0.files.quiet_number();
        let kept = Kept::new(job);
        let (steer, steering) = watch::channel(Steer::Run);
        let shown = Arc::new(Shown { room: label.into(), transfer: Mutex::new(kept.shown(number)), steer });
        let task = Task {
            local: self.clone(),
            room,
            number,
            kept,
            shown: shown.clone(),
            steer: Steering(steering),
            link: self.link_of(label),
            told: Instant::now(),
            stored: Instant::now(),
            looks: false,
            is_new: true,
            was_whole: false,
            held: None,
        };
        let mut running = lock(&self.0.files.running);
        running.insert(number, Running { room, path: None, asker: None, shown, task: None });
        // Under the lock, so that it is not forgotten before it is known.
        let task = tokio::spawn(work(task));
        if let Some(running) = running.get_mut(&number) {
            running.task = Some(task);
        }
    }
}

impl Task {
    async fn bring(mut self, name: [u8; 16], bytes: Zeroizing<Vec<u8>>) {
        let (mut backoff, number, room) = (Backoff::default(), self.number, self.room);
        // Of an earlier run that was cut short.
        let _ = self.vault().run(move |store| store.end_transfer(number)).await;
        loop {
            let Job::Up(up) = self.kept.job.clone() else { break };
            let blob = BlobId(up.blob);
            // Of what is there no room knows, if the program ends now. What cannot be stored goes with the relay's own time.
            let _ = self.vault().run(move |store| store.begin_avatar(room, blob)).await;
            match self.try_to_bring(&up, bytes.clone()).await {
                Ok(manifest) => {
                    match manifest.as_avatar() {
                        Some(avatar) => self.show_own(name, avatar).await,
                        None => self.drop_begun(blob).await,
                    }
                    break;
                }
                Err(Fault::Changed) => {
                    self.drop_begun(blob).await;
                    let random = lock(&self.local.0.profile).engine.random.clone();
                    if let Job::Up(up) = &mut self.kept.job {
                        up.begin_anew(up.stamp, up.size, &random);
                    }
                    let _ = self.vault().run(move |store| store.end_transfer(number)).await;
                    self.rest(&mut backoff).await;
                }
                Err(fault) => {
                    if self.is_over(fault, &mut backoff).await {
                        self.drop_begun(blob).await;
                        break;
                    }
                }
            }
        }
        let _ = self.vault().run(move |store| store.end_transfer(number)).await;
        self.local.0.files.forget(number);
        self.local.0.files.end_quietly(room, Quiet::Ours(name));
    }

    /// The relay has it. The room is told, unless somebody has another one or none by now.
    async fn show_own(&self, name: [u8; 16], avatar: Avatar) {
        let (label, room) = (&self.shown.room, self.room);
        let _one = self.local.0.files.own_picture().await;
        let own = self.vault().run(|store| store.own_avatar()).await;
        let is_ours = own.is_ok_and(|own| own.is_some_and(|(now, _)| now == name));
        // The label may be another room's by now.
        if !is_ours || self.local.id(label).ok() != Some(room) {
            return self.drop_begun(BlobId(avatar.id)).await;
        }
        let (before, blob) = (self.local.avatar_before(label), BlobId(avatar.id));
        // Before: what a room points to is never dropped.
        let _ = self.vault().run(move |store| store.show_avatar(room, blob)).await;
        if self.local.tell(label, Command::Picture(Some(Box::new(avatar)))).await.is_ok() {
            // What cannot be stored is brought once more at the next start.
            let _ = self.vault().run(move |store| store.set_brought(room, name)).await;
            self.local.drop_avatar(room, before).await;
        }
    }

    /// No room is told of it any more.
    async fn drop_begun(&self, blob: BlobId) {
        let room = self.room;
        self.local.drop_avatar(room, Some(blob.0)).await;
        let _ = self.vault().run(move |store| store.show_avatar(room, blob)).await;
    }

    async fn fetch_avatar(mut self, picture: PictureKey) {
        let (mut backoff, room) = (Backoff::default(), self.room);
        let Job::Down(down) = self.kept.job.clone() else { return };
        loop {
            match self.small(&down).await {
                Ok(bytes) => {
                    let kept = self.vault().run(move |store| store.set_avatar(room, picture, &bytes)).await;
                    if kept.is_ok() {
                        self.local.0.files.end_quietly(room, Quiet::Theirs(picture));
                        let event = Event::Room { room: self.shown.room.clone(), event: RoomEvent::Pictured };
                        self.local.0.outlet.send(event).await;
                    }
                    break;
                }
                Err(fault) => {
                    // What does not come is not asked for again in this run.
                    if self.is_over(fault, &mut backoff).await {
                        break;
                    }
                }
            }
        }
        self.local.0.files.forget(self.number);
    }

    async fn try_to_bring(&mut self, up: &Upload, bytes: Zeroizing<Vec<u8>>) -> Result<Manifest, Fault> {
        let _turn = self.turn().await?;
        self.upload(up, Source::Memory(bytes)).await
    }

    /// Waits for the relay, and then among other pictures of people: who waits for one relay keeps nobody from another.
    async fn turn(&mut self) -> Result<OwnedSemaphorePermit, Fault> {
        self.connection().await?;
        self.local.0.files.quiet_turns().acquire_owned().await.map_err(|_| Fault::Lost)
    }

    /// All of a file that is one part.
    async fn small(&mut self, down: &Download) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let wrong = || Fault::last(false_file(Forgery::Avatar));
        let avatar = down.file.as_avatar().ok_or_else(wrong)?;
        let _turn = self.turn().await?;
        // However the relay spreads it, others have their turn.
        let mut bytes = timeout(FETCHING, self.only_part(down)).await.map_err(|_| Fault::Lost)??;
        bytes.truncate(usize::try_from(avatar.size).unwrap_or_default());
        Ok(bytes)
    }

    /// Waits for the next try; true: there is none.
    async fn is_over(&mut self, fault: Fault, backoff: &mut Backoff) -> bool {
        match fault {
            Fault::Final(_) | Fault::Steered => return true,
            Fault::Lost | Fault::Changed => self.rest(backoff).await,
            Fault::Later(_, after_ms) => self.wait(Duration::from_millis(after_ms)).await,
        }
        false
    }
}
