//! Commits by a member whose program keeps no rule.

use bytes::Bytes;
use mls_rs::{CipherSuite, ExtensionList, ProtocolVersion};
use mls_rs_core::extension::{Extension, ExtensionType};
use proto::relay::AccessChange;

use super::{
    hostile::{ANN, BOB, EVE, adds, member_key, nothing, three},
    world::World,
};
use crate::{
    aead::Session,
    content::{self, sealed},
    credential::certify,
    engine::AlarmKind,
    group::{Group, GroupError, LEAF_EXTENSION, ROOM_EXTENSION},
    identity::Identity,
    invite::{AccessSecret, InviteSecret},
    rules::Violation,
};

fn extensions(kind: ExtensionType, message: &impl prost::Message) -> ExtensionList {
    let mut list = ExtensionList::new();
    list.set(Extension::new(kind, message.encode_to_vec()));
    list
}

/// Eve commits the room that `change` makes; nobody takes it, because of `violation`.
fn room_is_refused(seed: u64, violation: Violation, change: impl Fn(&World, &mut content::Room)) {
    let mut world = three(seed);
    let epoch = world.epoch(ANN);
    let mut room = world.room(EVE);
    change(&world, &mut room);
    let list = extensions(ROOM_EXTENSION, &room);
    let (message, _) = world.hostile(EVE).commit(|b| b.set_group_context_ext(list).unwrap());
    world.disconnect(EVE);
    world.inject_commit(EVE, message, nothing());
    world.settle();
    world.assert_violates(&[ANN, BOB], epoch, violation);
}

fn invite(n: u8) -> content::Invite {
    InviteSecret::from_bytes([n; 32]).to_content(0, 0)
}

#[test]
fn room_name_cannot_change() {
    room_is_refused(101, Violation::RoomChanged, |_, room| room.name = "other".to_owned());
}

#[test]
fn private_room_cannot_become_open() {
    room_is_refused(102, Violation::RoomChanged, |_, room| room.open = true);
}

#[test]
fn room_version_cannot_change() {
    room_is_refused(103, Violation::Room, |_, room| room.version = 2);
}

#[test]
fn more_invites_than_a_room_may_have_are_refused() {
    room_is_refused(104, Violation::Room, |_, room| room.invites = (0..17).map(invite).collect());
}

#[test]
fn two_invites_of_one_id_are_refused() {
    room_is_refused(105, Violation::Room, |_, room| {
        let mut twin = invite(1);
        twin.id = room.invites[0].id.clone();
        room.invites.push(twin);
    });
}

#[test]
fn invite_with_a_short_key_is_refused() {
    room_is_refused(106, Violation::Room, |_, room| {
        let mut short = invite(1);
        short.seal_key = Bytes::from_static(&[1; 31]);
        room.invites.push(short);
    });
}

#[test]
fn invite_with_a_members_access_key_is_refused() {
    room_is_refused(107, Violation::Leaf, |world, room| {
        let mut stolen = invite(1);
        stolen.access_key = world.access_key(BOB).key;
        room.invites.push(stolen);
    });
}

#[test]
fn room_without_its_extension_is_refused() {
    let mut world = three(108);
    let epoch = world.epoch(ANN);
    let (message, _) = world.hostile(EVE).commit(|b| b.set_group_context_ext(ExtensionList::new()).unwrap());
    world.disconnect(EVE);
    world.inject_commit(EVE, message, nothing());
    world.settle();
    world.assert_violates(&[ANN, BOB], epoch, Violation::Room);
}

#[test]
fn group_context_with_another_extension_is_refused() {
    let mut world = three(109);
    let epoch = world.epoch(ANN);
    let mut list = extensions(ROOM_EXTENSION, &world.room(EVE));
    list.set(Extension::new(LEAF_EXTENSION, vec![1]));
    let (message, _) = world.hostile(EVE).commit(|b| b.set_group_context_ext(list).unwrap());
    world.disconnect(EVE);
    world.inject_commit(EVE, message, nothing());
    world.settle();
    world.assert_violates(&[ANN, BOB], epoch, Violation::Room);
}

