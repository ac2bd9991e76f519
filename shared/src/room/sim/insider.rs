//! Eve, whose program keeps no rule: what she commits, says and tells the relay, all of it signed by her own keys.

use proto::relay::{AccessChange, ClientFrame, CommitPart, Publish, client_frame::Frame};

use super::{
    choices::Choices,
    hostile::{EVE, adds, extensions, member_key, nothing},
    life::Life,
};
use crate::{
    content::{self, sealed},
    crypto::suite::spoil::spoiling,
    invite::AccessSecret,
    mls::{
        extension::{LEAF_EXTENSION, ROOM_EXTENSION},
        group::hostile::announced,
    },
    room::{Engine, authority::Signer},
};

impl Life {
    pub(crate) fn intrude(&mut self, choices: &mut Choices) {
        let device = &self.world.devices[EVE];
        if !device.online
            || device.engine.as_ref().is_none_or(|engine| !engine.is_member() || engine.group.is_none())
        {
            return self.online(EVE);
        }
        match choices.below(8) {
            0..=3 => self.commit_badly(choices),
            4 | 5 => self.speak_badly(choices),
            6 => self.testify(choices),
            _ => self.cry(choices),
        }
    }

    pub(super) fn eve(&self) -> &Engine {
        self.world.devices[EVE].engine.as_ref().unwrap()
    }

    /// A commit on the newest state: spoiled, against the rules, or with a part that says something else.
    fn commit_badly(&mut self, choices: &mut Choices) {
        if self.eve().books.position != self.world.relay.last_commit || self.eve().back.out.is_some() {
            return;
        }
        let kind = choices.below(10);
        let mut peer = self.world.hostile(EVE);
        let state = self.world.room(EVE);
        let leaves: Vec<u32> = peer.0.roster().members_iter().map(|member| member.index).collect();
        let other = leaves[choices.index(leaves.len())];
        let own = self.world.leaf(EVE);
        let (mut change, mut slot) = (nothing(), None);
        let message = match kind {
            0..=2 => {
                let subset = choices.below(16);
                let places: Vec<usize> = (0..4).filter(|place| subset >> place & 1 == 1).collect();
                spoiling(&places, || peer.commit(|b| b)).0
            }
            3 => choices.bytes(200),
            4 if other != own => {
                change = AccessChange { added: vec![], removed: vec![self.key_of(other)] };
                peer.commit(|b| b.remove_member(other).unwrap()).0
            }
            5 => {
                let wrong = altered(state, choices);
                let list = extensions(ROOM_EXTENSION, &wrong);
                peer.commit(|b| b.set_group_context_ext(list).unwrap()).0
            }
            6 => {
                let mut leaf = self.world.own_leaf(EVE);
                leaf.access_key = choices.bytes(32).into();
                let list = extensions(LEAF_EXTENSION, &leaf);
                if choices.below(2) == 0 {
                    let note = content::CommitNote { sequence: choices.below(9), ..peer.1.clone() };
                    peer.1 = note;
                    peer.commit(|b| b).0
                } else {
                    peer.commit(|b| b.set_leaf_node_extensions(list)).0
                }
            }
            7 => {
                let stranger = member_key(&AccessSecret::from_bytes(&[choices.below(256) as u8; 32]));
                change = match choices.below(2) {
                    0 => adds(stranger),
                    _ => AccessChange { added: vec![], removed: vec![self.key_of(other)] },
                };
                peer.commit(|b| b).0
            }
            _ => {
                slot = Some(choices.bytes(300));
                peer.commit(|b| b).0
            }
        };
        let authority = match choices.below(8) {
            0 => [9; 32],
            _ => announced(&message),
        };
        let envelope = self.world.own_envelope(EVE, sealed::Body::KeyShare(message.into()));
        let is_own = choices.below(4) == 0;
        self.publish_commit(envelope, change, authority, (slot, is_own));
    }

    fn publish_commit(
        &mut self,
        envelope: Vec<u8>,
        change: AccessChange,
        authority: [u8; 32],
        (slot, is_own): (Option<Vec<u8>>, bool),
    ) {
        let mut part = CommitPart { authority: authority.to_vec().into(), ..self.world.part(change) };
        if let Some(slot) = slot {
            part.slot = slot.into();
        }
        let engine = self.eve();
        let Some(signing) = engine.group.as_ref().and_then(|group| group.authority().ok()) else { return };
        let key = engine.access.public();
        // By her own key the relay takes it for a return, if it changes none.
        let signer = if is_own { Signer::Publisher(&engine.access) } else { Signer::Authority(&signing) };
        if engine.sign_part(key, &envelope, &mut part, &signer).is_ok() {
            self.publish(Publish { envelope: envelope.into(), commit: Some(part), ..Publish::default() });
        }
    }

    /// By her access key, past her own program.
    pub(super) fn publish(&mut self, publish: Publish) {
        let id = self.world.devices[EVE].profile.random.bytes::<16>().to_vec().into();
        let frame = Frame::Publish(Publish { id, ..publish });
        self.world.relay.now = self.world.now;
        let answer = self.world.relay.handle(EVE, ClientFrame { frame: Some(frame) });
        self.tell(EVE, &format!("{answer:?}"));
    }

    pub(super) fn key_of(&self, leaf: u32) -> bytes::Bytes {
        let key = self.eve().group.as_ref().and_then(|group| group.key_of_leaf(leaf).ok());
        key.unwrap_or_default().into()
    }
}

/// The room as no member may make it, mostly.
fn altered(mut room: content::Room, choices: &mut Choices) -> content::Room {
    match choices.below(7) {
        0 => room.name.push('!'),
        1 => room.open = !room.open,
        2 => room.version += 1,
        3 => room.disappear_s = 5,
        4 => room.moderators = vec![choices.bytes(32).into()],
        5 => room.invites.clear(),
        _ => room.past_lines = u32::MAX,
    }
    room
}
