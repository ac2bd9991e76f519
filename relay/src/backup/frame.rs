//! Chunks: bounded, each under the checksum of all before it.

use std::io::{self, Read, Write};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::{Buf, Bytes, BytesMut};

use super::{Record, RestoreError};

/// What a backup begins with, with the version of its format.
const MAGIC: [u8; 8] = *b"SCHATBK\n";

/// The format that is written. Those before it are read as well: 2 has no checksums of entries, and neither has what is
/// frozen or was dropped.
const VERSION: u16 = 4;

/// The first that is read: 1 had rooms of another protocol.
const FIRST: u16 = 2;

/// Length of a digest, in bytes.
const DIGEST: usize = 32;

/// Bytes after which a chunk is written: small enough to stream, large enough that its head costs nothing.
const CHUNK: usize = 256 << 10;

/// Greatest chunk that is read, in bytes: one that was nearly full and got one more record, the largest of which is a
/// commit's entry or a slot.
const MAX_CHUNK: usize = CHUNK + (16 << 20);

type Digest = [u8; DIGEST];

/// Writes records.
pub(super) struct ChunkWriter<W> {
    out: W,
    chain: Digest,
    payload: BytesMut,
}

impl<W: Write> ChunkWriter<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        Self::of(VERSION, out)
    }

    fn of(version: u16, mut out: W) -> io::Result<Self> {
        let head = head(version);
        out.write_all(&head)?;
        Ok(Self { out, chain: digest(&[], &head), payload: BytesMut::new() })
    }

    pub(super) fn write(&mut self, record: &Record) -> io::Result<()> {
        record.encode(&mut self.payload);
        if self.payload.len() < CHUNK { Ok(()) } else { self.flush() }
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.payload.is_empty() {
            return Ok(());
        }
        self.chain = digest(&self.chain, &self.payload);
        let length = u32::try_from(self.payload.len()).map_err(io::Error::other)?;
        self.out.write_all(&length.to_be_bytes())?;
        self.out.write_all(&self.chain)?;
        self.out.write_all(&self.payload)?;
        self.payload.clear();
        Ok(())
    }
}

/// Reads records. Nothing of a chunk is looked at before its checksum.
pub(super) struct ChunkReader<R> {
    stream: R,
    chain: Digest,
    payload: Bytes,
    chunks: u64,
}

impl<R: Read> ChunkReader<R> {
    pub(super) fn new(mut stream: R) -> Result<Self, RestoreError> {
        let mut found = [0; 10];
        fill(&mut stream, &mut found).map_err(|error| match error {
            RestoreError::Truncated => RestoreError::NotABackup,
            other => other,
        })?;
        let [magic @ .., high, low] = found;
        if magic != MAGIC {
            return Err(RestoreError::NotABackup);
        }
        let version = u16::from_be_bytes([high, low]);
        match version {
            FIRST..=VERSION => {}
            0 => return Err(RestoreError::Malformed("version 0")),
            earlier if earlier < FIRST => return Err(RestoreError::Earlier(earlier)),
            later => return Err(RestoreError::Later(later)),
        }
        Ok(Self { stream, chain: digest(&[], &found), payload: Bytes::new(), chunks: 0 })
    }

    /// The next record; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Record>, RestoreError> {
        if !self.payload.has_remaining() && !self.chunk()? {
            return Ok(None);
        }
        Record::decode(&mut self.payload).map(Some)
    }

    fn chunk(&mut self) -> Result<bool, RestoreError> {
        let mut first = [0];
        if self.stream.read(&mut first)? == 0 {
            return Ok(false);
        }
        let (mut rest, mut expected) = ([0; 3], [0; DIGEST]);
        fill(&mut self.stream, &mut rest)?;
        fill(&mut self.stream, &mut expected)?;
        let ([a], [b, c, d]) = (first, rest);
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length == 0 || length > MAX_CHUNK {
            return Err(RestoreError::Malformed("the length of a chunk"));
        }
        // As it comes: a length that lies costs no more than what is really there.
        let mut payload = Vec::with_capacity(length.min(CHUNK));
        self.stream.by_ref().take(length as u64).read_to_end(&mut payload)?;
        if payload.len() < length {
            return Err(RestoreError::Truncated);
        }
        self.chain = digest(&self.chain, &payload);
        self.chunks += 1;
        if self.chain != expected {
            return Err(RestoreError::Checksum(self.chunks));
        }
        self.payload = payload.into();
        Ok(true)
    }
}

/// Whether a file begins like a backup.
pub(super) fn is_backup(mut stream: impl Read) -> bool {
    let mut found = [0; MAGIC.len()];
    stream.read_exact(&mut found).is_ok() && found == MAGIC
}

fn head(version: u16) -> [u8; 10] {
    let ([a, b, c, d, e, f, g, h], [high, low]) = (MAGIC, version.to_be_bytes());
    [a, b, c, d, e, f, g, h, high, low]
}

fn fill(stream: &mut impl Read, bytes: &mut [u8]) -> Result<(), RestoreError> {
    stream.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => RestoreError::Truncated,
        _ => error.into(),
    })
}

fn digest(chain: &[u8], payload: &[u8]) -> Digest {
    let mut context = Context::new(&SHA256);
    context.update(chain);
    context.update(payload);
    let mut digest = Digest::default();
    // SHA-256 has this length.
    digest.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backup_of_the_format_before_is_read_and_others_are_not() {
        let backup = |version| {
            let mut writer = ChunkWriter::of(version, Vec::new()).unwrap();
            writer.write(&Record::End { rooms: 0, entries: 0 }).unwrap();
            writer.finish().unwrap()
        };
        for version in FIRST..=VERSION {
            let backup = backup(version);
            let mut reader = ChunkReader::new(&*backup).unwrap();
            assert!(matches!(reader.next(), Ok(Some(Record::End { .. }))), "{version}");
        }
        assert!(matches!(ChunkReader::new(&*backup(1)), Err(RestoreError::Earlier(1))));
        assert!(matches!(ChunkReader::new(&*backup(VERSION + 1)), Err(RestoreError::Later(_))));
    }
}
