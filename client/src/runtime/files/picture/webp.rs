//! WebP (RFC 9649): chunks in RIFF, of which EXIF, XMP and unknown ones go.

use super::{Damaged, take};

/// Chunks that pixels need, animations included.
const NEEDED: [&[u8; 4]; 7] = [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];

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
        let mut ahead = rest;
        let kind = take(&mut ahead, 4)?;
        let told = usize::try_from(length(take(&mut ahead, 4)?)?).map_err(|_| Damaged)?;
        // Chunks are filled up to an even length.
        let whole = told.checked_next_multiple_of(2).and_then(|told| told.checked_add(8)).ok_or(Damaged)?;
        let chunk = take(&mut rest, whole)?;
        if !NEEDED.iter().any(|needed| kind == *needed) {
            continue;
        }
        let start = out.len();
        out.extend_from_slice(chunk);
        if kind == b"VP8X"
            && let Some(flags) = out.get_mut(start + 8)
        {
            *flags &= !TOLD;
        }
    }
    let size = u32::try_from(out.len()).map_err(|_| Damaged)?;
    Ok([&b"RIFF"[..], &size.to_le_bytes(), &out].concat())
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
