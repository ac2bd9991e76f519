//! The files that hold blobs: `blobs/xx/<number>` in the data directory, named by the relay and by nobody else.
//!
//! Nothing that a client sends becomes a part of a path. Numbers are never used twice, so a file that is being deleted is
//! never one that is being written.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use super::lent::Lent;
use crate::log::redb::sync_directory;

/// Their folder in the data directory, with the index.
pub(crate) const FOLDER: &str = "blobs";

/// Where they are.
#[derive(Clone, Debug)]
pub(super) struct Files {
    folder: PathBuf,
    lent: Lent,
    /// What was done to them.
    #[cfg(test)]
    pub tape: super::tests::tape::Tape,
}

/// A file that is being written. All that is done to files goes through this and [`Files`].
#[derive(Debug)]
pub(super) struct BlobFile {
    file: File,
    #[cfg(test)]
    tape: (u64, super::tests::tape::Tape),
}

/// A file that is not given back while somebody has this.
pub(super) struct Loan<'a> {
    files: &'a Files,
    number: u64,
}

impl Files {
    /// In this data directory; makes the folder.
    pub(super) fn open(data_dir: &Path) -> io::Result<Self> {
        let folder = data_dir.join(FOLDER);
        if make_private(&folder)? {
            sync_directory(data_dir)?;
        }
        Ok(Self::in_folder(folder))
    }

    /// The same where nothing may be written.
    pub(super) fn at_rest(data_dir: &Path) -> Self {
        Self::in_folder(data_dir.join(FOLDER))
    }

    fn in_folder(folder: PathBuf) -> Self {
        Self {
            folder,
            lent: Lent::default(),
            #[cfg(test)]
            tape: super::tests::tape::Tape::default(),
        }
    }

    /// The folder itself.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the file of a new blob. What is there already is not touched.
    pub(super) fn create(&self, number: u64) -> io::Result<BlobFile> {
        let path = self.path(number);
        let folder = path.parent().unwrap_or(&self.folder);
        if make_private(folder)? {
            // Where its name may go with a power cut it is made once more.
            self.sync(&self.folder).inspect_err(|_| drop(fs::remove_dir(folder)))?;
        }
        let file = options().create_new(true).open(&path)?;
        // The name has to survive a power cut as well as the bytes.
        self.sync(folder).inspect_err(|_| drop(fs::remove_file(&path)))?;
        #[cfg(test)]
        self.tape.made(number);
        Ok(self.to_write(number, file))
    }

    fn to_write(&self, number: u64, file: File) -> BlobFile {
        let _ = number;
        BlobFile {
            file,
            #[cfg(test)]
            tape: (number, self.tape.clone()),
        }
    }

    fn sync(&self, folder: &Path) -> io::Result<()> {
        #[cfg(test)]
        self.tape.may_sync()?;
        sync_directory(folder)
    }

    /// Whether there is one of this number, or nobody knows.
    pub(super) fn may_have(&self, number: u64) -> bool {
        self.path(number).try_exists().unwrap_or(true)
    }

    /// The file of a blob, for reading and writing. Of one of which nothing was kept there may be none yet: it is made.
    pub(super) fn open_or_make(&self, number: u64, has_parts: bool) -> io::Result<BlobFile> {
        match options().open(self.path(number)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !has_parts => self.create(number),
            result => Ok(self.to_write(number, result?)),
        }
    }

    /// The file of a blob, for reading.
    pub(super) fn read(&self, number: u64) -> io::Result<File> {
        File::open(self.path(number))
    }