#[test]
fn removal_that_keeps_the_invites_is_refused() {
    let mut world = three(110);
    let (epoch, bob) = (world.epoch(ANN), world.leaf(BOB));
    let (message, _) = world.hostile(EVE).commit(|b| b.remove_member(bob).unwrap());
    let gone = AccessChange { added: Vec::new(), removed: vec![world.access_key(BOB).key] };
    world.disconnect(EVE);
    world.inject_commit(EVE, message, gone);
    world.settle();
    // Bob cannot see the commit fail with his key gone; Ann refuses it and gives him the key back.
    world.assert_alarm(ANN, AlarmKind::Access);
    world.connect(BOB);
    world.settle();
    assert_eq!(world.members(ANN), 3, "bob was removed");
    assert!(world.relay.keys.contains_key(&*world.access_key(BOB).key), "his key came back");
    assert!(world.epoch(ANN) == epoch + 1, "only the repair moved the epoch");
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn removal_that_keeps_one_part_of_an_invite_is_refused() {
    for part in 0..3 {
        let mut world = three(111);
        let bob = world.leaf(BOB);
        let mut room = world.room(EVE);
        let (old, mut new) = (room.invites[0].clone(), invite(1));
        match part {
            0 => new.seal_key = old.seal_key,
            1 => new.psk = old.psk,
            _ => new.access_key = old.access_key,
        }
        room.invites = vec![new];
        let list = extensions(ROOM_EXTENSION, &room);
        let (message, _) =
            world.hostile(EVE).commit(|b| b.remove_member(bob).unwrap().set_group_context_ext(list).unwrap());
        world.disconnect(EVE);
        let epoch = world.epoch(ANN);
        world.inject_commit(EVE, message, nothing());
        world.settle();
        world.assert_violates(&[ANN, BOB], epoch, Violation::InvitesKept);
    }
}

#[test]
fn update_that_changes_its_access_key_is_refused() {
    for part in 0..3 {
        let mut world = three(112);
        let epoch = world.epoch(ANN);
        let mut leaf = content::Leaf {
            access_key: world.access_key(EVE).key,
            invite_id: world.room(EVE).invites[0].id.clone(),
        };
        match part {
            0 => leaf.access_key = Bytes::from_static(&[5; 32]),
            1 => leaf.access_key = world.access_key(BOB).key,
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
    let other = Identity::from_bytes(&[9; 32]);
    let bob = world.devices[BOB].profile.identity.clone();
    for identity in [&other, &bob] {
        // Eve has no other account's certificate, unless she also owns that account.
        let signing = certify(identity, "bob", "test", [1; 16], &signer.public);
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
    world.assert_violates(&[ANN, BOB], epoch, Violation::ForbiddenProposal);
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
    let part = world.part(nothing());
    world.inject(vec![1; 293], Some(part));
    world.disconnect(EVE);
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
fn access_change_that_differs_from_the_commit_alarms_and_is_repaired() {
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
        world.assert_alarm(ANN, AlarmKind::Access);
        assert!(world.relay.keys.contains_key(&*bob), "bob was locked out");
        assert!(!world.relay.keys.contains_key(&*stranger.key), "a stranger kept access");
        world.assert_talks(&[ANN, BOB]);
    }
}

/// The relay refuses a change that names a key twice, so the repair must replace it in one step.
#[test]
fn invite_that_lives_longer_at_the_relay_is_repaired_and_silences_nobody() {
    let mut world = three(122);
    world.invite(ANN);
    let key = world.room(ANN).invites[0].access_key.clone();
    let mut longer = world.relay.keys[&*key].0.clone();
    longer.expires_ms += 1;
    let (message, _) = world.hostile(EVE).commit(|b| b);
    world.disconnect(EVE);
    world.inject_commit(EVE, message, adds(longer.clone()));
    world.settle();
    world.assert_alarm(ANN, AlarmKind::Access);
    assert_ne!(world.relay.keys[&*key].0, longer, "the relay still has what the hostile commit said");
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn member_that_hides_its_abilities_does_not_wedge_the_room() {
    let mut world = three(123);
    let engine = world.devices[EVE].engine.as_ref().unwrap();
    let group = engine.group.as_ref().unwrap();
    let mut eve =
        crate::group::hostile::Hostile::able(group, &world.devices[EVE].profile.random, &[LEAF_EXTENSION]);
    let epoch = world.epoch(ANN);
    let (message, _) = eve.commit(|b| b);
    world.disconnect(EVE);
    world.inject_commit(EVE, message, nothing());
    world.settle();
    world.assert_refused(&[ANN, BOB], epoch, "invalid_commit");
    assert_eq!(world.invite(BOB).room_name, "team");
}
