//! Somebody with a profile and a runtime, as in the real client.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use proto::relay::RelayFrame;
use shared::{
    identity::Fingerprint,
    invite::link::InviteLink,
    room::{self as engine, Command, GroupView},
};
use tokio::{sync::mpsc, time::timeout};

use super::{
    Stop,
    attack::Snapshot,
    own_relay::{DemoRelay, PATIENCE},
};
use crate::{
    cli::random::random,
    failure::{Exit, Failure},
    handle::Runtime,
    runtime::{Config, Event, Past, RoomEvent},
    store::{OpenProfile, ProfileDir, Vault},
    transport::Transport,
};

pub(super) struct Person {
    name: String,
    dir: PathBuf,
    runtime: Runtime,
    events: mpsc::Receiver<Event>,
    vault: Vault,
    profile: engine::Profile,
    /// Text and speaker of each message that arrived.
    heard: Vec<(String, String)>,
    /// The room is over.
    out: bool,
}

impl Person {
    /// Opens the profile of that name below `dir` (or `dir` itself when it is one) and starts a runtime.
    pub(super) async fn enter(
        dir: &Path,
        name: &str,
        place: &DemoRelay,
        tap: Option<mpsc::Sender<RelayFrame>>,
    ) -> Result<Self, Stop> {
        let dir = if dir.ends_with(name) { dir.to_owned() } else { dir.join(name) };
        let chosen = ProfileDir::choose(Some(dir.clone())).map_err(|error| Failure::from(error).message)?;
        let open =
            OpenProfile::open(chosen, Some(name), random()).map_err(|error| Failure::from(error).message)?;
        let (vault, profile) = (open.vault.clone(), open.engine.clone());
        let transport = Transport::new(None).map_err(|error| error.to_string())?;
        let config = Config {
            transport,
            relay: None,
            own: Some(place.own.clone()),
            past: Past::Nothing,
            only: None,
            downloads: None,
            keeps_metadata: false,
            fetches_images: false,
            tells_drafts: false,
            tap,
        };
        let (runtime, events) =
            Runtime::start(open, config).await.map_err(|reason| Failure::from(reason).message)?;
        Ok(Self {
            name: name.to_owned(),
            dir,
            runtime,
            events,
            vault,
            profile,
            heard: Vec::new(),
            out: false,
        })
    }

    pub(super) fn dir(&self) -> PathBuf {
        self.dir.clone()
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.profile.identity.fingerprint()
    }

    pub(super) async fn create(&self, room: &str) -> Result<(), Stop> {
        self.runtime.create_own(room).await.map(drop).map_err(|reason| Failure::from(reason).message)
    }

    pub(super) async fn join(&self, link: &InviteLink) -> Result<(), Stop> {
        self.runtime.join(link).await.map(drop).map_err(|reason| Failure::from(reason).message)
    }

    /// The relay knows nothing of the link.
    pub(super) async fn is_refused(&self, link: &InviteLink) -> Result<bool, Stop> {
        match self.runtime.join(link).await {
            Ok(_) => Ok(false),
            Err(reason) if reason.exit() == Exit::Refused => Ok(true),
            Err(reason) => Err(Failure::from(reason).message),
        }
    }

    pub(super) async fn link(&mut self, room: &str) -> Result<InviteLink, Stop> {
        self.tell(room, Command::INVITE).await?;
        self.until("an invite link", |_, event| match event {
            Some(Event::Room { event: RoomEvent::Invite { link, .. }, .. }) => Some(link.clone()),
            _ => None,
        })
        .await
    }

    pub(super) async fn say(&self, room: &str, text: &str) -> Result<(), Stop> {
        self.tell(room, Command::Send { token: String::new(), text: text.to_owned() }).await
    }

    pub(super) async fn remove(&self, room: &str, who: Fingerprint) -> Result<(), Stop> {
        self.tell(room, Command::Remove(who)).await
    }

    pub(super) async fn hears(&mut self, text: &str, from: &str) -> Result<(), Stop> {
        let line = (text.to_owned(), from.to_owned());
        self.until(text, |this, _| this.heard.contains(&line).then_some(())).await
    }

    pub(super) async fn is_out(&mut self, _room: &str) -> Result<(), Stop> {
        self.until("the end of the room", |this, _| this.out.then_some(())).await
    }

    /// The group, once it has `count` members.
    pub(super) async fn members(&mut self, room: &str, count: usize) -> Result<Arc<GroupView>, Stop> {
        self.until(&format!("{count} members"), |this, _| {
            let view = this.runtime.view(room)?;
            (view.members.len() == count).then_some(view)
        })
        .await
    }

    /// All that this device has stored of the room.
    pub(super) async fn snapshot(&self, room: &str) -> Result<Snapshot, Stop> {
        let records = self.vault.run(|store| store.rooms()).await.map_err(|error| error.to_string())?;
        let id = records.into_iter().find(|record| record.label == room).map(|record| record.id);
        let id = id.ok_or_else(|| format!("{} has no room", self.name))?;
        let rows = self.vault.run(move |store| store.rows(id)).await.map_err(|error| error.to_string())?;
        Snapshot::new(self.profile.clone(), rows)
    }

    /// Ends the runtime; the profile stays on the disk.
    pub(super) async fn go(self) {
        let Self { runtime, events, vault, .. } = self;
        drop((events, vault));
        runtime.shutdown().await;
    }

    async fn tell(&self, room: &str, command: Command) -> Result<(), Stop> {
        self.runtime.tell(room, command).await.map_err(|reason| Failure::from(reason).message)
    }

    /// Takes events until `found` says so.
    async fn until<T>(
        &mut self,
        what: &str,
        mut found: impl FnMut(&Self, Option<&Event>) -> Option<T>,
    ) -> Result<T, Stop> {
        if let Some(found) = found(self, None) {
            return Ok(found);
        }
        let name = self.name.clone();
        let search = async {
            while let Some(event) = self.events.recv().await {
                self.take(&event);
                if let Some(found) = found(self, Some(&event)) {
                    return Some(found);
                }
            }
            None
        };
        let ended = timeout(PATIENCE, search).await;
        ended.ok().flatten().ok_or_else(|| format!("{name} waits in vain for {what}"))
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Room { event: RoomEvent::Engine(engine::Event::Message(message)), .. } => {
                self.heard.push((message.text.clone(), message.from.name.clone()));
            }
            Event::Room { event: RoomEvent::Engine(engine::Event::Closed { .. }), .. } => self.out = true,
            _ => {}
        }
    }
}
