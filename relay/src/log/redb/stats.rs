//! How the writer does, for the operator.

#[cfg(feature = "program")]
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

use crate::{
    log::SpaceError,
    ops::count::{Counter, Family, Histogram, exponential_buckets},
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
    /// Snapshots that were read, for whatever reason.
    pub reads: Counter,
    /// Entries that retention has removed, by the bound that they were over.
    pub(crate) trimmed: Family<BoundLabel, Counter>,
}

/// What a room's log is bounded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogBound {
    /// The age of its entries.
    Age,
    /// Their number.
    Entries,
    /// Their bytes.
    Bytes,
}

/// How many entries went in one transaction, by bound.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trimmed([u64; LogBound::ALL.len()]);

/// The label of [`Stats::trimmed`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "program", derive(EncodeLabelSet))]
pub(crate) struct BoundLabel {
    bound: LogBound,
}

impl LogBound {
    const ALL: [Self; 3] = [Self::Age, Self::Entries, Self::Bytes];
}

#[cfg(feature = "program")]
impl EncodeLabelValue for LogBound {
    /// The name of the setting that moves it, with underscores.
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let name = match self {
            Self::Age => "keep_days",
            Self::Entries => "keep_entries",
            Self::Bytes => "keep_mib",
        };
        EncodeLabelValue::encode(&name, encoder)
    }
}

impl Trimmed {
    /// One more.
    pub(super) fn count(&mut self, bound: LogBound) {
        for (known, count) in LogBound::ALL.into_iter().zip(&mut self.0) {
            *count += u64::from(known == bound);
        }
    }
}

impl Stats {
    /// A transaction is on the disk that removed these.
    pub(super) fn trimmed(&self, trimmed: Trimmed) {
        for (bound, count) in LogBound::ALL.into_iter().zip(trimmed.0) {
            if count > 0 {
                self.trimmed.get_or_create(&BoundLabel { bound }).inc_by(count);
            }
        }
    }

    /// How many entries went because of a bound.
    pub fn times_trimmed(&self, bound: LogBound) -> u64 {
        self.trimmed.get_or_create(&BoundLabel { bound }).get()
    }
}

impl Default for Stats {
    fn default() -> Self {
        let trimmed = Family::default();
        // Each is a series from the start, so that a first one is an increase.
        for bound in LogBound::ALL {
            drop(trimmed.get_or_create(&BoundLabel { bound }));
        }
        Self {
            trimmed,
            // From 0.25 ms (a fast SSD) to 8 s (a disk that is in trouble).
            commit_seconds: Histogram::new(exponential_buckets(0.000_25, 2.0, 16)),
            // From one to BATCH_JOBS.
            batch_jobs: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            published: Counter::default(),
            published_bytes: Counter::default(),
            reads: Counter::default(),
        }
    }
}

/// What the writer says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// What is missing to append, before it is tried.
    pub missing: Option<SpaceError>,
    /// Bytes of the database's file that are in use, its free pages left out as far as they are known.
    pub used: u64,
    /// The disk had no space for the last write, and seems to have none yet.
    pub is_full: bool,
}
