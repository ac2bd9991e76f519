//! `schat info`: what a room is, as this device knew it last. It needs no relay.

use std::sync::Arc;

use super::{
    Globals,
    archive::{self, find},
    attach,
};
use crate::{
    faces::{
        execute,
        json::{InfoOut, Out},
        stdout,
    },
    failure::{Exit, Failure},
    runtime::RoomStatus,
    store::{OpenProfile, Where},
};

pub(super) async fn info(globals: &Globals, room: &str) -> Result<Exit, Failure> {
    let status = match attach::quiet(globals).await? {
        Ok(profile) => stored(&profile, room)?,
        Err(runtime) => runtime.room(room)?,
    };
    if globals.json {
        stdout::line(&Out::Info(InfoOut::from(&status)).to_line());
    } else {
        execute::info(&status).iter().all(|line| stdout::line(line));
    }
    Ok(Exit::Ok)
}

/// A room as it was when the program ran last.
fn stored(profile: &OpenProfile, room: &str) -> Result<RoomStatus, Failure> {
    let record = find(profile, room)?;
    let view = archive::view(profile, &record)?;
    let others = view.iter().flat_map(shared::room::GroupView::others);
    let others = others.map(|member| member.person.fingerprint);
    let (is_verified, muted, pinned) = profile
        .vault
        .now(|store| Ok((store.people().are_verified(others), store.muted()?, store.pinned()?)))?;
    Ok(RoomStatus {
        is_verified,
        is_muted: muted.contains(&record.label),
        is_pinned: pinned.contains(&record.label),
        id: record.id,
        relay: match record.place {
            Where::Own => None,
            Where::Relay { address, .. } => Some(address),
        },
        view: view.map(Arc::new),
        over: record.closed,
        label: record.label,
    })
}
