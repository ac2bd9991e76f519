//! One attempt to fetch a file from the relay, over one connection.
//!
//! ```text
//! tail: the list of parts, and the last of them unless it is full ─▶ the manifest's hash ─▶ what is here already ─▶ the rest, part by part ─▶ its name, stored first
//! ```
//!
//! A part is written only when it is the one that the list names, and the list is the one that the sender named. The next part is
//! taken when the one before is written, so that a program that is killed has lost one; what comes meanwhile waits in the
//! transport, which has room for nearly one more. The tail is kept with the parts, and comes once.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use proto::{
    blob::PART as RELAY_PART,
    relay::{BlobGet, BlobPart, RelayFrame, client_frame, refused::Code, relay_frame},
};
use sha2::{Digest as _, Sha256};
use shared::file::{FileCipher, HASH, Manifest, PART, PartList, PartPosition, SEALED_PART, Shape};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::{
    fault::{Fault, dishonest, false_file, local, lost_here, refused},
    hold::Held,
    kept::{Download, Job},
    source::Source,
    tail::Tail,
    target::{Target, Whole, free_name},
    task::{SILENT, Task},
};
use crate::{
    reason::{Forgery, Lie},
    runtime::raster::Raster,
    transport::BlobStream,
};

/// Takes parts to the disk.
struct Writer {
    target: Target,
    /// Nobody else writes there, for as long as this may.
    held: Option<Arc<Held>>,
    place: PathBuf,
    cipher: FileCipher,
    shape: Shape,
    tail: Tail,
    /// The part that is written.
    plaintext: Zeroizing<Vec<u8>>,
}

impl Task {
    /// Fetches it. Returns where it is.
    pub(super) async fn download(&mut self, down: &Download) -> Result<PathBuf, Fault> {
        let Manifest { key, parts, .. } = &down.file;
        let shape = down.file.shape().ok_or_else(|| Fault::last(super::fault::too_large(&down.file.name)))?;
        let cipher = FileCipher::new(key);
        if let Some(name) = self.is_through(down).await? {
            return Ok(name);
        }
        let (place, parts) = (down.target.clone(), *parts);
        let has_begun = down.has_begun;
        let work = move || match has_begun.then(|| Tail::kept(&place, &cipher, &shape, &parts)).transpose() {
            Ok(kept) => Ok((cipher, kept.flatten())),
            Err(error) => Err(local(&place, &error)),
        };
        let (cipher, kept) = blocking(work).await??;
        let is_kept = kept.is_some();
        let tail = match kept {
            Some(tail) => tail,
            None => self.tail(down, &shape, &cipher).await?,
        };
        // Small enough to be whole in its last part.
        if down.is_unasked && !tail.last.as_ref().is_some_and(|last| is_picture(&down.file.name, last)) {
            return Err(Fault::last(false_file(Forgery::Picture)));
        }
        if !has_begun {
            self.begin(down).await?;
        }
        let (place, held) = (down.target.clone(), self.held.clone());
        let work = move || Writer::begin((place, held), &parts, cipher, shape, tail, is_kept);
        let (mut writer, whole) = blocking(work).await??;
        let done = (u64::from(whole) * PART as u64).min(shape.size());
        // What was told of is written.
        self.found(done, 0, lost_here).await;
        if whole < Tail::first(&shape) {
            writer = self.fetch(down, &shape, whole, writer).await?;
        }
        let whole = blocking(move || writer.finish()).await??;
        self.name(down, whole).await
    }

    /// It has its name already, as it is: the program was killed before it could write that down.
    async fn is_through(&mut self, down: &Download) -> Result<Option<PathBuf>, Fault> {
        let Some(name) = down.named.clone() else { return Ok(None) };
        let (place, file) = (down.target.clone(), down.file.clone());
        let work = move || {
            let mut found = Source::open(&name, true).ok()?;
            let is_it = found.source.is_offered_as(&file, found.size).unwrap_or(false);
            is_it.then(|| Target::remove(&place, &file.parts)).map(|()| name)
        };
        blocking(work).await
    }

