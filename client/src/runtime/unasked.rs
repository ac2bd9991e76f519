//! Small pictures are fetched by themselves, where somebody switched that on: what rooms hear of, for whoever fetches.

use std::sync::Arc;

use shared::room::{Message, MessageId};
use tokio::sync::mpsc;

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
        if !message.mine && message.file.as_ref().is_some_and(|file| is_small(&file.media_type, file.size)) {
            // Full: whoever wants it asks.
            let _ = self.0.try_send((room.clone(), message.id));
        }
    }
}

/// What its sender says; what it is nobody looks at.
fn is_small(media_type: &str, size: u64) -> bool {
    media_type.starts_with("image/") && size <= SMALL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_small_pictures_are_fetched_by_themselves() {
        assert!(is_small("image/png", SMALL));
        assert!(!is_small("image/png", SMALL + 1) && !is_small("application/pdf", 5) && !is_small("", 5));
    }
}
