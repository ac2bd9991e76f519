//! A life of some people with several devices each: what they do, in an order that a number decides.

use std::{path::Path, time::Duration};

use client::{runtime::RoomStatus, store::Cursor};
use shared::room::{Command, Policy};
use tokio::time::{Instant, sleep, timeout};

use super::{cast::Cast, judge::all_agree};

/// Rooms that are made beside the first one.
const ROOMS: usize = 3;

/// How long somebody waits for a room that may never come.
const MOMENT: Duration = Duration::from_secs(10);

/// Numbers that a seed decides.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        (!of.is_empty()).then(|| of[self.below(of.len())].clone())
    }
}

pub(super) struct Life {
    cast: Cast,
    chance: Chance,
    told: Vec<String>,
    rooms: usize,
    began: Instant,
}

/// Lives one, and says what is wrong in the end.
pub(super) async fn live(dir: &Path, seed: u64, steps: usize) -> Result<(), String> {
    let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    (0..8).for_each(|_| _ = chance.below(2));
    let cast = Cast::meet(dir, &[("ann", 2 + chance.below(2)), ("bob", 2), ("cid", 1)]).await;
    let mut life = Life { cast, chance, told: Vec::new(), rooms: 0, began: Instant::now() };
    all_agree(&life.cast).await.map_err(|wrong| format!("seed {seed}, at the beginning: {wrong}"))?;
    life.began = Instant::now();
    for _ in 0..steps {
        life.step().await;
    }
    let judged = life.end().await;
    let told = life.told.join("\n");
    if judged.is_err() && std::env::var_os("SCHAT_TELL").is_some() {
        eprintln!("seed {seed}:\n{}", life.cast.all());
    }
    life.cast.part().await;
    judged.map_err(|wrong| format!("seed {seed}: {wrong}\nwhat was done:\n{told}"))
}

impl Life {
    fn tell(&mut self, what: &str) {
        let line = format!("{:>6} {what}", self.began.elapsed().as_millis());
        if std::env::var_os("SCHAT_TELL").is_some() {
            eprintln!("{line}");
        }
        self.told.push(line);
    }

    /// Somebody who runs does something, or comes, or goes.
    async fn step(&mut self) {
        let alive: Vec<usize> =
            (0..self.cast.devices.len()).filter(|at| !self.cast.devices[*at].is_removed).collect();
        let Some(at) = self.chance.one(&alive) else { return };
        if self.cast.devices[at].runtime.is_none() {
            return self.comes(at).await;
        }
        match self.chance.below(20) {
            0..=2 => self.says(at).await,
            3..=5 => self.reads(at).await,
            6 | 7 => self.marks(at).await,
            8 => self.verifies(at).await,
            9 => self.renames(at).await,
            10 => self.makes(at).await,
            11 | 12 => self.joins(at).await,
            13 => self.leaves(at).await,
            14 => self.removes(at).await,
            15 => self.takes_out(at).await,
            16 | 17 => self.opens(at),
            18 => self.goes(at).await,
            _ => {
                let moment = Duration::from_millis(100 * self.chance.below(25) as u64);
                self.tell(&format!("{moment:?} pass"));
                // What is done is told together with what is done within two seconds: that must not be all of it.
                sleep(moment).await;
            }
        }
    }

    fn name(&self, at: usize) -> String {
        self.cast.devices[at].name.clone()
    }

    /// A room in which a device is.
    fn room(&mut self, at: usize) -> Option<RoomStatus> {
        let rooms = self.cast.devices[at].runtime.as_ref()?.rooms();
        let rooms: Vec<_> =
            rooms.into_iter().filter(|one| one.over.is_none() && one.view.is_some()).collect();
        self.chance.one(&rooms)
    }

    async fn says(&mut self, at: usize) {
        let Some(room) = self.room(at) else { return };
        let text = format!("line {}", self.told.len());
        self.tell(&format!("{} says {text} in {}", self.name(at), room.label));
        self.ask(at, &room, Command::Send { token: String::new(), text }).await;
    }