    /// Gives it the first name that is free. Returns where it is.
    async fn name(&mut self, down: &Download, whole: Whole) -> Result<PathBuf, Fault> {
        let (place, is_exact, parts) = (&down.target, down.is_exact, down.file.parts);
        let mut from = 0;
        loop {
            let asked = place.clone();
            let free = blocking(move || free_name(&asked, is_exact, from)).await?;
            let (number, name) = free.ok_or_else(|| Fault::last(super::fault::name_taken(place)))?;
            // Before it has it: else whoever is killed then fetches all of it once more.
            self.is_named(&name).await;
            let (whole, asked, target) = (whole.clone(), name.clone(), place.clone());
            let taken = move || whole.take(&asked).inspect(|()| Tail::remove(&target, &parts));
            match blocking(taken).await? {
                Ok(()) => return Ok(name),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => from = number + 1,
                Err(error) => return Err(local(place, &error)),
            }
        }
    }

    /// It is about to get this name.
    async fn is_named(&mut self, name: &Path) {
        if let Job::Down(down) = &mut self.kept.job {
            down.named = Some(name.to_owned());
        }
        self.store().await;
    }

    /// All of a file that has one part, filled up.
    pub(super) async fn only_part(&mut self, down: &Download) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let wrong = || Fault::last(false_file(Forgery::Parts));
        let shape = down.file.shape().filter(|shape| shape.parts() == 1).ok_or_else(wrong)?;
        self.tail(down, &shape, &FileCipher::new(&down.file.key)).await?.last.ok_or_else(wrong)
    }

    /// The last part, unless it is full, and the list, held against the manifest.
    async fn tail(&mut self, down: &Download, shape: &Shape, cipher: &FileCipher) -> Result<Tail, Fault> {
        let mut bytes = Zeroizing::new(Vec::new());
        let first = Tail::first(shape);
        let mut stream = self.get(down, shape, first, 0).await?;
        let length = usize::try_from(shape.sealed() - u64::from(first) * SEALED_PART as u64);
        let length = length.unwrap_or_default();
        let mut next = first;
        while bytes.len() < length {
            let frame = self.next(&mut stream).await?;
            let part = part(frame, next)?;
            bytes.extend_from_slice(&part);
            next += 1;
            if bytes.len() > length {
                return Err(Fault::last(dishonest(Lie::TooMuch)));
            }
        }
        stream.finish().await;
        let has_last = Tail::has_last(shape);
        let last = if has_last { shape.last_sealed() } else { 0 };
        let (last, list) = bytes.split_at_checked(last).unwrap_or_default();
        let forged = |_| Fault::last(false_file(Forgery::List));
        let list = cipher.open(PartPosition::List, list).map_err(forged)?;
        let list = PartList::read(&list, shape, &down.file.parts)
            .map_err(|error| Fault::last(false_file(Forgery::Listed(error.to_string()))))?;
        let last = match has_last {
            true => Some(proven(cipher, shape, &list, shape.last(), last)?),
            false => None,
        };
        Ok(Tail { list, last })
    }

    /// The parts before the tail, from `first` on.
    async fn fetch(
        &mut self,
        down: &Download,
        shape: &Shape,
        first: u32,
        mut writer: Writer,
    ) -> Result<Writer, Fault> {
        let end = Tail::first(shape);
        let mut stream = self.get(down, shape, first, end.saturating_sub(first)).await?;
        for number in first..end {
            let frame = self.next(&mut stream).await?;
            let bytes = part(frame, number)?;
            let work = move || writer.take(number, &bytes).map(|()| writer);
            writer = blocking(work).await??;
            self.moved((u64::from(number + 1) * PART as u64).min(shape.size())).await;
        }
        stream.finish().await;
        Ok(writer)
    }

    /// Asks for parts.
    async fn get(
        &mut self,
        down: &Download,
        shape: &Shape,
        from: u32,
        count: u32,
    ) -> Result<BlobStream, Fault> {
        let (mut stream, proof) = self.stream(down.file.id).await?;
        let get = BlobGet { proof: Some(proof), from, count };
        stream.begin(client_frame::Frame::BlobGet(get)).await?;
        // All that comes before its answer takes no longer than one silence.
        let until = Instant::now() + SILENT;
        loop {
            let frame = timeout_at(until, self.next(&mut stream)).await.map_err(|_| Fault::Lost)??;
            match frame.frame {
                Some(relay_frame::Frame::BlobHave(have)) if have.size == shape.sealed() => return Ok(stream),
                Some(relay_frame::Frame::BlobHave(_)) => {
                    return Err(Fault::last(false_file(Forgery::Size)));
                }
                // It has no such parts.
                Some(relay_frame::Frame::Refused(no)) if no.code() == Code::Malformed => {
                    return Err(Fault::last(false_file(Forgery::Size)));
                }
                Some(relay_frame::Frame::Refused(no)) => return Err(refused(&no)),
                // Of a later version.
                _ => {}
            }
        }
    }
}

