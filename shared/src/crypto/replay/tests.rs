use std::collections::{BTreeSet, VecDeque};

use proptest::prelude::*;

use super::*;
use crate::crypto::aead::{Envelope, EnvelopeSecret, OpeningKey, Origin, Scope, SealingKey, Session};

/// Width of the exhaustive test, in bits: all states can still be visited.
const NARROW: u64 = 20;
type Narrow = Sliding<20>;

/// What a window is to say, from the plain set of what it accepted.
fn oracle(
    accepted: &impl Fn(u64) -> bool,
    greatest: Option<u64>,
    width: u64,
    s: u64,
) -> Result<Accepted, ReplayError> {
    match greatest {
        None => Ok(Accepted { skipped: s }),
        Some(g) if s > g => Ok(Accepted { skipped: s - g - 1 }),
        Some(g) if s + width <= g => Err(ReplayError::TooOld),
        Some(_) if accepted(s) => Err(ReplayError::Duplicate),
        Some(_) => Ok(Accepted { skipped: 0 }),
    }
}

/// A window and the set of all numbers below 128 that it accepted.
#[derive(Clone, Copy)]
struct State {
    window: Narrow,
    set: u128,
}

impl State {
    /// The last 20 numbers of the set. Two states that left 0 behind and have the same ones differ by a shift
    /// only: there are 2¹⁹ such forms, and 2²⁰ states, the empty one included, that have not left 0 behind.
    fn modulo_shift(&self) -> usize {
        let shift = self.window.greatest.map_or(0, |g| g.saturating_sub(NARROW - 1));
        usize::try_from(self.set >> shift).unwrap()
    }

    /// The same state with smaller numbers; the place in the ring stays.
    fn lowered(mut self) -> Self {
        while let Some(g) = self.window.greatest.filter(|g| *g >= 3 * NARROW) {
            self.window.greatest = Some(g - NARROW);
            self.set >>= NARROW;
        }
        self
    }

    /// The numbers that the window itself remembers, in the form of [`Self::modulo_shift`].
    fn remembered(&self) -> usize {
        let Some(g) = self.window.greatest else { return 0 };
        let least = g.saturating_sub(NARROW - 1);
        (least..=g).fold(0, |bits, s| bits | usize::from(self.window.is_seen(s)) << (s - least))
    }
}

/// Visits all states and tries all steps from −22 to +22; with `phases` each state at each place of the ring.
fn explore(phases: bool) -> usize {
    let places = if phases { NARROW } else { 1 };
    // A state that has not left 0 behind has its place in the ring fixed; the others come after them.
    let key = |state: &State| {
        let moved = state.window.greatest.filter(|g| *g >= NARROW);
        let place = moved.map_or(0, |g| 1 + g % places);
        state.modulo_shift() + (usize::try_from(place).unwrap() << NARROW)
    };
    let mut visited = vec![false; usize::try_from(1 + places).unwrap() << NARROW];
    let start = State { window: Narrow::default(), set: 0 };
    visited[key(&start)] = true;
    let mut queue = VecDeque::from([start]);
    let mut count = 0;
    while let Some(state) = queue.pop_front() {
        count += 1;
        assert_eq!(Narrow::from_bytes(&state.window.to_bytes()), Ok(state.window), "stored and read");
        let head = state.window.greatest.unwrap_or(0);
        for s in head.saturating_sub(22)..=head + 22 {
            let expected = oracle(&|s| state.set >> s & 1 == 1, state.window.greatest, NARROW, s);
            let mut next = state;
            assert_eq!(state.window.check(s), expected.map(drop), "{:?} at {s}", state.window);
            assert_eq!(next.window.commit(s), expected, "{:?} at {s}", state.window);
            if expected.is_err() {
                assert_eq!(next.window, state.window, "refused and yet moved");
                continue;
            }
            next.set |= 1 << s;
            let next = next.lowered();
            assert_eq!(next.remembered(), next.modulo_shift(), "{:?} at {s}", state.window);
            if !std::mem::replace(&mut visited[key(&next)], true) {
                queue.push_back(next);
            }
        }
    }
    count
}

