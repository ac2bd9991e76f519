use std::io::Cursor;

use image::{GrayImage, Luma, Rgb, RgbImage};

use super::*;

fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn red(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_pixel(width, height, Rgb([250, 0, 0])).into()
}

fn whole(width: u32, height: u32) -> (u32, u32) {
    (width, height)
}

fn shown(bytes: &[u8], limits: Limits) -> Result<(u32, u32), Refused> {
    let decoded = decode(Cursor::new(bytes), limits, |width, height| (width.min(64), height.min(64)))?;
    Ok(decoded.pixels.dimensions())
}

/// A PNG that declares these dimensions, in eight bits of grey, and has hardly any pixels.
fn declared_png(width: u32, height: u32) -> Vec<u8> {
    let mut png = written(&GrayImage::new(1, 1).into(), ImageFormat::Png);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc(&png[12..29]);
    png[29..33].copy_from_slice(&sum.to_be_bytes());
    png
}

/// CRC-32 of PNG (ISO/IEC 15948, annex D), bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
}

/// A JPEG that declares these dimensions.
fn declared_jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut jpeg = written(&red(8, 8), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    jpeg[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    jpeg
}

#[test]
fn pictures_of_the_three_kinds_are_decoded_and_scaled() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let bytes = written(&red(300, 200), format);
        let picture =
            decode(Cursor::new(&bytes), Limits::PICTURE, |width, height| (width / 10, height / 10)).unwrap();
        assert_eq!(picture.pixels.dimensions(), (30, 20), "{format:?}");
        let image::Rgba([red, green, _, alpha]) = *picture.pixels.get_pixel(3, 3);
        assert!(red > 240 && green < 10 && alpha == 255, "{format:?}");
    }
    // Larger than it is, as previews are shown.
    let bytes = written(&red(4, 4), ImageFormat::Png);
    let larger = decode(Cursor::new(&bytes), Limits::PICTURE, |_, _| (9, 9)).unwrap();
    assert_eq!(larger.pixels.dimensions(), (9, 9));
}

#[test]
fn picture_that_declares_more_than_can_be_shown_is_refused_before_it_is_decoded() {
    for bomb in [
        declared_png(60_000, 60_000),
        declared_png(u32::MAX, u32::MAX),
        declared_png(12_001, 1),
        // Each side is allowed; all of it together is not.
        declared_png(12_000, 12_000),
        declared_jpeg(60_000, 60_000),
        declared_jpeg(12_000, 12_000),
    ] {
        let looked = looked_at(Cursor::new(&bomb), Limits::PICTURE).map(|_| ());
        assert_eq!(looked, Err(Refused::TooLarge));
        assert_eq!(shown(&bomb, Limits::PICTURE), Err(Refused::TooLarge));
    }
    // What fits is looked at, and then found to have no pixels.
    assert_eq!(looked_at(Cursor::new(declared_png(4_000, 4_000)), Limits::PICTURE).map(|_| ()), Ok(()));
    assert_eq!(shown(&declared_png(4_000, 4_000), Limits::PICTURE), Err(Refused::Unreadable));
}

#[test]
fn small_file_of_many_pixels_is_decoded_within_its_limit_or_refused() {
    // One colour: 64 kB of file for 61 MiB of pixels.
    let grey = written(&GrayImage::from_pixel(8_000, 8_000, Luma([9])).into(), ImageFormat::Png);
    assert!(grey.len() < 1 << 20);
    assert_eq!(shown(&grey, Limits::PICTURE), Ok((64, 64)));
    // The same in colours would take 183 MiB.
    let mut coloured = declared_png(8_000, 8_000);
    coloured[25] = 2;
    let sum = crc(&coloured[12..29]);
    coloured[29..33].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(shown(&coloured, Limits::PICTURE), Err(Refused::TooLarge));
}

