//! Requests of faces, carried out.

use serde::Serialize;
use shared::invite::link::{InviteLink, RelayLink};
use zeroize::Zeroizing;

use super::{MAX_DOWN, MAX_PAGE, frame, wire::Request};
use crate::{
    failure::{Exit, Failure},
    runtime::{FaceId, Local},
};

/// Does what a face asks for. The answer is a `Result`, as the method of the runtime gives it.
pub(super) async fn answer(local: &Local, face: FaceId, request: Request) -> Vec<u8> {
    match request {
        Request::Tell(room, command) => pack(&local.tell_as(Some(face), &room, face.mark(command)).await),
        Request::Rename(name) => pack(&local.rename(&name).await),
        Request::Describe(status, glyph) => pack(&local.describe(&status, &glyph).await),
        Request::Ack(room, cursor, seq) => pack(&local.ack_at(&room, &cursor, seq).await),
        Request::Acked(room, cursor) => pack(&local.acked(&room, &cursor).await),
        Request::Seen(notice) => pack(&local.seen(notice).await),
        Request::Join(link) => pack(&match invite(link) {
            Ok(link) => local.join(&link).await,
            Err(failure) => Err(failure),
        }),
        Request::Open(name, relay) => pack(&local.open(&name, relay)),
        Request::Create(name, relay, policy) => pack(&local.create(&name, relay, policy)),
        Request::UseRelay(link) => pack(&use_relay(local, link).await),
        Request::LastRelay(relay) => pack(&local.remember_relay(&relay).await),
        Request::Mute(room, is_muted) => pack(&local.mute(&room, is_muted).await),
        Request::Pin(room, is_pinned) => pack(&local.pin(&room, is_pinned).await),
        Request::People => pack(&Ok(local.people())),
        Request::Person(who) => pack(&Ok(local.person(&who))),
        Request::Mark(person, is_verified) => pack(&local.mark(&person, is_verified).await),
        Request::History(room, after, limit) => {
            pack(&local.history(&room, after, limit).await.map(|lines| page(lines, false)))
        }
        Request::HistoryBefore(room, seq, limit) => {
            pack(&local.history_before(&room, seq, limit).await.map(|lines| page(lines, true)))
        }
        Request::PastAfter(room, after, limit) => {
            pack(&local.past_after(&room, after, limit).await.map(|items| page(items, false)))
        }
        Request::PastBefore(room, seq, limit) => {
            pack(&local.past_before(&room, seq, limit).await.map(|items| page(items, true)))
        }
        Request::Line(room, id) => pack(&local.line(&room, id).await),
        Request::Search(room, query, limit) => {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            pack(&local.search(room.as_deref(), &query, limit).await.map(|hits| page(hits, false)))
        }
        Request::Draft(room) => {
            pack(&local.draft(&room).await.map(|draft| draft.map(|draft| draft.to_string())))
        }
        Request::SetDraft(room, text) => pack(&local.set_draft(&room, &Zeroizing::new(text)).await),
        Request::Queued(room) => pack(&Ok(local.queued(&room).await)),
    }
}

fn invite(link: String) -> Result<InviteLink, Failure> {
    let link = Zeroizing::new(link);
    link.parse().map_err(|error: shared::invite::link::LinkError| {
        Failure::new(Exit::Verification, "link", error.to_string(), "Ask for a new link.")
    })
}

/// Whether another pin was remembered before.
async fn use_relay(local: &Local, link: String) -> Result<bool, Failure> {
    let link: RelayLink =
        Zeroizing::new(link).parse().map_err(|error: shared::invite::link::LinkError| {
            Failure::new(Exit::Verification, "link", error.to_string(), "Ask for a new link.")
        })?;
    Ok(local.use_relay(&link).await?.replaced)
}

/// As much of a page as fits into a frame, and one line at least. `from_end`: the last ones are kept.
fn page<T: Serialize>(mut lines: Vec<T>, from_end: bool) -> Vec<T> {
    if from_end {
        lines.reverse();
    }
    let mut left = MAX_PAGE;
    let fits = lines.iter().take_while(|line| {
        let size = frame::size(line).unwrap_or(usize::MAX);
        let fits = left > 0;
        left = left.saturating_sub(size);
        fits
    });
    let count = fits.count();
    lines.truncate(count);
    if from_end {
        lines.reverse();
    }
    lines
}

fn pack<T: Serialize>(done: &Result<T, Failure>) -> Vec<u8> {
    let whole = postcard::to_extend(done, Vec::new()).ok();
    whole.filter(|bytes| bytes.len() < MAX_DOWN - 64).unwrap_or_else(|| {
        let failure = Failure::new(Exit::Local, "too_long", "The answer is too long.", "Ask for less.");
        postcard::to_extend(&Err::<(), _>(failure), Vec::new()).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_over_the_cap_is_cut_at_the_end_that_can_be_asked_for_again() {
        let lines: Vec<String> = (0..5).map(|n| n.to_string().repeat(MAX_PAGE / 2)).collect();
        assert_eq!(page(lines.clone(), false), lines[..2]);
        assert_eq!(page(lines.clone(), true), lines[3..]);
        let one = vec!["x".repeat(MAX_PAGE + 1)];
        assert_eq!(page(one.clone(), false), one);
    }
}
