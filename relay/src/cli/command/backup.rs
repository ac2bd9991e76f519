//! `relay backup`.

use std::{
    io::{self, BufWriter, IsTerminal, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::bail;
use bytes::{Buf, Bytes};
use clap::Args;
use http_body_util::BodyExt;
use hyper::{Method, Response, body::Incoming};
use tokio::{runtime::Handle, sync::mpsc};

use super::database;
use crate::{
    admin::{
        check::Found,
        client::{self, ClientError},
    },
    backup::{self, BackupError, Copied},
    blobs::{FileSurvey, Shelf},
    clock::unix_ms,
    config::Loaded,
    log::{
        self, Rooms,
        redb::{self, Resting},
    },
    ops::{
        human::{bytes, count},
        print,
    },
    policy::limits::Limits,
    relay::error::StartError,
};

/// Pieces that wait for the disk; when so many do, the socket is not read.
const QUEUE: usize = 4;

/// A backup, as it is asked for.
#[derive(Clone, Debug, Args)]
pub struct BackupCommand {
    /// The file to write; an older backup of that name is replaced. `-` is standard output.
    file: PathBuf,
    /// With the files that members sent, those that are whole. They may take much more space than all that was said.
    #[arg(long)]
    files: bool,
    /// Print one line of JSON instead.
    #[arg(long)]
    json: bool,
}

impl BackupCommand {
    /// Asks the running relay for it, or reads the database of one that does not run.
    pub(super) async fn run(self, loaded: &Loaded) -> anyhow::Result<()> {
        let data_dir = loaded.config.data_dir()?;
        let place = Destination::of(&self.file)?;
        let path = if self.files { "/v1/backup?files=1" } else { "/v1/backup" };
        // Before anything is written: it says what is wrong, and a backup that ends half-way does not.
        let look = if self.files { "/v1/check" } else { "/v1/check?rooms=1" };
        let copied = match client::get_patiently::<Found>(&data_dir, look).await {
            Ok(found) => {
                whole(&found)?;
                let answer = client::request(&data_dir, Method::GET, path, Bytes::new()).await?;
                online(answer, place.clone()).await?
            }
            Err(ClientError::NotRunning { .. }) => offline(data_dir, self.files, place.clone()).await?,
            Err(error) => return Err(error.into()),
        };
        let Copied { summary, bytes: size } = copied;
        if place == Destination::Output {
            // What was asked for stands there: a word more would be no backup.
            print::note(format_args!(
                "{} with {}",
                count(summary.rooms, "room"),
                count(summary.entries, "entry")
            ));
        } else if self.json {
            let line = serde_json::json!({
                "v": 1, "event": "backup", "file": self.file, "bytes": size, "created_ms": summary.created_ms,
                "rooms": summary.rooms, "entries": summary.entries, "keys": summary.keys, "files": summary.files,
                "room_files": summary.blobs, "room_file_bytes": summary.blob_bytes,
            });
            print::line(line)?;
        } else {
            let files = match summary.blobs {
                0 => String::new(),
                files => format!(", {} of rooms", count(files, "file")),
            };
            print::line(format_args!(
                "{} with {}{files}, and {} of the identity\n{} in {}\nKeep it like the relay itself: it says who talks when, \
                 and holds the key that clients trust.",
                count(summary.rooms, "room"),
                count(summary.entries, "entry"),
                count(summary.files, "file"),
                bytes(size),
                self.file.display()
            ))?;
        }
        Ok(())
    }
}

/// Where a backup goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Destination {
    File(PathBuf),
    Output,
}

impl Destination {
    fn of(path: &Path) -> anyhow::Result<Self> {
        if path != Path::new("-") && path != Path::new("/dev/stdout") {
            return Ok(Self::File(path.to_owned()));
        }
        if io::stdout().is_terminal() {
            bail!(
                "a backup is no text: name a file, or send it elsewhere (`relay backup - | ssh HOST 'cat > FILE'`)"
            );
        }
        Ok(Self::Output)
    }

    /// Has it written there. A file appears once it is whole; what reads the output learns from the exit code and from the
    /// missing end that it is not.
    fn save(
        &self,
        fill: impl FnOnce(&mut dyn Write) -> Result<Copied, BackupError>,
    ) -> Result<Copied, BackupError> {
        match self {
            Self::File(path) => backup::save(path, |file| fill(file)),
            Self::Output => fill(&mut print::open().map_err(BackupError::from)?),
        }
    }
}

fn whole(found: &Found) -> Result<(), BackupError> {
    found.damage().map_or(Ok(()), |damage| Err(BackupError::NotWhole(damage)))
}

async fn online(answer: Response<Incoming>, place: Destination) -> anyhow::Result<Copied> {
    let (pieces, waiting) = mpsc::channel(QUEUE);
    let saved = tokio::task::spawn_blocking(move || {
        let stream = Pieces { waiting, piece: Bytes::new() };
        place.save(|out| copy(stream, out))
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

fn copy(stream: impl Read, out: &mut dyn Write) -> Result<Copied, BackupError> {
    let mut out = BufWriter::new(out);
    let copied = backup::copy_from(stream, &mut out)?;
    out.flush()?;
    Ok(copied)
}

async fn offline(data_dir: PathBuf, with_files: bool, place: Destination) -> anyhow::Result<Copied> {
    database::is_there(&data_dir)?;
    tokio::task::spawn_blocking(move || {
        let broken = |error| StartError::data(data_dir.clone(), error);
        // While the database is open, no relay starts on them.
        let shelf = |data_dir: &Path| match with_files {
            true => Shelf::at_rest(data_dir).map_err(|error| StartError::files(data_dir.to_owned(), error)),
            false => Ok(None),
        };
        // Every row, and the sums of all pages, which only nobody else's database shows.
        let files = if with_files { FileSurvey::at_rest(&data_dir) } else { FileSurvey::default() };
        let survey = redb::check_to_copy(&data_dir).map_err(broken)?;
        whole(&Found::from((&survey, &files)))?;
        match log::open(&data_dir, &Limits::default()) {
            Ok(backend) => {
                let shelf = shelf(&data_dir)?;
                let saved = place.save(|out| write(shelf.as_ref(), &*backend, &data_dir, out));
                Handle::current().block_on(backend.close());
                Ok(saved?)
            }
            // A backup is what such a disk needs most.
            Err(error) if error.is_read_only() => {
                let backend = Resting::open(&data_dir).map_err(broken)?;
                let shelf = shelf(&data_dir)?;
                Ok(place.save(|out| write(shelf.as_ref(), &backend, &data_dir, out))?)
            }
            Err(error) => Err(broken(error).into()),
        }
    })
    .await?
}

fn write(
    files: Option<&Shelf>,
    backend: &dyn Rooms,
    data_dir: &Path,
    out: &mut dyn Write,
) -> Result<Copied, BackupError> {
    let mut out = BufWriter::new(Counted { out, bytes: 0 });
    let summary = backup::write_with(files, backend, data_dir, unix_ms(), &mut out)?;
    out.flush()?;
    Ok(Copied { summary, bytes: out.get_ref().bytes })
}

/// Counts what is written.
struct Counted<'a> {
    out: &'a mut dyn Write,
    bytes: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
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
