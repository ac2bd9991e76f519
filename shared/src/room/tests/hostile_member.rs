//! Commits by a member whose program keeps no rule.

use bytes::Bytes;
use mls_rs::{CipherSuite, ExtensionList, ProtocolVersion};
use proto::relay::AccessChange;

use super::{
    hostile::{ANN, BOB, EVE, adds, extensions, member_key, nothing, three},
    hostile_joiner::Stranger,
};
use crate::{
    content::{self, sealed},
    crypto::aead::Session,
    identity::Identity,
    identity::credential::certify,
    invite::AccessSecret,
    mls::group::{Group, GroupError, LEAF_EXTENSION, ROOM_EXTENSION, hostile::Hostile},
    mls::rules::Violation,
    room::{AlarmKind, Command},
};

#[test]
fn update_that_changes_its_access_key_is_refused() {
    for part in 0..4 {
        let mut world = three(112);
        let epoch = world.epoch(ANN);
        let mut leaf = content::Leaf {
            access_key: world.access_key(EVE).key,
            invite_id: world.room(EVE).invites[0].id.clone(),
            join_signature: world.own_leaf(EVE).join_signature,
            ..content::Leaf::default()
        };
        match part {
            0 => leaf.access_key = Bytes::from_static(&[5; 32]),
            1 => leaf.access_key = world.access_key(BOB).key,
            2 => leaf.join_signature = Bytes::new(),
            _ => leaf.invite_id = Bytes::new(),
        }
        let list = extensions(LEAF_EXTENSION, &leaf);
        let (message, _) = world.hostile(EVE).commit(|b| b.set_leaf_node_extensions(list));
        world.disconnect(EVE);
        world.inject_commit(EVE, message, nothing());
        world.settle();
        world.assert_violates(&[ANN, BOB], epoch, Violation::LeafChanged);
    }
}

#[test]
fn update_to_somebody_elses_account_is_refused() {
    let mut world = three(113);
    let epoch = world.epoch(ANN);
    let signer = world.devices[EVE].engine.as_ref().unwrap().signer();
    let other = Identity::without_recovery(&[9; 32]);
    let bob = world.devices[BOB].profile.identity.clone();
    for identity in [&other, &bob] {
        // Eve has no other account's certificate, unless she also owns that account.
        let signing = certify(identity, &world.room_id(0), "bob", "test", [1; 16], &signer.public);
        let (message, _) =
            world.hostile(EVE).commit(|b| b.set_new_signing_identity(signer.secret.clone(), signing.clone()));
        world.inject_commit(EVE, message, nothing());
    }
    world.disconnect(EVE);
    world.settle();
    world.assert_refused(&[ANN, BOB], epoch, "invalid_commit");
}

#[test]
fn proposals_that_are_not_used_here_are_refused() {
    let mut world = three(114);
    let epoch = world.epoch(ANN);
    let id = mls_rs_core::psk::ExternalPskId::new(world.room(EVE).invites[0].id.to_vec());
    let (message, _) = world.hostile(EVE).commit(|b| b.add_external_psk(id).unwrap());
    world.inject_commit(EVE, message, nothing());
    world.disconnect(EVE);
    world.settle();
    world.assert_refused(&[ANN, BOB], epoch, "invalid_commit");
}

#[test]
fn reinit_does_not_end_the_room() {
    let mut world = three(115);
    let epoch = world.epoch(ANN);
    let (message, _) = world.hostile(EVE).commit(|b| {
        let list = ExtensionList::new();
        b.reinit(None, ProtocolVersion::MLS_10, CipherSuite::CURVE25519_AES128, list).unwrap()
    });
    world.inject_commit(EVE, message, nothing());
    world.disconnect(EVE);
    world.settle();
    world.assert_refused(&[ANN, BOB], epoch, "invalid_commit");
}

#[test]
fn proposal_by_reference_does_not_wedge_the_room() {
    let mut world = three(116);
    let (epoch, bob) = (world.epoch(ANN), world.leaf(BOB));
    let mut eve = world.hostile(EVE);
    let proposal = eve.0.propose_remove(bob, Vec::new()).unwrap().to_bytes().unwrap();
    let (commit, _) = eve.commit(|b| b);
    world.inject_commit(EVE, proposal, nothing());
    world.inject_commit(EVE, commit, nothing());
    world.disconnect(EVE);
    world.settle();
    world.assert_refused(&[ANN, BOB], epoch, "invalid_commit");
}

#[test]
fn commit_of_a_cached_proposal_is_refused() {
    let mut world = three(117);
    let bob = world.leaf(BOB);
    let mut eve = world.hostile(EVE);
    let proposal = eve.0.propose_remove(bob, Vec::new()).unwrap().to_bytes().unwrap();
    let list = extensions(ROOM_EXTENSION, &content::Room { invites: vec![], ..world.room(EVE) });
    let (commit, _) = eve.commit(|b| b.set_group_context_ext(list).unwrap());
    let ann: &mut Group = world.devices[ANN].engine.as_mut().unwrap().group.as_mut().unwrap();
    // Without the undo that the engine does, so that the library has the proposal at hand.
    assert!(matches!(ann.process(&proposal, 0), Err(GroupError::Unexpected)));
    assert!(matches!(ann.process(&commit, 0), Err(GroupError::Rule(Violation::ByReference))));
}

