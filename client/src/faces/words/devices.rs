//! The devices of this person in words.

use std::collections::BTreeMap;

use super::{called, counted, text::day, when};
use crate::runtime::{OwnDevice, RoomsBeyond};
use shared::identity::names::fold;

/// All of them, a line each, whatever number of rooms it is in: this one first, then those that say who they are, then leaves of
/// which no device says that it is its own.
pub fn devices(all: &[OwnDevice]) -> Vec<String> {
    let is_kept_in_step = all.iter().any(|one| one.is_hidden);
    let mut rows: BTreeMap<_, Vec<&OwnDevice>> = BTreeMap::new();
    for one in all {
        let is_unknown = is_kept_in_step && one.of.is_none() && !one.is_me;
        // Of two in one room each is one.
        let is_twice = one.of.is_none() && all.iter().filter(|other| is_same_there(one, other)).count() > 1;
        let by = one.of.or_else(|| is_twice.then_some(one.id));
        rows.entry((!one.is_me, is_unknown, name_of(one, all), by)).or_default().push(one);
    }
    if rows.is_empty() {
        return vec!["This device is in no room, so it knows of no device of yours, not even itself. If another device of yours took this one out, or your account's key was \
                     replaced: `schat link` makes it one of yours again.".to_owned()];
    }
    // Right after a linking a device has not said yet in which rooms it is.
    let has_heard = all.iter().filter(|one| one.is_hidden && !one.is_me).all(|one| one.seen > 0);
    let (mut lines, mut is_told) = (Vec::new(), false);
    for ((_, is_unknown, ..), row) in rows {
        if is_unknown && !is_told {
            lines.push(if has_heard { UNKNOWN } else { UNHEARD }.to_owned());
            is_told = true;
        }
        lines.push(device(&row, is_kept_in_step, is_unknown));
    }
    if is_kept_in_step && all.iter().all(|one| one.is_me) {
        lines.push(NONE_YET.to_owned());
    }
    lines
}

/// Before devices that are with other devices, but belong to none that said so.
const UNKNOWN: &str = "Of these no device of yours says that it is one:";

/// Before all others, where none said anything yet.
const UNHEARD: &str =
    "These have your account's key; which of your devices each is it says once both are connected:";

/// Behind this device, where there is no other one.
const NONE_YET: &str =
    "No other device of yours is in a room yet. One that was linked just now comes once both are connected.";

/// Neither says which it is, and they are called alike in one room.
fn is_same_there(one: &OwnDevice, other: &OwnDevice) -> bool {
    other.of.is_none()
        && one.room == other.room
        && one.is_me == other.is_me
        && fold(&one.name) == fold(&other.name)
}

/// By what it is found: the name that it has among the devices, else the one that it has there.
fn name_of(one: &OwnDevice, all: &[OwnDevice]) -> String {
    let among = all.iter().find(|other| other.is_hidden && other.of.is_some() && other.of == one.of);
    if one.is_me { String::new() } else { fold(&among.unwrap_or(one).name) }
}

/// One of them, as it is in some rooms.
fn device(row: &[&OwnDevice], is_kept_in_step: bool, is_unknown: bool) -> String {
    let named = row.iter().find(|one| one.is_hidden).or(row.first());
    let name = named.map(|one| called(&one.name)).unwrap_or_default();
    let is_me = row.iter().any(|one| one.is_me);
    // A room knows the time, the device itself has told the day alone.
    let entered = |is_hidden: bool| {
        let those = row.iter().filter(move |one| one.is_hidden == is_hidden).map(|one| one.since);
        those.filter(|since| *since > 0).min()
    };
    let since = entered(false).map(when).or_else(|| entered(true).map(day));
    let seen = row.iter().map(|one| one.seen).max().filter(|seen| *seen > 0 && !is_me);
    let mut line = format!("{}{name}", if is_unknown { "  " } else { "" });
    if is_me {
        line.push_str(" (this one)");
    }
    if let Some(since) = since {
        line.push_str(&format!(", since {since}"));
    }
    if let Some(seen) = seen {
        line.push_str(&format!(", in use last on {}", day(seen)));
    }
    // Without one that is the same in all rooms its name has to do.
    if let Some(one) = row.iter().find(|one| one.of.is_some() || row.len() == 1) {
        line.push_str(&format!(", id {}", one.short_id()));
    }
    let rooms: Vec<String> = row.iter().filter(|one| !one.is_hidden).map(|one| called(&one.room)).collect();
    line.push_str(&match rooms.as_slice() {
        [] if is_kept_in_step && seen.is_none() && !is_me => {
            ": it did not say yet in which rooms it is".to_owned()
        }
        [] => ": in no room".to_owned(),
        rooms => format!(": {}", rooms.join(", ")),
    });
    let going: Vec<&&OwnDevice> = row.iter().filter(|one| one.goes).collect();
    match going.len() {
        0 => {}
        all if all == row.len() => line.push_str("; is being removed"),
        _ => {
            let still = going.iter().map(|one| place(&one.room, one.is_hidden));
            line.push_str(&format!("; is being removed from {}", still.collect::<Vec<_>>().join(", ")));
        }
    }
    line
}

