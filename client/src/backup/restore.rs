//! Restoring a backup into a profile that is not there yet. It is made beside its place and put there once it is whole: a program that
//! ends before leaves nothing that could be taken for a profile.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use shared::{
    crypto::random::Random,
    identity::Fingerprint,
    room::{Engine, Person, Profile},
};

use super::{BackupError, BackupKey, error::no_way_back, output::sync_directory, reading::Reading};
use crate::{
    portable::{Account, Counts, Intake, Left, ReadError, Room, schema::WayIn},
    store::{FileLocation, NewProfile, NoWayIn, Over, ProfileDir, Store, Where, engine_profile},
};

/// Where files go whose bytes are in the backup, in the profile's directory.
const FILES: &str = "restored-files";

/// How a room came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It asks to be let back in; a member's device that comes by does it.
    Asks,
    /// Nobody else was in it: nobody can let this device back in. Its past is here.
    WasAlone,
    /// Its relay ran from the device that is gone. Its past is here.
    OwnRelay,
    /// The device was not in it, or not any more. Its past is here.
    Over,
}

/// A room that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredRoom {
    /// What it is called.
    pub label: String,
    /// How.
    pub standing: Standing,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// How much.
    pub counts: Counts,
    /// The rooms, in the backup's order.
    pub rooms: Vec<RestoredRoom>,
    /// When the backup was written, Unix milliseconds.
    pub made: u64,
    /// Settings that follow the person, as a config.toml; may be empty.
    pub settings: String,
}

/// Restores a backup into a profile that is not there yet.
///
/// # Errors
/// [`BackupError`]; then there is no profile, as before.
pub fn restore(
    source: &Path,
    key: &BackupKey,
    dir: &ProfileDir,
    now: u64,
    random: &Random,
) -> Result<Restored, BackupError> {
    if dir.is_made() {
        return Err(BackupError::Occupied);
    }
    let mut reading = Reading::of(source, key)?;
    let staging = staging(dir.path());
    clear(&staging)?;
    let done = (|| {
        let mut new = NewProfile::make(&staging, random)?;
        let mut taking = Taking {
            store: &mut new.store,
            files: staging.join(FILES),
            final_files: dir.path().join(FILES),
            key,
            now,
            random,
            profile: None,
            intake: None,
            file: None,
            restored: Restored {
                counts: Counts::default(),
                rooms: Vec::new(),
                made: 0,
                settings: String::new(),
            },
        };
        while let Some(body) = reading.next()? {
            taking.take(body)?;
        }
        let Taking { restored, profile, .. } = taking;
        match profile {
            Some(_) => Ok(restored),
            None => Err(BackupError::Content(ReadError::Order("no account"))),
        }
    })();
    // The database is closed by now, and its journal with it.
    let put = done.and_then(|restored| put(&staging, dir.path()).map(|()| restored));
    if put.is_err() {
        // What stays is removed by the next one.
        let _ = clear(&staging);
    }
    put
}

fn staging(dir: &Path) -> PathBuf {
    // Without a slash at its end, which shells add: it would be within.
    let mut name = dir.components().collect::<PathBuf>().into_os_string();
    name.push(".restoring");
    PathBuf::from(name)
}

/// Nothing of one that was interrupted stays.
fn clear(staging: &Path) -> Result<(), BackupError> {
    match fs::remove_dir_all(staging) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Puts the profile in its place, in one step.
fn put(staging: &Path, dir: &Path) -> Result<(), BackupError> {
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    match fs::remove_dir(dir) {
        // It may have been there, empty; what is in the way is not ours to remove.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => {
            return Err(BackupError::Occupied);
        }
        removed => removed?,
    }
    fs::rename(staging, dir)?;
    Ok(sync_directory(dir)?)
}

struct Taking<'a> {
    store: &'a mut Store,
    files: PathBuf,
    final_files: PathBuf,
    key: &'a BackupKey,
    now: u64,
    random: &'a Random,
    profile: Option<Profile>,
    intake: Option<Intake>,
    file: Option<(File, crate::portable::File, PathBuf, u64)>,
    restored: Restored,
}

