//! Rooms of version 1 of the protocol, in a profile from before: archives, to be read and searched.

use rusqlite::params;
use shared::room::{OldRoom, Problem};

use super::{Notice, Over, Store, StoreError, notices, rooms};
use crate::text::names::label;

impl Store {
    /// Closes the rooms of version 1, whose history stays, and tells of it once.
    ///
    /// # Errors
    /// [`StoreError`] when the rooms cannot be read. A profile that cannot be written is left as it is: its rooms are told
    /// again when they are loaded.
    pub(super) fn archive_old_rooms(&mut self) -> Result<(), StoreError> {
        let mut old = Vec::new();
        for record in self.rooms()?.into_iter().filter(|record| record.closed.is_none()) {
            // What cannot be read is told when it is loaded.
            let meta = self.row(record.id, "meta").ok().flatten();
            if let Some(room) = meta.and_then(|meta| OldRoom::of(&meta)) {
                old.push((record, room));
            }
        }
        let Some((first, _)) = old.first() else { return Ok(()) };
        let rooms = old.iter().take(NAMED).map(|(record, _)| label(&record.label)).collect();
        let notice = Notice::Problem(Problem::Version1 { rooms, more: old.len().saturating_sub(NAMED) });
        let id = first.id;
        let written = self.db.transaction().map_err(StoreError::from).and_then(|transaction| {
            for (record, room) in &old {
                rooms::close(&transaction, record.id, &Over::Archive { open: room.open })?;
            }
            for (record, _) in &old {
                // Version 1 had labels in any form. Two that differ in nothing else stay as they are.
                transaction.execute(
                    "UPDATE OR IGNORE rooms SET label = ?2 WHERE room = ?1",
                    params![record.id.as_bytes(), label(&record.label)],
                )?;
            }
            notices::append(&transaction, &self.sealer, id, &[notice])?;
            Ok(transaction.commit()?)
        });
        // Read only: the history can be read all the same.
        drop(written);
        Ok(())
    }

    /// An archive makes way for a new room of its name.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn relabel(&mut self, room: proto::RoomId, label: &str) -> Result<(), StoreError> {
        self.db.execute("UPDATE rooms SET label = ?2 WHERE room = ?1", params![room.as_bytes(), label])?;
        Ok(())
    }
}

/// Rooms that are named one by one in a sentence.
const NAMED: usize = 5;

#[cfg(test)]
mod tests {
    use proto::RoomId;
    use rand_core::UnwrapErr;
    use shared::{
        crypto::random::Random,
        identity::Fingerprint,
        message::timeline::Line,
        room::{Change, Message, Person},
    };
    use tempfile::TempDir;

    use super::*;
    use crate::store::{
        Batch, FileKey, KeySource as _, LineOrAct, ProfileKey, Query, RoomRecord, Search, StoredNotice, Where,
    };

    /// The row `meta` of a room, as version 1 wrote it: id, name, whether it is open, a phase, a cursor.
    fn meta(room: RoomId, open: bool) -> Vec<u8> {
        let mut row = [&[0x0a, 32][..], room.as_bytes(), &[0x12, 4], b"team"].concat();
        row.extend(if open { [0x18, 1].as_slice() } else { &[] });
        row.extend([0x20, 4, 0x28, 12]);
        row
    }

    struct World {
        dir: TempDir,
        key: ProfileKey,
    }

    impl World {
        fn new() -> Self {
            let dir = TempDir::new().unwrap();
            let key = FileKey.key(dir.path(), &Random::new(UnwrapErr(getrandom::SysRng))).unwrap();
            Self { dir, key }
        }

        fn open(&self) -> Store {
            Store::open(self.dir.path(), &self.key, Random::new(UnwrapErr(getrandom::SysRng))).unwrap()
        }