/// A room in a line about devices.
pub(super) fn place(room: &str, is_hidden: bool) -> String {
    if is_hidden { "your devices among themselves".to_owned() } else { called(room) }
}

/// What removing one means, and how to do it.
pub fn removes(found: &[OwnDevice]) -> String {
    let Some(one) = found.iter().find(|one| one.is_hidden).or(found.first()) else { return String::new() };
    format!(
        "{} (id {}) will be taken out of every room: it reads nothing more, all invites end, and only a new link lets it in again. What \
         it has read so far stays on it. If somebody else may have it, they have the key of your account as well: then also run \
         `schat devices replace-key`. To remove it, type the same once more.",
        called(&one.name),
        one.short_id(),
    )
}

/// What a removal does not take away.
const STOLEN: &str = "If somebody else may have it: they have the key of your account, and what opens your backups. `schat devices replace-key` changes \
                      both; keep backups of before away from them.";

/// It is asked for.
pub fn asked_removal(places: &[OwnDevice]) -> String {
    // What is in no list is not counted either.
    let from = match places.iter().filter(|one| !one.is_hidden).count() {
        0 => place("", true),
        rooms => counted(rooms, "room"),
    };
    format!("It goes from {from}; where the relay is not there now, as soon as it is. {STOLEN}")
}

/// Rooms from which this device cannot take the one that goes.
pub fn beyond(beyond: RoomsBeyond) -> Option<String> {
    let left = beyond.rooms.checked_sub(beyond.reached)?;
    if beyond.rooms == 0 {
        return None;
    }
    let mut line =
        format!("It says that it is in {} that this device is not in.", counted(beyond.rooms, "room"));
    if beyond.reached > 0 {
        line.push_str(&format!(
            " In {} of them another device of yours is: it takes it out there, once it runs.",
            beyond.reached
        ));
    }
    if left > 0 {
        line.push_str(&format!(
            " In {left} of them no device of yours is left that could: ask somebody there to remove it."
        ));
    }
    Some(line)
}

/// A removal that was asked for is done, or how far it is. `left`: where the device is still.
pub fn removal_ended(named: &str, left: &[OwnDevice]) -> String {
    let named = called(named);
    if left.is_empty() {
        return format!("{named} is out of every room.");
    }
    let left: Vec<String> = left.iter().map(|one| place(&one.room, one.is_hidden)).collect();
    format!("{named} is not out yet of {}: that is tried again whenever schat runs.", left.join(", "))
}

/// What became of a removal in one room.
pub fn removal(room: &str, is_hidden: bool, is_done: bool) -> String {
    let room = place(room, is_hidden);
    match is_done {
        true => format!("{room}: removed"),
        false => format!("{room}: not yet; it is tried again whenever schat runs"),
    }
}

/// How the account gets another key: not here, where what is typed is seen.
pub const REPLACE_KEY: &str = "If a device was lost or stolen, run `schat devices replace-key` in a terminal: it asks for your twelve words without showing \
                               them. Your account gets another key, and your other devices go out of every room.";

/// This device has another name.
pub fn named(name: &str) -> String {
    format!("This device is called {} from now on.", called(name))
}

#[cfg(test)]
mod tests {
    use shared::{identity::DeviceId, room::Day};

    use super::*;