    /// Keeps it from being given back for now.
    pub(super) fn lend(&self, number: u64) -> Loan<'_> {
        self.lent.add(number);
        Loan { files: self, number }
    }

    /// Gives its space back at once, even while somebody has it open; where it is lent, when it comes back. One that is
    /// not there is no error.
    pub(super) fn discard(&self, number: u64) -> io::Result<()> {
        if self.lent.is_put_off(number) { Ok(()) } else { self.give_back(number) }
    }

    fn give_back(&self, number: u64) -> io::Result<()> {
        #[cfg(test)]
        self.tape.gave_back(number);
        let path = self.path(number);
        let emptied = OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(0));
        match emptied.and_then(|()| fs::remove_file(&path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Deletes files that are nobody's. Returns how many there were.
    pub(super) fn remove_orphans(&self, is_known: impl Fn(u64) -> bool) -> io::Result<u64> {
        let mut removed = 0;
        for folder in fs::read_dir(&self.folder)? {
            let folder = folder?;
            if !folder.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(folder.path())? {
                let file = file?;
                let name = file.file_name();
                // What this program did not put here is somebody else's.
                let Some(number) = name.to_str().and_then(number_of) else { continue };
                if !is_known(number) {
                    self.discard(number)?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{:02x}", number & 0xff)).join(format!("{number:016x}"))
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        if self.files.lent.is_last_of_unwanted(self.number)
            && let Err(error) = self.files.give_back(self.number)
        {
            stays(&error);
        }
    }
}

/// A file could not be deleted.
pub(super) fn stays(error: &io::Error) {
    tracing::error!(%error, "a file that nobody wants any more stays until the next start");
}

impl BlobFile {
    /// Writes all of it at a place. It is not durable yet.
    pub(super) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        #[cfg(test)]
        self.tape.1.wrote(self.tape.0, bytes, offset);
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::write_all_at(&self.file, bytes, offset);
        #[cfg(not(unix))]
        {
            use std::io::{Seek, SeekFrom, Write};
            let mut file = self.file.try_clone()?;
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(bytes)
        }
    }

    /// Makes what was written durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        #[cfg(test)]
        self.tape.1.may_sync()?;
        self.file.sync_data()?;
        #[cfg(test)]
        self.tape.1.synced(self.tape.0);
        Ok(())
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Cuts off what is behind so many bytes.
    pub(super) fn set_length(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    /// Reads so many bytes at a place.
    pub(super) fn read_at(&self, length: usize, offset: u64) -> io::Result<Vec<u8>> {
        read_at(&self.file, length, offset)
    }
}

/// Reads so many bytes at a place in the file.
pub(super) fn read_at(file: &File, length: usize, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    #[cfg(unix)]
    std::os::unix::fs::FileExt::read_exact_at(file, &mut bytes, offset)?;
    #[cfg(not(unix))]
    {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = file.try_clone()?;
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(&mut bytes)?;
    }
    Ok(bytes)
}

/// The number that a file's name says, if it is one of ours.
fn number_of(name: &str) -> Option<u64> {
    let is_ours = name.len() == 16 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_ours { u64::from_str_radix(name, 16).ok() } else { None }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a folder that only its owner may look into; says whether it was not there.
fn make_private(folder: &Path) -> io::Result<bool> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        result => result.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orphans_go_and_what_is_not_ours_stays() {
        let directory = tempfile::TempDir::new().unwrap();
        let files = Files::open(directory.path()).unwrap();
        for number in [1, 2, 0x101] {
            files.create(number).unwrap().write_at(b"sealed", 0).unwrap();
        }
        let stranger = files.folder().join("01").join("notes.txt");
        fs::write(&stranger, b"somebody else's").unwrap();
        assert_eq!(files.remove_orphans(|number| number == 2).unwrap(), 2);
        assert!(files.read(1).is_err() && files.read(0x101).is_err() && stranger.exists());
        assert_eq!(read_at(&files.read(2).unwrap(), 6, 0).unwrap(), b"sealed");
    }

    #[test]
    fn discarded_file_gives_its_space_back_while_somebody_reads_it() {
        let directory = tempfile::TempDir::new().unwrap();
        let files = Files::open(directory.path()).unwrap();
        let file = files.create(7).unwrap();
        file.write_at(&[1; 100_000], 0).unwrap();
        files.discard(7).unwrap();
        assert_eq!(file.file.metadata().unwrap().len(), 0);
        assert!(file.read_at(1, 0).is_err());
        files.discard(7).unwrap();
    }

    #[test]
    fn file_that_is_lent_is_given_back_by_the_last_who_has_it() {
        let directory = tempfile::TempDir::new().unwrap();
        let files = Files::open(directory.path()).unwrap();
        files.create(7).unwrap().write_at(b"sealed", 0).unwrap();
        let (one, two) = (files.lend(7), files.lend(7));
        files.discard(7).unwrap();
        drop(one);
        assert_eq!(read_at(&files.read(7).unwrap(), 6, 0).unwrap(), b"sealed");
        drop(two);
        assert!(files.read(7).is_err());
        files.create(8).unwrap().write_at(b"sealed", 0).unwrap();
        drop(files.lend(8));
        assert!(files.read(8).is_ok(), "nobody wanted it gone");
    }

    #[test]
    fn file_that_is_there_is_never_made_anew() {
        let directory = tempfile::TempDir::new().unwrap();
        let files = Files::open(directory.path()).unwrap();
        files.open_or_make(7, false).unwrap().write_at(b"sealed", 0).unwrap();
        assert!(files.create(7).is_err());
        drop(files.open_or_make(7, false).unwrap());
        assert_eq!(read_at(&files.read(7).unwrap(), 6, 0).unwrap(), b"sealed");
        assert!(files.open_or_make(8, true).is_err(), "what has parts has a file, or is damaged");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_looks_into_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::TempDir::new().unwrap();
        let files = Files::open(directory.path()).unwrap();
        let file = files.create(7).unwrap();
        let mode = |metadata: fs::Metadata| metadata.permissions().mode() & 0o777;
        assert_eq!(mode(file.file.metadata().unwrap()), 0o600);
        assert_eq!(mode(files.folder().metadata().unwrap()), 0o700);
    }
}
