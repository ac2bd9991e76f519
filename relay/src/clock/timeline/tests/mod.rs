use super::*;
use crate::clock::doubt::Doubt;

mod lives;
mod steps;

const START: u64 = 1_800_000_000_000;
const YEAR: u64 = 365 * DAY;
/// What a clock may be wrong by.
const JUMPS: [u64; 5] = [SECOND, HOUR, 10 * DAY, YEAR, 10 * YEAR];

/// A machine whose wall clock can be set.
struct Machine {
    wall: u64,
    elapsed: u64,
    boot: String,
}

impl Machine {
    fn reading(&self) -> Reading {
        Reading { wall_ms: self.wall, elapsed_ms: self.elapsed }
    }

    fn set(&mut self, by: i64) {
        self.wall = self.wall.saturating_add_signed(by);
    }

    fn start(&self, mark: Option<&Mark>) -> (Timeline, Option<Event>) {
        Timeline::start(mark, &self.boot, 0, &self.reading())
    }

    /// Time passes; the relay looks now and then. Returns what it said.
    fn pass(&mut self, timeline: &mut Timeline, time: u64) -> Vec<Event> {
        let mut events = Vec::new();
        let mut left = time;
        while left > 0 {
            let step = left.min(10 * SECOND);
            (self.wall, self.elapsed, left) = (self.wall + step, self.elapsed + step, left - step);
            events.extend(timeline.look(&self.reading()));
        }
        events
    }

    fn reboot(&mut self, off: u64) {
        self.wall += off;
        self.elapsed = 30 * SECOND;
        self.boot += "'";
    }
}

/// A relay that has run for a month.
fn settled() -> (Machine, Timeline) {
    let mut machine = Machine { wall: START, elapsed: HOUR, boot: "boot".into() };
    let (mut timeline, event) = machine.start(None);
    assert_eq!(event, None);
    assert_eq!(machine.pass(&mut timeline, 30 * DAY), []);
    assert_eq!((timeline.now, timeline.aged), (machine.wall, machine.wall));
    (machine, timeline)
}

fn mark(machine: &Machine, timeline: &Timeline) -> Mark {
    timeline.mark(machine.boot.clone(), &machine.reading())
}

fn signed(jump: u64, forward: bool) -> i64 {
    let jump = i64::try_from(jump).unwrap();
    if forward { jump } else { -jump }
}

#[test]
fn jump_while_it_runs_moves_neither_the_time_nor_retention() {
    for jump in JUMPS {
        for forward in [true, false] {
            let (mut machine, mut timeline) = settled();
            let right = machine.wall + HOUR;
            machine.set(signed(jump, forward));
            let events = machine.pass(&mut timeline, HOUR);
            let most = if jump <= TOLERANCE { jump } else { 0 };
            assert!(
                timeline.now.abs_diff(right) <= most,
                "{jump} {forward}: {}",
                timeline.now.abs_diff(right)
            );
            assert!(timeline.aged <= right + most);
            let by_ms = signed(jump, forward);
            let told = if jump <= TOLERANCE { vec![] } else { vec![Event::Held { by_ms }] };
            assert_eq!(events, told, "one line");
            // And back.
            machine.set(-signed(jump, forward));
            let told = if jump <= TOLERANCE { vec![] } else { vec![Event::Right] };
            assert_eq!(machine.pass(&mut timeline, HOUR), told);
            assert!(timeline.now.abs_diff(machine.wall) <= SECOND);
        }
    }
}

#[test]
fn jump_across_a_restart_on_one_boot_is_seen_as_what_it_is() {
    for jump in JUMPS {
        for forward in [true, false] {
            let (mut machine, timeline) = settled();
            let mark = mark(&machine, &timeline);
            // An hour's pause of the program alone.
            (machine.wall, machine.elapsed) = (machine.wall + HOUR, machine.elapsed + HOUR);
            let right = machine.wall;
            machine.set(signed(jump, forward));
            let (mut timeline, event) = machine.start(Some(&mark));
            let by_ms = signed(jump, forward);
            assert_eq!(event, (jump > TOLERANCE).then_some(Event::Held { by_ms }), "{jump}");
            assert!(timeline.now.abs_diff(right) <= jump.min(TOLERANCE));
            machine.pass(&mut timeline, HOUR);
            assert!(timeline.now <= right + HOUR + SECOND && timeline.aged <= timeline.now);
        }
    }
}

