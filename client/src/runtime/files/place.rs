//! Where files are that were sent or fetched, so that faces can show pictures, and tell of the others.

use std::path::Path;

use shared::file::Manifest;

use super::{
    kept::{Job, Upload},
    task::Task,
};
use crate::{
    reason::Reason,
    runtime::Local,
    store::{FileLocation, PictureKey},
};

impl Task {
    /// It was sent from there.
    pub(super) async fn remember_sent(&self, up: &Upload, manifest: &Manifest) {
        let Upload { path, stamp, .. } = up;
        let place = FileLocation { path: path.clone(), size: stamp.size, modified_ns: stamp.modified_ns };
        self.remember(PictureKey::of_file(manifest), place).await;
    }

    /// It was fetched to there.
    pub(super) async fn remember_fetched(&self, path: &Path) {
        let Job::Down(down) = &self.kept.job else { return };
        if down.is_passing && path.starts_with(self.local.output()) {
            // It goes on to somebody else, and is not there in a moment.
            return;
        }
        let (picture, path) = (PictureKey::of_file(&down.file), path.to_owned());
        let found = tokio::task::spawn_blocking(move || {
            let found = std::fs::metadata(&path).ok()?;
            Some(FileLocation::of(path, &found))
        });
        if let Ok(Some(place)) = found.await {
            self.remember(picture, place).await;
        }
    }

    async fn remember(&self, picture: PictureKey, place: FileLocation) {
        let room = self.room;
        // What cannot be stored is not shown after the next start.
        let _ = self.vault().run(move |store| store.set_place(room, picture, &place)).await;
    }
}

impl Local {
    /// Where a file is on this device; none where it was neither sent nor fetched.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room, or what is stored cannot be read.
    pub(crate) async fn file_place(
        &self,
        room: &str,
        picture: PictureKey,
    ) -> Result<Option<FileLocation>, Reason> {
        let room = self.id(room)?;
        Ok(self.0.vault.run(move |store| store.place(room, picture)).await?)
    }
}