    async fn ask(&mut self, at: usize, room: &RoomStatus, command: Command) {
        let runtime = self.cast.devices[at].runtime.clone().unwrap();
        if let Err(why) = runtime.tell(&room.label, command).await {
            self.tell(&format!("  no: {why:?}"));
        }
    }

    async fn reads(&mut self, at: usize) {
        let Some(room) = self.room(at) else { return };
        let runtime = self.cast.devices[at].runtime.clone().unwrap();
        let last = runtime.history_before(&room.label, u64::MAX, 1).await.unwrap();
        let Some(line) = last.last() else { return };
        let seq = line.message.seq;
        self.tell(&format!("{} has read {} to {seq}", self.name(at), room.label));
        runtime.ack_at(&room.label, &Cursor::read(), seq).await.unwrap();
    }

    async fn marks(&mut self, at: usize) {
        let Some(room) = self.room(at) else { return };
        let (runtime, is) = (self.cast.devices[at].runtime.clone().unwrap(), self.chance.below(2) == 0);
        match self.chance.below(2) {
            0 => {
                self.tell(&format!("{} mutes {}: {is}", self.name(at), room.label));
                runtime.mute(&room.label, is).await.unwrap();
            }
            _ => {
                self.tell(&format!("{} pins {}: {is}", self.name(at), room.label));
                runtime.pin(&room.label, is).await.unwrap();
            }
        }
    }

    async fn verifies(&mut self, at: usize) {
        let Some(room) = self.room(at) else { return };
        let people: Vec<_> = room.view.unwrap().others().map(|member| member.person.clone()).collect();
        let Some(who) = self.chance.one(&people) else { return };
        let is = self.chance.below(3) > 0;
        self.tell(&format!("{} verified {}: {is}", self.name(at), who.name));
        self.cast.devices[at].runtime.as_ref().unwrap().mark(&who, is).await.unwrap();
    }

    async fn renames(&mut self, at: usize) {
        let name = format!("{} {}", self.name(at), self.told.len());
        self.tell(&format!("{} is called {name}", self.name(at)));
        // A room that ends meanwhile takes no name.
        if let Err(why) = self.cast.devices[at].runtime.as_ref().unwrap().name_device(&name).await {
            self.tell(&format!("  no: {why:?}"));
        }
    }

    async fn makes(&mut self, at: usize) {
        if self.rooms == ROOMS {
            return;
        }
        self.rooms += 1;
        let name = format!("room {}", self.rooms);
        self.tell(&format!("{} makes {name}", self.name(at)));
        let (runtime, relay) = (self.cast.devices[at].runtime.clone().unwrap(), self.cast.address());
        runtime.create(&name, Some(relay), Policy::default()).await.unwrap();
    }

    /// Somebody who is not there is let in.
    async fn joins(&mut self, at: usize) {
        let online = |cast: &Cast, at: usize| cast.devices[at].is_online() && !cast.devices[at].is_removed;
        let Some(room) = self.room(at).filter(|_| online(&self.cast, at)) else { return };
        let me = self.cast.devices[at].person;
        let others: Vec<usize> = (0..self.cast.devices.len())
            .filter(|other| self.cast.devices[*other].person != me && online(&self.cast, *other))
            .filter(|other| self.cast.label(*other, room.id).is_none())
            .collect();
        let Some(other) = self.chance.one(&others) else { return };
        self.tell(&format!("{} lets {} into {}", self.name(at), self.name(other), room.label));
        let Some(link) = self.cast.devices[at].link(&room.label).await else {
            return self.tell("  no link");
        };
        let runtime = self.cast.devices[other].runtime.clone().unwrap();
        let said = match timeout(MOMENT, runtime.join(&link)).await {
            Ok(Ok(label)) => format!("  it enters {label}"),
            Ok(Err(why)) => format!("  no: {why:?}"),
            Err(_) => "  late".to_owned(),
        };
        self.tell(&said);
    }

