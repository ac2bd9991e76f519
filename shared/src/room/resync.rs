//! The way back in, for a device whose leaf is still in the tree: it asks, any member answers with the slot's key, and
//! it enters by an external commit that replaces exactly its own old leaf.
//!
//! Request and answer are signed by leaf keys. The relay sees that a device asks, and nothing of the answer.

use prost::Message as _;
use proto::{
    access::KEYS_PER_CHANGE,
    relay::{AccessChange, ClientFrame, CommitPart, Deliver, GetSlot, Publish, Slot, client_frame},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    AlarmKind, Engine, Event, Millis,
    authority::Signer,
    out::RESYNC_AFTER_MS,
    state::{Pending, Phase},
};
use crate::{
    content,
    crypto::aead::{Envelope, EnvelopeSecret, OpeningKey, Origin, Scope, SealingKey, Session},
    crypto::suite::KemKey,
    identity::verifies,
    invite::{join_secret, slot},
    mls::group::{Applied, Group, GroupError},
};

/// Most bytes of a request or an answer.
const MAX_RESYNC: usize = 8 << 10;

/// Whoever sees a request waits a random time below this, in milliseconds, so that mostly one member answers.
const ELECTION_MS: u64 = 2_000;

/// Asked again after this long without an answer, in milliseconds.
const RETRY_MS: u64 = 60_000;

/// Requests that wait for an answer of ours; more are dropped, and made again by whoever needs them.
const MAX_REQUESTS: usize = 16;

/// A request that waits for an answer, ours or another's.
#[derive(Debug)]
pub(super) struct Waiting {
    key: Vec<u8>,
    hash: [u8; 32],
    kem_key: Vec<u8>,
    at: Millis,
}

impl Engine {
    /// What a device that is out does next. False when it waits.
    pub(super) fn find_back(&mut self, now: Millis) -> Result<(), GroupError> {
        if self.pending.as_ref().is_some_and(|pending| pending.returns) {
            self.publish_pending();
            return Ok(());
        }
        let random = self.profile.random.clone();
        let Some(out) = &mut self.meta.out else { return Ok(()) };
        if out.not_before == 0 {
            out.not_before = now + 1 + RESYNC_AFTER_MS + random.below(ELECTION_MS);
            self.dirty.meta = true;
        }
        if now < out.not_before {
            return Ok(());
        }
        out.not_before = now + RETRY_MS + random.below(ELECTION_MS);
        if out.cause != 0 && !out.request.is_empty() && out.slot_key.is_empty() {
            self.meta.vote = out.cause;
        }
        self.dirty.meta = true;
        if !out.slot_key.is_empty() {
            self.out
                .frames
                .push(ClientFrame { frame: Some(client_frame::Frame::GetSlot(GetSlot::default())) });
            // Asked for once: the next time a fresh answer is wanted.
            return Ok(());
        }
        self.request()
    }

    fn request(&mut self) -> Result<(), GroupError> {
        let random = &self.profile.random;
        let seed = Zeroizing::new(random.bytes::<32>());
        let pair = KemKey::from_seed(&seed).map_err(|_| GroupError::Unexpected)?;
        let Some(out) = &self.meta.out else { return Ok(()) };
        let mut request = content::ResyncRequest {
            access_key: self.own_key().to_vec().into(),
            kem_key: pair.public().to_vec().into(),
            epoch: out.epoch,
            seq: self.meta.cursor,
            running_hash: self.meta.running_hash.clone().into(),
            signature: Vec::new().into(),
        };
        let signature = self.sign_as_leaf(&request_statement(&self.room.0, &request))?;
        request.signature = signature.into();
        let id = random.bytes::<16>().to_vec();
        let encoded = request.encode_to_vec();
        if let Some(out) = &mut self.meta.out {
            (out.seed, out.request, out.publish_id) = (seed.to_vec(), encoded, id.clone());
        }
        self.publish_resync(id, content::resync::Body::Request(request));
        Ok(())
    }

    fn publish_resync(&mut self, id: Vec<u8>, body: content::resync::Body) {
        let resync = content::Resync { body: Some(body) }.encode_to_vec().into();
        self.publish(Publish { id: id.into(), resync, ..Publish::default() });
    }

    fn sign_as_leaf(&self, statement: &[u8]) -> Result<Vec<u8>, GroupError> {
        let secret: [u8; 32] =
            self.meta.leaf_secret.get(..32).and_then(|key| key.try_into().ok()).ok_or(GroupError::Damaged)?;
        let key = ed25519_dalek::SigningKey::from_bytes(&Zeroizing::new(secret));
        Ok(ed25519_dalek::Signer::sign(&key, statement).to_bytes().to_vec())
    }

