//! Counts, in tests, what is done again and again, so that they can hold it against the length of what others sent.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// One more.
pub(super) fn step() {
    #[cfg(test)]
    STEPS.set(STEPS.get() + 1);
}

/// How many steps something takes.
#[cfg(test)]
pub(super) fn of(what: impl FnOnce()) -> usize {
    STEPS.set(0);
    what();
    STEPS.get()
}
