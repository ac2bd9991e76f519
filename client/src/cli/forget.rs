//! `schat forget ROOM`: deletes what is kept of a room that is over.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use super::{Globals, archive, attach};
use crate::{
    faces::words,
    failure::{Exit, Failure},
    reason::{Reason, RoomReason},
    runtime::remove_parts,
};

pub(super) async fn forget(globals: &Globals, room: &str, yes: bool) -> Result<Exit, Failure> {
    match attach::quiet(globals).await? {
        Ok(profile) => {
            let record = archive::find(&profile, room)?;
            if record.closed.is_none() {
                return Err(Reason::from(RoomReason::StillIn(record.label.clone())).into());
            }
            if !yes && !is_sure(&record.label)? {
                return Ok(Exit::Ok);
            }
            profile.vault.now(|store| {
                remove_parts(store, record.id);
                store.forget_room(record.id)
            })?;
        }
        Err(runtime) => {
            let status = runtime.room(room)?;
            if status.over.is_none() {
                return Err(Reason::from(RoomReason::StillIn(status.label)).into());
            }
            if !yes && !is_sure(&status.label)? {
                return Ok(Exit::Ok);
            }
            runtime.forget(&status.label).await?;
        }
    }
    Ok(Exit::Ok)
}

/// Asks whoever sits there.
fn is_sure(room: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(words::command::room::not_asked());
    }
    eprint!("{}", words::forget(room));
    // What cannot be shown is answered all the same.
    let _ = io::stderr().flush();
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| crate::faces::input::unreadable(&error))?;
    Ok(line.trim().eq_ignore_ascii_case("yes"))
}
