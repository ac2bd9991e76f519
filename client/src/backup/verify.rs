//! Restoring a backup into nothing: all of it is opened and read as if it were taken, and nothing is kept.

use std::{collections::BTreeSet, path::Path};

use shared::room::{Engine, Profile};

use super::{BackupError, BackupKey, reading::Reading, sealed::Kind};
use crate::portable::{ReadError, Value, schema::Entry};

/// Looks whether a backup can be restored.
///
/// # Errors
/// [`BackupError`] says why it cannot.
pub fn verify(target: &Path, key: &BackupKey) -> Result<(), BackupError> {
    check(Reading::of(target, key)?, None)
}

/// The same, of one that is not in its place yet. With the profile, rooms are entered as well, in memory.
pub(super) fn verify_at(
    file: &Path,
    dir: &Path,
    kind: Kind,
    key: &BackupKey,
    profile: Option<&Profile>,
) -> Result<(), BackupError> {
    check(Reading::at(file, dir, kind, key)?, profile)
}

fn check(mut reading: Reading<'_>, profile: Option<&Profile>) -> Result<(), BackupError> {
    let (mut rooms, mut has_account, mut bytes_left) = (BTreeSet::new(), false, 0_u64);
    while let Some(body) = reading.next()? {
        let order = |what| BackupError::Content(ReadError::Order(what));
        match Value::of(body)? {
            Value::Account(_) => has_account = true,
            Value::Room(room) => {
                if let (Some(Entry::WayBack(way)), Some(profile)) = (&room.entry, profile) {
                    Engine::come_back(profile, way, 0).map_err(|_| {
                        BackupError::Content(ReadError::Malformed("the way back into a room"))
                    })?;
                }
                rooms.insert(room.record.id);
            }
            Value::Past(room, ..) if !rooms.contains(&room) => return Err(order("the past of no room")),
            Value::File(file) if !rooms.contains(&file.room) => return Err(order("a file of no room")),
            Value::File(file) => bytes_left = if file.has_bytes { file.size } else { 0 },
            Value::Bytes(bytes) => {
                let left = bytes_left.checked_sub(bytes.len() as u64);
                bytes_left = left.ok_or_else(|| order("bytes of no file"))?;
            }
            Value::End if bytes_left > 0 => return Err(order("a file without all of its bytes")),
            Value::End if !has_account => return Err(order("no account")),
            _ => {}
        }
    }
    Ok(())
}
