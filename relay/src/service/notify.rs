//! What the service manager is told (`sd_notify`), where there is one.

use std::time::Duration;

use sd_notify::NotifyState;

/// How the relay is, for `systemctl status`.
pub(super) fn status(text: &str) {
    send(&[NotifyState::Status(text)]);
}

/// It serves (again, after [`reloading`]).
pub(super) fn ready(text: &str) {
    send(&[NotifyState::Ready, NotifyState::Status(text)]);
}

/// It reads its settings again.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[NotifyState::Reloading, now]),
        // Without the time the manager would take the reload for failed; it learns of it by `ready`.
        Err(_) => send(&[NotifyState::Status("reloading")]),
    }
}

/// It ends.
pub(super) fn stopping() {
    send(&[NotifyState::Stopping, NotifyState::Status("telling clients, flushing")]);
}

/// It is alive.
pub(super) fn alive() {
    send(&[NotifyState::Watchdog]);
}

/// How often the manager wants to hear that: half of the time after which it restarts the relay.
pub(super) fn watchdog() -> Option<Duration> {
    Some(sd_notify::watchdog_enabled()? / 2).filter(|half| !half.is_zero())
}

/// A manager that does not listen is its own affair.
fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager does not listen");
    }
}
