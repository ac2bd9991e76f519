//! Whoever lets a device back in may lie: about the epoch, about the log, with rubbish, or with a state of its own.

use prost::Message as _;
use proto::relay::{CommitPart, Publish};

use super::{
    hostile::{ANN, BOB, EVE, adds, member_key, nothing},
    world::{Rows, World},
};
use crate::{
    content::{self, ResyncState, resync, sealed},
    crypto::aead::{SealingKey, Session},
    crypto::suite::{KemKey, Suite, spoil::spoiling},
    invite::{AccessSecret, pieces::Tree, slot},
    mls::group::hostile::{Hostile, announced},
    room::{
        AlarmKind, Command, Event, Problem,
        resync::statement::{answer_secret, answer_statement, hash, request_statement},
    },
};

const DAN: usize = 3;

/// A state of the room that one member made up.
struct Forged {
    slot_key: [u8; 32],
    info: Vec<u8>,
    tree: Tree,
}

/// Four people; bob's profile is an old copy, and eve's program is not honest any more.
pub(super) fn bob_is_out(seed: u64) -> World {
    let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, seed);
    let backup = world.devices[BOB].rows.clone();
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    world.put_back(BOB, backup);
    world.disconnect(EVE);
    world.connect(BOB);
    world
}

fn is_request(bytes: &[u8]) -> Option<content::ResyncRequest> {
    match content::Resync::decode(bytes).ok()?.body? {
        resync::Body::Request(request) => Some(request),
        resync::Body::Answer(_) => None,
    }
}

impl World {
    /// Until bob's request is what came last. False when everything settles without one.
    pub(super) fn until_asked(&mut self) -> bool {
        self.run_until(|world| {
            world.relay.log.last().is_some_and(|entry| is_request(&entry.resync).is_some())
        })
    }

    fn asked(&self) -> content::ResyncRequest {
        self.relay.log.iter().rev().find_map(|entry| is_request(&entry.resync)).expect("a request")
    }

    /// What eve's epoch says when she goes on alone: `more` commits later, which nobody else sees.
    fn forge(&self, eve: &mut Hostile, more: usize, mut info: Vec<u8>) -> Forged {
        eve.0.apply_pending_commit().unwrap();
        for _ in 0..more {
            info = eve.commit(|b| b).1;
            eve.0.apply_pending_commit().unwrap();
        }
        let id = eve.0.group_id().to_vec();
        let slot_key = eve.0.export_secret(b"schat/2 slot", &id, 32).unwrap();
        Forged { slot_key: slot_key.as_bytes().try_into().unwrap(), info, tree: eve.tree() }
    }

    /// Eve's commit that nobody can open, with a slot of her own making. She goes on alone by `more` commits.
    fn rubbish_commit(&mut self, more: usize) -> (u64, Forged) {
        let mut eve = self.hostile(EVE);
        let (message, info) = spoiling(&[0, 1, 2], || eve.commit(|b| b));
        let forged = self.forge(&mut eve, more, info);
        let random = self.devices[EVE].profile.random.clone();
        let invites = self.room(EVE).invites;
        let inside = (&forged.slot_key, &*forged.info, &forged.tree);
        let slot = slot::seal(&self.room_id(EVE), &invites, inside, None, &random).unwrap();
        let authority = announced(&message).to_vec().into();
        let envelope = self.own_envelope(EVE, sealed::Body::KeyShare(message.into()));
        let part = CommitPart { authority, ..self.part(nothing()) };
        let part = CommitPart {
            slot: slot.sealed.into(),
            piece_names: slot.names.into(),
            pieces: slot.pieces.into(),
            ..part
        };
        let key = self.access_key(EVE).key;
        let part = self.signed(&key, &envelope, part);
        self.relay.now = self.now;
        (self.relay.append_by(&key, envelope, Some(part)), forged)
    }

    /// Eve answers the request that came last.
    fn eve_answers(&mut self, state: &ResyncState) {
        self.answers_as(EVE, state);
    }

    /// Somebody does, whatever its program would say.
    fn answers_as(&mut self, i: usize, state: &ResyncState) {
        let request = self.asked();
        let engine = self.devices[i].engine.as_ref().unwrap();
        let random = &self.devices[i].profile.random;
        let named = hash(&request.encode_to_vec());
        let (shared, ciphertext) = KemKey::encapsulate(random, &request.kem_key).unwrap();
        let secret = answer_secret(&shared, &named);
        let mut key = SealingKey::new(&secret, &engine.answer_scope(), Session::random(random));
        let mut answer = content::ResyncAnswer {
            request: named.to_vec().into(),
            leaf: self.leaf(i),
            ciphertext: ciphertext.into(),
            envelope: key.seal(&state.encode_to_vec()).unwrap().into(),
            signature: Vec::new().into(),
        };
        let statement = answer_statement(&self.room_id(i).0, &answer);
        answer.signature = engine.sign_as_leaf(&statement).unwrap().into();
        self.publishes(i, resync::Body::Answer(answer));
    }

