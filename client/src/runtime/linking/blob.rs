//! The past of the rooms as one sealed file at the linking room's relay, whole in memory: it is bounded, and goes as it came.

use std::time::Duration;

use bytes::Bytes;
use proto::{
    BlobId,
    blob::{Layout, PartSet},
    relay::{BlobGet, BlobHave, BlobOpen, BlobPart, BlobProof, RelayFrame, client_frame, relay_frame},
};
use sha2::{Digest as _, Sha256};
use shared::file::{FileCipher, FileKey, HASH, Manifest, PartList, PartPosition, SEALED_PART, Shape};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::steps::WAIT_MS;
use crate::transport::{BlobStream, StreamError};

/// Most bytes of a past that is handed over: both devices hold it in memory, sealed and not.
pub(super) const MAX_PAST: usize = 64 << 20;

/// The relay deletes it by itself after so many seconds: as long as it waits for the new device.
const KEEP_S: u64 = WAIT_MS / 1_000;

/// A relay that says nothing for so long, or takes nothing, does not hold the account up: again over another way, some times.
const SILENT: Duration = Duration::from_secs(60);

/// Why it did not come through.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BlobFault {
    /// The way is gone: again over another one.
    Lost,
    /// The relay takes no file, or has none, or not this one.
    Never,
}

impl From<StreamError> for BlobFault {
    fn from(_: StreamError) -> Self {
        Self::Lost
    }
}

async fn heard(stream: &mut BlobStream) -> Result<RelayFrame, BlobFault> {
    timeout(SILENT, stream.next()).await.map_err(|_| BlobFault::Lost)??.ok_or(BlobFault::Lost)
}

/// Seals bytes and brings them there. The name and the key are for these bytes and this attempt alone.
pub(super) async fn put(
    mut stream: BlobStream,
    proof: BlobProof,
    bytes: Zeroizing<Vec<u8>>,
    (id, key): (BlobId, FileKey),
) -> Result<Manifest, BlobFault> {
    let size = bytes.len() as u64;
    let shape = Shape::of(size).filter(|_| bytes.len() <= MAX_PAST).ok_or(BlobFault::Never)?;
    let for_sealing = key.clone();
    let sealing = tokio::task::spawn_blocking(move || sealed(&bytes, &shape, &for_sealing));
    let (sealed, list) = sealing.await.map_err(|_| BlobFault::Lost)?.ok_or(BlobFault::Never)?;
    let layout = Layout::of(shape.sealed()).map_err(|_| BlobFault::Never)?;
    let open = BlobOpen { proof: Some(proof), size: layout.size(), keep_s: KEEP_S, ..BlobOpen::default() };
    stream.begin(client_frame::Frame::BlobOpen(open)).await?;
    let frame = heard(&mut stream).await?;
    let mut is_whole = has_all(frame, layout)?;
    let sealed = Bytes::from(sealed);
    for (number, start) in (0..).zip((0..sealed.len()).step_by(SEALED_PART)) {
        let part = sealed.slice(start..sealed.len().min(start + SEALED_PART));
        let take = |frame| {
            is_whole |= has_all(frame, layout)?;
            Ok::<(), BlobFault>(())
        };
        stream.part(number, part, take).await?;
    }
    while !is_whole {
        let frame = heard(&mut stream).await?;
        is_whole = has_all(frame, layout)?;
    }
    stream.finish().await;
    let parts = list.hash(size);
    Ok(Manifest {
        id: id.0,
        key,
        size,
        name: "past".to_owned(),
        media_type: String::new(),
        parts,
        preview: Vec::new(),
        duration_ms: 0,
    })
}

/// All parts and the list behind them, as they lie at the relay.
fn sealed(bytes: &[u8], shape: &Shape, key: &FileKey) -> Option<(Vec<u8>, PartList)> {
    let cipher = FileCipher::new(key);
    let (mut sealed, mut hashes) = (Vec::new(), Vec::new());
    for part in 0..shape.parts() {
        let mut plaintext = Zeroizing::new(vec![0; shape.len(part)]);
        let start = usize::try_from(shape.offset(part)).ok()?;
        let own = bytes.get(start..)?.get(..shape.own_len(part))?;
        plaintext.get_mut(..own.len())?.copy_from_slice(own);
        let one = cipher.seal(shape.place(part)?, &plaintext).ok()?;
        hashes.push(one.hash);
        sealed.extend_from_slice(&one.bytes);
    }
    let list = PartList::new(hashes);
    sealed.extend_from_slice(&cipher.seal(PartPosition::List, &list.to_bytes()).ok()?.bytes);
    Some((sealed, list))
}

