//! What was under way goes on at the start of a program.

use proto::RoomId;

use super::kept::{Job, Kept};
use crate::{
    reason::Reason,
    runtime::{Local, lock},
    store::{Store, StoreError},
};

impl Local {
    /// Goes on with what was under way.
    pub(in crate::runtime) async fn resume_files(&self) -> Result<(), Reason> {
        // Of commands that were killed.
        let _ = std::fs::remove_dir_all(self.output());
        self.tidy_left_behind().await?;
        let read = |store: &mut Store| store.forget_lost_parts().and_then(|()| store.transfers());
        let kept: Vec<(RoomId, i64, Kept)> = self.0.vault.run(read).await?;
        for (room, number, mut kept) in kept {
            if kept.is_passing() {
                // It waits for the same command.
                continue;
            }
            // Nobody asked for it, and nobody wants that any more.
            let is_unwanted =
                matches!(&kept.job, Job::Down(down) if down.is_unasked && !self.0.config.fetches_images);
            if is_unwanted && let Job::Down(down) = kept.job {
                let end = move |store: &mut Store| {
                    down.remove_parts();
                    store.end_transfer(number)
                };
                self.0.vault.run(end).await?;
                continue;
            }
            let label = self.label_of(room);
            if let Some(label) = label {
                let is_new = self.renew_unsealed(number, &mut kept).await?;
                lock(&self.0.files.resumed).begin((number, room), &kept.job);
                self.start_file(&label, (room, number), kept, None, is_new);
            }
        }
        Ok(())
    }

    /// Under what nothing was sealed that is known here gets another key: in a profile that was brought back from an older copy more
    /// may have been sealed since. Whether it has.
    async fn renew_unsealed(&self, number: i64, kept: &mut Kept) -> Result<bool, StoreError> {
        let Job::Up(up) = &mut kept.job else { return Ok(false) };
        if !self.0.vault.run(move |store| store.part_hashes(number)).await?.is_empty() {
            return Ok(false);
        }
        let random = lock(&self.0.profile).engine.random.clone();
        up.begin_anew(up.stamp, up.size, &random);
        let stored = kept.clone();
        self.0.vault.run(move |store| store.set_transfer(number, &stored)).await?;
        Ok(true)
    }
}