impl Taking<'_> {
    fn take(&mut self, body: crate::portable::schema::Body) -> Result<(), BackupError> {
        if let crate::portable::schema::Body::Begin(begin) = &body {
            self.restored.made = begin.at;
        }
        let nobody = Person { name: String::new(), fingerprint: Fingerprint([0; 32]) };
        let intake = self.intake.get_or_insert_with(|| Intake::new(nobody));
        let left = intake.take(self.store, body)?;
        self.restored.counts = intake.counts();
        match left {
            Left::Account(account) => self.account(*account),
            Left::Settings(toml) => {
                self.restored.settings = toml;
                Ok(())
            }
            Left::Room(room) => self.room(*room),
            Left::File(file) => self.begin_file(file),
            Left::Bytes(bytes) => self.bytes(&bytes),
            Left::Nothing | Left::Over => Ok(()),
        }
    }

    fn account(&mut self, account: Account) -> Result<(), BackupError> {
        // Whoever typed the phrase has it written down.
        self.store.set_account(&account.identity, None)?;
        self.store.set_backup_key(self.key.as_bytes())?;
        let profile = engine_profile(account.identity, ("", "", ""), self.random);
        let me = Person { name: profile.name.clone(), fingerprint: profile.identity.fingerprint() };
        self.profile = Some(profile);
        self.intake = Some(Intake::new(me));
        Ok(())
    }

    fn room(&mut self, mut room: Room) -> Result<(), BackupError> {
        let (Some(profile), Some(intake)) = (&self.profile, &mut self.intake) else {
            return Err(BackupError::Content(ReadError::Order("a room before the account")));
        };
        let (mut rows, mut standing) = (Vec::new(), Standing::Over);
        let entry = room.entry.take().filter(|_| room.record.closed.is_none());
        if let Some(WayIn::WayBack(way)) = entry {
            let mut returning =
                Engine::come_back(profile, &way, self.now).map_err(|error| no_way_back(&error))?;
            standing = match (returning.was_alone, &room.record.place) {
                (_, Where::Own) => Standing::OwnRelay,
                (true, _) => Standing::WasAlone,
                (false, _) => {
                    rows = returning.engine.changes();
                    Standing::Asks
                }
            };
        }
        if rows.is_empty() && room.record.closed.is_none() {
            room.record.closed = Some(Over::CameBack(match standing {
                Standing::WasAlone => NoWayIn::Alone,
                Standing::OwnRelay => NoWayIn::OwnRelay,
                Standing::Asks | Standing::Over => NoWayIn::NotIn,
            }));
        }
        intake.admit(self.store, &room, rows)?;
        self.restored.counts = intake.counts();
        // What the devices of the person tell each other in is nothing to look at.
        if !room.record.kind.is_hidden() {
            self.restored.rooms.push(RestoredRoom { label: room.record.label, standing });
        }
        Ok(())
    }

    fn begin_file(&mut self, file: crate::portable::File) -> Result<(), BackupError> {
        if !file.has_bytes || file.size == 0 {
            return Ok(());
        }
        // A directory for each, so that no name is in the way of another.
        let folder = hex::encode(file.key.as_bytes().get(..8).unwrap_or_default());
        fs::create_dir_all(self.files.join(&folder))?;
        let name = if file.name.is_empty() { "file" } else { &file.name };
        let open = File::create(self.files.join(&folder).join(name))?;
        let place = PathBuf::from(folder).join(name);
        let left = file.size;
        self.file = Some((open, file, place, left));
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        let Some((open, file, place, left)) = &mut self.file else { return Ok(()) };
        open.write_all(bytes)?;
        *left = left.saturating_sub(bytes.len() as u64);
        if *left == 0 {
            open.sync_all()?;
            let place = FileLocation::of(self.final_files.join(&*place), &open.metadata()?);
            self.store.set_place(file.room, file.key, &place)?;
            self.file = None;
        }
        Ok(())
    }
}