impl Writer {
    /// Goes on with what is here, and says how many parts that are. Blocks.
    fn begin(
        (place, held): (PathBuf, Option<Arc<Held>>),
        parts: &[u8; HASH],
        cipher: FileCipher,
        shape: Shape,
        tail: Tail,
        is_kept: bool,
    ) -> Result<(Self, u32), Fault> {
        let failed = |error| local(&place, &error);
        let mut target = Target::open(&place, parts).map_err(failed)?;
        if !is_kept {
            tail.keep(&place, &shape, parts).map_err(failed)?;
        }
        let whole = target.whole_parts(&cipher, &shape, &tail.list).map_err(failed)?;
        let plaintext = Zeroizing::default();
        Ok((Self { target, held, place, cipher, shape, tail, plaintext }, whole))
    }

    /// Proves a part, and writes it. Blocks.
    fn take(&mut self, part: u32, sealed: &[u8]) -> Result<(), Fault> {
        prove(&self.cipher, &self.shape, &self.tail.list, part, sealed, &mut self.plaintext)?;
        let written = self.target.write(&self.shape, part, &self.plaintext);
        written.map_err(|error| local(&self.place, &error))
    }

    /// All of it is there. Blocks.
    fn finish(self) -> Result<Whole, Fault> {
        let Self { target, held, place, shape, tail, .. } = self;
        let whole = target.close(&shape, &tail).map_err(|error| local(&place, &error));
        drop(held);
        whole
    }
}

/// The plaintext of a part that is the one which the list names.
fn proven(
    cipher: &FileCipher,
    shape: &Shape,
    list: &PartList,
    part: u32,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let mut plaintext = Zeroizing::default();
    prove(cipher, shape, list, part, sealed, &mut plaintext)?;
    Ok(plaintext)
}

/// The same into a buffer.
fn prove(
    cipher: &FileCipher,
    shape: &Shape,
    list: &PartList,
    part: u32,
    sealed: &[u8],
    plaintext: &mut Zeroizing<Vec<u8>>,
) -> Result<(), Fault> {
    let wrong = || Fault::last(dishonest(Lie::OtherPart));
    if list.part(part).is_none_or(|hash| Sha256::digest(sealed)[..] != hash[..]) {
        return Err(wrong());
    }
    // The sender's own list names what the sender's own key does not open.
    let forged = |_| Fault::last(false_file(Forgery::Unopened));
    let place = shape.place(part).ok_or_else(wrong)?;
    cipher.open_into(place, sealed, plaintext).map_err(forged)?;
    if plaintext.len() != shape.len(part) {
        return Err(Fault::last(false_file(Forgery::Short)));
    }
    Ok(())
}

/// Its bytes begin as its name says.
fn is_picture(name: &str, bytes: &[u8]) -> bool {
    let kind = Raster::of_name(name);
    kind.is_some() && kind == Raster::of_bytes(bytes)
}

