//! One attempt to fetch a file from the relay, over one connection.
//!
//! ```text
//! tail: last part and list ─▶ the manifest's hash ─▶ what is here already ─▶ the rest, part by part ─▶ its name
//! ```
//!
//! A part is written only when it is the one that the list names, and the list is the one that the sender named.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use proto::{
    blob::PART as RELAY_PART,
    relay::{BlobGet, BlobPart, RelayFrame, client_frame, refused::Code, relay_frame},
};
use sha2::{Digest as _, Sha256};
use shared::file::{FileCipher, Manifest, PART, PartList, Place, SEALED_PART, Shape};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use zeroize::Zeroizing;

use super::{
    fault::{Fault, dishonest, false_file, local, lost_here, refused},
    kept::Download,
    target::Target,
    task::{SILENT, Task},
};
use crate::{
    reason::{Forgery, Lie},
    runtime::raster::Raster,
    transport::BlobStream,
};

/// Parts that came and were not written yet, each of 1 MiB.
const AHEAD: usize = 4;

/// Bytes that came, were told, and were not written yet when somebody killed the program.
const UNWRITTEN: u64 = (AHEAD as u64 + 1) * PART as u64;

/// The end of a file, which comes first.
struct Tail {
    list: PartList,
    last: Zeroizing<Vec<u8>>,
}

/// Takes parts to the disk.
struct Writer {
    parts: mpsc::Sender<(u32, bytes::Bytes)>,
    done: JoinHandle<Result<(), Fault>>,
}

impl Task {
    /// Fetches it. Returns where it is.
    pub(super) async fn download(&mut self, down: &Download) -> Result<PathBuf, Fault> {
        let Manifest { key, parts, .. } = &down.file;
        let shape =
            down.file.shape().ok_or_else(|| Fault::Final(super::fault::too_large(&down.file.name)))?;
        let cipher = Arc::new(FileCipher::new(key));
        let tail = self.tail(down, &shape, &cipher).await?;
        // Small enough to be whole in its last part.
        if down.is_unasked && !is_picture(&down.file.name, &tail.last) {
            return Err(Fault::Final(false_file(Forgery::Picture)));
        }
        let list = Arc::new(tail.list);
        let (place, parts) = (down.target.clone(), *parts);
        let work = {
            let (cipher, list) = (cipher.clone(), list.clone());
            move || {
                let mut target = Target::open(&place, &parts).map_err(|error| local(&place, &error))?;
                let whole =
                    target.whole_parts(&cipher, &shape, &list).map_err(|error| local(&place, &error))?;
                Ok::<_, Fault>((target, whole))
            }
        };
        let (target, whole) = blocking(work).await??;
        let target = Arc::new(Mutex::new(target));
        self.found(u64::from(whole) * PART as u64, UNWRITTEN, lost_here).await;
        if whole < shape.last() {
            let writer = Writer::start(&down.target, &shape, &cipher, &list, &target);
            let fetched = self.fetch(down, &shape, whole, &writer.parts).await;
            drop(writer.parts);
            // What the disk says comes first: it is why the rest was not taken.
            writer.done.await.map_err(|_| Fault::Lost)??;
            fetched?;
        }
        let (place, is_exact, last) = (down.target.clone(), down.is_exact, tail.last);
        let work = move || {
            let mut target = Arc::into_inner(target)
                .map(|target| target.into_inner().unwrap_or_else(PoisonError::into_inner))
                .ok_or(Fault::Lost)?;
            target.write(&shape, shape.last(), &last).map_err(|error| local(&place, &error))?;
            target.finish(&shape, &place, is_exact).map_err(|error| taken(&place, &error))
        };
        blocking(work).await?
    }

