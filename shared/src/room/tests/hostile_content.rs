//! Members whose messages are genuine and whose content is not what it should be.

use super::{
    hostile::{ANN, BOB, EVE, three},
    world::World,
};
use crate::{
    content,
    room::{AlarmKind, MAX_TEXT},
};

/// Eve says `content` by herself, in an envelope of her own.
fn eve_says(world: &mut World, content: &content::Content) {
    let envelope = world.said(EVE, &mut world.hostile(EVE), content);
    world.disconnect(EVE);
    world.inject(envelope, None);
    world.settle();
}

#[test]
fn content_whose_counter_came_before_alarms() {
    let mut world = three(311);
    world.say(EVE, "one");
    world.say(EVE, "two");
    world.settle();
    let content = world.content(EVE, 2, "two, another");
    eve_says(&mut world, &content);
    assert_eq!(world.texts(ANN), ["one", "two"]);
    world.assert_alarm(ANN, AlarmKind::Replay);
}

#[test]
fn skipped_counter_alarms() {
    let mut world = three(312);
    world.say(EVE, "one");
    world.settle();
    let content = world.content(EVE, 4, "four");
    eve_says(&mut world, &content);
    assert_eq!(world.texts(ANN), ["one", "four"]);
    world.assert_alarm(ANN, AlarmKind::Gap);
}

#[test]
fn first_message_of_a_member_that_never_came_alarms() {
    let mut world = three(313);
    let content = world.content(EVE, 2, "as I said");
    eve_says(&mut world, &content);
    world.assert_alarm(ANN, AlarmKind::Gap);
    world.assert_alarm(BOB, AlarmKind::Gap);
}

/// Eve's view of the log is what `change` makes of it; that alarms.
fn view_alarms(seed: u64, change: impl Fn(&mut content::Content)) {
    let mut world = three(seed);
    world.say(ANN, "hello");
    world.settle();
    let mut content = world.content(EVE, 1, "look");
    change(&mut content);
    eve_says(&mut world, &content);
    world.assert_alarm(ANN, AlarmKind::Fork);
    world.assert_alarm(BOB, AlarmKind::Fork);
}

#[test]
fn view_that_claims_the_future_alarms() {
    view_alarms(314, |content| content.view.as_mut().unwrap().seq += 1);
    view_alarms(315, |content| content.view.as_mut().unwrap().epoch += 1);
}

#[test]
fn view_of_an_epoch_other_than_the_sealed_one_alarms() {
    view_alarms(316, |content| content.view.as_mut().unwrap().epoch -= 1);
}

#[test]
fn view_of_another_group_alarms() {
    view_alarms(317, |content| content.view.as_mut().unwrap().authenticator = vec![0; 16].into());
}

#[test]
fn view_of_another_log_alarms() {
    view_alarms(318, |content| content.view.as_mut().unwrap().running_hash = vec![0; 32].into());
}

#[test]
fn message_without_a_view_alarms() {
    view_alarms(319, |content| content.view = None);
}

#[test]
fn over_long_text_is_refused() {
    let mut world = three(320);
    let content = world.content(EVE, 1, &"x".repeat(MAX_TEXT + 1));
    eve_says(&mut world, &content);
    assert_eq!(world.texts(ANN), [""; 0]);
    assert!(world.errors(ANN).contains(&"forged"));
    world.assert_talks(&[ANN, BOB]);
}

#[test]
fn repeated_leave_is_remembered_once() {
    let mut world = three(321);
    world.disconnect(BOB);
    let mut eve = world.hostile(EVE);
    for n in 1..20 {
        let mut content = world.content(EVE, n, "");
        let signature = world.leave_proof(EVE).into();
        content.body = Some(content::content::Body::Leave(content::Leave { signature }));
        let envelope = world.said(EVE, &mut eve, &content);
        world.inject(envelope, None);
    }
    world.disconnect(EVE);
    while world.deliver_one(ANN) {
        assert!(world.devices[ANN].engine.as_ref().unwrap().wishes.to_remove.len() <= 1);
    }
    world.connect(BOB);
    world.settle();
    assert_eq!(world.members(ANN), 2);
    world.assert_talks(&[ANN, BOB]);
}
