//! People with several devices each, linked as people link them.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use client::{
    handle::Runtime,
    runtime::{Config, Event, HandedPast, LinkAnswer, LinkNews, Past, RoomEvent},
    store::{FileKey, Mark, Offer, OpenProfile, ProfileDir, StoreError, Vault},
    transport::{RelayAddress, Transport},
};
use proto::RoomId;
use relay::Relay;
use shared::{
    invite::link::InviteLink,
    room::{Command, Policy},
};
use tokio::time::{sleep, timeout};

use super::network::{Door, Network};
use crate::support::{self, PATIENCE, random};

/// The room in which all of them are at first.
pub(super) const TEAM: &str = "team";

/// How often something is looked at that is awaited.
const LOOK: Duration = Duration::from_millis(25);

/// One of somebody's devices.
pub(super) struct Device {
    /// What its profile is called.
    pub(super) name: String,
    /// Whose it is.
    pub(super) person: usize,
    /// None while it does not run.
    pub(super) runtime: Option<Runtime>,
    /// What it has stored, while it runs.
    pub(super) vault: Option<Vault>,
    /// Whether it is online.
    pub(super) door: Door,
    /// Another device of the person has taken it out.
    pub(super) is_removed: bool,
    seen: Arc<Mutex<Vec<Event>>>,
}

impl Device {
    fn new(name: String, person: usize) -> Self {
        Self {
            name,
            person,
            runtime: None,
            vault: None,
            door: Door::open(),
            is_removed: false,
            seen: Arc::default(),
        }
    }

    /// It runs, and the relay is there for it.
    pub(super) fn is_online(&self) -> bool {
        self.runtime.is_some() && self.door.is_open()
    }

    /// The first event from now on that is the one that is awaited.
    async fn until<T>(
        &self,
        from: usize,
        patience: Duration,
        found: impl Fn(&Event) -> Option<T>,
    ) -> Option<T> {
        let search = async {
            loop {
                if let Some(found) = self.seen.lock().unwrap().iter().skip(from).find_map(&found) {
                    return found;
                }
                sleep(LOOK).await;
            }
        };
        timeout(patience, search).await.ok()
    }

    async fn news<T>(&self, found: impl Fn(&LinkNews) -> Option<T>) -> T {
        let found = |event: &Event| match event {
            Event::Linking(news) => found(news),
            _ => None,
        };
        let news = self.until(0, PATIENCE, found).await;
        news.unwrap_or_else(|| panic!("{} waits in vain; seen: {:#?}", self.name, self.seen.lock().unwrap()))
    }

    /// A link into a room, if it is made soon.
    pub(super) async fn link(&self, room: &str) -> Option<InviteLink> {
        let from = self.seen.lock().unwrap().len();
        self.runtime.as_ref()?.tell(room, Command::INVITE).await.ok()?;
        let made = |event: &Event| match event {
            Event::Room { room: of, event: RoomEvent::Invite { link, .. } } if &**of == room => {
                Some(link.clone())
            }
            _ => None,
        };
        self.until(from, Duration::from_secs(10), made).await
    }
}

/// All of them, at one relay.
pub(super) struct Cast {
    pub(super) devices: Vec<Device>,
    network: Network,
    relay: Relay,
    dir: PathBuf,
}

impl Cast {
    /// People with so many devices each, all in one room.
    pub(super) async fn meet(dir: &Path, people: &[(&str, usize)]) -> Self {
        let relay = support::relay(&dir.join("relay"), 0).await;
        let network = Network::before(relay.addresses()[0].port()).await;
        let mut cast = Self { devices: Vec::new(), network, relay, dir: dir.to_owned() };
        let mut link = None;
        for (person, (name, count)) in people.iter().enumerate() {
            let first = cast.devices.len();
            cast.devices.push(Device::new(format!("{name} 0"), person));
            cast.start_as(first, Some(name)).await;
            let runtime = cast.devices[first].runtime.clone().unwrap();
            runtime.name_device(&format!("{name} 0")).await.unwrap();
            match &link {
                None => {
                    runtime.create(TEAM, Some(cast.address()), Policy::default()).await.unwrap();
                    cast.is_in(first, TEAM).await;
                    link = cast.devices[first].link(TEAM).await;
                }
                Some(link) => {
                    runtime.join(link).await.unwrap();
                    cast.is_in(first, TEAM).await;
                }
            }
            for other in 1..*count {
                cast.link(first, &format!("{name} {other}")).await;
            }
        }
        cast
    }

