//! Members and relays that want others to store, to show or to do more than they should.

use mls_rs::ExtensionList;
use mls_rs_core::{
    extension::{Extension, ExtensionType},
    identity::{Credential, CustomCredential, SigningIdentity},
};
use prost::Message as _;
use proto::relay::{AccessChange, AccessKey, Deliver, Ephemeral, access_key::Kind, relay_frame::Frame};

use super::{
    hostile::{ANN, BOB, EVE, nothing, private, three},
    signal::typing,
    world::World,
};
use crate::{
    content::{self, content::Body, sealed},
    crypto::aead::{DERIVED, Session},
    identity::credential::CREDENTIAL_TYPE,
    mls::group::{Kind as MessageKind, LEAF_EXTENSION, MessagePlace, ROOM_EXTENSION, hostile::Hostile},
    mls::rules::Violation,
    room::{Alarm, AlarmKind, Command, Event},
};

fn stored(world: &World, i: usize) -> usize {
    world.devices[i].rows.values().map(|row| row.len()).sum()
}

fn undone(world: &World, i: usize) -> u32 {
    world.devices[i].engine.as_ref().unwrap().group.as_ref().unwrap().undone
}

/// Eve reports this by herself, so often.
fn reports(seed: u64, alarm: &content::Alarm, times: u64) -> World {
    let mut world = three(seed);
    let mut eve = world.hostile(EVE);
    world.disconnect(EVE);
    for n in 1..=times {
        let content =
            content::Content { body: Some(Body::Alarm(alarm.clone())), ..world.content(EVE, n, "") };
        let envelope = world.said(EVE, &mut eve, &content);
        world.inject(envelope, None);
    }
    world.settle();
    world
}

#[test]
fn reported_alarm_of_no_known_kind_or_with_too_much_evidence_is_refused() {
    let known = || content::Alarm { kind: "fork".to_owned(), ..content::Alarm::default() };
    let long = vec![1; 65];
    for (n, alarm) in [
        content::Alarm { kind: "\u{1}".repeat(60_000), ..known() },
        content::Alarm { kind: "\u{1}".repeat(4_000_000), ..known() },
        content::Alarm { kind: "changed_key".to_owned(), ..known() },
        content::Alarm { ours: long.clone().into(), ..known() },
        content::Alarm { theirs: long.into(), ..known() },
    ]
    .iter()
    .enumerate()
    {
        let mut world = reports(421 + n as u64, alarm, 1);
        assert_eq!((world.alarms(ANN), world.errors(ANN)), (vec![], vec!["forged"]), "{n}");
        world.assert_talks(&[ANN, BOB]);
    }
}

#[test]
fn reported_alarm_is_told_once() {
    let alarm = content::Alarm { kind: "gap".to_owned(), ..content::Alarm::default() };
    let world = reports(427, &alarm, 20);
    assert_eq!(world.alarms(ANN), [AlarmKind::Fork]);
    let told = Event::Alarm(Alarm::Reported { by: "eve".to_owned(), kind: AlarmKind::Gap });
    assert!(world.devices[ANN].events.contains(&told), "{}", world.story(ANN));
}

#[test]
fn relay_cannot_grow_a_members_state_by_access_changes() {
    let mut world = three(428);
    world.capture(ANN);
    let before = stored(&world, ANN);
    // On what ann has taken, and on what nobody has.
    let at = world.devices[ANN].engine.as_ref().unwrap().books.position;
    for (n, base) in [(0u8, at), (1, 0), (2, 0)] {
        let key = |i: u32| AccessKey {
            key: [&i.to_be_bytes()[..], &[n; 28]].concat().into(),
            kind: Kind::Member.into(),
            card: vec![7; 64].into(),
            ..AccessKey::default()
        };
        let short = AccessKey { key: vec![1; 100_000].into(), ..key(0) };
        let added = (0..20_000).map(key).chain([short]).collect();
        let entry = Deliver {
            seq: world.cursor(ANN) + 1,
            at_ms: world.now,
            envelope: vec![1; 297].into(),
            is_commit: true,
            base,
            access: Some(AccessChange { added, removed: vec![] }),
            ..Deliver::default()
        };
        world.show(ANN, entry);
    }
    world.assert_alarm(ANN, AlarmKind::Fork);
    assert!(stored(&world, ANN) < before + 100_000, "{before} -> {}", stored(&world, ANN));
}

/// Field 1000, which nobody knows.
fn fat(message: &impl prost::Message) -> Vec<u8> {
    let mut out = message.encode_to_vec();
    prost::encoding::bytes::encode(1000, &vec![0xffu8; 1_000], &mut out);
    out
}

fn list(kind: ExtensionType, data: Vec<u8>) -> ExtensionList {
    let mut list = ExtensionList::new();
    list.set(Extension::new(kind, data));
    list
}