#[test]
fn jump_across_a_boot_is_believed_up_to_a_day_and_forward_alone() {
    for jump in JUMPS {
        for forward in [true, false] {
            let (mut machine, timeline) = settled();
            let (before, mark) = (machine.wall, mark(&machine, &timeline));
            machine.reboot(60 * SECOND);
            machine.set(signed(jump, forward));
            let (mut timeline, event) = machine.start(Some(&mark));
            let is_believed = forward && jump <= OFF;
            assert_eq!(
                timeline.now == machine.wall,
                is_believed && jump > TOLERANCE,
                "{jump} {forward} {event:?}"
            );
            if !is_believed {
                assert!(timeline.now == before);
            }
            assert_eq!(timeline.aged, before, "retention never jumps");
            machine.pass(&mut timeline, HOUR);
            assert!(timeline.aged <= before + 2 * HOUR);
            let most = if is_believed || jump <= TOLERANCE { jump + 60 * SECOND } else { 0 };
            assert!(timeline.now <= before + HOUR + most, "{jump} {forward}");
        }
    }
}

#[test]
fn night_off_is_believed_at_once_also_when_the_clock_is_set_a_minute_later() {
    let (mut machine, timeline) = settled();
    let mark = mark(&machine, &timeline);
    machine.reboot(9 * HOUR);
    let by_ms = signed(9 * HOUR, true);
    assert_eq!(machine.start(Some(&mark)).1, Some(Event::WasOff { by_ms }));
    // A machine without a battery begins where it ended.
    machine.set(-by_ms);
    let (mut timeline, event) = machine.start(Some(&mark));
    assert_eq!(event, None);
    machine.pass(&mut timeline, 60 * SECOND);
    machine.set(by_ms);
    assert_eq!(timeline.look(&machine.reading()), Some(Event::WasOff { by_ms }));
    // The same day is not believed twice.
    machine.set(signed(20 * HOUR, true));
    assert!(matches!(timeline.look(&machine.reading()), Some(Event::Held { .. })));
}

#[test]
fn month_off_needs_no_operator_and_retention_catches_up_slowly() {
    let (mut machine, timeline) = settled();
    let (before, mark) = (machine.wall, mark(&machine, &timeline));
    machine.reboot(30 * DAY);
    let (mut timeline, event) = machine.start(Some(&mark));
    let by_ms = signed(30 * DAY, true);
    assert_eq!(event, Some(Event::Held { by_ms }));
    assert_eq!(machine.pass(&mut timeline, CONFIRM - 10 * SECOND), []);
    assert!(timeline.now < before + DAY);
    assert_eq!(machine.pass(&mut timeline, 10 * SECOND), [Event::Believed { by_ms }]);
    assert_eq!(timeline.now, machine.wall);
    assert!(timeline.aged <= before + 2 * CONFIRM);
    machine.pass(&mut timeline, 10 * DAY);
    assert!(timeline.aged <= before + 21 * DAY, "twice as fast as time");
    machine.pass(&mut timeline, 25 * DAY);
    assert_eq!(timeline.aged, timeline.now, "and then it is there");
}

#[test]
fn time_that_a_jump_was_kept_for_is_counted_over_restarts() {
    let (mut machine, timeline) = settled();
    let mut next = mark(&machine, &timeline);
    machine.set(signed(YEAR, true));
    for life in 0.. {
        machine.reboot(OFF);
        let (mut timeline, _) = machine.start(Some(&next));
        let events = machine.pass(&mut timeline, 2 * HOUR);
        if let [.., Event::Believed { .. }] = events.as_slice() {
            assert_eq!(life, 2, "the third life of two hours");
            return;
        }
        assert!(life < 3);
        next = mark(&machine, &timeline);
    }
}

#[test]
fn clock_that_jumps_again_and_again_is_never_believed() {
    let (mut machine, mut timeline) = settled();
    let begun = machine.wall;
    for hour in 1..100 {
        machine.set(signed(DAY, hour % 2 == 0));
        machine.set(signed(DAY, true));
        machine.pass(&mut timeline, HOUR);
        assert!(timeline.now <= begun + hour * HOUR + SECOND, "{hour}");
    }
    // Nor is one that takes steps below what is noticed.
    let (mut machine, mut timeline) = settled();
    let begun = machine.wall;
    for _ in 0..1000 {
        machine.set(signed(TOLERANCE - SECOND, true));
        machine.pass(&mut timeline, 10 * SECOND);
    }
    assert!(timeline.now <= begun + 1000 * 11 * SECOND);
}

