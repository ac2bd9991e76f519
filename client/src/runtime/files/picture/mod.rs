//! Pictures tell more than their pixels: where and when they were taken, with what, and what was there before they were
//! cut. What is known to be needed for the pixels stays, and everything else goes.

mod jpeg;
mod png;
mod webp;

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
};

use zeroize::Zeroizing;

/// Largest picture that is looked through, in bytes: it is in memory twice meanwhile.
const MOST: u64 = 24 << 20;

/// Bytes that tell what a file is.
const MAGIC: usize = 12;

/// A picture that is not as its kind has to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Damaged;

/// What a kind of picture is known by, and how it is taken apart.
type Kind = fn(&[u8]) -> Result<Vec<u8>, Damaged>;

/// The bytes of a picture without what it tells besides its pixels. None: the file is no picture of a kind that is known
/// here.
pub(super) fn stripped(mut file: &File, size: u64) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut magic = Vec::with_capacity(MAGIC);
    file.take(MAGIC as u64).read_to_end(&mut magic)?;
    file.seek(SeekFrom::Start(0))?;
    let Some(kind) = kind(&magic) else { return Ok(None) };
    let refused = |why: &str| {
        let text = format!("{why}; it can be sent as it is with --keep-metadata");
        io::Error::new(io::ErrorKind::InvalidData, text)
    };
    if size > MOST {
        return Err(refused("this picture is too large to take out what it tells besides its pixels"));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MOST + 1).read_to_end(&mut bytes)?;
    let stripped = kind(&bytes).map_err(|Damaged| refused("this picture is damaged"))?;
    Ok(Some(Zeroizing::new(stripped)))
}

fn kind(magic: &[u8]) -> Option<Kind> {
    match magic {
        [0xff, 0xd8, 0xff, ..] => Some(jpeg::stripped),
        [0x89, b'P', b'N', b'G', ..] => Some(png::stripped),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(webp::stripped),
        _ => None,
    }
}

/// Takes so many bytes off the front.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], Damaged> {
    let (taken, rest) = bytes.split_at_checked(count).ok_or(Damaged)?;
    *bytes = rest;
    Ok(taken)
}
