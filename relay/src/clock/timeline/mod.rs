//! What is believed of the wall clock. No I/O: readings go in, the relay's time comes out.
//!
//! The relay's time goes on as the monotonic clock does. What the wall clock may do to it:
//!
//! - **Drift.** Less than [`TOLERANCE`] away it is followed, by a tenth of the time that passes: no drift of a crystal and
//!   no step of a time service is more, and many small jumps do no more than one.
//! - **A jump forward** is held until the wall clock has kept its new time for [`CONFIRM`] of running. A time service
//!   mends a false clock within minutes; what is still so after hours, on a relay that tells its operator about it, is
//!   a machine that was off for long. So an honest pause needs no operator. The hours of an earlier life count for a
//!   clock that went on from there: as the monotonic one did on the same boot, by [`OFF`] at most on another.
//! - **A machine that was off.** On another boot than the last, and in its first minutes, when time services set the clock,
//!   [`OFF`] is believed at once: a night's pause is common, and a day too much takes a day from an invite and from
//!   retention, no more. A restart on the same boot leaves nothing to believe: the monotonic clock has gone on.
//! - **A new relay** knows no time but the wall clock's, and believes it whatever it does in these first minutes.
//! - **A jump back** is held for as long as it lasts, unless it takes back jumps forward that were believed within the
//!   last [`DOUBT`]: then those were false, and the relay's time is right again at once.
//!
//! Retention has a time of its own, which goes twice as fast as time passes while it is behind: after a jump, believed or
//! accepted, it catches up entry by entry instead of emptying rooms. Nothing that is trimmed by mistake comes back. A mark
//! that says more than the wall clock and the entries do may be another relay's, or damaged: retention begins where they
//! are until the wall clock agrees with the mark.

mod doubts;
mod event;
mod held;

pub(super) use self::event::Event;
use self::{doubts::Doubts, held::Held};
use super::{ClockStatus, TimeSource, mark, mark::Mark};

const SECOND: u64 = 1000;
const HOUR: u64 = 3600 * SECOND;
const DAY: u64 = 24 * HOUR;

/// How far the clocks may be apart: time services step by less, once a machine runs.
pub(super) const TOLERANCE: u64 = 300 * SECOND;
/// Of the time that passes, this part is the most that the wall clock is followed by.
const SLEW: u64 = 10;
/// How long a machine may have been off without a doubt.
pub(super) const OFF: u64 = DAY;
/// Time after the start in which the clock of a machine that was off is set.
pub(super) const SETTLE: u64 = 10 * 60 * SECOND;
/// Time that the wall clock has to keep what it jumped to, counted while the relay runs.
pub(super) const CONFIRM: u64 = 6 * HOUR;
/// A jump that was believed is beyond doubt after as much running in agreement.
pub(super) const DOUBT: u64 = 7 * DAY;

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub wall_ms: u64,
    pub elapsed_ms: u64,
}

/// The relay's time.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// The relay's time when the monotonic clock said `at`.
    now: u64,
    at: u64,
    /// Retention's time; never ahead of `now`.
    aged: u64,
    /// What it is no later than while only a mark says that it is.
    ceiling: Option<u64>,
    held: Option<Held>,
    doubts: Doubts,
    settling: Option<Settling>,
    /// Until when.
    settled: u64,
}

/// The first minutes.
#[derive(Clone, Copy, Debug)]
enum Settling {
    /// Of a machine that was off: how far its clock may still be set forward.
    Off { most: u64 },
    /// Of a new relay, whose clock may be set to anything; the time of the newest entry, 0 for none.
    New { newest: u64 },
}

impl Timeline {
    /// Goes on from a mark, or begins with the wall clock. `newest` is the time of the newest entry, 0 for none.
    pub(super) fn start(
        mark: Option<&Mark>,
        boot: &str,
        newest: u64,
        reading: &Reading,
    ) -> (Self, Option<Event>) {
        let mut timeline = match mark {
            None => Self::begin(newest, reading),
            Some(mark) => Self::go_on(mark, boot, reading),
        };
        let event = timeline.look(reading);
        let known = newest.max(reading.wall_ms);
        timeline.ceiling = (timeline.aged > known).then_some(known);
        (timeline, event)
    }

