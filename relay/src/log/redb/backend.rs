//! The trait: what writes is queued for the writer, what reads takes a snapshot.

use std::{sync::PoisonError, time::Instant};

use bytes::Bytes;
use proto::{PublicKey, RoomId};
use tokio::sync::oneshot;

use super::{Redb, access::GENERATION, overview, reader, tokens, writer::Job};
use crate::{
    log::{
        Answer, Appended, Author, Backend, Batch, CreateError, Feed, Measured, Opening, Overview, Publish,
        Revoked, RoomSummary, Slot, Ticket, TokenChange, TokenError, Unavailable, View, entry,
    },
    policy::token::{Right, TokenRecord},
};
impl Backend for Redb {
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

    fn rooms(
        &self,
        after: Option<RoomId>,
        count: usize,
    ) -> Answer<'_, Result<Vec<RoomSummary>, Unavailable>> {
        self.read_with(move |transaction| overview::rooms(transaction, after, count))
    }

    fn overview(&self) -> Answer<'_, Result<Overview, Unavailable>> {
        let store = self.store.clone();
        Box::pin(async move {
            let overview = self.read_with(overview::overview).await?;
            Ok(Overview { file_bytes: store.file_bytes().unwrap_or(0), ..overview })
        })
    }

    fn drop_room(&self, room: RoomId) -> Answer<'_, Result<bool, Unavailable>> {
        Box::pin(async move {
            let (answer, dropped) = oneshot::channel();
            let _ = self.queue(Job::Drop { room, answer }).await;
            let existed = dropped.await.unwrap_or(Err(Unavailable))?;
            self.sweep().await;
            Ok(existed)
        })
    }

    fn tokens(&self) -> Answer<'_, Result<Vec<TokenRecord>, Unavailable>> {
        self.read_with(tokens::list)
    }

    fn change_tokens(&self, change: TokenChange) -> Answer<'_, Result<Option<Revoked>, TokenError>> {
        Box::pin(async move {
            let (answer, changed) = oneshot::channel();
            let _ = self.queue(Job::Tokens { change, answer }).await;
            changed.await.unwrap_or(Err(TokenError::Unavailable))
        })
    }

    fn follow(&self, room: RoomId) -> Feed {
        self.visits.note([room], Instant::now());
        self.feeds.follow(room)
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.jobs.close();
            let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
            let store = self.store.clone();
            let closed = tokio::task::spawn_blocking(move || {
                // The writer ends when its queue is empty and nobody can add to it.
                let ended = writer.is_none_or(|writer| writer.join().is_ok());
                store.close();
                ended
            });
            if !closed.await.unwrap_or(false) {
                tracing::error!("the writer thread failed");
            }
        })
    }
}
