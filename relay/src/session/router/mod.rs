//! Decides what a frame leads to. No socket, no disk, no clock: frames and the time go in, commands
//! come out, and the caller carries them out.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use proto::{PublicKey, PublishId, RoomId, relay::refused::Code};

mod deliveries;

use self::deliveries::Deliveries;
use crate::{
    log::Publish,
    policy::{
        addresses::AddressQuota,
        limits::{Limits, MEMORY_RETRY, PUBLISH_KIB, REFUSED_FRAMES, Rate},
        quota::{Over, Quota},
        reason::Reason,
        refusal::Limit,
    },
    session::request::{Invalid, Request},
};

/// Who is online, and how much each has left to spend.
///
/// `H` is the caller's handle of a stream. There are as many sessions as joined streams, which the QUIC
/// limits bound; the quotas are bounded by themselves.
#[derive(Debug)]
pub struct Router<H> {
    rooms: HashMap<RoomId, HashMap<PublicKey, (SessionId, H)>>,
    next: u64,
    publish: Quota<Spender>,
    room: Quota<RoomId>,
    /// Of each address that uses it, so that nobody who has a link keeps others from joining by it.
    invite: AddressQuota<Spender>,
    /// In KiB.
    address: AddressQuota,
    published: Deliveries,
    signalled: Deliveries,
    refused: Quota<(RoomId, PublicKey, Option<SessionId>)>,
    /// Publishes that are in the log already cost nothing, and what is over its quota is looked up, at most this often: a
    /// flood must not become a flood of reads or of answers.
    look_ups: Quota<(RoomId, PublicKey)>,
    ephemeral: Quota<(RoomId, PublicKey)>,
    max_message: usize,
    /// Noes in rooms where a member is online, since the first of them came.
    noes: HashMap<RoomId, u64>,
}

/// A key in a room.
type Spender = (RoomId, PublicKey);

/// One joined stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The room.
    pub room: RoomId,
    /// The access key that joined.
    pub key: PublicKey,
    /// Whether it is a member's.
    pub member: bool,
    /// The address that pays for what it publishes.
    payer: IpAddr,
    id: SessionId,
}

/// Tells streams of the same key apart: the greater one is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct SessionId(u64);

/// What to do about a frame.
#[derive(Debug)]
pub enum Action {
    /// Append it and answer.
    Append(Publish),
    /// Over its quota. If it is in the log already, answer that; else refuse it.
    AnswerIfStored(Publish, Refusal),
    /// Send the newest slot, or the last confirmed one (`true`).
    SendSlot(bool),
    /// Send the signal to the others in the room, if the sender still has access.
    FanOut(Bytes),
    /// Tell the client no; the stream goes on.
    Refuse(Refusal),
    /// Tell the client no and end the stream.
    End(Refusal),
    /// Over this limit and dropped without a word: nobody waits for an answer to a signal.
    Drop(Limit),
}

/// A no, as the client hears it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The publish's id; empty when it was none.
    pub id: Bytes,
    /// Why.
    pub code: Code,
    /// When to try again, if that would help.
    pub retry_after: Duration,
    /// For a conflict: where the last commit is.
    pub last_commit: u64,
    /// For a conflict: where the last confirmed one is.
    pub confirmed: u64,
    /// The limit that was in the way, if one was.
    pub limit: Option<Limit>,
    /// What the operator says of a room that is frozen or dropped.
    pub words: Reason,
}

impl<H: Clone> Router<H> {
    /// Nobody is online.
    pub fn new(limits: &Limits) -> Self {
        Self {
            rooms: HashMap::new(),
            next: 0,
            publish: Quota::new(limits.publish),
            room: Quota::new(limits.room_publish),
            invite: AddressQuota::new(limits.invite),
            address: AddressQuota::new(limits.address_publish),
            published: Deliveries::new(limits.deliveries),
            signalled: Deliveries::new(limits.deliveries.quarter()),
            refused: Quota::new(REFUSED_FRAMES),
            look_ups: Quota::new(look_ups(limits)),
            ephemeral: Quota::new(limits.ephemeral),
            max_message: limits.max_message,
            noes: HashMap::new(),
        }
    }

    /// Other limits from now on.
    pub fn reload(&mut self, limits: &Limits) {
        self.publish.set_rate(limits.publish);
        self.room.set_rate(limits.room_publish);
        self.invite.set_rate(limits.invite);
        self.address.set_rate(limits.address_publish);
        self.published.set_rate(limits.deliveries);
        self.signalled.set_rate(limits.deliveries.quarter());
        self.look_ups.set_rate(look_ups(limits));
        self.ephemeral.set_rate(limits.ephemeral);
        self.max_message = limits.max_message;
    }

