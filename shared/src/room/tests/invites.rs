//! Invites: what their links and cards say, what ends them, and what a removed member or a stranger gets of them.

use prost::Message as _;
use proto::relay::{AccessKey, access_key::Kind};

use super::{
    hostile::{ANN, BOB, EVE, three},
    world::{PIN, World},
};
use crate::{
    content,
    crypto::aead::Envelope,
    crypto::suite::Suite,
    identity::credential::certify,
    invite::{
        AccessSecret, InviteSecret, access_key_of,
        card::{self, Card},
        list, open_room_id, slot,
    },
    mls::group::{Group, Signer},
    mls::rules::{ROOM_VERSION, Violation},
    room::{Breach, CloseReason, Command, Engine, Event, Input},
};

fn begin(world: &mut World, i: usize, link: &crate::invite::link::Link) {
    world.devices[i].engine = Some(Engine::join(&world.devices[i].profile, link, world.now).unwrap());
    world.connect(i);
}

/// The card that the relay has for the link.
fn card_at(world: &mut World, secret: &InviteSecret) -> bytes::Bytes {
    let key = secret.access_key().public();
    world.relay.keys.get(key.as_bytes()).unwrap().0.card.clone()
}

fn put_card(world: &mut World, secret: &InviteSecret, card: Vec<u8>) {
    let key = secret.access_key().public();
    world.relay.keys.get_mut(key.as_bytes()).unwrap().0.card = card.into();
}

#[test]
fn link_says_nothing_of_the_room_and_its_card_says_it_all() {
    let mut world = three(701);
    let link = world.invite(BOB);
    let dan = world.newcomer("dan", 701);
    begin(&mut world, dan, &link);
    let engine = world.devices[dan].engine.as_ref().unwrap();
    assert_eq!((engine.room_id().0, engine.room_name()), ([0; 32], ""));
    world.settle();
    let invited = world.devices[dan].events.iter().find_map(|event| match event {
        Event::Invited { room, by } => Some((room.clone(), by.clone())),
        _ => None,
    });
    let (room, by) = invited.unwrap();
    let bob = world.devices[BOB].profile.identity.fingerprint();
    assert_eq!((room.as_str(), by.name.as_str(), by.fingerprint), ("team", "bob", bob));
    world.assert_agreed(&[ANN, BOB, EVE, dan]);
    let link = world.invite(ANN);
    assert_eq!(link.pin.as_ref(), PIN.first_chunk());
}

#[test]
fn room_that_is_not_known_yet_survives_a_restart() {
    let mut world = three(702);
    let link = world.invite(ANN);
    let dan = world.newcomer("dan", 702);
    world.devices[dan].engine = Some(Engine::join(&world.devices[dan].profile, &link, world.now).unwrap());
    world.say(dan, "may I?");
    for _ in 0..2 {
        world.crash(dan);
        world.restart(dan);
        world.connect(dan);
        world.deliver_one(dan);
    }
    world.settle();
    assert_eq!(world.texts(ANN), ["may I?"], "{}", world.story(dan));
}

#[test]
fn card_that_the_relay_swapped_or_lost_is_refused() {
    let mut world = three(703);
    let link = world.invite(ANN);
    let bobs = world.invite(BOB);
    let other = card_at(&mut world, &bobs.secret).to_vec();
    let own = card_at(&mut world, &link.secret).to_vec();
    let mut altered = own.clone();
    altered[60] ^= 1;
    for (n, wrong) in [Vec::new(), vec![1; 100], other, altered].into_iter().enumerate() {
        put_card(&mut world, &link.secret, wrong);
        let i = world.newcomer("dan", 710 + n as u64);
        begin(&mut world, i, &link);
        world.settle();
        assert!(world.closed(i) && world.story(i).contains("LinkNotTrusted"), "{}", world.story(i));
    }
    put_card(&mut world, &link.secret, own);
    let dan = world.newcomer("dan", 720);
    world.join(dan, &link);
    assert_eq!(world.members(ANN), 4);
}

