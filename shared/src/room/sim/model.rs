//! A relay in memory, to hold engines against: the same rules about access as the relay's own, around them as little as
//! can be.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proto::{
    PieceName, PublicKey, RoomId,
    access::{self, Change, CommitName, CommitParts, Ed25519, Memory, Refusal, Rows as _, Standing, Verify},
    join_pieces, piece_name,
    relay::{
        AccessKey, ClientFrame, CommitPart, Deliver, Ephemeral, Frozen, Join, Joined, Publish, Published,
        Refused, RelayFrame, Slot, access_key::Kind, client_frame, refused::Code, relay_frame::Frame,
    },
    slot_hash, split_names, split_pieces,
};

use crate::invite::slot;

/// One room and its streams.
#[derive(Clone, Default)]
pub(crate) struct ModelRelay {
    pub exists: bool,
    pub log: Vec<Deliver>,
    pub access: Option<Memory>,
    pub room: Option<RoomId>,
    pub generation: [u8; 16],
    pub slots: BTreeMap<u64, KeptSlot>,
    pub pieces: BTreeMap<PieceName, Bytes>,
    /// As the rules say after each publish: the newest commit, its slot, and the keys that have access.
    pub last_commit: u64,
    pub slot: Slot,
    /// Of so many commits it says that pieces are missing, whether or not they are; and how often it said so.
    pub loses_pieces: usize,
    pub lost: usize,
    /// Bytes of slots and pieces that commits brought, by sequence number.
    pub brought: BTreeMap<u64, usize>,
    pub keys: BTreeMap<Vec<u8>, (AccessKey, u32)>,
    pub ids: BTreeMap<Vec<u8>, u64>,
    pub now: u64,
    /// Entries of before are not kept any more.
    pub oldest: u64,
    /// It tells nobody who may do what.
    pub keeps_ledger: bool,
    /// Access keys that the room may have, if not as many as it likes.
    pub max_keys: Option<u64>,
    /// Its clock stands still.
    pub frozen: Option<u64>,
    /// The operator froze the room, or whoever opens it, with these words.
    pub stopped: Option<String>,
    /// It says so only where something is published.
    pub hides_it: bool,
    /// The operator dropped the room, with these words.
    pub dropped: Option<String>,
    /// Its clock was ahead once, and the log is: no entry is of before.
    pub ahead: u64,
    /// The one token that may open the room, if one is asked for, and what is said to others.
    pub asks: Option<(Vec<u8>, Code)>,
    /// By client: its key and how far it was read to.
    pub streams: BTreeMap<usize, (Vec<u8>, u64)>,
    /// Clients whose streams ended.
    pub ended: BTreeSet<usize>,
    /// Signals to fan out, and whose.
    pub signals: Vec<(usize, Ephemeral)>,
    /// Refusals of commits, for tests that count them.
    pub refusals: Vec<Refusal>,
    /// How often somebody published what the operator does not let in.
    pub refused_words: usize,
    /// Commits that tests put there.
    pub injected: Vec<u64>,
}

/// A slot without its pieces.
#[derive(Clone, Default)]
pub(crate) struct KeptSlot {
    pub sealed: Bytes,
    pub names: Bytes,
}

/// Believes that the authority signed: for what a test puts into the log.
struct Lenient(PublicKey, bool);

impl Verify for Lenient {
    fn verify(&self, key: &PublicKey, _: &[u8], _: &[u8; 64]) -> bool {
        *key != self.0 || self.1
    }
}

impl ModelRelay {
    pub(crate) fn binding(client: usize) -> [u8; 32] {
        [u8::try_from(client).unwrap(); 32]
    }

    /// What the relay answers at once.
    pub(crate) fn handle(&mut self, client: usize, frame: ClientFrame) -> Vec<RelayFrame> {
        let answer = match frame.frame.unwrap() {
            client_frame::Frame::Join(join) => self.join(client, join),
            client_frame::Frame::Publish(publish) => self.publish(client, &publish),
            client_frame::Frame::GetSlot(asked) => Frame::Slot(self.slot(asked.confirmed)),
            client_frame::Frame::Ephemeral(signal) => {
                self.signals.push((client, signal));
                return Vec::new();
            }
            client_frame::Frame::BlobOpen(_)
            | client_frame::Frame::BlobGet(_)
            | client_frame::Frame::BlobDrop(_)
            | client_frame::Frame::BlobPart(_) => panic!("no file belongs on a room's stream"),
        };
        vec![RelayFrame { frame: Some(answer) }]
    }

