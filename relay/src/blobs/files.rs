//! The files that hold blobs: `blobs/xx/<number>` in the data directory, named by the relay and by nobody else.
//!
//! Nothing that a client sends becomes a part of a path. Numbers are never used twice, so a file that is being deleted is
//! never one that is being written.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// Their folder in the data directory, with the index.
pub(crate) const FOLDER: &str = "blobs";

/// Where they are.
#[derive(Clone, Debug)]
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    /// In this data directory; makes the folder.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        let folder = data_dir.join(FOLDER);
        make_private(&folder)?;
        Ok(Self { folder })
    }

    /// The same where nothing may be written.
    pub fn at_rest(data_dir: &Path) -> Self {
        Self { folder: data_dir.join(FOLDER) }
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the file of a new blob, empty, whatever a crash left under its name.
    pub fn create(&self, number: u64) -> io::Result<File> {
        let path = self.path(number);
        let folder = path.parent().unwrap_or(&self.folder);
        if make_private(folder)? {
            sync_folder(&self.folder)?;
        }
        let file = options().create(true).truncate(true).open(&path)?;
        // The name has to survive a power cut as well as the bytes.
        sync_folder(folder)?;
        Ok(file)
    }

    /// The file of a blob that has one, for reading and writing.
    pub fn reopen(&self, number: u64) -> io::Result<File> {
        options().open(self.path(number))
    }

    /// The file of a blob, for reading.
    pub fn read(&self, number: u64) -> io::Result<File> {
        File::open(self.path(number))
    }

    /// Gives its space back at once, even while somebody has it open. One that is not there is no error.
    pub fn discard(&self, number: u64) -> io::Result<()> {
        let path = self.path(number);
        let emptied = OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(0));
        match emptied.and_then(|()| fs::remove_file(&path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    /// Deletes files that are nobody's. Returns how many there were. Nobody may be writing.
    pub fn remove_orphans(&self, is_known: impl Fn(u64) -> bool) -> io::Result<u64> {
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
                    fs::remove_file(file.path())?;
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

/// Writes all of it at a place in the file.
pub(super) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::write_all_at(file, bytes, offset);
    #[cfg(not(unix))]
    {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = file.try_clone()?;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
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

/// Makes a new name in a folder survive a power cut.
fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere a directory cannot be opened as a file.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orphans_go_and_what_is_not_ours_stays() {
        let directory = tempfile::TempDir::new().unwrap();
        let files = Files::open(directory.path()).unwrap();
        for number in [1, 2, 0x101] {
            write_at(&files.create(number).unwrap(), b"sealed", 0).unwrap();
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
        write_at(&file, &[1; 100_000], 0).unwrap();
        files.discard(7).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 0);
        assert!(read_at(&file, 1, 0).is_err());
        files.discard(7).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_looks_into_it() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::TempDir::new().unwrap();
        let files = Files::open(directory.path()).unwrap();
        let file = files.create(7).unwrap();
        let mode = |metadata: fs::Metadata| metadata.permissions().mode() & 0o777;
        assert_eq!(mode(file.metadata().unwrap()), 0o600);
        assert_eq!(mode(files.folder().metadata().unwrap()), 0o700);
    }
}
