//! A member of the room that a file is in, and whether it still is one.

use proto::{
    access::{Ed25519, Verify},
    blob::{Proof, blob_statement},
    relay::refused::Code,
};

use super::super::end::StreamEnd;
use crate::{
    log::{Author, Feed, Next, ReadPermit, Unavailable, View},
    session::{peer::Peer, router::Refusal},
};

/// Whoever has proved a member's key.
pub(super) struct Member<'a> {
    peer: &'a Peer,
    proof: Proof,
    feed: Feed,
    permit: ReadPermit,
}

impl<'a> Member<'a> {
    /// Looks the key up as a Join does: no room, another's room and a bad signature get the same answer after the same work.
    pub(super) async fn admit(peer: &'a Peer, proof: &Proof) -> Result<Self, StreamEnd> {
        let statement = blob_statement(&proof.room, &proof.blob, &peer.binding);
        let is_genuine = Ed25519.verify(&proof.key, &statement, &proof.signature);
        let log = &peer.shared.log;
        let view = log.view(author(peer, proof)).await.map_err(later)?;
        if !(is_genuine && view.as_ref().is_some_and(View::is_member)) {
            return Err(refusal(peer, proof, is_genuine).await);
        }
        let (feed, permit) = (log.follow(proof.room), ReadPermit::new(proof.key));
        Ok(Self { peer, proof: proof.clone(), feed, permit })
    }

    /// What was proved.
    pub(super) fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Whether it may still read, or write. Costs nothing while nobody has lost anything.
    pub(super) async fn check(&mut self, writes: bool) -> Result<(), StreamEnd> {
        // Nothing is read of the log here.
        match self.feed.next(u64::MAX, &self.permit) {
            Next::Ended => return Err(refusal(self.peer, &self.proof, true).await),
            Next::Nothing | Next::Frames(_) => return Ok(()),
            Next::Behind => {}
        }
        // Asked before the database is: what changes meanwhile is a newer one.
        let generation = self.feed.generation();
        let view = self.peer.shared.log.view(author(self.peer, &self.proof)).await.map_err(later)?;
        let Some(view) = view.filter(View::is_member) else {
            return Err(refusal(self.peer, &self.proof, true).await);
        };
        match view.frozen {
            Some(notice) if writes => Err(Refusal::by_operator(Code::Frozen, notice.reason).into()),
            _ => {
                self.permit.found(generation);
                Ok(())
            }
        }
    }

    /// Returns when there is something new in the room, which may be that the key has lost its access. Cancel-safe.
    pub(super) async fn changed(&mut self) {
        self.feed.changed().await;
    }
}

fn author(peer: &Peer, proof: &Proof) -> Author {
    Author { room: proof.room, key: proof.key, now_ms: peer.shared.clock.now_ms() }
}

/// There are no keys any more in a dropped room that could tell a member from others: whoever knows the id may know.
async fn refusal(peer: &Peer, proof: &Proof, is_genuine: bool) -> StreamEnd {
    match peer.shared.log.dropped(proof.room).await {
        Ok(Some(reason)) if is_genuine => Refusal::by_operator(Code::Dropped, reason).into(),
        Ok(_) => StreamEnd::of(Code::NotAllowed),
        Err(error) => later(error),
    }
}

/// A disk that cannot be read now may be read soon.
fn later(_: Unavailable) -> StreamEnd {
    StreamEnd::of(Code::ShuttingDown)
}
