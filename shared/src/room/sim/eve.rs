//! What Eve says, votes and asks for, whose program keeps no rule.

use prost::Message as _;
use proto::{
    access::CommitName,
    relay::{Ack, Ballot, Publish},
};

use super::{
    choices::Choices,
    hostile::{EVE, private},
    life::Life,
};
use crate::{
    content::{self, content::Body},
    crypto::aead::Session,
};

impl Life {
    /// What members may say, and not so.
    pub(super) fn speak_badly(&mut self, choices: &mut Choices) {
        let session = Session::random(&self.world.devices[EVE].profile.random);
        let leaf = self.world.leaf(EVE);
        let envelope = match choices.below(6) {
            0 => {
                let body = private(choices.bytes(64));
                let (leaf, sequence) = (choices.below(5) as u32, choices.below(3));
                self.world.envelope(EVE, leaf, (session, sequence), body)
            }
            1 => {
                let place = choices.bytes(21);
                let message = self.world.hostile(EVE).seal_as(&place, b"nowhere");
                self.world.envelope(EVE, leaf, (session, 0), private(message))
            }
            2 => {
                let log = &self.world.relay.log;
                log[choices.index(log.len())].envelope.to_vec()
            }
            3 => choices.bytes(293),
            _ => {
                let counter = [0, 1, self.eve().meta.next_counter, u64::MAX][choices.index(4)];
                let mut content = self.world.content(EVE, counter, "hear me");
                content.body = Some(body(choices));
                if choices.below(4) == 0 {
                    let length = choices.index(20);
                    content.id = choices.bytes(length).into();
                }
                let mut peer = self.world.hostile(EVE);
                self.world.said(EVE, &mut peer, &content)
            }
        };
        self.publish(Publish { envelope: envelope.into(), ..Publish::default() });
    }

    /// Words and votes about commits.
    pub(super) fn testify(&mut self, choices: &mut Choices) {
        let head = self.world.relay.log.len() as u64;
        let seq = [self.world.relay.last_commit, self.world.relay.confirmed(), choices.below(head + 2)]
            [choices.index(3)];
        let rubbish: bytes::Bytes = vec![choices.below(256) as u8; 64].into();
        let publish = match choices.below(4) {
            0 => Publish { ack: self.eve().ack(), ..Publish::default() },
            1 => Publish {
                ack: Some(Ack { seq, key_signature: rubbish.clone(), signature: rubbish }),
                ..Publish::default()
            },
            2 => Publish { ballot: self.eve().ballot(seq, &self.step_at(seq)), ..Publish::default() },
            _ => Publish {
                ballot: Some(Ballot { seq, step: choices.bytes(32).into(), signature: rubbish }),
                ..Publish::default()
            },
        };
        self.publish(publish);
    }

    /// The step that the commit at `seq` began, if it began one.
    fn step_at(&self, seq: u64) -> CommitName {
        let entry = usize::try_from(seq).ok().and_then(|seq| self.world.relay.log.get(seq.checked_sub(1)?));
        entry.map(|entry| self.eve().name_of(entry)).unwrap_or_default()
    }

    /// Calls for help that nobody needs, and answers that help nobody.
    pub(super) fn cry(&mut self, choices: &mut Choices) {
        let calls = self.world.relay.log.iter().filter(|entry| !entry.resync.is_empty());
        let calls: Vec<_> = calls.map(|entry| entry.resync.clone()).collect();
        let resync = match (choices.below(3), calls.is_empty()) {
            (0, false) => calls[choices.index(calls.len())].to_vec(),
            (1, _) => {
                let request = content::ResyncRequest {
                    access_key: self.key_of(choices.below(4) as u32),
                    kem_key: choices.bytes(1_216).into(),
                    epoch: choices.below(20),
                    seq: choices.below(40),
                    running_hash: choices.bytes(32).into(),
                    signature: choices.bytes(64).into(),
                    ..content::ResyncRequest::default()
                };
                content::Resync { body: Some(content::resync::Body::Request(request)) }.encode_to_vec()
            }
            _ => choices.bytes(80),
        };
        self.publish(Publish { resync: resync.into(), ..Publish::default() });
    }
}

/// What says that it is a file, and may be one.
fn file(choices: &mut Choices) -> content::File {
    let length = [32, 0, 33][choices.index(3)];
    content::File {
        id: choices.bytes(16).into(),
        key: choices.bytes(length).into(),
        size: [0, 9, u64::MAX][choices.index(3)],
        name: ["cat.jpg", "../../.bashrc", ""][choices.index(3)].to_owned(),
        parts: choices.bytes(32).into(),
        ..content::File::default()
    }
}

fn body(choices: &mut Choices) -> Body {
    let length = [16, 0, 17][choices.index(3)];
    let target: bytes::Bytes = choices.bytes(length).into();
    match choices.below(8) {
        0 => Body::Text(content::Text {
            body: "eve".repeat(choices.index(3)),
            reply_to: target,
            disappear_s: choices.below(300) as u32,
            file: (choices.below(4) == 0).then(|| file(choices)),
        }),
        1 => Body::Edit(content::Edit { target, body: "no".to_owned() }),
        2 => Body::Delete(content::Delete { target }),
        3 => Body::Reaction(content::Reaction {
            target,
            emoji: "!".repeat(choices.index(40)),
            withdrawn: choices.below(2) == 0,
        }),
        4 => Body::Seen(content::Seen { seq: [0, 1, u64::MAX][choices.index(3)] }),
        5 => {
            let kind = ["replay", "gap", "fork", "changed_key", ""][choices.index(5)].to_owned();
            let length = choices.index(70);
            let ours = choices.bytes(length).into();
            Body::Alarm(content::Alarm { kind, seq: 1, ours, theirs: bytes::Bytes::new() })
        }
        6 => Body::Leave(content::Leave { signature: choices.bytes(64).into() }),
        _ => {
            let line = content::PastLine { seq: 1, id: target, body: "old".to_owned(), ..Default::default() };
            let joiner = choices.bytes(48).into();
            Body::Past(content::Past { joiner, lines: vec![line; choices.index(3)], last: true })
        }
    }
}
