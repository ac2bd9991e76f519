//! Doing something while events are taken: a room waits for whoever does not read them, and what is done may wait for a room.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use crate::runtime::Event;

/// Events that are kept at most while one thing is done: what some rooms tell at once, of messages that are still to be sent, say.
/// Full: the rooms wait until it is done.
const MOST: usize = 16 << 10;

/// Does something, and keeps what comes meanwhile.
pub(crate) async fn meanwhile<T>(
    events: &mut mpsc::Receiver<Event>,
    seen: &mut VecDeque<Event>,
    work: impl Future<Output = T>,
) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            Some(event) = events.recv(), if seen.len() < MOST => seen.push_back(event),
        }
    }
}

/// The next event: of those that were kept, or as it comes.
pub(crate) async fn next(seen: &mut VecDeque<Event>, events: &mut mpsc::Receiver<Event>) -> Option<Event> {
    match seen.pop_front() {
        Some(event) => Some(event),
        None => events.recv().await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{sync::oneshot, time::timeout};

    use super::*;
    use crate::runtime::RelayState;

    #[tokio::test]
    async fn room_that_tells_more_than_may_wait_takes_what_it_is_asked() {
        let (room, mut events) = mpsc::channel(2);
        let (reply, answer) = oneshot::channel();
        tokio::spawn(async move {
            for number in 0..10 {
                let event = Event::Relay { relay: number.to_string(), state: RelayState::Connecting };
                room.send(event).await.unwrap();
            }
            reply.send(()).unwrap();
        });
        let mut seen = VecDeque::new();
        let asking = meanwhile(&mut events, &mut seen, answer);
        // So that it fails instead of never ending.
        timeout(Duration::from_secs(60), asking).await.expect("it is answered").unwrap();
        for number in 0..10 {
            let event = next(&mut seen, &mut events).await;
            assert!(matches!(event, Some(Event::Relay { relay, .. }) if relay == number.to_string()));
        }
        assert!(next(&mut seen, &mut events).await.is_none());
    }
}