    pub(super) fn publishes(&mut self, i: usize, body: resync::Body) {
        let resync = content::Resync { body: Some(body) }.encode_to_vec().into();
        let id = self.devices[i].profile.random.bytes::<16>().to_vec().into();
        let publish = Publish { id, resync, ..Publish::default() };
        self.relay.now = self.now;
        self.relay.publish_by(&self.access_key(i).key, &publish);
    }

    fn view_of(&self, i: usize) -> content::View {
        self.devices[i].engine.as_ref().unwrap().own_view()
    }

    fn assert_bob_is_back(&mut self) {
        self.settle();
        assert!(self.errors(BOB).contains(&"back"), "{}", self.story(BOB));
        for i in [ANN, DAN] {
            assert!(!self.errors(i).contains(&"out"), "device {i}: {}", self.story(i));
            let told = self.devices[i].events.iter().any(|event| matches!(event, Event::DeviceBack(_)));
            assert!(told, "device {i}: {}", self.story(i));
        }
        self.assert_talks(&[ANN, BOB, DAN]);
        assert_eq!(self.authenticator(BOB), self.authenticator(ANN));
    }
}

#[test]
fn state_with_an_epoch_beyond_the_log_is_refused_and_another_member_is_asked() {
    for more in [1, 40] {
        let mut world = bob_is_out(1301);
        assert!(world.until_asked());
        let (last_commit, forged) = world.rubbish_commit(more);
        let epoch = world.epoch(EVE) + 1 + more as u64;
        let view = Some(world.view_of(ANN));
        let slot_key = forged.slot_key.to_vec().into();
        world.eve_answers(&ResyncState { epoch, slot_key, last_commit, view });
        world.assert_bob_is_back();
        assert!(!world.errors(BOB).contains(&"return_refused"), "{}", world.story(BOB));
        let eve = world.devices[EVE].profile.identity.fingerprint().0;
        assert!(world.asked().refused.iter().any(|account| **account == eve), "eve was not excluded");
    }
}

#[test]
fn return_into_a_state_that_one_member_made_up_is_taken_back_and_the_device_comes_back() {
    let mut world = bob_is_out(1302);
    assert!(world.until_asked());
    let (last_commit, forged) = world.rubbish_commit(0);
    let (epoch, view) = (world.epoch(EVE) + 1, Some(world.view_of(ANN)));
    let slot_key = forged.slot_key.to_vec().into();
    world.eve_answers(&ResyncState { epoch, slot_key, last_commit, view });
    let is_in = |world: &World| world.devices[BOB].engine.as_ref().unwrap().back.trial.is_some();
    assert!(world.run_until(is_in), "bob believes it for now: {}", world.story(BOB));
    world.say(BOB, "can anybody read this?");
    world.command(BOB, Command::Rename("robert".to_owned()));
    let commits = world.relay.log.iter().filter(|entry| entry.is_commit).count();
    assert!(!world.devices[BOB].engine.as_ref().unwrap().has_intent(), "bob commits on trial");
    world.assert_bob_is_back();
    assert!(world.relay.log.iter().filter(|entry| entry.is_commit).count() > commits);
    assert!(world.errors(BOB).contains(&"return_refused"), "{}", world.story(BOB));
    let told = world.devices[BOB]
        .events
        .iter()
        .any(|event| matches!(event, Event::Problem(Problem::ReturnRefused { unread: 1.. })));
    assert!(told, "a line that nobody read is told: {}", world.story(BOB));
}

#[test]
fn member_whose_answers_are_rubbish_and_always_first_keeps_nobody_out() {
    let mut world = bob_is_out(1303);
    for _ in 0..6 {
        if !world.until_asked() {
            break;
        }
        let (last_commit, view) = (world.relay.last_commit, Some(world.view_of(ANN)));
        let (epoch, slot_key) = (world.epoch(ANN), vec![9; 32].into());
        world.eve_answers(&ResyncState { epoch, slot_key, last_commit, view });
        // Let the request be answered before the next one is looked for.
        let asked = world.relay.log.len();
        world.run_until(|world| world.relay.log.len() > asked);
    }
    world.assert_bob_is_back();
}

