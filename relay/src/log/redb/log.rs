//! The log: what writes is queued for the writer, what reads takes a snapshot.

use std::time::Instant;

use bytes::Bytes;
use proto::{PublicKey, RoomId};
use tokio::sync::oneshot;

use super::{Redb, access::GENERATION, opener::Opener, openers, reader, writer::Job};
use crate::{
    log::{
        Answer, Appended, Author, Batch, CreateError, Feed, Log, Measured, Opening, Publish, Slot, Ticket,
        Unavailable, View, publish::entry,
    },
    policy::{reason::Reason, token::Right},
};

impl Log for Redb {
    fn create(
        &self,
        room: RoomId,
        opening: Opening,
        right: Right,
        now_ms: u64,
    ) -> Answer<'_, Result<(), CreateError>> {
        Box::pin(async move {
            let (answer, created) = oneshot::channel();
            let mut generation = [0; GENERATION];
            // Without randomness there is no TLS either: nobody gets here.
            aws_lc_rs::rand::fill(&mut generation).map_err(|_| CreateError::Closed)?;
            let _ = self.queue(Job::Create { room, opening, right, now_ms, generation, answer }).await;
            created.await.unwrap_or(Err(CreateError::Closed))
        })
    }

    fn append(&self, author: Author, publish: Publish) -> Answer<'_, Ticket> {
        self.queue_publish(author, publish)
    }

    fn append_commit(&self, author: Author, publish: Publish) -> Answer<'_, Ticket> {
        self.queue_publish(author, publish)
    }

    fn published(
        &self,
        author: Author,
        publish: &Publish,
    ) -> Answer<'_, Result<Option<Appended>, Unavailable>> {
        let (id, expected) = (publish.id, entry(&author.key, publish, 0, 0));
        self.read_with(move |transaction| reader::published(transaction, &author, &id, expected))
    }

    fn read(
        &self,
        reader: Author,
        after: u64,
        room_for: usize,
    ) -> Answer<'_, Result<Measured<Batch>, Unavailable>> {
        self.read_with(move |transaction| reader::read(transaction, &reader, after, room_for))
    }

    fn view(&self, reader: Author) -> Answer<'_, Result<Option<View>, Unavailable>> {
        self.read_with(move |transaction| reader::view(transaction, &reader))
    }

    fn dropped(&self, room: RoomId) -> Answer<'_, Result<Option<Reason>, Unavailable>> {
        self.read_with(move |transaction| reader::dropped(transaction, &room))
    }

    fn room_of(&self, invite: PublicKey) -> Answer<'_, Result<Option<RoomId>, Unavailable>> {
        self.read_with(move |transaction| reader::room_of(transaction, &invite))
    }

    fn access(&self, room: RoomId) -> Answer<'_, Result<Bytes, Unavailable>> {
        self.read_with(move |transaction| reader::access(transaction, &room))
    }

    fn slot(
        &self,
        room: RoomId,
        confirmed: bool,
        room_for: usize,
    ) -> Answer<'_, Result<Option<Measured<Slot>>, Unavailable>> {
        self.read_with(move |transaction| reader::slot(transaction, &room, confirmed, room_for))
    }

    fn opener(&self, room: RoomId) -> Answer<'_, Result<Option<Opener>, Unavailable>> {
        self.read_with(move |transaction| openers::of_room(transaction, &room))
    }

    fn note_company(&self, room: RoomId) {
        self.visits.note_company(room);
    }

    fn follow(&self, room: RoomId) -> Feed {
        self.visits.note([room], Instant::now());
        self.feeds.follow(room)
    }
}
