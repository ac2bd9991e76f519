//! What is handed over, as bytes: a portable profile, and how to get into the room of the account's devices. A new device
//! believes nothing of it that cannot be.

use std::io;

use bytes::Bytes;
use proto::{Message as _, RoomId};
use shared::{content, file::Manifest, invite::link::InviteLink};
use zeroize::{Zeroize as _, Zeroizing};

use crate::portable::{
    Account, Reader, Room, Value, Writer,
    schema::{self, Body, WayIn},
};

/// Rooms of an account, at most.
const MAX_ROOMS: usize = 64;

/// What stands around a record in a stream, in bytes, and what its first and last one have, at most.
const FRAME: usize = 32;

/// What a new device gets.
pub(super) struct Handed {
    pub(super) account: Account,
    pub(super) name: String,
    /// Records to be taken as they are: how the person is shown, people, relays.
    pub(super) records: Vec<Body>,
    pub(super) rooms: Vec<schema::Room>,
    pub(super) own_devices: Option<InviteLink>,
    /// Settings that follow the person, as a config.toml.
    pub(super) settings: String,
    /// The past of the rooms, where it is handed over.
    pub(super) history: Option<Box<Manifest>>,
}

/// What is handed over, as bytes.
pub(super) fn written(
    records: &[Body],
    own_devices: Option<&InviteLink>,
    history: Option<&Manifest>,
    now: u64,
) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut handed = content::HandOver {
        profile: Bytes::from_owner(stream(records, now)?),
        own_devices: own_devices.map(InviteLink::to_string).unwrap_or_default(),
        history: history.map(Manifest::write),
    };
    let bytes = Zeroizing::new(handed.encode_to_vec());
    handed.own_devices.zeroize();
    Ok(bytes)
}

/// Records as a stream.
pub(super) fn stream(records: &[Body], now: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // With room for all of it: what grows leaves copies behind.
    let length: usize = records.iter().map(|body| body.encoded_len() + FRAME).sum();
    let mut writer = Writer::begin(Vec::with_capacity(length + 2 * FRAME), now)?;
    records.iter().try_for_each(|body| writer.put(body))?;
    Ok(Zeroizing::new(writer.end()?))
}

/// Reads it; none for anything that is not whole and good.
pub(super) fn read(bytes: &[u8]) -> Option<Handed> {
    let mut handed = decoded(bytes)?;
    let own_devices = match handed.own_devices.as_str() {
        "" => None,
        link => Some(link.parse().ok()?),
    };
    handed.own_devices.zeroize();
    let history = match handed.history {
        None => None,
        Some(file) => Some(Box::new(Manifest::read(&file).ok()?)),
    };
    let mut reader = Reader::new(&*handed.profile);
    let (mut account, mut name, mut settings) = (None, String::new(), String::new());
    let (mut records, mut rooms) = (Vec::new(), Vec::new());
    while let Some(body) = reader.read().ok()? {
        match (Value::of(body.clone()).ok()?, body) {
            (Value::Account(one), _) if account.is_none() => account = Some(*one),
            (Value::Account(_) | Value::Past(..) | Value::File(_) | Value::Bytes(_), _) => return None,
            (Value::Room(value), Body::Room(room)) => {
                let is_good = link(&value.entry).is_some() || value.entry.is_none();
                let is_new = rooms.iter().all(|other: &schema::Room| other.id != room.id);
                (is_good && is_new && rooms.len() < MAX_ROOMS).then_some(())?;
                rooms.push(room);
            }
            (Value::Profile(texts, _), body) => {
                name = texts.name;
                records.push(body);
            }
            (Value::Person(_) | Value::Relay(..), body) => records.push(body),
            (Value::Settings(toml), _) => settings = toml,
            _ => {}
        }
    }
    Some(Handed { account: account?, name, records, rooms, own_devices, settings, history })
}

/// The message in a copy that is wiped with it: its fields are parts of that one.
fn decoded(bytes: &[u8]) -> Option<content::HandOver> {
    content::HandOver::decode(Bytes::from_owner(Zeroizing::new(bytes.to_vec()))).ok()
}

/// Rooms that are to be entered, as they are kept.
pub(super) fn kept(rooms: Vec<schema::Room>, own_devices: Option<&InviteLink>) -> Zeroizing<Vec<u8>> {
    let rooms: Vec<Body> = rooms.into_iter().map(Body::Room).collect();
    written(&rooms, own_devices, None, 0).unwrap_or_default()
}

