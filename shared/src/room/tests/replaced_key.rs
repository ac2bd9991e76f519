//! A device was stolen, with the account's key: the account takes another one, and whoever has the old one forges none of it.

use std::{collections::BTreeSet, sync::Arc};

use mls_rs_core::identity::SigningIdentity;

use super::{
    devices::{link, who},
    hostile::{ANN, BOB, EVE, adds, extensions, member_key, three},
    hostile_joiner::Stranger,
    world::World,
};
use crate::{
    content::{self, sealed::Body},
    crypto::suite::Suite,
    identity::{Identity, KeyChange, credential::certify, recovery::RecoveryKey},
    invite::link::Link,
    mls::{
        group::{ROOM_EXTENSION, Signer, hostile::announced},
        rules::Violation,
    },
    room::{CloseReason, Command, Event, Input},
};
use proto::relay::{AccessChange, CommitPart};

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

/// Ann, bob and eve.
pub(super) fn bobs(seed: u64) -> World {
    let mut world = World::new(&["ann", "bob", "eve"], Suite::Classic, seed);
    world.devices[BOB].profile.identity = Arc::new(old());
    world.create(ANN);
    for i in [BOB, EVE] {
        let invite = world.invite(ANN);
        world.join(i, &invite);
    }
    world.settle();
    world
}

/// Ann, bob and eve; bob has a laptop and a phone, which is stolen. Bob moderates if `moderates`.
fn stolen(seed: u64, moderates: bool) -> (World, usize) {
    let mut world = bobs(seed);
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
    certified(world, i, account, &world.devices[i].engine.as_ref().unwrap().signer())
}

pub(super) fn certified(world: &World, i: usize, account: &Identity, signer: &Signer) -> SigningIdentity {
    let engine = world.devices[i].engine.as_ref().unwrap();
    let device = engine.own.device_id.as_slice().try_into().unwrap();
    certify(account, &world.room_id(ANN), "bob", "test", device, &signer.public)
}