#[test]
fn unknown_fields_in_what_a_group_keeps_are_refused() {
    let mut world = three(429);
    let epoch = world.epoch(ANN);
    let room = list(ROOM_EXTENSION, fat(&world.room(EVE)));
    let (message, _) = world.hostile(EVE).commit(|b| b.set_group_context_ext(room).unwrap());
    world.disconnect(EVE);
    world.inject_commit(EVE, message, nothing());
    world.settle();
    world.assert_violates(&[ANN, BOB], epoch, Violation::Room);
    world.connect(EVE);
    world.settle();
    let own = world.own_leaf(EVE);
    let leaf = list(LEAF_EXTENSION, fat(&own));
    let epoch = world.epoch(ANN);
    let (message, _) = world.hostile(EVE).commit(|b| b.set_leaf_node_extensions(leaf));
    world.disconnect(EVE);
    world.inject_commit(EVE, message, nothing());
    world.settle();
    world.assert_violates(&[ANN, BOB], epoch, Violation::Leaf);
}

#[test]
fn second_extension_and_endless_abilities_of_a_leaf_are_refused() {
    let mut world = three(430);
    let other = ExtensionType::new(0xF5FF);
    let many: Vec<_> = (0..100u16).map(|n| ExtensionType::new(0xF600 + n)).collect();
    for (abilities, second) in [
        (vec![LEAF_EXTENSION, ROOM_EXTENSION, other], true),
        ([vec![LEAF_EXTENSION, ROOM_EXTENSION], many].concat(), false),
    ] {
        let engine = world.devices[EVE].engine.as_ref().unwrap();
        let random = world.devices[EVE].profile.random.clone();
        let mut eve = Hostile::able(engine.group.as_ref().unwrap(), &random, &abilities);
        let own = content::Leaf {
            access_key: world.access_key(EVE).key,
            invite_id: world.room(EVE).invites[0].id.clone(),
            ..content::Leaf::default()
        };
        let mut leaf = list(LEAF_EXTENSION, own.encode_to_vec());
        if second {
            leaf.set(Extension::new(other, vec![0; 100_000]));
        }
        let (message, _) = eve.commit(|b| b.set_leaf_node_extensions(leaf));
        world.disconnect(EVE);
        world.inject_commit(EVE, message, nothing());
        world.settle();
        world.connect(EVE);
        world.settle();
    }
    world.disconnect(EVE);
    let epoch = world.epoch(ANN);
    world.settle();
    world.assert_violates(&[ANN, BOB], epoch, Violation::Leaf);
    assert_eq!(world.errors(ANN).iter().filter(|code| **code == "invalid_commit").count(), 2);
}

#[test]
fn unknown_fields_in_a_credential_are_refused() {
    let mut world = three(431);
    let epoch = world.epoch(ANN);
    let engine = world.devices[EVE].engine.as_ref().unwrap();
    let (signer, mut identity) = (engine.signer(), engine.identity());
    let Credential::Custom(custom) = &identity.credential else { panic!() };
    let genuine = content::Credential::decode(&*custom.data).unwrap();
    let custom = CustomCredential::new(CREDENTIAL_TYPE, fat(&genuine));
    identity = SigningIdentity::new(Credential::Custom(custom), identity.signature_key);
    let (message, _) = world.hostile(EVE).commit(|b| b.set_new_signing_identity(signer.secret, identity));
    world.inject_commit(EVE, message, nothing());
    world.disconnect(EVE);
    world.settle();
    world.assert_refused(&[ANN, BOB], epoch, "invalid_commit");
}

fn typing_content() -> content::Content {
    let typing = content::Typing { stopped: false };
    content::Content { body: Some(Body::Typing(typing)), ..content::Content::default() }
}

fn signal(world: &mut World, to: usize, envelope: Vec<u8>) {
    world.frame(to, Frame::Ephemeral(Ephemeral { envelope: envelope.into() }));
}

#[test]
fn rubbish_in_an_envelope_never_reaches_mls() {
    let mut world = three(432);
    for _ in 0..50 {
        let envelope = world.own_envelope(EVE, private(b"rubbish".to_vec()));
        signal(&mut world, ANN, envelope.clone());
        world.inject(envelope, None);
    }
    // Of another epoch, or of nobody.
    let old = world.signalled(EVE, &mut world.hostile(EVE), &typing_content());
    world.settle();
    world.command(ANN, Command::Rename("anna".to_owned()));
    world.settle();
    signal(&mut world, ANN, old);
    signal(&mut world, ANN, [&[2][..], &[9; 296]].concat());
    assert_eq!((undone(&world, ANN), typing(&world, ANN)), (0, vec![]));
    world.assert_talks(&[ANN, BOB, EVE]);
}

/// An envelope that is like any other, under a tag that is nobody's.
fn nobodys(n: u64) -> Vec<u8> {
    let mut envelope = [&[2][..], &[9; 296]].concat();
    envelope[1..9].copy_from_slice(&n.to_be_bytes());
    envelope[9..17].copy_from_slice(&n.to_le_bytes());
    envelope
}

