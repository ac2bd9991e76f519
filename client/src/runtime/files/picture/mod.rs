//! Pictures tell more than their pixels: where and when they were taken, with what, and what was there before they were
//! cut. What is known to be needed for the pixels stays, and everything else goes.

mod gif;
mod jpeg;
mod png;
mod webp;

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
};

use zeroize::Zeroizing;

use crate::reason::FileFault;

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
    if size > MOST {
        return Err(FileFault::LargePicture.into());
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MOST + 1).read_to_end(&mut bytes)?;
    let stripped = kind(&bytes).map_err(|Damaged| FileFault::DamagedPicture)?;
    Ok(Some(Zeroizing::new(stripped)))
}

fn kind(magic: &[u8]) -> Option<Kind> {
    match magic {
        [0xff, 0xd8, 0xff, ..] => Some(jpeg::stripped),
        [0x89, b'P', b'N', b'G', ..] => Some(png::stripped),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(webp::stripped),
        [b'G', b'I', b'F', b'8', ..] => Some(gif::stripped),
        _ => None,
    }
}

/// Takes so many bytes off the front.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], Damaged> {
    let (taken, rest) = bytes.split_at_checked(count).ok_or(Damaged)?;
    *bytes = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// A picture of one kind, made of pieces of which some are its pixels'.
    type Pieces = Vec<(bool, Vec<u8>)>;

    fn piece(kind: usize, is_pixels: bool, told: &[u8]) -> Vec<u8> {
        let size = u32::try_from(told.len()).unwrap();
        match (kind, is_pixels) {
            (0, pixels) => {
                let name = if pixels { b"IDAT" } else { b"tEXt" };
                [&size.to_be_bytes()[..], name, told, &[0; 4]].concat()
            }
            (1, pixels) => {
                let length = u16::try_from(told.len() + 2).unwrap().to_be_bytes();
                [&[0xff, if pixels { 0xdb } else { 0xed }][..], &length, told].concat()
            }
            (2, pixels) => {
                let name = if pixels { b"VP8L" } else { b"XMP " };
                [&name[..], &size.to_le_bytes(), told, &vec![0; told.len() % 2]].concat()
            }
            (_, pixels) => {
                let before: &[u8] = if pixels { b"\x2c\0\0\0\0\x02\0\x02\0\0\x02" } else { b"\x21\xfe" };
                let told = told.chunks(255).flat_map(|piece| [&[piece.len() as u8][..], piece].concat());
                before.iter().copied().chain(told).chain([0]).collect()
            }
        }
    }

    fn picture(kind: usize, pieces: &Pieces, has_all: bool) -> Vec<u8> {
        let pieces = pieces.iter().filter(|(is_pixels, _)| *is_pixels || has_all);
        let pieces: Vec<u8> = pieces.flat_map(|(is_pixels, told)| piece(kind, *is_pixels, told)).collect();
        match kind {
            0 => [&b"\x89PNG\r\n\x1a\n"[..], &pieces, &[0, 0, 0, 0], b"IEND", &[0; 4]].concat(),
            1 => [&[0xff, 0xd8][..], &pieces, &[0xff, 0xd9]].concat(),
            2 => {
                let size = u32::try_from(pieces.len() + 4).unwrap().to_le_bytes();
                [&b"RIFF"[..], &size, b"WEBP", &pieces].concat()
            }
            _ => [&b"GIF89a\x02\0\x02\0\0\0\0"[..], &pieces, &[0x3b]].concat(),
        }
    }

    proptest! {
        /// Whatever is told, and wherever: all that pixels need is what it was, in its order, and nothing else is left.
        #[test]
        fn pixels_are_what_they_were(
            kind in 0..4usize,
            pieces in vec((any::<bool>(), vec(any::<u8>(), 1..600)), 1..12),
            behind in vec(any::<u8>(), 0..40),
        ) {
            let (full, clean) = (picture(kind, &pieces, true), picture(kind, &pieces, false));
            let strip = super::kind(&full);
            // A picture in JPEG begins with a segment, whatever that is.
            prop_assume!(strip.is_some());
            let strip = strip.unwrap();
            prop_assert_eq!(strip(&[full, behind].concat()), Ok(clean.clone()));
            prop_assert_eq!(strip(&clean), Ok(clean));
        }

        #[test]
        fn bytes_that_are_no_picture_end_somehow(
            kind in 0..4usize,
            pieces in vec((any::<bool>(), vec(any::<u8>(), 1..60)), 1..6),
            changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
            noise in vec(any::<u8>(), 0..300),
            keeps in any::<prop::sample::Index>(),
        ) {
            let mut bytes = picture(kind, &pieces, true);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(keeps.index(bytes.len()).max(12));
            bytes.extend(noise);
            for strip in [gif::stripped, jpeg::stripped, png::stripped, webp::stripped] {
                // Whatever comes of it, stripping that once more changes nothing.
                if let Ok(once) = strip(&bytes) {
                    prop_assert_eq!(strip(&once), Ok(once));
                }
            }
        }
    }
}
