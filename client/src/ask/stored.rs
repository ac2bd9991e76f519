//! What is stored of a room.

use serde::{Deserialize, Serialize};
use shared::{
    message::timeline::Line,
    room::{self as engine, MessageId},
};
use zeroize::Zeroizing;

use super::{Request, answer::page};
use crate::{
    reason::Reason,
    runtime::{FaceId, Local},
    store::{Hit, Item, Query},
};

/// At most `limit` stored chat lines after `seq`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct History {
    pub(crate) room: String,
    pub(crate) after: u64,
    pub(crate) limit: u32,
}

impl Request for History {
    type Answer = Vec<Line>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Vec<Line>, Reason> {
        local.history(&self.room, self.after, self.limit).await
    }

    fn cut(answer: Vec<Line>, most: usize) -> Vec<Line> {
        page(answer, most, false)
    }
}

/// The last `limit` stored chat lines before `seq`, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HistoryBefore {
    pub(crate) room: String,
    pub(crate) seq: u64,
    pub(crate) limit: u32,
}

impl Request for HistoryBefore {
    type Answer = Vec<Line>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Vec<Line>, Reason> {
        local.history_before(&self.room, self.seq, self.limit).await
    }

    fn cut(answer: Vec<Line>, most: usize) -> Vec<Line> {
        page(answer, most, true)
    }
}

/// What is stored of a room after `seq`, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PastAfter {
    pub(crate) room: String,
    pub(crate) seq: u64,
    pub(crate) limit: u32,
}

impl Request for PastAfter {
    type Answer = Vec<Item>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Vec<Item>, Reason> {
        local.past_after(&self.room, self.seq, self.limit).await
    }

    fn cut(answer: Vec<Item>, most: usize) -> Vec<Item> {
        page(answer, most, false)
    }
}

/// What is stored of a room before `seq`, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PastBefore {
    pub(crate) room: String,
    pub(crate) seq: u64,
    pub(crate) limit: u32,
}

impl Request for PastBefore {
    type Answer = Vec<Item>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Vec<Item>, Reason> {
        local.past_before(&self.room, self.seq, self.limit).await
    }

    fn cut(answer: Vec<Item>, most: usize) -> Vec<Item> {
        page(answer, most, true)
    }
}

/// The stored chat line of that id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LineOf {
    pub(crate) room: String,
    pub(crate) id: MessageId,
}

impl Request for LineOf {
    type Answer = Option<Line>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Option<Line>, Reason> {
        local.line(&self.room, self.id).await
    }
}

/// At most `limit` stored lines that fit, newest first, of one room or of all.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Search {
    pub(crate) room: Option<String>,
    pub(crate) query: Query,
    pub(crate) limit: u64,
}

impl Request for Search {
    type Answer = Vec<Hit>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Vec<Hit>, Reason> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        local.search(self.room.as_deref(), &self.query, limit).await
    }

    fn cut(answer: Vec<Hit>, most: usize) -> Vec<Hit> {
        page(answer, most, false)
    }
}

/// What was typed in a room and not sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Draft(pub(crate) String);

impl Request for Draft {
    type Answer = Option<String>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Option<String>, Reason> {
        Ok(local.draft(&self.0).await?.map(|draft| draft.to_string()))
    }
}

/// Keeps what was typed; nothing deletes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SetDraft {
    pub(crate) room: String,
    pub(crate) text: String,
}

impl Request for SetDraft {
    type Answer = ();

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<(), Reason> {
        local.set_draft(&self.room, &Zeroizing::new(self.text)).await
    }
}

/// Our chat lines that wait for the relay, oldest first, as events.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Queued(pub(crate) String);

impl Request for Queued {
    type Answer = Vec<engine::Event>;

    async fn answer(self, local: &Local, _: Option<FaceId>) -> Result<Vec<engine::Event>, Reason> {
        Ok(local.queued(&self.0).await)
    }
}
