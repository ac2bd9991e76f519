//! The database's layout and how an older one becomes the current one.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::StoreError;

/// What brings a database from version `index` to `index + 1`. Never edit one that was released.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE rooms (
        room BLOB PRIMARY KEY,           -- room id
        label TEXT NOT NULL UNIQUE,      -- what faces call it
        host TEXT, port INTEGER,         -- the relay; null for our own
        pin BLOB,                        -- from the link
        acked INTEGER NOT NULL DEFAULT 0,
        closed TEXT                      -- why, when it is over
    );
    CREATE TABLE rows (
        room BLOB NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (room, key)
    ) WITHOUT ROWID;
    CREATE TABLE messages (
        room BLOB NOT NULL, seq INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY (room, seq)
    ) WITHOUT ROWID;
    CREATE TABLE relays (host TEXT NOT NULL, port INTEGER NOT NULL, pin BLOB NOT NULL, PRIMARY KEY (host, port));
", "
    -- Alarms and errors. Numbers are never used twice, so that what was seen is seen.
    CREATE TABLE notices (
        ordinal INTEGER PRIMARY KEY AUTOINCREMENT, room BLOB NOT NULL, seen INTEGER NOT NULL, value BLOB NOT NULL
    );
    CREATE INDEX notices_by_room ON notices (room, ordinal);
    CREATE INDEX notices_unseen ON notices (ordinal) WHERE NOT seen;
", "
    -- The pin is from a link, so it decides alone; else from first use.
    ALTER TABLE relays ADD COLUMN from_link INTEGER NOT NULL DEFAULT 0;
", "
    -- The right to open rooms at a relay that asks for one; the value is sealed.
    CREATE TABLE tokens (host TEXT NOT NULL, port INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY (host, port));
