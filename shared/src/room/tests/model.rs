//! A relay in memory: the rules of `relay.proto` in their plainest form, to hold engines against.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::{Signature, VerifyingKey};
use proto::relay::{
    AccessKey, ClientFrame, Deliver, Ephemeral, Join, Joined, Publish, Published, Refused, RelayFrame, Slot,
    access_key::Kind, client_frame, refused::Code, relay_frame::Frame,
};

/// One room and its streams.
#[derive(Clone, Default)]
pub struct ModelRelay {
    pub exists: bool,
    pub room: Vec<u8>,
    pub log: Vec<Deliver>,
    pub last_commit: u64,
    pub slot: Vec<u8>,
    pub keys: BTreeMap<Vec<u8>, (AccessKey, u32)>,
    pub ids: BTreeMap<Vec<u8>, u64>,
    pub now: u64,
    /// Its clock stands still.
    pub frozen: Option<u64>,
    /// The one token that may open the room, if one is asked for, and what is said to others.
    pub asks: Option<(Vec<u8>, Code)>,
    /// By client: its key and how far it was read to.
    pub streams: BTreeMap<usize, (Vec<u8>, u64)>,
    /// Clients whose streams ended.
    pub ended: BTreeSet<usize>,
    /// Signals to fan out, and whose.
    pub signals: Vec<(usize, Ephemeral)>,
}

impl ModelRelay {
    pub fn binding(client: usize) -> [u8; 32] {
        [u8::try_from(client).unwrap(); 32]
    }

    /// What the relay answers at once.
    pub fn handle(&mut self, client: usize, frame: ClientFrame) -> Vec<RelayFrame> {
        let answer = match frame.frame.unwrap() {
            client_frame::Frame::Join(join) => self.join(client, join),
            client_frame::Frame::Publish(publish) => self.publish(client, publish),
            client_frame::Frame::GetSlot(_) => Frame::Slot(self.slot()),
            client_frame::Frame::Ephemeral(signal) => {
                self.signals.push((client, signal));
                return Vec::new();
            }
        };
        vec![RelayFrame { frame: Some(answer) }]
    }