/// The relay has all of it on its disk.
fn has_all(frame: RelayFrame, layout: Layout) -> Result<bool, BlobFault> {
    match frame.frame {
        Some(relay_frame::Frame::BlobHave(BlobHave { size, parts, whole, .. })) => {
            let parts = PartSet::from_bytes(layout, &parts).map_err(|_| BlobFault::Never)?;
            (size == layout.size()).then_some(whole && parts.is_whole()).ok_or(BlobFault::Never)
        }
        Some(relay_frame::Frame::Refused(_)) => Err(BlobFault::Never),
        // Of a later version.
        _ => Ok(false),
    }
}

/// Fetches what [`put`] brought there, and holds all of it against the manifest.
pub(super) async fn get(
    mut stream: BlobStream,
    proof: BlobProof,
    manifest: Manifest,
) -> Result<Zeroizing<Vec<u8>>, BlobFault> {
    let shape = manifest.shape().filter(|shape| shape.size() <= MAX_PAST as u64).ok_or(BlobFault::Never)?;
    let layout = Layout::of(shape.sealed()).map_err(|_| BlobFault::Never)?;
    let wanted = BlobGet { proof: Some(proof), from: 0, count: layout.parts() };
    stream.begin(client_frame::Frame::BlobGet(wanted)).await?;
    let length = usize::try_from(shape.sealed()).map_err(|_| BlobFault::Never)?;
    let (mut sealed, mut next) = (Vec::new(), 0);
    while sealed.len() < length {
        match heard(&mut stream).await?.frame {
            Some(relay_frame::Frame::BlobPart(BlobPart { number, bytes })) => {
                let fits = number == next && !bytes.is_empty() && bytes.len() <= length - sealed.len();
                fits.then_some(()).ok_or(BlobFault::Never)?;
                sealed.extend_from_slice(&bytes);
                next += 1;
            }
            Some(relay_frame::Frame::Refused(_)) => return Err(BlobFault::Never),
            _ => {}
        }
    }
    stream.finish().await;
    let opening = tokio::task::spawn_blocking(move || opened(&sealed, &shape, &manifest));
    opening.await.map_err(|_| BlobFault::Lost)?.ok_or(BlobFault::Never)
}

/// The bytes that were sealed; none where one of them is another.
fn opened(sealed: &[u8], shape: &Shape, manifest: &Manifest) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = FileCipher::new(&manifest.key);
    let last = usize::try_from(shape.last()).ok()?.checked_mul(SEALED_PART)?;
    let (parts, list) = sealed.split_at_checked(last.checked_add(shape.last_sealed())?)?;
    let list = PartList::read(&cipher.open(PartPosition::List, list).ok()?, shape, &manifest.parts).ok()?;
    debug_assert_eq!(list.to_bytes().len(), shape.parts() as usize * HASH);
    let mut whole = Zeroizing::new(Vec::with_capacity(usize::try_from(shape.padded()).ok()?));
    for (number, part) in (0..).zip(parts.chunks(SEALED_PART)) {
        (list.part(number)?[..] == Sha256::digest(part)[..]).then_some(())?;
        let plaintext = cipher.open(shape.place(number)?, part).ok()?;
        (plaintext.len() == shape.len(number)).then_some(())?;
        whole.extend_from_slice(&plaintext);
    }
    whole.truncate(usize::try_from(shape.size()).ok()?);
    (whole.len() as u64 == shape.size()).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_and_named(bytes: &[u8], key: u8) -> (Vec<u8>, Shape, Manifest) {
        let (shape, key) = (Shape::of(bytes.len() as u64).unwrap(), FileKey::from_bytes([key; 32]));
        let (sealed, list) = sealed(bytes, &shape, &key).unwrap();
        let parts = list.hash(bytes.len() as u64);
        let manifest = Manifest {
            id: [1; 16],
            key,
            size: bytes.len() as u64,
            name: String::new(),
            media_type: String::new(),
            parts,
            preview: Vec::new(),
            duration_ms: 0,
        };
        (sealed, shape, manifest)
    }

    #[test]
    fn past_comes_back_and_no_byte_of_it_may_be_another() {
        for length in [1, 70_000, (2 << 20) + 5] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let (sealed, shape, manifest) = put_and_named(&bytes, 7);
            assert_eq!(sealed.len() as u64, shape.sealed());
            assert_eq!(opened(&sealed, &shape, &manifest).unwrap().as_slice(), bytes);
            for at in [0, sealed.len() / 2, sealed.len() - 1] {
                let mut spoiled = sealed.clone();
                spoiled[at] ^= 1;
                assert!(opened(&spoiled, &shape, &manifest).is_none(), "{at} of {length}");
            }
            assert!(opened(&sealed[1..], &shape, &manifest).is_none());
            // Another file under the same key is not the one that was named.
            let (other, _, _) = put_and_named(&vec![9; length], 7);
            assert!(opened(&other, &shape, &manifest).is_none());
        }
    }
}
