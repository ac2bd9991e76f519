//! Sealing ahead: while parts are sent, the next ones are sealed and their hashes stored.
//!
//! ```text
//! read ─▶ seal ─▶ store the hashes ─▶ one heap that waits ─▶ send
//! ```
//!
//! A part leaves here only when its hash is stored: whatever crashes then, it is never sealed to anything else.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    path::PathBuf,
};

use shared::file::{FileCipher, PartHash, PartList, PartPosition, SealedPart, Shape};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::{
    fault::{Fault, local},
    kept::Upload,
    source::Source,
};
use crate::store::Vault;

/// Parts that are sealed and stored at once, each of 1 MiB. Three such heaps are in memory: one is sealed, one waits, one is sent.
const HEAP: usize = 4;

/// Heaps that wait to be sent.
pub(super) const AHEAD: usize = 1;

/// Some parts, sealed, whose hashes are stored.
pub(super) type Heap = Vec<(u32, SealedPart)>;

/// Seals one file.
pub(super) struct Sealer {
    press: Press,
    /// Where the hashes are stored, and for which transfer.
    vault: Vault,
    number: i64,
}

/// What is on a thread that may block. It does not hold on to the profile: nobody can stop such a thread.
struct Press {
    source: Source,
    cipher: FileCipher,
    shape: Shape,
    path: PathBuf,
    /// Those that are stored.
    hashes: BTreeMap<u32, PartHash>,
    /// The part that is read.
    plaintext: Zeroizing<Vec<u8>>,
}

impl Sealer {
    /// With the hashes that are stored of it.
    pub(super) fn new(
        up: &Upload,
        shape: Shape,
        source: Source,
        (vault, number): (Vault, i64),
        hashes: BTreeMap<u32, PartHash>,
    ) -> Self {
        let (cipher, path) = (FileCipher::new(&up.key), up.path.clone());
        let press = Press { source, cipher, shape, path, hashes, plaintext: Zeroizing::default() };
        Self { press, vault, number }
    }

    /// Seals these parts, and hands them over until nobody takes them.
    pub(super) async fn run(mut self, parts: Vec<u32>, heaps: mpsc::Sender<Heap>) -> Result<Self, Fault> {
        let mut left = VecDeque::from(parts);
        while !left.is_empty() {
            let heap;
            (self, heap) = self.heap(next(&mut left)).await?;
            if heaps.send(heap).await.is_err() {
                break;
            }
        }
        Ok(self)
    }

    /// Whether all of the file is what was sealed.
    pub(super) async fn look(mut self) -> Result<Self, Fault> {
        let mut left: VecDeque<u32> = (0..self.press.shape.parts()).collect();
        while !left.is_empty() {
            self = self.sealed(next(&mut left)).await?.0;
        }
        Ok(self)
    }

    /// Seals some parts, and stores their hashes.
    pub(super) async fn heap(self, parts: Vec<u32>) -> Result<(Self, Heap), Fault> {
        let (mut sealer, heap) = self.sealed(parts).await?;
        sealer.keep(&heap).await?;
        Ok((sealer, heap))
    }

    /// Seals the list of all parts, when all of these are sealed, and stores its hash.
    pub(super) async fn list(&mut self) -> Result<(PartList, SealedPart), Fault> {
        let Press { shape, cipher, hashes, .. } = &self.press;
        let parts = shape.parts();
        let list = PartList::new(hashes.range(..parts).map(|(_, hash)| *hash).collect());
        if list.len() != parts {
            return Err(Fault::Changed);
        }
        let sealed = one(cipher, PartPosition::List, &list.to_bytes(), hashes.get(&parts))?;
        let heap = vec![(parts, sealed)];
        self.keep(&heap).await?;
        let sealed = heap.into_iter().next().ok_or(Fault::Changed)?;
        Ok((list, sealed.1))
    }

    /// The small picture that goes along, made of what is sealed.
    pub(super) async fn preview(self) -> Option<(Vec<u8>, Self)> {
        let (preview, source) = super::preview::of(self.press.source).await?;
        let press = Press { source, ..self.press };
        Some((preview, Self { press, ..self }))
    }

    /// On a thread that may block.
    async fn sealed(self, parts: Vec<u32>) -> Result<(Self, Heap), Fault> {
        let Self { press, vault, number } = self;
        let work = tokio::task::spawn_blocking(move || press.seal_all(parts));
        let (press, heap) = work.await.map_err(|_| Fault::Lost)??;
        Ok((Self { press, vault, number }, heap))
    }

    /// Before they are given out.
    async fn keep(&mut self, sealed: &Heap) -> Result<(), Fault> {
        let new = sealed.iter().map(|(part, sealed)| (*part, sealed.hash));
        let new: Vec<_> = new.filter(|(part, _)| !self.press.hashes.contains_key(part)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let (number, stored) = (self.number, new.clone());
        if !self.vault.run(move |store| store.add_part_hashes(number, &stored)).await? {
            // The transfer is gone, and the next attempt sees that.
            return Err(Fault::Lost);
        }
        self.press.hashes.extend(new);
        Ok(())
    }
}

impl Press {
    fn seal_all(mut self, parts: Vec<u32>) -> Result<(Self, Heap), Fault> {
        let heap =
            parts.into_iter().map(|part| Ok((part, self.seal(part)?))).collect::<Result<Heap, Fault>>()?;
        Ok((self, heap))
    }

    fn seal(&mut self, part: u32) -> Result<SealedPart, Fault> {
        let read = self.source.part(&self.shape, part, &mut self.plaintext);
        read.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Fault::Changed,
            _ => local(&self.path, &error),
        })?;
        let place = self.shape.place(part).ok_or(Fault::Changed)?;
        one(&self.cipher, place, &self.plaintext, self.hashes.get(&part))
    }
}

/// A part that was sealed before is sealed to the same bytes, or the file is another one.
fn one(
    cipher: &FileCipher,
    place: PartPosition,
    plaintext: &[u8],
    before: Option<&PartHash>,
) -> Result<SealedPart, Fault> {
    match before {
        Some(hash) => cipher.seal_again(place, plaintext, hash).ok_or(Fault::Changed),
        None => cipher.seal(place, plaintext).map_err(|_| Fault::Changed),
    }
}

/// Takes the next parts that are sealed together.
fn next(left: &mut VecDeque<u32>) -> Vec<u32> {
    let heap = left.len().min(HEAP);
    left.drain(..heap).collect()
}
