//! Of backups: `backup` and `restore`.

use std::{io, path::Path};

use crate::{
    backup::{BackupError, Lost, Standing},
    faces::words::{called, counted, when},
    failure::{Exit, Failure},
    portable::{Counts, ReadError},
    store::BackupPlan,
};

/// The backups that a daemon makes by itself.
pub fn by_itself(plan: Option<&BackupPlan>) -> Vec<String> {
    let Some(plan) = plan else {
        return vec!["It makes no backups; schat backup DIR --every day lets it.".to_owned()];
    };
    let last = plan.made.map_or("none yet".to_owned(), when);
    let at = plan.target.display();
    let mut lines = match plan.next() {
        Some(next) => vec![format!("Backups to {at}: last {last}, next {}.", when(next))],
        None => vec![format!("Backups to {at}: last {last}, and none by itself any more.")],
    };
    if let Some((failed, why)) = &plan.failed {
        lines.push(format!("The one of {} failed: {} {}", when(*failed), why.message, why.remedy));
    }
    lines
}

/// A backup was not written, or is of no use.
pub fn failed(error: &BackupError, at: &Path) -> Failure {
    let is_directory = at.is_dir();
    let at = at.display();
    let verification =
        |message: String, remedy: &str| Failure::new(Exit::Verification, "backup", message, remedy);
    match error {
        BackupError::Missing if is_directory => Failure::not_found(
            format!("There is no backup in {at}."),
            "Name the file or the directory that `schat backup` wrote; a disk may not be plugged in there.",
        ),
        BackupError::Missing => Failure::not_found(
            format!("There is no {at}."),
            "Check the path; for a directory of backups it has to be there.",
        ),
        BackupError::Foreign => Failure::new(
            Exit::Usage,
            "no_backup",
            format!("What is at {at} is no backup of schat."),
            "Name the file or the directory that `schat backup` wrote.",
        ),
        BackupError::TooNew => Failure::new(
            Exit::Local,
            "too_new",
            format!("The backup in {at} was written by a later version of schat."),
            "Update schat, then try again.",
        ),
        BackupError::WrongPhrase => Failure::new(
            Exit::Verification,
            "wrong_phrase",
            format!(
                "The phrase is not the one of the backup in {at}, or the beginning of the backup was changed."
            ),
            "Try again with the twelve words that `schat backup` showed; without them nobody can read it. If they are right, copy it again from where it came, or take an older one.",
        ),
        BackupError::Cut => verification(
            format!("The backup in {at} ends too early: a part of it is missing."),
            "Copy it again from where it came, whole; or take an older one.",
        ),
        BackupError::Altered => verification(
            format!("The backup in {at} is damaged: bytes in it were changed, or it was cut."),
            "Copy it again from where it came; or take an older one.",
        ),
        BackupError::PieceMissing => verification(
            format!("Of the backup in {at} a file is missing in its directory `pieces`."),
            "Copy the whole directory again; or take an older one.",
        ),
        BackupError::Content(error) => verification(
            format!("What is in the backup in {at} makes no sense: {}.", content(error)),
            "Take an older one; and keep this one, for a report.",
        ),
        BackupError::Taken => Failure::new(
            Exit::Refused,
            "taken",
            format!("Something else is at {at} already, which is no backup of this profile. It stays."),
            "Name another place, or move away what is there.",
        ),
        BackupError::Busy => Failure::new(
            Exit::Refused,
            "busy",
            format!("Another program is writing a backup to {at}."),
            "Wait until it is done, then try again.",
        ),
        BackupError::Restoring => Failure::new(
            Exit::Refused,
            "busy",
            "Another program is restoring a backup into this profile.",
            "Wait until it is done, or name another profile.",
        ),
        BackupError::Occupied => Failure::new(
            Exit::Refused,
            "occupied",
            "There is an account in this profile already, and a backup is restored into a new one only.",
            "Name a new directory: schat --profile DIR restore …. To use it from then on, set SCHAT_PROFILE or move it into the place of the old one.",
        ),
        BackupError::Full => Failure::new(
            Exit::Local,
            "no_space",
            format!("The disk is full, and {at} is as it was before."),
            "Free some space, then try again.",
        ),
        BackupError::ReadOnly => Failure::new(
            Exit::Local,
            "read_only",
            format!("Nothing can be written at {at}: its file system is read-only."),
            "Name another place.",
        ),
        BackupError::Io(error) => Failure::new(
            Exit::Local,
            "storage",
            format!("The path {at} cannot be read or written: {error}."),
            "Check the path, its permissions and the disk.",
        ),
        BackupError::Store(error) => error.into(),
        BackupError::Profile(failure) => failure.clone(),
    }
}

fn content(error: &ReadError) -> String {
    match error {
        ReadError::TooLong(what) => format!("{what}: longer, or more, than there can be"),
        ReadError::Malformed(what) => format!("{what} is not of its form"),
        ReadError::Order(what) => format!("{what}, where it may not stand"),
        ReadError::Foreign | ReadError::TooNew(_) | ReadError::Cut | ReadError::Io(_) => error.to_string(),
    }
}

/// The profile has another one.
pub fn another_phrase() -> Failure {
    Failure::new(
        Exit::Verification,
        "wrong_phrase",
        "That file holds another phrase than the one of this profile.",
        "Leave --phrase-file out: this device knows what seals its backups.",
    )
}

