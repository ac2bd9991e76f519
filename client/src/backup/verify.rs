//! Restoring a backup into nothing: all of it is opened and read as if it were taken, and nothing is kept.

use std::{collections::BTreeSet, path::Path};

use shared::room::{Engine, Profile};

use super::{
    BackupError, BackupKey,
    error::no_way_back,
    reading::{Found, Reading},
    sealed::Kind,
};
use crate::portable::{ReadError, Value, schema::WayIn};

/// Looks whether a backup can be restored that is not in its place yet. Rooms are entered as well, in memory.
///
/// # Errors
/// [`BackupError`] says why it cannot.
pub(super) fn verify_at(
    file: &Path,
    dir: &Path,
    kind: Kind,
    key: &BackupKey,
    profile: &Profile,
) -> Result<(), BackupError> {
    let mut reading = Reading::at(file, dir, kind, key)?;
    let (mut rooms, mut has_account, mut bytes_left) = (BTreeSet::new(), false, 0_u64);
    while let Some(found) = reading.next()? {
        let body = match found {
            Found::Record(body) => body,
            Found::Lost { why, .. } => return Err(why),
        };
        let order = |what| BackupError::Content(ReadError::Order(what));
        match Value::of(body)? {
            // As when it is taken.
            Value::Bytes(bytes) => {
                let left = bytes_left.checked_sub(bytes.len() as u64).filter(|_| !bytes.is_empty());
                bytes_left = left.ok_or_else(|| order("bytes of no file"))?;
            }
            _ if bytes_left > 0 => return Err(order("a file without all of its bytes")),
            Value::Account(_) => has_account = true,
            Value::Room(room) => {
                if let Some(WayIn::WayBack(way)) = &room.entry {
                    Engine::come_back(profile, way, 0).map_err(|error| no_way_back(&error))?;
                }
                rooms.insert(room.record.id);
            }
            Value::Past(room, ..) if !rooms.contains(&room) => return Err(order("the past of no room")),
            Value::File(file) if !rooms.contains(&file.room) => return Err(order("a file of no room")),
            Value::File(file) => bytes_left = if file.has_bytes { file.size } else { 0 },
            Value::End if !has_account => return Err(order("no account")),
            _ => {}
        }
    }
    Ok(())
}