#[test]
fn members_whose_rubbish_answers_come_first_in_turns_keep_nobody_out() {
    let mut world = bob_is_out(1313);
    world.disconnect(DAN);
    for turn in 0..12 {
        if !world.until_asked() {
            break;
        }
        let (last_commit, view) = (world.relay.last_commit, Some(world.view_of(ANN)));
        let (epoch, slot_key) = (world.epoch(ANN), vec![9; 32].into());
        let state = ResyncState { epoch, slot_key, last_commit, view };
        world.answers_as([EVE, DAN][turn % 2], &state);
        let asked = world.relay.log.len();
        world.run_until(|world| world.relay.log.len() > asked);
    }
    assert!(world.errors(BOB).contains(&"back"), "{}", world.story(BOB));
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn answerer_who_saw_another_log_is_refused_with_an_alarm() {
    let mut world = bob_is_out(1304);
    assert!(world.until_asked());
    let mut view = world.view_of(ANN);
    let known = world.devices[BOB].engine.as_ref().unwrap().back.since[0].seq - 1;
    (view.seq, view.running_hash) = (known, vec![1; 32].into());
    let (last_commit, epoch) = (world.relay.last_commit, world.epoch(ANN));
    let slot_key = world.slot_key(ANN).to_vec().into();
    world.eve_answers(&ResyncState { epoch, slot_key, last_commit, view: Some(view) });
    world.settle();
    world.assert_alarm(BOB, AlarmKind::Fork);
    world.assert_bob_is_back();
}

#[test]
fn old_state_is_refused_whoever_hands_it_over() {
    let mut world = bob_is_out(1305);
    assert!(world.until_asked());
    // Of just before bob's own commit: the relay could bring that slot back.
    let engine = world.devices[BOB].engine.as_ref().unwrap();
    let (last_commit, epoch) = (engine.books.position, engine.group.as_ref().unwrap().epoch());
    let view = Some(world.view_of(ANN));
    let slot_key = world.slot_key(ANN).to_vec().into();
    world.eve_answers(&ResyncState { epoch, slot_key, last_commit, view });
    world.assert_bob_is_back();
    let eve = world.devices[EVE].profile.identity.fingerprint().0;
    assert!(world.asked().refused.iter().any(|account| **account == eve), "eve was not excluded");
}

#[test]
fn return_is_on_trial_until_a_third_account_has_spoken() {
    let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, 1306);
    let backup = world.devices[BOB].rows.clone();
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    world.put_back(BOB, backup);
    // Only ann is there: never all at the same time.
    world.disconnect(EVE);
    world.disconnect(DAN);
    world.connect(BOB);
    world.settle();
    let on_trial = |world: &World| world.devices[BOB].engine.as_ref().unwrap().back.trial.is_some();
    assert!(world.errors(BOB).contains(&"back") && on_trial(&world), "{}", world.story(BOB));
    world.say(BOB, "hello ann");
    world.settle();
    assert_eq!(world.texts(ANN).last().map(String::as_str), Some("hello ann"));
    // The process may end meanwhile.
    world.crash(BOB);
    world.restart(BOB);
    world.connect(BOB);
    world.settle();
    assert!(on_trial(&world), "ann let bob in, and her word is no proof");
    world.disconnect(ANN);
    world.disconnect(BOB);
    world.connect(DAN);
    world.settle();
    world.disconnect(DAN);
    world.connect(BOB);
    world.settle();
    assert!(!on_trial(&world), "{}", world.story(BOB));
    for i in [ANN, EVE, DAN] {
        world.connect(i);
    }
    world.settle();
    world.assert_talks(&[ANN, BOB, EVE, DAN]);
}

/// Bob and eve are old copies of themselves; bob was let back in by ann, who is gone, and is on trial.
fn bob_is_on_trial(seed: u64) -> (World, Rows) {
    let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, seed);
    let backups = [BOB, EVE].map(|i| world.devices[i].rows.clone());
    for (i, name) in [(BOB, "rob"), (EVE, "eva")] {
        world.command(i, Command::Rename(name.to_owned()));
        world.settle();
    }
    let [bob, eve] = backups;
    world.put_back(BOB, bob);
    world.disconnect(EVE);
    world.disconnect(DAN);
    world.connect(BOB);
    world.settle();
    world.disconnect(ANN);
    assert!(world.devices[BOB].engine.as_ref().unwrap().back.trial.is_some(), "{}", world.story(BOB));
    (world, eve)
}

#[test]
fn device_on_trial_lets_nobody_back_in() {
    let (mut world, eve) = bob_is_on_trial(1310);
    world.put_back(EVE, eve);
    world.connect(EVE);
    let until = world.now + 120_000;
    assert!(world.run_until(|world| world.now > until));
    assert!(!world.errors(EVE).contains(&"back"), "{}", world.story(EVE));
    world.connect(ANN);
    world.settle();
    assert!(world.errors(EVE).contains(&"back"), "{}", world.story(EVE));
}