/// Where to, was not said.
pub fn no_place() -> Failure {
    Failure::usage("There is no FILE or DIR to write to.", "Name one; only --every never does without.")
}

/// The phrase was written down; who may have it besides.
pub const PHRASE_FORGOTTEN: &str = "This device keeps the twelve words no more, and no other device was given them. Only a copy of this profile that was made \
                                    before has them still: if somebody may have one, run `schat devices replace-key`.";

/// The phrase was drawn at another device.
pub const PHRASE_ELSEWHERE: &str = "The twelve words of your account were drawn at another device of yours, and are with you, or still there: a first \
                                    `schat backup` there shows them.";

/// The same, where nobody can be asked.
pub fn phrase_elsewhere() -> Failure {
    Failure::new(
        Exit::NotFound,
        "phrase_elsewhere",
        "The twelve words of this account are not on this device: they were drawn at another device of yours.",
        "Run `schat backup` there; then give this one a file with the words: --phrase-file FILE.",
    )
}

/// It is there.
pub fn done(rooms: u64, bytes: u64, kept: u64) -> String {
    let kept = if kept > 0 { format!("; {} there already", counted(kept, "piece")) } else { String::new() };
    format!(
        "Done, and read back whole: {}, {} KiB written{kept}.",
        counted(rooms, "room"),
        bytes.div_ceil(1024)
    )
}

/// Bytes of files that were wanted.
pub fn files_gone(count: u64) -> String {
    format!("{} not in it: they are not any more where they were, or were changed.", counted(count, "file"))
}

/// The daemon goes on.
pub const BY_DAEMON: &str =
    "The daemon of this profile does it again from now on, as long as it runs (schat daemon).";

/// The daemon does not go on.
pub const NOT_ANY_MORE: &str = "The daemon makes no more backups by itself.";

/// What came back.
pub fn restored(counts: Counts, made: u64, dir: &Path) -> String {
    format!(
        "Restored into {}, as of {}: {}, {}, {}.",
        dir.display(),
        when(made),
        counted(counts.people, "contact"),
        counted(counts.rooms, "room"),
        counted(counts.lines, "message"),
    )
}

/// How a room stands: for programs, and for people.
pub fn standing(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Asks => STILL_ASKS,
        Standing::WasAlone => {
            ("alone", "history only; nobody else was in it who could let you in. Make a new one.")
        }
        Standing::OwnRelay => ("own_relay", "history only; its relay ran on the device that is gone."),
        Standing::Damaged => (
            "damaged",
            "history only; what this device needs to come back in is damaged in the backup. Ask for a new invite.",
        ),
        Standing::Over => ("over", "history only; it was over, or this device was not in it."),
    }
}

/// What of a room did not come back.
pub fn lost(lost: Lost) -> String {
    let past = (lost.past > 0).then(|| format!("{} of what was said", counted(lost.past, "part")));
    let files = (lost.files > 0).then(|| counted(lost.files, "file"));
    let both: Vec<_> = past.into_iter().chain(files).collect();
    format!("not whole, since the backup is damaged there: without {}.", both.join(" and "))
}

/// What is said of a backup of which something did not come back.
pub fn damaged(at: &Path) -> Failure {
    Failure::new(
        Exit::Verification,
        "backup_damaged",
        format!("A part of the backup in {} is damaged or missing: the rest of it came back.", at.display()),
        "Restore another copy of it, or an older one, into another profile, and look there.",
    )
}

/// The plan of a daemon names a path, and those are in no backup.
pub const NO_PLAN: &str = "Nothing makes backups by itself here any more, also where the device that is gone had a daemon for it: schat backup DIR --every day.";

/// While it waits.
pub const WAITING: &str = "Asking the members of each room to let this device back in …";

/// It came back.
pub const BACK: (&str, &str) = (
    "back",
    "back. What was said since the backup cannot be read on this device, only on one that was there.",
);

/// It is no member any more.
pub const NO_MEMBER: (&str, &str) = (
    "removed",
    "history only; its relay does not let this device in: it was removed, or your account's key was replaced since this backup was made, or the room is \
     gone. If it was another device of yours or the key: `schat link --new` makes this device one of yours again. Otherwise ask for a new invite.",
);

/// The account is another one by now.
pub const KEY_REPLACED: (&str, &str) = (
    "key_replaced",
    "history only; your account's key was replaced since this backup was made. Make this device one of yours again: `schat link --new`.",
);

/// Nobody let it in yet.
pub const STILL_ASKS: (&str, &str) = ("asks", "waits for a member to come online and let this device in.");

/// What was said at length of another room is so here as well.
pub const ANOTHER_CAME: &str = "the same: another copy of this device, or of its backup, is in use here.";

/// It goes on.
pub const LATER: &str = "It goes on asking whenever schat runs.";

/// Settings were written.
pub fn settings_here(path: &Path) -> String {
    format!("Your settings are in {} again, but for paths and programs.", path.display())
}

/// What is said of one room.
pub fn of_room(room: &str, said: &str) -> String {
    format!("{}: {said}", called(room))
}

/// They could not be written.
pub fn settings_lost(path: &Path, error: &io::Error) -> String {
    format!("The settings of the backup could not be written to {}: {error}.", path.display())
}

/// There are others.
pub fn settings_stay(path: &Path) -> String {
    format!("The settings in {} stay; those of the backup are left out.", path.display())
}

/// Once, after the first day.
pub const REMINDER: &str = "There is no backup of this profile: if this device is lost, so is everything. `schat backup FILE` makes one.";
