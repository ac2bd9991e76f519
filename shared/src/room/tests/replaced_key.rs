//! A device was stolen, with the account's key: the account takes another one, and whoever has the old one forges none of it.

use std::sync::Arc;

use mls_rs_core::identity::SigningIdentity;

use super::{
    devices::{link, who},
    hostile::{ANN, BOB, EVE, extensions, three},
    hostile_joiner::Stranger,
    world::World,
};
use crate::{
    content,
    crypto::suite::Suite,
    identity::{Identity, KeyChange, credential::certify, recovery::RecoveryKey},
    mls::{group::ROOM_EXTENSION, rules::Violation},
    room::{CloseReason, Event, Input},
};
use proto::relay::AccessChange;

const RECOVERY: [u8; 32] = [71; 32];

fn recovery() -> RecoveryKey {
    RecoveryKey::from_seed(&RECOVERY)
}

/// Bob's account before.
pub(super) fn old() -> Identity {
    Identity::new(&[72; 32], recovery().next())
}

/// The account that his recovery key makes of it.
pub(super) fn new(secret: u8) -> Identity {
    let fresh = Identity::new(&[secret; 32], RecoveryKey::from_seed(&[secret; 32]).next());
    let change = recovery().sign_change(&old(), &fresh).unwrap();
    fresh.with_change(change).unwrap()
}

/// Ann, bob and eve; bob has a laptop and a phone, which is stolen. Bob moderates if `moderates`.
fn stolen(seed: u64, moderates: bool) -> (World, usize) {
    let mut world = World::new(&["ann", "bob", "eve"], Suite::Classic, seed);
    world.devices[BOB].profile.identity = Arc::new(old());
    world.create(ANN);
    for i in [BOB, EVE] {
        let invite = world.invite(ANN);
        world.join(i, &invite);
    }
    let phone = link(&mut world, BOB, ANN, seed * 10);
    if moderates {
        world.make_moderators(&[BOB]);
    }
    world.invite(ANN);
    (world, phone)
}

pub(super) fn take(world: &mut World, i: usize, account: Identity) {
    let account = Arc::new(account);
    world.devices[i].profile.identity = account.clone();
    world.devices[i].engine.as_mut().unwrap().take_account(account);
    world.input(i, Input::Tick);
    world.settle();
}

/// A leaf of that device under another credential.
fn leaf(world: &World, i: usize, account: &Identity) -> SigningIdentity {
    let engine = world.devices[i].engine.as_ref().unwrap();
    let device = engine.own.device_id.as_slice().try_into().unwrap();
    certify(account, &world.room_id(ANN), "bob", "test", device, &engine.signer().public)
}

#[test]
fn account_takes_another_key_and_everybody_sees_it() {
    for moderates in [false, true] {
        let (mut world, phone) = stolen(871, moderates);
        let account = new(73).fingerprint();
        take(&mut world, BOB, new(73));
        for i in [ANN, EVE] {
            let changed = world.devices[i].events.iter().any(|event| {
                matches!(event, Event::KeyChanged { who, was }
                    if who.fingerprint == account && *was == old().fingerprint())
            });
            assert!(changed, "{}", world.story(i));
            // The phone is gone, and both names in that are the present person's.
            let gone = world.devices[i].events.iter().any(|event| {
                matches!(event, Event::DeviceLeft { who, device, by }
                    if who == by && who.fingerprint == account && device.name == "phone")
            });
            assert!(gone, "{}", world.story(i));
            let view = world.devices[i].engine.as_ref().unwrap().view().unwrap();
            assert_eq!(view.members.len(), 3);
            let bob = view.members.iter().find(|one| one.person.name == "bob").unwrap();
            assert_eq!((bob.person.fingerprint, bob.replaces), (account, Some(old().fingerprint())));
            assert_eq!(bob.is_moderator, moderates);
        }
        assert!(world.closed(phone), "{}", world.story(phone));
        assert!(world.room(ANN).invites.is_empty(), "an invite that the thief knows is live");
        world.assert_talks(&[ANN, BOB, EVE]);
        assert!(world.alarms(ANN).is_empty() && world.alarms(EVE).is_empty(), "{}", world.story(ANN));
        // After a restart the device is who it is now, and does nothing more.
        let epoch = world.epoch(ANN);
        world.crash(BOB);
        world.restart(BOB);
        world.connect(BOB);
        world.settle();
        assert_eq!(world.epoch(ANN), epoch);
        world.assert_talks(&[ANN, BOB, EVE]);
    }
}