#[test]
fn rubbish_join_while_nobody_else_is_awake_does_not_spoil_a_return() {
    let (mut world, _) = bob_is_on_trial(1312);
    let key = AccessSecret::generate(&world.devices[EVE].profile.random);
    let part = world.part(adds(member_key(&key)));
    world.inject(vec![7; 293], Some(part));
    let until = world.now + 600_000;
    world.run_until(|world| world.now > until);
    assert!(world.devices[BOB].engine.as_ref().unwrap().back.trial.is_some(), "{}", world.story(BOB));
    assert!(!world.errors(BOB).contains(&"return_refused"), "{}", world.story(BOB));
}

#[test]
fn trial_does_not_end_by_the_relays_clock_alone() {
    let (mut world, _) = bob_is_on_trial(1311);
    let (now, month) = (world.now, 31 * 24 * 3_600_000);
    let bob = world.devices[BOB].engine.as_mut().unwrap();
    bob.check_age(now + month, now);
    assert!(bob.back.trial.is_some());
    bob.check_age(now + month, now + month);
    assert!(bob.back.trial.is_none());
}

#[test]
fn request_with_lists_without_measure_is_nobodys() {
    for refused in [vec![vec![1; 32].into(); 33], vec![vec![1; 31].into()]] {
        let mut world = bob_is_out(1307);
        assert!(world.until_asked());
        let mut request = content::ResyncRequest { refused, ..world.asked() };
        world.relay.log.pop();
        let engine = world.devices[BOB].engine.as_ref().unwrap();
        request.signature = engine.sign_as_leaf(&request_statement(&engine.room.0, &request)).unwrap().into();
        world.disconnect(BOB);
        world.publishes(BOB, resync::Body::Request(request));
        world.settle();
        let answers = world.relay.log.iter().filter(|entry| !entry.resync.is_empty()).count();
        assert_eq!(answers, 1, "somebody answered");
    }
}

#[test]
fn request_that_calls_a_good_slot_useless_makes_one_member_commit_and_not_all() {
    let names = ["ann", "bob", "eve", "dan", "fay", "gus", "hal", "ida"];
    let mut world = World::room_of(&names, Suite::Classic, 1320);
    names.iter().enumerate().for_each(|(i, name)| world.say(i, name));
    world.settle();
    let before = world.relay.log.iter().filter(|entry| entry.is_commit).count();
    let engine = world.devices[EVE].engine.as_ref().unwrap();
    let mut request = content::ResyncRequest {
        access_key: engine.own_key().to_vec().into(),
        kem_key: engine.profile.random.bytes::<32>().to_vec().into(),
        useless: world.relay.last_commit,
        ..content::ResyncRequest::default()
    };
    request.signature = engine.sign_as_leaf(&request_statement(&engine.room.0, &request)).unwrap().into();
    world.publishes(EVE, resync::Body::Request(request));
    world.settle();
    // Days later nobody has still something to make up for.
    world.now += 3_600_000;
    world.settle();
    let after = world.relay.log.iter().filter(|entry| entry.is_commit).count();
    assert!((1..=2).contains(&(after - before)), "{} commits", after - before);
    world.assert_talks(&[ANN, BOB, DAN]);
}

#[test]
fn who_asks_while_nobody_is_there_asks_ever_more_seldom() {
    let mut world = bob_is_out(1321);
    [ANN, DAN].into_iter().for_each(|i| world.disconnect(i));
    let end = world.now + 24 * 3_600_000;
    while world.now < end {
        world.settle();
        world.now += 60_000;
        world.input(BOB, crate::room::Input::Tick);
    }
    let asked = world.relay.log.iter().filter(|entry| is_request(&entry.resync).is_some()).count();
    assert!((8..=24).contains(&asked), "asked {asked} times in a day");
    // What was asked last is found by whoever comes.
    world.connect(ANN);
    world.connect(DAN);
    world.settle();
    world.assert_talks(&[ANN, BOB, DAN]);
}

#[test]
fn program_that_is_started_while_its_device_is_out_says_so_once() {
    let mut world = bob_is_out(1322);
    [ANN, DAN].into_iter().for_each(|i| world.disconnect(i));
    world.settle();
    world.crash(BOB);
    world.restart(BOB);
    world.connect(BOB);
    world.settle();
    world.disconnect(BOB);
    world.connect(BOB);
    world.settle();
    let again = world.devices[BOB]
        .events
        .iter()
        .filter(|event| matches!(event, Event::Problem(Problem::Out(crate::room::OutCause::OldProfile))));
    assert_eq!(again.count(), 2, "once by each program: {}", world.story(BOB));
}

