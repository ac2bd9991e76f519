//! A file that is sent, read part by part.

use std::{
    fs::{File, Metadata},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
    time::UNIX_EPOCH,
};

use shared::file::{FileCipher, Manifest, PartList, Shape};
use zeroize::Zeroizing;

use super::kept::Stamp;

/// What is sent: a file, or what was made of it.
pub(super) enum Source {
    File(File),
    Memory(Zeroizing<Vec<u8>>),
}

/// What was found at a path.
pub(super) struct Found {
    pub(super) source: Source,
    pub(super) stamp: Stamp,
    /// Bytes that are sent.
    pub(super) size: u64,
}

impl Source {
    /// Opens a file. A directory, a device or a pipe has no size that could be told beforehand.
    pub(super) fn open(path: &Path, keeps_metadata: bool) -> io::Result<Found> {
        // Looked at before: opening a pipe would wait for its other end.
        if !std::fs::metadata(path)?.is_file() {
            return Err(crate::reason::FileFault::NotPlain.into());
        }
        let file = File::open(path)?;
        let stamp = stamp(&file.metadata()?);
        if !keeps_metadata && let Some(bytes) = super::picture::stripped(&file, stamp.size)? {
            let size = bytes.len() as u64;
            return Ok(Found { source: Self::Memory(bytes), stamp, size });
        }
        Ok(Found { source: Self::File(file), stamp, size: stamp.size })
    }

    /// Whether exactly this was offered already. Nothing that is sealed for that is given out.
    pub(super) fn is_offered_as(&mut self, offered: &Manifest, size: u64) -> io::Result<bool> {
        let Some(shape) = offered.shape().filter(|_| offered.size == size) else { return Ok(false) };
        let cipher = FileCipher::new(&offered.key);
        let mut hashes = Vec::new();
        for part in 0..shape.parts() {
            let plaintext = self.part(&shape, part)?;
            let Some(hash) = shape.place(part).and_then(|place| cipher.hash(place, &plaintext)) else {
                return Ok(false);
            };
            hashes.push(hash);
        }
        Ok(PartList::new(hashes).hash(size) == offered.parts)
    }

    /// Looks whether the file is written to while it is read.
    pub(super) fn watch(&self) -> io::Result<Watch> {
        match self {
            Self::File(file) => file.try_clone().map(|file| Watch(Some(file))),
            Self::Memory(_) => Ok(Watch(None)),
        }
    }

    /// The plaintext of a part, filled up. Fails with `UnexpectedEof` when the file has become shorter.
    pub(super) fn part(&mut self, shape: &Shape, part: u32) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut plaintext = Zeroizing::new(vec![0; shape.len(part)]);
        let own = plaintext.get_mut(..shape.own_len(part)).unwrap_or_default();
        match self {
            Self::File(file) => {
                file.seek(SeekFrom::Start(shape.offset(part)))?;
                file.read_exact(own)?;
            }
            Self::Memory(bytes) => {
                let start = usize::try_from(shape.offset(part)).unwrap_or(usize::MAX);
                let here = bytes.get(start..).and_then(|rest| rest.get(..own.len()));
                own.copy_from_slice(here.ok_or(io::ErrorKind::UnexpectedEof)?);
            }
        }
        Ok(plaintext)
    }
}

/// A file that is read. None: it was read whole at once.
pub(super) struct Watch(Option<File>);

impl Watch {
    /// Nobody has written to it since. One that is gone, or replaced, was read as it was.
    pub(super) fn is_as_before(&self, before: Stamp) -> bool {
        let Self(Some(file)) = self else { return true };
        file.metadata().is_ok_and(|metadata| stamp(&metadata) == before)
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let modified_ns = modified.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or_default();
    Stamp { size: metadata.len(), modified_ns }
}
