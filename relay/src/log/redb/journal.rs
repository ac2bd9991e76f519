//! The journal: messages that are acknowledged and not in the database yet.
//!
//! ```text
//! file  = magic (4) ‖ id (16) ‖ zeros up to ALIGNMENT ‖ frame*
//! frame = magic (4) ‖ CRC-32 of all that follows (4) ‖ id (16) ‖ epoch (8) ‖ number (4) ‖ length of the body (4) ‖ body ‖ zeros
//! body  = (room (32) ‖ sequence number (8) ‖ length of the row (4) ‖ row)*
//! ```
//!
//! Numbers are big-endian. A frame is one batch, begins at a multiple of [`ALIGNMENT`] and is written with one write and one
//! fsync. Frames of one epoch are numbered from 0 and follow each other from the file's beginning; the database says which
//! epoch is the newest, and begins the next with each transaction that reaches the disk: then frames of the one before are of
//! no use, and are written over. A file's id is drawn at random when it is made and no client learns it, so nothing that a
//! member says can look like a frame; the database says of which file it is, so that another one is not taken for it.
//!
//! The first frame that is not whole was under way when the power went, and was acknowledged to nobody: no other was written
//! after it. If one of the same epoch stands behind it all the same, or one of a later epoch anywhere, the file or the
//! database is damaged. Of the very last frame damage cannot be told from a power cut.

use std::io;

use proto::RoomId;
use redb::StorageBackend;

use super::row;

/// Which file it is.
pub(super) type FileId = [u8; 16];

/// Where frames begin: what a disk writes whole or not at all.
const ALIGNMENT: usize = 512;

const FILE_MAGIC: [u8; 4] = *b"SCJ1";
const MAGIC: [u8; 4] = *b"SCJF";
/// What comes before the checksum's beginning.
const UNSUMMED: usize = 4 + 4;
/// Id, epoch, number, length.
const SUMMED: usize = 16 + 8 + 4 + 4;
const HEADER: usize = UNSUMMED + SUMMED;
/// Room, sequence number, length.
const RECORD: usize = 32 + 8 + 4;

/// The file, and where the next frame goes.
pub(super) struct Journal {
    disk: Box<dyn StorageBackend>,
    length: usize,
    id: FileId,
    /// `None` before the database was asked.
    epoch: Option<u64>,
    /// Frames of this epoch.
    number: u32,
    end: usize,
}

/// Messages on their way into the journal, with room for the header before them: they are not copied again.
pub(super) struct Frame(Vec<u8>);

/// A message as it is replayed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub room: RoomId,
    pub seq: u64,
    pub row: Vec<u8>,
}

