//! How the writer does, for the operator.

use prometheus_client::metrics::{
    counter::Counter,
    histogram::{Histogram, exponential_buckets},
};

/// Counted by the writer; cheap to clone, and all clones are the same.
#[derive(Clone, Debug)]
pub struct Stats {
    /// Seconds that a transaction took, from its beginning to the end of its fsync.
    pub commit_seconds: Histogram,
    /// Jobs in one transaction.
    pub batch_jobs: Histogram,
    /// Envelopes appended, each once however often it was sent.
    pub published: Counter,
    /// Their bytes.
    pub published_bytes: Counter,
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            // From 0.25 ms (a fast SSD) to 8 s (a disk that is in trouble).
            commit_seconds: Histogram::new(exponential_buckets(0.000_25, 2.0, 16)),
            // From one to BATCH_JOBS.
            batch_jobs: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            published: Counter::default(),
            published_bytes: Counter::default(),
        }
    }
}

/// What the writer says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// There is space to append.
    pub has_space: bool,
}
