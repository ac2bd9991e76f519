//! The small picture that goes along with a picture, made of what is sent.

use super::source::Source;

/// Of what is sent, which comes back; nothing where it is no picture, or this program was built without pictures.
#[cfg(feature = "pictures")]
pub(super) async fn of(source: Source) -> Option<(Vec<u8>, Source)> {
    use std::io::{BufReader, Cursor};

    use crate::picture::preview;

    let made = tokio::task::spawn_blocking(move || {
        let made = match &source {
            Source::File(file) => preview(BufReader::new(file)),
            Source::Memory(bytes) => preview(Cursor::new(&bytes[..])),
        };
        (made, source)
    });
    made.await.ok()
}

#[cfg(not(feature = "pictures"))]
#[allow(clippy::unused_async, reason = "as with pictures")]
pub(super) async fn of(source: Source) -> Option<(Vec<u8>, Source)> {
    Some((Vec::new(), source))
}
