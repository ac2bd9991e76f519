//! What is stored of a room: pages of it, single lines, search, drafts.

use shared::{message::timeline::Line, room::MessageId};
use zeroize::Zeroizing;

use super::{Local, lock};
use crate::{
    reason::Reason,
    store::{Hit, Item, Mark, Query, Search, Typed},
};

impl Local {
    /// At most `limit` stored chat lines after `seq`.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub(crate) async fn history(&self, room: &str, after: u64, limit: u32) -> Result<Vec<Line>, Reason> {
        let id = self.id(room)?;
        Ok(self.0.vault.run(move |store| store.history(id, after, limit)).await?)
    }

    /// The last `limit` stored chat lines before `seq`, oldest first.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub(crate) async fn history_before(&self, room: &str, seq: u64, limit: u32) -> Result<Vec<Line>, Reason> {
        let id = self.id(room)?;
        Ok(self.0.vault.run(move |store| store.history_before(id, seq, limit)).await?)
    }

    /// What is stored of a room before `seq`, oldest first: see [`crate::store::Store::past_before`].
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub(crate) async fn past_before(&self, room: &str, seq: u64, limit: u32) -> Result<Vec<Item>, Reason> {
        let id = self.id(room)?;
        Ok(self.0.vault.run(move |store| store.past_before(id, seq, limit)).await?)
    }

    /// What is stored of a room after `seq`, oldest first: see [`crate::store::Store::past_after`].
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub(crate) async fn past_after(&self, room: &str, seq: u64, limit: u32) -> Result<Vec<Item>, Reason> {
        let id = self.id(room)?;
        Ok(self.0.vault.run(move |store| store.past_after(id, seq, limit)).await?)
    }

    /// The stored chat line of that id.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub(crate) async fn line(&self, room: &str, id: MessageId) -> Result<Option<Line>, Reason> {
        let room = self.id(room)?;
        Ok(self.0.vault.run(move |store| store.line(room, id)).await?)
    }

    /// At most `limit` stored lines that fit, newest first, of one room or of all. It takes as long as it takes to open
    /// the lines that are newer than the last hit: whoever asks as they type drops the future.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub(crate) async fn search(
        &self,
        room: Option<&str>,
        query: &Query,
        limit: usize,
    ) -> Result<Vec<Hit>, Reason> {
        let rooms: Vec<_> = match room {
            Some(room) => vec![(self.id(room)?, room.to_owned())],
            None => {
                let rooms = lock(&self.0.rooms);
                rooms.iter().map(|(label, entry)| (entry.record.id, label.clone())).collect()
            }
        };
        let mut search = Search::new(query.clone(), rooms, limit);
        while !search.is_done() {
            search = self.0.vault.run(move |store| store.search(search)).await?;
        }
        Ok(search.hits())
    }

    /// What was typed in a room and not sent.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub(crate) async fn draft(&self, room: &str) -> Result<Option<Zeroizing<String>>, Reason> {
        let id = self.id(room)?;
        Ok(self.0.vault.run(move |store| store.draft(id)).await?)
    }

    /// Keeps what was typed; nothing deletes it.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be saved.
    pub(crate) async fn set_draft(&self, room: &str, text: &str) -> Result<(), Reason> {
        let (id, typed) = (self.id(room)?, Zeroizing::new(text.to_owned()));
        let told = Typed::new(text).filter(|_| self.0.config.tells_drafts);
        self.done_here(told.map(|typed| Mark::Draft(id, typed)), move |store| store.set_draft(id, &typed))
            .await
    }
}
