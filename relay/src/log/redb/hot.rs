//! The way of a message through the log without sockets and threads: from a publish to frames for each reader. For counting
//! instructions (`relay/instructions`), which want no other thread beside.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use proto::{
    PublicKey, PublishId, RoomId,
    access::{AccessKey, Grant},
};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{
    Policy, Stats,
    access::GENERATION,
    database::Store,
    writer::{Job, Writer},
};
use crate::{
    log::{
        Author, Feed, Feeds, Opening, Publish,
        tail::{Next, ReadPermit},
    },
    policy::{limits::Limits, token::Right},
};

const ROOM: RoomId = RoomId([1; 32]);
const KEY: PublicKey = PublicKey([2; 32]);

/// What an envelope of a line takes.
const ENVELOPE: usize = 293;

/// One room, its writer, and who reads it.
pub struct HotPath {
    writer: Writer,
    policy: Policy,
    readers: Vec<(Feed, ReadPermit)>,
    said: u64,
    _directory: TempDir,
}

impl HotPath {
    /// A room in which something was said. `None` where its database cannot be made.
    pub fn new(readers: usize) -> Option<Self> {
        let directory = tempfile::tempdir().ok()?;
        let (feeds, policy) = (Feeds::default(), Policy::from(&Limits::default()));
        let store = Arc::new(Store::open(directory.path()).ok()?);
        let shared = Arc::new(Mutex::new(policy));
        let mut writer = Writer::new(store, feeds.clone(), shared, Arc::default(), Stats::default());
        let (answer, mut created) = oneshot::channel();
        let keys = vec![AccessKey { key: KEY, grant: Grant::Member }];
        let slot = b"slot".as_slice().into();
        let opening = Opening { slot, keys, authority: KEY, address: None };
        let right = Right::Anybody;
        let job = Job::Create { room: ROOM, opening, right, now_ms: 0, generation: [0; GENERATION], answer };
        writer.write(vec![job], &policy);
        created.try_recv().ok()?.ok()?;
        let follow = |_| {
            let (feed, permit) = (feeds.follow(ROOM), ReadPermit::new(KEY));
            permit.found(feed.generation());
            (feed, permit)
        };
        let readers = (0..readers).map(follow).collect();
        let mut path = Self { writer, policy, readers, said: 0, _directory: directory };
        // The first ones fill what is filled once.
        (0..20).try_for_each(|_| path.publish().map(drop))?;
        Some(path)
    }

    /// Publishes an envelope, and takes its frame for each reader. Returns their bytes; `None` if anything is missing.
    pub fn publish(&mut self) -> Option<usize> {
        let (answer, mut appended) = oneshot::channel();
        let id = PublishId(
            u128::from(self.said).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes(),
        );
        let publish = Publish::plain(id, Bytes::from_static(&[7; ENVELOPE]));
        let author = Author { room: ROOM, key: KEY, now_ms: self.said };
        self.writer.write(vec![Job::Append { author, publish, answer }], &self.policy);
        appended.try_recv().ok()?.ok()?;
        let mut bytes = 0;
        for (feed, permit) in &self.readers {
            let Next::Frames(frames) = feed.next(self.said, permit) else { return None };
            bytes += frames.bytes.len();
        }
        self.said += 1;
        Some(bytes)
    }
}