#[test]
fn every_state_answers_every_step_as_the_set_of_accepted_numbers_does() {
    assert_eq!(explore(false), (1 << 20) + (1 << 19));
}

#[test]
#[ignore = "a minute: the test above at each place of the ring"]
fn every_state_at_every_place_of_the_ring() {
    assert_eq!(explore(true), (1 << 20) + (20 << 19));
}

#[test]
fn numbered_boundaries_at_the_real_width() {
    use ReplayError::{Duplicate, TooOld};
    const MAX: u64 = u64::MAX;
    let table: [(u32, u64, Result<u64, ReplayError>); 36] = [
        (1, 0, Ok(0)),
        (2, 0, Err(Duplicate)),
        (3, 1, Ok(0)),
        (4, 1, Err(Duplicate)),
        (5, 1023, Ok(1021)),
        (6, 0, Err(Duplicate)),
        (7, 2, Ok(0)),
        (8, 1024, Ok(0)),
        (9, 0, Err(TooOld)),
        (10, 1, Err(Duplicate)),
        (11, 1022, Ok(0)),
        (12, 1022, Err(Duplicate)),
        (13, 1025, Ok(0)),
        (14, 1, Err(TooOld)),
        (15, 2, Err(Duplicate)),
        (16, 3, Ok(0)),
        (17, 2048, Ok(1022)),
        (18, 1024, Err(TooOld)),
        (19, 1025, Err(Duplicate)),
        (20, 1026, Ok(0)),
        (21, 3072, Ok(1023)),
        (22, 2048, Err(TooOld)),
        (23, 2049, Ok(0)),
        (24, 3071, Ok(0)),
        (25, MAX - 1024, Ok(MAX - 1024 - 3072 - 1)),
        (26, 3072, Err(TooOld)),
        (27, MAX - 1, Ok(1022)),
        (28, MAX - 1024, Err(Duplicate)),
        (29, MAX, Ok(0)),
        (30, MAX, Err(Duplicate)),
        (31, MAX - 1, Err(Duplicate)),
        (32, MAX - 1024, Err(TooOld)),
        (33, MAX - 1023, Ok(0)),
        (34, MAX - 1023, Err(Duplicate)),
        (35, 1023, Err(TooOld)),
        (36, 0, Err(TooOld)),
    ];
    let mut window = Window::default();
    for (number, sequence, expected) in table {
        assert_eq!(window.check(sequence), expected.map(drop), "{number}: check");
        assert_eq!(window.commit(sequence).map(|a| a.skipped), expected, "{number}: commit");
        window = Window::from_bytes(&window.to_bytes()).unwrap();
    }
}

#[test]
fn first_number_may_be_the_greatest_there_is() {
    let mut window = Window::default();
    assert_eq!(window.greatest(), None);
    assert_eq!(window.commit(u64::MAX), Ok(Accepted { skipped: u64::MAX }));
    assert_eq!(window.commit(u64::MAX), Err(ReplayError::Duplicate));
    assert_eq!(window.greatest(), Some(u64::MAX));
}

#[test]
fn window_in_any_order_accepts_each_number_once() {
    for reverse in [false, true] {
        let mut window = Window::default();
        let mut numbers: Vec<u64> = (5..5 + 1024).collect();
        if reverse {
            numbers.reverse();
        }
        assert!(numbers.iter().all(|s| window.commit(*s).is_ok()));
        assert!(numbers.iter().all(|s| window.commit(*s) == Err(ReplayError::Duplicate)));
    }
}

/// As a receiver does it: check, open, commit.
fn receive(window: &mut Window, key: &OpeningKey, bytes: &[u8]) -> Result<u64, String> {
    let envelope = Envelope::parse(bytes).map_err(|e| e.to_string())?;
    window.check(envelope.sequence()).map_err(|e| e.to_string())?;
    key.open(&envelope).map_err(|e| e.to_string())?;
    window.commit(envelope.sequence()).map(|accepted| accepted.skipped).map_err(|e| e.to_string())
}