#[test]
fn card_by_somebody_with_the_link_in_the_inviters_name_is_refused() {
    let mut world = three(704);
    let link = world.invite(ANN);
    let mallory = crate::identity::Identity::without_recovery(&[8; 32]);
    let random = world.devices[EVE].profile.random.clone();
    // Mallory has the link, and a relay; she signs by an account of her own and says that she is ann.
    let card = Card {
        room_id: world.room_id(ANN),
        room_name: "team".to_owned(),
        pin: Some(PIN),
        inviter: mallory.fingerprint(),
        inviter_key: mallory.public_key(),
        inviter_name: "ann".to_owned(),
        least_epoch: 0,
    };
    let sealed = card::seal(&link.secret, &card, &mallory, &random).unwrap();
    put_card(&mut world, &link.secret, sealed);
    let dan = world.newcomer("dan", 704);
    begin(&mut world, dan, &link);
    world.settle();
    assert!(world.closed(dan), "the invite in the group is ann's: {}", world.story(dan));
    assert_eq!(world.members(ANN), 3);
}

#[test]
fn card_of_a_room_at_another_relay_is_refused() {
    let mut world = three(705);
    let mut link = world.invite(ANN);
    link.pin = Some([6; 20]);
    let dan = world.newcomer("dan", 705);
    begin(&mut world, dan, &link);
    world.settle();
    assert!(world.closed(dan) && world.story(dan).contains("OtherRelay"), "{}", world.story(dan));
}

#[test]
fn removed_member_does_not_come_back_with_the_relays_help() {
    let mut world = three(706);
    world.invite(ANN);
    let eve = world.devices[EVE].profile.identity.fingerprint();
    let (own, room_id) = (world.slot_key(EVE), world.room_id(ANN));
    let engine = world.devices[EVE].engine.as_ref().unwrap();
    let mut keyring = super::super::keyring::Keyring::new(engine.room, &engine.meta.epochs);
    world.command(ANN, Command::Remove(eve));
    world.settle();
    assert!(world.closed(EVE) && world.members(ANN) == 2);
    // The removal is the last that she reads; it brings no invite and leaves none.
    let removal = world.relay.log.iter().rev().find(|entry| entry.is_commit).unwrap().clone();
    assert!(keyring.open(&Envelope::parse(&removal.envelope).unwrap()).is_some());
    assert!(world.room(ANN).invites.is_empty());
    world.invite(ANN);
    let fresh = world.room(ANN).invites[0].clone();
    for seq in removal.seq + 1..=world.head() {
        let entry = world.entry(seq);
        assert!(keyring.open(&Envelope::parse(&entry.envelope).unwrap()).is_none(), "she reads entry {seq}");
    }
    // Nor does any key of hers open the slot, whatever the relay gives her.
    let sealed = world.relay.slot.clone();
    assert!(slot::open_as_member(&room_id, &own, &sealed).is_err());
    let parts = content::SealedSlot::decode(&*sealed.sealed).unwrap();
    assert_eq!(parts.wraps.len(), 1);
    assert_eq!(parts.wraps[0].invite_id, fresh.id);
}

#[test]
fn no_secret_of_an_invite_is_in_the_groups_state() {
    let mut world = three(707);
    let link = world.invite(ANN);
    let state = world.room(BOB).encode_to_vec();
    let info = world.group_info(BOB);
    let secrets = [
        link.secret.as_bytes().to_vec(),
        link.secret.access_key().to_bytes().to_vec(),
        link.secret.card_secret().expose().to_vec(),
    ];
    for secret in secrets {
        let has = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!has(&state) && !has(&info));
    }
}

