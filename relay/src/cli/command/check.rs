//! `relay check`.

use std::{
    collections::BTreeSet,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::bail;
use clap::Args;

use super::database;
use crate::{
    admin::{
        check::Found,
        client::{self, ClientError},
    },
    backup::{self, BackupError, RestoreError, Summary},
    blobs::FileSurvey,
    clock::unix_ms,
    config::Loaded,
    log::{
        self, Rooms,
        redb::{self, OpenError, Resting, Survey},
    },
    ops::{human::count, print},
    policy::limits::Limits,
    relay::error::StartError,
};

/// Look whether anything in the database is damaged.
///
/// Reads every entry and every file, with their checksums, while the relay runs or not; while it does not, the sums of all pages as well. A room
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
            Err(ClientError::NotRunning { .. }) => {
                let look = if self.salvage.is_some() { redb::check_to_copy } else { redb::check };
                stopped(data_dir.clone(), look).await?
            }
            Err(error) => return Err(error.into()),
        };
        match self.json {
            true => print::line(serde_json::to_string(&found)?)?,
            false => print::all(text(&found))?,
        };
        if let Some(file) = self.salvage {
            let to = file.clone();
            let saved = tokio::task::spawn_blocking(move || salvage(&data_dir, &to)).await??;
            let (rooms, entries) = (count(saved.rooms, "room"), count(saved.entries, "entry"));
            print::note(format_args!(
                "{} has {rooms} with {entries}; `relay restore {0} --force` goes on with them.",
                file.display()
            ));
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

async fn stopped(data_dir: PathBuf, look: fn(&Path) -> Result<Survey, OpenError>) -> anyhow::Result<Found> {
    database::is_there(&data_dir)?;
    let directory = data_dir.clone();
    let survey = tokio::task::spawn_blocking(move || look(&directory)).await;
    let survey = survey.unwrap_or(Err(OpenError::Damaged));
    let survey = survey.map_err(|error| StartError::data(data_dir.clone(), error))?;
    let directory = data_dir.clone();
    let files = tokio::task::spawn_blocking(move || FileSurvey::at_rest(&directory)).await?;
    Ok(Found::from((&survey, &files)))
}

fn salvage(data_dir: &Path, file: &Path) -> anyhow::Result<Summary> {
    let broken = |error| StartError::data(data_dir.to_owned(), error);
    match log::open(data_dir, &Limits::default()) {
        Ok(backend) => {
            let survey = backend.survey().map_err(|_| BackupError::Unavailable)?;
            let saved = save_whole(survey, &*backend, data_dir, file);
            tokio::runtime::Handle::current().block_on(backend.close());
            Ok(saved?)
        }
        Err(error) if error.is_read_only() => {
            let backend = Resting::open(data_dir).map_err(broken)?;
            Ok(save_whole(backend.survey().map_err(broken)?, &backend, data_dir, file)?)
        }
        Err(error) => Err(broken(error).into()),
    }
}

fn save_whole(
    survey: Survey,
    backend: &dyn Rooms,
    data_dir: &Path,
    file: &Path,
) -> Result<Summary, BackupError> {
    let left_out: BTreeSet<_> = survey.damaged.into_iter().map(|(room, _)| room).collect();
    backup::save(file, |file| {
        let mut out = BufWriter::new(file);
        let summary = backup::write_but(&left_out, backend, data_dir, unix_ms(), &mut out)?;
        out.flush()?;
        Ok(summary)
    })
}

fn text(found: &Found) -> String {
    let mut text = String::new();
    for room in &found.damaged {
        text += &format!("Damaged  {}  {}\n", room.id, room.why);
    }
    if let Some(why) = &found.elsewhere {
        text += &format!("Damaged  {why}\n");
    }
    for file in &found.damaged_files {
        text += &format!("Damaged  {}  file {}: not as it was sent\n", file.room, file.id);
    }
    let files = match found.files - found.damaged_files.len() as u64 {
        0 => String::new(),
        files => format!(", {}", count(files, "file")),
    };
    text + &format!("Whole    {}, {}{files}\n", count(found.rooms, "room"), count(found.entries, "entry"))
}