    /// A request or an answer in the log. What is not signed by a leaf is nobody's.
    pub(super) fn resync(&mut self, entry: &Deliver, now: Millis) -> Result<(), GroupError> {
        if entry.resync.len() > MAX_RESYNC {
            return Ok(());
        }
        match content::Resync::decode(&*entry.resync).ok().and_then(|resync| resync.body) {
            Some(content::resync::Body::Request(request)) => self.asked(entry, &request, now),
            Some(content::resync::Body::Answer(answer)) => return self.answered_to_us(&answer, now),
            None => (),
        }
        Ok(())
    }

    fn asked(&mut self, entry: &Deliver, request: &content::ResyncRequest, now: Millis) {
        let Some(group) = &self.group else { return };
        let able = self.is_member() && self.meta.out.is_none() && *request.access_key != self.own_key();
        if !able || *entry.key != *request.access_key {
            return;
        }
        let Some(leaf_key) = group.leaf_key_of(&request.access_key) else { return };
        if !verifies(&leaf_key, &request_statement(&self.room.0, request), &request.signature) {
            return;
        }
        let (position, answered) = &self.link.answered;
        if *position == self.meta.position && answered.contains(&*request.access_key) {
            // Answered, and of no use: whoever committed last put rubbish into the slot. A commit brings another.
            self.meta.want_update = true;
            self.dirty.meta = true;
            self.elect();
            return;
        }
        let waiting = &mut self.link.requests;
        // One for each member: the latest.
        waiting.retain(|other| *other.key != *request.access_key);
        if waiting.len() >= MAX_REQUESTS {
            return;
        }
        let at = now + 1 + self.profile.random.below(ELECTION_MS);
        let (key, hash) = (request.access_key.to_vec(), hash(&request.encode_to_vec()));
        waiting.push(Waiting { key, hash, kem_key: request.kem_key.to_vec(), at });
    }

    /// Answers the first request whose time has come. False when there is none.
    pub(super) fn answer_due(&mut self, now: Millis) -> Result<bool, GroupError> {
        // Whoever has taken what is not confirmed may be wrong; whoever cannot take something, too.
        let able = self.meta.out.is_none() && self.meta.untaken.is_none();
        let Some(index) = self.link.requests.iter().position(|request| able && now >= request.at) else {
            return Ok(false);
        };
        let request = self.link.requests.swap_remove(index);
        // Whoever was removed since it asked gets nothing.
        let Some(group) = self.group.as_ref().filter(|group| group.leaf_of_key(&request.key).is_some())
        else {
            return Ok(false);
        };
        let random = self.profile.random.clone();
        let Ok((shared, ciphertext)) = KemKey::encapsulate(&random, &request.kem_key) else {
            return Ok(false);
        };
        let slot_key = group.slot_key()?;
        let state = content::ResyncState {
            epoch: group.epoch(),
            slot_key: slot_key.to_vec().into(),
            last_commit: self.meta.position,
        };
        let plain = Zeroizing::new(state.encode_to_vec());
        let mut key = SealingKey::new(
            &answer_secret(&shared, &request.hash),
            &self.answer_scope(),
            Session::random(&random),
        );
        let mut answer = content::ResyncAnswer {
            request: request.hash.to_vec().into(),
            leaf: group.leaf(),
            ciphertext: ciphertext.into(),
            envelope: key.seal(&plain).map_err(|_| GroupError::Unexpected)?.into(),
            signature: Vec::new().into(),
        };
        answer.signature = self.sign_as_leaf(&answer_statement(&self.room.0, &answer))?.into();
        self.was_answered(request.key);
        self.publish_resync(random.bytes::<16>().to_vec(), content::resync::Body::Answer(answer));
        Ok(true)
    }

    /// Several may be out at once, so all are remembered: only members ask.
    fn was_answered(&mut self, key: Vec<u8>) {
        let position = self.meta.position;
        let (at, keys) = &mut self.link.answered;
        if std::mem::replace(at, position) != position {
            keys.clear();
        }
        keys.insert(key);
    }

    pub(super) fn answer_wake(&self) -> Option<Millis> {
        let able = self.meta.out.is_none() && self.meta.untaken.is_none();
        self.link.requests.iter().filter(|_| able).map(|request| request.at).min()
    }