#[test]
fn line_under_way_is_not_sent_for_the_removed_member_to_read() {
    let mut world = three(708);
    world.relay.streams.remove(&BOB);
    world.say(BOB, "do not tell eve");
    world.disconnect(BOB);
    let eve = world.devices[EVE].profile.identity.fingerprint();
    let engine = world.devices[EVE].engine.as_ref().unwrap();
    let mut keyring = super::super::keyring::Keyring::new(engine.room, &engine.meta.epochs);
    world.command(ANN, Command::Remove(eve));
    world.settle();
    let removal = world.head();
    world.connect(BOB);
    world.settle();
    assert_eq!(world.texts(ANN), ["do not tell eve"]);
    for seq in removal + 1..=world.head() {
        let entry = world.entry(seq);
        assert!(keyring.open(&Envelope::parse(&entry.envelope).unwrap()).is_none(), "she reads entry {seq}");
    }
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn revoked_invite_lets_nobody_in() {
    let mut world = three(709);
    let link = world.invite(BOB);
    let dan = world.newcomer("dan", 709);
    world.command(EVE, Command::Revoke(link.secret.id()));
    assert_eq!(world.errors(EVE), ["not_moderator"]);
    world.command(BOB, Command::Revoke([9; 16]));
    assert_eq!(world.errors(BOB), ["no_such_invite"]);
    world.command(ANN, Command::Revoke(link.secret.id()));
    world.settle();
    assert!(!world.room(BOB).invites.iter().any(|invite| *invite.id == link.secret.id()));
    world.join(dan, &link);
    assert!(world.closed(dan) && world.members(ANN) == 3);
    // Its maker has no link to show any more, and makes another.
    assert_ne!(world.invite(BOB).secret, link.secret);
}

#[test]
fn invite_with_limits_is_a_new_one_and_is_listed() {
    let mut world = three(711);
    let first = world.invite(ANN);
    assert_eq!(world.invite(ANN).secret, first.secret, "the live one is shown again");
    let ends = world.now + 7_200_000;
    world.command(ANN, Command::Invite { uses: Some(1), expires_ms: Some(ends) });
    world.settle();
    let second = world.invite(ANN);
    assert_ne!(second.secret, first.secret);
    let listed = world.devices[BOB].engine.as_ref().unwrap().view().unwrap().invites;
    let ours = world.devices[ANN].engine.as_ref().unwrap().view().unwrap().invites;
    assert!(ours.iter().all(|invite| invite.ours) && listed.iter().all(|invite| !invite.ours));
    let told = listed.iter().map(|one| (one.by.name.as_str(), one.max_uses, one.used)).collect::<Vec<_>>();
    assert_eq!(told, [("ann", 20, 2), ("ann", 1, 0)]);
    assert_eq!(listed[1].expires_ms, ends);
    let dan = world.newcomer("dan", 711);
    world.join(dan, &second);
    assert_eq!(world.members(ANN), 4);
    // Used up: the next wish for a link makes another, or shows one that still lets somebody in.
    assert_eq!(world.invite(ANN).secret, first.secret);
}

#[test]
fn more_invites_than_a_room_may_have_are_refused() {
    let mut world = World::room_of(&["ann", "bob"], Suite::Classic, 712);
    for _ in 0..20 {
        world.command(ANN, Command::Invite { uses: Some(1), expires_ms: None });
    }
    world.settle();
    assert_eq!(world.room(BOB).invites.len(), 16);
    assert_eq!(world.errors(ANN), ["too_many_invites"; 5]);
    world.assert_talks(&[ANN, BOB]);
}

/// An open room that mallory opened before anybody else, with an invite of her own liking.
fn trap(seed: u64, spoil: impl FnOnce(&mut content::Room, &mut AccessKey)) -> World {
    let mut world = World::new(&["ann"], Suite::Classic, seed);
    let mallory = crate::identity::Identity::without_recovery(&[8; 32]);
    let random = world.devices[ANN].profile.random.clone();
    let (secret, id) = (InviteSecret::of_open_room("lobby"), open_room_id("lobby"));
    let mut room = content::Room {
        name: "lobby".to_owned(),
        open: true,
        invites: vec![list(&secret, &id, (0, 0), &mallory).unwrap()],
        version: ROOM_VERSION,
        moderators: vec![mallory.fingerprint().0.to_vec().into()],
        seats_per_account: 1,
        ..content::Room::default()
    };
    let mut at_relay = access_key_of(&room.invites[0]);
    spoil(&mut room, &mut at_relay);
    let signer = Signer::generate(Suite::Classic, &random).unwrap();
    let identity = certify(&mallory, &id, "mallory", "x", [1; 16], &signer.public);
    let access = AccessSecret::from_bytes(&[66; 32]).public();
    let leaf = content::Leaf { access_key: access.as_bytes().to_vec().into(), ..content::Leaf::default() };
    let (group, info) =
        Group::create((Suite::Classic, &random), (&signer, identity), &id, &room, &leaf).unwrap();
    let content = (&*group.slot_key().unwrap(), &*info, &group.tree().unwrap());
    let slot = slot::seal(&id, &room.invites, content, None, &random).unwrap();
    let (sealed, pieces) = (slot.sealed.into(), slot.pieces.into());
    let slot = proto::relay::Slot { last_commit: 0, sealed, pieces };
    let keys: Vec<_> = Some(at_relay).filter(|key| key.kind() == Kind::Invite).into_iter().collect();
    world.relay.open(id, proto::PublicKey(group.authority().unwrap().public()), &keys, slot);
    world.devices[ANN].engine = Some(Engine::open(&world.devices[ANN].profile, "lobby", world.now).unwrap());
    world.connect(ANN);
    world.settle();
    world
}

#[test]
fn open_room_that_a_stranger_opened_with_a_dead_invite_is_one_sentence_and_no_loop() {
    let mallory = crate::identity::Identity::without_recovery(&[8; 32]);
    let world = trap(713, |room, at_relay| {
        let secret = InviteSecret::of_open_room("lobby");
        room.invites = vec![list(&secret, &open_room_id("lobby"), (1, 0), &mallory).unwrap()];
        at_relay.expires_ms = 0;
    });
    let reason = CloseReason::InviteUnusable(Breach::Rule(Violation::DeadInvite));
    assert!(world.devices[ANN].events.contains(&Event::Closed { reason, was_member: false }));
}

#[test]
fn open_room_without_its_key_at_the_relay_is_one_sentence_and_no_loop() {
    let world = trap(714, |_, at_relay| at_relay.kind = Kind::Unspecified.into());
    let closed = world.devices[ANN].events.iter().filter_map(|event| match event {
        Event::Closed { reason, was_member } => Some((reason.clone(), *was_member)),
        _ => None,
    });
    let closed: Vec<_> = closed.collect();
    assert_eq!(closed, [(CloseReason::NameTaken, false)]);
}

#[test]
fn whoever_waits_before_a_room_can_leave_it() {
    let mut world = three(715);
    let link = world.invite(ANN);
    let dan = world.newcomer("dan", 715);
    world.devices[dan].engine = Some(Engine::join(&world.devices[dan].profile, &link, world.now).unwrap());
    world.command(dan, Command::Leave);
    assert!(world.closed(dan) && world.errors(dan).is_empty(), "{}", world.story(dan));
}

#[test]
fn nobody_wakes_for_an_invite_that_it_cannot_end() {
    let mut world = three(1411);
    let engine = world.devices[ANN].engine.as_mut().unwrap();
    engine.link.no_commits = true;
    engine.invites.invite_ends = world.now - 1;
    world.input(ANN, Input::Tick);
    world.input(ANN, Input::Tick);
    let wake = world.devices[ANN].wake;
    assert!(wake.is_none_or(|at| at > world.now + 1), "it wakes each millisecond");
}