/// The same with another leaf key.
fn fresh_leaf(world: &World, i: usize, account: &Identity) -> (Signer, SigningIdentity) {
    let signer = Signer::generate(Suite::Classic, &world.devices[i].profile.random).unwrap();
    let identity = certified(world, i, account, &signer);
    (signer, identity)
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
            access_key: world.access_key(phone).key,
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
    let (signer, identity) = fresh_leaf(&world, BOB, &account);
    let mut bob = world.hostile(BOB);
    bob.1.account = Some(content::NewAccount {
        account_key: account.public_key().to_vec().into(),
        next: account.next().0.to_vec().into(),
        change: account.change().map(content::KeyChange::from),
        access_key: world.access_key(BOB).key,
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
        world.command(phone, Command::RemoveDevice { who: bob, device });
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

/// Bob's owner joins with the new account and by a program that does nothing more, up to where device `i` has read that.
fn owner_joins(world: &mut World, invite: &Link, i: usize) -> Stranger {
    let members = world.members(i);
    let mut owner = Stranger::with(world, invite);
    owner.identity = certify(&new(73), &world.room_id(ANN), "bob", "x", [8; 16], &owner.signer.public);
    let (_, envelope) = owner.made(world);
    let part = world.part(adds(member_key(&owner.access)));
    world.inject(envelope, Some(part));
    assert!(world.run_until(|world| world.members(i) > members), "{}", world.story(i));
    // That entry is no attack.
    world.relay.injected.clear();
    owner
}

/// As `owner_joins`, by a link of Ann's. The thief has read it, and nobody has done anything.
fn owner_comes(world: &mut World, phone: usize) -> Stranger {
    let invite = world.invite(ANN);
    owner_joins(world, &invite, phone)
}

/// Commits that it may take until the account is what it was: taking old leaves out, fresh keys, and one of a race.
const COMMITS_OF_A_RETURN: u64 = 6;

/// As `stolen`, and bob alone moderates.
fn stolen_from_the_only_moderator(seed: u64) -> (World, usize) {
    let (mut world, phone) = stolen(seed, true);
    let ann = who(&world, ANN);
    world.command(BOB, Command::Moderator { who: ann, is_moderator: false });
    world.settle();
    assert_eq!(world.room(EVE).moderators, [who(&world, BOB).0.to_vec()]);
    (world, phone)
}

#[test]
fn only_moderator_comes_back_throws_the_thief_out_and_moderates() {
    let (mut world, phone) = stolen_from_the_only_moderator(883);
    let (bob, device) = (who(&world, BOB), super::devices::device(&world, BOB));
    world.command(phone, Command::RemoveDevice { who: bob, device });
    world.settle();
    assert!(world.closed(BOB), "{}", world.story(BOB));
    let invite = world.invite(ANN);
    let before = world.epoch(ANN);
    let again = world.newcomer("bob", 8839);
    world.devices[again].profile.identity = Arc::new(new(73));
    world.join(again, &invite);
    world.settle();
    assert!(world.closed(phone), "{}", world.story(again));
    assert_eq!(world.room(EVE).moderators, [new(73).fingerprint().0.to_vec()]);
    let commits = world.epoch(ANN) - before;
    assert!(commits <= COMMITS_OF_A_RETURN, "{commits} commits: {}", world.story(again));
    world.assert_talks(&[ANN, EVE, again]);
}

#[test]
fn wish_that_cannot_be_done_makes_no_commits() {
    let (mut world, _) = stolen_from_the_only_moderator(884);
    let before = world.epoch(ANN);
    let leaf = world.leaf(BOB);
    let engine = world.devices[ANN].engine.as_mut().unwrap();
    let unique = engine.group.as_ref().unwrap().member(leaf).unwrap().unique();
    // Ann may not do that.
    engine.want_removed(unique);
    world.input(ANN, Input::Tick);
    world.settle();
    assert_eq!(world.epoch(ANN), before, "{}", world.story(ANN));
    world.assert_talks(&[ANN, BOB, EVE]);
}

#[test]
fn replaced_account_does_nothing_any_more() {
    let (mut world, phone) = stolen(880, true);
    // Bob's new device is in; the thief's commit comes before everybody else's.
    owner_comes(&mut world, phone);
    let (message, _) = world.hostile(phone).commit(|b| b);
    world.disconnect(phone);
    world.inject_commit(phone, message, super::hostile::nothing());
    world.settle();
    for i in [ANN, EVE] {
        assert!(world.story(i).contains("Rule(ReplacedKey)"), "{}", world.story(i));
    }
    // With that the thief has no say any more.
    assert!(world.relay.is_barred(&world.access_key(phone).key));
    world.assert_agreed(&[ANN, EVE]);
}

#[test]
fn replaced_account_does_not_take_out_whoever_took_its_place() {
    let (mut world, phone) = stolen(882, true);
    let epoch = world.epoch(ANN);
    let heir = owner_comes(&mut world, phone);
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
    owner_is_back_at_the_next_try(&mut world, phone);
}

#[test]
fn thief_who_puts_a_commit_in_the_place_of_the_owners_join_is_put_out() {
    let (mut world, phone) = stolen(885, true);
    let (epoch, invite) = (world.epoch(ANN), world.invite(ANN));
    // It sees the join, and builds on what was before.
    let base = world.relay.last_commit;
    assert_eq!(world.relay.confirmed(), base);
    world.disconnect(phone);
    let (message, _) = world.hostile(phone).commit(|b| b);
    owner_joins(&mut world, &invite, EVE);
    let authority = announced(&message).to_vec().into();
    let envelope = world.own_envelope(phone, Body::KeyShare(message.into()));
    let instead_of = world.relay.last_commit;
    let part = world.part(super::hostile::nothing());
    let part = CommitPart { authority, expected_last_commit: base, instead_of, ..part };
    let key = world.access_key(phone).key;
    let part = world.signed(&key, &envelope, part);
    world.relay.now = world.now;
    world.relay.append_by(&key, envelope, Some(part));
    world.settle();
    world.assert_violates(&[ANN, EVE], epoch, Violation::ReplacedKey);
    owner_is_back_at_the_next_try(&mut world, phone);
}

/// The owner lost their place. The thief has no say any more, so the next link brings them in.
fn owner_is_back_at_the_next_try(world: &mut World, phone: usize) {
    assert!(world.relay.is_barred(&world.access_key(phone).key), "{}", world.story(ANN));
    let invite = world.invite(ANN);
    let again = world.newcomer("bob", 8829);
    world.devices[again].profile.identity = Arc::new(new(73));
    world.join(again, &invite);
    world.settle();
    let view = world.devices[EVE].engine.as_ref().unwrap().view().unwrap();
    let accounts: BTreeSet<_> = view.members.iter().map(|member| member.person.fingerprint).collect();
    assert_eq!(
        accounts,
        [who(world, ANN), who(world, EVE), new(73).fingerprint()].into(),
        "{}",
        world.story(EVE)
    );
    world.assert_talks(&[ANN, EVE, again]);
}

#[test]
fn whoever_sees_the_owner_come_takes_the_old_leaves_out() {
    // The owner's program is slow, or gone again, and nobody else moderates.
    let (mut world, phone) = stolen_from_the_only_moderator(886);
    let invite = world.invite(ANN);
    let before = world.epoch(ANN);
    owner_joins(&mut world, &invite, EVE);
    world.settle();
    assert!(world.closed(phone) && world.closed(BOB), "{}", world.story(EVE));
    assert_eq!((world.members(ANN), world.members(EVE)), (3, 3));
    assert_eq!(world.room(EVE).moderators, [new(73).fingerprint().0.to_vec()]);
    // The person stays, under the present account.
    let gone = world.devices[EVE].events.iter().any(|event| {
        matches!(event, Event::DeviceLeft { who, device, .. }
            if who.fingerprint == new(73).fingerprint() && device.name == "phone")
    });
    assert!(gone, "{}", world.story(EVE));
    let commits = world.epoch(ANN) - before;
    assert!(commits <= COMMITS_OF_A_RETURN, "{commits} commits: {}", world.story(ANN));
    world.assert_talks(&[ANN, EVE]);
}

#[test]
fn backup_of_before_two_changes_is_told_that_it_is_out_by_its_own_doing() {
    let (mut world, _) = stolen(887, false);
    let way = world.way_back(BOB);
    let profile = world.devices[BOB].profile.identity.clone();
    take(&mut world, BOB, new(73));
    let fresh = Identity::new(&[80; 32], RecoveryKey::from_seed(&[80; 32]).next());
    let change = RecoveryKey::from_seed(&[73; 32]).sign_change(&new(73), &fresh).unwrap();
    take(&mut world, BOB, fresh.with_change(change).unwrap());
    world.disconnect(BOB);
    world.devices[BOB].profile.identity = profile;
    world.come_back(BOB, &way);
    world.connect(BOB);
    world.settle();
    let closed = world.devices[BOB]
        .events
        .iter()
        .any(|event| matches!(event, Event::Closed { reason: CloseReason::RemovedByOwnUnseen { .. }, .. }));
    assert!(closed, "{}", world.story(BOB));
    // Nobody is accused of anything.
    assert_eq!(world.alarms(BOB), [], "{}", world.story(BOB));
    world.assert_talks(&[ANN, EVE]);
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
