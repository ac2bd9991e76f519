//! A library's panic where it is no mistake of this program: redb stops at bytes that no database of its own can hold.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    sync::Once,
};

thread_local! {
    /// What panics on this thread is caught and told in better words.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Runs it; `None` if it panicked. The panic's own words go into the log at debug, not to whoever reads the terminal.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| match CAUGHT.get() {
            true => tracing::debug!(%panic, "caught"),
            false => usual(panic),
        }));
    });
    let before = CAUGHT.replace(true);
    // Whoever calls lets go of all that was touched.
    let result = catch_unwind(AssertUnwindSafe(run));
    CAUGHT.set(before);
    result.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_becomes_an_answer_and_the_next_is_told_as_ever() {
        assert_eq!(caught(|| 7), Some(7));
        let outer = caught(|| {
            assert_eq!(caught(|| -> u32 { panic!("no page") }), None);
            CAUGHT.get()
        });
        assert_eq!(outer, Some(true), "one within another ends only itself");
        assert!(!CAUGHT.get());
    }
}
