//! The relay's own clock: what it writes into logs, and what it judges invites, tokens and retention by.
//!
//! ```text
//! wall clock ──┐
//!              ├─▶ timeline (judges, no I/O) ─▶ now_ms   entries, invites, tokens, votes
//! monotonic ───┘        ▲                    └▶ aged_ms  retention, idle rooms
//!                     mark (file `clock`, survives restarts)
//! ```
//!
//! The system's wall clock may be wrong by years: an empty battery, a typo, a false time server. What the relay does by
//! time cannot be taken back, so it believes its own clock, which goes on as the monotonic one does, and follows the
//! wall clock only as far as [`timeline`] says. Certificates are the exception: whoever checks them has another clock.

mod doubt;
mod mark;
mod source;
mod timeline;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

pub use self::source::{SystemTimeSource, TimeSource};
use self::{
    mark::Mark,
    timeline::{Event, Reading, Timeline},
};

/// Time between two looks at the wall clock.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Milliseconds between two marks on the disk while nothing happens. A mark that is older costs nothing on the same
/// boot, whose monotonic clock is in it; after another boot, the time looks like time switched off.
const SAVE_EVERY: u64 = 10 * 60 * 1000;

/// What the system's wall clock says: for certificates, and for commands that people give. Unix milliseconds; 0 on a
/// machine that believes in a time before 1970.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A running relay's clock.
#[derive(Debug)]
pub(crate) struct Clock {
    source: Arc<dyn TimeSource>,
    directory: PathBuf,
    /// The relay's time minus the monotonic one: who asks for the time takes no lock.
    offset: AtomicI64,
    aged: AtomicU64,
    /// Never held while the disk is waited for.
    timeline: Mutex<Timeline>,
    /// The relay before this one ended in order, or there was none.
    had_ended: bool,
    /// Taken before the timeline by whoever may write a mark, so that marks are written in order.
    marks: Mutex<Marks>,
}

#[derive(Debug, Default)]
struct Marks {
    /// What the monotonic clock said when the last one was written.
    at: u64,
    /// It could not be written, and that was said.
    is_unsaved: bool,
}

/// The clock, for its operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockStatus {
    /// The relay's time, Unix milliseconds.
    pub now_ms: u64,
    /// Seconds that the system's clock is ahead of it; negative if it is behind.
    pub ahead_s: i64,
    /// The system's clock is so far off that it is not believed.
    pub held: bool,
    /// Seconds for which the system's clock has to stay as it is until it is believed; `None` for never.
    pub believed_in_s: Option<u64>,
    /// Seconds that retention is behind the relay's time.
    pub retention_behind_s: u64,
}

impl Clock {
    /// Goes on from the mark in `directory`. Without one it believes the wall clock; retention then begins at
    /// `newest_ms`, the time of the newest entry in any room, 0 for none. That is asked for only then, and when the mark
    /// says that it is later than the wall clock does. Blocks.
    pub(crate) fn open(
        directory: &Path,
        source: Arc<dyn TimeSource>,
        newest_ms: impl FnOnce() -> u64,
    ) -> Self {
        let reading = Reading::of(&*source);
        let mark = mark::read(directory);
        let is_plain = mark.as_ref().is_some_and(|mark| mark.aged_ms <= reading.wall_ms);
        let newest_ms = if is_plain { 0 } else { newest_ms() };
        let (timeline, event) = Timeline::start(mark.as_ref(), &source.boot(), newest_ms, &reading);
        let clock = Self {
            source,
            directory: directory.to_owned(),
            offset: timeline.offset().into(),
            aged: timeline.aged_ms().into(),
            timeline: Mutex::new(timeline),
            had_ended: mark.is_none_or(|mark| mark.ended),
            marks: Mutex::default(),
        };
        say(event);
        clock.begin_or_end(false);
        clock
    }

    /// The relay's time, Unix milliseconds. On the path of every message: one reading of the monotonic clock.
    pub(crate) fn now_ms(&self) -> u64 {
        self.source.elapsed_ms().saturating_add_signed(self.offset.load(Ordering::Relaxed))
    }

    /// The time that retention goes by, Unix milliseconds: never ahead of [`Clock::now_ms`], and behind it after a jump.
    pub(crate) fn aged_ms(&self) -> u64 {
        self.aged.load(Ordering::Relaxed)
    }

    /// The time by which what was promised until a moment is over, Unix milliseconds: [`Clock::now_ms`] itself, and
    /// [`Clock::aged_ms`] while that is behind by more than it was not looked at.
    pub(crate) fn due_ms(&self) -> u64 {
        let (now, aged) = (self.now_ms(), self.aged_ms());
        let unseen = 2 * u64::try_from(LOOK_EVERY.as_millis()).unwrap_or(u64::MAX);
        if now.saturating_sub(aged) <= unseen { now } else { aged }
    }

