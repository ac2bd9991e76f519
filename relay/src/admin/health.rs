//! Is it alive, and does it serve?

use std::time::Duration;

use hyper::StatusCode;
use tokio::time::timeout;

use super::{Admin, Reply};

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
    let reasons = reasons(admin).await;
    match reasons.is_empty() {
        true => Reply::text(TEXT, format!("ready\n{}", note(admin))),
        false => Reply::text(TEXT, reasons.concat()).with_status(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// What an operator should know though messages are taken.
fn note(admin: &Admin) -> &'static str {
    match admin.shared.clock.status().held {
        true => "the system's clock jumped and is not believed: see `relay status`\n",
        false => "",
    }
}

/// Why it takes no messages now.
pub(super) async fn reasons(admin: &Admin) -> Vec<&'static str> {
    let mut reasons = Vec::new();
    if *admin.shared.stopping.borrow() {
        reasons.push("it is stopping\n");
    }
    match timeout(PROBE_TIME, admin.backend.probe()).await {
        Ok(Ok(health)) if health.has_space => {}
        Ok(Ok(_)) => reasons.push("there is no space: nothing is appended, reading goes on\n"),
        Ok(Err(_)) => reasons.push("the database is shut: look at the log\n"),
        Err(_) => reasons.push("the disk does not keep up\n"),
    }
    reasons
}