        fn room(&self, store: &mut Store, n: u8, meta: &[u8]) {
            let id = RoomId([n; 32]);
            let record = RoomRecord {
                id,
                label: format!("room\u{a0}{n}"),
                place: Where::Own,
                acked: 0,
                closed: None,
                kind: Default::default(),
            };
            let from = Person { name: "ann".to_owned(), fingerprint: Fingerprint([1; 32]) };
            let message = Message {
                seq: 3,
                id: [n; 16],
                at: 1,
                from,
                text: "what was said".to_owned(),
                mine: false,
                reply_to: None,
                disappears: None,
                file: None,
            };
            let changes = vec![Change { key: "meta".to_owned(), value: Some(meta.to_vec().into()) }];
            let entries = vec![LineOrAct::Line(Line::from(message))];
            store.commit(id, Some(&record), &Batch { changes, entries, ..Batch::default() }).unwrap();
        }
    }

    #[test]
    fn rooms_of_version_1_become_archives_and_keep_what_was_said() {
        let world = World::new();
        let mut store = world.open();
        world.room(&mut store, 1, &meta(RoomId([1; 32]), false));
        world.room(&mut store, 2, &meta(RoomId([2; 32]), true));
        // Of this version; and something that is no row at all.
        world.room(&mut store, 3, &[meta(RoomId([3; 32]), false), vec![0x98, 0x06, 2]].concat());
        world.room(&mut store, 4, &[0xff; 7]);
        drop(store);

        let store = world.open();
        let labels: Vec<_> = store.rooms().unwrap().into_iter().map(|room| room.label).collect();
        assert_eq!(labels, ["room 1", "room 2", "room\u{a0}3", "room\u{a0}4"]);
        let closed: Vec<_> = store.rooms().unwrap().into_iter().map(|room| room.closed).collect();
        let archive = |open| Some(Over::Archive { open });
        assert_eq!(closed, [archive(false), archive(true), None, None]);
        let mut search = Search::new(Query::new("said", None), [(RoomId([1; 32]), "room 1".to_owned())], 9);
        while !search.is_done() {
            search = store.search(search).unwrap();
        }
        assert_eq!(search.hits().len(), 1);
        assert_eq!(store.history(RoomId([2; 32]), 0, 9).unwrap().len(), 1);
        let told = store.unseen_notices(None).unwrap();
        let [StoredNotice { notice: told @ Notice::Problem(problem), .. }] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert_eq!(*problem, Problem::Version1 { rooms: vec!["room 1".into(), "room 2".into()], more: 0 });
        assert_eq!(told.code(), Some("version_1"));
        drop(store);
        assert_eq!(world.open().unseen_notices(None).unwrap().len(), 1, "told once");
    }

    #[test]
    fn what_names_may_not_hold_any_more_keeps_no_profile_shut() {
        let dir = TempDir::new().unwrap();
        let home = || crate::store::ProfileDir::choose(Some(dir.path().to_owned())).unwrap();
        let random = || Random::new(UnwrapErr(getrandom::SysRng));
        let profile = crate::store::OpenProfile::open(home(), Some("ann"), random()).unwrap();
        profile
            .vault
            .now(|store| {
                store.set_name("cafe\u{301}")?;
                store.set_description("\u{3164}", "\u{2800}")
            })
            .unwrap();
        drop(profile);
        let profile = crate::store::OpenProfile::open(home(), None, random()).unwrap();
        let shown = &profile.engine;
        assert_eq!([&*shown.name, &*shown.status, &*shown.glyph], ["caf\u{e9}", "", ""]);
        profile.vault.now(|store| store.set_name("* ann: hi")).unwrap();
        drop(profile);
        let profile = crate::store::OpenProfile::open(home(), None, random()).unwrap();
        assert_eq!(profile.engine.name, crate::store::usual_name());
    }

    #[test]
    fn profile_of_version_1_that_cannot_be_written_is_read() {
        let world = World::new();
        let mut store = world.open();
        world.room(&mut store, 1, &meta(RoomId([1; 32]), false));
        store.db.pragma_update(None, "query_only", true).unwrap();
        store.archive_old_rooms().unwrap();
        assert_eq!(store.rooms().unwrap()[0].closed, None);
        assert_eq!(store.history(RoomId([1; 32]), 0, 9).unwrap().len(), 1);
    }
}
