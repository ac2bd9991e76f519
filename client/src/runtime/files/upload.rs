//! One attempt to bring a file to the relay, over one connection.
//!
//! ```text
//! read ─▶ seal ─▶ keep the hashes ─▶ send ─▶ … ─▶ last part and list ─▶ whole
//! ```
//!
//! A hash is stored before its part is sent. A part that has one is sealed again only to the very same bytes; if that
//! cannot be done, the file is another one, and begins anew under another key. So it does when the relay has a part whose
//! hash is not here: then this profile was brought back from an older copy, and nobody knows what was sealed since.

use std::collections::{BTreeMap, VecDeque};

use proto::{
    blob::{Layout, PartSet},
    relay::{BlobHave, BlobOpen, BlobProof, RelayFrame, client_frame, refused::Code, relay_frame},
};
use shared::file::{
    FileCipher, HASH, Manifest, PART, PartHash, PartList, Place, SEALED_PART, SealedPart, Shape,
};

use super::{
    fault::{Fault, dishonest, local, lost_there, refused},
    kept::Upload,
    source::Source,
    task::Task,
};
use crate::{reason::Lie, transport::BlobStream};

/// Parts that are sealed and stored at once, each of 1 MiB: two such heaps are in memory, one being sealed while the other
/// one is sent.
const HEAP: u32 = 4;