    /// Registers a stream whose key was verified. For a member, returns the older stream of the same key,
    /// which from now on may do nothing. Any number of streams may share an invite key.
    pub fn join(
        &mut self,
        payer: IpAddr,
        room: RoomId,
        key: PublicKey,
        member: bool,
        handle: H,
    ) -> (Session, Option<H>) {
        self.next += 1;
        let id = SessionId(self.next);
        let older = member.then(|| self.rooms.entry(room).or_default().insert(key, (id, handle)));
        (Session { room, key, member, payer, id }, older.flatten().map(|(_, handle)| handle))
    }

    /// Ends a session. Does nothing if a newer stream of the same key took its place.
    pub fn leave(&mut self, session: &Session) {
        let Some(members) = self.rooms.get_mut(&session.room) else { return };
        if members.get(&session.key).is_some_and(|(id, _)| *id == session.id) {
            members.remove(&session.key);
        }
        if members.is_empty() {
            self.rooms.remove(&session.room);
            self.noes.remove(&session.room);
        }
    }

    /// Somebody in a room was told no.
    pub fn count_no(&mut self, room: &RoomId) {
        if self.rooms.contains_key(room) {
            *self.noes.entry(*room).or_default() += 1;
        }
    }

    /// Members of a room that are online, and the noes of theirs.
    pub fn sessions(&self, room: &RoomId) -> (usize, u64) {
        let sessions = self.rooms.get(room).map_or(0, HashMap::len);
        (sessions, self.noes.get(room).copied().unwrap_or(0))
    }

    /// What to do about a frame that came at `now`. It was parsed before: commits are hashed there, and everybody waits
    /// for the router.
    pub fn handle(&mut self, session: &Session, request: Result<Request, Invalid>, now: Instant) -> Action {
        if !self.is_current(session) {
            return Action::End(Refusal::of(Code::Superseded));
        }
        match self.judge(session, request, now) {
            Action::Refuse(refusal) => self.refuse(session, refusal, now),
            command => command,
        }
    }

    /// There was no memory for a publish, which was read past.
    pub(crate) fn no_memory(&mut self, session: &Session, id: PublishId, now: Instant) -> Action {
        let id = Bytes::copy_from_slice(id.as_bytes());
        self.refuse(session, Refusal { id, ..Refusal::no_memory() }, now)
    }

    /// A no costs the relay an answer: whoever goes on and on is shown out.
    fn refuse(&mut self, session: &Session, refusal: Refusal, now: Instant) -> Action {
        // Many share an invite's key, and none of them pays for another.
        let stream = (!session.member).then_some(session.id);
        match self.refused.take((session.room, session.key, stream), now) {
            Ok(()) => Action::Refuse(refusal),
            Err(over) => {
                Action::End(Refusal { id: refusal.id, ..Refusal::over(Limit::RefusedFrames).after(&over) })
            }
        }
    }

    fn judge(&mut self, session: &Session, request: Result<Request, Invalid>, now: Instant) -> Action {
        match request {
            Ok(Request::Publish(publish)) => self.publish(session, publish, now),
            Ok(Request::Ephemeral(signal)) => self.ephemeral(session, signal, now),
            Ok(Request::GetSlot { confirmed }) => match self.spend(session, None, now) {
                Ok(()) => Action::SendSlot(confirmed),
                Err(refusal) => Action::Refuse(refusal),
            },
            // The first frame of a stream was the Join; a second one has no meaning, and files have streams of their own.
            Ok(
                Request::Join(_)
                | Request::BlobOpen(_)
                | Request::BlobGet(_)
                | Request::BlobDrop(_)
                | Request::BlobPart(_),
            ) => Action::End(Refusal::of(Code::Malformed)),
            Err(Invalid { id, code: Code::TooLarge }) => {
                Action::Refuse(Refusal { id, ..Refusal::over(Limit::MessageSize) })
            }
            Err(Invalid { id, code }) => Action::Refuse(Refusal { id, ..Refusal::of(code) }),
        }
    }

    /// Returns what a publish cost: it turned out to be in the log already. As with those that are looked up, this is for
    /// a client that lost its answers, not for one that repeats itself without end.
    pub fn refund(&mut self, session: &Session, now: Instant) {
        if self.look_ups.take((session.room, session.key), now).is_err() {
            return;
        }
        self.refund_own(session);
        self.room.refund(&session.room);
        let readers = self.readers(&session.room);
        self.published.refund(&session.room, &session.payer, readers);
    }

    /// Whether no newer stream of the same key has taken its place.
    pub fn is_current(&self, session: &Session) -> bool {
        let registered = || self.rooms.get(&session.room)?.get(&session.key);
        !session.member || registered().is_some_and(|(id, _)| *id == session.id)
    }

    /// Members online, all rooms together.
    pub fn online(&self) -> usize {
        self.rooms.values().map(HashMap::len).sum()
    }

