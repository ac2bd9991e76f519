//! What a transaction did that readers have to learn, once it is on the disk.

use std::collections::HashMap;

use proto::{PublicKey, RoomId};

/// Keys of one loss that are remembered by name; more are taken for everybody.
const NAMED: usize = 32;

/// Who may have lost the right to read, or got it back.
#[derive(Clone, Debug)]
pub enum Loss {
    /// These keys.
    Keys(Vec<PublicKey>),
    /// It is not known: everybody has to be looked up.
    Anybody,
}

/// By room. Thrown away with a transaction that is.
#[derive(Debug, Default)]
pub(crate) struct News {
    rooms: HashMap<RoomId, RoomNews>,
}

/// What happened to one room.
#[derive(Debug, Default)]
pub(crate) struct RoomNews {
    pub(super) entries: Vec<Written>,
    pub(super) losses: Vec<Loss>,
    pub(super) ended: bool,
}

/// An entry as it was written.
#[derive(Debug)]
pub(super) struct Written {
    pub seq: u64,
    /// Ends with the encoded `Deliver`.
    pub row: Vec<u8>,
    /// Where that begins.
    pub at: usize,
    /// Bytes of its envelope.
    pub envelope: u64,
}

impl Loss {
    pub(super) fn may_be(&self, key: &PublicKey) -> bool {
        match self {
            Self::Keys(keys) => keys.contains(key),
            Self::Anybody => true,
        }
    }
}

impl News {
    /// An entry was appended: its row and where in it the `Deliver` begins, and the bytes of its envelope.
    pub(crate) fn wrote(&mut self, room: &RoomId, seq: u64, (row, at): (Vec<u8>, usize), envelope: usize) {
        let entry = Written { seq, row, at, envelope: envelope as u64 };
        self.of(room).entries.push(entry);
    }

    /// Somebody may have lost the right to read, or got it back. Whatever does that has to say so here.
    pub(crate) fn lost(&mut self, room: &RoomId, loss: Loss) {
        let loss = match loss {
            Loss::Keys(keys) if keys.is_empty() => return,
            Loss::Keys(keys) if keys.len() > NAMED => Loss::Anybody,
            loss => loss,
        };
        self.of(room).losses.push(loss);
    }

    /// The room is no more.
    pub(crate) fn ended(&mut self, room: &RoomId) {
        self.of(room).ended = true;
    }

    /// A transaction failed, and nobody knows what of it is on the disk.
    pub(crate) fn unsure(rooms: Vec<RoomId>) -> Self {
        let mut news = Self::default();
        rooms.into_iter().for_each(|room| news.lost(&room, Loss::Anybody));
        news
    }

    /// The entries that were appended, those of a room in their order: room, sequence number and row.
    pub(crate) fn written(&self) -> impl Iterator<Item = (&RoomId, u64, &[u8])> {
        let entries = |(room, news)| RoomNews::written(news).map(move |(seq, row)| (room, seq, row));
        self.rooms.iter().flat_map(entries)
    }

    pub(super) fn into_rooms(self) -> HashMap<RoomId, RoomNews> {
        self.rooms
    }

    fn of(&mut self, room: &RoomId) -> &mut RoomNews {
        self.rooms.entry(*room).or_default()
    }
}

impl RoomNews {
    fn written(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.entries.iter().map(|entry| (entry.seq, entry.row.as_slice()))
    }

    pub(super) fn is_end(&self) -> bool {
        self.ended
    }
}
