//! A file that is fetched: written beside its place under another name, and given its own when all of it is there.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use shared::file::{FileCipher, PartList, Shape};

use super::tail::{PartsHash, Tail, begin_private, beside, open_private, read_part};

/// Numbers that are tried behind a name that is taken.
const NUMBERS: u32 = 10_000;

/// A file that is not whole yet.
pub(super) struct Target {
    file: File,
    path: PathBuf,
}

/// A file that is whole and on the disk, and has no name of its own yet.
#[derive(Clone)]
pub(super) struct Whole {
    path: PathBuf,
}

impl Target {
    /// Where it is until it is whole.
    pub(super) fn path(place: &Path, parts: &PartsHash) -> PathBuf {
        beside(place, parts, "part")
    }

    /// Makes the files that its parts come into. What has their names already was not begun here, and is not written into: then it
    /// says which.
    pub(super) fn begin(place: &Path, parts: &PartsHash) -> Result<(), (PathBuf, io::Error)> {
        let part = Self::path(place, parts);
        let tail = Tail::path(place, parts);
        if let Some(directory) = part.parent() {
            fs::create_dir_all(directory).map_err(|error| (place.to_owned(), error))?;
        }
        begin_private(&part).map_err(|error| (part.clone(), error))?;
        begin_private(&tail).map_err(|error| {
            // Nothing is in it yet.
            let _ = fs::remove_file(&part);
            (tail, error)
        })
    }

    /// Opens what there is of it, or begins.
    pub(super) fn open(place: &Path, parts: &PartsHash) -> io::Result<Self> {
        let path = Self::path(place, parts);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut file = open_private(&path, true)?;
        if has_another_name(&file)? {
            // It was given its name, and the program was killed before this one was taken from it: nothing is written into what
            // somebody may have in use.
            fs::remove_file(&path)?;
            file = open_private(&path, true)?;
        }
        Ok(Self { file, path })
    }

    /// So many parts from the beginning are there, of those that the tail has not. They are looked at, not believed: whatever
    /// happened to the disk or to the file meanwhile, what does not fit is fetched again.
    pub(super) fn whole_parts(
        &mut self,
        cipher: &FileCipher,
        shape: &Shape,
        list: &PartList,
    ) -> io::Result<u32> {
        let length = self.file.metadata()?.len();
        self.file.seek(SeekFrom::Start(0))?;
        for part in 0..Tail::first(shape) {
            if shape.offset(part) + shape.own_len(part) as u64 > length
                || read_part(&mut self.file, cipher, shape, list, part)?.is_none()
            {
                return Ok(part);
            }
        }
        Ok(Tail::first(shape))
    }

    /// Writes a part that was proven to be this one.
    pub(super) fn write(&mut self, shape: &Shape, part: u32, plaintext: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(shape.offset(part)))?;
        self.file.write_all(plaintext.get(..shape.own_len(part)).unwrap_or_default())
    }

    /// All of it is there: its last part is written, and what is behind that is cut off.
    pub(super) fn close(mut self, shape: &Shape, tail: &Tail) -> io::Result<Whole> {
        if let Some(last) = &tail.last {
            self.write(shape, shape.last(), last)?;
        }
        self.file.set_len(shape.size())?;
        self.file.sync_all()?;
        Ok(Whole { path: self.path })
    }

    /// Nothing of it is kept.
    pub(super) fn remove(place: &Path, parts: &PartsHash) {
        // What is not there need not go.
        let _ = fs::remove_file(Self::path(place, parts));
        Tail::remove(place, parts);
    }
}

impl Whole {
    /// Gives it a name, unless something has that.
    pub(super) fn take(&self, name: &Path) -> io::Result<()> {
        take_name(&self.path, name)?;
        keep_name(name);
        Ok(())
    }
}

/// The first name that nothing has, with its number: that one, or with a number from `from` on, unless it is to be exact.
pub(super) fn free_name(place: &Path, is_exact: bool, from: u32) -> Option<(u32, PathBuf)> {
    let numbers = if is_exact { 1 } else { NUMBERS };
    (from..numbers)
        .map(|number| (number, numbered(place, number)))
        .find(|(_, name)| name.symlink_metadata().is_err())
}

/// Whether what is there has a second name.
#[cfg(unix)]
fn has_another_name(file: &File) -> io::Result<bool> {
    Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) > 1)
}