    async fn leaves(&mut self, at: usize) {
        let Some(room) = self.room(at) else { return };
        self.tell(&format!("{} leaves {}", self.name(at), room.label));
        self.ask(at, &room, Command::LeaveAll).await;
    }

    /// A person takes another one out.
    async fn removes(&mut self, at: usize) {
        let Some(room) = self.room(at) else { return };
        let people: Vec<_> =
            room.view.as_ref().unwrap().others().map(|member| member.person.clone()).collect();
        let Some(who) = self.chance.one(&people) else { return };
        self.tell(&format!("{} removes {} from {}", self.name(at), who.name, room.label));
        self.ask(at, &room, Command::Remove(who.fingerprint)).await;
    }

    /// A person with three devices takes one out.
    async fn takes_out(&mut self, at: usize) {
        let mut mine = self.cast.of(self.cast.devices[at].person);
        mine.retain(|other| *other != at);
        if mine.len() < 2 {
            return;
        }
        let Some(other) = self.chance.one(&mine) else { return };
        let runtime = self.cast.devices[at].runtime.clone().unwrap();
        // What it is called in the room of the team, or was: by that the person finds it.
        let first = self.cast.devices[other].name.clone();
        let all = runtime.devices().await.unwrap();
        let Some(meant) = all.iter().find(|one| one.is_hidden && !one.is_me && one.name.starts_with(&first))
        else {
            return;
        };
        self.tell(&format!("{} takes out {first}", self.name(at)));
        match runtime.remove_device(&meant.id.to_string()).await {
            Ok(_) => self.cast.devices[other].is_removed = true,
            Err(why) => self.tell(&format!("  no: {why:?}")),
        }
    }

    fn opens(&mut self, at: usize) {
        let is_open = !self.cast.devices[at].door.is_open();
        self.cast.devices[at].door.set(is_open);
        self.tell(&format!("{} is {}", self.name(at), if is_open { "online" } else { "offline" }));
    }

    async fn goes(&mut self, at: usize) {
        self.tell(&format!("{} ends", self.name(at)));
        self.cast.stop(at).await;
    }

    async fn comes(&mut self, at: usize) {
        self.tell(&format!("{} starts", self.name(at)));
        self.cast.start(at).await;
    }

    /// All come online; then all devices of a person show the same, and nobody who was taken out hears anything more.
    async fn end(&mut self) -> Result<(), String> {
        self.tell("all come online");
        for at in 0..self.cast.devices.len() {
            self.cast.devices[at].door.set(true);
            if self.cast.devices[at].runtime.is_none() {
                self.cast.start(at).await;
            }
        }
        all_agree(&self.cast).await?;
        self.removed_hear_nothing().await
    }

    async fn removed_hear_nothing(&mut self) -> Result<(), String> {
        let (gone, there): (Vec<usize>, Vec<usize>) =
            (0..self.cast.devices.len()).partition(|at| self.cast.devices[*at].is_removed);
        for at in &there {
            let runtime = self.cast.devices[*at].runtime.clone().unwrap();
            for room in runtime.rooms().into_iter().filter(|room| room.over.is_none()) {
                let text = format!("last {at}");
                self.ask(*at, &room, Command::Send { token: String::new(), text }).await;
            }
        }
        all_agree(&self.cast).await?;
        for at in gone {
            let runtime = self.cast.devices[at].runtime.clone().unwrap();
            for room in runtime.rooms() {
                let lines = runtime.history(&room.label, 0, 1_000).await.unwrap_or_default();
                let heard = lines.iter().any(|line| line.message.text.starts_with("last "));
                // What it made by itself where nobody heard of it is its own.
                let is_among = room.over.is_none() && room.view.is_some_and(|view| view.members.len() > 1);
                if heard || is_among {
                    return Err(format!("{} was taken out, and is in {}", self.name(at), room.label));
                }
            }
        }
        Ok(())
    }
}
