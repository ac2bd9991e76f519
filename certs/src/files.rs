//! Files that hold certificates and keys: read with a bound, written whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use zeroize::Zeroizing;

use crate::CertsError;

/// The most that is read from one file, in bytes. A chain of ten RSA certificates is under 30 KiB.
const MAX_FILE: u64 = 256 * 1024;

/// Permission bits with which a key may not be read: anybody but the owner.
pub(crate) const OTHERS_AND_GROUP: u32 = 0o077;
/// Permission bits with which a key may not be read, where a group such as `ssl-cert` may share it.
pub(crate) const OTHERS: u32 = 0o007;

/// Who may read a file that is written.
#[derive(Clone, Copy)]
pub(crate) enum Access {
    Everyone,
    Owner,
}

/// Reads a public file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CertsError> {
    let file = File::open(path).map_err(io_error("open", path))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(io_error("read", path))?;
    check_size(bytes.len(), path)?;
    Ok(bytes)
}

/// Reads a secret that this house wrote: at most 256 KiB, and nobody but the owner may be able to read it.
///
/// # Errors
/// [`CertsError::KeyExposed`] when others may, and what files bring.
pub fn read_secret(path: &Path) -> Result<Zeroizing<Vec<u8>>, CertsError> {
    read_key(path, OTHERS_AND_GROUP)
}

/// Writes a secret for the owner alone (0600), whole or not at all.
///
/// # Errors
/// What files bring.
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), CertsError> {
    write(path, bytes, Access::Owner)
}

/// Reads a private key, unless its permissions include any of `forbidden`.
pub(crate) fn read_key(path: &Path, forbidden: u32) -> Result<Zeroizing<Vec<u8>>, CertsError> {
    let file = File::open(path).map_err(io_error("open", path))?;
    // Asked of the open file, so that it cannot be swapped in between.
    let metadata = file.metadata().map_err(io_error("look at", path))?;
    check_mode(&metadata, forbidden, path)?;
    // Room from the start: a vector that grows leaves copies of the key behind.
    let room = usize::try_from(metadata.len().min(MAX_FILE)).unwrap_or(0);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room + 64));
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(io_error("read", path))?;
    check_size(bytes.len(), path)?;
    Ok(bytes)
}

/// Writes a file: after a crash it holds the old bytes or the new ones, and its mode is right at every moment.
pub(crate) fn write(path: &Path, bytes: &[u8], access: Access) -> Result<(), CertsError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = Path::new(&temporary);
    // A leftover of a crashed process may have any mode.
    match fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(io_error("remove", temporary)(error));
        }
        _ => {}
    }
    let written = write_new(temporary, bytes, access)
        .map_err(io_error("write", temporary))
        .and_then(|()| fs::rename(temporary, path).map_err(io_error("write", path)));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(temporary);
        return written;
    }
    sync_directory(path)
}

/// Makes `directory` and keeps others from using it at the same time, until the answer is dropped.
pub(crate) fn lock(directory: &Path) -> Result<File, CertsError> {
    fs::create_dir_all(directory).map_err(io_error("make", directory))?;
    let path = directory.join("ca.lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(io_error("open", &path))?;
    file.lock().map_err(io_error("lock", &path))?;
    Ok(file)
}

/// Whether there is anything at `path`, even a dangling link: nothing there may be overwritten unseen.
pub(crate) fn exists(path: &Path) -> Result<bool, CertsError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_error("look at", path)(error)),
    }
}

fn write_new(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(
        &mut options,
        match access {
            Access::Everyone => 0o644,
            Access::Owner => 0o600,
        },
    );
    #[cfg(not(unix))]
    let _ = access;
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A rename is durable once its directory is. Where directories cannot be opened, there is nothing to do.
fn sync_directory(path: &Path) -> Result<(), CertsError> {
    #[cfg(unix)]
    if let Some(parent) = path.parent() {
        let directory = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        File::open(directory).and_then(|file| file.sync_all()).map_err(io_error("flush", directory))?;
    }
    Ok(())
}

fn check_size(length: usize, path: &Path) -> Result<(), CertsError> {
    if u64::try_from(length).is_ok_and(|length| length <= MAX_FILE) {
        return Ok(());
    }
    Err(CertsError::TooLarge { path: path.to_owned(), limit: MAX_FILE })
}

#[cfg(unix)]
fn check_mode(metadata: &fs::Metadata, forbidden: u32, path: &Path) -> Result<(), CertsError> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777;
    if mode & forbidden == 0 {
        return Ok(());
    }
    Err(CertsError::KeyExposed { path: path.to_owned(), mode })
}

/// Elsewhere access lists decide, which the standard library cannot read.
#[cfg(not(unix))]
fn check_mode(_: &fs::Metadata, _: u32, _: &Path) -> Result<(), CertsError> {
    Ok(())
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CertsError {
    move |source| CertsError::Io { action, path: path.to_owned(), source }
}