    fn standing(&self, key: &[u8]) -> Option<Standing> {
        self.access.as_ref()?.standing(&PublicKey::try_from(key).ok()?, self.frozen.unwrap_or(self.now))
    }

    /// Whether the key may only vote.
    pub(crate) fn is_barred(&self, key: &[u8]) -> bool {
        matches!(self.standing(key), Some(Standing::Barred { .. }))
    }

    pub(crate) fn confirmed(&self) -> u64 {
        self.access.as_ref().map_or(0, |access| access.head.confirmed.position)
    }

    /// The next entry for a member's stream.
    pub(crate) fn next(&mut self, client: usize) -> Option<RelayFrame> {
        let (key, read) = self.streams.get_mut(&client)?;
        if *read == u64::MAX {
            return None; // an invite key reads nothing
        }
        let key = key.clone();
        let allowed = matches!(self.standing(&key), Some(Standing::Member { .. }));
        let removed_at = self.log.iter().rev().find(|entry| {
            entry.access.as_ref().is_some_and(|change| change.removed.iter().any(|removed| **removed == *key))
        });
        let last = if allowed { u64::MAX } else { removed_at.map_or(0, |entry| entry.seq) };
        let (_, read) = self.streams.get_mut(&client)?;
        match self.log.iter().find(|entry| entry.seq > *read).filter(|entry| entry.seq <= last) {
            Some(entry) => {
                *read = entry.seq;
                Some(RelayFrame { frame: Some(Frame::Deliver(entry.clone())) })
            }
            None if allowed => None,
            None => {
                self.streams.remove(&client);
                self.ended.insert(client);
                Some(refused(&[], Code::NotAllowed, 0))
            }
        }
    }

    fn slot(&self, confirmed: bool) -> Slot {
        let last_commit = if confirmed { self.confirmed() } else { self.last_commit };
        let KeptSlot { sealed, names } = self.slots.get(&last_commit).cloned().unwrap_or_default();
        let pieces = split_names(&names).unwrap();
        let pieces = join_pieces(pieces.iter().map(|name| &*self.pieces[name])).into();
        Slot { last_commit, sealed, pieces }
    }

    fn join(&mut self, client: usize, join: Join) -> Frame {
        let is_named = !join.room_id.is_empty();
        let room = if is_named { &*join.room_id } else { &[0; 32][..] };
        let room = RoomId::try_from(room).unwrap();
        let key = PublicKey::try_from(&*join.access_key).unwrap();
        let signature = (&*join.signature).try_into().unwrap();
        assert!(Ed25519.verify(&key, &proto::join_statement(&room, &Self::binding(client)), &signature));
        if let Some(words) = &self.dropped {
            self.ended.insert(client);
            return Frame::Refused(by_operator(&[], Code::Dropped, words));
        }
        if let Some(create) = join.create {
            if let Some(words) = self.stopped.as_ref().filter(|_| !self.exists) {
                self.ended.insert(client);
                return Frame::Refused(by_operator(&[], Code::Frozen, words));
            }
            if let Some((_, code)) =
                self.asks.as_ref().filter(|(token, _)| !self.exists && *create.token != **token)
            {
                self.ended.insert(client);
                return Frame::Refused(refusal(&[], *code, 0));
            }
            if !self.exists {
                let authority = PublicKey::try_from(&*create.authority).unwrap();
                self.open(room, authority, &create.keys, create.slot.unwrap());
            } else if !self.keys.contains_key(&*join.access_key) {
                return Frame::Refused(refusal(&[], Code::Conflict, 0));
            }
        }
        let Some(standing) = self.standing(&join.access_key).filter(|_| self.exists) else {
            self.ended.insert(client);
            return Frame::Refused(refusal(&[], Code::NotAllowed, 0));
        };
        let invite = matches!(standing, Standing::Invite);
        if !is_named && !invite {
            return Frame::Refused(refusal(&[], Code::NotAllowed, 0));
        }
        if let Some(words) = self.stopped.as_ref().filter(|_| invite) {
            self.ended.insert(client);
            return Frame::Refused(by_operator(&[], Code::Frozen, words));
        }
        let (suspended_by, suspended_step) = match standing {
            Standing::Barred { by, step } => (by, step.0.to_vec()),
            _ => (0, Vec::new()),
        };
        let barring = suspended_by.checked_sub(1).and_then(|at| self.log.get(usize::try_from(at).ok()?));
        let read = if invite || suspended_by != 0 { u64::MAX } else { join.after.max(self.oldest) };
        let card = self.keys.get(&*join.access_key).map(|(key, _)| key.card.clone()).filter(|_| invite);
        let named = self.room.filter(|_| !is_named);
        self.streams.insert(client, (join.access_key.to_vec(), read));
        Frame::Joined(Joined {
            head: self.log.len() as u64,
            oldest: self.oldest + 1,
            last_commit: self.last_commit,
            slot: invite.then(|| self.slot(false)),
            now_ms: self.now,
            generation: self.generation.to_vec().into(),
            suspended_by,
            suspended_step: suspended_step.into(),
            suspended_key: barring.map(|entry| entry.key.clone()).unwrap_or_default(),
            suspended_with: barring.and_then(|entry| entry.access.clone()).unwrap_or_default().removed,
            confirmed: self.confirmed(),
            access: self.snapshot(join.wants_access && matches!(standing, Standing::Member { .. })),
            room_id: named.map_or_else(Vec::new, |room| room.as_bytes().to_vec()).into(),
            card: card.unwrap_or_default(),
            frozen: self.stopped.clone().filter(|_| !self.hides_it).map(|words| Frozen { words }),
        })
    }

