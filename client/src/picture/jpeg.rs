//! Whether a JPEG takes more memory than that of its pixels.

use std::io::{self, BufRead, Seek};

/// Segments before the first scan; cameras write some twenty.
const SEGMENTS: usize = 1_000;

/// One frame, and all of it in one scan: a decoder keeps nothing of it but pixels. Else it keeps all coefficients, of two
/// bytes for each byte of the pixels, until the last scan. What is unusual counts as such.
pub(super) fn is_in_one_scan(source: &mut (impl BufRead + Seek)) -> io::Result<bool> {
    source.seek(io::SeekFrom::Start(2))?;
    let mut components = None;
    for _ in 0..SEGMENTS {
        let mut head = [0; 4];
        source.read_exact(&mut head)?;
        let [0xff, marker, high, low] = head else { return Ok(false) };
        let mut left = i64::from(u16::from_be_bytes([high, low])) - 2;
        match marker {
            // A frame of sequential pixels: precision, height, width, components.
            0xc0 | 0xc1 if components.is_none() => {
                let mut frame = [0; 6];
                source.read_exact(&mut frame)?;
                left -= 6;
                components = frame.last().copied();
            }
            // A scan: its components.
            0xda => {
                let mut scan = [0; 1];
                source.read_exact(&mut scan)?;
                return Ok(components.is_some() && components == scan.first().copied());
            }
            // Tables, a restart interval, what programs say, and comments.
            0xc4 | 0xdb | 0xdd | 0xe0..=0xef | 0xfe => {}
            _ => return Ok(false),
        }
        if left < 0 {
            return Ok(false);
        }
        source.seek_relative(left)?;
    }
    Ok(false)
}