    /// The next entry for a member's stream.
    pub fn next(&mut self, client: usize) -> Option<RelayFrame> {
        let (key, read) = self.streams.get_mut(&client)?;
        if *read == u64::MAX {
            return None; // an invite key reads nothing
        }
        let allowed = self.keys.get(key).is_some_and(|(key, _)| key.kind() == Kind::Member);
        let removed_at = self.log.iter().rev().find(|entry| {
            entry
                .access
                .as_ref()
                .is_some_and(|change| change.removed.iter().any(|removed| **removed == **key))
        });
        let last = if allowed { u64::MAX } else { removed_at.map_or(0, |entry| entry.seq) };
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

    fn slot(&self) -> Slot {
        Slot { last_commit: self.last_commit, sealed: self.slot.clone().into() }
    }

    fn join(&mut self, client: usize, join: Join) -> Frame {
        let is_named = !join.room_id.is_empty();
        let room = if is_named { &*join.room_id } else { &[0; 32][..] };
        let room = proto::RoomId::try_from(room).unwrap();
        let key = VerifyingKey::from_bytes(&(&*join.access_key).try_into().unwrap()).unwrap();
        let signature = Signature::from_bytes(&(&*join.signature).try_into().unwrap());
        key.verify_strict(&proto::join_statement(&room, &Self::binding(client)), &signature).unwrap();
        if let Some(create) = join.create {
            if let Some((_, code)) =
                self.asks.as_ref().filter(|(token, _)| !self.exists && *create.token != **token)
            {
                self.ended.insert(client);
                return Frame::Refused(refusal(&[], *code, 0));
            }
            if !self.exists {
                self.exists = true;
                self.room = join.room_id.to_vec();
                self.slot = create.slot.unwrap().sealed.to_vec();
                self.keys = create.keys.into_iter().map(|key| (key.key.to_vec(), (key, 0))).collect();
            } else if !self.keys.contains_key(&*join.access_key) {
                return Frame::Refused(refusal(&[], Code::Conflict, 0));
            }
        }
        let Some((key, uses)) = self.keys.get(&*join.access_key).filter(|_| self.exists) else {
            self.ended.insert(client);
            return Frame::Refused(refusal(&[], Code::NotAllowed, 0));
        };
        let invite = key.kind() == Kind::Invite;
        if !is_named && !invite {
            return Frame::Refused(refusal(&[], Code::NotAllowed, 0));
        }
        let dead = (key.expires_ms != 0 && self.frozen.unwrap_or(self.now) >= key.expires_ms)
            || (key.max_uses != 0 && *uses >= key.max_uses);
        if invite && dead {
            return Frame::Refused(refusal(&[], Code::NotAllowed, 0));
        }
        let read = if invite { u64::MAX } else { join.after };
        self.streams.insert(client, (join.access_key.to_vec(), read));
        Frame::Joined(Joined {
            head: self.log.len() as u64,
            oldest: 1,
            last_commit: self.last_commit,
            slot: invite.then(|| self.slot()),
            now_ms: self.now,
            room_id: if is_named { Vec::new() } else { self.room.clone() }.into(),
            card: if invite { key.card.clone() } else { bytes::Bytes::new() },
            ..Joined::default()
        })
    }

    fn publish(&mut self, client: usize, publish: Publish) -> Frame {
        let answer = |seq| Frame::Published(Published { id: publish.id.clone(), seq, at_ms: 0 });
        if let Some(seq) = self.ids.get(&*publish.id) {
            return answer(*seq);
        }
        let key = self.streams.get(&client).map(|(key, _)| key.clone()).unwrap_or_default();
        let Some((access, uses)) = self.keys.get_mut(&key) else {
            return Frame::Refused(refusal(&publish.id, Code::NotAllowed, 0));
        };
        if access.kind() == Kind::Invite {
            let change = publish.commit.as_ref().and_then(|part| part.access.as_ref());
            assert!(change.is_some_and(|change| change.added.len() == 1 && change.removed.is_empty()));
        }
        if publish.commit.as_ref().is_some_and(|part| part.expected_last_commit != self.last_commit) {
            return Frame::Refused(refusal(&publish.id, Code::Conflict, self.last_commit));
        }
        if publish.commit.as_ref().and_then(|part| part.access.as_ref()).is_some_and(names_a_key_twice) {
            return Frame::Refused(refusal(&publish.id, Code::Malformed, 0));
        }
        *uses += 1;
        let seq = self.append(publish.envelope.to_vec(), publish.commit);
        self.ids.insert(publish.id.to_vec(), seq);
        answer(seq)
    }

    pub fn append(&mut self, envelope: Vec<u8>, commit: Option<proto::relay::CommitPart>) -> u64 {
        let seq = self.log.len() as u64 + 1;
        let is_commit = commit.is_some();
        let access = commit.as_ref().and_then(|part| part.access.clone());
        if let Some(part) = commit {
            self.last_commit = seq;
            self.slot = part.slot.to_vec();
            let change = part.access.unwrap_or_default();
            change.removed.iter().for_each(|key| drop(self.keys.remove(&**key)));
            self.keys.extend(change.added.into_iter().map(|key| (key.key.to_vec(), (key, 0))));
        }
        self.log.push(Deliver {
            seq,
            at_ms: self.frozen.unwrap_or(self.now),
            envelope: envelope.into(),
            is_commit,
            access,
            ..Deliver::default()
        });
        seq
    }
}

fn names_a_key_twice(change: &proto::relay::AccessChange) -> bool {
    let keys: Vec<_> = change.added.iter().map(|key| &key.key).chain(&change.removed).collect();
    keys.iter().collect::<BTreeSet<_>>().len() != keys.len()
}

pub fn refused(id: &[u8], code: Code, last_commit: u64) -> RelayFrame {
    RelayFrame { frame: Some(Frame::Refused(refusal(id, code, last_commit))) }
}

fn refusal(id: &[u8], code: Code, last_commit: u64) -> Refused {
    Refused { id: id.to_vec().into(), code: code.into(), last_commit, ..Refused::default() }
}
