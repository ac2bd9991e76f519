//! What is going on, by room and by opener: what `relay top` shows. On the socket alone.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use super::{Admin, Answer, Fault, Reply, Request, rooms::hex};
use crate::{
    log::redb::{Activity, Busiest, Opener},
    ops::metrics::Limit,
};

/// Version of [`Top`] in JSON: raised when a field changes its meaning or goes, not when one comes.
const VERSION: u32 = 1;

/// Rooms and openers in one answer at most.
pub const MAX_ROWS: usize = 1000;

/// Those that are shown where nobody says how many: a screen.
const ROWS: usize = 20;

/// What is going on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Top {
    /// [`VERSION`].
    pub v: u32,
    /// The relay's clock, Unix milliseconds.
    pub now_ms: u64,
    /// Open connections.
    pub connections: i64,
    /// Members online, all rooms together.
    pub sessions: u64,
    /// Messages since the start.
    pub published: u64,
    /// Bytes of these.
    pub published_bytes: u64,
    /// Messages sent to members since the start.
    pub delivered: u64,
    /// Bytes of these.
    pub delivered_bytes: u64,
    /// Files that are on their way now.
    #[serde(default)]
    pub transfers: i64,
    /// Bytes of files received since the start.
    #[serde(default)]
    pub file_bytes_in: u64,
    /// Bytes of files sent since the start.
    #[serde(default)]
    pub file_bytes_out: u64,
    /// How often somebody ran into which limit since the start; only those that somebody ran into.
    pub limited: BTreeMap<String, u64>,
    /// The busiest rooms; of those that stand still, the largest.
    pub rooms: Vec<RoomTop>,
    /// The same of openers.
    pub openers: Vec<OpenerTop>,
}

/// A room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomTop {
    /// Its id in hexadecimal, which says nothing.
    pub id: String,
    /// Who opened it, by a name that says nothing; `None` where that is not known.
    pub opener: Option<String>,
    /// Members online.
    pub sessions: u64,
    /// Refusals, for as long as a member has been online.
    pub refused: u64,
    /// Its operator froze it.
    #[serde(default)]
    pub frozen: bool,
    /// Bytes of its files.
    #[serde(default)]
    pub file_bytes: u64,
    /// What is written there.
    #[serde(flatten)]
    pub work: Work,
}

/// Whoever opened rooms: a token, or an address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenerTop {
    /// A name that says nothing.
    pub id: String,
    /// Rooms that were opened and exist.
    pub rooms: u64,
    /// It opens no room any more.
    #[serde(default)]
    pub frozen: bool,
    /// What is written there.
    #[serde(flatten)]
    pub work: Work,
}

/// What is written, and kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Messages a second, of the last seconds.
    pub messages_per_s: f64,
    /// Bytes of these.
    pub bytes_per_s: f64,
    /// Bytes that are kept.
    pub bytes: u64,
}

/// `GET /v1/top?rows=N`.
pub(super) async fn answer(admin: &Admin, request: &Request) -> Answer {
    let rows = match request.query("rows").map(str::parse) {
        None => ROWS,
        Some(Ok(rows)) if (1..=MAX_ROWS).contains(&rows) => rows,
        Some(_) => {
            return Err(Fault::new(StatusCode::BAD_REQUEST, format!("rows must be from 1 to {MAX_ROWS}")));
        }
    };
    let Busiest { rooms, openers } = admin.backend.busiest(rows).await?;
    let (metrics, stats) = (&admin.shared.metrics, admin.backend.stats());
    let hit = Limit::ALL.into_iter().map(|limit| (limit.label().to_owned(), metrics.times_limited(limit)));
    let router = admin.shared.router();
    let rooms = rooms.into_iter().map(|(room, opener, activity)| {
        let (sessions, refused) = router.sessions(&room);
        let (opener, sessions, frozen) = (opener.as_ref().map(Opener::id), sessions as u64, activity.frozen);
        let (_, file_bytes) = admin.shared.blobs.of_room(&room);
        RoomTop { id: hex(&room), opener, sessions, refused, frozen, file_bytes, work: activity.into() }
    });
    let openers = openers.into_iter().map(|(opener, activity)| OpenerTop {
        id: opener.id(),
        rooms: activity.rooms,
        frozen: activity.frozen,
        work: activity.into(),
    });
    Reply::json(&Top {
        v: VERSION,
        now_ms: admin.shared.clock.now_ms(),
        connections: metrics.connections.get(),
        sessions: router.online() as u64,
        published: stats.published.get(),
        published_bytes: stats.published_bytes.get(),
        delivered: metrics.delivered.get(),
        delivered_bytes: metrics.bytes_out.get(),
        transfers: metrics.transfers.get(),
        file_bytes_in: metrics.file_bytes_in.get(),
        file_bytes_out: metrics.file_bytes_out.get(),
        limited: hit.filter(|(_, times)| *times > 0).collect(),
        rooms: rooms.collect(),
        openers: openers.collect(),
    })
}

impl From<Activity> for Work {
    fn from(activity: Activity) -> Self {
        let Activity { messages_per_s, bytes_per_s, bytes, .. } = activity;
        Self { messages_per_s, bytes_per_s, bytes }
    }
}
