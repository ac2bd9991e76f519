//! All files of a room, beside what was said there.

use std::path::Path;

use crate::{
    cli::{
        Globals,
        file::{find, follow::Followed, follow::follow, from_root},
        wait::{Patience, one},
    },
    faces::words,
    failure::{Exit, Failure},
    runtime::Wanted,
};

/// Files that are fetched at most: as many as a profile keeps lines of a room, by default.
const MOST: usize = 100_000;

/// Fetches the files of a room into a directory, each under the beginning of its message's id and its name. What is there already is
/// not fetched again, and what the relay does not have any more is told.
pub(in crate::cli) async fn fetch_all(
    globals: &Globals,
    room: &str,
    directory: &Path,
) -> Result<Exit, Failure> {
    let directory = from_root(directory)?;
    let (runtime, mut events) = one(globals, room).await?;
    let fetching = async {
        let page = async |before| Ok(runtime.history_before(room, before, find::PAGE).await?);
        let mut missing = 0;
        for line in find::files(MOST, page).await? {
            let Some(file) = &line.message.file else { continue };
            let id = hex::encode(line.message.id);
            let id = id.get(..find::SHOWN).unwrap_or_default();
            let place = directory.join(format!("{id} {}", file.name));
            if place.symlink_metadata().is_ok() {
                continue;
            }
            let wanted = Wanted { message: line.message.id, output: Some(place) };
            let transfer = runtime.get_file(room, wanted).await?;
            let number = transfer.number;
            let done =
                follow(globals, &runtime, &mut events, vec![Followed::new(transfer)], Patience::USUAL).await;
            match done {
                Ok(_) => {}
                // Gone, or not what it should be: that is no reason to leave the others.
                Err(failure) if matches!(failure.exit, Exit::NotFound | Exit::Verification) => {
                    missing += 1;
                    eprintln!("schat: {}: {}", words::file(file), words::failure(&failure));
                    runtime.steer_file(number, crate::runtime::Steer::Cancel).await?;
                }
                Err(failure) => return Err(failure),
            }
        }
        match missing {
            0 => Ok(Exit::Ok),
            missing => Err(Failure::not_found(
                format!("Not there any more: {}.", words::counted(missing, "file")),
                "The others are in the directory.",
            )),
        }
    };
    let done = fetching.await;
    runtime.shutdown().await;
    done
}
