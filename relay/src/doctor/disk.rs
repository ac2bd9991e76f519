//! The data directory and its disk.

use std::{fs, io, path::Path};

use super::{Finding, Patient};
use crate::log::{
    capacity::{Capacity, Plenty, Seen},
    redb,
};

const SPACE: &str = "disk";
const DIRECTORY: &str = "data directory";

/// Free space, and who may do what with the directory.
pub(super) fn check(patient: &Patient) -> Vec<Finding> {
    vec![directory_finding(&patient.data_dir), space(capacity(patient), &patient.data_dir)]
}

/// As the running relay says; without one, as it would see it.
fn capacity(patient: &Patient) -> Capacity {
    let directory = &patient.data_dir;
    let told = patient.status.as_ref().and_then(|status| status.capacity.clone());
    told.unwrap_or_else(|| {
        // Before the first start: its nearest ancestor is on the same disk.
        let existing = directory.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/"));
        let free = fs4::available_space(existing).ok();
        Seen::at_rest(free, redb::disk_bytes(directory).unwrap_or(0), &patient.config.limits).judge()
    })
}

fn space(capacity: Capacity, directory: &Path) -> Finding {
    let remedy = || {
        format!(
            "`df -h {0}` and `du -sh {0}` show where it went, `relay top` which rooms and openers take most; free some, raise \
             --max-disk-mib if that is the bound, move the data to a larger disk with --data-dir, or keep less (--keep-days, \
             --keep-mib, --file-days, --room-files-mib)",
            directory.display()
        )
    };
    match capacity.level {
        Plenty::Enough => Finding::ok(SPACE, capacity.said),
        Plenty::Low => Finding::warn(SPACE, capacity.said, remedy()),
        Plenty::Nothing => Finding::fail(SPACE, capacity.said, remedy()),
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
    fn what_the_relay_says_of_its_space_is_what_is_found() {
        let level = |level| {
            let found = space(Capacity { level, said: "so".into() }, Path::new("/data"));
            assert_eq!(found.found, "so");
            (found.level, found.remedy.is_some())
        };
        assert_eq!(level(Plenty::Enough), (Level::Ok, false));
        assert_eq!(level(Plenty::Low), (Level::Warn, true));
        assert_eq!(level(Plenty::Nothing), (Level::Fail, true));
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
