//! From bytes to pixels, within limits.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek},
    path::Path,
};

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, RgbaImage, imageops::FilterType,
    metadata::Orientation,
};

use shared::{file::MAX_PREVIEW, identity::MAX_AVATAR};

use super::{jpeg::is_in_one_scan, quietly};

/// What a picture may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Pixels of a side.
    side: u32,
    /// Bytes of all its pixels, as they are decoded.
    decoded: u64,
    /// Bytes of its file.
    file: u64,
}

impl Limits {
    /// A picture that was sent: photographs of today have 12 to 16 million pixels of 3 bytes.
    pub(crate) const PICTURE: Self = Self { side: 12_000, decoded: 64 << 20, file: 32 << 20 };

    /// A picture of a person, which is fetched by itself.
    pub(crate) const AVATAR: Self = Self { side: 512, decoded: 512 * 512 * 8, file: MAX_AVATAR as u64 };

    /// What comes with a message, before anybody asked for anything: a few kilobytes, and no more work than they deserve.
    pub(crate) const PREVIEW: Self = Self { side: 128, decoded: 128 * 128 * 8, file: MAX_PREVIEW as u64 };
}

/// Why a picture is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Over a limit.
    TooLarge,
    /// Damaged, or of a kind that is not known here.
    Unreadable,
}

/// A picture, as it is to be shown.
#[derive(Clone, Debug)]
pub(crate) struct Decoded {
    /// Scaled.
    pub(crate) pixels: RgbaImage,
}

/// Opens a file to decode it. Only plain files: a pipe would wait for its other end.
pub(crate) fn open(path: &Path) -> io::Result<BufReader<File>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(crate::reason::FileFault::NotPlain.into());
    }
    File::open(path).map(BufReader::new)
}

/// Decodes a picture and scales it to what `size` makes of its width and height, in pixels. What is over a limit is refused
/// by what the picture says of itself, before there is any memory for its pixels.
pub(crate) fn decode(
    source: impl BufRead + Seek,
    limits: Limits,
    size: impl Fn(u32, u32) -> (u32, u32),
) -> Result<Decoded, Refused> {
    quietly(move || {
        let (mut decoder, orientation) = looked_at(source, limits)?;
        // The last word: a decoder that reads more than it said has no place for it.
        let mut strict = image::Limits::no_limits();
        (strict.max_image_width, strict.max_image_height) = (Some(limits.side), Some(limits.side));
        strict.max_alloc = Some(limits.decoded.saturating_mul(2));
        decoder.set_limits(strict).map_err(|error| refused(&error))?;
        let image = DynamicImage::from_decoder(decoder).map_err(|error| refused(&error))?;
        Ok(Decoded { pixels: scaled(image, orientation, size) })
    })
}

/// Reads what the picture says of itself, and refuses what says too much.
fn looked_at<'a>(
    mut source: impl BufRead + Seek + 'a,
    limits: Limits,
) -> Result<(impl ImageDecoder + 'a, Orientation), Refused> {
    let length = source.seek(io::SeekFrom::End(0)).map_err(|_| Refused::Unreadable)?;
    if length > limits.file {
        return Err(Refused::TooLarge);
    }
    let is_kept_whole = !is_in_one_scan(&mut source).unwrap_or_default();
    source.rewind().map_err(|_| Refused::Unreadable)?;
    let reader = ImageReader::new(source).with_guessed_format().map_err(|_| Refused::Unreadable)?;
    let known = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP];
    if reader.format().is_none_or(|format| !known.contains(&format)) {
        return Err(Refused::Unreadable);
    }
    let is_kept_whole = is_kept_whole && reader.format() == Some(ImageFormat::Jpeg);
    let mut reader = reader;
    let mut first = image::Limits::no_limits();
    first.max_alloc = Some(limits.decoded);
    reader.limits(first);
    let mut decoder = reader.into_decoder().map_err(|error| refused(&error))?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(Refused::Unreadable);
    }
    if width.max(height) > limits.side || decoder.total_bytes() > limits.decoded {
        return Err(Refused::TooLarge);
    }
    // The coefficients, beside the pixels.
    if is_kept_whole && decoder.total_bytes().saturating_mul(3) > limits.decoded {
        return Err(Refused::TooLarge);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    Ok((decoder, orientation))
}

/// Scaled first, in the depth it has, and only then as it is shown: the large one is never there twice.
fn scaled(image: DynamicImage, orientation: Orientation, size: impl Fn(u32, u32) -> (u32, u32)) -> RgbaImage {
    let is_turned = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let turned = |(width, height)| if is_turned { (height, width) } else { (width, height) };
    let (width, height) = turned((image.width(), image.height()));
    let (width, height) = turned(size(width, height));
    let (width, height) = (width.max(1), height.max(1));
    let small = if width <= image.width() && height <= image.height() {
        image.thumbnail_exact(width, height)
    } else {
        image.resize_exact(width, height, FilterType::Triangle)
    };
    drop(image);
    let mut small = DynamicImage::ImageRgba8(small.to_rgba8());
    small.apply_orientation(orientation);
    small.into_rgba8()
}

fn refused(error: &ImageError) -> Refused {
    match error {
        ImageError::Limits(_) => Refused::TooLarge,
        _ => Refused::Unreadable,
    }
}

#[cfg(test)]
mod tests;