#[test]
fn forgery_never_moves_the_window() {
    let secret = EnvelopeSecret::new([0x71; 32]);
    let scope = Scope { room: proto::RoomId([1; 32]), epoch: 1, origin: Origin::Leaf(1) };
    let session = Session([2; 8]);
    let (mut sealing, key) =
        (SealingKey::new(&secret, &scope, session), OpeningKey::new(&secret, &scope, session));
    let envelopes: Vec<_> = (0..4).map(|_| sealing.seal(b"hello").unwrap()).collect();
    let mut window = Window::default();
    assert_eq!(receive(&mut window, &key, &envelopes[0]), Ok(0));
    let before = window;
    // Genuine but for a sequence number far ahead, which would push all honest ones out of the window.
    for at in 13..21 {
        for bit in 0..8 {
            let mut forged = envelopes[1].clone();
            forged[at] ^= 1 << bit;
            assert!(receive(&mut window, &key, &forged).is_err());
            assert_eq!(window, before);
        }
    }
    assert_eq!(receive(&mut window, &key, &envelopes[3]), Ok(2), "two are missing");
    assert_eq!(receive(&mut window, &key, &envelopes[1]), Ok(0), "one came late");
    for again in [0, 1, 3] {
        assert_eq!(
            receive(&mut window, &key, &envelopes[again]),
            Err(ReplayError::Duplicate.to_string()),
            "{again}"
        );
    }
}

#[test]
fn stored_window_is_small_and_garbage_is_refused() {
    let mut window = Window::default();
    assert_eq!(window.to_bytes(), [1]);
    for s in 0..3000 {
        window.commit(s).unwrap();
    }
    assert_eq!(window.to_bytes(), [1, 0, 0, 0, 0, 0, 0, 11, 183]);
    window.commit(3003).unwrap();
    assert_eq!(window.to_bytes(), [1, 0, 0, 0, 0, 0, 0, 11, 187, 0b111]);
    let mut lonely = Window::default();
    lonely.commit(u64::MAX).unwrap();
    assert_eq!(lonely.to_bytes().len(), 137);
    let long = [&lonely.to_bytes()[..], &[1]].concat();
    let mut outside = lonely.to_bytes();
    outside[136] |= 0x80;
    let table: [(&str, &[u8]); 9] = [
        ("nothing", &[]),
        ("unknown version", &[2]),
        ("version 0", &[0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ("half a number", &[1, 0, 0, 0, 0]),
        ("zero at the end", &[1, 0, 0, 0, 0, 0, 0, 0, 9, 0]),
        ("missing number below 0", &[1, 0, 0, 0, 0, 0, 0, 0, 3, 0b1000]),
        ("missing number below 0 in another byte", &[1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 1]),
        ("too long", &long),
        ("bit outside the window", &outside),
    ];
    for (wrong, bytes) in table {
        assert_eq!(Window::from_bytes(bytes), Err(WindowError), "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_history_answers_as_its_set_does(steps in proptest::collection::vec((-1100_i64..1100, any::<bool>()), 0..300), base in any::<u64>()) {
        let mut window = Window::default();
        let mut accepted = BTreeSet::new();
        let mut last = base.clamp(5_000_000, u64::MAX - 5_000_000);
        for (step, restart) in steps {
            let s = last.saturating_add_signed(step);
            let greatest = accepted.last().copied();
            let expected = oracle(&|s| accepted.contains(&s), greatest, 1024, s);
            prop_assert_eq!(window.commit(s), expected);
            if expected.is_ok() {
                accepted.insert(s);
            }
            last = s;
            if restart {
                window = Window::from_bytes(&window.to_bytes()).unwrap();
            }
        }
    }

    #[test]
    fn any_bytes_read_as_a_window_are_what_it_stores(bytes in proptest::collection::vec(any::<u8>(), 0..140)) {
        let bytes = [&[VERSION], &bytes[..]].concat();
        if let Ok(window) = Window::from_bytes(&bytes) {
            prop_assert_eq!(window.to_bytes(), bytes);
        }
    }
}
