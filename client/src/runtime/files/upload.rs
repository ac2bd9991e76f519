//! One attempt to bring a file to the relay, over one connection.
//!
//! ```text
//! sealed ahead, hashes stored ─▶ send ─▶ … ─▶ last part and list ─▶ whole
//! ```
//!
//! A hash is stored before its part is sent. A part that has one is sealed again only to the very same bytes; if that
//! cannot be done, the file is another one, and begins anew under another key. So it does when the relay has a part whose
//! hash is not here: then this profile was brought back from an older copy, and nobody knows what was sealed since.

use std::collections::BTreeMap;

use bytes::Bytes;
use proto::{
    blob::{Layout, PartSet},
    relay::{BlobHave, BlobOpen, BlobProof, RelayFrame, client_frame, refused::Code, relay_frame},
};
use shared::file::{Manifest, PART, PartHash, SEALED_PART, Shape};
use tokio::sync::mpsc;

use super::{
    fault::{Fault, dishonest, lost_there, refused},
    kept::Upload,
    seal::{AHEAD, Heap, Sealer},
    source::Source,
    task::Task,
};
use crate::{reason::Lie, transport::BlobStream};

/// What the relay has.
struct There {
    layout: Layout,
    parts: PartSet,
    whole: bool,
}

impl Task {
    /// Brings it there. Returns what is to be said of it.
    pub(super) async fn upload(&mut self, up: &Upload, source: Source) -> Result<Manifest, Fault> {
        let too_large = || Fault::Final(super::fault::too_large(&up.name));
        let shape = Shape::of(up.size).ok_or_else(too_large)?;
        let number = self.number;
        let stored = self.vault().run(move |store| store.part_hashes(number)).await?;
        let hashes: BTreeMap<u32, PartHash> = stored.into_iter().collect();
        let (mut stream, proof) = self.stream(up.blob).await?;
        let mut there = self.open(&mut stream, proof, &shape).await?;
        self.was_whole = there.whole;
        // Nothing is there, so a fresh key costs nothing. And what was stored of this one may be from before more was sealed under it:
        // then the profile was brought back from an older copy.
        let is_bare = !self.is_new && there.parts.count() == 0;
        if is_bare || !there.is_known(&shape, &hashes) {
            return Err(Fault::Changed);
        }
        self.found(there.bytes(&shape), 0, lost_there).await;

        // What is there already is sealed again all the same, once: it may be another file in spite of its stamp.
        let looks = self.looks || !up.stamp.tells();
        let left = (0..shape.last()).filter(|part| looks || !there.parts.has(*part)).collect();
        let sealer = Sealer::new(up, shape, source, (self.vault(), number), hashes);
        let (heaps, sealed) = mpsc::channel(AHEAD);
        // Both to their ends, however it goes: nothing is stored of this attempt when the next one begins.
        let sending = self.send_all(&mut stream, &mut there, &shape, sealed);
        let (sealer, sent) = tokio::join!(sealer.run(left, heaps), sending);
        sent?;
        let sealer = sealer?;
        self.looks = false;
        let (manifest, sealer) = self.finish(up, &shape, sealer, (&mut stream, &mut there)).await?;
        stream.finish().await;
        if !up.stamp.tells() {
            sealer.look().await?;
        }
        Ok(manifest)
    }

    /// All but the end, as it is sealed.
    async fn send_all(
        &mut self,
        stream: &mut BlobStream,
        there: &mut There,
        shape: &Shape,
        mut sealed: mpsc::Receiver<Heap>,
    ) -> Result<(), Fault> {
        loop {
            let Some(heap) = self.meanwhile(sealed.recv()).await? else { return Ok(()) };
            for (part, sealed) in heap {
                self.send(stream, there, shape, part, sealed.bytes.into()).await?;
            }
        }
    }

    async fn open(
        &mut self,
        stream: &mut BlobStream,
        proof: BlobProof,
        shape: &Shape,
    ) -> Result<There, Fault> {
        let layout = Layout::of(shape.sealed()).map_err(|_| Fault::Final(super::fault::too_large("")))?;
        let open = BlobOpen { proof: Some(proof), size: layout.size(), ..BlobOpen::default() };
        stream.begin(client_frame::Frame::BlobOpen(open)).await?;
        let mut there = There { layout, parts: PartSet::none(layout), whole: false };
        let frame = self.next(stream).await?;
        there.take(frame)?;
        Ok(there)
    }

