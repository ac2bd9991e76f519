//! Steps of the wall clock while the relay runs: small ones, and several in a row.

use super::*;

#[test]
fn clock_that_is_a_little_off_is_followed_by_a_tenth_of_the_time_that_passes() {
    for forward in [true, false] {
        let (mut machine, mut timeline) = settled();
        let off = TOLERANCE - SECOND;
        machine.set(signed(off, forward));
        let mut aside = off;
        for minutes in [1, 5, 20] {
            let time = minutes * 60 * SECOND;
            assert_eq!(machine.pass(&mut timeline, time), []);
            aside -= time / SLEW;
            assert_eq!(timeline.now.abs_diff(machine.wall), aside, "{forward}");
        }
        machine.pass(&mut timeline, HOUR);
        assert_eq!(timeline.now, machine.wall, "and then it is there");
    }
}

/// A relay that believed a jump of a year an hour ago.
fn fooled() -> (Machine, Timeline) {
    let (mut machine, mut timeline) = settled();
    machine.set(signed(YEAR, true));
    machine.pass(&mut timeline, CONFIRM + HOUR);
    assert_eq!(timeline.now, machine.wall);
    (machine, timeline)
}

#[test]
fn jumps_that_were_believed_one_after_the_other_are_taken_back_together() {
    let (mut machine, mut timeline) = fooled();
    machine.set(signed(DAY, true));
    machine.pass(&mut timeline, CONFIRM + HOUR);
    // A night off, in the next life.
    let mark = mark(&machine, &timeline);
    machine.reboot(9 * HOUR);
    let (mut timeline, event) = machine.start(Some(&mark));
    assert!(matches!(event, Some(Event::WasOff { .. })));
    machine.set(signed(YEAR + DAY, false));
    assert!(matches!(timeline.look(&machine.reading()), Some(Event::Healed { .. })));
    assert_eq!(timeline.now, machine.wall);
    // What is left is the night.
    machine.set(signed(YEAR, false));
    assert!(matches!(timeline.look(&machine.reading()), Some(Event::Held { .. })));
    machine.set(signed(YEAR - 9 * HOUR, true));
    assert!(matches!(timeline.look(&machine.reading()), Some(Event::Healed { .. })));
}

#[test]
fn jump_that_is_taken_back_in_two_steps_heals_twice_and_no_more() {
    let (mut machine, mut timeline) = fooled();
    for by in [DAY, YEAR - DAY] {
        machine.set(signed(by, false));
        let by_ms = signed(by, false);
        assert_eq!(machine.pass(&mut timeline, HOUR), [Event::Healed { by_ms }]);
    }
    machine.set(signed(HOUR, false));
    let by_ms = signed(HOUR, false);
    assert_eq!(machine.pass(&mut timeline, HOUR), [Event::Held { by_ms }]);
}

#[test]
fn doubt_of_each_jump_ends_by_itself_and_nights_do_not_add_up_for_ever() {
    let (mut machine, mut timeline) = fooled();
    machine.pass(&mut timeline, DOUBT - DAY);
    machine.set(signed(DAY, true));
    machine.pass(&mut timeline, CONFIRM + DAY + HOUR);
    machine.set(signed(YEAR, false));
    let by_ms = signed(YEAR, false);
    assert_eq!(timeline.look(&machine.reading()), Some(Event::Held { by_ms }), "the year is beyond doubt");

    let (mut machine, mut timeline) = settled();
    for _ in 0..200 {
        machine.pass(&mut timeline, 15 * HOUR);
        let mark = mark(&machine, &timeline);
        machine.reboot(9 * HOUR);
        timeline = machine.start(Some(&mark)).0;
    }
    machine.set(signed(DOUBT, false));
    assert!(matches!(timeline.look(&machine.reading()), Some(Event::Held { .. })));
}

#[test]
fn accepting_a_clock_that_is_right_changes_nothing() {
    let (machine, mut timeline) = fooled();
    let before = format!("{timeline:?}");
    assert_eq!(timeline.accept(&machine.reading()), 0);
    assert_eq!(format!("{timeline:?}"), before);
}

#[test]
fn many_pauses_in_a_week_make_no_long_mark_and_are_still_taken_back_together() {
    let (mut machine, mut timeline) = settled();
    for _ in 0..40 {
        let mark = mark(&machine, &timeline);
        machine.reboot(HOUR);
        timeline = machine.start(Some(&mark)).0;
        machine.pass(&mut timeline, HOUR);
    }
    let mark = mark(&machine, &timeline);
    assert_eq!(mark.doubts.len(), doubts::MOST);
    machine.set(signed(40 * HOUR, false));
    assert!(matches!(timeline.look(&machine.reading()), Some(Event::Healed { .. })));
}
