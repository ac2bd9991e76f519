//! A file that is fetched: written beside its place under another name, and given its own when all of it is there.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use shared::file::{FileCipher, PartList, Shape};
use zeroize::Zeroizing;

/// The hash of a file's parts, as its manifest has it.
type PartsHash = [u8; 32];

/// Numbers that are tried behind a name that is taken.
const NUMBERS: u32 = 10_000;

/// A file that is not whole yet.
pub(super) struct Target {
    file: File,
    path: PathBuf,
}

impl Target {
    /// Where it is until it is whole: named by the hash of its parts, and not by the id, which its sender chooses. So whoever
    /// offers another file of the same name does not write into this one.
    pub(super) fn path(place: &Path, parts: &PartsHash) -> PathBuf {
        let [a, b, c, d, e, f, g, h, ..] = *parts;
        let mut name = place.file_name().map(OsString::from).unwrap_or_default();
        name.push(format!(".{:016x}.part", u64::from_be_bytes([a, b, c, d, e, f, g, h])));
        place.with_file_name(name)
    }

    /// Opens what there is of it, or begins.
    pub(super) fn open(place: &Path, parts: &PartsHash) -> io::Result<Self> {
        let path = Self::path(place, parts);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            let follow_none = rustix::fs::OFlags::NOFOLLOW.bits();
            options.mode(0o600).custom_flags(i32::try_from(follow_none).unwrap_or_default());
        }
        let file = options.open(&path)?;
        if !file.metadata()?.is_file() {
            return Err(crate::reason::FileFault::Taken.into());
        }
        Ok(Self { file, path })
    }

    /// So many parts from the beginning are there. They are looked at, not believed: whatever happened to the disk or to
    /// the file meanwhile, what does not fit is fetched again.
    pub(super) fn whole_parts(
        &mut self,
        cipher: &FileCipher,
        shape: &Shape,
        list: &PartList,
    ) -> io::Result<u32> {
        let length = self.file.metadata()?.len();
        self.file.seek(SeekFrom::Start(0))?;
        for part in 0..shape.last() {
            let (Some(place), Some(hash)) = (shape.place(part), list.part(part)) else { return Ok(part) };
            if shape.offset(part + 1) > length {
                return Ok(part);
            }
            let mut plaintext = Zeroizing::new(vec![0; shape.len(part)]);
            let own = plaintext.get_mut(..shape.own_len(part)).unwrap_or_default();
            self.file.read_exact(own)?;
            if cipher.seal_again(place, &plaintext, hash).is_none() {
                return Ok(part);
            }
        }
        Ok(shape.last())
    }

    /// Writes a part that was proven to be this one.
    pub(super) fn write(&mut self, shape: &Shape, part: u32, plaintext: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(shape.offset(part)))?;
        self.file.write_all(plaintext.get(..shape.own_len(part)).unwrap_or_default())
    }

    /// All of it is there: gives it its name, and never one that something else has. Returns where it is.
    pub(super) fn finish(self, shape: &Shape, place: &Path, is_exact: bool) -> io::Result<PathBuf> {
        self.file.set_len(shape.size())?;
        self.file.sync_all()?;
        let numbers = if is_exact { 1 } else { NUMBERS };
        for number in 0..numbers {
            let candidate = numbered(place, number);
            match take_name(&self.path, &candidate) {
                Ok(()) => {
                    keep_name(&candidate);
                    return Ok(candidate);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Nothing of it is kept.
    pub(super) fn remove(place: &Path, parts: &PartsHash) {
        // What is not there need not go.
        let _ = fs::remove_file(Self::path(place, parts));
    }
}

/// `cat.jpg`, `cat (1).jpg`, …
fn numbered(place: &Path, number: u32) -> PathBuf {
    if number == 0 {
        return place.to_owned();
    }
    let mut name = place.file_stem().map(OsString::from).unwrap_or_default();
    name.push(format!(" ({number})"));
    if let Some(ending) = place.extension() {
        name.push(".");
        name.push(ending);
    }
    place.with_file_name(name)
}

/// Never takes a name that is there, as a rename would. A second name, then without the first; where a file cannot have two, a
/// rename that refuses; and where there is none either, see [`rename_over_our_own`].
fn take_name(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) => match rename_to_new(from, to) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => rename_over_our_own(from, to),
            done => done,
        },
    }
}

/// Renames, unless the name is taken.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_to_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_to_new(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// An empty file of our own keeps the name until the rename, and goes when that fails.
fn rename_over_our_own(from: &Path, to: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(to)?;
    fs::rename(from, to).inspect_err(|_| {
        // The other error says more.
        let _ = fs::remove_file(to);
    })
}

/// A name is there after a power cut as well. Where directories cannot be synced, the system sees to it.
fn keep_name(path: &Path) {
    if let Some(directory) = path.parent().and_then(|directory| File::open(directory).ok()) {
        let _ = directory.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOB: PartsHash = [0xab; 32];

    fn whole(place: &Path, content: &[u8], is_exact: bool) -> io::Result<PathBuf> {
        let shape = Shape::of(content.len() as u64).unwrap();
        let mut target = Target::open(place, &BLOB)?;
        target.write(&shape, 0, &[content, &[0; 99]].concat())?;
        target.finish(&shape, place, is_exact)
    }

    #[test]
    fn nothing_that_is_there_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("deep/er").join("cat.jpg");
        assert_eq!(whole(&place, b"first", false).unwrap(), place);
        let second = whole(&place, b"second", false).unwrap();
        assert_eq!(second, place.with_file_name("cat (1).jpg"));
        assert_eq!(whole(&place, b"third", true).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&place).unwrap(), b"first");
        assert_eq!(fs::read(&second).unwrap(), b"second");
        let part = Target::path(&place, &BLOB);
        assert!(
            part.ends_with("cat.jpg.abababababababab.part") && part.exists(),
            "what could not be placed is kept"
        );
        Target::remove(&place, &BLOB);
        assert!(!part.exists());
    }

    /// What every file system can do, and what it does where it can.
    #[test]
    fn names_are_taken_whole_or_not_at_all_in_every_way() {
        let dir = tempfile::tempdir().unwrap();
        let [from, to, none] = ["from", "to", "none"].map(|name| dir.path().join(name));
        for way in [take_name, rename_to_new, rename_over_our_own] {
            fs::write(&from, b"mine").unwrap();
            match way(&from, &to) {
                Err(error) if error.kind() == io::ErrorKind::Unsupported => continue,
                done => done.unwrap(),
            }
            assert!(!from.exists() && fs::read(&to).unwrap() == b"mine");
            fs::write(&from, b"other").unwrap();
            assert_eq!(way(&from, &to).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(fs::read(&to).unwrap(), b"mine", "overwritten");
            fs::remove_file(&to).unwrap();
            assert!(way(&none, &to).is_err());
            assert!(!to.exists(), "an empty file is left");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_and_nothing_can_be_run() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (place, victim) = (dir.path().join("cat.jpg"), dir.path().join("victim"));
        fs::write(&victim, b"mine").unwrap();
        std::os::unix::fs::symlink(&victim, Target::path(&place, &BLOB)).unwrap();
        assert!(whole(&place, b"theirs", false).is_err());
        assert_eq!(fs::read(&victim).unwrap(), b"mine");
        fs::remove_file(Target::path(&place, &BLOB)).unwrap();
        let there = whole(&place, b"#!/bin/sh", false).unwrap();
        assert_eq!(fs::metadata(there).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
