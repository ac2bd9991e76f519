//! What a room that ends does to its files under way, without knowing what these are.

use std::sync::Arc;

use proto::RoomId;

use crate::store::Store;

/// Files under way, as a room's task sees them.
pub(super) type Ending = Arc<dyn EndsWithRoom>;

/// What ends with its room.
pub(super) trait EndsWithRoom: Send + Sync {
    /// What is there of the room's unfinished files goes. Before the store forgets which these are.
    fn remove_parts(&self, store: &Store, room: RoomId);

    /// The room is over: its tasks look whether they are still to do anything. After the store has forgotten them.
    fn wake(&self, room: RoomId);
}