    /// Looks at the wall clock, says in one line what is new about it, and writes a mark when that is due. Blocks.
    pub(crate) fn look(&self) {
        let mut marks = lock(&self.marks);
        let (reading, event) = self.observe();
        if event.is_some() || reading.elapsed_ms.saturating_sub(marks.at) >= SAVE_EVERY {
            self.save(&mut marks, &reading, false);
        }
    }

    /// Takes the wall clock as it is, because the operator says that it is right. Returns by how many milliseconds the
    /// relay's time changes. Blocks.
    ///
    /// # Errors
    /// What the disk says, if it cannot be told to the next life. Then nothing has changed: a time that has been written
    /// into logs must not be forgotten by a restart.
    pub(crate) fn accept(&self) -> io::Result<i64> {
        let mut marks = lock(&self.marks);
        let reading = Reading::of(&*self.source);
        let mut accepted = lock(&self.timeline).clone();
        accepted.accept(&reading);
        self.write(&mut marks, &self.mark(&accepted, &reading))?;
        let by_ms = {
            let mut timeline = lock(&self.timeline);
            let by_ms = timeline.accept(&Reading::of(&*self.source));
            self.show(&timeline);
            by_ms
        };
        say(Some(Event::Accepted { by_ms }));
        Ok(by_ms)
    }

    /// How it is.
    pub(crate) fn status(&self) -> ClockStatus {
        let (reading, _) = self.observe();
        lock(&self.timeline).status(&reading)
    }

    /// The relay ends in order. Blocks.
    pub(crate) fn finish(&self) {
        self.begin_or_end(true);
    }

    /// Whether the relay before this one ended in order, or there was none.
    pub(crate) fn had_ended(&self) -> bool {
        self.had_ended
    }

    fn begin_or_end(&self, ended: bool) {
        let mut marks = lock(&self.marks);
        let (reading, _) = self.observe();
        self.save(&mut marks, &reading, ended);
    }

    fn observe(&self) -> (Reading, Option<Event>) {
        let mut timeline = lock(&self.timeline);
        let reading = Reading::of(&*self.source);
        let event = timeline.look(&reading);
        self.show(&timeline);
        say(event);
        (reading, event)
    }

    fn show(&self, timeline: &Timeline) {
        self.offset.store(timeline.offset(), Ordering::Relaxed);
        self.aged.store(timeline.aged_ms(), Ordering::Relaxed);
    }

    fn save(&self, marks: &mut Marks, reading: &Reading, ended: bool) {
        let mark = Mark { ended, ..self.mark(&lock(&self.timeline), reading) };
        match self.write(marks, &mark) {
            // Once: it is tried again every few minutes.
            Err(error) if !marks.is_unsaved => {
                tracing::warn!(%error, "the clock's mark cannot be written; a restart goes on from an older one");
                marks.is_unsaved = true;
            }
            _ => {}
        }
    }

    fn mark(&self, timeline: &Timeline, reading: &Reading) -> Mark {
        timeline.mark(self.source.boot(), reading)
    }

    fn write(&self, marks: &mut Marks, mark: &Mark) -> io::Result<()> {
        marks.at = mark.elapsed_ms;
        mark::write(&self.directory, mark)?;
        marks.is_unsaved = false;
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How the clock of a relay that does not run would be if it started now; `None` without a mark.
pub(crate) fn preview(directory: &Path) -> Option<ClockStatus> {
    let (mark, source) = (mark::read(directory)?, SystemTimeSource);
    let reading = Reading::of(&source);
    let (timeline, _) = Timeline::start(Some(&mark), &source.boot(), 0, &reading);
    Some(timeline.status(&reading))
}

fn say(event: Option<Event>) {
    const OPERATOR: &str = "if it is right, `relay clock accept` takes it at once";
    let Some(event) = event else { return };
    let by_s = event.by_ms() / 1000;
    match event {
        Event::Held { .. } => {
            tracing::warn!(by_s, "the system's clock jumped and is not believed; {OPERATOR}");
        }
        Event::WasOff { .. } => tracing::info!(by_s, "the machine was off for so long by its clock"),
        Event::Set { .. } => {
            tracing::info!(by_s, "the system's clock was set in this new relay's first minutes");
        }
        Event::Believed { .. } => {
            tracing::warn!(by_s, "the system's clock kept its new time for hours and is believed now");
        }
        Event::Right => tracing::info!("the system's clock agrees with the relay's again"),
        Event::Healed { .. } => {
            tracing::warn!(
                by_s,
                "the system's clock is back from a jump that was believed; so is the relay's"
            );
        }
        Event::Accepted { .. } => tracing::warn!(by_s, "the operator accepted the system's clock"),
    }
}