", "
    -- People met in rooms, and whose key was verified. `person` is a tag under the profile's key.
    CREATE TABLE people (person BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
", "
    -- Chat lines are found by their id, which is random, and go when their time is over. What was typed is kept.
    ALTER TABLE messages ADD COLUMN id BLOB;
    ALTER TABLE messages ADD COLUMN expires INTEGER;  -- Unix milliseconds
    CREATE INDEX messages_by_id ON messages (room, id);
    CREATE INDEX messages_expiring ON messages (room, expires) WHERE expires IS NOT NULL;
    CREATE TABLE drafts (room BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
", "
    -- How far programs with a cursor of their own have dealt with a room's messages.
    CREATE TABLE cursors (
        name TEXT NOT NULL, room BLOB NOT NULL, acked INTEGER NOT NULL, PRIMARY KEY (name, room)
    ) WITHOUT ROWID;
", "
    -- Nobody wants to be told of what is said there.
    ALTER TABLE rooms ADD COLUMN muted INTEGER NOT NULL DEFAULT 0;
", "
    -- Who came, went or took another name, and alarms: `nth` of those that the log's entry `seq` told.
    CREATE TABLE happenings (
        room BLOB NOT NULL, seq INTEGER NOT NULL, nth INTEGER NOT NULL, value BLOB NOT NULL,
        expires INTEGER,                 -- Unix milliseconds
        PRIMARY KEY (room, seq, nth)
    ) WITHOUT ROWID;
    CREATE INDEX happenings_expiring ON happenings (room, expires) WHERE expires IS NOT NULL;
", "
    -- Why a relay is trusted: 0 since its first use, 1 by the pin of a link, 2 by authorities; then its own is for links.
    CREATE TABLE known_relays (
        host TEXT NOT NULL, port INTEGER NOT NULL, ground INTEGER NOT NULL, pin BLOB,
        PRIMARY KEY (host, port), CHECK (ground = 2 OR pin IS NOT NULL)
    );
    INSERT INTO known_relays SELECT host, port, from_link, pin FROM relays;
    DROP TABLE relays;
    ALTER TABLE known_relays RENAME TO relays;
", "
    -- How far somebody has read is a cursor as well. What was here before there was one counts as read.
    INSERT OR REPLACE INTO cursors SELECT '~read', room, max(seq) FROM messages GROUP BY room;
", "
    -- Stands above the others in lists.
    ALTER TABLE rooms ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
", "
    -- A program could acknowledge what there was not yet, and then never got it.
    UPDATE rooms SET acked = min(acked, (SELECT ifnull(max(seq), 0) FROM messages WHERE room = rooms.room));
    UPDATE cursors SET acked = min(acked, (SELECT ifnull(max(seq), 0) FROM messages WHERE room = cursors.room));
", "
    -- Files under way; the hashes of parts that were sealed, which is before they are sent; and files at a relay that are
    -- to be dropped there.
    CREATE TABLE transfers (number INTEGER PRIMARY KEY AUTOINCREMENT, room BLOB NOT NULL, value BLOB NOT NULL);
    CREATE TABLE transfer_parts (
        transfer INTEGER NOT NULL, part INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (transfer, part)
    ) WITHOUT ROWID;
    CREATE TABLE blob_drops (room BLOB NOT NULL, blob BLOB NOT NULL, PRIMARY KEY (room, blob)) WITHOUT ROWID;
", "
    -- Where files are on this device that were sent or fetched, and can be shown.
    CREATE TABLE IF NOT EXISTS places (
        number INTEGER PRIMARY KEY AUTOINCREMENT, room BLOB NOT NULL, blob BLOB NOT NULL, value BLOB NOT NULL,
        UNIQUE (room, blob)
    );
    -- Pictures of people, by the blob that they are at the relay; without bytes that ours of this name is there.
    CREATE TABLE IF NOT EXISTS avatars (
        number INTEGER PRIMARY KEY AUTOINCREMENT, room BLOB NOT NULL, blob BLOB NOT NULL, value BLOB NOT NULL,
        UNIQUE (room, blob)
    );
", "
    -- By all that was said of a picture, and not by what its sender chose to call it; what was here is fetched again.
    DROP TABLE places;
    DROP TABLE avatars;
    CREATE TABLE places (
        number INTEGER PRIMARY KEY AUTOINCREMENT, room BLOB NOT NULL, picture BLOB NOT NULL, value BLOB NOT NULL,
        UNIQUE (room, picture)
    );
    CREATE TABLE avatars (
        number INTEGER PRIMARY KEY AUTOINCREMENT, room BLOB NOT NULL, picture BLOB NOT NULL, value BLOB NOT NULL,
        UNIQUE (room, picture)
    );
    -- Which of our own pictures a room was told of last.
    CREATE TABLE IF NOT EXISTS avatars_brought (room BLOB PRIMARY KEY, name BLOB NOT NULL) WITHOUT ROWID;
", "
    -- Files at a relay that are to be pictures of ours, and of which no room was told yet.
    CREATE TABLE IF NOT EXISTS avatars_begun (
        room BLOB NOT NULL, blob BLOB NOT NULL, PRIMARY KEY (room, blob)
    ) WITHOUT ROWID;
 ", "
    -- What a room is for: 0 for people, 1 for the devices of this person, which nobody is shown.
    ALTER TABLE rooms ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
    -- Devices of this person that are to be taken out of rooms, until it is done.
    CREATE TABLE device_removals (room BLOB NOT NULL, device BLOB NOT NULL, PRIMARY KEY (room, device)) WITHOUT ROWID;
", "
    -- Invites that were handed to a device that is not to have them, until they are over.
    CREATE TABLE invite_endings (room BLOB NOT NULL, invite BLOB NOT NULL, PRIMARY KEY (room, invite)) WITHOUT ROWID;
"];

/// Opens a database that nobody can write. Without a journal it is as it is: then no file beside it is needed.
pub(super) fn open_read_only(path: &Path) -> Result<Connection, StoreError> {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-wal");
    let is_settled = std::fs::metadata(&journal).map_or(true, |journal| journal.len() == 0);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = match (is_settled, path.to_str()) {
        (true, Some(path)) => {
            // The signs that mean something in a URI.
            let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            let uri = format!("file:{path}?immutable=1");
            Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?
        }
        _ => Connection::open_with_flags(path, flags)?,
    };
    let version: usize = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version.cmp(&MIGRATIONS.len()) {
        std::cmp::Ordering::Greater => Err(StoreError::TooNew),
        std::cmp::Ordering::Equal => Ok(db),
        std::cmp::Ordering::Less => Err(StoreError::TooOld),
    }
}

/// Opens a database that another process of this user may be writing: what is read is of one moment, and what is written
/// waits for its turn.
pub(super) fn open_beside(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    // A phrase that is forgotten is gone from the pages as well.
    db.execute_batch("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;")?;
    let version: usize = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version == MIGRATIONS.len() {
        true => Ok(db),
        false => Err(StoreError::TooNew),
    }
}

/// Makes the database its owner's alone, from its first byte: the directory may be one that others can look into. SQLite gives the
/// files beside it the same rights. What is in it is sealed, so a file system without rights is no reason to stop.
pub(super) fn keep_from_others(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let mut options = std::fs::OpenOptions::new();
        let made = options.create_new(true).write(true).mode(0o600).open(path);
        let is_open_to_others =
            std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
        if made.is_err() && is_open_to_others {
            let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
        }
    }
}

/// Sets the connection up and migrates the database.
pub(super) fn prepare(db: &mut Connection) -> Result<(), StoreError> {
    db.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA secure_delete = ON; -- old ratchet keys are gone from the pages, not only from the index
         PRAGMA foreign_keys = ON;",
    )?;
    let version: usize = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > MIGRATIONS.len() {
        return Err(StoreError::TooNew);
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(version) {
        let transaction = db.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", index + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
