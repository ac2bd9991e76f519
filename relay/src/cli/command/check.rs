//! `relay check`.

use std::{
    collections::BTreeSet,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::bail;
use clap::Args;

use super::human::count;
use crate::{
    admin::{
        check::Found,
        client::{self, ClientError},
    },
    backend::{
        Backend,
        redb::{self, DATABASE, Redb},
    },
    backup::{self, BackupError, RestoreError, Summary},
    clock::unix_ms,
    config::Loaded,
    error::StartError,
    limits::Limits,
};

/// Look whether anything in the database is damaged.
///
/// Reads every entry and its checksum, while the relay runs or not; while it does not, the sums of all pages as well. A room
/// that is damaged serves what stands before the damage, and then says so to its members; others go on. Ends with 1 if
/// anything is damaged.
#[derive(Clone, Debug, Args)]
pub struct CheckCommand {
    /// Write a backup of the rooms that are whole; `relay restore FILE --force` goes on with it. The relay must be stopped.
    #[arg(long, value_name = "FILE")]
    salvage: Option<PathBuf>,
    /// Print one line of JSON instead.
    #[arg(long)]
    json: bool,
}

impl CheckCommand {
    /// Looks, and prints what was found.
    pub(super) async fn run(self, loaded: &Loaded) -> anyhow::Result<()> {
        let data_dir = loaded.config.data_dir()?;
        let found = match client::get_patiently::<Found>(&data_dir, "/v1/check").await {
            Ok(_) if self.salvage.is_some() => return Err(RestoreError::Running(data_dir).into()),
            Ok(found) => found,
            Err(ClientError::NotRunning { .. }) => stopped(data_dir.clone()).await?,
            Err(error) => return Err(error.into()),
        };
        match self.json {
            true => println!("{}", serde_json::to_string(&found)?),
            false => print!("{}", text(&found)),
        }
        if let Some(file) = self.salvage {
            let to = file.clone();
            let saved = tokio::task::spawn_blocking(move || salvage(&data_dir, &to)).await??;
            let (rooms, entries) = (count(saved.rooms, "room"), count(saved.entries, "entry"));
            eprintln!(
                "{} has {rooms} with {entries}; `relay restore {0} --force` goes on with them.",
                file.display()
            );
            return Ok(());
        }
        if !found.is_whole() {
            bail!(
                "the database is damaged; restore a backup (`relay restore FILE --force`), or go on with the rooms that are whole \
                 (`relay check --salvage FILE` on the stopped relay)"
            );
        }
        Ok(())
    }
}

async fn stopped(data_dir: PathBuf) -> anyhow::Result<Found> {
    if !data_dir.join(DATABASE).try_exists()? {
        return Err(BackupError::Nothing(data_dir).into());
    }
    let directory = data_dir.clone();
    let survey = tokio::task::spawn_blocking(move || redb::check(&directory)).await;
    // redb may stop at what no database of its own can hold.
    let survey = survey.map_err(|_| StartError::Damaged { path: data_dir.clone() })?;
    Ok(Found::from(&survey.map_err(|error| StartError::data(data_dir, error))?))
}

fn salvage(data_dir: &Path, file: &Path) -> anyhow::Result<Summary> {
    let backend = Redb::open(data_dir, &Limits::default())
        .map_err(|error| StartError::data(data_dir.to_owned(), error))?;
    let backend = Arc::new(backend);
    let survey = backend.survey().map_err(|_| BackupError::Unavailable)?;
    let left_out: BTreeSet<_> = survey.damaged.into_iter().map(|(room, _)| room).collect();
    let saved = backup::save(file, |file| {
        let mut out = BufWriter::new(file);
        let summary = backup::write_but(&left_out, &backend, data_dir, unix_ms(), &mut out)?;
        out.flush()?;
        Ok(summary)
    });
    tokio::runtime::Handle::current().block_on(backend.close());
    Ok(saved?)
}

fn text(found: &Found) -> String {
    let mut text = String::new();
    for room in &found.damaged {
        text += &format!("Damaged  {}  {}\n", room.id, room.why);
    }
    if let Some(why) = &found.elsewhere {
        text += &format!("Damaged  {why}\n");
    }
    text + &format!("Whole    {}, {}\n", count(found.rooms, "room"), count(found.entries, "entry"))
}