/// The part that comes next.
fn part(frame: RelayFrame, expected: u32) -> Result<bytes::Bytes, Fault> {
    match frame.frame {
        Some(relay_frame::Frame::BlobPart(BlobPart { number, bytes })) if number == expected => {
            match bytes.len() {
                1..=RELAY_PART => Ok(bytes),
                _ => Err(Fault::last(dishonest(Lie::EmptyPart))),
            }
        }
        Some(relay_frame::Frame::Refused(no)) => Err(refused(&no)),
        _ => Err(Fault::last(dishonest(Lie::Unasked))),
    }
}

/// Work that may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Fault::Lost)
}

#[cfg(test)]
mod tests {
    use shared::file::FileKey;

    use super::*;

    /// Two files of two full parts and a short one each, as sealed by somebody who has both keys.
    fn sealed(fill: u8) -> (FileCipher, Shape, Vec<Vec<u8>>, PartList) {
        let shape = Shape::of((5 << 19) + 1).unwrap();
        let cipher = FileCipher::new(&FileKey::from_bytes([fill; 32]));
        let seal = |part: u32| {
            let plaintext = vec![fill; shape.len(part)];
            cipher.seal(shape.place(part).unwrap(), &plaintext).unwrap()
        };
        let parts: Vec<_> = (0..shape.parts()).map(seal).collect();
        let list = PartList::new(parts.iter().map(|part| part.hash).collect());
        (cipher, shape, parts.into_iter().map(|part| part.bytes).collect(), list)
    }

    fn code(fault: Result<Zeroizing<Vec<u8>>, Fault>) -> String {
        match fault {
            Err(Fault::Final(failure)) => failure.code().to_owned(),
            Ok(_) => "taken".to_owned(),
            Err(_) => "tried again".to_owned(),
        }
    }

    #[test]
    fn another_part_than_the_sender_sealed_is_not_written() {
        let (cipher, shape, parts, list) = sealed(1);
        let (_, _, others, _) = sealed(2);
        let took = |part: u32, bytes: &[u8]| code(proven(&cipher, &shape, &list, part, bytes));
        for part in 0..shape.parts() {
            assert_eq!(took(part, &parts[part as usize]), "taken");
        }
        let mut flipped = parts[0].clone();
        flipped[9] ^= 1;
        let genuine = [(0, &parts[1]), (1, &parts[0]), (2, &parts[0]), (0, &parts[2])];
        for (part, bytes) in genuine.into_iter().chain([(0, &others[0]), (0, &flipped), (3, &parts[0])]) {
            assert_eq!(took(part, bytes), "file_damaged");
        }
        assert_eq!(took(0, &parts[0][1..]), "file_damaged");
        // Sealed for this place by somebody who has the key, as every member does.
        let plotted = cipher.seal(shape.place(0).unwrap(), &vec![9; shape.len(0)]).unwrap();
        assert_eq!(took(0, &plotted.bytes), "file_damaged");
    }

    #[test]
    fn list_of_parts_that_are_none_is_the_senders_lie() {
        let (cipher, shape, parts, _) = sealed(1);
        // A short part before the end, one of another place, and bytes that are no part.
        let last = shape.place(shape.last()).unwrap();
        let short = cipher.seal(last, &[1; 5]).unwrap();
        for bytes in [short.bytes, parts[1].clone(), vec![7; 99]] {
            let hash = Sha256::digest(&bytes).into();
            let list = PartList::new(vec![hash; shape.parts() as usize]);
            assert_eq!(code(proven(&cipher, &shape, &list, 0, &bytes)), "file_forged");
            assert_eq!(code(proven(&cipher, &shape, &list, shape.last(), &bytes)), "file_forged");
        }
    }

    #[test]
    fn part_that_was_not_asked_for_is_not_taken() {
        let frame = |number, bytes: &'static [u8]| RelayFrame {
            frame: Some(relay_frame::Frame::BlobPart(BlobPart { number, bytes: bytes.into() })),
        };
        assert!(part(frame(3, b"x"), 3).is_ok());
        assert!(part(frame(4, b"x"), 3).is_err() && part(frame(3, b""), 3).is_err());
        assert!(part(RelayFrame { frame: None }, 3).is_err());
    }
}
