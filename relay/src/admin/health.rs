//! Is it alive, and does it serve?

use std::time::Duration;

use hyper::StatusCode;
use tokio::time::timeout;

use super::{Admin, Reply};
use crate::log::capacity::{Capacity, Plenty, Seen};

/// Time for the writer to answer: a busy disk needs less than this for what is queued, and who asks usually
/// waits no longer.
const PROBE_TIME: Duration = Duration::from_secs(5);

const TEXT: &str = "text/plain; charset=utf-8";

/// `GET /healthz`: this answer is the proof.
pub(super) fn alive() -> Reply {
    Reply::text(TEXT, "ok\n".into())
}

/// `GET /readyz`: 200, with a second line while the clock is not believed, or 503 with one line per reason.
pub(super) async fn ready(admin: &Admin) -> Reply {
    let Readiness { reasons, capacity } = readiness(admin).await;
    match reasons.is_empty() {
        true => Reply::text(TEXT, format!("ready\n{}", notes(admin, capacity.as_ref()))),
        false => Reply::text(TEXT, reasons.join("\n") + "\n").with_status(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// What an operator should know though messages are taken, a line each.
fn notes(admin: &Admin, capacity: Option<&Capacity>) -> String {
    let mut notes = String::new();
    if admin.shared.clock.status().held {
        notes += "the system's clock jumped and is not believed: see `relay status`\n";
    }
    if let Some(capacity) = capacity.filter(|capacity| capacity.level == Plenty::Low) {
        notes += &format!("{}\n", capacity.said);
    }
    notes
}

/// Whether messages are taken.
pub(super) struct Readiness {
    /// Why none are; empty when they are.
    pub reasons: Vec<String>,
    /// How much space there is; `None` when the writer does not say.
    pub capacity: Option<Capacity>,
}

/// Whether it takes messages now, and why not.
pub(super) async fn readiness(admin: &Admin) -> Readiness {
    let (mut reasons, mut capacity) = (Vec::new(), None);
    if admin.shared.is_drained() {
        reasons.push("it is drained and serves nobody: start it anew".to_owned());
    } else if *admin.shared.stopping.borrow() {
        reasons.push("it is stopping".to_owned());
    }
    match timeout(PROBE_TIME, admin.backend.probe()).await {
        Ok(Ok(health)) => {
            let judged = Seen::by(&health, admin.free_bytes(), &admin.shared.limits()).judge();
            if judged.level == Plenty::Nothing {
                reasons.push(judged.said.clone());
            }
            capacity = Some(judged);
        }
        Ok(Err(_)) if admin.backend.is_full().await => {
            reasons
                .push("there is no space: the disk refused the last write, and the database is shut".into());
        }
        Ok(Err(_)) => reasons.push("the database is shut: look at the log".into()),
        Err(_) => reasons.push("the disk does not keep up".into()),
    }
    Readiness { reasons, capacity }
}
