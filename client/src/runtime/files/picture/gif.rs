//! GIF (89a): blocks, of which comments and what applications say go; how often it is shown stays.

use super::{Damaged, take};

const IMAGE: u8 = 0x2c;
const EXTENSION: u8 = 0x21;
const END: u8 = 0x3b;

/// The extension that says how long an image is shown, and what of it is seen through.
const CONTROL: u8 = 0xf9;

/// The extension of an application.
const APPLICATION: u8 = 0xff;

/// Applications that say how often an animation is shown, and nothing else.
const LOOPS: [&[u8]; 2] = [b"\x0bNETSCAPE2.0", b"\x0bANIMEXTS1.0"];

/// Bytes of what they say, with the end of it.
const LOOP: usize = 5;

/// Without what it tells besides its pixels. Nothing behind its end stays.
pub(super) fn stripped(bytes: &[u8]) -> Result<Vec<u8>, Damaged> {
    let mut rest = bytes;
    let head = take(&mut rest, 13)?;
    if !matches!(head, [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..]) {
        return Err(Damaged);
    }
    let mut out = head.to_vec();
    out.extend_from_slice(colours(&mut rest, head.get(10))?);
    loop {
        // Some programs leave the end out.
        let Some((kind, mut ahead)) = rest.split_first() else { return Ok([&out[..], &[END]].concat()) };
        match *kind {
            END => return Ok([&out[..], &[END]].concat()),
            IMAGE => {
                let place = take(&mut ahead, 9)?;
                colours(&mut ahead, place.last())?;
                // How wide the codes are.
                take(&mut ahead, 1)?;
                blocks(&mut ahead)?;
                let whole = rest.len() - ahead.len();
                out.extend_from_slice(take(&mut rest, whole)?);
            }
            EXTENSION => {
                let label = take(&mut ahead, 1)?.first().copied().unwrap_or_default();
                let told = blocks(&mut ahead)?;
                let is_loop = LOOPS.iter().any(|name| {
                    told.strip_prefix(*name)
                        .is_some_and(|told| told.len() == LOOP && told.starts_with(&[3, 1]))
                });
                let whole = rest.len() - ahead.len();
                let whole = take(&mut rest, whole)?;
                if label == CONTROL || (label == APPLICATION && is_loop) {
                    out.extend_from_slice(whole);
                }
            }
            _ => return Err(Damaged),
        }
    }
}

/// A table of colours, where these flags say that there is one.
fn colours<'a>(rest: &mut &'a [u8], flags: Option<&u8>) -> Result<&'a [u8], Damaged> {
    let flags = *flags.ok_or(Damaged)?;
    take(rest, if flags & 0x80 == 0 { 0 } else { 6 << (flags & 7) })
}

/// Pieces of up to 255 bytes, each behind its length, and an empty one.
fn blocks<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Damaged> {
    let all = *rest;
    loop {
        let length = usize::from(*take(rest, 1)?.first().ok_or(Damaged)?);
        if length == 0 {
            return all.get(..all.len() - rest.len()).ok_or(Damaged);
        }
        take(rest, length)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(label: u8, told: &[u8]) -> Vec<u8> {
        let told: Vec<u8> =
            told.chunks(255).flat_map(|piece| [&[piece.len() as u8][..], piece].concat()).collect();
        [&[EXTENSION, label][..], &told, &[0]].concat()
    }

    #[test]
    fn pixels_and_how_often_they_are_shown_stay_and_nothing_else() {
        let head = [&b"GIF89a\x02\0\x02\0\x81\0\0"[..], &[9; 12]].concat();
        let control = extension(CONTROL, &[4, 10, 0, 1]);
        let image = [&[IMAGE, 0, 0, 0, 0, 2, 0, 2, 0, 0x80][..], &[7; 6], &[2, 3, 1, 2, 3, 0]].concat();
        let shown = [&[EXTENSION, APPLICATION, 11][..], b"NETSCAPE2.0", &[3, 1, 0, 0, 0]].concat();
        let xmp = [&[EXTENSION, APPLICATION, 11][..], b"XMP DataXMP", &[6], b"SECRET", &[0]].concat();
        let hidden = [&[EXTENSION, APPLICATION, 11][..], b"NETSCAPE2.0", &[7, 1], b"SECRET", &[0]].concat();
        let told = [extension(0xfe, &b"SECRET".repeat(50)), xmp, hidden, extension(1, b"SECRET")].concat();
        let full =
            [&head[..], &told, &shown, &control, &told, &image, &told, &control, &image, &told].concat();
        let clean = [&head[..], &shown, &control, &image, &control, &image, &[END]].concat();
        assert_eq!(stripped(&[&full[..], &[END], b"SECRET"].concat()), Ok(clean.clone()));
        assert_eq!(stripped(&full), Ok(clean.clone()), "without an end");
        assert_eq!(stripped(&clean), Ok(clean.clone()));
        // Cut anywhere, it is damaged, or it ends where a block ends.
        for cut in 0..full.len() {
            if let Ok(stripped) = stripped(&full[..cut]) {
                assert!(!stripped.windows(6).any(|six| six == b"SECRET"), "{cut}");
                assert!(clean.starts_with(&stripped[..stripped.len() - 1]), "{cut}");
            }
        }
    }
}
