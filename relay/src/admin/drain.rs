//! Before an upgrade: nobody is served any more, and the data are at rest, while the operator still gets answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use super::{Admin, Answer, Reply};
use crate::policy::limits::LAST_FRAME_TIME;

/// Time between two looks at who is still there.
const LOOK: Duration = Duration::from_millis(20);

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// Connections that are still open: their clients do not listen, and it does not wait for them.
    pub left: i64,
}

/// `POST /v1/drain`: answers once everybody was told, which takes two seconds at most.
pub(super) async fn answer(admin: &Admin) -> Answer {
    admin.shared.drain();
    tracing::info!(online = admin.shared.router().online(), "drained: no more connections are taken");
    let connections = &admin.shared.metrics.connections;
    let gone = async {
        while connections.get() > 0 {
            sleep(LOOK).await;
        }
    };
    // Once for acknowledgements, once for the last frame, as when it stops.
    let _ = timeout(LAST_FRAME_TIME * 2, gone).await;
    Reply::json(&Drained { left: connections.get() })
}
