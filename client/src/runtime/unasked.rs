//! Small pictures are fetched by themselves, where somebody switched that on: what rooms hear of, for whoever fetches. Its name and
//! its type have to say one and the same kind, and whoever fetches it looks whether its bytes begin so.

use std::sync::Arc;

use shared::{
    file::Manifest,
    room::{Message, MessageId},
};
use tokio::sync::mpsc;

use super::raster::Raster;

/// Largest picture that is fetched by itself, in bytes.
const SMALL: u64 = 1 << 20;

/// Pictures that wait; more at once are left to whoever asks for them.
const QUEUE: usize = 64;

/// Where rooms put what they hear of.
#[derive(Clone)]
pub(super) struct Unasked(mpsc::Sender<(Arc<str>, MessageId)>);

impl Unasked {
    pub(super) fn new() -> (Self, mpsc::Receiver<(Arc<str>, MessageId)>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), receiver)
    }

    /// A message came and is stored.
    pub(super) fn came(&self, room: &Arc<str>, message: &Message) {
        if !message.mine && message.file.as_deref().is_some_and(is_small) {
            // Full: whoever wants it asks.
            let _ = self.0.try_send((room.clone(), message.id));
        }
    }
}

fn is_small(file: &Manifest) -> bool {
    let kind = Raster::of_name(&file.name);
    kind.is_some() && kind == Raster::of_media_type(&file.media_type) && file.size <= SMALL
}

#[cfg(test)]
mod tests {
    use shared::file::FileKey;

    use super::*;

    fn is(name: &str, media_type: &str, size: u64) -> bool {
        is_small(&Manifest {
            id: [1; 16],
            key: FileKey::from_bytes([2; 32]),
            size,
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            parts: [4; 32],
            preview: Vec::new(),
            duration_ms: 0,
        })
    }

    #[test]
    fn only_small_pictures_are_fetched_by_themselves() {
        assert!(is("cat.png", "image/png", SMALL) && is("cat.JPEG", "image/jpeg", 5));
        assert!(!is("cat.png", "image/png", SMALL + 1));
        for (name, media_type) in [
            ("cat.exe", "image/png"),
            ("cat", "image/png"),
            ("cat.jpg", "image/png"),
            ("cat.png", "application/pdf"),
            ("cat.png", ""),
            ("cat.svg", "image/svg+xml"),
            ("cat.png.lnk", "image/png"),
        ] {
            assert!(!is(name, media_type, 5), "{name} {media_type}");
        }
    }
}