/// What [`kept`] kept.
pub(super) fn listed(bytes: &[u8]) -> (Vec<schema::Room>, Option<InviteLink>) {
    let Some(handed) = decoded(bytes) else { return Default::default() };
    let (mut reader, mut rooms) = (Reader::new(&*handed.profile), Vec::new());
    while let Ok(Some(body)) = reader.read() {
        if let Body::Room(room) = body {
            rooms.push(room);
        }
    }
    (rooms, handed.own_devices.parse().ok())
}

/// The link into a room, if the old device got one.
pub(super) fn link(entry: &Option<WayIn>) -> Option<InviteLink> {
    match entry {
        Some(WayIn::Invite(link)) => link.parse().ok(),
        Some(WayIn::WayBack(_)) | None => None,
    }
}

/// A room as a value that can only be right.
pub(super) fn value(room: &schema::Room) -> Option<Room> {
    match Value::of(Body::Room(room.clone())).ok()? {
        Value::Room(room) => Some(*room),
        _ => None,
    }
}

/// The room with this id.
pub(super) fn id(room: &schema::Room) -> Option<RoomId> {
    Some(RoomId(room.id.as_slice().try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use shared::invite::{
        InviteSecret,
        link::{Link, PIN_LEN},
    };

    use super::*;

    fn invite() -> InviteLink {
        let link = Link { secret: InviteSecret::from_bytes([3; 20]), pin: Some([4; PIN_LEN]) };
        InviteLink { host: "relay.example".to_owned(), port: 443, link }
    }

    fn room(id: u8) -> schema::Room {
        schema::Room {
            id: vec![id; 32],
            label: format!("team {id}"),
            host: "relay.example".to_owned(),
            port: 443,
            muted: true,
            read: 7,
            entry: Some(WayIn::Invite(invite().to_string())),
            ..schema::Room::default()
        }
    }

    fn account(length: usize) -> Body {
        let mut account = schema::Account::default();
        account.secret = shared::identity::Identity::without_recovery(&[9; 32]).to_bytes().to_vec();
        account.secret.truncate(length);
        Body::Account(account)
    }

    fn profile(name: &str) -> Body {
        Body::Profile(schema::Profile { name: name.to_owned(), ..schema::Profile::default() })
    }

    fn bytes(records: &[Body]) -> Zeroizing<Vec<u8>> {
        written(records, Some(&invite()), None, 1).unwrap()
    }

    #[test]
    fn account_and_rooms_come_back() {
        let whole =
            read(&bytes(&[account(64), profile("ann"), Body::Room(room(1)), Body::Room(room(2))])).unwrap();
        assert_eq!((whole.name.as_str(), whole.rooms.len()), ("ann", 2));
        assert_eq!(link(&whole.rooms[0].entry), Some(invite()));
        assert_eq!(whole.own_devices, Some(invite()));
        let (rooms, own) = listed(&kept(whole.rooms, Some(&invite())));
        assert_eq!((rooms.len(), own), (2, Some(invite())));
        assert_eq!(value(&rooms[1]).unwrap().read, 7);
    }

    #[test]
    fn what_cannot_be_is_not_taken() {
        let past = Body::Past(schema::Past { room: vec![1; 32], ..schema::Past::default() });
        let no_link = schema::Room { entry: Some(WayIn::Invite("schat://x".to_owned())), ..room(1) };
        let way_back = schema::Room { entry: Some(WayIn::WayBack(vec![1])), ..room(1) };
        for wrong in [
            vec![profile("ann"), Body::Room(room(1))],
            vec![account(64), account(64)],
            vec![account(64), past],
            vec![account(64), Body::Room(no_link)],
            vec![account(64), Body::Room(way_back)],
            vec![account(64), Body::Room(room(1)), Body::Room(room(1))],
            [account(64)].into_iter().chain((0..65).map(|id| Body::Room(room(id)))).collect(),
            vec![account(63)],
        ] {
            assert!(read(&bytes(&wrong)).is_none(), "{}", wrong.len());
        }
        let good = bytes(&[account(64), profile("ann"), Body::Room(room(1))]);
        assert!(read(&good).is_some());
        for cut in 0..good.len() - invite().to_string().len() - 2 {
            assert!(read(&good[..cut]).is_none(), "{cut}");
        }
        assert!(read(&[0xff; 64]).is_none());
    }
}
