//! A device that has everything becomes one of the account's.

use proto::RoomId;
use shared::identity::{Fingerprint, Person};

use super::Task;
use crate::{
    portable::{Intake, Room, TakeError},
    runtime::{
        LinkEnd, LinkNews,
        linking::handed::{self, Handed},
    },
    settings,
    store::{AccountHere, KnownRelay, Mark, Store, StoreError},
    transport::{Pin, RelayAddress},
};

impl Task {
    /// All is here: this profile becomes one of the account's.
    pub(super) async fn become_device(&mut self, shown: Vec<LinkNews>) -> Result<(), StoreError> {
        for news in shown {
            self.show(news).await;
        }
        self.is_over = true;
        let parcel = self.record.parcel();
        let Some(handed) = handed::read(parcel.bytes()) else {
            self.show(ended(LinkEnd::NoAccount)).await;
            return Ok(());
        };
        let name = handed.name.clone();
        let fingerprint = handed.account.identity.fingerprint();
        let rooms = handed.rooms.len();
        let relay = self.record.relay();
        let room = self.record.room();
        let done = self.local.0.vault.run(move |store| take(store, room, handed, fingerprint, relay)).await;
        if matches!(done, Ok(false)) {
            // It can come to nothing any more.
            let _ = self.local.0.vault.run(move |store| store.end_linking(room, &[])).await;
        }
        let news = match done {
            Ok(true) => LinkNews::Received { name, fingerprint, rooms },
            Ok(false) => ended(LinkEnd::HasRooms),
            Err(error) => ended(LinkEnd::Failed(error.into())),
        };
        self.show(news).await;
        Ok(())
    }
}

/// Takes what was handed over, with the end of the linking: all of it or nothing. False: the profile has rooms of its own.
fn take(
    store: &mut Store,
    room: RoomId,
    handed: Handed,
    fingerprint: Fingerprint,
    relay: Option<(RelayAddress, Option<Pin>)>,
) -> Result<bool, StoreError> {
    if !store.may_become()? {
        return Ok(false);
    }
    store.all_or_nothing(|store| take_all(store, room, handed, fingerprint, relay))
}

fn take_all(
    store: &mut Store,
    room: RoomId,
    handed: Handed,
    fingerprint: Fingerprint,
    relay: Option<(RelayAddress, Option<Pin>)>,
) -> Result<bool, StoreError> {
    let Handed { account, name, records, rooms, own_devices, settings, .. } = handed;
    // First: whatever is there stays there.
    store.forget_other_account(&account.identity)?;
    let mut intake = Intake::new(Person { name, fingerprint });
    let last = relay.as_ref().map(|(address, _)| address.to_string());
    store.set_last_relay(&last.unwrap_or_default())?;
    for body in records {
        match intake.take(store, body) {
            Ok(_) | Err(TakeError::Read(_)) => {}
            Err(TakeError::Store(error)) => return Err(error),
        }
    }
    // What the other device says of it counts first; the code that both have said its pin as well.
    if let Some((address, Some(pin))) = relay {
        store.take_relay(&address, KnownRelay::FromLink(pin))?;
    }
    let account = AccountHere { identity: &account.identity, backup_key: account.backup_key.as_deref() };
    let marks: Vec<Mark> =
        rooms.iter().filter_map(handed::value).flat_map(|room| handed_marks(&room)).collect();
    let is_one = store.become_device(room, &account, &handed::kept(rooms, own_devices.as_ref()))?;
    if is_one {
        store.take_handed_marks(&marks)?;
        // They stand in a file, which no transaction takes back.
        store.take_settings(settings::named(&settings))?;
    }
    Ok(is_one)
}

/// How a room was at the other device.
fn handed_marks(room: &Room) -> [Mark; 2] {
    let id = room.record.id;
    [Mark::Muted(id, room.muted), Mark::Pinned(id, room.pinned)]
}

fn ended(end: LinkEnd) -> LinkNews {
    LinkNews::Ended { end, is_handed: false }
}

#[cfg(test)]
mod tests;
