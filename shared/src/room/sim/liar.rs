//! A relay that lies to one device: entries again, early, altered, cut short or left out, and answers that are not true.

use proto::relay::{
    Ack, Ballot, Deliver, Ephemeral, Joined, Published, Refused, Slot, refused::Code, relay_frame::Frame,
};

use super::{choices::Choices, life::Life};
use crate::room::Engine;

impl Life {
    /// The relay lies to device `i` once.
    pub(crate) fn lie(&mut self, i: usize, choices: &mut Choices) {
        if self.world.devices[i].engine.is_none() {
            return;
        }
        self.tell(i, "is lied to");
        match choices.below(5) {
            0 => drop(self.world.relay.next(i)), // what comes next is left out
            1 => self.swap(i, choices),
            2 => self.answer_falsely(i, choices),
            _ => {
                let entry = self.altered(i, choices);
                self.show(i, Frame::Deliver(entry), choices);
            }
        }
    }

    /// The next two entries in each other's place, or the other way round.
    fn swap(&mut self, i: usize, choices: &mut Choices) {
        let frames: Vec<_> = (0..2).filter_map(|_| self.world.relay.next(i)).collect();
        for frame in frames.into_iter().rev() {
            if let Some(frame) = frame.frame {
                self.show(i, frame, choices);
            }
        }
    }

    /// An entry of the log, most often as if it were the next one, with something else in it.
    fn altered(&mut self, i: usize, choices: &mut Choices) -> Deliver {
        let log = &self.world.relay.log;
        let cursor = self.world.devices[i].engine.as_ref().map_or(0, Engine::cursor);
        let what = choices.below(16);
        let next = usize::try_from(cursor).unwrap_or(0);
        let pick = match choices.below(2) {
            0 => choices.index(log.len()),
            _ => next.min(log.len() - 1),
        };
        let (mut entry, other) = (log[pick].clone(), log[choices.index(log.len())].clone());
        entry.seq = match choices.below(8) {
            0 => entry.seq,
            1 => cursor.saturating_add(2 + choices.below(1_000)),
            _ => cursor.saturating_add(1),
        };
        match what {
            0 | 1 => entry.envelope = flipped(&entry.envelope, choices).into(),
            2 => entry.envelope = entry.envelope.slice(..choices.index(entry.envelope.len() + 1)),
            3 => entry.base = [0, cursor, other.seq, u64::MAX][choices.index(4)],
            4 => entry.is_commit = !entry.is_commit,
            5 => entry.key = other.key,
            6 => entry.access = other.access,
            7 => entry.authority = other.authority,
            8 => entry.at_ms = [0, u64::MAX, entry.at_ms.saturating_sub(5_000)][choices.index(3)],
            9 => {
                let signature: bytes::Bytes = vec![choices.below(256) as u8; 64].into();
                let seq = [cursor, other.seq, entry.base][choices.index(3)];
                entry.ack = Some(Ack { seq, key_signature: signature.clone(), signature });
            }
            10 => {
                let signature: bytes::Bytes = vec![choices.below(256) as u8; 64].into();
                entry.ballot = Some(Ballot { seq: other.seq, step: choices.bytes(32).into(), signature });
                entry.undone = [other.seq, 1, cursor, u64::MAX][choices.index(4)];
                entry.envelope = Vec::new().into();
            }
            11 => {
                let rubbish = choices.below(64) as usize;
                entry.resync = if rubbish < 40 { choices.bytes(rubbish).into() } else { other.resync };
                entry.envelope = Vec::new().into();
            }
            12 => entry.envelope = other.envelope,
            13 => entry.ack = other.ack,
            _ => (),
        }
        entry
    }

    /// An answer to what the device asked, or to what it did not ask.
    fn answer_falsely(&mut self, i: usize, choices: &mut Choices) {
        let relay = &self.world.relay;
        let head = relay.log.len() as u64;
        let numbers = [0, 1, head, head + 1, relay.last_commit, relay.confirmed(), u64::MAX];
        let number = |choices: &mut Choices| numbers[choices.index(numbers.len())];
        let engine = self.world.devices[i].engine.as_ref();
        let id = engine.and_then(|engine| engine.link.in_flight.clone()).unwrap_or_default();
        let frame = match choices.below(6) {
            0 => Frame::Published(Published { id: id.into(), seq: number(choices), at_ms: 0 }),
            1 => {
                let code = Code::try_from(choices.below(12) as i32).unwrap_or_default().into();
                let (last_commit, confirmed) = (number(choices), number(choices));
                let retry_after_ms = number(choices);
                let id = if choices.below(4) == 0 { Vec::new() } else { id };
                let id = id.into();
                Frame::Refused(Refused {
                    id,
                    code,
                    last_commit,
                    confirmed,
                    retry_after_ms,
                    ..Refused::default()
                })
            }
            2 => {
                let slots: Vec<_> = relay.slots.values().collect();
                let old = slots.get(choices.index(slots.len().max(1))).copied().cloned().unwrap_or_default();
                let sealed =
                    if choices.below(2) == 0 { old.sealed.to_vec() } else { flipped(&old.sealed, choices) };
                let pieces = relay.slot.pieces.clone();
                Frame::Slot(Slot { last_commit: number(choices), sealed: sealed.into(), pieces })
            }
            3 => {
                let pick = choices.index(relay.log.len());
                Frame::Ephemeral(Ephemeral { envelope: relay.log[pick].envelope.clone() })
            }
            _ => {
                // The stream begins anew, with another story of where the log is.
                self.world.connect(i);
                let Some(frame) = self.world.devices[i].inbox.pop_front() else { return };
                let Some(Frame::Joined(joined)) = frame.frame else { return };
                Frame::Joined(self.misled(joined, choices))
            }
        };
        self.show(i, frame, choices);
    }

    fn misled(&self, mut joined: Joined, choices: &mut Choices) -> Joined {
        let head = joined.head;
        match choices.below(7) {
            0 => joined.head = head.saturating_sub(choices.below(8)),
            1 => joined.head = head + choices.below(8),
            2 => joined.last_commit = [0, 1, head, head + 5][choices.index(4)],
            3 => joined.confirmed = [0, 1, head, head + 5][choices.index(4)],
            4 => joined.oldest = [0, head, head + 1, u64::MAX][choices.index(4)],
            5 => joined.suspended_by = [1, head, head + 1][choices.index(3)],
            _ => joined.generation = vec![choices.below(2) as u8; 16].into(),
        }
        joined
    }
}

fn flipped(bytes: &[u8], choices: &mut Choices) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = choices.index(bytes.len());
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << choices.below(8);
    }
    bytes
}
