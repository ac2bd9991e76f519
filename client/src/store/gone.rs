//! What goes with a device of ours that is gone: it may have been stolen, so its word counts no more.

use proto::RoomId;
use shared::{identity::DeviceId, room::Alarm};

use super::{Mark, Notice, RoomKind, Store, StoreError, StoredNotice, notices};

impl Store {
    /// Only these devices are in the room of own devices: who was verified by the word of others alone is not any more, what others alone
    /// took back or set is as it was, and what those offered, or read further than this device, is nothing. Returns what people are to be
    /// told of it.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then nothing has changed, and it can be done again.
    pub fn forget_devices_without(
        &mut self,
        room: RoomId,
        there: &[DeviceId],
    ) -> Result<Vec<StoredNotice>, StoreError> {
        let mut followed = self.followed();
        let settings = followed.forget_words_without(there);
        let changed: Vec<_> = settings
            .iter()
            .map(|name| (name.clone(), followed.agreed().get(name).cloned().flatten()))
            .collect();
        let told = self.all_or_nothing(|store| {
            store.drop_offers_without(there)?;
            store.forget_reads_without(there)?;
            // First: what a device took back and then said itself was so before.
            let restored = store.restore_marks_without(there)?;
            let dropped = store.drop_marks_without(there)?;
            if store.has_devices()? {
                // One that was linked meanwhile was never told otherwise.
                for (person, at) in &restored {
                    store.add_unsynced(&Mark::Verified(person.clone(), Some(*at)))?;
                }
                for (name, value) in changed {
                    store.add_unsynced(&Mark::Setting { name, value })?;
                }
            }
            let restored: Vec<_> = restored.into_iter().map(|(person, _)| person).collect();
            let alarms = [
                (!dropped.is_empty()).then_some(Alarm::MarksDropped { people: dropped }),
                (!restored.is_empty()).then_some(Alarm::MarksRestored { people: restored }),
                (!settings.is_empty()).then_some(Alarm::SettingsRestored { settings }),
            ];
            let notices: Vec<_> = alarms.into_iter().flatten().map(Notice::Alarm).collect();
            if notices.is_empty() {
                return Ok(Vec::new());
            }
            let label = store.rooms()?.into_iter().find(|one| one.id == room).map(|one| one.label);
            let label = label.unwrap_or_default();
            let mut told = Vec::new();
            for notice in notices {
                let ordinal = notices::append(&store.db, &store.sealer, room, std::slice::from_ref(&notice))?;
                told.push(StoredNotice { ordinal, room: label.clone(), notice });
            }
            Ok(told)
        })?;
        // Behind it: where the program ends between the two it is done, and told, once more.
        if followed != self.followed() {
            followed.keep(self)?;
        }
        Ok(told)
    }

    /// The same where no other device is ours any more.
    pub(super) fn forget_all_devices(&mut self) -> Result<Vec<StoredNotice>, StoreError> {
        // What is told of it needs a room, be it over.
        let own = self.rooms()?.into_iter().find(|one| one.kind == RoomKind::OwnDevices).map(|one| one.id);
        self.forget_devices_without(own.unwrap_or(RoomId([0; RoomId::LEN])), &[])
    }
}