/// Why a journal cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub(super) enum JournalError {
    #[error("the journal is damaged")]
    Damaged,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Journal {
    /// Makes one of a file, whatever is in it. It is written whole, and not by holes: to write over it never wants space.
    ///
    /// # Errors
    /// The file system's.
    pub(super) fn make(disk: Box<dyn StorageBackend>, length: usize) -> io::Result<Self> {
        let mut id = [0; 16];
        aws_lc_rs::rand::fill(&mut id).map_err(|_| io::Error::other("there is no randomness"))?;
        let mut content = vec![0; length];
        put(&mut content, 0, &[FILE_MAGIC.as_slice(), &id].concat());
        disk.set_len(length as u64)?;
        disk.write(0, &content)?;
        disk.sync_data()?;
        Ok(Self { disk, length, id, epoch: None, number: 0, end: ALIGNMENT })
    }

    /// Opens the file that has this id.
    ///
    /// # Errors
    /// [`JournalError`], also when it is another one.
    pub(super) fn open(
        disk: Box<dyn StorageBackend>,
        length: usize,
        id: FileId,
    ) -> Result<Self, JournalError> {
        let mut header = [0; 20];
        if disk.len()? == length as u64 {
            disk.read(0, &mut header)?;
        }
        let expected = [FILE_MAGIC.as_slice(), &id].concat();
        if header.as_slice() != expected {
            return Err(JournalError::Damaged);
        }
        Ok(Self { disk, length, id, epoch: None, number: 0, end: ALIGNMENT })
    }

    /// Which file it is.
    pub(super) fn id(&self) -> FileId {
        self.id
    }

    /// Reads the frames of an epoch, and goes on behind them. Of the epoch that it is in already, no more than were written:
    /// one that failed may stand there whole.
    ///
    /// # Errors
    /// [`JournalError`].
    pub(super) fn replay(&mut self, epoch: u64) -> Result<Vec<Record>, JournalError> {
        let known = (Some(epoch) == self.epoch).then_some(self.number);
        let mut content = vec![0; self.length];
        self.disk.read(0, &mut content)?;
        let at = |place: usize| header(content.get(place..)?, &self.id);
        let (mut records, mut number, mut end) = (Vec::new(), 0, ALIGNMENT);
        while known.is_none_or(|known| number < known)
            && let Some((_, body)) = at(end).filter(|(name, _)| *name == (epoch, number))
        {
            split(body, &mut records).ok_or(JournalError::Damaged)?;
            end += (HEADER + body.len()).next_multiple_of(ALIGNMENT);
            number += 1;
        }
        let is_short = known.is_some_and(|known| number < known);
        let later = (end / ALIGNMENT..self.length / ALIGNMENT).filter_map(|block| at(block * ALIGNMENT));
        if is_short || (known.is_none() && later.into_iter().any(|((of, _), _)| of >= epoch)) {
            return Err(JournalError::Damaged);
        }
        if known.is_some() && at(end).is_some_and(|(name, _)| name == (epoch, number)) {
            // It was refused, and is not to come back with the next start. Should the disk not take that either: whatever is
            // appended next stands in its place, so it would come back where nothing has come since.
            let _ = self.disk.write(end as u64, &[0; ALIGNMENT]).and_then(|()| self.disk.sync_data());
        }
        if known.is_none() && number > 0 {
            // What was read may be in memory alone, since whoever wrote it was killed before its fsync, or its fsync failed: a
            // second one would only say that there is nothing to do.
            self.disk.write(ALIGNMENT as u64, content.get(ALIGNMENT..end).unwrap_or_default())?;
            self.disk.sync_data()?;
        }
        (self.epoch, self.number, self.end) = (Some(epoch), number, end);
        Ok(records)
    }

    /// Begins an epoch.
    pub(super) fn begin(&mut self, epoch: u64) {
        (self.epoch, self.number, self.end) = (Some(epoch), 0, ALIGNMENT);
    }

    /// Bytes of the frames of this epoch.
    pub(super) fn used(&self) -> usize {
        self.end - ALIGNMENT
    }

    /// Bytes that the body of the next frame may have.
    pub(super) fn room(&self) -> usize {
        // Of a multiple of the alignment, whatever is left is room for what is rounded up to it.
        self.length.saturating_sub(self.end + HEADER)
    }

    /// Writes a frame and waits for the disk. After an error the next one takes its place.
    ///
    /// # Errors
    /// The file system's.
    pub(super) fn append(&mut self, Frame(mut frame): Frame) -> io::Result<()> {
        let length = u32::try_from(frame.len() - HEADER).map_err(io::Error::other)?;
        let epoch = self.epoch.unwrap_or(0).to_be_bytes();
        let summed = [self.id.as_slice(), &epoch, &self.number.to_be_bytes(), &length.to_be_bytes()].concat();
        put(&mut frame, UNSUMMED, &summed);
        let sum = crc32fast::hash(frame.get(UNSUMMED..).unwrap_or_default()).to_be_bytes();
        put(&mut frame, 0, &[MAGIC, sum].concat());
        frame.resize(frame.len().next_multiple_of(ALIGNMENT), 0);
        self.disk.write(self.end as u64, &frame)?;
        self.disk.sync_data()?;
        self.end += frame.len();
        self.number += 1;
        Ok(())
    }
}

impl Frame {
    /// One that takes a body of so many bytes.
    pub(super) fn of(body: usize) -> Self {
        let mut frame = Vec::with_capacity((HEADER + body).next_multiple_of(ALIGNMENT));
        frame.resize(HEADER, 0);
        Self(frame)
    }

    /// Adds a message.
    pub(super) fn add(&mut self, room: &RoomId, seq: u64, row: &[u8]) {
        self.0.extend_from_slice(&room.0);
        self.0.extend_from_slice(&seq.to_be_bytes());
        // A row is below BATCH_BYTES by far.
        self.0.extend_from_slice(&(row.len() as u32).to_be_bytes());
        self.0.extend_from_slice(row);
    }

    /// Bytes of the messages.
    pub(super) fn body(&self) -> usize {
        self.0.len() - HEADER
    }
}

/// Writes bytes into a frame's header.
fn put(frame: &mut [u8], at: usize, bytes: &[u8]) {
    frame.iter_mut().skip(at).zip(bytes).for_each(|(place, byte)| *place = *byte);
}

/// Bytes of a message in the body of a frame.
pub(super) const fn size(row: usize) -> usize {
    RECORD + row
}

/// Epoch, number and body of whatever frame of this file stands there whole.
fn header<'a>(frame: &'a [u8], id: &FileId) -> Option<((u64, u32), &'a [u8])> {
    let (magic, rest) = frame.split_first_chunk::<4>()?;
    let (sum, summed) = rest.split_first_chunk::<4>()?;
    let (of, rest) = summed.split_first_chunk::<16>()?;
    // Before the checksum: others cost nothing.
    if *magic != MAGIC || of != id {
        return None;
    }
    let (epoch, rest) = rest.split_first_chunk::<8>()?;
    let (number, rest) = rest.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let body = rest.get(..u32::from_be_bytes(*length) as usize)?;
    let is_whole = crc32fast::hash(summed.get(..SUMMED + body.len())?).to_be_bytes() == *sum;
    is_whole.then_some(((u64::from_be_bytes(*epoch), u32::from_be_bytes(*number)), body))
}

fn split(mut body: &[u8], records: &mut Vec<Record>) -> Option<()> {
    while !body.is_empty() {
        let (room, rest) = body.split_first_chunk::<32>()?;
        let (seq, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (found, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        row::split(found)?;
        records.push(Record { room: RoomId(*room), seq: u64::from_be_bytes(*seq), row: found.to_vec() });
        body = rest;
    }
    Some(())
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("number", &self.number)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}
