//! What is handed over is gathered, and its past carried: to the relay, and from there.

use std::time::Duration;

use proto::{BlobId, RoomId};
use shared::{
    file::{FileKey, Manifest},
    linking::parts,
};
use tokio::{sync::mpsc, time::timeout};
use zeroize::Zeroizing;

use super::{OPEN_S, Task};
use crate::{
    runtime::{
        LinkEnd, LinkNews,
        link::LinkState,
        linking::{
            blob::{self, BlobFault},
            gather, handed,
            record::Step,
        },
        now_ms,
    },
    transport::BlobStream,
};

/// Times that the past is carried in vain, before the rest goes without it.
const TRIES: u32 = 5;

/// The past came there, or here.
pub(super) enum Carried {
    Up(Result<Manifest, BlobFault>),
    Down(Result<Zeroizing<Vec<u8>>, BlobFault>),
}

impl Task {
    pub(super) fn gather(&mut self) {
        // The room of the linking stands for the device: each linking has its own, and one that goes on has the same.
        let whose = self.record.room().0.first_chunk().copied().unwrap_or_default();
        self.gathered = Some(gather::begin(&self.local, whose, self.record.past));
    }

    pub(super) async fn gathered(&mut self, gathered: Option<gather::Gathered>) {
        match gathered {
            Some(gather::Gathered::Some(done, of, made)) => {
                self.made(made.into_iter().map(|(room, id)| (room.0, id)).collect());
                self.show(LinkNews::Preparing { done, of }).await;
            }
            Some(gather::Gathered::All(whole)) => {
                self.gathered = None;
                self.made(whole.invites.clone());
                let has_past = whole.past.is_some();
                self.whole = Some(whole);
                if !has_past {
                    self.post(None).await;
                }
            }
            Some(gather::Gathered::Failed(failure)) => {
                self.gathered = None;
                let todo = self.record.end(LinkEnd::Failed(failure), &self.engine, now_ms());
                let _ = self.apply_and(Vec::new(), todo).await;
            }
            // Whoever gathered is gone without a word.
            None => self.gathered = None,
        }
    }

    /// These invites were made for the new device. They end with a linking of which nothing comes, and at once where that is so.
    fn made(&mut self, invites: Vec<([u8; 32], [u8; 16])>) {
        match self.record.step {
            Step::Confirmed => {
                let new = invites.into_iter().filter(|one| !self.record.invites.contains(one));
                self.record.invites.extend(new.collect::<Vec<_>>());
            }
            _ => self.local.end_invites(invites.into_iter().map(|(room, id)| (RoomId(room), id)).collect()),
        }
    }

    /// Hands all of it over; `history`: where the past is, if it is at the relay.
    async fn post(&mut self, history: Option<&Manifest>) {
        let Some(whole) = self.whole.take().filter(|_| self.record.step == Step::Confirmed) else { return };
        let gather::Whole { records, own_devices, rooms, without, invites, .. } = *whole;
        self.record.invites = invites;
        (self.record.rooms, self.record.without) = (rooms, without);
        // Whoever comes now is no stranger's. A device that is not kept rings an alarm here as well.
        let ways: Vec<_> = self.record.invites.iter().map(|(_, invite)| *invite).collect();
        let _ = self.local.0.vault.run(move |store| store.await_own_device(&ways)).await;
        let bytes = handed::written(&records, own_devices.as_ref(), history, now_ms());
        let todo = match bytes.ok().and_then(|bytes| parts(&bytes).ok()) {
            Some(parts) => self.record.post(&parts, &self.engine, now_ms()),
            None => self.record.end(LinkEnd::TooMuch, &self.engine, now_ms()),
        };
        let _ = self.apply_and(Vec::new(), todo).await;
    }

    /// Begins to carry the past, where that is what is to be done and the relay is there.
    pub(super) async fn carry(&mut self) {
        if self.carried.is_some() || self.stream.is_none() {
            return;
        }
        let has_past = self.whole.as_ref().is_some_and(|whole| whole.past.is_some());
        let is_up = has_past && self.record.step == Step::Confirmed;
        if !is_up && self.record.step != Step::Fetching {
            return;
        }
        let state = self.link.borrow().clone();
        let LinkState::Up(connection, _) = state else { return };
        let opened = timeout(Duration::from_secs(OPEN_S), BlobStream::open(&connection)).await;
        // Again over the next way.
        let Ok(Ok(stream)) = opened else { return self.hang_up(true).await };
        let (reply, carried) = mpsc::channel(1);
        let binding = stream.binding();
        if is_up {
            let (id, key) = (self.profile.random.bytes(), FileKey::draw(&self.profile.random));
            let Some(proof) = self.engine.prove_blob(BlobId(id), &binding) else {
                return self.hang_up(true).await;
            };
            let Some(bytes) = self.whole.as_ref().and_then(|whole| whole.past.clone()) else { return };
            // Whoever waits for it may have ended.
            tokio::spawn(async move {
                reply.send(Carried::Up(blob::put(stream, proof, bytes, (BlobId(id), key)).await)).await
            });
        } else {
            let handed = handed::read(self.record.parcel().bytes());
            let Some(manifest) = handed.and_then(|handed| handed.history) else { return };
            let Some(proof) = self.engine.prove_blob(BlobId(manifest.id), &binding) else {
                return self.hang_up(true).await;
            };
            tokio::spawn(async move {
                reply.send(Carried::Down(blob::get(stream, proof, *manifest).await)).await
            });
        }
        self.carried = Some(carried);
    }

    pub(super) async fn carried(&mut self, carried: Option<Carried>) {
        self.carried = None;
        self.record.tries = self.record.tries.saturating_add(1);
        let is_enough = self.record.tries >= TRIES;
        match carried {
            Some(Carried::Up(Ok(manifest))) => self.post(Some(&manifest)).await,
            // The account is worth more than its past.
            Some(Carried::Up(Err(fault))) if fault == BlobFault::Never || is_enough => {
                self.show(LinkNews::NoPast).await;
                self.post(None).await;
            }
            Some(Carried::Down(Ok(past))) => {
                let kept = self.local.0.vault.run(move |store| store.set_handed_past(Some(&past))).await;
                if kept.is_err() {
                    self.show(LinkNews::NoPast).await;
                }
                let todo = self.record.received(now_ms());
                let _ = self.apply_and(Vec::new(), todo).await;
            }
            Some(Carried::Down(Err(fault))) if fault == BlobFault::Never || is_enough => {
                self.show(LinkNews::NoPast).await;
                let todo = self.record.received(now_ms());
                let _ = self.apply_and(Vec::new(), todo).await;
            }
            // Again over the next way.
            Some(Carried::Up(Err(_)) | Carried::Down(Err(_))) | None => self.hang_up(true).await,
        }
    }
}
