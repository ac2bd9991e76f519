//! Pictures made of pixels: nothing in them can be run or followed. SVG is none of them.

use std::path::Path;

/// A kind of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Raster {
    Png,
    Jpeg,
    Webp,
    Gif,
}

impl Raster {
    /// By the ending of its name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let ending = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "webp" => Some(Self::Webp),
            "gif" => Some(Self::Gif),
            _ => None,
        }
    }

    /// By what its sender says.
    pub(super) fn of_media_type(media_type: &str) -> Option<Self> {
        match media_type {
            "image/png" => Some(Self::Png),
            "image/jpeg" => Some(Self::Jpeg),
            "image/webp" => Some(Self::Webp),
            "image/gif" => Some(Self::Gif),
            _ => None,
        }
    }

    /// By how its bytes begin.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_is_told_by_each_of_its_three_marks() {
        for (name, media_type, bytes, kind) in [
            ("a.PNG", "image/png", &b"\x89PNG\r\n\x1a\n."[..], Some(Raster::Png)),
            ("a.jpg", "image/jpeg", b"\xff\xd8\xff\xe0", Some(Raster::Jpeg)),
            ("a.webp", "image/webp", b"RIFF....WEBPVP8 ", Some(Raster::Webp)),
            ("a.b.gif", "image/gif", b"GIF89a", Some(Raster::Gif)),
            ("a.svg", "image/svg+xml", b"<svg", None),
            ("gif", "image/*", b"RIFF....WAVE", None),
            ("a.png.exe", "", b"MZ", None),
        ] {
            assert_eq!(Raster::of_name(name), kind, "{name}");
            assert_eq!(Raster::of_media_type(media_type), kind, "{media_type}");
            assert_eq!(Raster::of_bytes(bytes), kind, "{name}");
        }
    }
}
