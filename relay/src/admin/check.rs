//! Whether the database is whole: `relay check`.

use serde::{Deserialize, Serialize};

use super::{Admin, Answer, Fault, Reply, rooms::hex};
use crate::log::redb::Survey;

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
        self.damaged.is_empty() && self.elsewhere.is_none()
    }
}

impl From<&Survey> for Found {
    fn from(survey: &Survey) -> Self {
        let damaged = survey.damaged.iter();
        let damaged = damaged.map(|(id, why)| DamagedRoom { id: hex(id), why: why.clone() });
        let Survey { whole, elsewhere, .. } = survey;
        Self {
            v: 1,
            rooms: whole.rooms,
            entries: whole.entries,
            damaged: damaged.collect(),
            elsewhere: elsewhere.clone(),
        }
    }
}

/// `GET /v1/check`: reads every row.
pub(super) async fn answer(admin: &Admin) -> Answer {
    let backend = admin.backend.clone();
    let survey = tokio::task::spawn_blocking(move || backend.survey());
    let survey = survey.await.map_err(|_| Fault::unavailable())??;
    Reply::json(&Found::from(&survey))
}
