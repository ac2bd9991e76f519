//! Previews: what a picture looks like, before anybody fetches it.

use std::io::{BufRead, Cursor, Seek};

use image::{ImageEncoder as _, RgbImage, RgbaImage, codecs::jpeg::JpegEncoder, imageops::crop_imm};
use shared::{file::MAX_PREVIEW, identity::MAX_AVATAR};

use super::{Decoded, Limits, Refused, decode, quietly};

/// Longest side of a preview that is sent, in pixels.
const SIDE: u32 = 64;

/// Side of a picture of a person, in pixels.
const AVATAR: u32 = 128;

/// Longest side of a picture before its middle is taken: of one that is hardly more than a line not all of it counts.
const LONGEST: u32 = 12_000;

/// How much of a preview is kept, of 100, and less where that is too long.
const QUALITIES: [u8; 3] = [70, 45, 20];

/// A small picture of a picture, as it is sent along; nothing where that cannot be had.
pub(crate) fn preview(source: impl BufRead + Seek) -> Vec<u8> {
    let made = decode(source, Limits::PICTURE, |width, height| fit(width, height, SIDE));
    let small = made.and_then(|Decoded { pixels }| quietly(|| Ok(jpeg(&pixels, MAX_PREVIEW))));
    small.unwrap_or_default()
}

/// A picture of a person, square, of what is in the middle of a picture, as it is shown to others.
pub(crate) fn avatar(source: impl BufRead + Seek) -> Result<Vec<u8>, Refused> {
    let Decoded { pixels } = decode(source, Limits::PICTURE, |width, height| {
        let shorter = width.min(height).max(1);
        let side = shorter.min(AVATAR);
        let scaled = |length: u32| {
            let scaled = u64::from(length) * u64::from(side) / u64::from(shorter);
            u32::try_from(scaled).unwrap_or(u32::MAX).clamp(side, LONGEST)
        };
        (scaled(width), scaled(height))
    })?;
    quietly(move || {
        let (width, height) = pixels.dimensions();
        let side = width.min(height);
        let middle = crop_imm(&pixels, (width - side) / 2, (height - side) / 2, side, side).to_image();
        let bytes = jpeg(&middle, MAX_AVATAR as usize);
        if bytes.is_empty() { Err(Refused::Unreadable) } else { Ok(bytes) }
    })
}

/// The pixels of a small picture that somebody sent; nothing where it is none.
pub(crate) fn shown_preview(
    bytes: &[u8],
    limits: Limits,
    size: impl Fn(u32, u32) -> (u32, u32),
) -> Option<RgbaImage> {
    decode(Cursor::new(bytes), limits, size).ok().map(|decoded| decoded.pixels)
}

/// The largest size of the same shape whose sides are at most so long; never larger than it is.
fn fit(width: u32, height: u32, side: u32) -> (u32, u32) {
    let longest = width.max(height).max(1);
    let scaled = |length: u32| {
        let scaled = u64::from(length) * u64::from(side.min(longest)) / u64::from(longest);
        u32::try_from(scaled).unwrap_or(side).max(1)
    };
    (scaled(width), scaled(height))
}

/// As JPEG of at most so many bytes, on white where it is transparent; nothing if that cannot be.
fn jpeg(pixels: &RgbaImage, most: usize) -> Vec<u8> {
    let opaque = RgbImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        let image::Rgba([red, green, blue, alpha]) = *pixels.get_pixel(x, y);
        let over = |part: u8| {
            let mixed = u32::from(part) * u32::from(alpha) + 255 * (255 - u32::from(alpha));
            u8::try_from(mixed / 255).unwrap_or(u8::MAX)
        };
        image::Rgb([over(red), over(green), over(blue)])
    });
    let written = |quality: u8| {
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
        let kind = image::ExtendedColorType::Rgb8;
        encoder.write_image(&opaque, opaque.width(), opaque.height(), kind).ok()?;
        Some(bytes).filter(|bytes| bytes.len() <= most)
    };
    QUALITIES.into_iter().find_map(written).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, ImageFormat, Rgba};

    use super::*;

    fn png(picture: RgbaImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::from(picture).write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn preview_is_small_whatever_the_picture_and_can_be_shown_again() {
        // Noise is what compresses worst.
        let noise = RgbaImage::from_fn(300, 200, |x, y| {
            let dot = x.wrapping_mul(2_654_435_761).wrapping_add(y.wrapping_mul(40_503)) ^ (x * y);
            Rgba([dot as u8, (dot >> 8) as u8, (dot >> 16) as u8, 255])
        });
        let made = preview(Cursor::new(png(noise)));
        assert!(!made.is_empty() && made.len() <= MAX_PREVIEW, "{}", made.len());
        let shown = shown_preview(&made, Limits::PREVIEW, |width, height| (width, height)).unwrap();
        assert_eq!(shown.dimensions(), (64, 42));
    }

    #[test]
    fn picture_of_a_person_is_the_middle_square_and_tells_nothing_else() {
        let stripes = RgbaImage::from_fn(900, 300, |x, _| match x {
            300..600 => Rgba([250, 0, 0, 255]),
            _ => Rgba([0, 0, 250, 255]),
        });
        let bytes = avatar(Cursor::new(png(stripes))).unwrap();
        assert!(bytes.len() <= MAX_AVATAR as usize && bytes.starts_with(&[0xff, 0xd8]));
        let shown = shown_preview(&bytes, Limits::AVATAR, |width, height| (width, height)).unwrap();
        assert_eq!(shown.dimensions(), (128, 128));
        let inner = shown.enumerate_pixels().filter(|(x, _, _)| (4..124).contains(x));
        assert!(inner.into_iter().all(|(_, _, pixel)| pixel.0[0] > 200));
        let tiny = avatar(Cursor::new(png(RgbaImage::new(5, 9)))).unwrap();
        let shown = shown_preview(&tiny, Limits::AVATAR, |width, height| (width, height)).unwrap();
        assert_eq!(shown.dimensions(), (5, 5));
        assert!(avatar(Cursor::new(png(RgbaImage::new(12_000, 1)))).is_ok());
        assert_eq!(avatar(Cursor::new(b"none".as_slice())), Err(Refused::Unreadable));
    }

    #[test]
    fn what_is_transparent_is_white() {
        let made = preview(Cursor::new(png(RgbaImage::from_pixel(10, 10, Rgba([0, 0, 0, 0])))));
        let shown = shown_preview(&made, Limits::PREVIEW, |width, height| (width, height)).unwrap();
        assert!(shown.pixels().all(|pixel| pixel.0[0] > 250));
    }

    #[test]
    fn what_is_no_picture_has_no_preview() {
        assert!(preview(Cursor::new(b"%PDF-1.7".as_slice())).is_empty());
        assert!(shown_preview(b"", Limits::PREVIEW, |width, height| (width, height)).is_none());
        assert!(
            shown_preview(b"\x1b[2J\x1b]0;evil\x07", Limits::PREVIEW, |width, height| (width, height))
                .is_none()
        );
    }

    #[test]
    fn shape_is_kept_down_to_a_pixel() {
        assert_eq!(fit(4_000, 3_000, 64), (64, 48));
        assert_eq!((fit(12_000, 1, 64), fit(10, 5, 64), fit(0, 0, 64)), ((64, 1), (10, 5), (1, 1)));
    }
}