    /// Where everybody finds the relay.
    pub(super) fn address(&self) -> RelayAddress {
        RelayAddress::new("127.0.0.1", self.network.port).unwrap()
    }

    /// Ends everything.
    pub(super) async fn part(mut self) {
        for at in 0..self.devices.len() {
            self.stop(at).await;
        }
        self.relay.shutdown().await;
    }

    pub(super) async fn stop(&mut self, at: usize) {
        self.devices[at].vault = None;
        if let Some(runtime) = self.devices[at].runtime.take() {
            runtime.shutdown().await;
        }
    }

    pub(super) async fn start(&mut self, at: usize) {
        self.start_as(at, None).await;
    }

    async fn start_as(&mut self, at: usize, name: Option<&str>) {
        let place = self.place(&self.devices[at].name);
        let profile = OpenProfile::open(place, name, random()).unwrap();
        self.run(at, profile).await;
        let runtime = self.devices[at].runtime.as_ref().unwrap();
        // Whoever is in no room has nobody to dial.
        if !runtime.devices().await.unwrap().is_empty() {
            self.network.has_come().await;
        }
    }

    async fn run(&mut self, at: usize, profile: OpenProfile) {
        let config = Config {
            transport: Transport::new(None).unwrap().trusting_first_use(),
            relay: Some(self.address()),
            own: None,
            past: Past::Nothing,
            only: None,
            downloads: None,
            keeps_metadata: false,
            fetches_images: false,
            tells_drafts: false,
            tap: None,
        };
        let device = &mut self.devices[at];
        device.vault = Some(profile.vault.clone());
        self.network.expect(Some(device.door.clone()));
        let (runtime, mut events) = Runtime::start(profile, config).await.unwrap();
        device.runtime = Some(runtime);
        let seen = device.seen.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                seen.lock().unwrap().push(event);
            }
        });
    }

    fn place(&self, name: &str) -> ProfileDir {
        ProfileDir::choose(Some(self.dir.join(name))).unwrap()
    }

    /// Until a device is in a room.
    pub(super) async fn is_in(&self, at: usize, room: &str) {
        let runtime = self.devices[at].runtime.as_ref().unwrap();
        let entered = async {
            while runtime.view(room).is_none() {
                sleep(LOOK).await;
            }
        };
        if timeout(PATIENCE, entered).await.is_err() {
            panic!("{} waits in vain for {room}\n{}", self.devices[at].name, self.all());
        }
    }

    /// What every device knows, for whoever reads why a test failed.
    pub(super) fn all(&self) -> String {
        let mut all = String::new();
        for device in &self.devices {
            let _ = writeln!(all, "== {}", device.name);
            if let Some(runtime) = &device.runtime {
                let _ = writeln!(all, "rooms: {:#?}", runtime.rooms());
            }
            if let Some(vault) = &device.vault {
                let kept = vault.now(|store| {
                    Ok((store.offers()?, store.unsynced()?, store.entered_rooms()?, store.device_ways()?))
                });
                let _ = writeln!(all, "offers, unsynced, entered, ways: {kept:#?}");
                let said = vault.now(|store| Ok((store.devices_here()?, store.device_told()?)));
                let _ = writeln!(all, "said: {said:#?}");
            }
            let _ = writeln!(all, "seen: {:#?}", device.seen.lock().unwrap());
        }
        all
    }

    /// Links a new device to the one at `old`, and waits until it is in.
    pub(super) async fn link(&mut self, old: usize, name: &str) {
        let at = self.hand_over(old, name).await;
        self.start(at).await;
        let runtime = self.devices[at].runtime.clone().unwrap();
        runtime.name_device(name).await.unwrap();
        self.is_in(at, TEAM).await;
    }

    /// Links one, which has all of the account then, and entered no room yet.
    pub(super) async fn hand_over(&mut self, old: usize, name: &str) -> usize {
        let at = self.devices.len();
        self.devices.push(Device::new(name.to_owned(), self.devices[old].person));
        let profile =
            OpenProfile::open_to_link::<StoreError>(self.place(name), random(), &FileKey, || Ok(false))
                .unwrap();
        self.run(at, profile).await;
        let (new, old) = (&self.devices[at], &self.devices[old]);
        new.runtime.as_ref().unwrap().link(None, Some(self.address())).await.unwrap();
        let code = new.news(|news| match news {
            LinkNews::Code { link, .. } => Some(link.to_string()),
            _ => None,
        });
        // What is told of an earlier linking is not meant.
        old.seen.lock().unwrap().clear();
        let (code, runtime) = (code.await, old.runtime.as_ref().unwrap());
        runtime.link(Some(code), None).await.unwrap();
        let digits = old.news(|news| match news {
            LinkNews::Compare { agreed, .. } => Some(agreed.phrase.digits()),
            _ => None,
        });
        let yes = LinkAnswer::Confirm { digits: digits.await, past: HandedPast::default() };
        runtime.answer_link(yes).await.unwrap();
        new.news(|news| matches!(news, LinkNews::Received { .. }).then_some(())).await;
        old.news(|news| matches!(news, LinkNews::Done).then_some(())).await;
        self.stop(at).await;
        at
    }

    /// Until something is so, which is so soon; true unless it takes far too long.
    pub(super) async fn comes_to(&self, is_so: impl AsyncFn() -> bool) -> bool {
        let waits = async {
            while !is_so().await {
                sleep(LOOK).await;
            }
        };
        timeout(Duration::from_secs(30), waits).await.is_ok()
    }

    /// A way into a room that a device of somebody makes for another one: as soon as it is there, nobody has heard of it yet.
    pub(super) async fn offered(&self, by: usize, count: usize) -> Vec<Offer> {
        let made = || {
            let marks = self.devices[by].vault.as_ref().unwrap().now(|store| store.unsynced()).unwrap();
            let offers = marks.into_iter().filter_map(|mark| match mark {
                Mark::Entered(offer) => Some(offer),
                _ => None,
            });
            offers.collect::<Vec<_>>()
        };
        assert!(self.comes_to(async || made().len() == count).await, "no ways in are made");
        made()
    }

    /// A device that was taken out tries a way in. True: it is in.
    pub(super) async fn gets_in(&self, at: usize, link: &InviteLink) -> bool {
        let runtime = self.devices[at].runtime.as_ref().unwrap();
        let Ok(label) = runtime.join(link).await else { return false };
        let decided =
            async || runtime.room(&label).is_ok_and(|room| room.view.is_some() || room.over.is_some());
        let is_known = async || runtime.room(&label).is_err() || decided().await;
        assert!(self.comes_to(is_known).await, "nobody says whether it is in");
        runtime.view(&label).is_some()
    }

    /// The devices of one person that were not taken out.
    pub(super) fn of(&self, person: usize) -> Vec<usize> {
        let of = |device: &Device| device.person == person && !device.is_removed;
        (0..self.devices.len()).filter(|at| of(&self.devices[*at])).collect()
    }

    /// What a device calls a room.
    pub(super) fn label(&self, at: usize, room: RoomId) -> Option<String> {
        let rooms = self.devices[at].runtime.as_ref()?.rooms();
        rooms.into_iter().find(|one| one.id == room && one.over.is_none()).map(|one| one.label)
    }
}
