//! The database of a relay that does not run, for commands that would not make one.

use std::path::Path;

use crate::{
    backup::BackupError,
    log::redb::{self, DATABASE},
    relay::error::StartError,
};

/// Whether there is one to open.
///
/// # Errors
/// Nobody has been here, or a relay has, and its log is gone.
pub(super) fn is_there(data_dir: &Path) -> anyhow::Result<()> {
    if redb::is_lost(data_dir)? {
        return Err(StartError::NoLog { path: data_dir.to_owned() }.into());
    }
    match data_dir.join(DATABASE).try_exists()? {
        true => Ok(()),
        false => Err(BackupError::Nothing(data_dir.to_owned()).into()),
    }
}