    fn begin(newest: u64, &Reading { wall_ms: wall, elapsed_ms: at }: &Reading) -> Self {
        Self {
            now: wall,
            at,
            aged: if newest == 0 { wall } else { newest.min(wall) },
            ceiling: None,
            held: None,
            doubts: Doubts::default(),
            settling: Some(Settling::New { newest }),
            settled: at.saturating_add(SETTLE),
        }
    }

    fn go_on(mark: &Mark, boot: &str, reading: &Reading) -> Self {
        let Reading { wall_ms: wall, elapsed_ms: at } = *reading;
        let is_same_boot = !boot.is_empty() && mark.boot == boot && mark.elapsed_ms <= at;
        // A clock that was held is one that goes on from there: by what has passed, or might have while all was off.
        let latest = mark.wall_ms.saturating_add(OFF + TOLERANCE);
        let might_be = mark.wall_ms.saturating_sub(TOLERANCE)..=latest;
        let kept = mark.held_for_ms.filter(|_| is_same_boot || might_be.contains(&wall));
        let was = Reading { wall_ms: mark.wall_ms, elapsed_ms: mark.elapsed_ms };
        let offset = offset(if is_same_boot { &was } else { reading });
        Self {
            now: mark.now_ms,
            at: if is_same_boot { mark.elapsed_ms } else { at },
            aged: mark.aged_ms.min(mark.now_ms),
            ceiling: None,
            held: kept.map(|before| Held { offset, before, since: at }),
            doubts: Doubts::new(mark.doubts.clone()),
            settling: (!is_same_boot).then_some(Settling::Off { most: OFF }),
            settled: at.saturating_add(SETTLE),
        }
    }

    /// Takes a reading.
    pub(super) fn look(&mut self, reading: &Reading) -> Option<Event> {
        let passed = self.pass(reading);
        let ahead = self.ahead(reading);
        let event = if ahead.unsigned_abs() <= u128::from(TOLERANCE) {
            self.follow(ahead, passed);
            self.held.take().map(|_| Event::Right)
        } else if ahead > 0 {
            self.jumped_forward(ahead, reading)
        } else {
            self.jumped_back(ahead, reading)
        };
        self.age(passed);
        event
    }

    /// Believes the wall clock.
    pub(super) fn accept(&mut self, reading: &Reading) -> i64 {
        let passed = self.pass(reading);
        let ahead = self.ahead(reading);
        self.believe(reading, ahead);
        self.age(passed);
        short(ahead)
    }

    /// The relay's time minus the monotonic one.
    pub(super) fn offset(&self) -> i64 {
        short(i128::from(self.now) - i128::from(self.at))
    }

    /// Retention's time.
    pub(super) fn aged_ms(&self) -> u64 {
        self.ceiling.map_or(self.aged, |ceiling| ceiling.min(self.aged))
    }

    /// For the next life.
    pub(super) fn mark(&self, boot: String, reading: &Reading) -> Mark {
        // What it said when it was first held, lest many small steps over many lives carry its hours to another clock.
        let held = self.held.as_ref().and_then(|held| u64::try_from(held.offset + i128::from(self.at)).ok());
        Mark {
            v: mark::VERSION,
            now_ms: self.now,
            aged_ms: self.aged,
            wall_ms: held.unwrap_or(reading.wall_ms),
            elapsed_ms: self.at,
            boot,
            ended: false,
            held_for_ms: self.held.as_ref().map(|held| held.for_ms(self.at)),
            doubts: self.doubts.to_vec(),
        }
    }

    /// For the operator.
    pub(super) fn status(&self, reading: &Reading) -> ClockStatus {
        let ahead = self.ahead(reading);
        let held = self.held.as_ref();
        let left = held.filter(|_| ahead > 0).map(|held| CONFIRM.saturating_sub(held.for_ms(self.at)));
        ClockStatus {
            now_ms: self.now,
            ahead_s: short(ahead) / 1000,
            held: held.is_some(),
            believed_in_s: left.map(|left| left / SECOND),
            retention_behind_s: self.now.saturating_sub(self.aged_ms()) / SECOND,
        }
    }

