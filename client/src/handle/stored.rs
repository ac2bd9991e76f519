//! What is stored of a room, wherever that is.

use shared::{
    message::timeline::Line,
    room::{self as engine, MessageId},
};
use zeroize::Zeroizing;

use super::Runtime;
use crate::{
    ask,
    reason::Reason,
    store::{Hit, Item, Query},
};

impl Runtime {
    /// At most `limit` stored chat lines after `seq`. Of very long ones a daemon gives fewer.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub async fn history(&self, room: &str, after: u64, limit: u32) -> Result<Vec<Line>, Reason> {
        self.ask(ask::History { room: room.to_owned(), after, limit }).await
    }

    /// The last `limit` stored chat lines before `seq`, oldest first. Of very long ones a daemon gives fewer.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub async fn history_before(&self, room: &str, seq: u64, limit: u32) -> Result<Vec<Line>, Reason> {
        self.ask(ask::HistoryBefore { room: room.to_owned(), seq, limit }).await
    }

    /// What is stored of a room before `seq`, oldest first: see [`crate::store::Store::past_before`].
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub async fn past_before(&self, room: &str, seq: u64, limit: u32) -> Result<Vec<Item>, Reason> {
        self.ask(ask::PastBefore { room: room.to_owned(), seq, limit }).await
    }

    /// What is stored of a room after `seq`, oldest first: see [`crate::store::Store::past_after`].
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub async fn past_after(&self, room: &str, seq: u64, limit: u32) -> Result<Vec<Item>, Reason> {
        self.ask(ask::PastAfter { room: room.to_owned(), seq, limit }).await
    }

    /// The stored chat line of that id.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub async fn line(&self, room: &str, id: MessageId) -> Result<Option<Line>, Reason> {
        self.ask(ask::LineOf { room: room.to_owned(), id }).await
    }

    /// Our chat lines that wait for the relay, oldest first, as events.
    ///
    /// # Errors
    /// [`Reason`] when a daemon does not answer.
    pub async fn queued(&self, room: &str) -> Result<Vec<engine::Event>, Reason> {
        self.ask(ask::Queued(room.to_owned())).await
    }

    /// At most `limit` stored lines that fit, newest first, of one room or of all. It takes as long as it takes to open
    /// the lines that are newer than the last hit: whoever asks as they type drops the future.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub async fn search(&self, room: Option<&str>, query: &Query, limit: usize) -> Result<Vec<Hit>, Reason> {
        let (room, query) = (room.map(str::to_owned), query.clone());
        self.ask(ask::Search { room, query, limit: limit as u64 }).await
    }

    /// What was typed in a room and not sent.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be read.
    pub async fn draft(&self, room: &str) -> Result<Option<Zeroizing<String>>, Reason> {
        Ok(self.ask(ask::Draft(room.to_owned())).await?.map(Zeroizing::new))
    }

    /// Keeps what was typed; nothing deletes it.
    ///
    /// # Errors
    /// [`Reason`] when there is no such room or it cannot be saved.
    pub async fn set_draft(&self, room: &str, text: &str) -> Result<(), Reason> {
        self.ask(ask::SetDraft { room: room.to_owned(), text: text.to_owned() }).await
    }
}
