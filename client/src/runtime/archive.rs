//! What is stored of a room: pages of it, single lines, search, drafts.

use shared::{engine::MessageId, timeline::Line};
use zeroize::Zeroizing;

use super::{Runtime, lock};
use crate::{failure::Failure, store::Query};

/// Lines that are looked through at once, so that rooms get their turn at the database between two such parts.
const PART: u32 = 1_000;

/// A line that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The room's label.
    pub room: String,
    /// The line.
    pub line: Line,
}

impl Runtime {
    /// At most `limit` stored chat lines after `seq`.
    ///
    /// # Errors
    /// [`Failure`] when there is no such room or it cannot be read.
    pub async fn history(&self, room: &str, after: u64, limit: u32) -> Result<Vec<Line>, Failure> {
        let id = self.id(room)?;
        Ok(self.0.vault.run(move |store| store.history(id, after, limit)).await?)
    }

    /// The last `limit` stored chat lines before `seq`, oldest first.
    ///
    /// # Errors
    /// [`Failure`] when there is no such room or it cannot be read.
    pub async fn history_before(&self, room: &str, seq: u64, limit: u32) -> Result<Vec<Line>, Failure> {
        let id = self.id(room)?;
        Ok(self.0.vault.run(move |store| store.history_before(id, seq, limit)).await?)
    }

    /// The stored chat line of that id.
    ///
    /// # Errors
    /// [`Failure`] when there is no such room or it cannot be read.
    pub async fn line(&self, room: &str, id: MessageId) -> Result<Option<Line>, Failure> {
        let room = self.id(room)?;
        Ok(self.0.vault.run(move |store| store.line(room, id)).await?)
    }

    /// At most `limit` stored lines that fit, newest first, of one room or of all. It takes as long as it takes to open
    /// the lines that are newer than the last hit: whoever asks as they type drops the future.
    ///
    /// # Errors
    /// [`Failure`] when there is no such room or it cannot be read.
    pub async fn search(&self, room: Option<&str>, query: &Query, limit: usize) -> Result<Vec<Hit>, Failure> {
        let rooms: Vec<(String, proto::RoomId)> = match room {
            Some(room) => vec![(room.to_owned(), self.id(room)?)],
            None => {
                lock(&self.0.rooms).iter().map(|(label, entry)| (label.clone(), entry.record.id)).collect()
            }
        };
        let mut hits = Vec::new();
        for (label, id) in rooms {
            let (mut before, mut found) = (Some(u64::MAX), 0);
            while let Some(seq) = before.filter(|_| found < limit) {
                let query = query.clone();
                let part = self.0.vault.run(move |store| store.search(id, seq, PART, &query)).await?;
                found += part.lines.len();
                hits.extend(part.lines.into_iter().map(|line| Hit { room: label.clone(), line }));
                before = part.next;
            }
        }
        hits.sort_by_key(|hit| std::cmp::Reverse((hit.line.message.at, hit.line.message.seq)));
        hits.truncate(limit);
        Ok(hits)
    }

    /// What was typed in a room and not sent.
    ///
    /// # Errors
    /// [`Failure`] when there is no such room or it cannot be read.
    pub async fn draft(&self, room: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        let id = self.id(room)?;
        Ok(self.0.vault.run(move |store| store.draft(id)).await?)
    }

    /// Keeps what was typed; nothing deletes it.
    ///
    /// # Errors
    /// [`Failure`] when there is no such room or it cannot be saved.
    pub async fn set_draft(&self, room: &str, text: &str) -> Result<(), Failure> {
        let (id, text) = (self.id(room)?, Zeroizing::new(text.to_owned()));
        Ok(self.0.vault.run(move |store| store.set_draft(id, &text)).await?)
    }
}
