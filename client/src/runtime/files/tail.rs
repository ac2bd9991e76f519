//! The end of a file that is fetched: the list of its parts, and the last of them. It comes first, and is kept beside the parts
//! until all of these are there.
//!
//! In a file of its own: at its place it would have a gap before it, which some file systems fill with zeros, part by part.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use shared::file::{FileCipher, HASH, PartList, SEALED_PART, Shape};
use zeroize::Zeroizing;

use crate::reason::FileFault;

/// The hash of a file's parts, as its manifest has it.
pub(super) type PartsHash = [u8; HASH];

/// The end of a file, which is fetched first.
pub(super) struct Tail {
    pub(super) list: PartList,
    /// The plaintext of the last part. None: that is full, so the list lies alone at the relay, and the part comes as all others do.
    pub(super) last: Option<Zeroizing<Vec<u8>>>,
}

impl Tail {
    /// Where it begins at the relay.
    pub(super) fn first(shape: &Shape) -> u32 {
        if Self::has_last(shape) { shape.last() } else { shape.parts() }
    }

    pub(super) fn has_last(shape: &Shape) -> bool {
        shape.parts() == 1 || shape.last_sealed() < SEALED_PART
    }

    /// Keeps it, so that it comes once. Of a file that is nothing else nothing is kept.
    pub(super) fn keep(&self, place: &Path, shape: &Shape, parts: &PartsHash) -> io::Result<()> {
        if shape.parts() == 1 {
            return Ok(());
        }
        let mut file = open_private(&Self::path(place, parts), true)?;
        file.set_len(0)?;
        file.write_all(&self.list.to_bytes())?;
        if let Some(last) = &self.last {
            file.write_all(last.get(..shape.own_len(shape.last())).unwrap_or_default())?;
        }
        Ok(())
    }

    /// What was kept of it. It is held against the manifest, as if it came from the relay.
    pub(super) fn kept(
        place: &Path,
        cipher: &FileCipher,
        shape: &Shape,
        parts: &PartsHash,
    ) -> io::Result<Option<Self>> {
        let mut file = match open_private(&Self::path(place, parts), false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        Ok(Self::read(&mut file, cipher, shape, parts))
    }

    fn read(file: &mut File, cipher: &FileCipher, shape: &Shape, parts: &PartsHash) -> Option<Self> {
        let mut list = vec![0; shape.parts() as usize * HASH];
        file.read_exact(&mut list).ok()?;
        let list = PartList::read(&list, shape, parts).ok()?;
        if !Self::has_last(shape) {
            return Some(Self { list, last: None });
        }
        let last = read_part(file, cipher, shape, &list, shape.last()).ok()??;
        Some(Self { list, last: Some(last) })
    }

    /// Nothing of it is kept.
    pub(super) fn remove(place: &Path, parts: &PartsHash) {
        // What is not there need not go.
        let _ = fs::remove_file(Self::path(place, parts));
    }

    pub(super) fn path(place: &Path, parts: &PartsHash) -> PathBuf {
        beside(place, parts, "tail")
    }
}

/// Where something of a file is until that is whole: named by the hash of its parts, and not by the id, which its sender chooses.
/// So whoever offers another file of the same name does not write into this one.
pub(super) fn beside(place: &Path, parts: &PartsHash, ending: &str) -> PathBuf {
    let [a, b, c, d, e, f, g, h, ..] = *parts;
    let mut name = place.file_name().map(OsString::from).unwrap_or_default();
    name.push(format!(".{:016x}.{ending}", u64::from_be_bytes([a, b, c, d, e, f, g, h])));
    place.with_file_name(name)
}

/// For reading and writing, by nobody else. No link is followed.
pub(super) fn open_private(path: &Path, creates: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(creates).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let follow_none = rustix::fs::OFlags::NOFOLLOW.bits();
        options.mode(0o600).custom_flags(i32::try_from(follow_none).unwrap_or_default());
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(FileFault::Taken.into());
    }
    Ok(file)
}

/// Makes a file that is filled later, for nobody else. What is there already is somebody's, unless it is a file with nothing in it.
pub(super) fn begin_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = path.symlink_metadata()?;
            let is_empty = found.is_file() && found.len() == 0;
            if is_empty { Ok(()) } else { Err(FileFault::Taken.into()) }
        }
        made => made.map(drop),
    }
}

/// The next part that is read, if it is this one.
pub(super) fn read_part(
    file: &mut File,
    cipher: &FileCipher,
    shape: &Shape,
    list: &PartList,
    part: u32,
) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let (Some(place), Some(hash)) = (shape.place(part), list.part(part)) else { return Ok(None) };
    let mut plaintext = Zeroizing::new(vec![0; shape.len(part)]);
    file.read_exact(plaintext.get_mut(..shape.own_len(part)).unwrap_or_default())?;
    Ok(cipher.hash(place, &plaintext).filter(|found| found == hash).map(|_| plaintext))
}

#[cfg(test)]
mod tests {
    use shared::file::FileKey;

    use super::*;

    #[test]
    fn tail_that_was_kept_is_held_against_the_manifest_and_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("film.bin");
        // With a last part that is full, and with one that is not.
        for size in [(8 << 20) + 1, (2 << 20) + 5] {
            let (shape, key) = (Shape::of(size).unwrap(), FileKey::from_bytes([3; 32]));
            let cipher = FileCipher::new(&key);
            let plain = |part: u32| {
                let mut plain = vec![part as u8 + 1; shape.own_len(part)];
                plain.resize(shape.len(part), 0);
                plain
            };
            let hash = |part: u32| cipher.hash(shape.place(part).unwrap(), &plain(part)).unwrap();
            let list = PartList::new((0..shape.parts()).map(hash).collect());
            let parts = list.hash(size);
            let last = Tail::has_last(&shape).then(|| Zeroizing::new(plain(shape.last())));
            let kept = || Tail::kept(&place, &cipher, &shape, &parts).unwrap();
            assert!(kept().is_none(), "nothing was kept");
            let tail = Tail { list: list.clone(), last: last.clone() };
            tail.keep(&place, &shape, &parts).unwrap();
            let found = kept().unwrap();
            assert!(found.list == list && found.last == last);
            let other = list.hash(size - 1);
            fs::copy(Tail::path(&place, &parts), Tail::path(&place, &other)).unwrap();
            assert!(Tail::kept(&place, &cipher, &shape, &other).unwrap().is_none(), "another file's");
            // Cut off, and with any byte altered that counts.
            let whole = fs::read(Tail::path(&place, &parts)).unwrap();
            let ends = [0, 9, list.to_bytes().len() - 1, whole.len() - 1];
            for end in ends {
                fs::write(Tail::path(&place, &parts), &whole[..end]).unwrap();
                assert!(kept().is_none(), "cut off behind {end} bytes");
                let mut spoiled = whole.clone();
                spoiled[end] ^= 1;
                fs::write(Tail::path(&place, &parts), &spoiled).unwrap();
                assert!(kept().is_none(), "altered at {end}");
            }
            // It is written over what is there.
            tail.keep(&place, &shape, &parts).unwrap();
            assert!(kept().is_some());
            Tail::remove(&place, &parts);
            assert!(kept().is_none());
        }
    }
}
