//! The data directory and its disk.

use std::{fs, io, path::Path};

use super::{Finding, Patient};

const SPACE: &str = "disk";
/// Less is a full disk.
const FULL: u64 = 1 << 20;
/// Twice that is enough for days, whatever the reserve.
const LOW: u64 = 32 << 20;
const DIRECTORY: &str = "data directory";

/// Free space, and who may do what with the directory.
pub(super) fn check(patient: &Patient) -> Vec<Finding> {
    let directory = &patient.data_dir;
    // Before the first start: its nearest ancestor is on the same disk.
    let existing = directory.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/"));
    let reserve = patient.config.limits.free_space_reserve;
    vec![directory_finding(directory), space(fs4::available_space(existing), reserve, directory)]
}

fn space(free: io::Result<u64>, reserve: u64, directory: &Path) -> Finding {
    let remedy = || {
        format!(
            "`df -h {0}` and `du -sh {0}` show where it went; free some, move the data to a larger disk with --data-dir, or \
             keep less (--keep-days, --keep-mib)",
            directory.display()
        )
    };
    let free = match free {
        Ok(free) => free,
        Err(error) => return Finding::warn(SPACE, format!("the free space is unknown: {error}"), remedy()),
    };
    let found = match reserve {
        0 => format!("{} MiB free, and no reserve", free >> 20),
        _ => format!("{} MiB free, of which {} MiB are the reserve", free >> 20, reserve >> 20),
    };
    match free {
        _ if free < reserve => {
            Finding::fail(SPACE, format!("{found}: nothing is accepted any more"), remedy())
        }
        // As the relay takes it: what retention has freed in the log can still be written to.
        _ if free < FULL => Finding::fail(
            SPACE,
            format!("{found}: only messages that fit into free pages of the log are accepted"),
            remedy(),
        ),
        _ if free / 2 <= reserve.max(LOW) => {
            Finding::warn(SPACE, format!("{found}: it will be full soon"), remedy())
        }
        _ => Finding::ok(SPACE, found),
    }
}

fn directory_finding(directory: &Path) -> Finding {
    let path = directory.display();
    let metadata = match fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => {
            return Finding::fail(
                DIRECTORY,
                format!("{path} is not a directory"),
                "choose another with --data-dir",
            );
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Finding::ok(DIRECTORY, format!("{path} is made at the first start"));
        }
        Err(error) => {
            return Finding::fail(
                DIRECTORY,
                format!("{path} cannot be looked at: {error}"),
                "run this as the relay's user (`sudo -u schat-relay relay doctor`)",
            );
        }
    };
    permissions(directory, &metadata)
}

#[cfg(unix)]
fn permissions(directory: &Path, metadata: &fs::Metadata) -> Finding {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.display();
    let mode = metadata.permissions().mode() & 0o777;
    let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    let allowed = rustix::fs::access(directory, access);
    if allowed == Err(rustix::io::Errno::ROFS) {
        return Finding::fail(
            DIRECTORY,
            format!("{path} is on a file system that is mounted read-only: the relay cannot run on it"),
            format!(
                "`findmnt -T {path}` shows the mount, `sudo dmesg | grep -i read-only` whether the disk failed; \
                 `sudo mount -o remount,rw MOUNT` when it has not. `relay backup FILE` to another disk works as it is"
            ),
        );
    }
    if allowed.is_err() {
        return Finding::fail(
            DIRECTORY,
            format!("{path} cannot be written by this user"),
            format!(
                "run this as the relay's user, or give it the directory: `sudo chown -R schat-relay {path}`"
            ),
        );
    }
    if mode & 0o077 != 0 {
        return Finding::warn(
            DIRECTORY,
            format!(
                "{path} is open to other users (mode {mode:o}); room ids, addresses of rooms and keys are in it"
            ),
            format!("`chmod 700 {path}`"),
        );
    }
    Finding::ok(DIRECTORY, format!("{path}, for the relay's user alone"))
}

#[cfg(not(unix))]
fn permissions(directory: &Path, _: &fs::Metadata) -> Finding {
    Finding::ok(DIRECTORY, directory.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::{super::Level, *};

    #[test]
    fn free_space_is_judged_by_the_reserve() {
        let level = |free| space(free, 256 << 20, Path::new("/data")).level;
        assert_eq!(level(Ok(255 << 20)), Level::Fail);
        assert_eq!(level(Ok(500 << 20)), Level::Warn);
        assert_eq!(level(Ok(600 << 20)), Level::Ok);
        assert_eq!(level(Err(io::ErrorKind::Other.into())), Level::Warn);
    }

    #[test]
    fn full_disk_without_a_reserve_is_not_said_to_refuse_everything() {
        let told = |free| space(Ok(free), 0, Path::new("/data"));
        let full = told(0);
        assert_eq!(full.level, Level::Fail);
        assert!(full.found.contains("only messages that fit"), "{}", full.found);
        assert_eq!(told(10 << 20).level, Level::Warn);
        assert_eq!(told(100 << 20).level, Level::Ok);
    }

    #[cfg(unix)]
    #[test]
    fn directory_that_others_can_enter_is_told_with_the_chmod() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::TempDir::new().unwrap();
        let mode = |mode| fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
        mode(0o755);
        let finding = directory_finding(dir.path());
        assert_eq!(finding.level, Level::Warn);
        assert!(finding.remedy.unwrap().starts_with("`chmod 700 "));
        mode(0o700);
        assert_eq!(directory_finding(dir.path()).level, Level::Ok);
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(directory_finding(&file).level, Level::Fail);
    }
}