/// A commit of the phone, made by a program that keeps no rule, is not taken.
fn phone_is_refused(seed: u64, violation: Option<Violation>, account: &Identity, note: bool) {
    let (mut world, phone) = stolen(seed, false);
    let epoch = world.epoch(ANN);
    let room = content::Room { invites: Vec::new(), ..world.room(phone) };
    let identity = leaf(&world, phone, account);
    let signer = world.devices[phone].engine.as_ref().unwrap().signer();
    let bob = world.leaf(BOB);
    let mut hostile = world.hostile(phone);
    if note {
        hostile.1.account = Some(content::NewAccount {
            account_key: account.public_key().to_vec().into(),
            next: account.next().0.to_vec().into(),
            change: account.change().map(content::KeyChange::from),
        });
    }
    let list = extensions(ROOM_EXTENSION, &room);
    let (message, _) = hostile.commit(|b| {
        let b = b.remove_member(bob).unwrap().set_group_context_ext(list).unwrap();
        b.set_new_signing_identity(signer.secret.clone(), identity.clone())
    });
    world.disconnect(phone);
    world.disconnect(BOB);
    let invites = world.room(ANN).invites;
    let removed = invites.iter().map(|invite| invite.access_key.clone());
    let removed = removed.chain([world.access_key(BOB).key]).collect();
    world.inject_commit(phone, message, AccessChange { added: Vec::new(), removed });
    world.settle();
    match violation {
        Some(violation) => world.assert_violates(&[ANN, EVE], epoch, violation),
        None => world.assert_refused(&[ANN, EVE], epoch, "invalid_commit"),
    }
}

#[test]
fn thief_with_the_old_key_alone_changes_nothing() {
    // An account of the thief's own, without a change.
    let other = Identity::new(&[74; 32], RecoveryKey::from_seed(&[74; 32]).next());
    phone_is_refused(872, None, &other, false);
    // One that says that another recovery key made it of an account with bob's key.
    let mine = RecoveryKey::from_seed(&[75; 32]);
    let change = mine.sign_change(&Identity::new(&[72; 32], mine.next()), &other).unwrap();
    phone_is_refused(873, None, &other.with_change(change).unwrap(), true);
    // The same key with a recovery key of the thief's.
    phone_is_refused(874, None, &Identity::new(&[72; 32], mine.next()), false);
}

#[test]
fn change_that_leaves_a_device_of_the_old_account_in_is_refused() {
    let (mut world, phone) = stolen(875, false);
    let epoch = world.epoch(ANN);
    let account = new(73);
    let identity = leaf(&world, BOB, &account);
    let signer = world.devices[BOB].engine.as_ref().unwrap().signer();
    let mut bob = world.hostile(BOB);
    bob.1.account = Some(content::NewAccount {
        account_key: account.public_key().to_vec().into(),
        next: account.next().0.to_vec().into(),
        change: account.change().map(content::KeyChange::from),
    });
    let list = extensions(ROOM_EXTENSION, &content::Room { invites: Vec::new(), ..world.room(BOB) });
    let (message, _) = bob.commit(|b| {
        b.set_group_context_ext(list.clone())
            .unwrap()
            .set_new_signing_identity(signer.secret.clone(), identity.clone())
    });
    let removed = world.room(ANN).invites.iter().map(|invite| invite.access_key.clone()).collect();
    world.disconnect(BOB);
    world.disconnect(phone);
    world.inject_commit(BOB, message, AccessChange { added: Vec::new(), removed });
    world.settle();
    world.assert_violates(&[ANN, EVE], epoch, Violation::ReplacedKey);
}

/// Somebody with that account, a live link and a program of their own joins; it is taken, or refused for that.
fn join(world: &mut World, account: &Identity, violation: Option<Violation>) -> Stranger {
    let invite = world.invite(ANN);
    let members = world.members(ANN);
    let mut stranger = Stranger::with(world, &invite);
    stranger.identity = certify(account, &world.room_id(ANN), "bob", "x", [8; 16], &stranger.signer.public);
    stranger.join(world);
    let expected = members + usize::from(violation.is_none());
    assert_eq!((world.members(ANN), world.members(EVE)), (expected, expected), "{}", world.story(ANN));
    if let Some(violation) = violation {
        assert!(world.story(ANN).contains(&format!("Rule({violation:?})")), "{}", world.story(ANN));
    }
    stranger
}

