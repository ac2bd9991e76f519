//! Files that come back from a backup, into a data directory on which no relay runs.

use std::{io, path::Path};

use proto::{BlobId, RoomId};
use redb::Durability;

use super::{
    error::{BlobsError, IndexError},
    files::{BlobFile, FOLDER, Files},
    index::Index,
    row::Row,
};

/// Takes files one after the other. What was carried away is checked before it comes here.
pub(crate) struct Intake {
    files: Files,
    index: Index,
    at: Option<(RoomId, BlobId, Row, BlobFile)>,
}

impl Intake {
    /// Into this data directory.
    ///
    /// # Errors
    /// [`BlobsError`].
    pub(crate) fn new(data_dir: &Path) -> Result<Self, BlobsError> {
        let broken = |source| BlobsError::Io { path: data_dir.join(FOLDER), source };
        let files = Files::open(data_dir).map_err(broken)?;
        let index = Index::open(files.folder())?;
        Ok(Self { files, index, at: None })
    }

    /// A file begins.
    ///
    /// # Errors
    /// Of the disk.
    pub(crate) fn blob(&mut self, room: RoomId, blob: BlobId, mut row: Row) -> io::Result<()> {
        self.settle()?;
        let number = self.index.write(|tables| Ok((tables.take_number()?, Some(Durability::None))));
        row.number = number.map_err(io::Error::other)?;
        let file = self.files.create(row.number)?;
        self.at = Some((room, blob, row, file));
        Ok(())
    }

    /// Its next part.
    ///
    /// # Errors
    /// Of the disk, or that there is no file.
    pub(crate) fn part(&mut self, number: u32, bytes: &[u8]) -> io::Result<()> {
        let (_, _, row, file) = self.at.as_ref().ok_or(io::ErrorKind::InvalidData)?;
        file.write_at(bytes, row.layout.offset(number))
    }

    /// There are no more.
    ///
    /// # Errors
    /// Of the disk.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.settle()?;
        let settled = self.index.write(|_| Ok(((), Some(Durability::Immediate))));
        self.index.close();
        settled.map_err(io::Error::other)
    }

    fn settle(&mut self) -> io::Result<()> {
        let Some((room, blob, row, file)) = self.at.take() else { return Ok(()) };
        file.sync()?;
        let put = self.index.write(|tables| {
            tables.put(&room, &blob, &row)?;
            Ok::<_, IndexError>(((), Some(Durability::None)))
        });
        put.map_err(io::Error::other)
    }
}