    fn publish(&mut self, session: &Session, publish: Publish, now: Instant) -> Action {
        if publish.commit.is_none() && publish.envelope.len() > self.max_message {
            return Action::Refuse(Refusal::over(Limit::MessageSize).about(&publish));
        }
        match self.spend(session, Some(&publish), now) {
            Ok(()) => Action::Append(publish),
            Err(refusal) => {
                let refusal = refusal.about(&publish);
                match self.look_ups.take((session.room, session.key), now) {
                    Ok(()) => Action::AnswerIfStored(publish, refusal),
                    Err(_) => Action::Refuse(refusal),
                }
            }
        }
    }

    fn ephemeral(&mut self, session: &Session, signal: Bytes, now: Instant) -> Action {
        if !session.member {
            return Action::Refuse(Refusal::of(Code::NotAllowed));
        }
        if self.ephemeral.take((session.room, session.key), now).is_err() {
            return Action::Drop(Limit::EphemeralRate);
        }
        let readers = self.readers(&session.room);
        if self.signalled.take(session.room, session.payer, readers, now).is_err() {
            return Action::Drop(Limit::Deliveries);
        }
        Action::FanOut(signal)
    }

    /// Takes one from the key's bucket, one from the room's, so many deliveries as there are readers and so many bytes from
    /// the address's, or nothing from any. The bytes are not given back: what comes twice was carried twice. What is no
    /// publish is delivered to nobody.
    fn spend(&mut self, session: &Session, publish: Option<&Publish>, now: Instant) -> Result<(), Refusal> {
        let own = if session.member { Limit::MemberRate } else { Limit::InviteRate };
        let over = |limit| move |over: Over| Refusal::over(limit).after(&over);
        self.take_own(session, now).map_err(over(own))?;
        self.room.take(session.room, now).map_err(over(Limit::RoomRate)).inspect_err(|_| {
            self.refund_own(session);
        })?;
        let readers = publish.map_or(0, |_| self.readers(&session.room));
        let delivered = self.published.take(session.room, session.payer, readers, now);
        delivered.map_err(over(Limit::Deliveries)).inspect_err(|_| {
            self.refund_own(session);
            self.room.refund(&session.room);
        })?;
        let bytes = publish.map_or(0, Publish::size);
        let kib = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX).max(PUBLISH_KIB);
        self.address.take_many(session.payer, kib, now).map_err(over(Limit::AddressRate)).inspect_err(|_| {
            self.refund_own(session);
            self.room.refund(&session.room);
            self.published.refund(&session.room, &session.payer, readers);
        })
    }

    /// Members online in a room: whoever of them says something is told of it as well.
    fn readers(&self, room: &RoomId) -> u32 {
        let readers = self.rooms.get(room).map_or(0, HashMap::len);
        u32::try_from(readers).unwrap_or(u32::MAX)
    }

    /// Takes one from the key's own bucket.
    fn take_own(&mut self, session: &Session, now: Instant) -> Result<(), Over> {
        let spender = (session.room, session.key);
        match session.member {
            true => self.publish.take(spender, now),
            false => self.invite.take_of(spender, session.payer, 1, now),
        }
    }

    fn refund_own(&mut self, session: &Session) {
        let spender = (session.room, session.key);
        match session.member {
            true => self.publish.refund(&spender),
            false => self.invite.refund_of(spender, session.payer, 1),
        }
    }
}

/// Four times what a member may publish: a client sends again what it has no answer to, one by one.
fn look_ups(limits: &Limits) -> Rate {
    let Rate { burst, interval } = limits.publish;
    Rate { burst: burst.saturating_mul(4), interval: interval / 4 }
}

impl Refusal {
    /// A no that names no publish.
    pub fn of(code: Code) -> Self {
        Self {
            id: Bytes::new(),
            code,
            retry_after: Duration::ZERO,
            last_commit: 0,
            confirmed: 0,
            limit: None,
            words: Reason::default(),
        }
    }

    /// A no of the operator's.
    pub fn by_operator(code: Code, words: Reason) -> Self {
        Self { words, ..Self::of(code) }
    }

    /// A no because of a limit.
    pub fn over(limit: Limit) -> Self {
        Self { limit: Some(limit), ..Self::of(limit.code()) }
    }

    /// A no because others need the memory: it is free again soon.
    pub(crate) fn no_memory() -> Self {
        Self { retry_after: MEMORY_RETRY, ..Self::over(Limit::SlowFrame) }
    }

    /// The same about a publish.
    pub fn about(self, publish: &Publish) -> Self {
        Self { id: Bytes::copy_from_slice(publish.id.as_bytes()), ..self }
    }

    /// The same with the time to wait.
    pub fn after(self, over: &Over) -> Self {
        Self { retry_after: over.retry_after, ..self }
    }
}

#[cfg(test)]
mod tests;
