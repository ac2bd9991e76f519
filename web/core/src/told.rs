//! What a room tells, as JSON: each event with its place in the log.

use shared::room::{Event, Millis};

use crate::link;

/// Where an event belongs.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// The number of the entry that led to it, if one did.
    pub seq: Option<u64>,
    /// When that was appended; now, where none was.
    pub at: Millis,
}

/// One event. None for what is of no use outside.
pub(crate) fn event(event: Event, place: Place, host: &str, port: u16) -> Option<String> {
    let body = match event {
        Event::Invite { link, expires_ms, max_uses } => {
            let link = serde_json::to_string(&link::text(link, host, port)).ok()?;
            format!(r#"{{"Invite":{{"link":{link},"expires_ms":{expires_ms},"max_uses":{max_uses}}}}}"#)
        }
        Event::DeviceInvite { .. } | Event::DeviceHere { .. } => return None,
        other => serde_json::to_string(&other).ok()?,
    };
    let seq = place.seq.map_or_else(|| "null".to_owned(), |seq| seq.to_string());
    Some(format!(r#"{{"seq":{seq},"at":{},"what":{body}}}"#, place.at))
}
