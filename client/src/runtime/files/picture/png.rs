//! PNG (W3C): chunks, of which texts, times and EXIF go.

use super::{Damaged, take};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Chunks that pixels need, animations included.
const NEEDED: [&[u8; 4]; 19] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"bKGD",
    b"pHYs", b"hIST", b"acTL", b"fcTL", b"fdAT", b"cICP", b"mDCV", b"cLLI",
];

/// Length, kind and checksum of a chunk, in bytes.
const AROUND: usize = 12;

/// Without what it tells besides its pixels. Nothing behind its end stays.
pub(super) fn stripped(bytes: &[u8]) -> Result<Vec<u8>, Damaged> {
    let mut rest = bytes;
    if take(&mut rest, SIGNATURE.len())? != SIGNATURE {
        return Err(Damaged);
    }
    let mut out = SIGNATURE.to_vec();
    loop {
        let length = rest.first_chunk::<4>().map(|length| u32::from_be_bytes(*length)).ok_or(Damaged)?;
        let length =
            usize::try_from(length).ok().and_then(|length| length.checked_add(AROUND)).ok_or(Damaged)?;
        let chunk = take(&mut rest, length)?;
        let kind = chunk.get(4..8).ok_or(Damaged)?;
        if NEEDED.iter().any(|needed| kind == *needed) {
            out.extend_from_slice(chunk);
        }
        if kind == b"IEND" {
            return Ok(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: &[u8; 4], told: &[u8]) -> Vec<u8> {
        [&u32::try_from(told.len()).unwrap().to_be_bytes()[..], kind, told, &[0; 4]].concat()
    }

    #[test]
    fn pixels_stay_and_nothing_else() {
        let (head, pixels, end) = (chunk(b"IHDR", &[1; 13]), chunk(b"IDAT", &[2; 99]), chunk(b"IEND", &[]));
        let clean = [SIGNATURE, &head, &pixels, &end].concat();
        let told =
            [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"].map(|kind| chunk(kind, b"Author\0SECRET")).concat();
        let full =
            [SIGNATURE, &head, &told, &pixels, &chunk(b"zzZz", b"SECRET"), &told, &end, b"SECRET"].concat();
        assert_eq!(stripped(&full).as_ref(), Ok(&clean));
        for cut in 0..full.len() - b"SECRET".len() {
            assert_eq!(stripped(&full[..cut]), Err(Damaged), "{cut}");
        }
        let endless = [SIGNATURE, &[0xff; 8]].concat();
        assert_eq!(stripped(&endless), Err(Damaged));
    }
}