#[test]
fn envelope_of_nobody_costs_no_key_however_many_members_there_are() {
    let mut world = three(435);
    world.say(BOB, "all well");
    world.settle();
    // Everybody else is asleep, so that ann alone derives keys.
    [BOB, EVE].into_iter().for_each(|i| world.disconnect(i));
    let epochs = world.devices[ANN].engine.as_ref().unwrap().meta.epochs.len();
    assert!(epochs > 1, "no more than one table of tags");
    for n in 1..=50 {
        let derived = DERIVED.get();
        world.inject(nobodys(n), None);
        signal(&mut world, ANN, nobodys(1_000 + n));
        while world.deliver_one(ANN) {}
        assert_eq!(DERIVED.get() - derived, 0, "for the envelope {n} of nobody");
    }
    assert!(world.errors(ANN).contains(&"forged"), "it was read: {}", world.story(ANN));
    // What is somebody's costs some, so they are counted.
    let derived = DERIVED.get();
    let envelope = world.own_envelope(EVE, private(b"rubbish".to_vec()));
    world.inject(envelope, None);
    while world.deliver_one(ANN) {}
    assert!(DERIVED.get() > derived);
}

/// What says that it belongs there, in bob's name, and is rubbish below that.
fn plausible(world: &World, session: Session, sequence: u64) -> Vec<u8> {
    let place = MessagePlace { kind: MessageKind::Signal, session, sequence, generation: 0 };
    let mut message = world.hostile(EVE).seal_as(&place.encode(), b"");
    *message.last_mut().unwrap() ^= 1;
    world.envelope(EVE, world.leaf(BOB), (session, sequence), private(message))
}

#[test]
fn signals_that_mls_refuses_cost_a_few_reloads_and_then_none() {
    let mut world = three(433);
    for n in 0..40 {
        let envelope = plausible(&world, Session([7; 8]), n);
        signal(&mut world, ANN, envelope);
    }
    assert_eq!(undone(&world, ANN), 4, "of one session");
    world.command(BOB, Command::Typing { stopped: false });
    world.settle();
    assert_eq!(typing(&world, ANN).len(), 1, "bob's session is another");
    for n in 0..100u8 {
        let envelope = plausible(&world, Session([n, 1, 2, 3, 4, 5, 6, 7]), 0);
        signal(&mut world, ANN, envelope);
    }
    assert_eq!(undone(&world, ANN), 32, "of all sessions together");
    world.now += 3_000;
    world.command(BOB, Command::Typing { stopped: false });
    world.settle();
    assert_eq!(typing(&world, ANN).len(), 2, "who was heard before is heard on");
}

#[test]
fn forgeries_in_a_members_name_do_not_make_it_commit_or_lose_numbers() {
    let mut world = three(434);
    let commits = |world: &World| world.relay.log.iter().filter(|entry| entry.is_commit).count();
    let before = commits(&world);
    for n in 0..20u64 {
        let session = Session::random(&world.devices[EVE].profile.random);
        let message = world.hostile(EVE).seal(MessageKind::Content, (session, n), b"");
        let own = vec![u8::try_from(n).unwrap(); 16].into();
        let engine = world.devices[EVE].engine.as_ref().unwrap();
        let (_, mut key) = engine.keyring.sealing(world.leaf(BOB), session, n).unwrap();
        let body = Some(sealed::Body::PrivateMessage(message.into()));
        let envelope = key.seal(&content::Sealed { body, own }.encode_to_vec()).unwrap();
        world.inject(envelope, None);
        world.deliver_one(BOB);
    }
    world.settle();
    world.say(BOB, "hi");
    world.settle();
    assert_eq!(commits(&world), before, "bob was made to commit");
    assert_eq!((world.alarms(BOB), world.alarms(ANN)), (vec![], vec![]));
    assert_eq!(world.texts(ANN), ["hi"]);
}

#[test]
fn sessions_of_one_member_push_out_nobody_elses_windows() {
    let mut world = three(435);
    world.say(ANN, "one");
    world.settle();
    let (said, leaf) = (world.entry(world.head()), world.leaf(ANN));
    let mut eve = world.hostile(EVE);
    world.disconnect(EVE);
    for n in 1..=200 {
        let envelope = world.said(EVE, &mut eve, &world.content(EVE, n, "x"));
        world.inject(envelope, None);
    }
    world.settle();
    let windows = &world.devices[BOB].engine.as_ref().unwrap().windows;
    assert!(windows.keys().any(|(of, _)| *of == leaf) && windows.len() < 80, "{}", windows.len());
    world.inject(said.envelope.to_vec(), None);
    world.settle();
    world.assert_alarm(BOB, AlarmKind::Replay);
}
