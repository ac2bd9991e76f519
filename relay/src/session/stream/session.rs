//! A joined stream: two loops, one per direction, that share nothing but a bounded queue of answers.

use bytes::Bytes;
use proto::{
    access::Standing,
    relay::{Frozen, Joined, refused::Code, relay_frame::Frame},
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

use super::{
    downstream::Downstream, end::StreamEnd, input::Input, join::Admitted, output::Output, upstream::Upstream,
};
use crate::{
    log::ReadPermit,
    policy::limits::{ANSWER_QUEUE, LAST_FRAME_TIME},
    session::{peer::Peer, router::Session, shared::Shared},
};

/// Serves a joined stream to its end.
pub(super) async fn run(peer: &Peer, admitted: Box<Admitted>, input: &mut Input, output: &mut Output) {
    let Admitted { session, view, after, is_room_unknown, wants_access, mut superseded } = *admitted;
    let _registered = Registered::new(&peer.shared, session);
    output.enter(session.room);
    let mut stopping = peer.shared.stopping.subscribe();
    let (answers, waiting) = mpsc::channel(ANSWER_QUEUE);
    // What is older than the log's oldest entry cannot be had; `Joined.oldest` says so.
    let cursor = after.max(view.oldest.saturating_sub(1));
    let (reads, permit) = (view.is_member(), ReadPermit::new(session.key));
    let frozen_ms = view.frozen_ms();
    let mut down = Downstream::new(peer, session, (reads, frozen_ms), cursor, &permit, waiting);
    let tail = down.tail();

    let work = async {
        let (suspended_by, suspended_step) = match view.standing {
            Some(Standing::Barred { by, step }) => (by, Bytes::copy_from_slice(&step.0)),
            _ => (0, Bytes::new()),
        };
        let barring = view.barring.unwrap_or_default();
        let joined = Joined {
            head: view.head,
            oldest: view.oldest,
            last_commit: view.last_commit,
            slot: None,
            now_ms: peer.shared.clock.now_ms(),
            generation: view.generation.to_vec().into(),
            room_id: if is_room_unknown { session.room.0.to_vec().into() } else { Bytes::new() },
            card: view.card,
            suspended_by,
            suspended_step,
            suspended_key: barring.key,
            suspended_with: barring.removed,
            confirmed: view.confirmed,
            access: Bytes::new(),
            frozen: view.frozen.map(|notice| Frozen { words: notice.reason.into() }),
        };
        match session.member {
            // Apart, as all that happens once or seldom in the life of a stream: its room is not kept.
            true if reads && wants_access => Box::pin(down.join_with_access(output, joined)).await?,
            true => output.frame(Frame::Joined(joined)).await?,
            false => Box::pin(down.join_guest(output, joined)).await?,
        }
        let signals = reads && frozen_ms == 0;
        let up = Upstream { peer, session, signals, permit: &permit, tail, answers }.run(input);
        let down = down.run(output);
        tokio::pin!(down);
        tokio::select! {
            end = &mut down => end,
            end = up => {
                // The client said its last word. It still gets the answers to what it said before.
                let _ = down.await;
                end
            }
        }
    };
    let end: Result<(), StreamEnd> = tokio::select! {
        biased;
        () = self::superseded(&mut superseded) => Err(StreamEnd::of(Code::Superseded)),
        _ = stopping.wait_for(|stopping| *stopping) => Err(StreamEnd::of(Code::ShuttingDown)),
        end = work => end,
    };

    let end = end.err().unwrap_or_else(StreamEnd::done);
    if !output.is_torn() {
        // What is on its way to the disk is acknowledged before the end.
        let _ = timeout(LAST_FRAME_TIME, down.flush(output)).await;
    }
    input.stop(end.code);
    output.end(end).await;
}

/// Resolves when the flag is set. A guest's session has no flag: nobody supersedes it.
async fn superseded(flag: &mut watch::Receiver<bool>) {
    if flag.wait_for(|set| *set).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Ends the session however the stream ends.
struct Registered<'a> {
    shared: &'a Shared,
    session: Session,
}

impl<'a> Registered<'a> {
    fn new(shared: &'a Shared, session: Session) -> Self {
        shared.metrics.streams.inc();
        Self { shared, session }
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.shared.metrics.streams.dec();
        self.shared.router().leave(&self.session);
    }
}
