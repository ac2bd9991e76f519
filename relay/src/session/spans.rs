//! Which connection and which stream a line of the log is about: by number, and by nothing else.
//!
//! At `debug`, so that there are none unless somebody looks closely: the tasks of connections and streams enter theirs whenever
//! they go on, which is for each message. Where nobody listens that costs one look at whether there is a span.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tracing::{Span, debug_span};

/// For all that is logged of the next connection.
pub(super) fn connection() -> Span {
    static LAST: AtomicU64 = AtomicU64::new(0);
    debug_span!("connection", n = next(&LAST))
}

/// For all that is logged of the next stream, within its connection's.
pub(super) fn stream() -> Span {
    static LAST: AtomicU64 = AtomicU64::new(0);
    debug_span!("stream", n = next(&LAST))
}

fn next(last: &AtomicU64) -> u64 {
    last.fetch_add(1, Relaxed) + 1
}
