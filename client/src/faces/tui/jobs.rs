//! A job of a shell: stopped, and woken again.

#[cfg(unix)]
pub(super) use unix::Jobs;

#[cfg(not(unix))]
pub(super) use elsewhere::Jobs;

#[cfg(unix)]
mod unix {
    use std::time::Duration;

    use rustix::process::{Signal as Number, kill_current_process_group};
    use tokio::{
        signal::unix::{Signal, SignalKind, signal},
        time::timeout,
    };

    /// How long nothing stops us before it is clear that nobody will: no shell is there that could wake us.
    const ALONE: Duration = Duration::from_millis(200);

    /// Says when the program goes on. Without the signal, never.
    pub(in super::super) struct Jobs(Option<Signal>);

    impl Jobs {
        pub(in super::super) fn new() -> Self {
            Self(signal(SignalKind::from_raw(Number::CONT.as_raw())).ok())
        }

        /// Stops this program and those of its pipe.
        pub(in super::super) async fn stop(&mut self) {
            if kill_current_process_group(Number::TSTP).is_ok() {
                // Another thread may take the signal a little later.
                let _ = timeout(ALONE, self.continued()).await;
            }
        }

        pub(in super::super) async fn continued(&mut self) {
            match &mut self.0 {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    /// There are none.
    pub(in super::super) struct Jobs;

    impl Jobs {
        pub(in super::super) fn new() -> Self {
            Self
        }

        pub(in super::super) async fn stop(&mut self) {}

        pub(in super::super) async fn continued(&mut self) {
            std::future::pending().await
        }
    }
}
