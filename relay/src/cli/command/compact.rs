//! `relay compact`.

use clap::Args;

use super::database;
use crate::{
    backup::RestoreError,
    blobs::Shelf,
    config::Loaded,
    log::redb::{self, OpenError},
    ops::{human::bytes, print},
    relay::error::StartError,
};

/// A compaction.
#[derive(Clone, Debug, Args)]
pub struct CompactCommand {}

impl CompactCommand {
    /// Does it.
    pub(super) async fn run(self, loaded: &Loaded) -> anyhow::Result<()> {
        let data_dir = loaded.config.data_dir()?;
        database::is_there(&data_dir)?;
        let directory = data_dir.clone();
        let compacted = tokio::task::spawn_blocking(move || redb::compact(&directory)).await?;
        let (before, after) = compacted.map_err(|error| -> anyhow::Error {
            match error {
                // Compacting needs the database for itself.
                OpenError::Locked => RestoreError::Running(data_dir).into(),
                error => StartError::data(data_dir, error).into(),
            }
        })?;
        let directory = loaded.config.data_dir()?;
        let files = tokio::task::spawn_blocking(move || match Shelf::at_rest(&directory)? {
            Some(shelf) => {
                let removed = shelf.compact();
                shelf.close();
                removed
            }
            None => Ok(0),
        });
        let data_dir = loaded.config.data_dir()?;
        files.await?.map_err(|error| StartError::files(data_dir, error))?;
        print::line(format_args!("The database takes {}; it took {}.", bytes(after), bytes(before)))?;
        Ok(())
    }
}
