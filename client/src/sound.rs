//! How long a recording is, by its own headers: Ogg with Opus or Vorbis, and WAV. Nothing is decoded.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

/// Ticks of an Opus stream in a second, whatever it was recorded at (RFC 7845, section 4).
const OPUS: u64 = 48_000;

/// Bytes at the end of an Ogg file in which its last page begins: pages have 65,307 at most (RFC 3533, section 6).
const PAGE: u64 = 65_307;

/// Chunks of a WAV file that are looked at for the two that tell how long it is.
const CHUNKS: usize = 64;

/// How long a recording is, in milliseconds; none where it does not say, or it is none.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn duration_ms(path: &Path) -> io::Result<Option<u32>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(crate::reason::FileFault::NotPlain.into());
    }
    of(&mut File::open(path)?)
}

fn of(file: &mut (impl Read + Seek)) -> io::Result<Option<u32>> {
    let head = read(file, 128)?;
    let found = match head.get(..4) {
        Some(b"OggS") => {
            let length = file.seek(SeekFrom::End(0))?;
            file.seek(SeekFrom::Start(length.saturating_sub(PAGE)))?;
            ogg(&head, &read(file, PAGE)?)
        }
        Some(b"RIFF") => wav(&head, file)?,
        _ => None,
    };
    Ok(found.filter(|ms| *ms > 0).and_then(|ms| u32::try_from(ms).ok()))
}

/// From its first page and its end: the position of the last page is how far one has played when all is played.
fn ogg(head: &[u8], tail: &[u8]) -> Option<u64> {
    let serial = head.get(14..18)?;
    let segments = usize::from(*head.get(26)?);
    let packet = head.get(27 + segments..)?;
    let (rate, skipped) = match packet {
        [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', _, _, low, high, ..] => {
            (OPUS, u64::from(u16::from_le_bytes([*low, *high])))
        }
        [1, b'v', b'o', b'r', b'b', b'i', b's', ..] => (u64::from(u32_at(packet, 12)?), 0),
        _ => return None,
    };
    let pages = tail.windows(18).filter(|page| page.starts_with(b"OggS") && page.get(14..) == Some(serial));
    let position = |page: &[u8]| page.get(6..14)?.try_into().ok().map(u64::from_le_bytes);
    // A page on which no packet ends says -1.
    let last = pages.filter_map(position).rfind(|position| *position != u64::MAX)?;
    last.saturating_sub(skipped).checked_mul(1_000)?.checked_div(rate)
}

/// Bytes of sound, and how many of them a second takes.
fn wav(head: &[u8], file: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
    if head.get(8..12) != Some(b"WAVE") {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(12))?;
    let mut rate = None;
    for _ in 0..CHUNKS {
        let chunk = read(file, 8)?;
        let (Some(name), Some(size)) = (chunk.get(..4), u32_at(&chunk, 4)) else { break };
        match name {
            b"data" => {
                let ms = rate.and_then(|rate| (u64::from(size) * 1_000).checked_div(rate));
                return Ok(ms);
            }
            b"fmt " => {
                let format = read(file, u64::from(size).min(16))?;
                rate = u32_at(&format, 8).map(u64::from);
                file.seek_relative(i64::from(size).saturating_sub(16).max(0) + i64::from(size % 2))?;
            }
            _ => file.seek_relative(i64::from(size) + i64::from(size % 2))?,
        }
    }
    Ok(None)
}

fn read(file: &mut impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn page(serial: u32, position: u64, body: &[u8]) -> Vec<u8> {
        let mut page = b"OggS\0\0".to_vec();
        page.extend(position.to_le_bytes());
        page.extend(serial.to_le_bytes());
        page.extend([0; 8]);
        page.extend([1, u8::try_from(body.len()).unwrap()]);
        page.extend(body);
        page
    }

    fn opus() -> Vec<u8> {
        let head = b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0";
        let pages = [page(7, 0, head), page(7, 24_000, &[1; 200]), page(7, 12 * OPUS + 312, &[2; 200])];
        [pages.concat(), page(8, 99 * OPUS, b"another stream"), page(7, u64::MAX, &[3; 50])].concat()
    }

    fn wave(rate: u32, data: u32) -> Vec<u8> {
        let mut wave = b"RIFF\0\0\0\0WAVEfmt \x12\0\0\0\x01\0\x01\0\x40\x1f\0\0".to_vec();
        wave.extend(rate.to_le_bytes());
        wave.extend(b"\x02\0\x10\0\0\0LIST\x03\0\0\0abc\0data");
        wave.extend(data.to_le_bytes());
        wave
    }

    fn told(bytes: &[u8]) -> Option<u32> {
        of(&mut Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn recordings_say_how_long_they_are() {
        assert_eq!(told(&opus()), Some(12_000));
        let mut vorbis = b"\x01vorbis\0\0\0\0\x01".to_vec();
        vorbis.extend(44_100_u32.to_le_bytes());
        let vorbis = [page(7, 0, &vorbis), page(7, 44_100 * 3 / 2, &[1; 99])].concat();
        assert_eq!(told(&vorbis), Some(1_500));
        assert_eq!(told(&wave(16_000, 40_000)), Some(2_500));
    }

    #[test]
    fn what_says_nothing_or_nonsense_has_no_length() {
        for bytes in [&b""[..], b"OggS", b"RIFF", b"RIFF\0\0\0\0AVI ", b"ID3\x03", &wave(0, 5), &wave(1, 0)] {
            assert_eq!(told(bytes), None, "{bytes:?}");
        }
        // Forty-nine days are the most that can be said.
        assert_eq!(told(&wave(1, u32::MAX)), None);
        for whole in [opus(), wave(16_000, 40_000)] {
            for cut in 0..whole.len() {
                let _ = told(&whole[..cut]);
            }
            for at in 0..whole.len() {
                let mut flipped = whole.clone();
                flipped[at] ^= 0xff;
                let _ = told(&flipped);
            }
        }
    }

    #[test]
    fn last_page_of_a_long_recording_is_found() {
        let long = [opus(), vec![0; 200_000], page(7, 60 * OPUS + 312, &[2; 200])].concat();
        assert_eq!(told(&long), Some(60_000));
    }
}
