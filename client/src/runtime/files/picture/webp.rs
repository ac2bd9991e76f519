//! WebP (RFC 9649): chunks in RIFF, of which EXIF, XMP and unknown ones go.

use super::{Damaged, take};

/// What a frame of an animation is made of.
const OF_FRAME: [&[u8; 4]; 3] = [b"VP8 ", b"VP8L", b"ALPH"];

/// Where a frame is shown, and how long, in bytes before its chunks.
const FRAME_HEAD: usize = 16;

/// Chunks that pixels need, beside those that are looked into.
const NEEDED: [&[u8; 4]; 5] = [b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ICCP"];

/// Of the flags of `VP8X`: that there is EXIF, and that there is XMP.
const TOLD: u8 = 0x08 | 0x04;

/// Without what it tells besides its pixels. Nothing behind its end stays.
pub(super) fn stripped(bytes: &[u8]) -> Result<Vec<u8>, Damaged> {
    let mut file = bytes;
    let head = take(&mut file, 8)?;
    let size = usize::try_from(length(head.get(4..).unwrap_or_default())?).map_err(|_| Damaged)?;
    let mut rest = take(&mut file, size)?;
    if head.get(..4) != Some(b"RIFF") || take(&mut rest, 4)? != b"WEBP" {
        return Err(Damaged);
    }
    let mut out = b"WEBP".to_vec();
    while !rest.is_empty() {
        let (kind, told) = chunk(&mut rest)?;
        match kind {
            b"ANMF" => put(&mut out, kind, &frame(told)?)?,
            b"VP8X" => {
                let mut told = told.to_vec();
                if let Some(flags) = told.first_mut() {
                    *flags &= !TOLD;
                }
                put(&mut out, kind, &told)?;
            }
            _ if NEEDED.iter().any(|needed| kind == *needed) => put(&mut out, kind, told)?,
            _ => {}
        }
    }
    let size = u32::try_from(out.len()).map_err(|_| Damaged)?;
    Ok([&b"RIFF"[..], &size.to_le_bytes(), &out].concat())
}

/// A frame without what it tells besides its pixels: it has chunks of its own.
fn frame(told: &[u8]) -> Result<Vec<u8>, Damaged> {
    let mut rest = told;
    let mut out = take(&mut rest, FRAME_HEAD)?.to_vec();
    while !rest.is_empty() {
        let (kind, told) = chunk(&mut rest)?;
        if OF_FRAME.iter().any(|needed| kind == *needed) {
            put(&mut out, kind, told)?;
        }
    }
    Ok(out)
}

/// Takes a chunk off the front: its kind and what is in it. Chunks are filled up to an even length.
fn chunk<'a>(rest: &mut &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Damaged> {
    let kind = take(rest, 4)?;
    let size = usize::try_from(length(take(rest, 4)?)?).map_err(|_| Damaged)?;
    let told = take(rest, size)?;
    take(rest, size % 2)?;
    Ok((kind, told))
}

fn put(out: &mut Vec<u8>, kind: &[u8], told: &[u8]) -> Result<(), Damaged> {
    let size = u32::try_from(told.len()).map_err(|_| Damaged)?;
    out.extend_from_slice(kind);
    out.extend_from_slice(&size.to_le_bytes());
    out.extend_from_slice(told);
    out.extend(std::iter::repeat_n(0, told.len() % 2));
    Ok(())
}

fn length(bytes: &[u8]) -> Result<u32, Damaged> {
    Ok(u32::from_le_bytes(bytes.try_into().map_err(|_| Damaged)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: &[u8; 4], told: &[u8]) -> Vec<u8> {
        let size = u32::try_from(told.len()).unwrap().to_le_bytes();
        [&kind[..], &size, told, &vec![0; told.len() % 2]].concat()
    }

    #[test]
    fn frames_of_an_animation_tell_nothing_either() {
        let head = chunk(b"VP8X", &[0x12, 0, 0, 0, 1, 1, 1, 2, 2, 2]);
        let (place, pixels) = ([3; FRAME_HEAD], chunk(b"VP8L", &[2; 7]));
        let clean_frame = chunk(b"ANMF", &[&place[..], &chunk(b"ALPH", &[4; 3]), &pixels].concat());
        let told =
            [chunk(b"EXIF", b"SECRET"), chunk(b"XMP ", b"SECRET!"), chunk(b"what", b"SECRET")].concat();
        let full_frame =
            chunk(b"ANMF", &[&place[..], &told, &chunk(b"ALPH", &[4; 3]), &told, &pixels, &told].concat());
        let full = riff(&[head.clone(), full_frame.clone(), told, full_frame].concat());
        let clean = riff(&[head, clean_frame.clone(), clean_frame].concat());
        assert_eq!(stripped(&full), Ok(clean));
        let short = riff(&chunk(b"ANMF", &[0; FRAME_HEAD - 1]));
        assert_eq!(stripped(&short), Err(Damaged));
    }

    fn riff(chunks: &[u8]) -> Vec<u8> {
        let size = u32::try_from(chunks.len() + 4).unwrap().to_le_bytes();
        [&b"RIFF"[..], &size, b"WEBP", chunks].concat()
    }

    #[test]
    fn pixels_stay_and_nothing_else() {
        let pixels = chunk(b"VP8 ", &[2; 9]);
        let full = [
            chunk(b"VP8X", &[0x1c, 0, 0, 0, 1, 1, 1, 2, 2, 2]),
            pixels.clone(),
            chunk(b"EXIF", b"SECRET"),
            chunk(b"XMP ", b"SECRET!"),
            chunk(b"what", b"SECRET"),
        ];
        let full = [riff(&full.concat()), b"SECRET".to_vec()].concat();
        let clean = riff(&[chunk(b"VP8X", &[0x10, 0, 0, 0, 1, 1, 1, 2, 2, 2]), pixels].concat());
        assert_eq!(stripped(&full).as_ref(), Ok(&clean));
        for cut in 0..full.len() - b"SECRET".len() {
            assert_eq!(stripped(&full[..cut]), Err(Damaged), "{cut}");
        }
    }
}
