//! A member whose commits are one thing to the relay and another to the group, or that lends its word to what anybody
//! with a link can make. What members hold for settled is what the relay does, with their own ledger and without.

use proto::{
    access::{Change, CommitName, CommitParts, ack_statement, commit_statement},
    relay::{AccessChange, Ack, CommitPart, Publish, relay_frame::Frame},
    slot_hash,
};

use super::{
    hostile::{ANN, BOB, EVE, adds, member_key, nothing, three},
    world::World,
};
use crate::{
    content::sealed,
    crypto::suite::Suite,
    invite::{AccessSecret, InviteSecret},
    mls::group::hostile::announced,
    room::{Command, authority::Signer},
};

pub(super) const DAN: usize = 3;

/// Four people, and what is newest is confirmed.
pub(super) fn four(seed: u64) -> World {
    let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, seed);
    world.command(ANN, Command::Rename("anna".to_owned()));
    world.settle();
    assert_eq!(world.relay.confirmed(), world.relay.last_commit);
    world
}

/// A key that is no device's.
pub(super) fn key(byte: u8) -> AccessSecret {
    AccessSecret::from_bytes(&[byte; 32])
}

impl World {
    pub(super) fn close_ledgers(&mut self, close: bool) {
        for device in self.devices.iter_mut().filter(|_| close) {
            device.engine.iter_mut().for_each(|engine| engine.ledger.close());
        }
    }

    /// As the relay itself decides, whoever's key it is; none if it refuses.
    fn try_publish(&mut self, key: &AccessSecret, publish: Publish) -> Option<u64> {
        self.relay.now = self.now;
        let id = self.devices[EVE].profile.random.bytes::<16>().to_vec().into();
        match self.relay.publish_by(key.public().as_bytes(), &Publish { id, ..publish }) {
            Frame::Published(published) => Some(published.seq),
            _ => None,
        }
    }

    /// A commit that nobody can read, on `base`, signed by `signer`. `next` is the authority that it announces.
    pub(super) fn rubbish(
        &mut self,
        key: &AccessSecret,
        signer: &dyn Fn(&[u8]) -> [u8; 64],
        (base, instead_of): (u64, u64),
        access: &AccessChange,
        next: &AccessSecret,
    ) -> Option<u64> {
        let envelope = vec![7; 293];
        let authority = next.public();
        let part = CommitPart {
            expected_last_commit: base,
            instead_of,
            authority: authority.as_bytes().to_vec().into(),
            ..self.part(access.clone())
        };
        let change = Change::try_from(access).unwrap();
        let parts = CommitParts::of(&envelope, slot_hash(&part.slot, &part.piece_names), &change);
        let room = self.relay.room.unwrap();
        let statement = commit_statement(&room, base, &key.public(), &authority, &parts);
        let part = CommitPart { signature: signer(&statement).to_vec().into(), ..part };
        self.try_publish(key, Publish { envelope: envelope.into(), commit: Some(part), ..Publish::default() })
    }

    /// Somebody's word for a commit whose authority is known.
    pub(super) fn word(&mut self, key: &AccessSecret, seq: u64, authority: &AccessSecret) {
        let room = self.relay.room.unwrap();
        let name = CommitName::of_entry(&room, &self.entry(seq)).unwrap();
        let statement = ack_statement(&room, seq, &name, &key.public());
        let signature = authority.sign_statement(&statement).to_vec().into();
        let key_signature = key.sign_statement(&statement).to_vec().into();
        let ack = Some(Ack { seq, signature, key_signature });
        let publish = Publish { envelope: vec![8; 293].into(), ack, ..Publish::default() };
        self.try_publish(key, publish).unwrap();
    }

    /// The secret of the last invite that device `i` made.
    pub(super) fn newest_link(&self, i: usize) -> InviteSecret {
        let invites = &self.devices[i].engine.as_ref().unwrap().invites.own_invites;
        invites.last().unwrap().invite_secret().unwrap()
    }

    /// The word of device `i`, whose own program would not give it, for the commit that it has taken last.
    pub(super) fn word_of_member(&mut self, i: usize, seq: u64) {
        let engine = self.devices[i].engine.as_ref().unwrap();
        let authority = engine.group.as_ref().unwrap().authority().unwrap();
        let (key, room) = (engine.access.clone(), engine.room);
        let name = CommitName::of_entry(&room, &self.entry(seq)).unwrap();
        let statement = ack_statement(&room, seq, &name, &key.public());
        let signature = authority.sign(&statement).to_vec().into();
        let key_signature = key.sign_statement(&statement).to_vec().into();
        let ack = Some(Ack { seq, signature, key_signature });
        let publish = Publish { envelope: vec![8; 293].into(), ack, ..Publish::default() };
        self.try_publish(&key, publish).unwrap();
    }

    pub(super) fn access(&self, i: usize) -> AccessSecret {
        self.devices[i].engine.as_ref().unwrap().access.clone()
    }

