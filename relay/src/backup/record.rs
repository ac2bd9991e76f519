//! Records as bytes.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::RestoreError;
use crate::{log::Record, policy::reason::Reason};

const HEAD: u8 = 1;
const FILE: u8 = 2;
const ROOM: u8 = 3;
const SLOT: u8 = 4;
const KEY: u8 = 5;
const ENTRY: u8 = 6;
const END: u8 = 7;
const TOKEN: u8 = 8;
const OPENED_BY: u8 = 9;
const ACCESS: u8 = 10;
const STEP: u8 = 11;
const VOTE: u8 = 12;
const PIECE: u8 = 13;
const FROZEN_OPENER: u8 = 14;
const DROPPED: u8 = 15;
const FROZEN: u8 = 16;
const BLOB: u8 = 17;
const BLOB_PART: u8 = 18;

/// Bytes of an opener's name.
const OPENER: usize = 16;

impl Record {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        let mut body = BytesMut::new();
        let kind = match self {
            Self::Head { created_ms, program } => {
                body.put_u64(*created_ms);
                body.put_slice(program.as_bytes());
                HEAD
            }
            Self::File { name, content } => {
                // Names are checked to be short where they are collected.
                body.put_u16(name.len() as u16);
                body.put_slice(name.as_bytes());
                body.put_slice(content);
                FILE
            }
            Self::Token { hash, times, numbers, label } => {
                body.put_slice(hash);
                times.iter().for_each(|time| body.put_u64(*time));
                numbers.iter().for_each(|number| body.put_u32(*number));
                body.put_slice(label.as_bytes());
                TOKEN
            }
            Self::OpenedBy(hash) => {
                body.put_slice(hash);
                OPENED_BY
            }
            Self::FrozenOpener { opener, at_ms, reason } => {
                body.put_slice(opener);
                body.put_u64(*at_ms);
                body.put_slice(reason.as_str().as_bytes());
                FROZEN_OPENER
            }
            Self::Dropped { id, at_ms, reason } => {
                body.put_slice(id);
                body.put_u64(*at_ms);
                body.put_slice(reason.as_str().as_bytes());
                DROPPED
            }
            Self::Frozen { at_ms, by, reason } => {
                body.put_u64(*at_ms);
                // Nothing, or a name of 16 bytes.
                body.put_u8(by.len() as u8);
                body.put_slice(by);
                body.put_slice(reason.as_str().as_bytes());
                FROZEN
            }
            Self::Room { id, row } => {
                body.put_slice(id);
                row.iter().for_each(|number| body.put_u64(*number));
                ROOM
            }
            Self::Access(row) => {
                body.put_slice(row);
                ACCESS
            }
            Self::Slot { position, row } => {
                body.put_u64(*position);
                body.put_slice(row);
                SLOT
            }
            Self::Piece(piece) => {
                body.put_slice(piece);
                PIECE
            }
            Self::Step { first, row } => {
                body.put_u64(*first);
                body.put_slice(row);
                STEP
            }
            Self::Vote { first, key } => {
                body.put_u64(*first);
                body.put_slice(key);
                VOTE
            }
            Self::Key { key, row } => {
                body.put_slice(key);
                body.put_slice(row);
                KEY
            }
            Self::Entry { seq, row } => {
                body.put_u64(*seq);
                body.put_slice(row);
                ENTRY
            }
            Self::Blob { room, id, row } => {
                body.put_slice(room);
                body.put_slice(id);
                body.put_slice(row);
                BLOB
            }
            Self::BlobPart { number, bytes } => {
                body.put_u32(*number);
                body.put_slice(bytes);
                BLOB_PART
            }
            Self::End { rooms, entries } => {
                body.put_u64(*rooms);
                body.put_u64(*entries);
                END
            }
        };
        out.put_u8(kind);
        // A record fits into a chunk, whose length is 32 bits.
        out.put_u32(body.len() as u32);
        out.put_slice(&body);
    }

    /// Takes a record off the front.
    pub(super) fn decode(bytes: &mut Bytes) -> Result<Self, RestoreError> {
        let (kind, length) = (number(bytes, Bytes::try_get_u8)?, number(bytes, Bytes::try_get_u32)? as usize);
        if length > bytes.len() {
            return Err(RestoreError::Malformed("the length of a record"));
        }
        let mut body = bytes.split_to(length);
        let record = match kind {
            HEAD => {
                Self::Head { created_ms: number(&mut body, Bytes::try_get_u64)?, program: text(&mut body)? }
            }
            FILE => {
                let length = usize::from(number(&mut body, Bytes::try_get_u16)?);
                if length > body.len() {
                    return Err(RestoreError::Malformed("the length of a name"));
                }
                let name = text(&mut body.split_to(length))?;
                Self::File { name, content: std::mem::take(&mut body) }
            }
            ROOM => {
                let (id, mut row) = (array(&mut body)?, [0; 6]);
                for field in &mut row {
                    *field = number(&mut body, Bytes::try_get_u64)?;
                }
                Self::Room { id, row }
            }
            TOKEN => {
                let (hash, mut times, mut numbers) = (array(&mut body)?, [0; 2], [0; 4]);
                for time in &mut times {
                    *time = number(&mut body, Bytes::try_get_u64)?;
                }
                for field in &mut numbers {
                    *field = number(&mut body, Bytes::try_get_u32)?;
                }
                Self::Token { hash, times, numbers, label: text(&mut body)? }
            }
            FROZEN_OPENER => Self::FrozenOpener {
                opener: array(&mut body)?,
                at_ms: number(&mut body, Bytes::try_get_u64)?,
                reason: reason(&mut body)?,
            },
            DROPPED => Self::Dropped {
                id: array(&mut body)?,
                at_ms: number(&mut body, Bytes::try_get_u64)?,
                reason: reason(&mut body)?,
            },
            FROZEN => {
                let at_ms = number(&mut body, Bytes::try_get_u64)?;
                let length = usize::from(number(&mut body, Bytes::try_get_u8)?);
                if length > body.len() || ![0, OPENER].contains(&length) {
                    return Err(RestoreError::Malformed("the name of an opener"));
                }
                let by = body.split_to(length);
                Self::Frozen { at_ms, by, reason: reason(&mut body)? }
            }
            OPENED_BY => Self::OpenedBy(array(&mut body)?),
            ACCESS => Self::Access(std::mem::take(&mut body)),
            SLOT => Self::Slot {
                position: number(&mut body, Bytes::try_get_u64)?,
                row: std::mem::take(&mut body),
            },
            PIECE => Self::Piece(std::mem::take(&mut body)),
            STEP => {
                Self::Step { first: number(&mut body, Bytes::try_get_u64)?, row: std::mem::take(&mut body) }
            }
            VOTE => Self::Vote { first: number(&mut body, Bytes::try_get_u64)?, key: array(&mut body)? },
            KEY => Self::Key { key: array(&mut body)?, row: std::mem::take(&mut body) },
            ENTRY => {
                Self::Entry { seq: number(&mut body, Bytes::try_get_u64)?, row: std::mem::take(&mut body) }
            }
            BLOB => {
                Self::Blob { room: array(&mut body)?, id: array(&mut body)?, row: std::mem::take(&mut body) }
            }
            BLOB_PART => Self::BlobPart {
                number: number(&mut body, Bytes::try_get_u32)?,
                bytes: std::mem::take(&mut body),
            },
            END => Self::End {
                rooms: number(&mut body, Bytes::try_get_u64)?,
                entries: number(&mut body, Bytes::try_get_u64)?,
            },
            _ => return Err(RestoreError::Malformed("an unknown record")),
        };
        if body.has_remaining() {
            return Err(RestoreError::Malformed("a record is too long"));
        }
        Ok(record)
    }
}

fn number<T>(
    bytes: &mut Bytes,
    get: impl Fn(&mut Bytes) -> Result<T, bytes::TryGetError>,
) -> Result<T, RestoreError> {
    get(bytes).map_err(|_| RestoreError::Malformed("a record is too short"))
}

fn array<const N: usize>(bytes: &mut Bytes) -> Result<[u8; N], RestoreError> {
    let mut array = [0; N];
    bytes.try_copy_to_slice(&mut array).map_err(|_| RestoreError::Malformed("a record is too short"))?;
    Ok(array)
}

fn text(bytes: &mut Bytes) -> Result<String, RestoreError> {
    let text = String::from_utf8(std::mem::take(bytes).to_vec());
    text.map_err(|_| RestoreError::Malformed("a text is not UTF-8"))
}

fn reason(bytes: &mut Bytes) -> Result<Reason, RestoreError> {
    text(bytes)?.parse().map_err(|_| RestoreError::Malformed("what an operator says of a room"))
}
