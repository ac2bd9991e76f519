//! One step: shown, and carried out.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What everybody may read.
const FOR_ALL: u32 = 0o644;

/// What everybody may run.
const PROGRAM: u32 = 0o755;

/// What its owner alone may read.
const SECRET: u32 = 0o600;

/// What the service reads as well.
const GUARDED: u32 = 0o640;

/// A step that failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A file or directory.
    #[error("cannot {what} {}: {source}; mend that and do it again", path.display())]
    File {
        /// What was to be done.
        what: &'static str,
        /// With this.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A program that is not there.
    #[error("cannot run `{command}`: {source}; this takes a Linux with systemd")]
    Start {
        /// The command line.
        command: String,
        /// What the system says.
        source: io::Error,
    },
    /// A program that says no.
    #[error("`{command}` failed{}; mend that and do it again", reason(.said))]
    Failed {
        /// The command line.
        command: String,
        /// What it said.
        said: String,
    },
}

/// One step.
#[derive(Debug)]
pub(super) enum Step {
    /// Leave it as it is.
    Keep(PathBuf),
    /// Write a file that everybody may read.
    Write { path: PathBuf, text: String },
    /// Write a file that may hold a secret: nobody else reads any of it at any time.
    WriteSecret { path: PathBuf, text: String },
    /// Write manual pages, by their names, into a directory.
    WritePages { directory: PathBuf, pages: Vec<(String, String)> },
    /// Remove manual pages from a directory.
    RemovePages { directory: PathBuf, names: Vec<String> },
    /// Copy a program.
    Copy { from: PathBuf, to: PathBuf },
    /// Remove a file.
    Remove(PathBuf),
    /// Remove a directory with what is in it.
    RemoveAll { path: PathBuf, what: &'static str },
    /// Give a file that may hold a secret to root and the service's group alone, once that group is there.
    Guard { path: PathBuf, groups: PathBuf, group: &'static str },
    /// Run a program.
    Run { program: &'static str, arguments: Vec<String> },
}

impl Step {
    /// One line, and what is written if that is asked for.
    pub(super) fn describe(&self, contents: bool) -> String {
        match self {
            Self::Keep(path) => format!("  keep    {}\n", path.display()),
            Self::Write { path, text } | Self::WriteSecret { path, text } => {
                let mut said = format!("  write   {}\n", path.display());
                for line in text.lines().filter(|_| contents) {
                    // Writing to a string cannot fail.
                    let _ = writeln!(said, "          | {line}");
                }
                said
            }
            Self::WritePages { directory, pages } => {
                format!("  write   {} manual pages into {}\n", pages.len(), directory.display())
            }
            Self::RemovePages { directory, names } => {
                format!("  remove  {} manual pages from {}\n", names.len(), directory.display())
            }
            Self::Copy { from, to } => format!("  copy    {} to {}\n", from.display(), to.display()),
            Self::Remove(path) => format!("  remove  {}\n", path.display()),
            Self::RemoveAll { path, what } => format!("  REMOVE  {} ({what})\n", path.display()),
            Self::Guard { path, group, .. } => {
                format!("  guard   {} (0640, of the group {group})\n", path.display())
            }
            Self::Run { program, arguments } => format!("  run     {}\n", command(program, arguments)),
        }
    }

    /// Does it.
    pub(super) fn carry_out(&self) -> Result<(), StepError> {
        match self {
            Self::Keep(_) => Ok(()),
            Self::Write { path, text } => place(path, FOR_ALL, |new| new.write_all(text.as_bytes())),
            Self::WriteSecret { path, text } => place(path, SECRET, |new| new.write_all(text.as_bytes())),
            Self::WritePages { directory, pages } => pages.iter().try_for_each(|(name, text)| {
                place(&directory.join(name), FOR_ALL, |new| new.write_all(text.as_bytes()))
            }),
            Self::RemovePages { directory, names } => names.iter().try_for_each(|name| {
                let path = directory.join(name);
                fs::remove_file(&path).map_err(file("remove", &path))
            }),
            Self::Copy { from, to } => {
                place(to, PROGRAM, |new| io::copy(&mut fs::File::open(from)?, new).map(drop))
            }
            Self::Remove(path) => fs::remove_file(path).map_err(file("remove", path)),
            Self::RemoveAll { path, .. } => fs::remove_dir_all(path).map_err(file("remove", path)),
            Self::Guard { path, groups, group } => guard(path, groups, group),
            Self::Run { program, arguments } => run(program, arguments),
        }
    }
}

/// Makes a file beside, then puts it in place: whole or not at all, and a program that runs is not disturbed. No more than
/// `mode` allows may be read of it from its first byte on.
fn place(
    path: &Path,
    mode: u32,
    make: impl FnOnce(&mut fs::File) -> io::Result<()>,
) -> Result<(), StepError> {
    let error = file("write", path);
    let directory = path.parent().unwrap_or(Path::new("/"));
    let result = fs::create_dir_all(directory).and_then(|()| {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let new = PathBuf::from(name);
        // Left by one that was broken off, and with whatever mode that had.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut beside = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
        make(&mut beside)?;
        // The umask may have taken more away than is meant.
        beside.set_permissions(fs::Permissions::from_mode(mode))?;
        beside.sync_all()?;
        fs::rename(&new, path)
    });
    result.map_err(error)
}

/// Where the group is not known, the service could not read the file either: it stays as it is.
fn guard(path: &Path, groups: &Path, group: &str) -> Result<(), StepError> {
    let lines = fs::read_to_string(groups).unwrap_or_default();
    let id = lines.lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_it = fields.next() == Some(group);
        fields.nth(1).filter(|_| is_it)?.parse::<u32>().ok()
    });
    let Some(id) = id else { return Ok(()) };
    let given = std::os::unix::fs::chown(path, None, Some(id));
    // Whoever may not give it to the group makes a tree, and not a system.
    if given.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
        return Ok(());
    }
    let guarded = given.and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(GUARDED)));
    guarded.map_err(file("guard", path))
}

fn run(program: &str, arguments: &[String]) -> Result<(), StepError> {
    let command = || command(program, arguments);
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| StepError::Start { command: command(), source })?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(StepError::Failed { command: command(), said })
        }
    }
}

fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StepError {
    let path = path.to_owned();
    move |source| StepError::File { what, path, source }
}

fn command(program: &str, arguments: &[String]) -> String {
    [&[program.to_owned()], arguments].concat().join(" ")
}

fn reason(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn secret_is_nobody_elses_from_its_first_byte_on() {
        let directory = TempDir::new().unwrap();
        let (path, left) = (directory.path().join("relay.toml"), directory.path().join("relay.toml.new"));
        // By one that was broken off, before there was this rule.
        fs::write(&left, "half").unwrap();
        fs::set_permissions(&left, fs::Permissions::from_mode(FOR_ALL)).unwrap();
        let others = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o077;
        place(&path, SECRET, |new| {
            assert_eq!(others(&left), 0, "before anything is in it");
            new.write_all(b"token")
        })
        .unwrap();
        assert_eq!((others(&path), fs::read(&path).unwrap()), (0, b"token".to_vec()));
        let settings = Step::WriteSecret { path: path.clone(), text: "other".into() };
        settings.carry_out().unwrap();
        assert_eq!(others(&path), 0);
    }
}