    /// By the authority of the epoch that device `i` is in.
    pub(super) fn authority(&self, i: usize) -> impl Fn(&[u8]) -> [u8; 64] + use<> {
        let authority = self.devices[i].engine.as_ref().unwrap().group.as_ref().unwrap().authority().unwrap();
        move |statement| authority.sign(statement)
    }

    /// Eve's update, signed as her return would be.
    fn update_as_a_return(&mut self) -> u64 {
        let (message, _) = self.hostile(EVE).commit(|b| b);
        let authority = announced(&message).to_vec().into();
        let envelope = self.own_envelope(EVE, sealed::Body::KeyShare(message.into()));
        let mut part = CommitPart { authority, ..self.part(nothing()) };
        let (key, engine) = (self.access(EVE), self.devices[EVE].engine.as_ref().unwrap());
        engine.sign_part(key.public(), &envelope, &mut part, &Signer::Publisher(&key)).unwrap();
        let publish = Publish { envelope: envelope.into(), commit: Some(part), ..Publish::default() };
        self.try_publish(&key, publish).unwrap()
    }

    fn assert_nobody_out(&mut self, honest: &[usize]) {
        for i in honest {
            assert!(!self.errors(*i).contains(&"out"), "device {i}: {}", self.story(*i));
        }
        self.assert_talks(honest);
    }
}

#[test]
fn ordinary_commit_that_the_relay_takes_for_a_return_is_refused_by_all() {
    for close in [false, true] {
        let mut world = four(1501);
        world.close_ledgers(close);
        let (eve, authority, base) = (world.access(EVE), world.authority(EVE), world.relay.last_commit);
        let epoch = world.epoch(ANN);
        let first = world.update_as_a_return();
        world.disconnect(EVE);
        let until = world.now + 25_000;
        world.run_until(|world| world.now > until);
        world.now = until + 1;
        // She goes on from before, past what all others had taken for settled.
        let _ = world.rubbish(&eve, &authority, (base, first), &nothing(), &key(80));
        world.settle();
        for i in [ANN, BOB, DAN] {
            assert!(!world.stands_on(i).contains(&first), "device {i} took it: {}", world.story(i));
            assert!(world.errors(i).contains(&"invalid_commit"), "device {i}: {}", world.story(i));
            assert!(world.epoch(i) > epoch, "nobody dropped it: {}", world.story(i));
        }
        world.assert_nobody_out(&[ANN, BOB, DAN]);
    }
}

#[test]
fn what_one_member_answers_for_is_not_settled_before_another_one_does() {
    for close in [false, true] {
        let mut world = four(1502);
        for i in [BOB, EVE, DAN] {
            world.disconnect(i);
        }
        world.close_ledgers(close);
        let link = world.invite(ANN);
        world.settle();
        let base = world.relay.last_commit;
        let fay = world.newcomer("fay", 1590);
        world.join(fay, &link);
        world.settle();
        let acked = world.relay.log.iter().any(|entry| entry.ack.as_ref().is_some_and(|ack| ack.seq > base));
        assert!(acked, "ann said nothing of it");
        let ann = world.devices[ANN].engine.as_ref().unwrap();
        assert_eq!(ann.books.confirmed, world.relay.confirmed(), "{}", world.story(ANN));
        assert!(ann.group.as_ref().unwrap().has_base(world.relay.confirmed()), "nothing to go back to");
    }
}

/// Eve makes a join that nobody can take, by a link that she has. Where it is, and its authority's secret.
fn rubbish_join(world: &mut World, of: u8) -> (u64, AccessSecret) {
    let invite = world.first_link(ANN).access_key();
    let (last, next) = (world.relay.last_commit, key(of + 1));
    let by_invite = |statement: &[u8]| invite.sign_statement(statement);
    let change = adds(member_key(&key(of)));
    (world.rubbish(&invite, &by_invite, (last, 0), &change, &next).unwrap(), next)
}

#[test]
fn rubbish_join_with_its_makers_own_word_puts_nobody_out() {
    for close in [false, true] {
        let mut world = three(1503);
        world.invite(ANN);
        world.settle();
        world.close_ledgers(close);
        let eve = world.access(EVE);
        world.disconnect(EVE);
        let (seq, authority) = rubbish_join(&mut world, 70);
        world.word(&eve, seq, &authority);
        world.settle();
        world.assert_nobody_out(&[ANN, BOB]);
    }
}

#[test]
fn rubbish_join_on_which_its_maker_builds_puts_nobody_out() {
    for close in [false, true] {
        let mut world = three(1504);
        world.invite(ANN);
        world.settle();
        world.close_ledgers(close);
        let eve = world.access(EVE);
        world.disconnect(EVE);
        let (seq, authority) = rubbish_join(&mut world, 70);
        let by = |statement: &[u8]| authority.sign_statement(statement);
        world.rubbish(&eve, &by, (seq, 0), &nothing(), &key(90)).unwrap();
        world.settle();
        world.assert_nobody_out(&[ANN, BOB]);
    }
}

