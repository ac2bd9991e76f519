//! What only the very beginning of a program can tell: whether its standard output was closed.
//!
//! Before the first line of `main` the standard library opens `/dev/null` for each standard stream that is closed, so that no other
//! file takes its number. What is written there later goes nowhere, and looks like success. It cannot be told then: Python,
//! Node and `daemon(3)` give their children `/dev/null` opened in the same way, and mean it. So it is looked at before: the
//! loader calls what stands in a list of the program, and `main` after that.
//!
//! That needs `unsafe`, which is forbidden everywhere else: to stand in that list, and to name a descriptor by its number.

use std::sync::atomic::{AtomicBool, Ordering};

static CLOSED: AtomicBool = AtomicBool::new(false);

/// Standard output was closed when the program began: nothing that is written there arrives. Never so on Windows.
pub fn is_output_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

#[cfg(unix)]
mod unix {
    use std::{os::fd::BorrowedFd, sync::atomic::Ordering};

    use rustix::io::Errno;

    use super::CLOSED;

    // SAFETY: a list of functions that the loader calls before `main`, with arguments that these may ignore. This one needs
    // nothing of the standard library that `main` would have to prepare.
    #[used]
    #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
    #[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
    static LOOK: extern "C" fn() = look;

    extern "C" fn look() {
        // SAFETY: it is borrowed for one call, which only fails where there is no such descriptor.
        let output = unsafe { BorrowedFd::borrow_raw(1) };
        CLOSED.store(rustix::io::fcntl_getfd(output) == Err(Errno::BADF), Ordering::Relaxed);
    }
}
