//! The relay's clock: `relay clock accept`.

use std::{io, path::Path};

use hyper::StatusCode;
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
    let data_dir = admin.data_dir.clone();
    let accepted = tokio::task::spawn_blocking(move || {
        let by_ms = clock.accept().map_err(|error| unsaved(&data_dir, &error))?;
        Ok::<_, Fault>(Accepted { v: 1, by_ms, retention_behind_s: clock.status().retention_behind_s })
    });
    Reply::json(&accepted.await.map_err(|_| Fault::unavailable())??)
}

fn unsaved(data_dir: &Path, error: &io::Error) -> Fault {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space",
        _ => "make that directory writable for the relay's user",
    };
    let message = format!(
        "the relay's clock was left as it was, because it cannot be written to the file `clock` in {}: {error}; \
         {remedy}, and run `relay clock accept` again",
        data_dir.display()
    );
    Fault::new(StatusCode::INSUFFICIENT_STORAGE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_that_cannot_be_saved_is_a_refusal_with_cause_and_remedy() {
        let said = |kind: io::ErrorKind| unsaved(Path::new("/data"), &kind.into()).message;
        let full = said(io::ErrorKind::StorageFull);
        assert!(full.contains("in /data: no storage space; free some space, and run"), "{full}");
        assert!(said(io::ErrorKind::PermissionDenied).contains("make that directory writable"));
    }
}
