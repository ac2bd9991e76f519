//! What all devices of a person must show in the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use client::{
    handle::Runtime,
    store::{Cursor, Over},
};
use tokio::time::{Instant, sleep};

use super::cast::Cast;

/// How often it is looked whether all is the same everywhere.
const LOOK: Duration = Duration::from_millis(500);

/// So long it may take until it is.
const PATIENCE: Duration = Duration::from_secs(90);

/// So long it must stay the same: what was done is told within two seconds, and what follows from it within two more.
const STAYS: Duration = Duration::from_secs(5);

/// More than is said in a life.
const LINES: u32 = 1_000;

/// Until all devices of each person show the same; else where they do not.
pub(super) async fn all_agree(cast: &Cast) -> Result<(), String> {
    let end = Instant::now() + PATIENCE;
    let mut since = None;
    loop {
        let wrong = wrong(cast).await;
        match (wrong, since) {
            (None, None) => since = Some(Instant::now()),
            (None, Some(since)) if Instant::now() - since > STAYS => return Ok(()),
            (None, Some(_)) => {}
            (Some(wrong), _) if Instant::now() > end => return Err(wrong),
            (Some(_), _) => since = None,
        }
        sleep(LOOK).await;
    }
}

/// What is not the same at two devices of a person.
async fn wrong(cast: &Cast) -> Option<String> {
    let people: BTreeSet<usize> = cast.devices.iter().map(|device| device.person).collect();
    for person in people {
        let mut first: Option<(&str, Shown)> = None;
        for at in cast.of(person) {
            let device = &cast.devices[at];
            let shown = Shown::at(device.runtime.as_ref()?).await;
            match &first {
                None => first = Some((&device.name, shown)),
                Some((name, first)) => {
                    if let Some(wrong) = first.differs(&shown) {
                        return Some(format!("{name} and {} differ in\n  {wrong}", device.name));
                    }
                }
            }
        }
    }
    None
}

/// What a person sees at one device.
#[derive(Debug)]
pub(super) struct Shown {
    rooms: BTreeMap<[u8; 32], Room>,
    /// Rooms that were left; all others that are over here.
    left: BTreeSet<[u8; 32]>,
    over: BTreeSet<[u8; 32]>,
    verified: Vec<String>,
    /// In which room, its id, what it is called, and which device it is.
    devices: BTreeSet<(String, String, String, String)>,
}

#[derive(Debug)]
struct Room {
    is_muted: bool,
    is_pinned: bool,
    people: BTreeSet<String>,
    /// Of others, and whether it was read.
    lines: BTreeMap<u64, bool>,
}

impl Shown {
    pub(super) async fn at(runtime: &Runtime) -> Self {
        let (mut rooms, mut left, mut over) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        for status in runtime.rooms() {
            let Some(view) = status.view.filter(|_| status.over.is_none()) else {
                let set = if status.over == Some(Over::Left) { &mut left } else { &mut over };
                set.insert(status.id.0);
                continue;
            };
            let read = runtime.acked(&status.label, &Cursor::read()).await.unwrap_or_default();
            let lines = runtime.history(&status.label, 0, LINES).await.unwrap_or_default();
            let others = lines.iter().filter(|line| !line.message.mine);
            let room = Room {
                is_muted: status.is_muted,
                is_pinned: status.is_pinned,
                people: view.members.iter().map(|member| member.person.fingerprint.to_string()).collect(),
                lines: others.map(|line| (line.message.seq, line.message.seq <= read)).collect(),
            };
            rooms.insert(status.id.0, room);
        }
        let mut devices = BTreeSet::new();
        for one in runtime.devices().await.unwrap_or_default() {
            let room = runtime.room(&one.room).map(|room| format!("{:?}", room.id)).unwrap_or_default();
            let of = one.of.map(|of| of.to_string()).unwrap_or_default();
            devices.insert((room, one.id.to_string(), one.name, of));
        }
        let people = runtime.people().await.unwrap_or_default();
        let verified = people.iter().filter(|known| known.verified_at.is_some());
        let verified = verified.map(|known| known.fingerprint.to_string()).collect();
        Self { rooms, left, over, verified, devices }
    }

    /// Where two devices of a person do not show the same.
    pub(super) fn differs(&self, other: &Self) -> Option<String> {
        let mut wrong = Vec::new();
        let ids = |shown: &Self| shown.rooms.keys().copied().collect::<BTreeSet<_>>();
        let differs = |what: &str, one: &dyn std::fmt::Debug, other: &dyn std::fmt::Debug| {
            format!("{what}: {one:?} and {other:?}")
        };
        if ids(self) != ids(other) {
            let short = |shown: &Self| {
                let of = |set: &BTreeSet<[u8; 32]>| set.iter().map(|id| id[0]).collect::<Vec<_>>();
                (of(&ids(shown)), of(&shown.left), of(&shown.over))
            };
            wrong.push(differs("rooms (in, left, over)", &short(self), &short(other)));
        }
        if self.left.intersection(&other.over).chain(other.left.intersection(&self.over)).next().is_some() {
            wrong.push("a room was left at one, and is over at the other".to_owned());
        }
        if self.verified != other.verified {
            wrong.push(differs("verified", &self.verified, &other.verified));
        }
        if self.devices != other.devices {
            let one: Vec<_> = self.devices.difference(&other.devices).collect();
            let two: Vec<_> = other.devices.difference(&self.devices).collect();
            wrong.push(differs("devices", &one, &two));
        }
        for (id, room) in &self.rooms {
            let Some(there) = other.rooms.get(id) else { continue };
            let marks = |room: &Room| (room.is_muted, room.is_pinned);
            if marks(room) != marks(there) {
                wrong.push(differs(&format!("{} muted, pinned", id[0]), &marks(room), &marks(there)));
            }
            if room.people != there.people {
                wrong.push(differs(&format!("{} people", id[0]), &room.people, &there.people));
            }
            let both = |one: &Room, other: &Room| -> Vec<(u64, bool)> {
                let lines = one.lines.iter().filter(|(seq, _)| other.lines.contains_key(seq));
                lines.map(|(seq, is_read)| (*seq, *is_read)).collect()
            };
            let (mine, theirs) = (both(room, there), both(there, room));
            if mine != theirs {
                wrong.push(differs(&format!("{} read", id[0]), &mine, &theirs));
            }
        }
        (!wrong.is_empty()).then(|| wrong.join("\n  "))
    }
}
