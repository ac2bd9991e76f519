//! A relay that lets only those open rooms who have a token.

use proto::{Token, relay::refused::Code};

use super::world::World;
use crate::{
    crypto::suite::Suite,
    room::{Engine, Event, Problem, TokenFault, state::Phase},
};

fn guarded(names: &[&str], code: Code) -> World {
    let mut world = World::new(names, Suite::Classic, 77);
    world.relay.asks = Some((vec![7; 32], code));
    world
}

/// The codes of the errors that were told, and whether the room is over.
fn told(world: &World) -> (Vec<&'static str>, bool) {
    let events = &world.devices[0].events;
    let codes = events.iter().filter_map(|event| match event {
        Event::Problem(problem) => Some(problem.code()),
        _ => None,
    });
    let is_over = events.iter().any(|event| matches!(event, Event::Closed { was_member: false, .. }));
    (codes.collect(), is_over)
}

fn is_told(world: &World, fault: TokenFault) -> bool {
    world.devices[0].events.contains(&Event::Problem(Problem::Token(fault)))
}

#[test]
fn room_is_not_opened_without_a_token_and_the_relay_is_not_asked_for_ever() {
    let mut world = guarded(&["ann"], Code::TokenRequired);
    world.create(0);
    assert_eq!(told(&world), (vec!["token_required"], true));
    assert!(is_told(&world, TokenFault::Missing), "{}", world.story(0));
    assert_eq!(world.devices[0].engine.as_ref().unwrap().phase(), Phase::Closed);
}

#[test]
fn refused_token_is_told_from_none() {
    let mut world = guarded(&["ann"], Code::TokenRequired);
    world.token = Some(Token::new([8; 32]));
    world.create(0);
    assert_eq!(told(&world), (vec!["token_required"], true));
    assert!(is_told(&world, TokenFault::Refused), "{}", world.story(0));
}

#[test]
fn spent_token_is_told_as_such() {
    let mut world = guarded(&["ann"], Code::TokenSpent);
    world.token = Some(Token::new([8; 32]));
    world.create(0);
    assert_eq!(told(&world), (vec!["token_spent"], true));
}

#[test]
fn open_room_is_not_opened_without_a_token_either() {
    let mut world = guarded(&["ann"], Code::TokenRequired);
    world.devices[0].engine = Some(Engine::open(&world.devices[0].profile, "lobby", world.now).unwrap());
    world.connect(0);
    world.settle();
    assert_eq!(told(&world), (vec!["token_required"], true));
}

#[test]
fn token_opens_the_room_and_guests_send_none() {
    let mut world = guarded(&["ann", "bob"], Code::TokenRequired);
    world.token = Some(Token::new([7; 32]));
    world.create(0);
    assert_eq!(told(&world), (vec![], false));
    world.token = None;
    let link = world.invite(0);
    world.join(1, &link);
    world.say(1, "hello");
    world.settle();
    world.assert_agreed(&[0, 1]);
    assert_eq!(world.texts(0), ["hello"]);
}

#[test]
fn token_is_in_no_stored_row() {
    let mut world = guarded(&["ann"], Code::TokenRequired);
    let token = Token::new(*b"0123456789abcdef0123456789ABCDEF");
    world.relay.asks = Some((token.as_bytes().to_vec(), Code::TokenRequired));
    world.token = Some(token.clone());
    world.create(0);
    assert_eq!(told(&world), (vec![], false));
    let rows = &world.devices[0].rows;
    let holds = |needle: &[u8]| rows.values().any(|row| row.windows(needle.len()).any(|part| part == needle));
    assert!(holds(b"team"), "control: the search finds the room's name");
    assert!(!holds(token.as_bytes()));
}
