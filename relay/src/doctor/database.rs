//! The database: is anything in it damaged?

use std::fs;

use super::{Finding, Patient};
use crate::{
    admin::{check::Found, client},
    blobs::FileSurvey,
    log::redb::{self, DATABASE, OpenError},
    ops::human::count,
};

const CHECK: &str = "database";
const REMEDY: &str = "`relay check` names the rooms; restore a backup (`relay restore FILE --force`), or stop the relay and go on with \
                      the rooms that are whole (`relay check --salvage FILE`)";

/// Why there is no answer.
enum Trouble {
    /// It cannot be used as it is.
    Damage(String),
    /// Something is in the way.
    Obstacle(String),
    /// The next start does something with it.
    Due(String),
}

/// Reads every row. Returns how many rooms there are as well, if that is known; no finding before the first start, and
/// none where the database is gone, which is told elsewhere.
pub(super) async fn check(patient: &Patient) -> (Option<Finding>, Option<u64>) {
    let data_dir = patient.data_dir.clone();
    if !fs::metadata(data_dir.join(DATABASE)).is_ok_and(|metadata| metadata.len() > 0) {
        return (None, None);
    }
    let found = if patient.status.is_some() {
        let found = client::get(&data_dir, "/v1/check").await;
        found.map_err(|error| Trouble::Obstacle(error.to_string()))
    } else {
        let survey = tokio::task::spawn_blocking(move || {
            let survey = redb::check(&data_dir)?;
            Ok(Found::from((&survey, &FileSurvey::at_rest(&data_dir))))
        });
        survey.await.unwrap_or(Err(OpenError::Damaged)).map_err(Trouble::from)
    };
    let rooms = found.as_ref().ok().map(|found| found.rooms + found.damaged.len() as u64);
    (Some(finding(found)), rooms)
}

fn finding(found: Result<Found, Trouble>) -> Finding {
    match found {
        Ok(found) if found.is_whole() => {
            let (rooms, entries) = (count(found.rooms, "room"), count(found.entries, "entry"));
            let files = match found.files {
                0 => String::new(),
                files => format!(", {}", count(files, "file")),
            };
            Finding::ok(CHECK, format!("whole: {rooms}, {entries}{files}"))
        }
        Ok(Found { damaged, damaged_files, elsewhere: None, .. }) if damaged.is_empty() => Finding::fail(
            CHECK,
            format!("{} of rooms not as sent", count(damaged_files.len() as u64, "file")),
            "`relay check` names them; who sent one can send it again, or restore a backup that has files (`relay backup FILE --files`)",
        ),
        Ok(Found { damaged, elsewhere: None, .. }) => {
            Finding::fail(CHECK, format!("{} not whole", are(damaged.len())), REMEDY)
        }
        Ok(Found { elsewhere: Some(why), .. }) => {
            Finding::fail(CHECK, format!("it is damaged: {why}"), REMEDY)
        }
        Err(Trouble::Damage(why)) => Finding::fail(
            CHECK,
            format!("it cannot be used: {why}"),
            "restore a backup (`relay restore FILE --force`)",
        ),
        Err(Trouble::Due(why)) => Finding::warn(
            CHECK,
            format!("it is not looked into: {why}"),
            "start the relay where as much space is free as `relay.redb` takes; no earlier program reads it afterwards",
        ),
        Err(Trouble::Obstacle(why)) => Finding::warn(
            CHECK,
            format!("it could not be checked: {why}"),
            "run `relay check`, which takes its time",
        ),
    }
}

impl From<OpenError> for Trouble {
    fn from(error: OpenError) -> Self {
        let why = error.to_string();
        match error {
            OpenError::Damaged | OpenError::Database(_) | OpenError::Restoring => Self::Damage(why),
            OpenError::Earlier(_) => Self::Due(why),
            OpenError::Locked
            | OpenError::Format
            | OpenError::NoRoom { .. }
            | OpenError::Lost
            | OpenError::Journal
            | OpenError::Unrested
            | OpenError::Io(_)
            | OpenError::Thread(_) => Self::Obstacle(why),
        }
    }
}

fn are(rooms: usize) -> String {
    if rooms == 1 { "1 room is".into() } else { format!("{rooms} rooms are") }
}

#[cfg(test)]
mod tests {
    use super::{super::Level, *};
    use crate::admin::check::{DamagedFile, DamagedRoom};

    #[test]
    fn damage_fails_with_what_to_do() {
        let whole = Found {
            v: 1,
            rooms: 2,
            entries: 9,
            damaged: Vec::new(),
            elsewhere: None,
            files: 0,
            damaged_files: Vec::new(),
        };
        assert_eq!(finding(Ok(whole.clone())).level, Level::Ok);
        let room = DamagedRoom { id: "ab".into(), why: "an entry is damaged".into() };
        let damaged = finding(Ok(Found { damaged: vec![room], ..whole.clone() }));
        assert_eq!(damaged.level, Level::Fail);
        assert!(damaged.remedy.unwrap().contains("relay check --salvage"));
        assert_eq!(
            finding(Ok(Found { elsewhere: Some("a sum".into()), ..whole.clone() })).level,
            Level::Fail
        );
        let file = DamagedFile { room: "ab".into(), id: "cd".into() };
        let damaged = finding(Ok(Found { damaged_files: vec![file], ..whole.clone() }));
        assert!(damaged.level == Level::Fail && damaged.remedy.unwrap().contains("send it again"));
        assert_eq!(finding(Err(OpenError::Locked.into())).level, Level::Warn);
        assert_eq!(finding(Err(OpenError::Damaged.into())).level, Level::Fail);
        let earlier = finding(Err(OpenError::Earlier(6).into()));
        assert!(
            earlier.level == Level::Warn && earlier.found.contains("the next start"),
            "{}",
            earlier.found
        );
    }

    #[test]
    fn one_room_is_not_many() {
        let one = Found {
            v: 1,
            rooms: 1,
            entries: 1,
            damaged: Vec::new(),
            elsewhere: None,
            files: 0,
            damaged_files: Vec::new(),
        };
        assert_eq!(finding(Ok(one)).found, "whole: 1 room, 1 entry");
    }
}