/// Whoever has the link and never joins makes returns by the key that its rubbish brought. The relay has to take them, and is
/// not blamed for that.
#[test]
fn returns_by_a_key_that_rubbish_brought_accuse_nobody() {
    for close in [false, true] {
        let mut world = three(1507);
        world.invite(ANN);
        world.settle();
        world.close_ledgers(close);
        let (mut last, _) = rubbish_join(&mut world, 70);
        let stranger = key(70);
        let by = |statement: &[u8]| stranger.sign_statement(statement);
        for of in 90..93 {
            last = world.rubbish(&stranger, &by, (last, 0), &nothing(), &key(of)).unwrap();
        }
        // And one on that, by the authority that it announced.
        let by = |statement: &[u8]| key(92).sign_statement(statement);
        world.rubbish(&stranger, &by, (last, 0), &nothing(), &key(93)).unwrap();
        world.settle();
        world.assert_nobody_out(&[ANN, BOB, EVE]);
        for i in [ANN, BOB, EVE] {
            assert!(world.alarms(i).is_empty(), "{:?}", world.alarms(i));
            assert_eq!(world.devices[i].engine.as_ref().unwrap().ledger.now().is_some(), !close);
        }
    }
}

/// Each takes the other's place when the others have waited for as long as they must, so that they never come to it.
#[test]
fn two_who_take_turns_with_rubbish_are_voted_out() {
    const CARL: usize = 4;
    let mut world = World::room_of(&["ann", "bob", "eve", "dan", "carl"], Suite::Classic, 1508);
    world.command(ANN, Command::Rename("anna".to_owned()));
    world.settle();
    let base = world.relay.confirmed();
    assert_eq!(base, world.relay.last_commit);
    let (both, authority) = ([world.access(EVE), world.access(DAN)], world.authority(EVE));
    world.disconnect(EVE);
    world.disconnect(DAN);
    world.command(ANN, Command::Rename("anne".to_owned()));
    let is_barred = |world: &World| both.iter().any(|key| world.relay.is_barred(key.public().as_bytes()));
    for turn in 0..20 {
        if is_barred(&world) {
            break;
        }
        let tip = if turn == 0 { 0 } else { world.relay.last_commit };
        let next = key(60 + turn);
        let who = &both[usize::from(turn) % 2];
        let _ = world.rubbish(who, &authority, (base, tip), &nothing(), &next);
        world.run_until(|world| [ANN, BOB, CARL].iter().all(|i| world.cursor(*i) == world.head()));
        world.now += 20_000;
    }
    assert!(is_barred(&world), "{}", world.story(ANN));
    world.settle();
    world.assert_talks(&[ANN, BOB, CARL]);
}

#[test]
fn what_two_members_answer_for_puts_out_who_cannot_take_it() {
    for close in [false, true] {
        let mut world = four(1505);
        world.invite(ANN);
        world.settle();
        world.close_ledgers(close);
        let (eve, dan) = (world.access(EVE), world.access(DAN));
        world.disconnect(EVE);
        world.disconnect(DAN);
        let (seq, authority) = rubbish_join(&mut world, 70);
        world.word(&eve, seq, &authority);
        world.word(&dan, seq, &authority);
        let is_out = |world: &World| [ANN, BOB].iter().all(|i| world.errors(*i).contains(&"out"));
        assert!(world.run_until(is_out), "{}", world.story(ANN));
    }
}

#[test]
fn keys_that_one_members_commits_bring_count_for_nothing_however_many() {
    for close in [false, true] {
        let mut world = three(1506);
        world.close_ledgers(close);
        let eve = world.access(EVE);
        let authority = world.authority(EVE);
        world.disconnect(EVE);
        let many = |from: u32| {
            let key = |n: u32| {
                let mut bytes = [3; 32];
                bytes[..4].copy_from_slice(&n.to_be_bytes());
                member_key(&AccessSecret::from_bytes(&bytes))
            };
            AccessChange { added: (from..from + 1024).map(key).collect(), removed: Vec::new() }
        };
        let by = |secret: AccessSecret| move |statement: &[u8]| secret.sign_statement(statement);
        let last = world.relay.last_commit;
        let one = world.rubbish(&eve, &authority, (last, 0), &many(0), &key(80)).unwrap();
        let two = world.rubbish(&eve, &by(key(80)), (one, 0), &many(1024), &key(81)).unwrap();
        let further = adds(member_key(&key(60)));
        let three = world.rubbish(&eve, &by(key(81)), (two, 0), &further, &key(82)).unwrap();
        world.rubbish(&key(60), &by(key(82)), (three, 0), &nothing(), &key(83)).unwrap();
        world.settle();
        world.assert_nobody_out(&[ANN, BOB]);
    }
}
