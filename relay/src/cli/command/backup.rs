//! `relay backup`.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use bytes::{Buf, Bytes};
use clap::Args;
use http_body_util::BodyExt;
use hyper::{Method, Response, body::Incoming};
use tokio::sync::mpsc;

use super::human::{bytes, count};
use crate::{
    admin::client::{self, ClientError},
    backend::{
        Backend,
        redb::{DATABASE, Redb},
    },
    backup::{self, BackupError, Copied},
    clock::unix_ms,
    config::Loaded,
    limits::Limits,
};

/// Pieces that wait for the disk; when so many do, the socket is not read.
const QUEUE: usize = 4;

/// A backup, as it is asked for.
#[derive(Clone, Debug, Args)]
pub struct BackupCommand {
    /// The file to write; an older backup of that name is replaced.
    file: PathBuf,
    /// Print one line of JSON instead.
    #[arg(long)]
    json: bool,
}

impl BackupCommand {
    /// Asks the running relay for it, or reads the database of one that does not run.
    pub(super) async fn run(self, loaded: &Loaded) -> anyhow::Result<()> {
        let data_dir = loaded.config.data_dir()?;
        let file = self.file.clone();
        let copied = match client::request(&data_dir, Method::GET, "/v1/backup", Bytes::new()).await {
            Ok(answer) => online(answer, file).await?,
            Err(ClientError::NotRunning { .. }) => offline(data_dir, file).await?,
            Err(error) => return Err(error.into()),
        };
        let Copied { summary, bytes: size } = copied;
        if self.json {
            let line = serde_json::json!({
                "v": 1, "event": "backup", "file": self.file, "bytes": size, "created_ms": summary.created_ms,
                "rooms": summary.rooms, "entries": summary.entries, "keys": summary.keys, "files": summary.files,
            });
            println!("{line}");
        } else {
            println!(
                "{} with {}, and {} of the identity",
                count(summary.rooms, "room"),
                count(summary.entries, "entry"),
                count(summary.files, "file")
            );
            println!("{} in {}", bytes(size), self.file.display());
            println!(
                "Keep it like the relay itself: it says who talks when, and holds the key that clients trust."
            );
        }
        Ok(())
    }
}

async fn online(answer: Response<Incoming>, path: PathBuf) -> anyhow::Result<Copied> {
    let (pieces, waiting) = mpsc::channel(QUEUE);
    let saved = tokio::task::spawn_blocking(move || {
        let stream = Pieces { waiting, piece: Bytes::new() };
        backup::save(&path, |file| copy(stream, file))
    });
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        let piece = frame.map_err(io::Error::other).map(|frame| frame.into_data().unwrap_or_default());
        if pieces.send(piece).await.is_err() {
            // It has said why.
            break;
        }
    }
    drop(pieces);
    Ok(saved.await??)
}

fn copy(stream: impl Read, file: &mut File) -> Result<Copied, BackupError> {
    let mut out = BufWriter::new(file);
    let copied = backup::copy_from(stream, &mut out)?;
    out.flush()?;
    Ok(copied)
}

async fn offline(data_dir: PathBuf, path: PathBuf) -> anyhow::Result<Copied> {
    let there = data_dir.join(DATABASE).try_exists()?;
    if !there {
        return Err(BackupError::Nothing(data_dir).into());
    }
    let directory = data_dir.clone();
    let backend = tokio::task::spawn_blocking(move || Redb::open(&directory, &Limits::default())).await?;
    let backend = std::sync::Arc::new(backend.map_err(BackupError::Open)?);
    let reading = backend.clone();
    let saved =
        tokio::task::spawn_blocking(move || backup::save(&path, |file| write(&reading, &data_dir, file)));
    let saved = saved.await?;
    backend.close().await;
    Ok(saved?)
}

fn write(backend: &Redb, data_dir: &Path, file: &mut File) -> Result<Copied, BackupError> {
    let mut out = BufWriter::new(file);
    let summary = backup::write(backend, data_dir, unix_ms(), &mut out)?;
    out.flush()?;
    Ok(Copied { summary, bytes: out.get_ref().metadata()?.len() })
}

/// What comes over the socket, for a thread that blocks.
struct Pieces {
    waiting: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.piece.has_remaining() {
            match self.waiting.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(out.len());
        self.piece.copy_to_slice(out.get_mut(..count).unwrap_or_default());
        Ok(count)
    }
}
