//! Writing a backup of a profile.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use shared::{
    crypto::random::Random,
    room::{Engine, Profile},
};
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    BackupError, BackupKey,
    output::{Output, settle},
    pieces::{INDEX, Pieces},
    sealed::{Kind, Opening, Sealing},
    verify::verify_at,
};
use crate::{
    portable::{
        Gather, Gathered, Selection, Writer,
        schema::{Body, File as Named, Record, Room, Settings, WayIn},
    },
    store::{FileLocation, RoomKind, Store},
};

/// Bytes of a file that are read at once.
const BLOCK: usize = 256 << 10;

/// Whose backup it is.
pub struct Source<'a> {
    /// The profile's database, frozen or not written by anybody else.
    pub store: &'a Store,
    /// The account, its name and what the engine needs.
    pub profile: &'a Profile,
    /// Settings that follow the person, as a config.toml; may be empty.
    pub settings: String,
    /// Unix milliseconds.
    pub now: u64,
}

/// Where it goes, and what of it.
pub struct Wanted<'a> {
    /// A directory that is there, or a file.
    pub target: &'a Path,
    /// What seals it.
    pub key: &'a BackupKey,
    /// The bytes of files too.
    pub files: bool,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Rooms.
    pub rooms: u64,
    /// Bytes that were written now.
    pub written: u64,
    /// Files of the directory that were there already.
    pub kept: u64,
    /// Files whose bytes were wanted and are not where they were.
    pub gone: u64,
}

/// Writes a backup, reads it back whole, and only then puts it in the place of the one that was there.
///
/// # Errors
/// [`BackupError`]; then what was there before is as it was.
pub fn write(source: &Source<'_>, wanted: &Wanted<'_>, random: &Random) -> Result<Done, BackupError> {
    let is_directory = wanted.target.is_dir();
    let (place, kind) = match is_directory {
        true => (wanted.target.join(INDEX), Kind::Index),
        false => (wanted.target.to_owned(), Kind::Whole),
    };
    is_ours(&place, wanted.key, kind)?;
    let begin = || Pieces::begin(wanted.target, wanted.key, random);
    let mut pieces = is_directory.then(begin).transpose()?;
    let mut done = attempt(source, wanted, (&place, kind), pieces.as_mut(), random);
    let is_damaged = matches!(done, Err(BackupError::Altered | BackupError::Cut | BackupError::PieceMissing));
    if is_damaged && pieces.as_ref().is_some_and(|pieces| pieces.kept > 0) {
        // A piece that was there is not what it was any more. The profile still has what was in it.
        drop(pieces);
        let mut anew = begin()?;
        anew.forget();
        done = attempt(source, wanted, (&place, kind), Some(&mut anew), random);
        pieces = Some(anew);
    }
    let done = done?;
    if let Some(pieces) = pieces {
        pieces.end();
    }
    Ok(done)
}