#[cfg(not(unix))]
fn has_another_name(_file: &File) -> io::Result<bool> {
    Ok(false)
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

/// Never takes a name that is there, as a rename would. A rename that refuses, and is one step; where there is none, a second name,
/// then without the first; and where a file cannot have two, see [`rename_over_our_own`].
fn take_name(from: &Path, to: &Path) -> io::Result<()> {
    in_the_first_way([rename_to_new, second_name, rename_over_our_own], from, to)
}

type TakesName = fn(&Path, &Path) -> io::Result<()>;

/// The next way is only for where there is none such: whatever else went wrong is no better in a weaker way.
fn in_the_first_way(ways: [TakesName; 3], from: &Path, to: &Path) -> io::Result<()> {
    let [first, second, last] = ways;
    match first(from, to) {
        Err(error) if is_unknown(&error) => match second(from, to) {
            Err(error) if is_unknown(&error) => last(from, to),
            done => done,
        },
        done => done,
    }
}

/// The file system or the system has no such thing.
fn is_unknown(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    #[cfg(unix)]
    if let Some(code) = error.raw_os_error() {
        use rustix::io::Errno;
        let code = Errno::from_raw_os_error(code);
        return [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOTSUP, Errno::PERM].contains(&code);
    }
    matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported)
}

fn second_name(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
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
    use zeroize::Zeroizing;

    use super::*;

    const BLOB: PartsHash = [0xab; 32];

    fn whole(place: &Path, content: &[u8], is_exact: bool) -> io::Result<PathBuf> {
        let shape = Shape::of(content.len() as u64).unwrap();
        let last = Some(Zeroizing::new([content, &[0; 99]].concat()));
        let whole = Target::open(place, &BLOB)?.close(&shape, &Tail { list: PartList::default(), last })?;
        let (_, name) = free_name(place, is_exact, 0).ok_or(io::ErrorKind::AlreadyExists)?;
        whole.take(&name).map(|()| name)
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

    #[test]
    fn what_was_not_begun_here_is_not_taken_for_an_unfinished_file() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("cat.jpg");
        let (part, tail) = (Target::path(&place, &BLOB), Tail::path(&place, &BLOB));
        for (theirs, other) in [(&part, &tail), (&tail, &part)] {
            fs::write(theirs, b"somebody's").unwrap();
            let (named, error) = Target::begin(&place, &BLOB).unwrap_err();
            assert_eq!((&named, error.kind()), (theirs, io::ErrorKind::AlreadyExists));
            assert_eq!(fs::read(theirs).unwrap(), b"somebody's");
            assert!(!other.exists(), "something is left");
            fs::remove_file(theirs).unwrap();
        }
        // Of a program that was killed before it could write down that it began.
        fs::write(&part, b"").unwrap();
        Target::begin(&place, &BLOB).unwrap();
        assert!(part.exists() && tail.exists());
    }

    #[cfg(unix)]
    #[test]
    fn weaker_way_is_taken_only_where_there_is_no_better_one() {
        use rustix::io::Errno;
        fn last(_: &Path, _: &Path) -> io::Result<()> {
            Ok(())
        }
        fn full(_: &Path, _: &Path) -> io::Result<()> {
            Err(Errno::NOSPC.into())
        }
        fn io_error(_: &Path, _: &Path) -> io::Result<()> {
            Err(Errno::IO.into())
        }
        fn unknown(_: &Path, _: &Path) -> io::Result<()> {
            Err(Errno::INVAL.into())
        }
        fn forbidden(_: &Path, _: &Path) -> io::Result<()> {
            Err(Errno::PERM.into())
        }
        let went = |ways| in_the_first_way(ways, Path::new("a"), Path::new("b")).is_ok();
        assert!(went([unknown, forbidden, last]));
        for wrong in [full as TakesName, io_error] {
            assert!(!went([wrong, last, last]) && !went([unknown, wrong, last]));
        }
    }

    /// A program that was killed when the file had both names: what is there under its own is not touched.
    #[cfg(unix)]
    #[test]
    fn file_that_has_its_name_already_is_not_written_into() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("cat.jpg");
        let shape = Shape::of(5).unwrap();
        let mut target = Target::open(&place, &BLOB).unwrap();
        target.write(&shape, 0, b"first").unwrap();
        fs::hard_link(Target::path(&place, &BLOB), &place).unwrap();
        let mut target = Target::open(&place, &BLOB).unwrap();
        target.write(&shape, 0, b"other").unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"first");
    }

    /// What every file system can do, and what it does where it can.
    #[test]
    fn names_are_taken_whole_or_not_at_all_in_every_way() {
        let dir = tempfile::tempdir().unwrap();
        let [from, to, none] = ["from", "to", "none"].map(|name| dir.path().join(name));
        for way in [take_name, rename_to_new, second_name, rename_over_our_own] {
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
