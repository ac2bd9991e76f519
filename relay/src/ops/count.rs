//! What is counted with: of the library that writes the numbers as text, or, where nobody asks for such text, the same in small.

#[cfg(feature = "program")]
pub use prometheus_client::metrics::{
    counter::Counter,
    family::Family,
    gauge::Gauge,
    histogram::{Histogram, exponential_buckets},
};

#[cfg(not(feature = "program"))]
pub use self::small::{Counter, Family, Gauge, Histogram, exponential_buckets};

#[cfg(not(feature = "program"))]
mod small {
    use std::{
        collections::HashMap,
        hash::Hash,
        sync::{
            Arc, Mutex, PoisonError,
            atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
        },
    };

    /// Only rises.
    #[derive(Clone, Debug, Default)]
    pub struct Counter(Arc<AtomicU64>);

    /// Rises and falls.
    #[derive(Clone, Debug, Default)]
    pub struct Gauge(Arc<AtomicI64>);

    /// Several of a kind, by label.
    #[derive(Clone, Debug)]
    pub struct Family<L, C>(Arc<Mutex<HashMap<L, C>>>);

    /// How many were how large: that is only for the text.
    #[derive(Clone, Debug)]
    pub struct Histogram;

    impl Counter {
        /// One more.
        pub fn inc(&self) {
            self.inc_by(1);
        }

        /// So many more.
        pub fn inc_by(&self, by: u64) {
            self.0.fetch_add(by, Relaxed);
        }

        /// How many.
        pub fn get(&self) -> u64 {
            self.0.load(Relaxed)
        }
    }

    impl Gauge {
        /// One more.
        pub fn inc(&self) {
            self.0.fetch_add(1, Relaxed);
        }

        /// One less.
        pub fn dec(&self) {
            self.0.fetch_sub(1, Relaxed);
        }

        /// How many.
        pub fn get(&self) -> i64 {
            self.0.load(Relaxed)
        }
    }

    impl<L, C> Default for Family<L, C> {
        fn default() -> Self {
            Self(Arc::default())
        }
    }

    impl<L: Clone + Eq + Hash, C: Clone + Default> Family<L, C> {
        /// The one of this label; all clones of it are the same.
        pub fn get_or_create(&self, label: &L) -> C {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(label.clone()).or_default().clone()
        }
    }

    impl Histogram {
        /// With these bounds.
        pub fn new(_: impl Iterator<Item = f64>) -> Self {
            Self
        }

        /// One was so large.
        pub fn observe(&self, _: f64) {}
    }

    /// Bounds, each so many times the one before.
    pub fn exponential_buckets(_: f64, _: f64, _: u16) -> impl Iterator<Item = f64> {
        std::iter::empty()
    }
}
