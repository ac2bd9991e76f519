//! Joiners whose program keeps no rule, and relays that let in whom they should not.

use mls_rs::ExtensionList;
use mls_rs_core::{
    extension::{Extension, ExtensionType},
    identity::{Credential, CustomCredential, SigningIdentity},
};
use prost::Message as _;

use super::{
    hostile::{ANN, BOB, EVE, adds, member_key, three},
    world::World,
};
use crate::{
    content,
    crypto::suite::Suite,
    identity::Identity,
    identity::credential::{CREDENTIAL_TYPE, certify},
    invite::link::Link,
    invite::slot,
    invite::{AccessSecret, InviteSecret},
    mls::group::{LEAF_EXTENSION, ROOM_EXTENSION, Signer, hostile::Hostile},
    mls::rules::Violation,
    room::{AlarmKind, Command, Event},
};

/// Somebody with a link and a program of their own.
struct Stranger {
    signer: Signer,
    identity: SigningIdentity,
    access: AccessSecret,
    psks: Vec<([u8; 16], [u8; 32])>,
    remove: Option<u32>,
    leaf: ExtensionList,
    abilities: Vec<ExtensionType>,
    group_info: Vec<u8>,
    seal_key: Vec<u8>,
}

impl Stranger {
    /// An honest one, to be spoiled.
    fn with(world: &World, link: &Link) -> Self {
        let secret = &link.secret;
        let info = slot::open(&link.room_id, secret, &world.relay.slot).unwrap();
        Self::new(world, secret, info.to_vec(), secret.seal_key().to_vec())
    }

    fn new(world: &World, secret: &InviteSecret, group_info: Vec<u8>, seal_key: Vec<u8>) -> Self {
        let random = &world.devices[EVE].profile.random;
        let signer = Signer::generate(Suite::Classic, random).unwrap();
        let identity = certify(&Identity::from_bytes(&[8; 32]), "mallory", "x", [8; 16], &signer.public);
        let access = AccessSecret::generate(random);
        let leaf = leaf(member_key(&access).key.to_vec(), secret.id().to_vec());
        Self {
            identity,
            access,
            psks: vec![(secret.id(), *secret.psk())],
            remove: None,
            leaf,
            abilities: vec![LEAF_EXTENSION, ROOM_EXTENSION],
            group_info,
            seal_key,
            signer,
        }
    }

    /// Publishes the join, as a relay that refuses nobody would.
    fn join(&self, world: &mut World) -> Hostile {
        let random = world.devices[EVE].profile.random.clone();
        let (group, (message, _)) = Hostile::join_able(
            (&random, &self.abilities),
            (&self.signer, self.identity.clone()),
            &self.group_info,
            &self.psks,
            self.remove,
            self.leaf.clone(),
        );
        let envelope = world.join_envelope(ANN, &self.seal_key, message);
        let part = world.part(adds(member_key(&self.access)));
        world.inject(envelope, Some(part));
        world.settle();
        group
    }
}

fn leaf(access_key: Vec<u8>, invite_id: Vec<u8>) -> ExtensionList {
    let leaf = content::Leaf { access_key: access_key.into(), invite_id: invite_id.into() };
    let mut list = ExtensionList::new();
    list.set(Extension::new(LEAF_EXTENSION, leaf.encode_to_vec()));
    list
}

/// The join that `spoil` spoils is refused by all, and the relay forgets the stranger's key.
fn join_is_refused(seed: u64, violation: Option<Violation>, spoil: impl Fn(&World, &mut Stranger)) {
    let mut world = three(seed);
    let link = world.invite(ANN);
    let mut stranger = Stranger::with(&world, &link);
    spoil(&world, &mut stranger);
    stranger.join(&mut world);
    is_refused(&mut world, violation);
    let key = member_key(&stranger.access).key;
    assert!(!world.relay.keys.contains_key(&*key), "the stranger kept access");
}