    fn answered_to_us(&mut self, answer: &content::ResyncAnswer, now: Millis) -> Result<(), GroupError> {
        if let Some(index) = self.link.requests.iter().position(|request| request.hash == *answer.request) {
            let request = self.link.requests.swap_remove(index);
            self.was_answered(request.key);
        }
        let Some(out) =
            self.meta.out.as_ref().filter(|out| !out.request.is_empty() && out.slot_key.is_empty())
        else {
            return Ok(());
        };
        if hash(&out.request) != *answer.request {
            return Ok(());
        }
        let (Some(group), Ok(seed)) = (&self.group, <[u8; 32]>::try_from(out.seed.as_slice())) else {
            return Ok(());
        };
        // Known from our own old tree: a leaf that came later proves nothing to us, and is asked for again.
        let statement = answer_statement(&self.room.0, answer);
        let known =
            group.leaf_key(answer.leaf).is_some_and(|key| verifies(&key, &statement, &answer.signature));
        if !known || answer.leaf == group.leaf() {
            return Ok(());
        }
        let Some(state) = self.open_answer(&Zeroizing::new(seed), answer) else { return Ok(()) };
        if state.epoch < out.epoch || state.slot_key.len() != 32 {
            return Ok(());
        }
        if let Some(out) = &mut self.meta.out {
            (out.slot_key, out.last_commit) = (state.slot_key.to_vec(), state.last_commit);
            out.not_before = now;
        }
        self.dirty.meta = true;
        Ok(())
    }

    fn open_answer(&self, seed: &[u8; 32], answer: &content::ResyncAnswer) -> Option<content::ResyncState> {
        let shared = KemKey::from_seed(seed).ok()?.decapsulate(&answer.ciphertext).ok()?;
        let envelope = Envelope::parse(&answer.envelope).ok()?;
        let secret = answer_secret(&shared, &answer.request);
        let plain =
            OpeningKey::new(&secret, &self.answer_scope(), envelope.session()).open(&envelope).ok()?;
        content::ResyncState::decode(plain.as_slice()).ok()
    }

    fn answer_scope(&self) -> Scope {
        Scope { room: self.room, epoch: 0, origin: Origin::Slot }
    }

    /// The slot came. Whatever is wrong with it, a fresh answer is asked for.
    pub(super) fn reenter(&mut self, found: &Slot, now: Millis) -> Result<(), GroupError> {
        let Some(out) = &mut self.meta.out else { return Ok(()) };
        let slot_key = Zeroizing::new(std::mem::take(&mut out.slot_key));
        out.not_before = now + RESYNC_AFTER_MS;
        self.dirty.meta = true;
        let Ok(slot_key) = <[u8; 32]>::try_from(slot_key.as_slice()).map(Zeroizing::new) else {
            return Ok(());
        };
        if self.pending.is_some() || found.last_commit != out.last_commit {
            return Ok(());
        }
        let (leaf, epoch) = (out.leaf, out.epoch);
        let Ok(info) = slot::open_as_member(&self.room, &slot_key, &found.sealed) else { return Ok(()) };
        let Some(old) = &self.group else { return Err(GroupError::Damaged) };
        let Some(own) = old.own_leaf() else { return Err(GroupError::Damaged) };
        let random = self.profile.random.clone();
        let suite = (self.suite(), &random);
        let built =
            Group::rejoin(suite, (&self.signer(), self.identity()), &self.room, &info, (leaf, &own), now);
        let (mut group, prepared) = match built {
            Ok(built) if built.0.epoch() > epoch => built,
            _ => {
                self.alarm(
                    AlarmKind::Rollback,
                    "The state of the room that this device was handed to come back is not newer than its own, or has not its \
                     seat; it was refused.",
                );
                return Ok(());
            }
        };
        let scope = Scope { room: self.room, epoch: 0, origin: Origin::Invite };
        let body = content::sealed::Body::KeyShare(prepared.message.into());
        let sealed = content::Sealed { body: Some(body), ..content::Sealed::default() }.encode_to_vec();
        let envelope = SealingKey::new(&join_secret(&slot_key), &scope, Session::random(&random))
            .seal(&sealed)
            .map_err(|_| GroupError::Unexpected)?;
        let next = &prepared.next;
        let invites = group.room()?.invites;
        let slot = slot::seal(&self.room, &invites, (&next.slot_key, &prepared.group_info), &random)
            .map_err(|_| GroupError::Unexpected)?;
        let mut part = CommitPart {
            expected_last_commit: found.last_commit,
            slot: slot.into(),
            access: Some(AccessChange::default()),
            authority: next.authority.to_vec().into(),
            ..CommitPart::default()
        };
        self.sign_part(self.access.public(), &envelope, &mut part, &Signer::Publisher(&self.access))?;
        let mut pending = Pending::default();
        pending.publish_id = random.bytes::<16>().to_vec();
        pending.envelope = envelope;
        pending.part = Some(part);
        pending.returns = true;
        pending.epoch = group.epoch();
        group.succeed(old, self.meta.position);
        self.group = Some(group);
        self.set_pending(Some(pending));
        Ok(())
    }

