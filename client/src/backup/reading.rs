//! Reading a backup: its records, wherever they are.

use std::{
    fs::File,
    io::{self, BufReader, Read as _},
    path::{Path, PathBuf},
};

use prost::Message as _;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{
    BackupError, BackupKey,
    pieces::{INDEX, path},
    sealed::{Kind, Opening},
};
use crate::portable::{
    MAX_RECORD, ReadError, Reader,
    schema::{Body, Elsewhere, Record},
};

/// Bytes of a file that are given at once.
const BLOCK: u64 = 256 << 10;

type Sealed = Opening<BufReader<File>>;

/// What is in a backup.
pub(super) enum Found {
    /// A record.
    Record(Body),
    /// A piece is damaged or missing: of a room's past, or of the bytes of the file before. What follows it is as it was.
    Lost { why: BackupError, is_bytes: bool },
}

/// The records of a backup, in order.
pub(super) struct Reading<'a> {
    dir: PathBuf,
    key: &'a BackupKey,
    reader: Reader<Sealed>,
    /// Bytes of a file, in a piece.
    bytes: Option<Sealed>,
}

impl<'a> Reading<'a> {
    /// Of a file, or of a directory.
    pub(super) fn of(target: &Path, key: &'a BackupKey) -> Result<Self, BackupError> {
        match target.is_dir() {
            true => Self::at(&target.join(INDEX), target, Kind::Index, key),
            false => Self::at(target, target, Kind::Whole, key),
        }
    }

    /// The same, where the beginning is somewhere else.
    pub(super) fn at(file: &Path, dir: &Path, kind: Kind, key: &'a BackupKey) -> Result<Self, BackupError> {
        let opening = Opening::begin(BufReader::new(File::open(file)?), key, kind)?;
        Ok(Self { dir: dir.to_owned(), key, reader: Reader::new(opening), bytes: None })
    }

    /// The next record; none after the last one.
    ///
    /// # Errors
    /// [`BackupError`]: nothing more is to be had of it.
    pub(super) fn next(&mut self) -> Result<Option<Found>, BackupError> {
        if let Some(mut bytes) = self.bytes.take() {
            let mut block = Vec::new();
            match (&mut bytes).take(BLOCK).read_to_end(&mut block) {
                Err(error) => return Ok(Some(Found::Lost { why: error.into(), is_bytes: true })),
                Ok(0) => {}
                Ok(_) => {
                    self.bytes = Some(bytes);
                    return Ok(Some(Found::Record(Body::Bytes(block))));
                }
            }
        }
        Ok(match self.reader.read()? {
            Some(Body::Elsewhere(elsewhere)) => Some(match self.elsewhere(&elsewhere) {
                Ok(body) => Found::Record(body),
                Err(why) => Found::Lost { why, is_bytes: elsewhere.is_bytes },
            }),
            body => body.map(Found::Record),
        })
    }

    fn elsewhere(&mut self, elsewhere: &Elsewhere) -> Result<Body, BackupError> {
        let place = path(&self.dir, &elsewhere.name).ok_or(BackupError::Altered)?;
        let file = File::open(place).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BackupError::PieceMissing,
            _ => error.into(),
        })?;
        let name = elsewhere.name.as_slice().try_into().map_err(|_| BackupError::Altered)?;
        let mut opening = Opening::begin(BufReader::new(file), self.key, Kind::Piece(name))?;
        if elsewhere.is_bytes {
            let mut block = Vec::new();
            (&mut opening).take(BLOCK).read_to_end(&mut block)?;
            self.bytes = Some(opening);
            return Ok(Body::Bytes(block));
        }
        let mut bytes = Zeroizing::new(Vec::new());
        (&mut opening).take(MAX_RECORD as u64 + 1).read_to_end(&mut bytes)?;
        // What the index says of it.
        if Sha256::digest(&*bytes).as_slice() != elsewhere.digest {
            return Err(BackupError::Altered);
        }
        let record = Record::decode(bytes.as_slice()).ok().and_then(|record| record.body);
        record.ok_or(BackupError::Content(ReadError::Malformed("a piece")))
    }
}
