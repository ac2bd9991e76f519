//! Somebody who talks.

use std::ops::RangeInclusive;

use client::runtime::{Event, RoomEvent};
use shared::room::Event as Engine;

use crate::{ROOM, support::Person};

/// Given to the engine ahead of what the relay has acknowledged: what keeps one device busy.
const AHEAD: u64 = 16;

/// Says `line N` for each of them, until the relay has the last one on its disk.
pub(crate) async fn say(ann: &mut Person, mut lines: RangeInclusive<u64>) {
    let mut open = 0;
    loop {
        while open < AHEAD {
            let Some(line) = lines.next() else { break };
            ann.say(ROOM, &line.to_string(), &format!("line {line}")).await;
            open += 1;
        }
        if open == 0 {
            return;
        }
        let event = ann.events.recv().await.unwrap();
        if matches!(event, Event::Room { event: RoomEvent::Engine(Engine::Sent { .. }), .. }) {
            open -= 1;
        }
    }
}
