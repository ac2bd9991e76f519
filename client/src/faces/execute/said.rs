//! Saying something, changing what was said, and finding it again.

use shared::{
    message::timeline,
    room::{Alteration, MessageBody},
};

use super::Done;
use crate::{
    faces::{pending::Pending, quote::quoted, sanitize, words},
    failure::Failure,
    handle::Runtime,
    store::{Hit, Query},
};

/// Lines that a search shows at once: a screen.
const HITS: usize = 20;

pub(super) async fn search(runtime: &Runtime, room: &str, text: &str) -> Result<Done, Failure> {
    let hits = runtime.search(Some(room), &Query::new(text, None), HITS).await?;
    let view = runtime.view(room);
    if hits.is_empty() {
        return Ok(Done::say("Nothing that this device has holds all of these words."));
    }
    let line = |hit: Hit| {
        let message = hit.line.message;
        let name = words::who(&message.from, view.as_deref());
        format!("{} {name}: {}", words::when(message.at), sanitize::line(&words::first_words(&message)))
    };
    // As they were said.
    Ok(Done::tell(hits.into_iter().rev().map(line).collect()))
}

/// The last line of ours, or of somebody else. Whoever says something waits for it: an older one is not what is meant.
pub(super) async fn last(runtime: &Runtime, room: &str, mine: bool) -> Result<timeline::Line, Failure> {
    const FAR: u32 = 200; // further up nobody remembers which one was the last
    // Asked first: what arrives in between is in the history then.
    if mine && !runtime.queued(room).await?.is_empty() {
        return Err(Failure::usage(words::ON_ITS_WAY, "Do it again once it is sent."));
    }
    let page = runtime.history_before(room, u64::MAX, FAR).await?;
    let found = page.into_iter().rev().find(|line| line.message.mine == mine && !line.deleted);
    found.ok_or_else(|| {
        let whose = if mine { "of yours" } else { "of anybody else" };
        Failure::not_found(
            format!("There is no message {whose} here."),
            "Say something first, or wait for one.",
        )
    })
}

/// Answers the last message of somebody else with its text above.
pub(super) async fn quote(
    runtime: &Runtime,
    pending: &Pending,
    room: &str,
    text: &str,
) -> Result<Done, Failure> {
    let message = last(runtime, room, false).await?.message;
    let text = format!("{}{text}", quoted(&words::first_words(&message)));
    say(runtime, pending, room, MessageBody::Text { text, reply_to: Some(message.id), file: None }).await
}

pub(super) async fn act(
    runtime: &Runtime,
    pending: &Pending,
    room: &str,
    mine: bool,
    change: impl FnOnce(&timeline::Line) -> Alteration,
) -> Result<Done, Failure> {
    let line = last(runtime, room, mine).await?;
    say(runtime, pending, room, MessageBody::Act { target: line.message.id, change: change(&line) }).await
}

pub(super) async fn say(
    runtime: &Runtime,
    pending: &Pending,
    room: &str,
    said: MessageBody,
) -> Result<Done, Failure> {
    pending.say(runtime, room, String::new(), said).await.map(|()| Done::default())
}