    fn at(room: &str, name: &str, of: Option<u8>) -> OwnDevice {
        OwnDevice {
            room: room.to_owned(),
            id: DeviceId([0; 16]),
            name: name.to_owned(),
            is_me: false,
            since: 0,
            goes: false,
            is_hidden: room == "own",
            of: of.map(|of| DeviceId([of; 16])),
            seen: if of.is_some() { Day(20_000).noon() } else { 0 },
        }
    }

    #[test]
    fn device_is_one_line_over_all_rooms_and_one_that_nobody_knows_is_seen() {
        let me = |one: OwnDevice| OwnDevice { is_me: true, ..one };
        let since = |one: OwnDevice, day| OwnDevice { since: Day(day).noon(), ..one };
        let mut all = vec![
            since(at("own", "phone", Some(1)), 19_990),
            at("lobby", "phone", Some(1)),
            at("team", "old name", Some(1)),
            me(at("own", "laptop", Some(2))),
            me(at("team", "laptop", Some(2))),
            at("team", "x", None),
        ];
        let expected = [
            "laptop (this one), id 02020202: team",
            "phone, since 2024-09-24, in use last on 2024-10-04, id 01010101: lobby, team",
            "Of these no device of yours says that it is one:",
            "  x, id 00000000: team",
        ];
        assert_eq!(devices(&all), expected);
        all[1].goes = true;
        assert!(devices(&all)[1].ends_with("; is being removed from lobby"), "{:?}", devices(&all));
        all.iter_mut().for_each(|one| one.goes = true);
        assert!(devices(&all)[1].ends_with("; is being removed"), "{:?}", devices(&all));
    }

    #[test]
    fn devices_that_did_not_hear_each_other_yet_accuse_nobody() {
        let me = OwnDevice { is_me: true, ..at("own", "laptop", Some(2)) };
        assert_eq!(
            devices(std::slice::from_ref(&me)),
            ["laptop (this one), id 02020202: in no room", NONE_YET]
        );
        let phone = OwnDevice { seen: 0, ..at("own", "phone", Some(1)) };
        let mut all = vec![me, phone, at("team", "phone", None)];
        let silent = "phone, id 01010101: it did not say yet in which rooms it is";
        assert_eq!(devices(&all)[1..], [silent, UNHEARD, "  phone, id 00000000: team"]);
        all[1].seen = Day(20_000).noon();
        assert_eq!(devices(&all)[2], UNKNOWN);
    }

    #[test]
    fn without_a_room_of_their_own_names_tell_devices_apart() {
        let all = [at("lobby", "Phone", None), at("team", "phone", None), at("team", "tablet", None)];
        assert_eq!(devices(&all), ["Phone: lobby, team", "tablet, id 00000000: team"]);
        assert_eq!(devices(&[]).len(), 1);
        let other = OwnDevice { id: DeviceId([7; 16]), ..at("lobby", "phone", None) };
        let told = devices(&[at("lobby", "phone", None), other]);
        assert_eq!(told, ["phone, id 00000000: lobby", "phone, id 07070707: lobby"]);
    }

    #[test]
    fn rooms_that_this_device_cannot_reach_are_told_with_who_can() {
        assert_eq!(beyond(RoomsBeyond::default()), None);
        let told = beyond(RoomsBeyond { rooms: 3, reached: 1 }).unwrap();
        assert!(
            told.contains("3 rooms")
                && told.contains("In 1 of them another")
                && told.contains("In 2 of them no"),
            "{told}"
        );
        let told = beyond(RoomsBeyond { rooms: 1, reached: 1 }).unwrap();
        assert!(told.contains("1 room ") && !told.contains("ask somebody"), "{told}");
    }

    #[test]
    fn room_that_is_in_no_list_is_not_counted_and_the_end_of_a_removal_is_told() {
        let all = [at("own", "phone", Some(1)), at("lobby", "phone", Some(1)), at("team", "phone", Some(1))];
        assert!(asked_removal(&all).starts_with("It goes from 2 rooms;"), "{}", asked_removal(&all));
        assert!(asked_removal(&all[..1]).contains("your devices among themselves"));
        assert!(asked_removal(&all).contains("opens your backups"));
        assert_eq!(removal_ended("phone", &[]), "phone is out of every room.");
        assert!(removal_ended("phone", &all[1..]).contains("not out yet of lobby, team"));
    }
}