    fn snapshot(&self, wanted: bool) -> Bytes {
        let state = self.access.as_ref().filter(|_| wanted && !self.keeps_ledger);
        state.and_then(|state| state.to_snapshot(self.log.len() as u64)).unwrap_or_default().into()
    }

    pub(crate) fn open(&mut self, room: RoomId, authority: PublicKey, keys: &[AccessKey], slot: Slot) {
        self.exists = true;
        self.room = Some(room);
        // Of a room that was there before, another.
        self.generation = if self.generation == [0; 16] { [7; 16] } else { self.generation };
        let keys: Vec<_> = keys.iter().map(|key| access::AccessKey::try_from(key).unwrap()).collect();
        self.access = Some(Memory::open(authority, &keys));
        let names: Vec<_> =
            split_pieces(&slot.pieces).unwrap().iter().map(|piece| piece_name(piece)).collect();
        self.put_pieces(&slot.pieces);
        self.slots.insert(0, KeptSlot { sealed: slot.sealed, names: names.concat().into() });
        self.refresh();
    }

    fn publish(&mut self, client: usize, publish: &Publish) -> Frame {
        let answer = |seq| Frame::Published(Published { id: publish.id.clone(), seq, at_ms: 0 });
        if let Some(seq) = self.ids.get(&*publish.id) {
            return answer(*seq);
        }
        for (code, words) in [(Code::Dropped, &self.dropped), (Code::Frozen, &self.stopped)] {
            if let Some(words) = words {
                self.refused_words += 1;
                return Frame::Refused(by_operator(&publish.id, code, words));
            }
        }
        let key = self.streams.get(&client).map(|(key, _)| key.clone()).unwrap_or_default();
        self.publish_by(&key, publish)
    }

    /// By whoever has that key.
    pub(crate) fn publish_by(&mut self, key: &[u8], publish: &Publish) -> Frame {
        let answer = |seq| Frame::Published(Published { id: publish.id.clone(), seq, at_ms: 0 });
        let Ok(key) = PublicKey::try_from(key) else {
            return Frame::Refused(refusal(&publish.id, Code::NotAllowed, 0));
        };
        if let Some(part) = &publish.commit
            && let Err(code) = self.has_pieces(part)
        {
            self.lost += 1;
            return Frame::Refused(refusal(&publish.id, code, 0));
        }
        match self.decide(&Ed25519, key, publish) {
            Ok(seq) => {
                self.ids.insert(publish.id.to_vec(), seq);
                answer(seq)
            }
            Err(refused) => {
                self.refusals.push(refused);
                let (code, last_commit, confirmed) = match refused {
                    Refusal::NotAllowed => (Code::NotAllowed, 0, 0),
                    Refusal::Conflict { last_commit, confirmed } => (Code::Conflict, last_commit, confirmed),
                    Refusal::Malformed => (Code::Malformed, 0, 0),
                    Refusal::TooLarge => (Code::TooLarge, 0, 0),
                };
                Frame::Refused(Refused { confirmed, ..refusal(&publish.id, code, last_commit) })
            }
        }
    }

    fn decide(&mut self, verify: &impl Verify, key: PublicKey, publish: &Publish) -> Result<u64, Refusal> {
        // A relay that wants to let somebody in stamps entries as it likes; members it lets wait as ever.
        let is_invite = matches!(self.standing(&key.0), Some(Standing::Invite));
        self.decide_at(verify, key, publish, self.frozen.filter(|_| is_invite).unwrap_or(self.now))
    }

