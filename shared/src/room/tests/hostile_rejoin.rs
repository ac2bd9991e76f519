//! A relay that plots with a removed member: it denies a newcomer the ledger, and says after the removal that the newcomer's
//! place is lost, so that it would join anew where the removed member is in still.

use proto::relay::{Joined, relay_frame::Frame};

use super::{
    hostile::{ANN, BOB, EVE, nothing, three},
    hostile_books::{DAN, four, key},
    hostile_ledger::engine,
    model::ModelRelay,
    world::{Rows, World},
};
use crate::room::{Breach, CloseReason, Command, Event, Problem, state::Phase};

/// Further than any log gets.
const BEYOND: u64 = 1 << 40;

/// How a newcomer is kept from knowing itself confirmed.
#[derive(Clone, Copy, Debug)]
enum Denied {
    /// It gets no ledger, whenever it asks.
    Loudly,
    /// It gets one that would begin where no log ever gets.
    Silently,
}

/// The relay, and what eve stored, as both were before dan joined.
struct Before(ModelRelay, Rows);

/// Dan joins by ann's link, and does not know himself confirmed.
fn newcomer(seed: u64, denied: Denied) -> (World, Before) {
    let mut world = three(seed);
    let link = world.invite(ANN);
    let before = Before(world.relay.clone(), world.devices[EVE].rows.clone());
    assert_eq!(world.newcomer("dan", 900 + seed), DAN);
    world.relay.keeps_ledger = matches!(denied, Denied::Loudly);
    if let Denied::Loudly = denied {
        world.join(DAN, &link);
        return (world, before);
    }
    let profile = &world.devices[DAN].profile;
    world.devices[DAN].engine = Some(crate::room::Engine::join(profile, &link, world.now).unwrap());
    world.connect(DAN);
    while !asked_for_the_ledger(&world) {
        assert!(world.deliver_one(DAN), "{}", world.story(DAN));
    }
    let access = world.relay.access.as_ref().unwrap().to_snapshot(BEYOND).unwrap();
    let Some(Frame::Joined(joined)) = &mut world.devices[DAN].inbox[0].frame else { unreachable!() };
    (joined.head, joined.access) = (BEYOND, access.into());
    while world.deliver_one(DAN) {}
    world.connect(DAN);
    world.settle();
    (world, before)
}

fn asked_for_the_ledger(world: &World) -> bool {
    let joined = world.devices[DAN].inbox.front().and_then(|frame| frame.frame.as_ref());
    engine(world, DAN).phase() == Phase::Confirming && matches!(joined, Some(Frame::Joined(_)))
}

/// Ann removes eve, and all have taken that.
fn remove_eve(world: &mut World) {
    let eve = world.devices[EVE].profile.identity.fingerprint();
    world.command(ANN, Command::Remove(eve));
    world.settle();
    for i in [ANN, BOB, DAN] {
        assert_eq!(world.members(i), 3, "device {i}: {}", world.story(i));
    }
    assert_eq!(world.relay.confirmed(), world.relay.last_commit);
}

/// From now on there are only dan, the relay as it was before he joined, and eve as she was then. She hears nothing of him.
fn assert_eve_hears_nothing(mut world: World, Before(relay, eve): Before) -> World {
    [ANN, BOB, DAN].into_iter().for_each(|i| world.disconnect(i));
    world.relay = relay;
    world.put_back(EVE, eve);
    world.connect(EVE);
    world.say(DAN, "for those who are in");
    world.connect(DAN);
    world.settle();
    world.connect(DAN);
    world.say(DAN, "for them as well");
    world.settle();
    let read = [world.texts(EVE), world.texts(DAN)].concat();
    assert_eq!(read, Vec::<String>::new(), "{}", world.story(DAN));
    world
}

#[test]
fn newcomer_who_saw_a_removal_does_not_go_back_behind_it_by_its_link() {
    for denied in [Denied::Loudly, Denied::Silently] {
        let (mut world, before) = newcomer(2101, denied);
        remove_eve(&mut world);
        let world = assert_eve_hears_nothing(world, before);
        assert!(world.closed(DAN), "{denied:?}: {}", world.story(DAN));
    }
}

/// As an earlier version left it: who was removed is noted, and the link kept.
#[test]
fn nobody_joins_anew_where_somebody_is_whose_removal_it_saw() {
    for is_owed in [false, true] {
        let (mut world, before) = newcomer(2102, Denied::Loudly);
        let link = engine(&world, DAN).meta.link.clone();
        assert!(link.is_some());
        remove_eve(&mut world);
        let dan = world.devices[DAN].engine.as_mut().unwrap();
        dan.meta.link = link;
        if is_owed {
            dan.books.again = std::mem::take(&mut dan.books.gone);
        }
        let world = assert_eve_hears_nothing(world, before);
        let unusable = CloseReason::InviteUnusable(Breach::Rule(crate::mls::rules::Violation::OldGroupInfo));
        let is_it = |event: &Event| matches!(event, Event::Closed { reason, .. } if *reason == unusable);
        assert!(world.devices[DAN].events.iter().any(is_it), "{}", world.story(DAN));
    }
}

