//! The pieces of a backup in a directory: each is written once and never changed. Which are in use the index says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use shared::crypto::random::Random;

use super::{
    BackupError, BackupKey,
    output::{Output, locked, own, settle, sync_directory},
    sealed::{Kind, NAME, Opening, Sealing},
};
use crate::portable::{
    Reader,
    schema::{Body, Elsewhere},
};

/// The index of a backup in a directory.
pub(super) const INDEX: &str = "schat-backup";

/// Where the pieces are.
const PIECES: &str = "pieces";

/// Locked by whoever writes a backup there.
const LOCK: &str = "lock";

/// What tells one piece from another.
type Digest = Vec<u8>;

/// The pieces of one backup while it is written.
pub(super) struct Pieces<'a> {
    dir: PathBuf,
    key: &'a BackupKey,
    random: &'a Random,
    _lock: fs::File,
    before: BTreeMap<Digest, Elsewhere>,
    used: BTreeSet<Vec<u8>>,
    /// Those that were written now and that no index names yet.
    new: Vec<Vec<u8>>,
    /// Bytes that were written now.
    pub(super) written: u64,
    /// Pieces that were there already.
    pub(super) kept: u64,
}

impl<'a> Pieces<'a> {
    /// Those that the backup in `dir` has. One that cannot be read has none: it is written anew.
    pub(super) fn begin(dir: &Path, key: &'a BackupKey, random: &'a Random) -> Result<Self, BackupError> {
        fs::create_dir_all(dir.join(PIECES))?;
        let lock = own(&dir.join(PIECES).join(LOCK))?;
        locked(&lock)?;
        let mut pieces = Self {
            dir: dir.to_owned(),
            key,
            random,
            _lock: lock,
            before: BTreeMap::new(),
            used: BTreeSet::new(),
            new: Vec::new(),
            written: 0,
            kept: 0,
        };
        // Of an index that is damaged nothing is known: then nothing goes, and all is written anew.
        let Some(listed) = listed(&dir.join(INDEX), key) else { return Ok(pieces) };
        pieces.used.extend(listed.iter().map(|elsewhere| elsewhere.name.clone()));
        // What one left that was interrupted.
        pieces.tidy();
        pieces.used.clear();
        for elsewhere in listed {
            // One whose length is another is not the one that was written.
            let length =
                path(dir, &elsewhere.name).and_then(|path| fs::metadata(path).ok()).map(|file| file.len());
            if length == Some(elsewhere.sealed) {
                pieces.before.insert(elsewhere.digest.clone(), elsewhere);
            }
        }
        Ok(pieces)
    }

    /// Where those bytes are: in a piece that is there, or in a new one.
    pub(super) fn put(
        &mut self,
        digest: Digest,
        is_bytes: bool,
        from: &mut dyn Read,
    ) -> Result<Elsewhere, BackupError> {
        if let Some(known) = self.before.get(&digest).filter(|known| known.is_bytes == is_bytes) {
            self.kept += 1;
            self.used.insert(known.name.clone());
            return Ok(known.clone());
        }
        let id = self.random.bytes::<NAME>();
        let name = id.to_vec();
        let place = path(&self.dir, &name).ok_or(BackupError::Altered)?;
        let (output, file) = Output::create(&place)?;
        let mut sealing = Sealing::begin(file, self.key, Kind::Piece(id), self.random)?;
        let copied = io::copy(from, &mut sealing)?;
        if copied == 0 {
            // An empty file has no bytes to seal; nobody asks for them either.
            return Err(BackupError::Altered);
        }
        let (file, sealed) = sealing.end()?;
        settle(file)?;
        output.put()?;
        self.new.push(name.clone());
        self.written += sealed;
        let elsewhere = Elsewhere { name: name.clone(), digest: digest.clone(), sealed, is_bytes };
        self.used.insert(name);
        self.before.insert(digest, elsewhere.clone());
        Ok(elsewhere)
    }

    /// What is there is not to be used: it turned out to be damaged.
    pub(super) fn forget(&mut self) {
        self.before.clear();
    }

    /// The index is in its place.
    pub(super) fn end(mut self) {
        self.new.clear();
        self.tidy();
    }

    /// What the index does not name goes. Only files that can be pieces, or what one left that was interrupted.
    fn tidy(&self) {
        let Ok(files) = fs::read_dir(self.dir.join(PIECES)) else { return };
        for file in files.flatten() {
            let name = file.file_name();
            let Some(text) = name.to_str() else { continue };
            let stem = text.strip_suffix(".part").unwrap_or(text);
            let is_piece = hex::decode(stem).is_ok_and(|bytes| bytes.len() == NAME);
            let is_used = stem == text && hex::decode(stem).is_ok_and(|bytes| self.used.contains(&bytes));
            if is_piece && !is_used {
                // What stays is tried again the next time.
                let _ = fs::remove_file(file.path());
            }
        }
        let _ = sync_directory(&self.dir.join(PIECES).join("x"));
    }
}

impl Drop for Pieces<'_> {
    /// No index names what was written now: a disk that is full does not stay so.
    fn drop(&mut self) {
        for place in self.new.iter().filter_map(|name| path(&self.dir, name)) {
            // What stays goes the next time.
            let _ = fs::remove_file(place);
        }
    }
}

/// What the index names; none where it cannot be read to its end.
fn listed(index: &Path, key: &BackupKey) -> Option<Vec<Elsewhere>> {
    let file = match fs::File::open(index) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Some(Vec::new()),
        file => file.ok()?,
    };
    let opening = Opening::begin(io::BufReader::new(file), key, Kind::Index).ok()?;
    let elsewhere = |body| match body {
        Ok(Body::Elsewhere(elsewhere)) => Some(Ok(elsewhere)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    };
    Reader::new(opening).filter_map(elsewhere).collect::<Result<_, _>>().ok()
}

/// Whether a directory has a backup.
pub fn is_there(dir: &Path) -> bool {
    dir.join(INDEX).is_file()
}

/// Where a piece is; none for what is no name.
pub(super) fn path(dir: &Path, name: &[u8]) -> Option<PathBuf> {
    (name.len() == NAME).then(|| dir.join(PIECES).join(hex::encode(name)))
}