/// Sealed parts, and what is left to seal with.
type Sealed = (Vec<(u32, SealedPart)>, Source);

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
        let mut hashes: BTreeMap<u32, PartHash> = stored.into_iter().collect();
        let (mut stream, proof) = self.stream(up.blob).await?;
        let mut there = self.open(&mut stream, proof, &shape).await?;
        if !there.is_known(&shape, &hashes) {
            return Err(Fault::Changed);
        }
        self.found(bytes_of(&shape, there.parts.count()), 0, lost_there).await;

        // What is there already is sealed again all the same, once: it may be another file in spite of its stamp.
        let looks = self.looks || !up.stamp.tells();
        let mut left: VecDeque<u32> = (0..shape.last()).filter(|n| looks || !there.parts.has(*n)).collect();
        let mut sealing = self.seal(up, &shape, source, &hashes, next_heap(&mut left));
        let source = loop {
            let (sealed, source) = sealing.await.map_err(|_| Fault::Lost)??;
            self.keep_hashes(&mut hashes, &sealed).await?;
            let next = next_heap(&mut left);
            let done = next.is_empty();
            // Not polled while parts are sent, and runs all the same: on a thread of its own.
            sealing = self.seal(up, &shape, source, &hashes, next);
            for (part, sealed) in sealed {
                self.send(&mut stream, &mut there, &shape, part, &sealed.bytes).await?;
            }
            if done {
                break sealing.await.map_err(|_| Fault::Lost)??.1;
            }
        };
        self.looks = false;
        let (manifest, source) =
            self.finish(up, &shape, source, &mut hashes, (&mut stream, &mut there)).await?;
        stream.finish().await;
        if !up.stamp.tells() {
            self.look(up, &shape, source, &hashes).await?;
        }
        Ok(manifest)
    }

    /// Whether all of the file is what was sent.
    async fn look(
        &self,
        up: &Upload,
        shape: &Shape,
        mut source: Source,
        hashes: &BTreeMap<u32, PartHash>,
    ) -> Result<(), Fault> {
        let mut left: VecDeque<u32> = (0..shape.parts()).collect();
        while !left.is_empty() {
            let sealed = self.seal(up, shape, source, hashes, next_heap(&mut left));
            source = sealed.await.map_err(|_| Fault::Lost)??.1;
        }
        Ok(())
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
        source: Source,
        hashes: &mut BTreeMap<u32, PartHash>,
        (stream, there): (&mut BlobStream, &mut There),
    ) -> Result<(Manifest, Source), Fault> {
        let last = shape.last();
        let (sealed, source) =
            self.seal(up, shape, source, hashes, vec![last]).await.map_err(|_| Fault::Lost)??;
        self.keep_hashes(hashes, &sealed).await?;
        let list = PartList::new(hashes.range(..shape.parts()).map(|(_, hash)| *hash).collect());
        let cipher = FileCipher::new(&up.key);
        let bytes = list.to_bytes();
        debug_assert_eq!(bytes.len(), shape.parts() as usize * HASH);
        let sealed_list = match hashes.get(&shape.parts()) {
            Some(hash) => cipher.seal_again(Place::List, &bytes, hash).ok_or(Fault::Changed)?,
            None => cipher.seal(Place::List, &bytes).map_err(|_| Fault::Changed)?,
        };
        let sealed_list = vec![(shape.parts(), sealed_list)];
        self.keep_hashes(hashes, &sealed_list).await?;
        let tail: Vec<u8> =
            sealed.into_iter().chain(sealed_list).flat_map(|(_, sealed)| sealed.bytes).collect();
        for (part, bytes) in (last..).zip(tail.chunks(SEALED_PART)) {
            if !there.parts.has(part) {
                self.send(stream, there, shape, part, bytes).await?;
            }
        }
        while !there.whole {
            let frame = self.next(stream).await?;
            there.take(frame)?;
            self.progress(shape, there.parts.count()).await;
        }
        let (preview, source) = super::preview::of(source).await.ok_or(Fault::Lost)?;
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
        Ok((manifest, source))
    }

    /// Before they are sent.
    async fn keep_hashes(
        &self,
        hashes: &mut BTreeMap<u32, PartHash>,
        sealed: &[(u32, SealedPart)],
    ) -> Result<(), Fault> {
        let new: Vec<_> = sealed.iter().map(|(part, sealed)| (*part, sealed.hash)).collect();
        let new: Vec<_> = new.into_iter().filter(|(part, _)| !hashes.contains_key(part)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let (number, stored) = (self.number, new.clone());
        self.vault().run(move |store| store.add_part_hashes(number, &stored)).await?;
        hashes.extend(new);
        Ok(())
    }

    async fn send(
        &mut self,
        stream: &mut BlobStream,
        there: &mut There,
        shape: &Shape,
        part: u32,
        bytes: &[u8],
    ) -> Result<(), Fault> {
        if there.parts.has(part) {
            return Ok(());
        }
        let told = self.meanwhile(stream.part(part, bytes)).await??;
        for frame in told {
            there.take(frame)?;
        }
        self.progress(shape, there.parts.count()).await;
        Ok(())
    }

    /// Seals parts on a thread that may block.
    fn seal(
        &self,
        up: &Upload,
        shape: &Shape,
        mut source: Source,
        hashes: &BTreeMap<u32, PartHash>,
        parts: Vec<u32>,
    ) -> tokio::task::JoinHandle<Result<Sealed, Fault>> {
        let (key, shape, path) = (up.key.clone(), *shape, up.path.clone());
        let before: Vec<_> = parts.into_iter().map(|part| (part, hashes.get(&part).copied())).collect();
        tokio::task::spawn_blocking(move || {
            let cipher = FileCipher::new(&key);
            let mut sealed = Vec::new();
            for (part, hash) in before {
                let plaintext = source.part(&shape, part).map_err(|error| match error.kind() {
                    std::io::ErrorKind::UnexpectedEof => Fault::Changed,
                    _ => local(&path, &error),
                })?;
                let place = shape.place(part).ok_or(Fault::Changed)?;
                let done = match hash {
                    Some(hash) => cipher.seal_again(place, &plaintext, &hash).ok_or(Fault::Changed)?,
                    None => cipher.seal(place, &plaintext).map_err(|_| Fault::Changed)?,
                };
                sealed.push((part, done));
            }
            Ok((sealed, source))
        })
    }

    async fn progress(&mut self, shape: &Shape, parts: u32) {
        self.moved(bytes_of(shape, parts)).await;
    }
}

impl There {
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

/// Bytes of the file that so many parts have.
fn bytes_of(shape: &Shape, parts: u32) -> u64 {
    (u64::from(parts) * PART as u64).min(shape.size())
}

/// Takes the next parts that are sealed together.
fn next_heap(left: &mut VecDeque<u32>) -> Vec<u32> {
    let heap = left.len().min(HEAP as usize);
    left.drain(..heap).collect()
}