    /// By a clock that may say something else than the entry does.
    fn decide_at(
        &mut self,
        verify: &impl Verify,
        key: PublicKey,
        publish: &Publish,
        now_ms: u64,
    ) -> Result<u64, Refusal> {
        let seq = self.log.len() as u64 + 1;
        let room = self.room.ok_or(Refusal::NotAllowed)?;
        let commit = publish.commit.as_ref().map(|part| parse(&publish.envelope, part)).transpose()?;
        let signature = |bytes: &[u8]| bytes.try_into().map_err(|_| Refusal::Malformed);
        let ack = publish.ack.as_ref().map(|ack| {
            let (signature, key_signature) = (signature(&ack.signature)?, signature(&ack.key_signature)?);
            Ok(access::Ack { seq: ack.seq, signature, key_signature })
        });
        let ballot = publish.ballot.as_ref().map(|ballot| {
            let step = CommitName((&*ballot.step).try_into().map_err(|_| Refusal::Malformed)?);
            Ok(access::Ballot { seq: ballot.seq, step, signature: signature(&ballot.signature)? })
        });
        let (ack, ballot) = (ack.transpose()?, ballot.transpose()?);
        let what = access::Publish {
            room: &room,
            generation: &self.generation,
            seq,
            now_ms,
            max_keys: self.max_keys.unwrap_or(8_192),
            key,
            commit: commit.as_ref(),
            ack: ack.as_ref(),
            ballot: ballot.as_ref(),
        };
        let changes = self.access.as_mut().ok_or(Refusal::NotAllowed)?.publish(verify, &what)?;
        if let Some(part) = &publish.commit {
            self.put_pieces(&part.pieces);
            let (sealed, names) = (part.slot.clone(), part.piece_names.clone());
            self.brought.insert(seq, sealed.len() + names.len() + part.pieces.len());
            self.slots.insert(seq, KeptSlot { sealed, names });
        }
        for position in &changes.slots {
            self.slots.remove(position);
        }
        let named: BTreeSet<PieceName> =
            self.slots.values().flat_map(|slot| split_names(&slot.names).unwrap()).collect();
        self.pieces.retain(|name, _| named.contains(name));
        let slot_hash = publish.commit.as_ref().map(|part| slot_hash(&part.slot, &part.piece_names).to_vec());
        let part = publish.commit.clone().unwrap_or_default();
        let named = publish.commit.is_some()
            || publish.ack.is_some()
            || publish.ballot.is_some()
            || !publish.resync.is_empty();
        self.log.push(Deliver {
            seq,
            at_ms: self.frozen.unwrap_or(self.now).max(self.ahead),
            envelope: publish.envelope.clone(),
            is_commit: publish.commit.is_some(),
            access: part.access,
            base: part.expected_last_commit,
            authority: part.authority,
            signature: part.signature,
            key: if named { key.0.to_vec().into() } else { Vec::new().into() },
            ack: publish.ack.clone(),
            ballot: publish.ballot.clone(),
            resync: publish.resync.clone(),
            slot_hash: slot_hash.unwrap_or_default().into(),
            undone: changes.undone,
        });
        self.refresh();
        Ok(seq)
    }

    /// Uses of invites are not counted: none was used yet.
    pub(crate) fn forget_uses(&mut self) {
        let Some(access) = &mut self.access else { return };
        let rows = access.keys().unwrap().into_iter().filter(|(_, row)| row.removed == 0);
        let keys: Vec<_> = rows.map(|(key, row)| access::AccessKey { key, grant: row.grant }).collect();
        let mut fresh = Memory::open(access.head.confirmed.authority, &keys);
        fresh.head = access.head.clone();
        *access = fresh;
        self.refresh();
    }

    /// From now on this is shown as the slot, whatever commit it is asked for.
    pub(crate) fn put_slot(&mut self, slot: &slot::Slot) {
        self.put_pieces(&slot.pieces.clone().into());
        let kept = KeptSlot { sealed: slot.sealed.clone().into(), names: slot.names.clone().into() };
        self.slots.values_mut().for_each(|slot| slot.clone_from(&kept));
        self.slot = self.slot(false);
    }

    fn put_pieces(&mut self, pieces: &Bytes) {
        self.pieces
            .extend(split_pieces(pieces).unwrap().into_iter().map(|piece| (piece_name(&piece), piece)));
    }