    /// The monotonic clock went on.
    fn pass(&mut self, reading: &Reading) -> u64 {
        let passed = reading.elapsed_ms.saturating_sub(self.at);
        self.at = self.at.max(reading.elapsed_ms);
        self.now = self.now.saturating_add(passed);
        passed
    }

    fn ahead(&self, reading: &Reading) -> i128 {
        i128::from(reading.wall_ms) - i128::from(self.now)
    }

    fn follow(&mut self, ahead: i128, passed: u64) {
        let most = i128::from(passed / SLEW);
        self.now = self.now.saturating_add_signed(short(ahead.clamp(-most, most)));
        self.ceiling = None;
        self.doubts.agree(passed);
    }

    fn jumped_forward(&mut self, ahead: i128, reading: &Reading) -> Option<Event> {
        let by_ms = short(ahead);
        match self.settling() {
            Some(Settling::New { newest }) => return Some(self.set(by_ms, newest, reading)),
            // What is used of the pause that may be believed is used up.
            Some(Settling::Off { most }) if ahead <= i128::from(most) => {
                let most = most.saturating_sub(by_ms.unsigned_abs());
                self.settling = Some(Settling::Off { most });
                self.believe(reading, ahead);
                return Some(Event::WasOff { by_ms });
            }
            _ => {}
        }
        let kept = self.held.as_ref().filter(|held| held.is_same(reading)).map(|held| held.for_ms(self.at));
        match kept {
            Some(kept) if kept >= CONFIRM => {
                self.believe(reading, ahead);
                Some(Event::Believed { by_ms })
            }
            Some(_) => None,
            None => Some(self.hold(by_ms, reading)),
        }
    }

    fn jumped_back(&mut self, ahead: i128, reading: &Reading) -> Option<Event> {
        let by_ms = short(ahead);
        if let Some(Settling::New { newest }) = self.settling() {
            return Some(self.set(by_ms, newest, reading));
        }
        if self.doubts.cover(ahead.unsigned_abs()) {
            self.believe(reading, ahead);
            return Some(Event::Healed { by_ms });
        }
        let is_known = self.held.as_ref().is_some_and(|held| held.is_same(reading));
        (!is_known).then(|| self.hold(by_ms, reading))
    }

    fn settling(&self) -> Option<Settling> {
        self.settling.filter(|_| self.at <= self.settled)
    }

    /// A new relay's clock was set: it begins anew, and there is nothing that could be taken back.
    fn set(&mut self, by_ms: i64, newest: u64, reading: &Reading) -> Event {
        *self = Self { settled: self.settled, ..Self::begin(newest, reading) };
        Event::Set { by_ms }
    }

    fn hold(&mut self, by_ms: i64, reading: &Reading) -> Event {
        self.held = Some(Held { offset: offset(reading), before: 0, since: self.at });
        Event::Held { by_ms }
    }

    fn believe(&mut self, reading: &Reading, ahead: i128) {
        self.now = reading.wall_ms;
        self.held = None;
        match u64::try_from(ahead) {
            Ok(0..=TOLERANCE) => {}
            Ok(by) => self.doubts.add(by),
            Err(_) => self.doubts.take_back(short(ahead).unsigned_abs()),
        }
    }

    /// Retention goes on.
    fn age(&mut self, passed: u64) {
        self.aged = self.aged.saturating_add(passed.saturating_mul(2)).min(self.now);
        self.ceiling = self.ceiling.map(|ceiling| ceiling.saturating_add(passed));
    }
}

impl Reading {
    pub(super) fn of(source: &dyn TimeSource) -> Self {
        Self { wall_ms: source.wall_ms(), elapsed_ms: source.elapsed_ms() }
    }
}

fn offset(reading: &Reading) -> i128 {
    i128::from(reading.wall_ms) - i128::from(reading.elapsed_ms)
}

fn short(long: i128) -> i64 {
    i64::try_from(long).unwrap_or(if long < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests;
