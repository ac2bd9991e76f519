//! The database: is anything in it damaged?

use super::{Finding, Patient};
use crate::{
    admin::{check::Found, client},
    backend::redb::{self, DATABASE},
};

const CHECK: &str = "database";
const REMEDY: &str = "`relay check` names the rooms; restore a backup (`relay restore FILE --force`), or stop the relay and go on with \
                      the rooms that are whole (`relay check --salvage FILE`)";

/// Reads every row; `None` before the first start.
pub(super) async fn check(patient: &Patient) -> Option<Finding> {
    let data_dir = patient.data_dir.clone();
    if !data_dir.join(DATABASE).exists() {
        return None;
    }
    if patient.status.is_some() {
        let found = client::get(&data_dir, "/v1/check").await;
        return Some(finding(found.map_err(|error| error.to_string())));
    }
    let survey = tokio::task::spawn_blocking(move || redb::check(&data_dir)).await;
    let found = match survey {
        Ok(Ok(survey)) => Ok(Found::from(&survey)),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("it is damaged beyond reading".into()),
    };
    Some(finding(found))
}

fn finding(found: Result<Found, String>) -> Finding {
    match found {
        Ok(found) if found.is_whole() => {
            Finding::ok(CHECK, format!("whole: {} rooms, {} entries", found.rooms, found.entries))
        }
        Ok(Found { damaged, elsewhere: None, .. }) => {
            Finding::fail(CHECK, format!("{} not whole", are(damaged.len())), REMEDY)
        }
        Ok(Found { elsewhere: Some(why), .. }) => {
            Finding::fail(CHECK, format!("it is damaged: {why}"), REMEDY)
        }
        Err(why) => Finding::warn(
            CHECK,
            format!("it could not be checked: {why}"),
            "run `relay check`, which takes its time",
        ),
    }
}

fn are(rooms: usize) -> String {
    if rooms == 1 { "1 room is".into() } else { format!("{rooms} rooms are") }
}

#[cfg(test)]
mod tests {
    use super::{super::Level, *};
    use crate::admin::check::DamagedRoom;

    #[test]
    fn damage_fails_with_what_to_do() {
        let whole = Found { v: 1, rooms: 2, entries: 9, damaged: Vec::new(), elsewhere: None };
        assert_eq!(finding(Ok(whole.clone())).level, Level::Ok);
        let room = DamagedRoom { id: "ab".into(), why: "an entry is damaged".into() };
        let damaged = finding(Ok(Found { damaged: vec![room], ..whole.clone() }));
        assert_eq!(damaged.level, Level::Fail);
        assert!(damaged.remedy.unwrap().contains("relay check --salvage"));
        assert_eq!(finding(Ok(Found { elsewhere: Some("a sum".into()), ..whole })).level, Level::Fail);
        assert_eq!(finding(Err("no".into())).level, Level::Warn);
    }
}
