//! Which device somebody means.

use std::collections::BTreeSet;

use shared::identity::{DeviceId, names::fold};

use super::OwnDevice;
use crate::reason::{DeviceReason, Reason};

/// Fewer signs of an id are no id: somebody may call a device so.
const FEWEST: usize = 8;

/// The device that is meant, in all rooms that it is in: by its name, or by its id or the beginning of that. An id goes before a name,
/// which anybody can take.
///
/// # Errors
/// [`Reason`] when there is none, several may be meant, or it is this one.
pub fn meant(devices: Vec<OwnDevice>, named: &str) -> Result<Vec<OwnDevice>, Reason> {
    let begins = named.to_lowercase();
    let is_beginning = begins.len() >= FEWEST && begins.chars().all(|sign| sign.is_ascii_hexdigit());
    let ids = devices
        .iter()
        .map(OwnDevice::whole_id)
        .filter(|id| is_beginning && id.to_string().starts_with(&begins));
    let ids: BTreeSet<DeviceId> = ids.collect();
    if ids.len() > 1 {
        return Err(several(named, devices.iter().filter(|one| ids.contains(&one.whole_id()))));
    }
    let by_id = named.parse::<DeviceId>().ok().or_else(|| ids.first().copied());
    let fits = |one: &OwnDevice| match by_id {
        Some(id) => one.id == id || one.of == Some(id),
        None => fold(&one.name) == fold(named),
    };
    // It may be called otherwise in a room that has not heard of its name.
    let of: BTreeSet<DeviceId> = match by_id {
        Some(_) => BTreeSet::new(),
        None => devices.iter().filter(|one| fits(one)).filter_map(|one| one.of).collect(),
    };
    let is_of = |one: &OwnDevice| one.of.is_some_and(|device| of.contains(&device));
    let found: Vec<OwnDevice> = devices.into_iter().filter(|one| fits(one) || is_of(one)).collect();
    if found.is_empty() {
        return Err(DeviceReason::Unknown(named.to_owned()).into());
    }
    let others: Vec<OwnDevice> = found.iter().filter(|one| !one.is_me).cloned().collect();
    if others.is_empty() {
        return Err(DeviceReason::ThisOne.into());
    }
    let is_twice = |one: &OwnDevice| found.iter().filter(|other| other.room == one.room).count() > 1;
    match by_id.is_none() && (of.len() > 1 || found.iter().any(is_twice)) {
        true => Err(several(named, found.iter())),
        false => Ok(others),
    }
}

fn several<'a>(named: &str, those: impl Iterator<Item = &'a OwnDevice>) -> Reason {
    let ids: BTreeSet<String> = those.map(OwnDevice::short_id).collect();
    DeviceReason::Several { named: named.to_owned(), ids: ids.into_iter().collect() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(room: &str, id: u8, name: &str, is_me: bool) -> OwnDevice {
        let (room, name) = (room.to_owned(), name.to_owned());
        let id = DeviceId([id; 16]);
        OwnDevice { room, id, name, is_me, since: 0, goes: false, is_hidden: false, of: None, seen: 0 }
    }

    #[test]
    fn device_that_said_who_it_is_goes_from_all_rooms_whatever_they_call_it() {
        let of = |one: OwnDevice, of: u8| OwnDevice { of: Some(DeviceId([of; 16])), ..one };
        let all = || {
            vec![
                of(device("own", 11, "phone", false), 11),
                of(device("team", 1, "phone", false), 11),
                of(device("zoo", 2, "old name", false), 11),
                of(device("own", 12, "tablet", false), 12),
                // It calls itself as another one does.
                of(device("bar", 3, "phone", false), 13),
                of(device("zoo", 4, "laptop", true), 14),
            ]
        };
        let ids =
            |named: &str| meant(all(), named).unwrap().iter().map(|one| one.id.0[0]).collect::<Vec<_>>();
        assert_eq!(ids("old name"), [11, 1, 2]);
        assert_eq!(ids(&DeviceId([11; 16]).to_string()), [11, 1, 2]);
        assert_eq!(ids(&DeviceId([2; 16]).to_string()), [2]);
        assert!(meant(all(), "phone").is_err());
        // What the list shows of it, whatever others call themselves.
        assert_eq!(ids("0b0b0b0b"), [11, 1, 2]);
        let thief = || [all(), vec![of(device("zoo", 5, "0b0b0b0b", false), 15)]].concat();
        let found = meant(thief(), "0B0B0B0B").unwrap();
        assert!(found.iter().all(|one| one.of == Some(DeviceId([11; 16]))), "{found:?}");
        assert!(meant(all(), "0b0b0b").is_err() && meant(all(), "0e0e0e0e").is_err(), "too short; this one");
    }

    #[test]
    fn device_that_is_meant_is_one_and_another_than_this() {
        let all = || {
            vec![
                device("lobby", 1, "laptop", true),
                device("lobby", 2, "Phone", false),
                device("team", 3, "laptop", true),
                device("team", 4, "phone", false),
                device("zoo", 5, "tablet", false),
                device("zoo", 6, "tablet", false),
            ]
        };
        let ids =
            |named: &str| meant(all(), named).unwrap().iter().map(|one| one.id.0[0]).collect::<Vec<_>>();
        assert_eq!(ids("phone"), [2, 4]);
        assert_eq!(ids(&DeviceId([6; 16]).to_string()), [6]);
        for wrong in ["laptop", "tablet", "watch", &DeviceId([1; 16]).to_string()] {
            assert!(meant(all(), wrong).is_err(), "{wrong}");
        }
    }
}
