//! JPEG (ITU-T T.81): segments, of which the applications' tell of everything.

use super::{Damaged, take};

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;
const COMMENT: u8 = 0xfe;

/// Segments of applications that pixels need, beside JFIF: colour profiles, and Adobe's note on colours.
const NEEDED: [(u8, &[u8]); 2] = [(0xe2, b"ICC_PROFILE\0"), (0xee, b"Adobe")];

/// What the segment of JFIF begins with. Its extension (`JFXX`) is a small picture, of what was there before the large one was cut.
const JFIF: &[u8] = b"JFIF\0";

/// Bytes of it before the two that say how large a small picture in it is.
const JFIF_HEAD: usize = 12;

/// What a segment with EXIF begins with.
const EXIF: &[u8] = b"Exif\0\0";

/// The tag of how a picture is to be turned.
const ORIENTATION: u16 = 0x0112;

/// Without what it tells besides its pixels; how it is to be turned stays. Nothing behind its end stays.
pub(super) fn stripped(bytes: &[u8]) -> Result<Vec<u8>, Damaged> {
    let mut rest = bytes;
    if take(&mut rest, 2)? != [0xff, START] {
        return Err(Damaged);
    }
    let mut out = vec![0xff, START];
    let mut is_turned = false;
    loop {
        let marker = marker(&mut rest)?;
        if marker == END {
            out.extend_from_slice(&[0xff, END]);
            return Ok(out);
        }
        let mut ahead = rest;
        let length = usize::from(u16::from_be_bytes(take(&mut ahead, 2)?.try_into().map_err(|_| Damaged)?));
        let segment = take(&mut rest, length.max(2))?;
        let told = segment.get(2..).unwrap_or_default();
        match marker {
            0xe1 if told.starts_with(EXIF) && !is_turned => {
                if let Some(turn) = turn(told.get(EXIF.len()..).unwrap_or_default()) {
                    out.extend_from_slice(&turned(turn));
                    is_turned = true;
                }
            }
            0xe0 if told.starts_with(JFIF) => out.extend_from_slice(&without_small_picture(told)?),
            0xe0..=0xef if !NEEDED.iter().any(|(kind, name)| marker == *kind && told.starts_with(name)) => {}
            // Comments, and what no decoder of today knows.
            COMMENT | ..0xc0 | 0xf0.. => {}
            _ => {
                out.extend_from_slice(&[0xff, marker]);
                out.extend_from_slice(segment);
            }
        }
        if marker == SCAN {
            let pixels = pixels(rest)?;
            out.extend_from_slice(take(&mut rest, pixels)?);
        }
    }
}

/// The segment of JFIF: which version, and how the picture is scaled.
fn without_small_picture(told: &[u8]) -> Result<Vec<u8>, Damaged> {
    let head = told.get(..JFIF_HEAD).ok_or(Damaged)?;
    let length = u16::try_from(2 + JFIF_HEAD + 2).map_err(|_| Damaged)?;
    Ok([&[0xff, 0xe0][..], &length.to_be_bytes(), head, &[0, 0]].concat())
}

/// The next marker; any number of bytes 0xff may stand before it.
fn marker(rest: &mut &[u8]) -> Result<u8, Damaged> {
    if take(rest, 1)? != [0xff] {
        return Err(Damaged);
    }
    loop {
        match take(rest, 1)? {
            [0xff] => {}
            [0] => return Err(Damaged),
            [marker] => return Ok(*marker),
            _ => return Err(Damaged),
        }
    }
}

/// How long the pixels of a scan go on: up to a marker that is none of theirs.
fn pixels(bytes: &[u8]) -> Result<usize, Damaged> {
    let is_end = |pair: &[u8]| matches!(pair, [0xff, second] if !matches!(second, 0 | 0xd0..=0xd7 | 0xff));
    bytes.windows(2).position(is_end).ok_or(Damaged)
}