    /// Our return lost its race or was refused: the old group is what we have.
    pub(super) fn give_up_return(&mut self) -> Result<(), GroupError> {
        if !self.pending.as_ref().is_some_and(|pending| pending.returns) {
            return Ok(());
        }
        let position = self.meta.position;
        let Some(group) = &mut self.group else { return Ok(()) };
        group.to_base(position)?;
        group.keep_bases(&[]);
        self.set_pending(None);
        Ok(())
    }

    /// Our return is in the log.
    pub(super) fn came_back(&mut self, entry: &Deliver, now: Millis) -> Result<(), GroupError> {
        self.set_pending(None);
        self.link.commit_acked = 0;
        self.meta.out = None;
        self.meta.untaken = None;
        self.meta.vote = 0;
        (self.meta.offer, self.meta.joins) = (None, None);
        self.meta.confirmed = entry.base;
        let mut joins = super::state::StepRow::default();
        (joins.tip, joins.at) = (entry.seq, entry.at_ms);
        self.meta.joins = Some(joins);
        self.meta.position = entry.seq;
        self.meta.last_update = now;
        if let Some(group) = &mut self.group {
            group.keep_bases(&[]);
        }
        // Other numbers of epochs, other keys: nothing of before can be told from what is not ours.
        self.meta.epochs.clear();
        for id in std::mem::take(&mut self.windows).into_keys() {
            self.dirty.windows.insert(id);
        }
        for leaf in std::mem::take(&mut self.peers).into_keys() {
            self.dirty.peers.insert(leaf);
        }
        for item in self.outbox.iter_mut().filter(|item| !item.envelope.is_empty()) {
            item.envelope.clear();
            item.acked = 0;
            self.dirty.outbox.insert(item.counter);
        }
        self.new_epoch()?;
        let Some(group) = &self.group else { return Err(GroupError::Damaged) };
        self.meta.join_epoch = group.epoch();
        self.meta.unreadable_left = group.members()?.len() as u64;
        self.meta.join_seq = entry.seq;
        self.meta.disappear_s = group.room()?.disappear_s;
        self.refuse(
            "back",
            "This device follows the room again. What was said while it was out cannot be read here.",
            "Ask the others what you missed.",
        );
        if let Some(view) = self.view() {
            self.out.events.push(Event::Epoch(view));
        }
        debug_assert!(KEYS_PER_CHANGE > 0 && self.phase() == Phase::Member);
        Ok(())
    }

    /// Somebody's device came back.
    pub(super) fn returned(&mut self, applied: &Applied) {
        let Some(old) = applied.returned else { return };
        for leaf in [old, applied.leaf] {
            self.peers.remove(&leaf);
            self.dirty.peers.insert(leaf);
        }
        self.out.events.push(Event::DeviceBack(super::person(&applied.committer)));
    }
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn answer_secret(shared: &[u8], request: &[u8]) -> EnvelopeSecret {
    let secret = hkdf::Hkdf::<Sha256>::new(Some(b"schat/2 resync answer"), shared);
    let mut out = [0; 32];
    // 32 bytes are far below HKDF's limit of 255 blocks, so this cannot fail.
    let _ = secret.expand(request, &mut out);
    EnvelopeSecret::new(out)
}

fn request_statement(room: &[u8; 32], request: &content::ResyncRequest) -> Vec<u8> {
    let content::ResyncRequest { access_key, kem_key, epoch, seq, running_hash, .. } = request;
    let fields: [&[u8]; 5] = [access_key, kem_key, &epoch.to_be_bytes(), &seq.to_be_bytes(), running_hash];
    statement(b"schat/2 resync", room, &fields)
}

fn answer_statement(room: &[u8; 32], answer: &content::ResyncAnswer) -> Vec<u8> {
    let content::ResyncAnswer { request, leaf, ciphertext, envelope, .. } = answer;
    statement(b"schat/2 resync answer", room, &[request, &leaf.to_be_bytes(), ciphertext, envelope])
}

/// Each field with its length, so that no two lists have the same bytes.
fn statement(context: &[u8], room: &[u8; 32], fields: &[&[u8]]) -> Vec<u8> {
    let mut hashed = Sha256::new();
    for field in fields {
        hashed.update((field.len() as u64).to_be_bytes());
        hashed.update(field);
    }
    [context, room, &hashed.finalize()].concat()
}