#[test]
fn nobody_joins_anew_where_somebody_is_who_was_removed_while_it_was_out() {
    let (mut world, before) = newcomer(2107, Denied::Loudly);
    let backup = world.devices[DAN].rows.clone();
    world.command(DAN, Command::Rename("don".to_owned()));
    world.settle();
    world.put_back(DAN, backup);
    let eve = world.devices[EVE].profile.identity.fingerprint();
    world.command(ANN, Command::Remove(eve));
    world.settle();
    world.connect(DAN);
    assert!(world.run_until(|world| world.errors(DAN).contains(&"back")), "{}", world.story(DAN));
    assert_eq!(world.members(DAN), 3);
    assert!(engine(&world, DAN).meta.link.is_some());
    assert_eve_hears_nothing(world, before);
}

#[test]
fn newcomer_without_a_ledger_whose_join_others_built_on_does_not_join_anew() {
    let (mut world, before) = newcomer(2103, Denied::Loudly);
    assert!(engine(&world, DAN).meta.link.is_some());
    world.command(BOB, Command::Rename("rob".to_owned()));
    world.settle();
    let world = assert_eve_hears_nothing(world, before);
    assert!(world.closed(DAN), "{}", world.story(DAN));
}

/// Dan's join is taken by ann, whose offer nobody confirms, before he has read as far as his ledger goes.
#[test]
fn newcomer_whose_ledger_is_on_its_way_joins_anew_when_what_stood_on_its_join_is_dropped() {
    let mut world = four(2108);
    let link = world.invite(ANN);
    let (anns, authority, base) = (world.access(ANN), world.authority(ANN), world.relay.last_commit);
    (BOB..=DAN).for_each(|i| world.disconnect(i));
    let fay = world.newcomer("fay", 3008);
    world.devices[fay].engine =
        Some(crate::room::Engine::join(&world.devices[fay].profile, &link, world.now).unwrap());
    world.connect(fay);
    while world.head() == base || engine(&world, fay).phase() != Phase::Confirming {
        assert!(world.deliver_one(fay), "{}", world.story(fay));
    }
    for text in ["nan", "one"] {
        while world.deliver_one(ANN) {}
        match text {
            "one" => world.say(ANN, text),
            name => world.command(ANN, Command::Rename(name.to_owned())),
        }
    }
    while world.deliver_one(ANN) {}
    assert!(world.head() > world.relay.last_commit && world.relay.last_commit > base + 1);
    assert_eq!(world.relay.confirmed(), base);
    while world.deliver_one(fay) {}
    let (position, cursor) = (engine(&world, fay).books.position, world.cursor(fay));
    assert_eq!((position, cursor), (world.relay.last_commit, world.head()), "{}", world.story(fay));
    assert!(engine(&world, fay).meta.link.is_some(), "{}", world.story(fay));
    world.rubbish(&anns, &authority, (base, position), &nothing(), &key(80)).unwrap();
    world.disconnect(ANN);
    (BOB..=DAN).for_each(|i| world.connect(i));
    world.settle();
    assert!(!world.closed(fay), "{}", world.story(fay));
    world.assert_talks(&[BOB, EVE, DAN, fay]);
}

#[test]
fn whoever_joins_anew_is_told_and_counts_nobody_as_heard() {
    let (mut world, Before(relay, _)) = newcomer(2104, Denied::Loudly);
    world.say(BOB, "welcome");
    world.settle();
    let heard = |world: &World| {
        let view = engine(world, DAN).view().unwrap();
        view.members.iter().filter(|member| !member.me && member.heard).count()
    };
    let joined =
        |world: &World| world.devices[DAN].events.iter().filter(|e| matches!(e, Event::Joined(_))).count();
    assert_eq!((heard(&world), joined(&world)), (3, 1), "{}", world.story(DAN));
    [ANN, BOB, EVE].into_iter().for_each(|i| world.disconnect(i));
    world.disconnect(DAN);
    world.relay = relay;
    world.connect(DAN);
    world.settle();
    assert_eq!((heard(&world), joined(&world)), (0, 2), "{}", world.story(DAN));
    let told = |event: &Event| *event == Event::Problem(Problem::PlaceLost);
    assert!(world.devices[DAN].events.iter().any(told), "{}", world.story(DAN));
}

#[test]
fn ledger_of_beyond_the_end_of_the_log_is_dropped_when_the_log_shows_its_end() {
    let (world, _) = newcomer(2105, Denied::Silently);
    assert!(world.errors(DAN).contains(&"relay"), "{}", world.story(DAN));
    let (mut world, dan) = (world, DAN);
    assert!(engine(&world, dan).wants_ledger());
    world.connect(dan);
    world.settle();
    world.assert_ledger(dan);
    assert_eq!(engine(&world, dan).meta.link, None, "{}", world.story(dan));
}

/// A true one, of later than what was read, is no made-up one while it is read on.
#[test]
fn ledger_that_was_not_read_up_to_yet_stays_while_the_log_is_as_long() {
    let mut world = three(2106);
    world.capture(BOB);
    for text in ["one", "two"] {
        world.say(ANN, text);
        world.settle();
    }
    world.devices[BOB].engine.as_mut().unwrap().ledger.close();
    let head = world.head();
    let access: bytes::Bytes = world.relay.access.as_ref().unwrap().to_snapshot(head).unwrap().into();
    for _ in 0..2 {
        let joined = Joined {
            head,
            access: access.clone(),
            last_commit: world.relay.last_commit,
            generation: world.relay.generation.to_vec().into(),
            ..Joined::default()
        };
        world.begin_join(BOB);
        world.frame(BOB, Frame::Joined(joined));
        assert!(engine(&world, BOB).ledger.is_open());
    }
    world.show_before(BOB, head + 1);
    world.assert_ledger(BOB);
    assert_eq!(world.errors(BOB), Vec::<&str>::new());
}
