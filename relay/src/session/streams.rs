//! What the streams of one connection have come to, and the places that they take.

use tokio::sync::watch;

use crate::session::join_gate::JoinGate;

/// What the streams of a connection have come to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Streams {
    /// One of them has joined a room.
    pub have_joined: bool,
    /// How many have opened a room.
    pub opened: u32,
    /// When the next one is taken.
    pub gate: JoinGate,
    /// How many carry a file.
    pub transfers: u32,
    /// How many are a room's.
    pub rooms: u32,
}

/// What a stream counts as.
type Count = fn(&mut Streams) -> &mut u32;

/// One of the places that a connection has for something, until it is dropped.
pub(crate) struct StreamPermit<'a> {
    streams: &'a watch::Sender<Streams>,
    count: Count,
}

impl<'a> StreamPermit<'a> {
    /// Takes one of so many, if one is free.
    pub(crate) fn take(streams: &'a watch::Sender<Streams>, count: Count, most: u32) -> Option<Self> {
        let took = streams.send_if_modified(|streams| {
            let taken = count(streams);
            let is_free = *taken < most;
            *taken += u32::from(is_free);
            is_free
        });
        // Lazily: one that is made is given back.
        took.then(|| Self { streams, count })
    }
}

impl Drop for StreamPermit<'_> {
    fn drop(&mut self) {
        self.streams.send_modify(|streams| *(self.count)(streams) -= 1);
    }
}