/// How EXIF says that the picture is to be turned, if it does and it matters.
fn turn(tiff: &[u8]) -> Option<u16> {
    let is_little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let two = |at: usize| {
        let bytes: [u8; 2] = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let four = |at: usize| {
        let bytes: [u8; 4] = tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let table = usize::try_from(four(4)?).ok()?;
    let count = usize::from(two(table)?);
    let entries = (0..count).filter_map(|nth| table.checked_add(2 + nth * 12));
    let entry = entries.into_iter().find(|at| two(*at) == Some(ORIENTATION))?;
    two(entry.checked_add(8)?).filter(|turn| (2..=8).contains(turn))
}

/// A segment that says that and nothing else.
fn turned(turn: u16) -> Vec<u8> {
    let [a, b] = ORIENTATION.to_be_bytes();
    let [c, d] = turn.to_be_bytes();
    let tiff = [b'M', b'M', 0, b'*', 0, 0, 0, 8, 0, 1, a, b, 0, 3, 0, 0, 0, 1, c, d, 0, 0, 0, 0, 0, 0];
    let length = u16::try_from(2 + EXIF.len() + tiff.len()).unwrap_or_default();
    [&[0xff, 0xe1][..], &length.to_be_bytes(), EXIF, &tiff].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, told: &[u8]) -> Vec<u8> {
        let length = u16::try_from(told.len() + 2).unwrap();
        [&[0xff, marker][..], &length.to_be_bytes(), told].concat()
    }

    fn picture(turn: u16) -> (Vec<u8>, Vec<u8>) {
        let tiff = |turn: u16| {
            let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
            tiff.extend_from_slice(b"\x0f\x01\x02\0\x05\0\0\0\x26\0\0\0");
            tiff.extend_from_slice(&[0x12, 1, 3, 0, 1, 0, 0, 0]);
            tiff.extend_from_slice(&turn.to_le_bytes());
            tiff.extend_from_slice(b"\0\0\0\0\0\0SECRET-PLACE");
            tiff
        };
        let start = [0xff, START];
        let head = b"JFIF\0\x01\x02\x01\0H\0H";
        let (jfif, table) = (segment(0xe0, &[&head[..], &[0, 0]].concat()), segment(0xdb, &[1; 65]));
        let scan = [segment(SCAN, &[0; 10]), vec![1, 0xff, 0, 2, 0xff, 0xd3, 3]].concat();
        let full = [
            &start[..],
            // With a small picture of two pixels, and another one in an extension.
            &segment(0xe0, &[&head[..], &[2, 1], b"SECRET"].concat()),
            &segment(0xe0, b"JFXX\0\x10SECRET"),
            &segment(0xe2, b"MPF\0SECRET"),
            &segment(0xf7, b"SECRET"),
            &segment(0xe1, &[EXIF, &tiff(turn)].concat()),
            &segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0SECRET"),
            &segment(0xed, b"Photoshop 3.0\0SECRET"),
            &segment(COMMENT, b"SECRET"),
            &table,
            &scan,
            &segment(0xc4, &[2; 20]),
            &segment(COMMENT, b"SECRET between two scans"),
            &scan,
            &[0xff, END],
            b"SECRET behind the end",
        ]
        .concat();
        let turned = if turn > 1 { turned(turn) } else { Vec::new() };
        let clean =
            [&start[..], &jfif, &turned, &table, &scan, &segment(0xc4, &[2; 20]), &scan, &[0xff, END]]
                .concat();
        (full, clean)
    }

    #[test]
    fn pixels_and_how_they_are_turned_stay_and_nothing_else() {
        for turn in [1, 6] {
            let (full, clean) = picture(turn);
            let found = stripped(&full).unwrap();
            assert_eq!(found, clean);
            assert!(!found.windows(6).any(|six| six == b"SECRET"));
            assert_eq!(stripped(&clean).as_ref(), Ok(&clean), "once more changes nothing");
        }
    }

    #[test]
    fn damaged_pictures_are_refused_wherever_they_end() {
        let (full, clean) = picture(6);
        for end in 0..full.len() - b"SECRET behind the end".len() {
            assert_eq!(stripped(&full[..end]), Err(Damaged), "{end}");
        }
        for at in 0..clean.len() {
            let mut wrong = clean.clone();
            wrong[at] ^= 0xff;
            // Whatever comes of it, it ends.
            drop(stripped(&wrong));
        }
    }
}