#[test]
fn jpeg_of_which_all_is_kept_until_its_last_scan_is_smaller_or_refused() {
    let looked = |jpeg: &[u8]| looked_at(Cursor::new(jpeg), Limits::PICTURE).map(|_| ());
    let at = |jpeg: &[u8], kind| jpeg.windows(2).position(|marker| marker == [0xff, kind]).unwrap();
    // Progressive; of a scan for each component; and with bytes between its segments, which decoders skip.
    let progressive = |jpeg: &mut Vec<u8>| {
        let frame = at(jpeg, 0xc0);
        jpeg[frame + 1] = 0xc2;
    };
    let scans = |jpeg: &mut Vec<u8>| {
        let scan = at(jpeg, 0xda);
        jpeg[scan + 4] = 1;
        jpeg.drain(scan + 7..scan + 11);
        jpeg[scan + 3] -= 4;
    };
    let hidden = |jpeg: &mut Vec<u8>| {
        let frame = at(jpeg, 0xc0);
        jpeg.splice(frame..frame, *b"\xff\xff");
    };
    let made = |change: &dyn Fn(&mut Vec<u8>), side| {
        let mut jpeg = declared_jpeg(side, side);
        change(&mut jpeg);
        jpeg
    };
    assert_eq!(looked(&declared_jpeg(4_600, 4_600)), Ok(()));
    type Change<'a> = &'a dyn Fn(&mut Vec<u8>);
    for other in [&progressive as Change<'_>, &scans, &hidden] {
        assert_eq!(looked(&made(other, 4_600)), Err(Refused::TooLarge));
        assert_eq!(looked(&made(other, 2_700)), Ok(()));
    }
}

#[test]
fn preview_has_limits_of_its_own() {
    let small = written(&red(64, 48), ImageFormat::Png);
    assert_eq!(shown(&small, Limits::PREVIEW), Ok((64, 48)));
    let large = written(&red(129, 1), ImageFormat::Png);
    assert_eq!(shown(&large, Limits::PREVIEW), Err(Refused::TooLarge));
    let long = [small, vec![0; MAX_PREVIEW]].concat();
    assert_eq!(shown(&long, Limits::PREVIEW), Err(Refused::TooLarge));
}

#[test]
fn what_is_no_picture_is_refused_at_whatever_byte_it_goes_wrong() {
    for kind in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let bytes = written(&red(16, 16), kind);
        for cut in 0..bytes.len() {
            // Some decoders show what there is of a picture.
            let _ = shown(&bytes[..cut], Limits::PICTURE);
        }
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x5a;
            let _ = shown(&flipped, Limits::PICTURE);
        }
    }
    for other in [&b""[..], b"GIF89a\x01\0\x01\0\0\0\0", b"<svg/>", b"BM", b"\x89PNG", b"\xff\xd8\xff"] {
        assert_eq!(shown(other, Limits::PICTURE), Err(Refused::Unreadable), "{other:?}");
    }
}

#[test]
fn picture_is_turned_as_its_orientation_says() {
    let plain = written(&red(40, 20), ImageFormat::Jpeg);
    // An Exif block of one entry: orientation 6, a quarter turn.
    let exif = b"\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let turned = [&plain[..2], exif, &plain[2..]].concat();
    let size = |bytes: &[u8]| decode(Cursor::new(bytes), Limits::PICTURE, whole).unwrap().pixels.dimensions();
    assert_eq!((size(&plain), size(&turned)), ((40, 20), (20, 40)));
}

#[test]
fn only_plain_files_are_opened() {
    let dir = tempfile::tempdir().unwrap();
    assert!(open(dir.path()).is_err() && open(&dir.path().join("none")).is_err());
    std::fs::write(dir.path().join("cat.png"), written(&red(2, 2), ImageFormat::Png)).unwrap();
    let file = open(&dir.path().join("cat.png")).unwrap();
    assert!(decode(file, Limits::PICTURE, whole).is_ok());
}