#[test]
fn false_jump_that_was_believed_heals_when_the_clock_is_right_again() {
    let (mut machine, mut timeline) = settled();
    machine.set(signed(YEAR, true));
    machine.pass(&mut timeline, CONFIRM + HOUR);
    assert_eq!(timeline.now, machine.wall);
    machine.pass(&mut timeline, DAY);
    machine.set(signed(YEAR, false));
    let by_ms = signed(YEAR, false);
    assert_eq!(machine.pass(&mut timeline, 10 * SECOND), [Event::Healed { by_ms }]);
    assert_eq!((timeline.now, timeline.aged), (machine.wall, machine.wall));
    // Another step back takes nothing back.
    machine.set(signed(HOUR, false));
    let by_ms = signed(HOUR, false);
    assert_eq!(machine.pass(&mut timeline, DAY), [Event::Held { by_ms }]);
    // And one after a week in which nobody doubted it, neither.
    let (mut machine, mut timeline) = settled();
    machine.set(signed(YEAR, true));
    machine.pass(&mut timeline, CONFIRM + DOUBT + HOUR);
    machine.set(signed(YEAR, false));
    let by_ms = signed(YEAR, false);
    assert_eq!(machine.pass(&mut timeline, HOUR), [Event::Held { by_ms }]);
}

#[test]
fn operator_takes_a_jump_at_once_and_retention_still_goes_slowly() {
    for forward in [true, false] {
        let (mut machine, mut timeline) = settled();
        let before = machine.wall;
        machine.set(signed(YEAR, forward));
        machine.pass(&mut timeline, HOUR);
        assert!(timeline.status(&machine.reading()).held);
        assert_eq!(timeline.accept(&machine.reading()), signed(YEAR, forward));
        assert_eq!(timeline.now, machine.wall);
        assert!(timeline.aged <= before + 2 * HOUR && timeline.aged <= timeline.now);
        assert!(!timeline.status(&machine.reading()).held);
        assert_eq!(machine.pass(&mut timeline, HOUR), []);
    }
}

#[test]
fn new_relay_takes_any_time_at_first_and_old_rooms_are_not_trimmed_by_it() {
    let mut machine = Machine { wall: 0, elapsed: 10 * SECOND, boot: "boot".into() };
    let (mut timeline, _) = machine.start(None);
    machine.set(signed(START, true));
    let by_ms = signed(START - 10 * SECOND, true);
    machine.elapsed += 10 * SECOND;
    assert_eq!(timeline.look(&machine.reading()), Some(Event::Set { by_ms }));
    assert_eq!(timeline.now, machine.wall);
    let reading = machine.reading();
    let (timeline, _) = Timeline::start(None, "boot", START - 60 * DAY, &reading);
    assert_eq!((timeline.now, timeline.aged), (START, START - 60 * DAY), "begins where the rooms end");
    let (timeline, _) = Timeline::start(None, "boot", START + YEAR, &reading);
    assert_eq!(timeline.aged, START);
}

#[test]
fn no_reading_and_no_mark_makes_it_panic_or_turn_the_time_back_by_itself() {
    let extremes = [0, 1, TOLERANCE, START, u64::MAX - 1, u64::MAX];
    for wall in extremes {
        for elapsed in extremes {
            for before in extremes {
                let mark = Mark {
                    v: mark::VERSION,
                    now_ms: before,
                    aged_ms: wall,
                    wall_ms: elapsed,
                    elapsed_ms: before,
                    boot: "boot".into(),
                    held_for_ms: Some(wall),
                    doubts: vec![Doubt { by_ms: before, agreed_ms: wall }; 2],
                    ended: true,
                };
                let reading = Reading { wall_ms: wall, elapsed_ms: elapsed };
                for boot in ["boot", "other", ""] {
                    let (mut timeline, _) = Timeline::start(Some(&mark), boot, wall, &reading);
                    for next in extremes {
                        timeline.look(&Reading { wall_ms: next, elapsed_ms: elapsed.saturating_add(next) });
                        assert!(timeline.aged <= timeline.now);
                        timeline.status(&reading);
                        timeline.offset();
                    }
                    timeline.accept(&reading);
                }
            }
        }
    }
}
