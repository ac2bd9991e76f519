//! What is handed over, as bytes: written from what this device has, and read by a new one, which believes nothing of it
//! that cannot be.

use proto::{Message as _, RoomId};
use shared::{
    content::{HandOver, HandedRoom},
    identity::{
        clean_optional, clean_speaker,
        credential::{MAX_GLYPH, MAX_STATUS},
    },
    invite::{
        InviteSecret,
        link::{InviteLink, Link},
    },
};
use zeroize::Zeroizing;

use crate::{text::names::label, transport::RelayAddress};

/// Rooms of an account, at most.
const MAX_ROOMS: usize = 64;

/// Longest label, in bytes: a name, what is behind it where two rooms have one name, and room to spare.
const MAX_LABEL: usize = 512;

/// What a new device gets.
pub(super) struct Handed {
    pub(super) account: Zeroizing<[u8; 32]>,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) glyph: String,
    pub(super) rooms: Vec<HandedRoom>,
}

/// Reads it; none for anything that is not whole and good.
pub(super) fn read(bytes: &[u8]) -> Option<Handed> {
    let handed = HandOver::decode(bytes).ok()?;
    let account = Zeroizing::new(<[u8; 32]>::try_from(&*handed.account).ok()?);
    let name = clean_speaker(&handed.name).ok()?;
    let status = clean_optional(&handed.status, MAX_STATUS).ok()?;
    let glyph = clean_optional(&handed.glyph, MAX_GLYPH).ok()?;
    let are_good = handed.rooms.len() <= MAX_ROOMS && handed.rooms.iter().all(is_good);
    are_good.then_some(Handed { account, name, status, glyph, rooms: handed.rooms })
}

fn is_good(room: &HandedRoom) -> bool {
    let is_placed = u16::try_from(room.port).is_ok_and(|port| RelayAddress::new(&room.host, port).is_ok());
    let is_sized = room.room_id.len() == RoomId::LEN && matches!(room.pin.len(), 0 | 20);
    let is_named = (1..=MAX_LABEL).contains(&room.label.len())
        && !room.label.contains(char::is_control)
        && label(&room.label) == room.label;
    is_placed && is_sized && is_named && matches!(room.secret.len(), 0 | 20)
}

/// Rooms that are to be entered, as they are kept.
pub(super) fn list(rooms: Vec<HandedRoom>) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(HandOver { rooms, ..HandOver::default() }.encode_to_vec())
}

/// What [`list`] kept.
pub(super) fn listed(bytes: &[u8]) -> Vec<HandedRoom> {
    HandOver::decode(bytes).map(|handed| handed.rooms).unwrap_or_default()
}

/// The link into a room, if the old device got one.
pub(super) fn link(room: &HandedRoom) -> Option<InviteLink> {
    let secret = InviteSecret::from_bytes((&*room.secret).try_into().ok()?);
    let pin = (&*room.pin).try_into().ok();
    let port = u16::try_from(room.port).ok()?;
    Some(InviteLink { host: room.host.clone(), port, link: Link { secret, pin } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> HandedRoom {
        HandedRoom {
            label: "team".to_owned(),
            room_id: vec![1; 32].into(),
            host: "relay.example".to_owned(),
            port: 443,
            pin: vec![2; 20].into(),
            secret: vec![3; 20].into(),
            muted: true,
            pinned: false,
        }
    }

    fn handed(rooms: Vec<HandedRoom>) -> HandOver {
        HandOver {
            account: vec![9; 32].into(),
            name: "ann".to_owned(),
            status: "here".to_owned(),
            glyph: String::new(),
            rooms,
        }
    }

    #[test]
    fn account_and_rooms_come_back() {
        let whole = read(&handed(vec![room()]).encode_to_vec()).unwrap();
        assert_eq!((*whole.account, whole.name.as_str()), ([9; 32], "ann"));
        assert_eq!(link(&whole.rooms[0]).unwrap().host, "relay.example");
        assert!(link(&HandedRoom { secret: Vec::new().into(), ..room() }).is_none());
    }

    #[test]
    fn what_cannot_be_is_not_taken() {
        let wrong_rooms = [
            HandedRoom { room_id: vec![1; 31].into(), ..room() },
            HandedRoom { port: 0, ..room() },
            HandedRoom { port: 65_536, ..room() },
            HandedRoom { host: "a b".to_owned(), ..room() },
            HandedRoom { pin: vec![1; 19].into(), ..room() },
            HandedRoom { secret: vec![1; 21].into(), ..room() },
            HandedRoom { label: String::new(), ..room() },
            HandedRoom { label: "a\u{1b}[2J".to_owned(), ..room() },
        ];
        for wrong in wrong_rooms {
            assert!(read(&handed(vec![wrong.clone()]).encode_to_vec()).is_none(), "{}", wrong.label);
        }
        let good = handed(vec![room()]);
        for wrong in [
            HandOver { account: vec![1; 31].into(), ..good.clone() },
            HandOver { name: "bob: hi\n* bob".to_owned(), ..good.clone() },
            HandOver { glyph: "x".repeat(40), ..good.clone() },
            handed(vec![room(); MAX_ROOMS + 1]),
        ] {
            assert!(read(&wrong.encode_to_vec()).is_none());
        }
        let bytes = good.encode_to_vec();
        for cut in 1..bytes.len() {
            // A cut may end between two fields: then what is missing is missed.
            assert!(read(&bytes[..cut]).is_none_or(|handed| handed.rooms.is_empty()), "{cut}");
        }
        assert!(read(&[0xff; 64]).is_none());
    }
}
