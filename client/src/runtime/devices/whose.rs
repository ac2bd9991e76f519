//! Which device it is in which room. Each says so of itself, in the room of own devices, and none is believed about another one:
//! what two of them say of one leaf, and what anybody says of this device, is nobody's.

use proto::RoomId;
use shared::{identity::DeviceId, room::DeviceHere};

use super::OwnDevice;

/// Gives each of `devices` to the device that it is, by what they `said`. `places`: the rooms' labels and ids.
pub(super) fn give(devices: &mut [OwnDevice], said: &[(DeviceId, DeviceHere)], places: &[(String, RoomId)]) {
    let own: Vec<(DeviceId, bool)> =
        devices.iter().filter(|one| one.is_hidden).map(|one| (one.id, one.is_me)).collect();
    let me = own.iter().find(|(_, is_me)| *is_me).map(|(id, _)| *id);
    let is_there = |device: &DeviceId| own.contains(&(*device, false));
    for one in devices {
        one.of = match (one.is_hidden, one.is_me) {
            (true, _) => Some(one.id),
            (false, true) => me,
            (false, false) => {
                let room = places.iter().find(|(label, _)| *label == one.room).map(|(_, id)| *id);
                let mut claims = said.iter().filter(|(device, here)| {
                    is_there(device) && room.is_some_and(|room| here.rooms.contains(&(room, one.id)))
                });
                let claim = claims.next().map(|(device, _)| *device);
                claim.filter(|_| claims.next().is_none())
            }
        };
        if let Some((_, here)) = said.iter().find(|(device, _)| one.of == Some(*device)) {
            one.seen = here.seen.noon();
            if one.is_hidden && one.since == 0 {
                one.since = here.since.noon();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::room::Day;

    use super::*;

    const ROOM: RoomId = RoomId([7; 32]);

    fn device(room: &str, id: u8, is_me: bool) -> OwnDevice {
        OwnDevice {
            room: room.to_owned(),
            id: DeviceId([id; 16]),
            name: "x".to_owned(),
            is_me,
            since: 0,
            goes: false,
            is_hidden: room == "own",
            of: None,
            seen: 0,
        }
    }

    /// The device `of` says that it has these ids in the room.
    fn says(of: u8, ids: &[u8]) -> (DeviceId, DeviceHere) {
        let rooms = ids.iter().map(|id| (ROOM, DeviceId([*id; 16]))).collect();
        (DeviceId([of; 16]), DeviceHere { rooms, since: Day(1), seen: Day(2), ..DeviceHere::default() })
    }

    /// Whose the devices 1 (this one), 2 and 3 of a room are, where 11 (this one), 12 and 13 are in that of own devices.
    fn whose(said: &[(DeviceId, DeviceHere)]) -> Vec<Option<u8>> {
        let own = [(11, true), (12, false), (13, false)].map(|(id, is_me)| device("own", id, is_me));
        let there = [(1, true), (2, false), (3, false)].map(|(id, is_me)| device("team", id, is_me));
        let mut devices = [own, there].concat();
        give(&mut devices, said, &[("team".to_owned(), ROOM), ("own".to_owned(), RoomId([8; 32]))]);
        assert_eq!(devices[1].of, Some(DeviceId([12; 16])));
        devices[3..].iter().map(|one| one.of.map(|of| of.0[0])).collect()
    }

    #[test]
    fn each_is_whose_it_says_and_nobody_takes_anothers() {
        assert_eq!(whose(&[]), [Some(11), None, None]);
        assert_eq!(whose(&[says(12, &[2]), says(13, &[3])]), [Some(11), Some(12), Some(13)]);
        // A device that says that it is this one, or that another one is it.
        assert_eq!(whose(&[says(12, &[1, 2])]), [Some(11), Some(12), None]);
        assert_eq!(whose(&[says(12, &[2]), says(13, &[2, 3])]), [Some(11), None, Some(13)]);
        // One that is not there any more.
        assert_eq!(whose(&[says(14, &[2])]), [Some(11), None, None]);
    }
}