#[test]
fn joiner_who_was_met_by_a_made_up_state_comes_again_by_the_same_invite() {
    for more in [0, 40] {
        let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, 1310 + more as u64);
        let link = world.invite(ANN);
        world.disconnect(EVE);
        let (at, _) = world.rubbish_commit(more);
        let fay = world.newcomer("fay", 1390);
        world.join(fay, &link);
        let is_met = world.relay.log.iter().any(|entry| entry.is_commit && entry.base == at);
        assert!(is_met, "she got round it: {}", world.story(fay));
        assert!(!world.closed(fay), "{}", world.story(fay));
        world.assert_talks(&[ANN, BOB, DAN, fay]);
        assert_eq!(world.authenticator(fay), world.authenticator(ANN));
    }
}

#[test]
fn who_came_back_in_the_same_trouble_proves_no_return() {
    let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, 1320);
    let backups = [BOB, DAN].map(|i| world.devices[i].rows.clone());
    for (i, name) in [(BOB, "rob"), (DAN, "don")] {
        world.command(i, Command::Rename(name.to_owned()));
        world.settle();
    }
    for (i, rows) in [BOB, DAN].into_iter().zip(backups) {
        world.put_back(i, rows);
    }
    world.disconnect(EVE);
    world.connect(BOB);
    world.connect(DAN);
    world.settle();
    let on_trial = |world: &World, i: usize| world.devices[i].engine.as_ref().unwrap().back.trial.is_some();
    assert!(on_trial(&world, BOB) && on_trial(&world, DAN), "{}", world.story(DAN));
    for i in [BOB, DAN] {
        world.say(i, "hello");
        world.settle();
    }
    assert!(on_trial(&world, BOB) && on_trial(&world, DAN), "they believe each other: {}", world.story(BOB));
    world.connect(EVE);
    world.say(EVE, "all well");
    world.settle();
    assert!(!on_trial(&world, BOB) && !on_trial(&world, DAN), "{}", world.story(BOB));
    world.assert_talks(&[ANN, BOB, EVE, DAN]);
}

#[test]
fn who_comes_back_is_told_if_others_moderate_or_other_rules_hold() {
    for (moderators, policy) in [(false, false), (true, false), (false, true)] {
        let mut world = World::room_of(&["ann", "bob", "eve", "dan"], Suite::Classic, 1321);
        let backup = world.devices[BOB].rows.clone();
        world.command(BOB, Command::Rename("rob".to_owned()));
        world.settle();
        world.put_back(BOB, backup);
        if moderators {
            world.make_moderators(&[DAN]);
        }
        if policy {
            world.command(ANN, Command::Policy { moderators_invite: None, seats: Some(7) });
            world.settle();
        }
        world.connect(BOB);
        world.settle();
        assert!(world.errors(BOB).contains(&"back"), "{}", world.story(BOB));
        let told = world.errors(BOB).contains(&"other_rules");
        assert_eq!(told, moderators || policy, "{moderators} {policy}: {}", world.story(BOB));
    }
}

#[test]
fn who_joins_while_a_relay_keeps_somebody_out_is_in_the_room_that_it_comes_back_to() {
    // It says that commits are gone, somebody joins, and bob comes back: he did not see them join, and clients tell by this view.
    let mut world = World::room_of(&["ann", "bob", "eve"], Suite::Classic, 1051);
    world.disconnect(BOB);
    let phone = super::devices::link(&mut world, ANN, ANN, 10_519);
    world.say(EVE, "so it is confirmed");
    world.settle();
    let beyond = world.head() + 1;
    world.show_oldest(BOB, beyond);
    assert!(world.errors(BOB).contains(&"out"), "{}", world.story(BOB));
    let before = world.devices[BOB].events.len();
    world.connect(BOB);
    world.settle();
    assert!(world.errors(BOB).contains(&"back"), "{}", world.story(BOB));
    let events = &world.devices[BOB].events[before..];
    let has_phone = |event: &Event| {
        let id = super::devices::device(&world, phone);
        matches!(event, Event::Epoch(view) if view.members.iter().any(|one| one.device.id == id))
    };
    assert!(events.iter().any(has_phone), "{}", world.story(BOB));
    let told = |event: &Event| matches!(event, Event::DeviceJoined { .. } | Event::MemberJoined { .. });
    assert!(!events.iter().any(told), "{}", world.story(BOB));
}
