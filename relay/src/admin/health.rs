//! Is it alive, and does it serve?

use std::time::Duration;

use hyper::StatusCode;
use tokio::time::timeout;

use super::{Admin, Reply};
use crate::backend::{Lack, redb::Health};

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
        false => Reply::text(TEXT, reasons.join("\n") + "\n").with_status(StatusCode::SERVICE_UNAVAILABLE),
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
pub(super) async fn reasons(admin: &Admin) -> Vec<String> {
    let mut reasons = Vec::new();
    if *admin.shared.stopping.borrow() {
        reasons.push("it is stopping".to_owned());
    }
    match timeout(PROBE_TIME, admin.backend.probe()).await {
        Ok(Ok(health)) => reasons.extend(no_space(health, admin.shared.limits().free_space_reserve)),
        Ok(Err(_)) if admin.backend.is_full().await => {
            reasons
                .push("there is no space: the disk refused the last write, and the database is shut".into());
        }
        Ok(Err(_)) => reasons.push("the database is shut: look at the log".into()),
        Err(_) => reasons.push("the disk does not keep up".into()),
    }
    reasons
}

fn no_space(health: Health, reserve: u64) -> Option<String> {
    if health.has_space() {
        return None;
    }
    let why = match health.lack {
        Some(Lack::Free) => {
            format!("less than the reserve of {} MiB is free on the disk (--reserve-mib)", reserve >> 20)
        }
        Some(Lack::Share) => "the logs take all that they may (--max-disk-mib)".into(),
        // Others are taken.
        Some(Lack::Opener) => return None,
        None => return Some("there is no space: the disk refused the last write, reading goes on".into()),
    };
    Some(format!("there is no space: {why}; nothing is appended, reading goes on"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_space_is_missing_is_told() {
        let healthy = Health { lack: None, is_full: false };
        assert_eq!(no_space(healthy, 0), None);
        let why = |health| no_space(health, 256 << 20).unwrap();
        assert!(why(Health { lack: Some(Lack::Free), ..healthy }).contains("reserve of 256 MiB"));
        assert!(why(Health { lack: Some(Lack::Share), ..healthy }).contains("--max-disk-mib"));
        assert!(why(Health { is_full: true, ..healthy }).contains("refused the last write"));
    }
}
