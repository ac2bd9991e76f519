//! The relay's clock: `relay clock accept`.

use serde::{Deserialize, Serialize};

use super::{Admin, Answer, Fault, Reply};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Version of this answer.
    pub v: u32,
    /// By how many milliseconds the relay's time changed; negative for back.
    pub by_ms: i64,
    /// Seconds that retention is behind it now.
    pub retention_behind_s: u64,
}

/// `POST /v1/clock/accept`: takes the system's clock as it is.
pub(super) async fn accept(admin: &Admin) -> Answer {
    let clock = admin.shared.clock.clone();
    let accepted = tokio::task::spawn_blocking(move || {
        let by_ms = clock.accept();
        Accepted { v: 1, by_ms, retention_behind_s: clock.status().retention_behind_s }
    });
    Reply::json(&accepted.await.map_err(|_| Fault::unavailable())?)
}
