//! Reading the settings again at the operator's request. Whoever runs the relay knows where they come from, so the
//! request is passed on.

use std::time::Duration;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{Admin, Answer, Fault, Reply};

/// Requests waiting; further ones wait in their connections.
const WAITING: usize = 1;

/// Time for whoever runs the relay: files are read, perhaps from a slow disk.
const TIME: Duration = Duration::from_secs(30);

/// What reading the settings again brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// In force now.
    pub changed: Vec<Change>,
    /// In force after the next start.
    pub needs_restart: Vec<Change>,
    /// What went wrong; what was in force before stays.
    pub failed: Vec<String>,
}

/// One setting with another value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its name.
    pub setting: String,
    /// In force before; empty when it was unset or is a secret.
    pub from: String,
    /// Read now; empty when it is unset or is a secret.
    pub to: String,
}

/// Where the answer to one request goes.
pub type ReloadRequest = oneshot::Sender<Report>;

/// Both ends of the way from the operator to whoever runs the relay.
pub(crate) fn channel() -> (mpsc::Sender<ReloadRequest>, mpsc::Receiver<ReloadRequest>) {
    mpsc::channel(WAITING)
}

/// `POST /v1/reload`.
pub(super) async fn answer(admin: &Admin) -> Answer {
    let (answer, report) = oneshot::channel();
    let asked = async {
        admin.reloads.send(answer).await.ok()?;
        report.await.ok()
    };
    match timeout(TIME, asked).await {
        Ok(Some(report)) => Reply::json(&report),
        Ok(None) => Err(Fault::new(StatusCode::SERVICE_UNAVAILABLE, "the relay is stopping")),
        Err(_) => Err(Fault::new(
            StatusCode::GATEWAY_TIMEOUT,
            "the relay is still reading its settings; look at its log",
        )),
    }
}
