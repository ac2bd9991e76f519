//! Whether the database is whole: `relay check`.

use serde::{Deserialize, Serialize};

use super::{Admin, Answer, Fault, Reply, rooms::hex};
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

/// `GET /v1/check`: reads every row, and every file.
pub(super) async fn answer(admin: &Admin) -> Answer {
    let backend = admin.backend.clone();
    let shelf = admin.shared.blobs.shelf();
    let survey =
        tokio::task::spawn_blocking(move || Ok::<_, Unavailable>((backend.survey()?, shelf.survey())));
    let (survey, files) = survey.await.map_err(|_| Fault::unavailable())??;
    Reply::json(&Found::from((&survey, &files)))
}
