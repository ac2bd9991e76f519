//! A room's stream: opened, written, given up.

use std::time::Duration;

use proto::{
    Token,
    relay::{ClientFrame, RelayFrame},
};
use shared::room::Input;
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::Room;
use crate::{
    runtime::{RoomEvent, link::LinkState},
    store::{StoreError, Where},
    transport::{RoomStream, StreamError},
};

/// A relay that lets no further stream be opened within this time, in seconds, is as good as gone.
const OPEN_S: u64 = 10;

/// A stream that held for this long was a success: the next failure waits the first time again.
const STABLE: Duration = Duration::from_secs(10);

impl Room {
    pub(super) async fn connect(&mut self) {
        let state = self.link.borrow_and_update().clone();
        let LinkState::Up(connection, _) = state else { return };
        let opened = timeout(Duration::from_secs(OPEN_S), RoomStream::open(&connection)).await;
        let Ok(Ok(stream)) = opened else {
            self.not_before = Instant::now() + self.backoff.next(&self.profile.random);
            return;
        };
        let token = match self.token().await {
            Ok(token) => token,
            Err(error) => {
                self.not_before = Instant::now() + self.backoff.next(&self.profile.random);
                return self.show(RoomEvent::Failed(error.into())).await;
            }
        };
        let pin = self.relay_pin().await;
        debug!("stream open");
        self.since = Instant::now();
        let binding = stream.binding();
        self.stream = Some(stream);
        let _ = self.apply(vec![Input::Connected { binding, token, pin }]).await;
        self.tell_devices_again();
    }

    /// The right to open rooms at this room's relay. Our own asks for none.
    async fn token(&self) -> Result<Option<Token>, StoreError> {
        let Where::Relay { address, .. } = self.record.place.clone() else { return Ok(None) };
        self.vault.run(move |store| store.token(&address)).await
    }

    pub(super) async fn frames(&mut self, frames: Vec<RelayFrame>) {
        if let Some(tap) = &self.tap {
            for frame in &frames {
                // The tap's own documentation says that it may miss some.
                let _ = tap.try_send(frame.clone());
            }
        }
        let _ = self.apply(frames.into_iter().map(Input::Frame).collect()).await;
    }

    pub(super) async fn send(&mut self, frames: &[ClientFrame]) {
        let Some(stream) = &mut self.stream else { return };
        if frames.iter().any(|frame| stream.queue(frame).is_err()) {
            self.stream = None;
            self.not_before = Instant::now() + self.backoff.next(&self.profile.random);
        }
    }

    /// The stream is gone. `pause`: wait before the next one.
    pub(super) fn drop_stream(&mut self, pause: bool) {
        if let Some(stream) = self.stream.take() {
            debug!(pause, held_ms = u64::try_from(self.since.elapsed().as_millis()).ok(), "stream ends");
            tokio::spawn(timeout(Duration::from_secs(1), stream.finish()));
        }
        if self.since.elapsed() > STABLE {
            self.backoff.reset();
        }
        if pause {
            self.not_before = Instant::now() + self.backoff.next(&self.profile.random);
        }
    }

    /// The same, and the engine learns of it.
    pub(super) async fn hang_up(&mut self, pause: bool) {
        self.drop_stream(pause);
        let _ = self.apply(vec![Input::Disconnected]).await;
    }
}

/// Waits for ever without a stream.
pub(in crate::runtime) async fn drive(
    stream: &mut Option<RoomStream>,
) -> Result<Vec<RelayFrame>, StreamError> {
    match stream {
        Some(stream) => stream.drive().await,
        None => std::future::pending().await,
    }
}