    /// All of a file that has one part, filled up.
    pub(super) async fn only_part(&mut self, down: &Download) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let wrong = || Fault::Final(false_file(Forgery::Parts));
        let shape = down.file.shape().filter(|shape| shape.parts() == 1).ok_or_else(wrong)?;
        Ok(self.tail(down, &shape, &FileCipher::new(&down.file.key)).await?.last)
    }

    /// The last part and the list, held against the manifest.
    async fn tail(&mut self, down: &Download, shape: &Shape, cipher: &FileCipher) -> Result<Tail, Fault> {
        let mut bytes = Zeroizing::new(Vec::new());
        let mut stream = self.get(down, shape, shape.last(), 0).await?;
        let length = usize::try_from(shape.sealed() - u64::from(shape.last()) * SEALED_PART as u64);
        let length = length.unwrap_or_default();
        let mut next = shape.last();
        while bytes.len() < length {
            let frame = self.next(&mut stream).await?;
            let part = part(frame, next)?;
            bytes.extend_from_slice(&part);
            next += 1;
            if bytes.len() > length {
                return Err(Fault::Final(dishonest(Lie::TooMuch)));
            }
        }
        stream.finish().await;
        let (last, list) = bytes.split_at_checked(shape.last_sealed()).unwrap_or_default();
        let forged = |_| Fault::Final(false_file(Forgery::List));
        let list = cipher.open(Place::List, list).map_err(forged)?;
        let list = PartList::read(&list, shape, &down.file.parts)
            .map_err(|error| Fault::Final(false_file(Forgery::Listed(error.to_string()))))?;
        let last = proven(cipher, shape, &list, shape.last(), last)?;
        Ok(Tail { list, last })
    }

    /// The parts before the last, from `first` on.
    async fn fetch(
        &mut self,
        down: &Download,
        shape: &Shape,
        first: u32,
        parts: &mpsc::Sender<(u32, bytes::Bytes)>,
    ) -> Result<(), Fault> {
        let mut stream = self.get(down, shape, first, shape.last() - first).await?;
        for number in first..shape.last() {
            let frame = self.next(&mut stream).await?;
            let bytes = part(frame, number)?;
            if parts.send((number, bytes)).await.is_err() {
                // The writer has ended, and says why.
                return Ok(());
            }
            self.moved(u64::from(number) * PART as u64).await;
        }
        stream.finish().await;
        Ok(())
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
                    return Err(Fault::Final(false_file(Forgery::Size)));
                }
                // It has no such parts.
                Some(relay_frame::Frame::Refused(no)) if no.code() == Code::Malformed => {
                    return Err(Fault::Final(false_file(Forgery::Size)));
                }
                Some(relay_frame::Frame::Refused(no)) => return Err(refused(&no)),
                // Of a later version.
                _ => {}
            }
        }
    }
}

impl Writer {
    fn start(
        place: &Path,
        shape: &Shape,
        cipher: &Arc<FileCipher>,
        list: &Arc<PartList>,
        target: &Arc<Mutex<Target>>,
    ) -> Self {
        let (parts, mut come) = mpsc::channel::<(u32, bytes::Bytes)>(AHEAD);
        let (place, shape) = (place.to_owned(), *shape);
        let (cipher, list, target) = (cipher.clone(), list.clone(), target.clone());
        let done = tokio::task::spawn_blocking(move || {
            while let Some((part, sealed)) = come.blocking_recv() {
                let plaintext = proven(&cipher, &shape, &list, part, &sealed)?;
                let mut target = target.lock().unwrap_or_else(PoisonError::into_inner);
                target.write(&shape, part, &plaintext).map_err(|error| local(&place, &error))?;
            }
            Ok(())
        });
        Self { parts, done }
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
    let wrong = || Fault::Final(dishonest(Lie::OtherPart));
    if list.part(part).is_none_or(|hash| Sha256::digest(sealed)[..] != hash[..]) {
        return Err(wrong());
    }
    // The sender's own list names what the sender's own key does not open.
    let forged = |_| Fault::Final(false_file(Forgery::Unopened));
    let place = shape.place(part).ok_or_else(wrong)?;
    let plaintext = cipher.open(place, sealed).map_err(forged)?;
    if plaintext.len() != shape.len(part) {
        return Err(Fault::Final(false_file(Forgery::Short)));
    }
    Ok(plaintext)
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
                _ => Err(Fault::Final(dishonest(Lie::EmptyPart))),
            }
        }
        Some(relay_frame::Frame::Refused(no)) => Err(refused(&no)),
        _ => Err(Fault::Final(dishonest(Lie::Unasked))),
    }
}

/// The name that was asked for is taken meanwhile.
fn taken(place: &Path, error: &std::io::Error) -> Fault {
    if error.kind() != std::io::ErrorKind::AlreadyExists {
        return local(place, error);
    }
    Fault::Final(super::fault::name_taken(place))
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