    /// The last part and the list, which the relay cuts as it likes.
    async fn finish(
        &mut self,
        up: &Upload,
        shape: &Shape,
        sealer: Sealer,
        (stream, there): (&mut BlobStream, &mut There),
    ) -> Result<(Manifest, Sealer), Fault> {
        let last = shape.last();
        let (mut sealer, sealed) = sealer.heap(vec![last]).await?;
        let (list, sealed_list) = sealer.list().await?;
        let ends = sealed.into_iter().map(|(_, sealed)| sealed).chain([sealed_list]);
        let mut tail = Bytes::from(ends.flat_map(|sealed| sealed.bytes).collect::<Vec<u8>>());
        for part in last.. {
            if tail.is_empty() {
                break;
            }
            let bytes = tail.split_to(SEALED_PART.min(tail.len()));
            self.send(stream, there, shape, part, bytes).await?;
        }
        while !there.whole {
            let frame = self.next(stream).await?;
            there.take(frame)?;
            self.progress(shape, there).await;
        }
        let (preview, sealer) = sealer.preview().await.ok_or(Fault::Lost)?;
        let manifest = Manifest {
            id: up.blob,
            key: up.key.clone(),
            size: up.size,
            name: up.name.clone(),
            media_type: up.media_type.clone(),
            parts: list.hash(up.size),
            preview,
            duration_ms: up.duration_ms,
        };
        self.remember_sent(up, &manifest).await;
        Ok((manifest, sealer))
    }

    async fn send(
        &mut self,
        stream: &mut BlobStream,
        there: &mut There,
        shape: &Shape,
        part: u32,
        bytes: Bytes,
    ) -> Result<(), Fault> {
        if there.parts.has(part) {
            return Ok(());
        }
        // Each as it comes: a relay that tells much and takes nothing fills no memory.
        self.meanwhile(stream.part(part, bytes, |frame| there.take(frame))).await??;
        self.progress(shape, there).await;
        Ok(())
    }

    async fn progress(&mut self, shape: &Shape, there: &There) {
        self.moved(there.bytes(shape)).await;
    }
}

impl There {
    /// Bytes of the file that are there; not all, while any part is missing, and were it that of the list.
    fn bytes(&self, shape: &Shape) -> u64 {
        let most = if self.whole { shape.size() } else { shape.size().saturating_sub(1) };
        (u64::from(self.parts.count()) * PART as u64).min(most)
    }

    /// Of every part that the relay has, what was sealed is known here. It cuts the last part and the list as it likes.
    fn is_known(&self, shape: &Shape, hashes: &BTreeMap<u32, PartHash>) -> bool {
        let has_end = hashes.contains_key(&shape.last()) && hashes.contains_key(&shape.parts());
        let is_known = |part: u32| if part < shape.last() { hashes.contains_key(&part) } else { has_end };
        (0..self.layout.parts()).filter(|part| self.parts.has(*part)).all(is_known)
    }

    /// What the relay says of it.
    fn take(&mut self, frame: RelayFrame) -> Result<(), Fault> {
        match frame.frame {
            Some(relay_frame::Frame::BlobHave(BlobHave { size, parts, whole, .. })) => {
                let lie = |_| Fault::Final(dishonest(Lie::ForeignPart));
                if size != self.layout.size() {
                    return Err(Fault::Final(dishonest(Lie::OtherSize)));
                }
                self.parts = PartSet::from_bytes(self.layout, &parts).map_err(lie)?;
                self.whole = whole && self.parts.is_whole();
                Ok(())
            }
            Some(relay_frame::Frame::Refused(no)) => Err(match no.code() {
                // Begun with a key that this device has no more, or it is not ours: under another name, then.
                Code::Conflict => Fault::Changed,
                // Dropped on the way: from the beginning, with the same parts.
                Code::NoBlob => Fault::Lost,
                _ => refused(&no),
            }),
            // Of a later version.
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_not_told_as_whole_before_its_list_is_there() {
        // All of its parts are full, so the list lies alone.
        let shape = Shape::of(8 << 20).unwrap();
        let layout = Layout::of(shape.sealed()).unwrap();
        let mut there = There { layout, parts: PartSet::none(layout), whole: false };
        assert_eq!((there.bytes(&shape), layout.parts()), (0, 9));
        for part in 0..8 {
            there.parts.add(part);
        }
        assert_eq!(there.bytes(&shape), (8 << 20) - 1);
        there.parts.add(8);
        there.whole = true;
        assert_eq!(there.bytes(&shape), 8 << 20);
    }
}