#[test]
fn old_key_does_not_join_anew_after_the_change() {
    let (mut world, _) = stolen(876, false);
    take(&mut world, BOB, new(73));
    join(&mut world, &old(), Some(Violation::ReplacedKey));
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn second_conflicting_change_by_the_same_recovery_key_is_refused() {
    let (mut world, _) = stolen(877, false);
    take(&mut world, BOB, new(73));
    join(&mut world, &new(76), Some(Violation::ReplacedKey));
    // One more device of the account as it is now comes in.
    join(&mut world, &new(73), None);
}

#[test]
fn same_account_key_with_another_recovery_key_is_refused() {
    let (mut world, _) = stolen(878, false);
    let other = Identity::new(&[72; 32], RecoveryKey::from_seed(&[79; 32]).next());
    join(&mut world, &other, Some(Violation::OtherRecovery));
}

#[test]
fn change_says_the_same_in_another_room() {
    // What a thief reads in one room it shows in another: the account becomes what its owner wants, and nobody else's.
    let shown = KeyChange::clone(new(73).change().unwrap());
    let thief = Identity::new(&[77; 32], RecoveryKey::from_seed(&[77; 32]).next());
    assert!(thief.with_change(shown).is_none());
}

#[test]
fn whoever_was_thrown_out_by_the_thief_comes_back_and_throws_it_out() {
    for moderates in [false, true] {
        let (mut world, phone) = stolen(879, moderates);
        let bob = who(&world, BOB);
        let device = super::devices::device(&world, BOB);
        world.command(phone, crate::room::Command::RemoveDevice { who: bob, device });
        world.settle();
        let closed = Event::Closed { reason: CloseReason::RemovedByOwn, was_member: true };
        assert!(world.devices[BOB].events.contains(&closed), "{}", world.story(BOB));
        let invite = world.invite(ANN);
        let again = world.newcomer("bob", 8799);
        world.devices[again].profile.identity = Arc::new(new(73));
        world.join(again, &invite);
        world.settle();
        assert!(world.closed(phone), "{}", world.story(again));
        assert_eq!(world.members(ANN), 3, "{}", world.story(ANN));
        let view = world.devices[EVE].engine.as_ref().unwrap().view().unwrap();
        let back = view.members.iter().find(|one| one.person.fingerprint == new(73).fingerprint()).unwrap();
        assert_eq!(back.is_moderator, moderates, "{}", world.story(EVE));
        world.assert_talks(&[ANN, EVE, again]);
    }
}

#[test]
fn replaced_account_does_nothing_any_more() {
    let (mut world, phone) = stolen(880, true);
    // Bob's new device is in; the thief's commit comes before bob's own.
    join(&mut world, &new(73), None);
    let (message, _) = world.hostile(phone).commit(|b| b);
    world.disconnect(phone);
    world.inject_commit(phone, message, super::hostile::nothing());
    world.settle();
    for i in [ANN, EVE] {
        assert!(world.story(i).contains("Rule(ReplacedKey)"), "{}", world.story(i));
    }
    world.assert_agreed(&[ANN, BOB, EVE]);
}

#[test]
fn replaced_account_does_not_take_out_whoever_took_its_place() {
    let (mut world, phone) = stolen(882, true);
    let heir = join(&mut world, &new(73), None);
    // That entry is no attack.
    world.relay.injected.clear();
    let epoch = world.epoch(ANN);
    let members = world.devices[ANN].engine.as_ref().unwrap().view().unwrap().members;
    let is_heir = |member: &&crate::room::Member| member.person.fingerprint == new(73).fingerprint();
    let leaf = members.iter().find(is_heir).unwrap().leaf;
    // As a moderator may take out anybody else: with their access, and all invites.
    let list = extensions(ROOM_EXTENSION, &content::Room { invites: Vec::new(), ..world.room(phone) });
    let (message, _) = world
        .hostile(phone)
        .commit(|b| b.remove_member(leaf).unwrap().set_group_context_ext(list.clone()).unwrap());
    world.disconnect(phone);
    let invites = world.room(ANN).invites;
    let removed = invites.iter().map(|invite| invite.access_key.clone());
    let removed = removed.chain([heir.access.public().as_bytes().to_vec().into()]).collect();
    world.inject_commit(phone, message, AccessChange { added: Vec::new(), removed });
    world.settle();
    world.assert_violates(&[ANN, EVE], epoch, Violation::ReplacedKey);
}

#[test]
fn moderator_does_not_forge_a_change() {
    let mut world = three(881);
    let epoch = world.epoch(BOB);
    // Ann, who moderates, gives her own leaf an account that says it was bob's.
    let mine = RecoveryKey::from_seed(&[78; 32]);
    let bobs = &world.devices[BOB].profile.identity;
    let fresh = Identity::new(&[77; 32], mine.next());
    assert!(mine.sign_change(bobs, &fresh).is_none(), "the recovery key is not bob's");
    let identity = leaf(&world, ANN, &fresh);
    let signer = world.devices[ANN].engine.as_ref().unwrap().signer();
    let (message, _) =
        world.hostile(ANN).commit(|b| b.set_new_signing_identity(signer.secret.clone(), identity.clone()));
    world.disconnect(ANN);
    world.inject_commit(ANN, message, super::hostile::nothing());
    world.settle();
    world.assert_refused(&[BOB, EVE], epoch, "invalid_commit");
}
