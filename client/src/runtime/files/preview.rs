//! The small picture that goes along with a picture, made of what is sent.

use super::source::Source;

/// Of what is sent; nothing where it is no picture, or this program was built without pictures.
#[cfg(feature = "pictures")]
pub(super) async fn of(source: Source) -> Vec<u8> {
    use std::io::{BufReader, Cursor};

    use crate::picture::preview;

    let made = tokio::task::spawn_blocking(move || match source {
        Source::File(file) => preview(BufReader::new(file)),
        Source::Memory(bytes) => preview(Cursor::new(&bytes[..])),
    });
    made.await.unwrap_or_default()
}

#[cfg(not(feature = "pictures"))]
pub(super) async fn of(_: Source) -> Vec<u8> {
    Vec::new()
}