/// What is in the place is a backup of the same phrase, or nothing: whatever else it is stays.
fn is_ours(place: &Path, key: &BackupKey, kind: Kind) -> Result<(), BackupError> {
    let file = match File::open(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    match file.metadata()? {
        found if !found.is_file() => return Err(BackupError::Taken),
        found if found.len() == 0 => return Ok(()),
        _ => {}
    }
    match Opening::begin(file, key, kind) {
        Err(BackupError::Foreign | BackupError::WrongPhrase | BackupError::Cut) => Err(BackupError::Taken),
        other => other.map(drop),
    }
}

fn attempt(
    source: &Source<'_>,
    wanted: &Wanted<'_>,
    (place, kind): (&Path, Kind),
    pieces: Option<&mut Pieces<'_>>,
    random: &Random,
) -> Result<Done, BackupError> {
    let (output, file) = Output::create(place)?;
    let sealing = Sealing::begin(file, wanted.key, kind, random)?;
    let mut writing = Writing {
        source,
        wanted,
        writer: Writer::begin(sealing, source.now)?,
        pieces,
        done: Done::default(),
    };
    writing.all()?;
    let Writing { writer, pieces, mut done, .. } = writing;
    let (file, written) = writer.end()?.end()?;
    settle(file)?;
    done.written = written;
    verify_at(output.part(), wanted.target, kind, wanted.key, source.profile)?;
    output.put()?;
    if let Some(pieces) = pieces {
        done.written += pieces.written;
        done.kept = pieces.kept;
    }
    Ok(done)
}

struct Writing<'a, 'p, W> {
    source: &'a Source<'a>,
    wanted: &'a Wanted<'a>,
    writer: Writer<W>,
    pieces: Option<&'a mut Pieces<'p>>,
    done: Done,
}

impl<W: Write> Writing<'_, '_, W> {
    fn all(&mut self) -> Result<(), BackupError> {
        self.settings()?;
        let mut gather = Gather::new(Selection::ALL);
        while let Some(gathered) = gather.next(self.source.store)? {
            match gathered {
                Gathered::Record(past @ Body::Past(_)) => self.past(past)?,
                Gathered::Record(Body::Account(mut account)) => {
                    // Whoever restores types the phrase. Here it would lead from the key that devices keep to the recovery
                    // key, which none keeps.
                    account.phrase.zeroize();
                    account.backup_key.zeroize();
                    self.writer.put(&Body::Account(account))?;
                }
                Gathered::Record(body) => self.writer.put(&body)?,
                Gathered::Room(room) => {
                    // That of the devices among themselves is in no list.
                    let is_hidden = RoomKind::of(room.kind.into()).is_some_and(RoomKind::is_hidden);
                    self.done.rooms += u64::from(!is_hidden);
                    let room = self.with_way_back(room)?;
                    self.writer.put(&Body::Room(room))?;
                }
                Gathered::File(file, place) => self.file(file, &place)?,
            }
        }
        Ok(())
    }

    fn settings(&mut self) -> io::Result<()> {
        let toml = self.source.settings.clone();
        if toml.is_empty() { Ok(()) } else { self.writer.put(&Body::Settings(Settings { toml })) }
    }

    /// A room with what this device needs to come back into it. One that is over, or whose rows cannot be read, keeps its past.
    fn with_way_back(&self, mut room: Room) -> Result<Room, BackupError> {
        let Ok(id) = room.id.as_slice().try_into().map(proto::RoomId) else { return Ok(room) };
        if room.closed.is_none() {
            let rows = self.source.store.rows(id)?;
            let engine = Engine::load(self.source.profile, rows, self.source.now).ok();
            let way = engine.and_then(|engine| engine.way_back());
            room.entry = way.map(|way| WayIn::WayBack(way.to_vec()));
        }
        Ok(room)
    }

    fn past(&mut self, past: Body) -> Result<(), BackupError> {
        let Some(pieces) = &mut self.pieces else { return Ok(self.writer.put(&past)?) };
        let bytes = Zeroizing::new(Record { body: Some(past) }.encode_to_vec());
        let digest = Sha256::digest(&*bytes).to_vec();
        let elsewhere = pieces.put(digest, false, &mut bytes.as_slice())?;
        Ok(self.writer.put(&Body::Elsewhere(elsewhere))?)
    }

    fn file(&mut self, mut file: Named, place: &FileLocation) -> Result<(), BackupError> {
        let found = if self.wanted.files { open(place) } else { None };
        self.done.gone += u64::from(self.wanted.files && found.is_none());
        let Some(found) = found.filter(|_| file.size > 0) else {
            return Ok(self.writer.put(&Body::File(file))?);
        };
        file.has_bytes = true;
        let size = file.size;
        let digest = Sha256::new()
            .chain_update(&file.room)
            .chain_update(&file.key)
            .chain_update(size.to_be_bytes())
            .chain_update(place.modified_ns.to_be_bytes())
            .finalize()
            .to_vec();
        self.writer.put(&Body::File(file))?;
        let mut bytes = Exactly { from: found, left: size };
        if let Some(pieces) = &mut self.pieces {
            let elsewhere = pieces.put(digest, true, &mut bytes)?;
            return Ok(self.writer.put(&Body::Elsewhere(elsewhere))?);
        }
        loop {
            let mut block = Vec::with_capacity(BLOCK);
            (&mut bytes).take(BLOCK as u64).read_to_end(&mut block)?;
            if block.is_empty() {
                return Ok(());
            }
            self.writer.put(&Body::Bytes(block))?;
        }
    }
}

/// The file that was sent or fetched, if it is still the same there.
fn open(place: &FileLocation) -> Option<File> {
    let path: &PathBuf = &place.path;
    let file = File::open(path).ok()?;
    let found = file.metadata().ok().filter(fs::Metadata::is_file)?;
    (FileLocation::of(path.clone(), &found) == *place).then_some(file)
}

/// As many bytes as were promised: a file that became shorter meanwhile is filled up, and one that became longer is not read on.
struct Exactly {
    from: File,
    left: u64,
}

impl Read for Exactly {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(to.len());
        let room = to.get_mut(..most).unwrap_or_default();
        if room.is_empty() {
            return Ok(0);
        }
        let count = match self.from.read(room)? {
            0 => {
                room.fill(0);
                room.len()
            }
            count => count,
        };
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}
