//! The store for asynchronous callers: one at a time, off the reactor's threads.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Store, StoreError};

/// A shared handle to the store.
#[derive(Clone)]
pub struct Vault(Arc<Mutex<Store>>);

impl Vault {
    /// Wraps a store.
    pub fn new(store: Store) -> Self {
        Self(Arc::new(Mutex::new(store)))
    }

    /// Runs `work` on a thread that may block. Once begun it runs to its end, also if the caller goes away.
    ///
    /// # Errors
    /// What `work` returns, or [`StoreError::Stopping`] when the runtime is stopping.
    pub async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    {
        let store = self.0.clone();
        // SQLite rolls back what a panic interrupted, so the store is whole.
        let job = move || {
            let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
            #[cfg(test)]
            if store.crash_point.is_over(false) {
                return Err(super::crash_point::over());
            }
            let done = work(&mut store);
            #[cfg(test)]
            if store.crash_point.is_over(true) {
                return Err(super::crash_point::over());
            }
            done
        };
        match tokio::task::spawn_blocking(job).await {
            Ok(result) => result,
            Err(_) => Err(StoreError::Stopping),
        }
    }

    /// Runs `work` on this thread; for commands that have no runtime.
    ///
    /// # Errors
    /// What `work` returns.
    pub fn now<T>(&self, work: impl FnOnce(&mut Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
