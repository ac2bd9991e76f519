//! The journal: messages that are acknowledged and not in the database yet.
//!
//! ```text
//! frame = magic (4) ‖ CRC-32 of all that follows (4) ‖ epoch (16) ‖ number (4) ‖ length of the body (4) ‖ body ‖ zeros
//! body  = (room (32) ‖ sequence number (8) ‖ length of the row (4) ‖ row)*
//! ```
//!
//! Numbers are big-endian. A frame is one batch, begins at a multiple of [`ALIGNMENT`] and is written with one write and one
//! fsync. Frames of one epoch are numbered from 0 and follow each other from the file's beginning; the database says which
//! epoch is the newest, and with each transaction that reaches the disk begins another: then frames of the one before are of
//! no use, and are written over. An epoch is drawn at random and no client learns it, so nothing that a member says can look
//! like a frame.
//!
//! The first frame that is not whole was under way when the power went, and was acknowledged to nobody: no other was written
//! after it. If one of the same epoch stands behind it all the same, the file is damaged.

use std::io;

use proto::RoomId;
use redb::StorageBackend;

use super::row;

/// Which frames count.
pub(super) type Epoch = [u8; 16];

/// Where frames begin: what a disk writes whole or not at all.
const ALIGNMENT: usize = 512;

const MAGIC: [u8; 4] = *b"SCJ1";
/// Magic, checksum, epoch, number, length.
const HEADER: usize = 4 + 4 + 16 + 4 + 4;
/// Room, sequence number, length.
const RECORD: usize = 32 + 8 + 4;

/// The file, and where the next frame goes.
pub(super) struct Journal {
    disk: Box<dyn StorageBackend>,
    length: usize,
    epoch: Epoch,
    /// Frames of this epoch.
    number: u32,
    end: usize,
    /// Used again for each frame.
    frame: Vec<u8>,
}

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
    /// Of a file that has this length already.
    pub fn new(disk: Box<dyn StorageBackend>, length: usize) -> Self {
        Self { disk, length, epoch: [0; 16], number: 0, end: 0, frame: Vec::new() }
    }

    /// Reads the frames of an epoch, and goes on behind them. Of the epoch that it is in already, no more than were written:
    /// one that failed may stand there whole.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn replay(&mut self, epoch: Epoch) -> Result<Vec<Record>, JournalError> {
        let known = (epoch == self.epoch).then_some(self.number);
        let mut content = vec![0; self.length];
        self.disk.read(0, &mut content)?;
        let (mut records, mut number, mut end) = (Vec::new(), 0, 0);
        while known.is_none_or(|known| number < known)
            && let Some(body) = content.get(end..).and_then(|frame| parse(frame, &epoch, number))
        {
            split(body, &mut records).ok_or(JournalError::Damaged)?;
            end += (HEADER + body.len()).next_multiple_of(ALIGNMENT);
            number += 1;
        }
        let is_short = known.is_some_and(|known| number < known);
        let is_followed = || known.is_none() && is_followed(content.get(end..), &epoch);
        if is_short || is_followed() {
            return Err(JournalError::Damaged);
        }
        if known.is_some() && content.get(end..).is_some_and(|frame| parse(frame, &epoch, number).is_some()) {
            // It was refused, and is not to come back with the next start. Should the disk not take that either: whatever is
            // appended next stands in its place, so it would come back where nothing has come since.
            let _ = self.disk.write(end as u64, &[0; ALIGNMENT]).and_then(|()| self.disk.sync_data());
        }
        if number > 0 {
            // What was read may be in memory alone: whoever wrote it was killed before its fsync.
            self.disk.sync_data()?;
        }
        (self.epoch, self.number, self.end) = (epoch, number, end);
        Ok(records)
    }

    /// Begins an epoch.
    pub fn begin(&mut self, epoch: Epoch) {
        (self.epoch, self.number, self.end) = (epoch, 0, 0);
    }

    /// Bytes of the frames of this epoch.
    pub fn used(&self) -> usize {
        self.end
    }

    /// Bytes that the body of the next frame may have.
    pub fn room(&self) -> usize {
        // Of a multiple of the alignment, whatever is left is room for what is rounded up to it.
        self.length.saturating_sub(self.end + HEADER)
    }

    /// Writes a frame and waits for the disk. After an error the next one takes its place.
    ///
    /// # Errors
    /// The file system's.
    pub fn append(&mut self, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        self.frame.clear();
        self.frame.extend_from_slice(&MAGIC);
        self.frame.extend_from_slice(&[0; 4]);
        self.frame.extend_from_slice(&self.epoch);
        self.frame.extend_from_slice(&self.number.to_be_bytes());
        self.frame.extend_from_slice(&length.to_be_bytes());
        self.frame.extend_from_slice(body);
        let sum = crc32fast::hash(self.frame.get(8..).unwrap_or_default());
        if let Some(place) = self.frame.get_mut(4..8) {
            place.copy_from_slice(&sum.to_be_bytes());
        }
        self.frame.resize(self.frame.len().next_multiple_of(ALIGNMENT), 0);
        self.disk.write(self.end as u64, &self.frame)?;
        self.disk.sync_data()?;
        self.end += self.frame.len();
        self.number += 1;
        Ok(())
    }
}

/// Adds a message to the body of a frame.
pub(super) fn add(body: &mut Vec<u8>, room: &RoomId, seq: u64, row: &[u8]) {
    body.extend_from_slice(&room.0);
    body.extend_from_slice(&seq.to_be_bytes());
    // A row is below BATCH_BYTES by far.
    body.extend_from_slice(&(row.len() as u32).to_be_bytes());
    body.extend_from_slice(row);
}

/// Bytes of a message in the body of a frame.
pub(super) const fn size(row: usize) -> usize {
    RECORD + row
}

/// The body of a frame, if one of this epoch and number stands there whole.
fn parse<'a>(frame: &'a [u8], epoch: &Epoch, number: u32) -> Option<&'a [u8]> {
    let (found, body) = header(frame)?;
    (found == (*epoch, number)).then_some(body)
}

/// Epoch, number and body of whatever frame stands there whole.
fn header(frame: &[u8]) -> Option<((Epoch, u32), &[u8])> {
    let (magic, rest) = frame.split_first_chunk::<4>()?;
    let (sum, summed) = rest.split_first_chunk::<4>()?;
    let (epoch, rest) = summed.split_first_chunk::<16>()?;
    let (number, rest) = rest.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let body = rest.get(..u32::from_be_bytes(*length) as usize)?;
    let is_whole =
        || crc32fast::hash(summed.get(..24 + body.len()).unwrap_or_default()).to_be_bytes() == *sum;
    (*magic == MAGIC && is_whole()).then_some(((*epoch, u32::from_be_bytes(*number)), body))
}

/// Whether a frame of this epoch stands anywhere behind.
fn is_followed(content: Option<&[u8]>, epoch: &Epoch) -> bool {
    let mut rest = content.unwrap_or_default();
    while let Some(next) = rest.get(ALIGNMENT..) {
        rest = next;
        if header(rest).is_some_and(|((of, _), _)| of == *epoch) {
            return true;
        }
    }
    false
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
