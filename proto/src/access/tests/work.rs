//! What an undoing costs: the relay does it in the one thread that writes for all rooms, and every member does it too.

use std::cell::Cell;

use super::{
    super::{KeyRow, Rows, Step},
    *,
};

/// Rows that count how often they are asked, and how many votes they read.
struct Counted<'a> {
    rows: &'a Memory,
    looked_up: Cell<usize>,
    lists: Cell<usize>,
    votes: Cell<usize>,
}

type Answer<T> = Result<T, std::convert::Infallible>;

impl<'a> Counted<'a> {
    fn of(rows: &'a Memory) -> Self {
        Self { rows, looked_up: Cell::new(0), lists: Cell::new(0), votes: Cell::new(0) }
    }
}

fn add(to: &Cell<usize>, more: usize) {
    to.set(to.get() + more);
}

impl Rows for Counted<'_> {
    type Error = std::convert::Infallible;

    fn key(&self, key: &PublicKey) -> Answer<Option<KeyRow>> {
        add(&self.looked_up, 1);
        self.rows.key(key)
    }

    fn keys(&self) -> Answer<Vec<(PublicKey, KeyRow)>> {
        add(&self.lists, 1);
        self.rows.keys()
    }

    fn step(&self, seq: u64) -> Answer<Option<Step>> {
        add(&self.looked_up, 1);
        self.rows.step(seq)
    }

    fn steps(&self, from: u64, count: usize) -> Answer<Vec<Step>> {
        add(&self.lists, 1);
        self.rows.steps(from, count)
    }

    fn voted(&self, first: u64, key: &PublicKey) -> Answer<bool> {
        add(&self.looked_up, 1);
        self.rows.voted(first, key)
    }

    fn votes_of(&self, first: u64) -> Answer<Vec<PublicKey>> {
        add(&self.lists, 1);
        let votes = self.rows.votes_of(first)?;
        add(&self.votes, votes.len());
        Ok(votes)
    }
}

const MEMBERS: u8 = 31;

/// 30 and 31 take a room over, and go on for so long; on some of what they do there are votes. One vote is missing.
fn long_after_a_taking_over(later: usize, votes: &[(u8, usize)]) -> (Room, u64) {
    let mut room = Room::of(MEMBERS);
    let taking = room.commit(30, change(vec![], &[1]), 66).unwrap();
    room.ack(31, taking, 66).unwrap();
    let steps: Vec<u64> = (0..later)
        .map(|n| room.commit(30 + (n % 2) as u8, change(vec![], &[]), (n % 60) as u8).unwrap())
        .collect();
    for (by, nth) in votes {
        assert_eq!(room.vote(*by, steps[*nth]), Ok(0));
    }
    for by in 1..=MEMBERS / 2 {
        assert_eq!(room.vote(by, taking), Ok(0));
    }
    (room, taking)
}

#[test]
fn undoing_the_oldest_step_asks_for_the_votes_that_there_are_and_for_no_others() {
    let votes = [(2, 7), (3, 7), (2, 90)];
    let (room, taking) = long_after_a_taking_over(200, &votes);
    let rows = Counted::of(&room.state);
    let (step, decides) = (room.step_name(taking), MEMBERS / 2 + 1);
    let signature = sign(key(decides), &ballot_statement(&ROOM, &GENERATION, taking, &step));
    let ballot = Ballot { seq: taking, step, signature };
    let what = Publish {
        room: &ROOM,
        generation: &GENERATION,
        seq: room.seq + 1,
        now_ms: room.now_ms,
        max_keys: 32,
        key: key(decides),
        commit: None,
        ack: None,
        ballot: Some(&ballot),
    };
    let changes = super::super::publish(&room.state.head, &rows, &Toy, &what).unwrap().unwrap();
    assert_eq!(changes.undone, taking);
    // There are 200 later steps and 31 keys.
    assert_eq!(rows.votes.get(), votes.len());
    assert!(rows.looked_up.get() < 10, "{} look-ups", rows.looked_up.get());
    assert!(rows.lists.get() < 10, "{} lists", rows.lists.get());
}

#[test]
fn votes_on_what_comes_after_an_undone_step_still_count() {
    let (mut room, taking) = long_after_a_taking_over(20, &[(2, 3), (3, 3), (2, 9)]);
    room.vote(MEMBERS / 2 + 1, taking).unwrap();
    let votes: Vec<u64> = room.state.all_steps().map(|step| step.votes).filter(|votes| *votes > 0).collect();
    assert_eq!(votes, [16, 2, 1]);
}

#[test]
fn votes_of_who_came_with_an_undone_step_do_not_count_any_more() {
    let mut room = Room::of(5);
    let taking = room.commit(4, change(vec![member(6)], &[]), 66).unwrap();
    room.ack(5, taking, 66).unwrap();
    let later = room.commit(4, change(vec![], &[1]), 67).unwrap();
    room.ack(5, later, 67).unwrap();
    for by in [6, 2] {
        assert_eq!(room.vote(by, later), Ok(0));
    }
    for by in [1, 2, 3] {
        room.vote(by, taking).unwrap();
    }
    assert_eq!(room.state.step_of(later).map(|step| (step.votes, step.voters)), Some((1, 5)));
    assert_eq!((room.vote(3, later), room.vote(1, later)), (Ok(0), Ok(later)));
    assert!(room.is_in(1));
}

#[test]
fn votes_on_what_is_forgotten_go_with_it_and_no_others() {
    let mut room = Room::of(5);
    let first = room.commit(1, change(vec![], &[]), 1).unwrap();
    room.ack(2, first, 1).unwrap();
    room.now_ms += 20 * DAY;
    let second = room.commit(1, change(vec![], &[]), 2).unwrap();
    room.ack(2, second, 2).unwrap();
    for seq in [first, second] {
        room.vote(3, seq).unwrap();
    }
    room.now_ms += 11 * DAY;
    room.commit(1, change(vec![], &[]), 3).unwrap();
    assert_eq!(room.state.all_votes().collect::<Vec<_>>(), [&(second, key(3))]);
}
