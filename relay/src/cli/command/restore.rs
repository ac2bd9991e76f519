//! `relay restore`.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use crate::{
    backup::{self, Restored, Summary},
    clock::unix_ms,
    config::Loaded,
    ops::{
        human::{count, span},
        print,
    },
};

/// A restore, as it is asked for.
#[derive(Clone, Debug, Args)]
pub struct RestoreCommand {
    /// The backup.
    file: PathBuf,
    /// Only look whether it is whole: format, checksums, logs without gaps, slots, keys, counts.
    #[arg(long)]
    verify: bool,
    /// Move what is in the data directory into a directory before-restore-… within it first.
    #[arg(long, conflicts_with = "verify")]
    force: bool,
}

impl RestoreCommand {
    /// Does it.
    pub(super) async fn run(self, loaded: &Loaded) -> anyhow::Result<()> {
        let now_ms = unix_ms();
        if self.verify {
            let summary = tokio::task::spawn_blocking(move || backup::verify(&self.file)).await??;
            print::line(format_args!("Whole: {}", describe(&summary, now_ms)))?;
            return Ok(());
        }
        let data_dir = loaded.config.data_dir()?;
        let target = data_dir.clone();
        let restored =
            tokio::task::spawn_blocking(move || backup::restore(&self.file, &target, self.force, now_ms));
        let Restored { summary, aside } = restored.await??;
        let mut said = format!("Restored into {}: {}\n", data_dir.display(), describe(&summary, now_ms));
        if let Some(aside) = aside {
            said += &format!(
                "What was there before is in {}; remove it when you are content.\n",
                aside.display()
            );
        }
        said += "Clients find the relay again without doing anything. What was said after the backup is gone from it: \
             members who had read it keep it. Their programs say that the relay was restored (`relay_restored`), and go on \
             when each of them says /accept. Tell them that you restored a backup.\n";
        print::all(said)?;
        Ok(())
    }
}

fn describe(summary: &Summary, now_ms: u64) -> String {
    let Summary { created_ms, program, rooms, entries, keys, files, blobs, .. } = summary;
    let age = span(Duration::from_millis(now_ms.saturating_sub(*created_ms)));
    let of_rooms = match blobs {
        0 => String::new(),
        blobs => format!("{} of rooms, ", count(*blobs, "file")),
    };
    format!(
        "{}, {}, {}, {of_rooms}{} of the identity; made {age} ago by relay {program}",
        count(*rooms, "room"),
        count(*entries, "entry"),
        count(*keys, "key"),
        count(*files, "file"),
    )
}
