//! Entries as frames, side by side in memory: what one transaction appended to one room.

use std::collections::VecDeque;

use bytes::{BufMut, Bytes, BytesMut};

use super::news::Written;
use crate::policy::limits::{LARGE_FRAME, READ_BYTES};

/// The key of `RelayFrame.deliver`: field 3, with a length.
const DELIVER: u8 = 3 << 3 | 2;

/// Frames of consecutive entries.
#[derive(Debug)]
pub(super) struct Chunk {
    first: u64,
    /// `None` when the entry is too large to be held.
    frames: Option<Bytes>,
    /// For each entry, where its frame ends and how many bytes of envelopes there are up to there.
    ends: Vec<End>,
}

#[derive(Clone, Copy, Debug, Default)]
struct End {
    frame: usize,
    envelopes: u64,
}

/// Frames to send as they are.
#[derive(Debug, Default)]
pub struct Frames {
    /// One or more whole frames.
    pub bytes: Bytes,
    /// Sequence number of the last one.
    pub last: u64,
    /// How many there are.
    pub entries: u64,
    /// Bytes of their envelopes.
    pub envelopes: u64,
}

impl Chunk {
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn last(&self) -> u64 {
        (self.first + self.ends.len() as u64).saturating_sub(1)
    }

    /// Bytes that it takes, `None` when it is not held.
    pub(super) fn size(&self) -> Option<usize> {
        Some(self.frames.as_ref()?.len() + self.ends.len() * size_of::<End>())
    }

    fn after(&self, cursor: u64) -> Option<Frames> {
        let skip = usize::try_from((cursor + 1).checked_sub(self.first)?).ok()?;
        let start = if skip == 0 { End::default() } else { *self.ends.get(skip - 1)? };
        let end = *self.ends.last()?;
        Some(Frames {
            bytes: self.frames.as_ref()?.slice(start.frame..end.frame),
            last: self.last(),
            entries: (self.ends.len() - skip) as u64,
            envelopes: end.envelopes - start.envelopes,
        })
    }
}

/// What is held after a cursor: one chunk or the rest of one as it is, several put together, so that the transport
/// has one piece to look after. `None` when that is not held.
pub(super) fn after(chunks: &VecDeque<Chunk>, cursor: u64) -> Option<Frames> {
    // Most readers want the newest.
    let newest = chunks.back()?;
    if newest.first <= cursor + 1 {
        return newest.after(cursor);
    }
    let index = chunks.partition_point(|chunk| chunk.last() <= cursor);
    let mut all = chunks.range(index..);
    let first = all.next()?.after(cursor)?;
    let mut bytes = BytesMut::from(&*first.bytes);
    let mut frames = Frames { bytes: Bytes::new(), ..first };
    for chunk in all {
        let Some(next) = chunk.after(frames.last) else { break };
        if bytes.len() + next.bytes.len() > READ_BYTES {
            break;
        }
        bytes.extend_from_slice(&next.bytes);
        frames.last = next.last;
        frames.entries += next.entries;
        frames.envelopes += next.envelopes;
    }
    Some(Frames { bytes: bytes.freeze(), ..frames })
}

/// Chunks of entries that were appended in this order, each of at most about [`READ_BYTES`].
pub(super) fn of(entries: Vec<Written>) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut open = BytesMut::new();
    let mut entries = entries.into_iter().peekable();
    while let Some(Written { seq, row, at, envelope }) = entries.next() {
        let Some(frame) = frame(row, at).filter(|frame| frame.len() <= LARGE_FRAME) else {
            close(&mut chunks, &mut open);
            chunks.push(Chunk { first: seq, frames: None, ends: vec![End::default()] });
            continue;
        };
        if open.is_empty() && entries.peek().is_none() {
            // As with people: nothing is copied.
            let end = End { frame: frame.len(), envelopes: envelope };
            chunks.push(Chunk { first: seq, frames: Some(frame), ends: vec![end] });
            continue;
        }
        if open.len() + frame.len() > READ_BYTES {
            close(&mut chunks, &mut open);
        }
        if open.is_empty() {
            chunks.push(Chunk { first: seq, frames: None, ends: Vec::new() });
        }
        open.put_slice(&frame);
        if let Some(chunk) = chunks.last_mut() {
            let before = chunk.ends.last().copied().unwrap_or_default();
            chunk.ends.push(End { frame: open.len(), envelopes: before.envelopes + envelope });
        }
    }
    close(&mut chunks, &mut open);
    chunks
}

fn close(chunks: &mut [Chunk], open: &mut BytesMut) {
    if let (Some(chunk), false) = (chunks.last_mut(), open.is_empty()) {
        chunk.frames = Some(open.split().freeze());
    }
}

/// The frame of an entry, out of its row, in which it begins `at`: what is in front of it makes place for the frame's head.
fn frame(mut row: Vec<u8>, at: usize) -> Option<Bytes> {
    let entry = row.len().checked_sub(at)?;
    let mut inner = [0; 10];
    let inner = varint(entry, &mut inner);
    let body = 1 + inner.len() + entry;
    let start = at.checked_sub(4 + 1 + inner.len())?;
    let mut head = row.get_mut(start..at)?;
    head.put_u32(u32::try_from(body).ok()?);
    head.put_u8(DELIVER);
    head.put_slice(inner);
    Some(Bytes::from(row).slice(start..))
}

/// A number as protobuf writes it.
fn varint(mut value: usize, out: &mut [u8; 10]) -> &[u8] {
    let mut length = 0;
    for byte in out.iter_mut() {
        length += 1;
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            *byte = low;
            break;
        }
        *byte = low | 0x80;
    }
    out.get(..length).unwrap_or_default()
}