#[test]
fn garbage_commit_takes_a_position_but_no_epoch() {
    let mut world = three(118);
    let epoch = world.epoch(ANN);
    world.inject_commit(EVE, b"not MLS".to_vec(), nothing());
    world.disconnect(EVE);
    world.settle();
    let part = world.part(nothing());
    world.inject(vec![1; 293], Some(part));
    world.settle();
    assert!(world.errors(ANN).contains(&"invalid_commit") && world.errors(ANN).contains(&"forged"));
    world.assert_refused(&[ANN, BOB], epoch, "forged");
}

#[test]
fn commit_that_is_not_published_as_one_is_refused() {
    let mut world = three(119);
    let epoch = world.epoch(ANN);
    let (message, _) = world.hostile(EVE).commit(|b| b);
    let envelope = world.own_envelope(EVE, sealed::Body::KeyShare(message.into()));
    world.disconnect(EVE);
    world.inject(envelope, None);
    world.settle();
    world.assert_refused(&[ANN, BOB], epoch, "forged");
}

#[test]
fn commit_in_somebody_elses_envelope_is_refused() {
    let mut world = three(120);
    let epoch = world.epoch(ANN);
    let (message, _) = world.hostile(EVE).commit(|b| b);
    let session = Session::random(&world.devices[EVE].profile.random);
    let body = sealed::Body::KeyShare(message.into());
    let envelope = world.envelope(EVE, world.leaf(BOB), (session, 0), body);
    world.disconnect(EVE);
    world.disconnect(BOB);
    let part = world.part(nothing());
    world.inject(envelope, Some(part));
    world.settle();
    world.connect(BOB);
    world.settle();
    world.assert_refused(&[ANN, BOB], epoch, "forged");
}

#[test]
fn access_change_that_differs_from_the_commit_is_refused_and_undone() {
    let stranger = member_key(&AccessSecret::from_bytes(&[3; 32]));
    for part in 0..2 {
        let mut world = three(121);
        let bob = world.access_key(BOB).key;
        let change = match part {
            0 => adds(stranger.clone()),
            _ => AccessChange { added: vec![], removed: vec![bob.clone()] },
        };
        let (message, _) = world.hostile(EVE).commit(|b| b);
        world.disconnect(EVE);
        world.inject_commit(EVE, message, change);
        world.settle();
        world.connect(BOB);
        world.settle();
        world.connect(BOB);
        world.settle();
        world.assert_alarm(ANN, AlarmKind::Access);
        assert!(world.relay.keys.contains_key(&*bob), "bob was locked out");
        assert!(!world.relay.keys.contains_key(&*stranger.key), "a stranger kept access");
        world.assert_talks(&[ANN, BOB]);
    }
}

/// The relay keeps the longer life, though the commit is dropped: members hold joins against the group's list.
#[test]
fn invite_that_lives_longer_at_the_relay_lets_nobody_in_and_silences_nobody() {
    let mut world = three(122);
    let (ends, epoch) = (world.now + 7_200_000, world.epoch(ANN));
    world.command(ANN, Command::Invite { uses: None, expires_ms: Some(ends) });
    world.settle();
    let link = world.invite(ANN);
    let key =
        world.room(ANN).invites.into_iter().find(|invite| *invite.id == link.secret.id()).unwrap().access_key;
    let mut longer = world.relay.keys[&*key].0.clone();
    longer.expires_ms = ends + 86_400_000;
    let (message, _) = world.hostile(EVE).commit(|b| b);
    world.disconnect(EVE);
    world.inject_commit(EVE, message, adds(longer.clone()));
    world.settle();
    world.assert_alarm(ANN, AlarmKind::Access);
    world.assert_violates(&[ANN, BOB], epoch, Violation::FalseAccess);
    let stranger = Stranger::with(&world, &link);
    world.now = ends + 1;
    stranger.join(&mut world);
    assert_eq!((world.members(ANN), world.members(BOB)), (3, 3), "the time of the group's list counts");
    world.assert_violates(&[ANN, BOB], epoch, Violation::DeadInvite);
}

#[test]
fn member_that_hides_its_abilities_does_not_wedge_the_room() {
    let mut world = three(123);
    let engine = world.devices[EVE].engine.as_ref().unwrap();
    let group = engine.group.as_ref().unwrap();
    let mut eve = Hostile::able(group, &world.devices[EVE].profile.random, &[LEAF_EXTENSION]);
    let epoch = world.epoch(ANN);
    let (message, _) = eve.commit(|b| b);
    world.disconnect(EVE);
    world.inject_commit(EVE, message, nothing());
    world.settle();
    world.assert_refused(&[ANN, BOB], epoch, "invalid_commit");
    let link = world.invite(BOB);
    let dan = world.newcomer("dan", 923);
    world.join(dan, &link);
    assert_eq!(world.members(ANN), 4);
}

#[test]
fn commit_in_a_private_message_is_refused() {
    let mut world = three(124);
    let epoch = world.epoch(ANN);
    let engine = world.devices[EVE].engine.as_ref().unwrap();
    let mut eve = Hostile::secretive(engine.group.as_ref().unwrap(), &world.devices[EVE].profile.random);
    let (message, _) = eve.commit(|b| b);
    world.disconnect(EVE);
    world.inject_commit(EVE, message, nothing());
    world.settle();
    world.assert_refused(&[ANN, BOB], epoch, "invalid_commit");
}
