//! What one life of a relay leaves to the next.

use super::*;

/// A relay that has held a clock a year ahead for five of the six hours.
fn nearly_believed() -> (Machine, Mark) {
    let (mut machine, mut timeline) = settled();
    machine.set(signed(YEAR, true));
    machine.pass(&mut timeline, CONFIRM - HOUR);
    let mark = mark(&machine, &timeline);
    (machine, mark)
}

/// Whether the hours before the restart count.
fn is_counted_on(machine: &mut Machine, mark: &Mark) -> bool {
    let (mut timeline, _) = machine.start(Some(mark));
    let events = machine.pass(&mut timeline, HOUR + 10 * SECOND);
    events.iter().any(|event| matches!(event, Event::Believed { .. }))
}

#[test]
fn hours_of_a_held_jump_count_on_one_boot_for_that_clock_alone() {
    for (by, is_same) in [
        (0, true),
        (signed(TOLERANCE, true), true),
        (signed(TOLERANCE, false), true),
        (signed(TOLERANCE + 1, true), false),
        (signed(TOLERANCE + 1, false), false),
        (signed(DAY, true), false),
        (signed(9 * YEAR, true), false),
    ] {
        let (mut machine, mark) = nearly_believed();
        // The program alone was away; both clocks went on.
        (machine.wall, machine.elapsed) = (machine.wall + 2 * DAY, machine.elapsed + 2 * DAY);
        machine.set(by);
        assert_eq!(is_counted_on(&mut machine, &mark), is_same, "{by}");
    }
}

#[test]
fn small_steps_over_many_restarts_do_not_carry_the_hours_to_another_clock() {
    let (mut machine, mut mark) = nearly_believed();
    mark.held_for_ms = Some(0);
    for _ in 0..3 {
        (machine.wall, machine.elapsed) = (machine.wall + SECOND, machine.elapsed + SECOND);
        machine.set(signed(TOLERANCE, true));
        let (timeline, event) = machine.start(Some(&mark));
        if let Some(Event::Held { .. }) = event {
            return;
        }
        mark = super::mark(&machine, &timeline);
    }
    panic!("the clock was set by a quarter of an hour, and was the same all the while");
}

#[test]
fn hours_of_a_held_jump_count_on_another_boot_up_to_a_day_later() {
    let off = signed(OFF, true);
    let tolerance = signed(TOLERANCE, true);
    for (by, is_same) in [
        (0, true),
        (off + tolerance, true),
        (-tolerance, true),
        (off + tolerance + 1, false),
        (-tolerance - 1, false),
        (signed(9 * YEAR, true), false),
    ] {
        for boot in ["another", ""] {
            let (mut machine, mark) = nearly_believed();
            machine.reboot(0);
            machine.boot = boot.into();
            machine.set(by);
            assert_eq!(is_counted_on(&mut machine, &mark), is_same, "{by} {boot}");
        }
    }
}

#[test]
fn new_relay_whose_clock_is_set_has_retention_at_once_and_not_in_decades() {
    for newest in [0, START - 60 * DAY, START + YEAR] {
        let mut machine = Machine { wall: 0, elapsed: 10 * SECOND, boot: "boot".into() };
        let (mut timeline, _) = Timeline::start(None, "boot", newest, &machine.reading());
        machine.pass(&mut timeline, 60 * SECOND);
        machine.set(signed(START, true));
        let by_ms = signed(START, true);
        assert_eq!(timeline.look(&machine.reading()), Some(Event::Set { by_ms }));
        let begins = if newest == 0 { machine.wall } else { newest.min(machine.wall) };
        assert_eq!((timeline.now, timeline.aged_ms()), (machine.wall, begins), "{newest}");
        // A year too far, and back, within the first minutes.
        for forward in [true, false] {
            machine.set(signed(YEAR, forward));
            assert!(matches!(timeline.look(&machine.reading()), Some(Event::Set { .. })));
        }
        assert_eq!((timeline.now, timeline.aged_ms()), (machine.wall, begins), "{newest}");
    }
}

#[test]
fn clock_of_a_new_relay_that_was_set_is_no_jump_to_take_back() {
    let mut machine = Machine { wall: 0, elapsed: 10 * SECOND, boot: "boot".into() };
    let (mut timeline, _) = machine.start(None);
    machine.set(signed(START, true));
    machine.pass(&mut timeline, DAY);
    let (before, mark) = (machine.wall, mark(&machine, &timeline));
    assert_eq!(mark.doubts, []);
    // A machine without a battery begins in 1970 again.
    machine.reboot(0);
    machine.wall = 0;
    let (mut timeline, event) = machine.start(Some(&mark));
    assert!(matches!(event, Some(Event::Held { .. })), "{event:?}");
    machine.pass(&mut timeline, 60 * SECOND);
    assert!(timeline.now >= before);
}

#[test]
fn mark_from_the_future_trims_nothing() {
    let (mut machine, timeline) = settled();
    let mut future = mark(&machine, &timeline);
    for time in [&mut future.now_ms, &mut future.aged_ms, &mut future.wall_ms] {
        *time += YEAR;
    }
    for boot in ["boot", "another"] {
        for newest in [0, START, machine.wall] {
            machine.boot = boot.into();
            let start = |mark: &Mark| Timeline::start(Some(mark), boot, newest, &machine.reading()).0;
            assert_eq!(start(&future).aged_ms(), machine.wall, "{boot} {newest}");
            // Nor in a life after that.
            let next = mark(&machine, &start(&future));
            assert_eq!(start(&next).aged_ms(), machine.wall, "{boot} {newest}");
            assert_eq!(start(&next).status(&machine.reading()).retention_behind_s, YEAR / SECOND);
        }
    }
    let reading = machine.reading();
    let (mut timeline, _) = Timeline::start(Some(&future), "another", machine.wall + DAY, &reading);
    assert_eq!(timeline.aged_ms(), machine.wall + DAY, "entries are there to tell that it is later");
    let before = timeline.aged_ms();
    machine.pass(&mut timeline, HOUR);
    assert_eq!(timeline.aged_ms(), before + HOUR, "and retention goes on");
    timeline.accept(&machine.reading());
    assert_eq!((timeline.now, timeline.aged_ms()), (machine.wall, machine.wall));
}

#[test]
fn mark_from_the_future_trims_nothing_after_a_pause_of_the_program_either() {
    let (mut machine, timeline) = settled();
    let mut future = mark(&machine, &timeline);
    future.now_ms += YEAR;
    (machine.wall, machine.elapsed) = (machine.wall + 30 * DAY, machine.elapsed + 30 * DAY);
    let (timeline, _) = machine.start(Some(&future));
    assert_eq!(timeline.aged_ms(), machine.wall);
}

#[test]
fn retention_is_where_it_was_once_a_clock_without_a_battery_is_set() {
    let (mut machine, timeline) = settled();
    let (before, mark) = (machine.wall, mark(&machine, &timeline));
    machine.reboot(0);
    machine.wall = 0;
    let (mut timeline, _) = Timeline::start(Some(&mark), "another", before - 9 * DAY, &machine.reading());
    machine.pass(&mut timeline, 60 * SECOND);
    assert_eq!(timeline.aged_ms(), before - 9 * DAY + 60 * SECOND);
    machine.wall = before + HOUR;
    machine.pass(&mut timeline, 60 * SECOND);
    assert!(timeline.aged_ms() >= before, "{}", before - timeline.aged_ms());
}
