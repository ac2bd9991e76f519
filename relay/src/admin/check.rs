//! Whether the database is whole: `relay check`.

use serde::{Deserialize, Serialize};

use super::{Admin, Answer, Fault, Reply, Request, rooms::hex};
use crate::{
    blobs::FileSurvey,
    log::{Unavailable, redb::Survey},
};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Version of this answer.
    pub v: u32,
    /// Rooms that are whole.
    pub rooms: u64,
    /// Entries in them.
    pub entries: u64,
    /// The others.
    pub damaged: Vec<DamagedRoom>,
    /// What is wrong outside of rooms.
    pub elsewhere: Option<String>,
    /// Files of rooms that were looked at.
    #[serde(default)]
    pub files: u64,
    /// Those that are not as they were sent.
    #[serde(default)]
    pub damaged_files: Vec<DamagedFile>,
}

/// A file that is not as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamagedFile {
    /// Its room.
    pub room: String,
    /// Its id.
    pub id: String,
}

/// A room that is not whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamagedRoom {
    /// The room.
    pub id: String,
    /// What is wrong with it.
    pub why: String,
}

impl Found {
    /// The first thing that is wrong, and how many more there are.
    pub fn damage(&self) -> Option<String> {
        let rooms = self.damaged.iter().map(|room| format!("room {}: {}", room.id, room.why));
        let files = self.damaged_files.iter().map(|file| format!("file {} of room {}", file.id, file.room));
        let mut all = rooms.chain(self.elsewhere.clone()).chain(files);
        let first = all.next()?;
        Some(match all.count() {
            0 => first,
            more => format!("{first}, and {more} more"),
        })
    }

    /// Nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.damaged.is_empty() && self.elsewhere.is_none() && self.damaged_files.is_empty()
    }
}

impl From<(&Survey, &FileSurvey)> for Found {
    fn from((survey, files): (&Survey, &FileSurvey)) -> Self {
        let damaged_files = files.damaged.iter().map(|(room, id)| DamagedFile {
            room: hex(room),
            id: id.0.iter().map(|byte| format!("{byte:02x}")).collect(),
        });
        let damaged = survey.damaged.iter();
        let damaged = damaged.map(|(id, why)| DamagedRoom { id: hex(id), why: why.clone() });
        let Survey { whole, elsewhere, .. } = survey;
        Self {
            v: 1,
            rooms: whole.rooms,
            entries: whole.entries,
            damaged: damaged.collect(),
            elsewhere: elsewhere.clone().or_else(|| files.elsewhere.clone()),
            files: files.files,
            damaged_files: damaged_files.collect(),
        }
    }
}

/// `GET /v1/check`: reads every row, and every file; `/v1/check?rooms=1`: without files.
pub(super) async fn answer(admin: &Admin, request: &Request) -> Answer {
    let backend = admin.backend.clone();
    let shelf = admin.shared.blobs.shelf();
    let with_files = request.query("rooms").is_none();
    let survey = tokio::task::spawn_blocking(move || {
        let files = || if with_files { shelf.survey() } else { FileSurvey::default() };
        Ok::<_, Unavailable>((backend.survey()?, files()))
    });
    let (survey, files) = survey.await.map_err(|_| Fault::unavailable())??;
    Reply::json(&Found::from((&survey, &files)))
}
