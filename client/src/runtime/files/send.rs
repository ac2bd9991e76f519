//! A file goes to a room.

use std::path::Path;

use proto::RoomId;
use shared::{
    file::{FileKey, clean_name},
    room::{BodyError, MAX_TEXT},
};

use super::{
    Outgoing, fault,
    kept::{Job, Kept, Upload},
    media,
    source::Source,
};
use crate::{
    reason::Reason,
    runtime::{
        Local, lock,
        transfer::{Transfer, Way},
    },
};

impl Local {
    /// Sends a file. One that is on its way to the room already goes on, and is not sent twice.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or file, or it cannot be stored.
    pub(crate) async fn send_file(&self, room: &str, file: Outgoing) -> Result<Transfer, Reason> {
        let id = self.running_room(room)?;
        let Outgoing { path, text, reply_to, keeps_metadata, duration_ms, token } = file;
        let keeps_metadata = keeps_metadata || self.0.config.keeps_metadata;
        if text.len() > MAX_TEXT {
            return Err(BodyError::TooLong(text.len()).into());
        }
        if let Some(transfer) = self.on_its_way(id, &path) {
            return Ok(transfer);
        }
        let there = path.clone();
        let opened = tokio::task::spawn_blocking(move || Source::open(&there, keeps_metadata)).await;
        let opened = opened.unwrap_or_else(|error| Err(error.into()));
        let found = opened.map_err(|error| fault::unreadable(&path, &error))?;
        // Whoever asks for the same at the same time finds this one.
        let _one = self.0.files.beginning.lock().await;
        let before = self.on_its_way(id, &path);
        if let Some(transfer) = before.or_else(|| self.just_sent(id, &path, &found)) {
            return Ok(transfer);
        }
        let name = clean_name(&path.file_name().unwrap_or_default().to_string_lossy());
        if shared::file::Shape::of(found.size).is_none() {
            return Err(fault::too_large(&name));
        }
        if let Some(transfer) = self.is_offered(room, &name, found.source, found.size).await {
            return Ok(transfer);
        }
        let random = lock(&self.0.profile).engine.random.clone();
        let up = Upload {
            media_type: media::of(&name).to_owned(),
            path,
            stamp: found.stamp,
            size: found.size,
            name,
            keeps_metadata,
            duration_ms,
            blob: random.bytes(),
            key: FileKey::draw(&random),
            text,
            reply_to,
            token,
        };
        self.add_file(room, id, Kept::new(Job::Up(up)), None).await
    }

    /// The same file is on its way to that room: it goes on.
    fn on_its_way(&self, room: RoomId, path: &Path) -> Option<Transfer> {
        self.again(room, path, |way| matches!(way, Way::Up(_)))
    }
}
