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
    room::{Engine, EngineError, Person, Profile},
};

use super::{
    BackupError, BackupKey,
    error::no_way_back,
    output::{Claim, sync_directory},
    reading::{Found, Reading},
};
use crate::{
    portable::{
        Account, Counts, Intake, Left, ReadError, Room, TakeError,
        schema::{Body, WayIn},
    },
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
    /// What the device needs to come back in is damaged. Its past is here.
    Damaged,
}

/// What of a room did not come back: pieces that are damaged or missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Parts of its past, of some hundred messages each at most.
    pub past: u64,
    /// Files.
    pub files: u64,
}

impl Lost {
    /// Something did not come back.
    pub fn is_some(&self) -> bool {
        *self != Self::default()
    }
}

/// A room that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoredRoom {
    /// What it is called.
    pub label: String,
    /// How.
    pub standing: Standing,
    /// What of it did not.
    pub lost: Lost,
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
    let _claim = Claim::of(&staging).map_err(|error| match error {
        BackupError::Busy => BackupError::Restoring,
        error => error,
    })?;
    // Whoever had it before us may have been done just now.
    if dir.is_made() {
        return Err(BackupError::Occupied);
    }
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
            is_shown: false,
            gives_up: false,
            restored: Restored {
                counts: Counts::default(),
                rooms: Vec::new(),
                made: 0,
                settings: String::new(),
            },
        };
        while let Some(found) = reading.next()? {
            match found {
                Found::Record(body) => taking.take(body)?,
                Found::Lost { is_bytes, .. } => taking.lost(is_bytes),
            }
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
    /// The last room is one that people are shown.
    is_shown: bool,
    /// The rest of the present file is passed over.
    gives_up: bool,
    restored: Restored,
}

impl Taking<'_> {
    fn take(&mut self, body: Body) -> Result<(), BackupError> {
        if let Body::Begin(begin) = &body {
            self.restored.made = begin.at;
        }
        let nobody = Person { name: String::new(), fingerprint: Fingerprint([0; 32]) };
        let intake = self.intake.get_or_insert_with(|| Intake::new(nobody));
        let (is_past, is_bytes) = (matches!(body, Body::Past(_)), matches!(body, Body::Bytes(_)));
        self.gives_up &= is_bytes;
        if self.gives_up {
            return Ok(());
        }
        let left = match intake.take(self.store, body) {
            // What makes no sense is as good as damaged, and the rest of it is none the worse.
            Err(TakeError::Read(_)) if is_past => {
                self.lost(false);
                return Ok(());
            }
            left => left?,
        };
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

    /// A piece is damaged or missing.
    fn lost(&mut self, is_bytes: bool) {
        if is_bytes {
            self.gives_up = true;
            self.intake.iter_mut().for_each(Intake::give_up_file);
            if let Some((_, _, place, _)) = self.file.take() {
                // Half a file is none; what stays of it is in nobody's way.
                let place = self.files.join(place);
                let _ = fs::remove_file(&place);
                place.parent().map(fs::remove_dir);
            }
        }
        let room = self.restored.rooms.last_mut().filter(|_| self.is_shown);
        if let Some(room) = room {
            let count = if is_bytes { &mut room.lost.files } else { &mut room.lost.past };
            *count = count.saturating_add(1);
        }
    }

    fn account(&mut self, account: Account) -> Result<(), BackupError> {
        // Whoever typed the phrase has it written down.
        self.store.set_account(&account.identity, None)?;
        self.store.set_backup_key(self.key.as_bytes())?;
        if let Some(name) = &account.device_name {
            self.store.set_device_name(name)?;
        }
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
            standing = match Engine::come_back(profile, &way, self.now) {
                Err(error @ EngineError::TooNew) => return Err(no_way_back(&error)),
                Err(_) => Standing::Damaged,
                Ok(_) if room.record.place == Where::Own => Standing::OwnRelay,
                Ok(returning) if returning.was_alone => Standing::WasAlone,
                Ok(mut returning) => {
                    rows = returning.engine.changes();
                    Standing::Asks
                }
            };
        }
        if rows.is_empty() && room.record.closed.is_none() {
            room.record.closed = Some(Over::CameBack(match standing {
                Standing::WasAlone => NoWayIn::Alone,
                Standing::OwnRelay => NoWayIn::OwnRelay,
                Standing::Asks | Standing::Over | Standing::Damaged => NoWayIn::NotIn,
            }));
        }
        intake.admit(self.store, &room, rows)?;
        self.restored.counts = intake.counts();
        // What the devices of the person tell each other in is nothing to look at.
        self.is_shown = !room.record.kind.is_hidden();
        if self.is_shown {
            let lost = Lost::default();
            self.restored.rooms.push(RestoredRoom { label: room.record.label, standing, lost });
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
