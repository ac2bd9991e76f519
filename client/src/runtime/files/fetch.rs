//! Fetches what rooms heard of, where somebody switched that on.

use std::sync::{Arc, Weak};

use shared::room::MessageId;
use tokio::sync::mpsc;

use crate::runtime::{Inner, Local};

/// Pictures that are fetched by themselves in one run: whoever sends more fills no disk.
const MOST: usize = 200;

pub(super) async fn run(rooms: Weak<Inner>, mut came: mpsc::Receiver<(Arc<str>, MessageId)>) {
    for _ in 0..MOST {
        let Some((room, message)) = came.recv().await else { return };
        let Some(local) = rooms.upgrade().map(Local) else { return };
        // What cannot be fetched now is left to whoever asks for it.
        let _ = local.get_picture(&room, message).await;
    }
}
