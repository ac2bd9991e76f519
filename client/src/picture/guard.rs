//! A panic of a decoder is its own affair.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
};

use super::Refused;

thread_local! {
    /// This thread decodes what others sent.
    static DECODES: Cell<bool> = const { Cell::new(false) };
}

/// Does work that may panic; then it is a picture that cannot be read.
pub(crate) fn quietly<T>(work: impl FnOnce() -> Result<T, Refused>) -> Result<T, Refused> {
    DECODES.set(true);
    // What the work leaves behind half done is dropped with it.
    let done = catch_unwind(AssertUnwindSafe(work));
    DECODES.set(false);
    done.unwrap_or(Err(Refused::Unreadable))
}

/// From now on nothing is said of such a panic, and whoever has the terminal keeps it: the hook there is now is for others.
pub(crate) fn hush() {
    let before = take_hook();
    set_hook(Box::new(move |panic| {
        if !DECODES.get() {
            before(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_of_a_decoder_is_a_picture_that_cannot_be_read() {
        let broken: Result<(), _> = quietly(|| panic!("index out of bounds"));
        assert_eq!(broken, Err(Refused::Unreadable));
        assert!(!DECODES.get(), "what comes later on this thread may be heard again");
        assert_eq!(quietly(|| Ok(5)), Ok(5));
    }
}
