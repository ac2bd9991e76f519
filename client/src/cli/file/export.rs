//! All files of a room, beside what was said there.

use std::path::Path;

use crate::{
    cli::{
        Globals,
        file::{find, follow::Followed, follow::follow, from_root},
        interrupt::interrupted,
        telling,
        wait::{Patience, one},
    },
    faces::words::{self, command::file::EXPORT_KEPT},
    failure::{Exit, Failure},
    runtime::{Steer, Wanted},
};

/// Files that are fetched at most: as many as a profile keeps lines of a room, by default.
const MOST: usize = 100_000;

/// Fetches the files of a room into a directory, each under the beginning of its message's id and its name. What is there already is
/// not fetched again, and what the relay does not have any more is told. Whoever ends the command ends the fetching.
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
            // Nobody asked for a file that comes tomorrow.
            let transfer = runtime.get_passing(room, wanted).await?;
            let number = transfer.number;
            let done =
                follow(globals, &runtime, &mut events, vec![Followed::new(transfer)], Patience::USUAL).await;
            match done {
                Ok(_) => {}
                // Gone, or not what it should be: that is no reason to leave the others.
                Err(failure) if matches!(failure.exit, Exit::NotFound | Exit::Verification) => {
                    missing += 1;
                    telling::of_room(globals.json, room, &format!("{}: ", words::file(file)), &failure);
                    runtime.steer_file(number, Steer::Cancel).await?;
                }
                Err(mut failure) => {
                    EXPORT_KEPT.clone_into(&mut failure.remedy);
                    return Err(failure);
                }
            }
        }
        match missing {
            0 => Ok(Exit::Ok),
            missing => Err(words::command::file::missing(&words::counted(missing, "file"))),
        }
    };
    let done = tokio::select! {
        done = fetching => done,
        () = interrupted() => Ok(Exit::Interrupted),
    };
    runtime.shutdown().await;
    done
}
