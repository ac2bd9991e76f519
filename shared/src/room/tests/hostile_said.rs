//! Members who say what may not be said: refused by everybody alike. Who may change whose line is decided
//! where lines are kept, in `timeline`.

use super::{
    hostile::{ANN, BOB, EVE, three},
    world::World,
};
use crate::{
    content::{self, content::Body},
    room::{Event, MAX_EMOJI, MAX_TEXT},
};

/// Eve says `body`; everybody refuses it, and talks on.
fn refused(seed: u64, body: Body) {
    let mut world = three(seed);
    eve_says(&mut world, body);
    for i in [ANN, BOB] {
        let shown = |event: &Event| {
            matches!(event, Event::Message(_) | Event::Act(_) | Event::Seen { .. } | Event::Handed { .. })
        };
        assert!(!world.devices[i].events.iter().any(shown), "device {i}");
        assert_eq!(world.errors(i), ["forged"], "device {i}");
    }
    world.assert_talks(&[ANN, BOB]);
}

fn eve_says(world: &mut World, body: Body) {
    let content = content::Content { body: Some(body), ..world.content(EVE, 1, "") };
    let envelope = world.said(EVE, &mut world.hostile(EVE), &content);
    world.disconnect(EVE);
    world.inject(envelope, None);
    world.settle();
}

fn id() -> bytes::Bytes {
    vec![7; 16].into()
}

#[test]
fn over_long_edit_is_refused() {
    refused(931, Body::Edit(content::Edit { target: id(), body: "x".repeat(MAX_TEXT + 1) }));
}

#[test]
fn empty_edit_is_refused() {
    refused(932, Body::Edit(content::Edit { target: id(), body: String::new() }));
}

#[test]
fn target_that_is_no_id_is_refused() {
    refused(933, Body::Delete(content::Delete { target: vec![7; 32].into() }));
}

#[test]
fn sign_that_is_a_novel_or_an_escape_is_refused() {
    for (n, emoji) in ["x".repeat(MAX_EMOJI + 1), "\u{1b}[2J".to_owned()].into_iter().enumerate() {
        refused(934 + n as u64, Body::Reaction(content::Reaction { target: id(), emoji, withdrawn: false }));
    }
}

#[test]
fn having_read_what_was_not_there_is_refused() {
    refused(936, Body::Seen(content::Seen { seq: u64::MAX }));
}

#[test]
fn past_for_somebody_else_is_not_taken() {
    let mut world = three(937);
    let line = content::PastLine { seq: 1, id: id(), body: "ann said so".to_owned(), ..Default::default() };
    let joiner = world.devices[BOB].engine.as_ref().unwrap().unique();
    eve_says(&mut world, Body::Past(content::Past { joiner: joiner.into(), lines: vec![line], last: true }));
    let handed = |event: &Event| matches!(event, Event::Handed { .. });
    assert!([ANN, BOB].iter().all(|i| !world.devices[*i].events.iter().any(handed)));
}