fn is_refused(world: &mut World, violation: Option<Violation>) {
    for i in [ANN, BOB, EVE] {
        assert_eq!(world.members(i), 3, "device {i} let the stranger in");
        let told = world.devices[i].events.iter().any(|event| {
            matches!(event, Event::Error { code: "invalid_commit", message, .. }
                if violation.is_none_or(|violation| message.contains(&violation.to_string())))
        });
        assert!(told, "device {i}: {}", world.story(i));
    }
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn honest_stranger_gets_in() {
    let mut world = three(200);
    let link = world.invite(ANN);
    Stranger::with(&world, &link).join(&mut world);
    assert_eq!((world.members(ANN), world.members(BOB)), (4, 4));
    world.assert_agreed(&[ANN, BOB, EVE]);
}

#[test]
fn external_commit_without_a_live_invite_is_refused() {
    join_is_refused(201, Some(Violation::NoInvite), |_, stranger| stranger.psks.clear());
}

#[test]
fn external_commit_with_an_unknown_psk_is_refused() {
    join_is_refused(202, None, |_, stranger| stranger.psks = vec![([1; 16], [2; 32])]);
}

#[test]
fn external_commit_with_two_psks_is_refused() {
    let mut world = three(203);
    let link = world.invite(ANN);
    let other = world.invite(BOB);
    let mut stranger = Stranger::with(&world, &link);
    stranger.psks.push((other.secret.id(), *other.secret.psk()));
    stranger.join(&mut world);
    is_refused(&mut world, Some(Violation::ForbiddenProposal));
}

#[test]
fn revoked_invite_is_refused_even_with_a_members_help() {
    let mut world = three(204);
    let link = world.invite(ANN);
    let eve = world.devices[EVE].profile.identity.fingerprint();
    world.command(ANN, Command::Remove(eve));
    world.settle();
    let info = world.hostile(BOB).0.group_info_message_allowing_ext_commit(true).unwrap();
    let live = world.room(BOB).invites[0].seal_key.to_vec();
    let stranger = Stranger::new(&world, &link.secret, info.to_bytes().unwrap(), live);
    stranger.join(&mut world);
    let reason = Violation::DeadInvite.to_string();
    for i in [ANN, BOB] {
        assert_eq!(world.members(i), 2);
        assert!(world.story(i).contains(&reason), "{}", world.story(i));
    }
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn expired_invite_is_refused() {
    let mut world = three(205);
    let link = world.invite(ANN);
    let stranger = Stranger::with(&world, &link);
    world.now += crate::invite::INVITE_LIFETIME_MS;
    stranger.join(&mut world);
    is_refused(&mut world, Some(Violation::DeadInvite));
}

#[test]
fn used_up_invite_is_refused() {
    let mut world = three(206);
    let secret = InviteSecret::from_bytes([7; 32]);
    let room = content::Room { invites: vec![secret.to_content(0, 1)], ..world.room(ANN) };
    let mut list = ExtensionList::new();
    list.set(Extension::new(ROOM_EXTENSION, room.encode_to_vec()));
    let mut eve = world.hostile(EVE);
    let (message, _) = eve.commit(|b| b.set_group_context_ext(list).unwrap());
    eve.0.apply_pending_commit().unwrap();
    world.disconnect(EVE);
    world.inject_commit(EVE, message, super::hostile::nothing());
    world.settle();
    for (n, members) in [(1, 4), (2, 4)] {
        let info = world.hostile(BOB).0.group_info_message_allowing_ext_commit(true).unwrap();
        let seal_key = secret.seal_key().to_vec();
        let mut stranger = Stranger::new(&world, &secret, info.to_bytes().unwrap(), seal_key);
        let account = Identity::from_bytes(&[40 + n; 32]);
        stranger.identity = certify(&account, "x", "x", [n; 16], &stranger.signer.public);
        stranger.join(&mut world);
        assert_eq!((world.members(ANN), world.members(BOB)), (members, members), "joiner {n}");
    }
    assert!(world.story(BOB).contains(&Violation::UsedUpInvite.to_string()));
}

#[test]
fn joiner_that_removes_somebody_is_refused() {
    let mut world = three(207);
    let link = world.invite(ANN);
    let mut stranger = Stranger::with(&world, &link);
    // MLS lets a joiner remove an older leaf of its own; here nobody but a member removes.
    let engine = world.devices[EVE].engine.as_ref().unwrap();
    (stranger.signer, stranger.identity) = (engine.signer(), engine.identity());
    stranger.remove = Some(world.leaf(EVE));
    world.disconnect(EVE);
    stranger.join(&mut world);
    world.connect(EVE);
    world.settle();
    let told = Violation::JoinerRemoves.to_string();
    assert!(world.story(ANN).contains(&told), "{}", world.story(ANN));
    assert_eq!((world.members(ANN), world.members(BOB)), (3, 3));
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn joiner_with_somebody_elses_account_key_is_refused() {
    join_is_refused(208, None, |world, stranger| {
        let old = stranger.identity.credential.as_custom().unwrap();
        let mut credential = content::Credential::decode(&*old.data).unwrap();
        let ann = world.devices[ANN].profile.identity.public_key();
        credential.account_key = ann.to_vec().into();
        let custom = CustomCredential::new(CREDENTIAL_TYPE, credential.encode_to_vec());
        stranger.identity =
            SigningIdentity::new(Credential::Custom(custom), stranger.identity.signature_key.clone());
    });
}

#[test]
fn joiner_with_a_members_access_key_is_refused() {
    join_is_refused(209, Some(Violation::Leaf), |world, stranger| {
        let invite = stranger.psks[0].0.to_vec();
        stranger.leaf = leaf(world.access_key(BOB).key.to_vec(), invite);
    });
}

#[test]
fn joiner_that_names_another_invite_is_refused() {
    join_is_refused(210, Some(Violation::Leaf), |_, stranger| {
        stranger.leaf = leaf(member_key(&stranger.access).key.to_vec(), vec![9; 16]);
    });
}

#[test]
fn joiner_without_an_access_key_is_refused() {
    join_is_refused(211, Some(Violation::Leaf), |_, stranger| stranger.leaf = ExtensionList::new());
    join_is_refused(212, Some(Violation::Leaf), |_, stranger| {
        stranger.leaf = leaf(vec![1; 31], stranger.psks[0].0.to_vec());
    });
}

#[test]
fn joiner_that_hides_its_abilities_is_refused() {
    join_is_refused(213, None, |_, stranger| stranger.abilities = vec![LEAF_EXTENSION]);
}

#[test]
fn joiner_that_brings_another_key_to_the_relay_alarms_and_is_repaired() {
    let mut world = three(214);
    let link = world.invite(ANN);
    let mut stranger = Stranger::with(&world, &link);
    let told = member_key(&stranger.access).key;
    stranger.access = AccessSecret::from_bytes(&[66; 32]);
    let brought = member_key(&stranger.access).key;
    stranger.join(&mut world);
    world.assert_alarm(ANN, AlarmKind::Access);
    assert!(!world.relay.keys.contains_key(&*brought) && world.relay.keys.contains_key(&*told));
}

#[test]
fn groupinfo_older_than_the_link_is_refused() {
    let mut world = three(215);
    world.invite(ANN);
    let old = world.relay.slot.clone();
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    let link = world.invite(ANN);
    world.relay.put_slot(old);
    world.devices.push(World::new(&["dan"], Suite::Classic, 900).devices.remove(0));
    world.join(3, &link);
    assert!(world.closed(3), "{}", world.story(3));
    assert!(world.story(3).contains(&Violation::OldGroupInfo.to_string()));
}

#[test]
fn joiner_of_a_used_up_invite_does_not_believe_to_be_in() {
    let mut world = three(216);
    // Bob and eve came by this invite; now it may let in two.
    let mut room = world.room(BOB);
    room.invites[0].max_uses = 2;
    let mut list = ExtensionList::new();
    list.set(Extension::new(ROOM_EXTENSION, room.encode_to_vec()));
    let mut link = world.invite(ANN);
    assert_eq!(link.secret.id(), *room.invites[0].id);
    let (message, info) = world.hostile(EVE).commit(|b| b.set_group_context_ext(list).unwrap());
    world.inject_commit(EVE, message, super::hostile::nothing());
    let random = &world.devices[EVE].profile.random;
    let slot = slot::seal(&link.room_id, &room.invites, (&[8; 32], &info), random).unwrap();
    world.relay.put_slot(slot);
    world.disconnect(EVE);
    world.settle();
    link.least_epoch = 0;
    world.devices.push(World::new(&["dan"], Suite::Classic, 901).devices.remove(0));
    world.join(3, &link);
    assert!(world.story(3).contains(&Violation::UsedUpInvite.to_string()), "{}", world.story(3));
}

#[test]
fn joins_are_judged_by_the_time_of_their_entry_alone() {
    let mut world = three(217);
    let link = world.invite(ANN);
    let stranger = Stranger::with(&world, &link);
    // A newcomer never saw this entry; if its time counted, it would judge otherwise than the others.
    world.relay.now = world.now + crate::invite::INVITE_LIFETIME_MS;
    world.relay.append(vec![0]);
    world.settle();
    world.relay.now = world.now;
    stranger.join(&mut world);
    assert_eq!((world.members(ANN), world.members(BOB)), (4, 4));
}