    /// Whether a commit has all that it names, as the relay's own rules say.
    fn has_pieces(&self, part: &CommitPart) -> Result<(), Code> {
        if self.lost < self.loses_pieces {
            return Err(Code::MissingPieces);
        }
        let names = split_names(&part.piece_names).map_err(|_| Code::Malformed)?;
        let sent = split_pieces(&part.pieces).map_err(|_| Code::Malformed)?;
        let sent: BTreeSet<PieceName> = sent.iter().map(|piece| piece_name(piece)).collect();
        if !sent.iter().all(|name| names.contains(name)) {
            return Err(Code::Malformed);
        }
        let has = |name: &PieceName| sent.contains(name) || self.pieces.contains_key(name);
        if names.iter().all(has) { Ok(()) } else { Err(Code::MissingPieces) }
    }

    fn refresh(&mut self) {
        let Some(access) = &self.access else { return };
        self.last_commit = access.head.tip().position;
        self.slot = self.slot(false);
        let Some(access) = &self.access else { return };
        let rows = access.keys().unwrap().into_iter().filter(|(_, row)| row.removed == 0);
        self.keys = rows
            .map(|(key, row)| {
                let entry = access::AccessKey { key, grant: row.grant.clone() };
                (key.0.to_vec(), (AccessKey::from(&entry), row.uses))
            })
            .collect();
    }

    /// What a test puts into the log, whoever may have published it. Only where a commit stands, and whose key it is,
    /// is held against the rules.
    pub(crate) fn append_by(&mut self, key: &[u8], envelope: Vec<u8>, commit: Option<CommitPart>) -> u64 {
        let Some(mut part) = commit else { return self.append(envelope) };
        if part.signature.is_empty() {
            part.signature = vec![0; 64].into();
        }
        if part.authority.is_empty() {
            part.authority = vec![1; 32].into();
        }
        let key = PublicKey::try_from(key).unwrap();
        let joins = matches!(self.standing(&key.0), Some(Standing::Invite));
        let publish = Publish { envelope: envelope.into(), commit: Some(part), ..Publish::default() };
        // A clock that has just begun lets an invite in that is over by the entry's time.
        let decided = self.decide(&Lenient(key, joins), key, &publish);
        let is_invite = self.keys.get(&key.0[..]).is_some_and(|(key, _)| key.kind() == Kind::Invite);
        let decided = match decided {
            Err(_) if is_invite => self.decide_at(&Lenient(key, true), key, &publish, 0),
            decided => decided,
        };
        let seq = decided.unwrap_or_else(|refusal| {
            // Whatever a relay lets in that should not: by any member.
            let member = self.keys.values().find(|(key, _)| key.kind() == Kind::Member);
            let key = PublicKey::try_from(&*member.expect("a member").0.key).unwrap();
            self.decide(&Lenient(key, false), key, &publish).unwrap_or_else(|_| panic!("{refusal}"))
        });
        self.injected.push(seq);
        seq
    }

    /// As if by nobody: no rule is asked.
    pub(crate) fn append(&mut self, envelope: Vec<u8>) -> u64 {
        let seq = self.log.len() as u64 + 1;
        self.log.push(Deliver { seq, at_ms: self.now, envelope: envelope.into(), ..Deliver::default() });
        seq
    }
}

fn parse(envelope: &[u8], part: &CommitPart) -> Result<access::Commit, Refusal> {
    let malformed = |_| Refusal::Malformed;
    let change = Change::try_from(&part.access.clone().unwrap_or_default()).map_err(malformed)?;
    Ok(access::Commit {
        expected: part.expected_last_commit,
        instead_of: part.instead_of,
        authority: PublicKey::try_from(&*part.authority).map_err(|_| Refusal::Malformed)?,
        signature: (&*part.signature).try_into().map_err(|_| Refusal::Malformed)?,
        parts: CommitParts::of(envelope, slot_hash(&part.slot, &part.piece_names), &change),
        change,
    })
}

pub(crate) fn refused(id: &[u8], code: Code, last_commit: u64) -> RelayFrame {
    RelayFrame { frame: Some(Frame::Refused(refusal(id, code, last_commit))) }
}

fn refusal(id: &[u8], code: Code, last_commit: u64) -> Refused {
    Refused { id: id.to_vec().into(), code: code.into(), last_commit, ..Refused::default() }
}

fn by_operator(id: &[u8], code: Code, words: &str) -> Refused {
    Refused { words: words.to_owned(), ..refusal(id, code, 0) }
}
