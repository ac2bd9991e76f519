//! What a device of a person tells the others of itself: its name, since when it is there, when it was in use, and who it is in
//! which room.

use std::collections::BTreeSet;

use proto::RoomId;

use super::Millis;
use crate::{
    content,
    identity::{DeviceId, clean_name},
};

/// Rooms that one device tells of, at most.
pub const MAX_HERE: usize = 256;

/// A day, in milliseconds.
const DAY_MS: u64 = 24 * 3600 * 1000;

/// A day, by its number since 1970-01-01: nobody has to know more exactly when a device is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Day(pub u32);

impl Day {
    /// The day of a time.
    pub fn of(at: Millis) -> Self {
        Self(u32::try_from(at / DAY_MS).unwrap_or(u32::MAX))
    }

    /// Its middle, as Unix milliseconds: shown anywhere on Earth but at its edges, it is that day.
    pub fn noon(self) -> Millis {
        u64::from(self.0) * DAY_MS + DAY_MS / 2
    }
}

/// A device of a person, by its own word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceHere {
    /// What it is called.
    pub name: String,
    /// When it was new.
    pub since: Day,
    /// When it was in use last.
    pub seen: Day,
    /// The rooms that it is in, and its id there: at most [`MAX_HERE`].
    pub rooms: Vec<(RoomId, DeviceId)>,
}

impl From<DeviceHere> for content::DeviceHere {
    fn from(here: DeviceHere) -> Self {
        let room = |(room, device): (RoomId, DeviceId)| content::DeviceRoom {
            room: room.as_bytes().to_vec().into(),
            device: device.0.to_vec().into(),
        };
        Self {
            name: here.name,
            since: here.since.0,
            seen: here.seen.0,
            rooms: here.rooms.into_iter().map(room).collect(),
        }
    }
}

impl DeviceHere {
    /// What a device said at that time. None when it may not be said.
    pub fn read(said: &content::DeviceHere, at: Millis) -> Option<Self> {
        let name = clean_name(&said.name).ok().filter(|name| *name == said.name)?;
        let (since, seen) = (Day(said.since), Day(said.seen));
        // Clocks differ, and the day of one is not that of another.
        let is_early = seen.0 <= Day::of(at).0.saturating_add(1);
        if said.rooms.len() > MAX_HERE || since > seen || !is_early {
            return None;
        }
        let room = |one: &content::DeviceRoom| {
            Some((RoomId::try_from(&*one.room).ok()?, DeviceId((&*one.device).try_into().ok()?)))
        };
        let rooms: Vec<_> = said.rooms.iter().map(room).collect::<Option<_>>()?;
        let differ: BTreeSet<_> = rooms.iter().map(|(room, _)| room.0).collect();
        (differ.len() == rooms.len()).then_some(Self { name, since, seen, rooms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> DeviceHere {
        let room = |n: u8| (RoomId([n; 32]), DeviceId([n; 16]));
        DeviceHere { name: "phone".into(), since: Day(9), seen: Day(10), rooms: (1..=2).map(room).collect() }
    }

    const AT: Millis = 10 * DAY_MS;

    #[test]
    fn what_a_device_says_comes_back() {
        assert_eq!(DeviceHere::read(&here().into(), AT), Some(here()));
        // A day ahead at most.
        assert_eq!(DeviceHere::read(&here().into(), AT - 1), Some(here()));
        assert_eq!(Day::of(Day(7).noon()), Day(7));
    }

    #[test]
    fn hostile_values_are_refused() {
        type Alter = fn(&mut content::DeviceHere);
        let alterations: [(&str, Alter); 8] = [
            ("no name", |said| said.name.clear()),
            ("a name that moves the cursor", |said| said.name = "\u{1b}[2J".into()),
            ("a name of a novel", |said| said.name = "x".repeat(1_000)),
            ("in use before it was there", |said| said.since = 11),
            ("in use in the future", |said| said.seen = 12),
            ("a room twice", |said| said.rooms[1].room = said.rooms[0].room.clone()),
            ("a device that is none", |said| said.rooms[0].device = vec![1; 15].into()),
            ("more rooms than there are", |said| {
                let room = |n: u16| content::DeviceRoom {
                    room: [n.to_be_bytes().as_slice(), &[0; 30]].concat().into(),
                    device: vec![1; 16].into(),
                };
                said.rooms = (0..=MAX_HERE as u16).map(room).collect();
            }),
        ];
        for (what, alter) in alterations {
            let mut said = content::DeviceHere::from(here());
            alter(&mut said);
            assert_eq!(DeviceHere::read(&said, AT), None, "{what}");
        }
    }
}
