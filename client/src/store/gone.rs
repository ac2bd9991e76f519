//! What goes with a device of ours that is gone: it may have been stolen, so its word counts no more.

use proto::RoomId;
use shared::{identity::DeviceId, room::Alarm};

use super::{Notice, RoomKind, Store, StoreError, StoredNotice, notices};

impl Store {
    /// Only these devices are in the room of own devices: who was verified by the word of others alone is not any more, and what those
    /// offered, or read further than this device, is nothing. Returns what people are to be told of it: all of it is kept, or nothing.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then nothing has changed.
    pub fn forget_devices_without(
        &mut self,
        room: RoomId,
        there: &[DeviceId],
    ) -> Result<Option<StoredNotice>, StoreError> {
        self.all_or_nothing(|store| {
            store.drop_offers_without(there)?;
            store.forget_reads_without(there)?;
            let people = store.drop_marks_without(there)?;
            if people.is_empty() {
                return Ok(None);
            }
            let notice = Notice::Alarm(Alarm::MarksDropped { people });
            let ordinal = notices::append(&store.db, &store.sealer, room, std::slice::from_ref(&notice))?;
            let label = store.rooms()?.into_iter().find(|one| one.id == room).map(|one| one.label);
            Ok(Some(StoredNotice { ordinal, room: label.unwrap_or_default(), notice }))
        })
    }

    /// The same where no other device is ours any more.
    pub(super) fn forget_all_devices(&mut self) -> Result<Option<StoredNotice>, StoreError> {
        // What is told of it needs a room, be it over.
        let own = self.rooms()?.into_iter().find(|one| one.kind == RoomKind::OwnDevices).map(|one| one.id);
        self.forget_devices_without(own.unwrap_or(RoomId([0; RoomId::LEN])), &[])
    }
}
